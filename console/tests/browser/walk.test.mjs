// The how-to, word for word and in its order, twice: the portal (app, secret, permission, consent), then the
// console (New Connection, API Connector, Create, users), delegated and app-only.
//
//   node --test tests/browser/walk.test.mjs

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as portal from "./portal.mjs";
import { APP_ONLY, DELEGATED, PASSWORD, badge, create, fillIn, looksRight, openConnector, picture, showsUsers, signInAtProvider } from "./screens.mjs";
import { axe, person, raise } from "./stage.mjs";

let stage;
let admin;
let provider;
let redirectUri;

before(async () => {
  stage = await raise();
  admin = await person(stage);
});
after(async () => {
  assert.deepEqual([...(admin?.complaints ?? []), ...(provider?.complaints ?? [])], [], "the policies hold and no page broke");
  await stage?.lower();
});

/** App registrations → New registration, a secret, one permission of Graph, consent. */
async function registered(name, kind) {
  const { page } = provider;
  const app = await portal.register(page, name, redirectUri);
  if (kind === "Delegated") await picture(page, "portal-endpoints");
  Object.assign(app, await portal.newSecret(page));
  assert.deepEqual(await axe(page), [], page.url());
  if (kind === "Delegated") await picture(page, "portal-secret");
  await portal.addPermission(page, kind, "User.Read.All");
  await portal.grantConsent(page, "User.Read.All");
  assert.deepEqual(await axe(page), [], page.url());
  await picture(page, `portal-permissions-${kind.toLowerCase()}`);
  return app;
}

test("first start: setup token, first user, password", async () => {
  const { page } = admin;
  await page.goto(stage.url);
  await page.getByRole("heading", { name: "Set up Keyway" }).waitFor();
  await looksRight(page);
  await page.getByLabel("Setup token").fill("kwsetup_wrong");
  await page.getByLabel("Your user name").fill("admin");
  await page.getByLabel("A password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The password again").fill(PASSWORD);
  await page.getByRole("button", { name: /Create the administrator/ }).click();
  await page.getByRole("alert").getByText("setup token").first().waitFor();
  await page.getByLabel("Setup token").fill(stage.token);
  await page.getByRole("button", { name: /Create the administrator/ }).click();
  await page.getByRole("heading", { name: "No connections yet" }).waitFor();
  await looksRight(page);
});

test("the redirect URI stands on the first screen, before anything else is known", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/connections/new/api-connector`);
  redirectUri = await page.getByText(/\/oauth\/callback\/microsoft-graph$/).innerText();
  await page.getByRole("button", { name: /^Copy/ }).first().waitFor();
  assert.equal(redirectUri, `${stage.url}/oauth/callback/microsoft-graph`);
  provider = await portal.openPortal(stage);
});

test("delegated: register, secret, permission, consent; OAuth, Create, sign in, result card, users", async () => {
  const app = await registered("Keyway for people", "Delegated");
  const { page } = admin;
  await openConnector(stage, page, "graph", "OAuth");
  await looksRight(page);
  await fillIn(stage, page, app, DELEGATED);
  await looksRight(page);
  await picture(page, "console-form-delegated", "page");
  const user = stage.facts.users[1];
  await signInAtProvider(stage, page, () => create(page), user);
  await badge(page, "works").waitFor();
  await page.getByText(user.upn).first().waitFor();
  await page.getByText("yes: renewed without a person").waitFor();
  await picture(page, "console-card-delegated");
  await showsUsers(stage, page);
  await looksRight(page);
  await picture(page, "console-users");
});

test("app-only: register, secret, permission, consent; Client Credentials, header first, body second, users", async () => {
  const app = await registered("Keyway for itself", "Application");
  const { page } = admin;
  for (const method of ["Send as basic auth header (client_secret_basic)", "Send as basic auth body (client_secret_post)"]) {
    const name = `graph-${/_(\w+)\)$/.exec(method)[1].split("_")[1]}`;
    await openConnector(stage, page, name, "Client Credentials");
    await fillIn(stage, page, app, { ...APP_ONLY, method });
    await looksRight(page);
    await picture(page, "console-form-app-only", "page");
    await create(page);
    await badge(page, "works").waitFor();
    await showsUsers(stage, page);
    await looksRight(page);
    await picture(page, "console-card-app-only");
  }
  await page.goto(`${stage.url}/connections`);
  for (const name of ["graph", "graph-basic", "graph-post"]) await page.getByRole("link", { name, exact: true }).waitFor();
  await looksRight(page);
});
