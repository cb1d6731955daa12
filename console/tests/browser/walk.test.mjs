// The how-to, word for word, in a browser: first start, API Connector with OAuth and with Client Credentials,
// users as rows, then failures that are explained and cured by following the screen.
//
//   KEYWAY=…/keyway node --test tests/browser/
//
// The app registration is the sandbox's own until its portal exists; then `register` walks through the portal.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { axe, person, raise } from "./stage.mjs";

let stage;
let admin;
const password = "a fake sentence for the walk";

before(async () => {
  stage = await raise();
  admin = await person(stage);
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

/** No page may have a serious finding. */
async function looksRight(page) {
  await page.waitForLoadState("networkidle");
  assert.deepEqual(await axe(page), [], page.url());
}

/** What the portal shows: ids, endpoints, a secret. */
function register() {
  const { origin, tenant_id, app } = stage.facts;
  const endpoint = (name) => `${origin}/${tenant_id}/oauth2/v2.0/${name}`;
  return { clientId: app.client_id, secret: app.client_secret, authorize: endpoint("authorize"), token: endpoint("token") };
}

async function newConnector(page, name, type) {
  await page.goto(`${stage.url}/connections`);
  await page.getByRole("link", { name: "New Connection" }).click();
  await page.getByRole("link", { name: /^API Connector/ }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByLabel("Auth Type", { exact: true }).selectOption({ label: type });
}

/** Signs in at the provider in the window that opened, and consents if it asks. */
async function signInAtProvider(popup, user) {
  await popup.waitForURL(`${stage.facts.origin}/**`);
  await popup.locator("input[name=login]").fill(user.upn);
  const secret = popup.locator("input[name=password]");
  if (!(await secret.isVisible())) await popup.locator("button[type=submit], input[type=submit]").first().click();
  await secret.fill(user.password);
  await popup.locator("form:has(input[name=password]) button[type=submit], form:has(input[name=password]) button").first().click();
  const accept = popup.locator("button[name=decision][value=accept]");
  await Promise.race([popup.waitForURL(`${stage.url}/**`), popup.waitForEvent("close"), accept.waitFor()]).catch(() => undefined);
  if (!popup.isClosed() && (await accept.isVisible().catch(() => false))) await accept.click();
}

const badge = (page, text) => page.locator("header .badge", { hasText: text });

async function users(page) {
  await page.getByLabel("Path or URL").fill(`${stage.facts.origin}/v1.0/users`);
  await page.getByRole("button", { name: "GET", exact: true }).click();
  await page.getByRole("row").nth(1).waitFor();
  return page.getByRole("row").allInnerTexts();
}

test("first start: setup token, first user, password", async () => {
  const { page } = admin;
  await page.goto(stage.url);
  await page.getByRole("heading", { name: "Set up Keyway" }).waitFor();
  await looksRight(page);
  await page.getByLabel("Setup token").fill("kwsetup_wrong");
  await page.getByLabel("Your user name").fill("admin");
  await page.getByLabel("A password", { exact: true }).fill(password);
  await page.getByLabel("The password again").fill(password);
  await page.getByRole("button", { name: /Create the administrator/ }).click();
  await page.getByRole("alert").getByText("setup token").first().waitFor();
  await page.getByLabel("Setup token").fill(stage.token);
  await page.getByRole("button", { name: /Create the administrator/ }).click();
  await page.getByRole("heading", { name: "No connections yet" }).waitFor();
  await looksRight(page);
});

test("OAuth: the paths, id, secret and scope of the how-to, sign-in, result card, users", async () => {
  const { page, context } = admin;
  const app = register();
  await newConnector(page, "graph", "OAuth");
  await looksRight(page);
  await page.getByLabel("Access Token Path").fill(app.token);
  await page.getByLabel("Authorize Path").fill(app.authorize);
  await page.getByLabel("Client ID").fill(app.clientId);
  await page.getByLabel("Client Secret").fill(app.secret);
  await page.getByLabel("Scope", { exact: true }).fill("offline_access user.read.all");
  await page.getByLabel("Base URL").fill(`${stage.facts.origin}/v1.0`);
  const opening = context.waitForEvent("page");
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await signInAtProvider(await opening, stage.facts.users[1]);
  await badge(page, "works").waitFor();
  await page.getByText(stage.facts.users[1].upn).first().waitFor();
  await page.getByText("yes: renewed without a person").waitFor();
  const rows = await users(page);
  assert.equal(rows.length - 1, 50);
  for (const { upn } of stage.facts.users) assert.ok(rows.some((row) => row.includes(upn)), upn);
  await looksRight(page);
});

for (const method of ["client_secret_basic", "client_secret_post"]) {
  test(`Client Credentials, ${method}`, async () => {
    const { page } = admin;
    const app = register();
    await newConnector(page, `graph-${method}`, "Client Credentials");
    await page.getByLabel("Access Token Path").fill(app.token);
    await page.getByLabel("Client ID").fill(app.clientId);
    await page.getByLabel("Client Secret").fill(app.secret);
    await page.getByLabel("Scope", { exact: true }).fill("https://graph.microsoft.com/.default");
    await page.getByLabel("Client Authentication Type").selectOption(method);
    await page.getByLabel("Base URL").fill(`${stage.facts.origin}/v1.0`);
    await page.getByRole("button", { name: "Create", exact: true }).click();
    await badge(page, "works").waitFor();
    assert.equal((await users(page)).length - 1, 50);
  });
}

test("Secret ID pasted: warned of while typing, explained, cured on the screen", async () => {
  const { page } = admin;
  const app = register();
  await newConnector(page, "wrong-secret", "Client Credentials");
  await page.getByLabel("Access Token Path").fill(app.token);
  await page.getByLabel("Client ID").fill(app.clientId);
  await page.getByLabel("Client Secret").fill("0f9a3c1e-1111-2222-3333-444455556666");
  await page.getByText("This looks like the Secret ID").waitFor();
  await page.getByLabel("Scope", { exact: true }).fill("https://graph.microsoft.com/.default");
  await page.getByLabel("Base URL").fill(`${stage.facts.origin}/v1.0`);
  await page.getByRole("button", { name: "Create", exact: true }).click();
  await badge(page, "needs a secret").waitFor();
  await page.getByText("Raw details for a support request").click();
  await page.getByText("AADSTS7000215").first().waitFor();
  await looksRight(page);
  await page.getByRole("link", { name: "Enter a new client secret" }).click();
  await page.getByLabel("Client Secret").fill(app.secret);
  await page.getByRole("button", { name: "Save and prove" }).click();
  await badge(page, "works").waitFor();
});

test("declined at the provider: said so, and the old token stays", async () => {
  const { page, context } = admin;
  // the provider no longer knows this browser, so it asks
  await context.clearCookies({ domain: new URL(stage.facts.origin).hostname });
  await page.goto(`${stage.url}/connections/graph`);
  const opening = context.waitForEvent("page");
  await page.getByRole("button", { name: "Sign in again" }).click();
  const popup = await opening;
  await popup.waitForURL(`${stage.facts.origin}/**`);
  // what comes back when somebody presses Cancel
  const asked = new URL(popup.url()).searchParams;
  const back = new URLSearchParams({ error: "access_denied", error_description: "AADSTS65004: declined", state: asked.get("state") });
  await popup.goto(`${asked.get("redirect_uri")}?${back}`);
  await page.getByText("The sign-in did not succeed").waitFor();
  await looksRight(page);
});

test("session revoked: the next call says so, signing in again cures it", async () => {
  const { page, context } = admin;
  await stage.control("revoke", { user: stage.facts.users[1].upn });
  await stage.control("clock", { offset_seconds: 7200 });
  await page.goto(`${stage.url}/connections/graph`);
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await badge(page, "needs a sign-in").waitFor();
  await looksRight(page);
  const opening = context.waitForEvent("page");
  await page.locator("section[aria-label='Why it does not work']").getByRole("button", { name: "Sign in again" }).click();
  await signInAtProvider(await opening, stage.facts.users[1]);
  await badge(page, "works").waitFor();
});

test("explorer, audit, keys, users: no serious finding, and a key is shown once", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/explorer?connection=graph`);
  await page.getByRole("button", { name: "Send" }).click();
  await page.getByRole("table").waitFor();
  await looksRight(page);
  await page.goto(`${stage.url}/audit`);
  await page.getByRole("table").waitFor();
  await looksRight(page);
  await page.goto(`${stage.url}/keys`);
  await page.getByRole("button", { name: "New API key" }).click();
  await page.getByLabel("Name").fill("walk");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByText(/^kw_/).waitFor();
  await looksRight(page);
  await page.getByRole("button", { name: "I have copied it" }).click();
  assert.equal(await page.getByText(/^kw_/).count(), 0);
  await page.goto(`${stage.url}/users`);
  await page.getByRole("button", { name: "New user" }).click();
  await page.getByLabel("User name").fill("viewer");
  await page.getByLabel("First password").fill(password);
  await page.getByLabel("Role").selectOption("viewer");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("cell", { name: "viewer", exact: true }).first().waitFor();
  await looksRight(page);
});

test("a viewer sees, and what a viewer may not do is not there", async () => {
  const viewer = await person(stage, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  const { page } = viewer;
  await page.goto(`${stage.url}/connections/graph`);
  await page.getByLabel("User name").fill("viewer");
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "graph", exact: true }).waitFor();
  await looksRight(page);
  for (const name of ["Test", "Sign in again", "Change", "Delete", "GET"]) assert.equal(await page.getByRole("button", { name, exact: true }).count(), 0, name);
  assert.equal(await page.getByRole("link", { name: /Audit|API keys|Users|explorer/ }).count(), 0);
  assert.deepEqual(viewer.complaints, []);
});

test("delete names what goes, and asks for the name", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/connections/wrong-secret`);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByLabel("Type wrong-secret to confirm").fill("wrong-secret");
  await looksRight(page);
  await page.getByRole("button", { name: "Delete the connection" }).click();
  await page.getByRole("heading", { name: "Connections", exact: true }).waitFor();
  assert.equal(await page.getByRole("link", { name: "wrong-secret" }).count(), 0);
});
