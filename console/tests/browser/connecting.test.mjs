// API Connector beyond the how-to: a code that is typed on another device, and paths that are found instead of typed.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as portal from "./portal.mjs";
import { badge, create, firstStart, looksRight, openConnector, showsUsers } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

let stage;
let admin;
let app;

before(async () => {
  stage = await raise();
  admin = await person(stage);
  await firstStart(stage, admin.page);
  const provider = await portal.openPortal(stage);
  app = await portal.register(provider.page, "connecting", undefined);
  Object.assign(app, await portal.newSecret(provider.page));
  for (const kind of ["Delegated", "Application"]) await portal.addPermission(provider.page, kind, "User.Read.All");
  await portal.grantConsent(provider.page, "User.Read.All");
  await provider.context.close();
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

/** Asks what stands behind an address, by keyboard: Enter finds, and does not create. */
async function find(page, address) {
  await page.getByLabel("Issuer or address of the API").fill(address);
  await page.getByLabel("Issuer or address of the API").press("Enter");
  await page.getByText(/^Found at https:/).waitFor();
}

test("device code: the code and its address are shown, it is typed elsewhere, and the page goes on by itself", async () => {
  const { page } = admin;
  await openConnector(stage, page, "by-device", "Device Code");
  await find(page, `${stage.facts.origin}/${stage.facts.tenant_id}/v2.0`);
  assert.equal(await page.getByLabel("Access Token Path").inputValue(), app.token);
  assert.equal(await page.getByLabel("Device Authorization Path").inputValue(), app.token.replace(/token$/, "devicecode"));
  assert.equal(await page.getByLabel("Authorize Path").count(), 0);
  assert.equal(await page.getByLabel("Client Secret").count(), 0);
  // the sandbox's public client: others prove themselves
  await page.getByLabel("Client ID").fill(stage.facts.admin.client_id);
  await page.getByLabel("Scope", { exact: true }).fill("openid profile offline_access User.Read");
  await page.getByLabel("Base URL").fill(`${stage.facts.origin}/v1.0`);
  await looksRight(page);

  await create(page);
  const waits = page.getByRole("region", { name: "Waiting for the sign-in" });
  const address = await waits.getByText(/\/devicelogin$/).innerText();
  assert.equal(await waits.getByRole("link", { name: "Open the sign-in page" }).getAttribute("href"), address);
  assert.equal(page.context().pages().length, 1, "a code is typed wherever the person likes");
  const code = await waits.getByText(/^[B-Z2-9]{9}$/).innerText();

  const other = await person(stage);
  await other.page.goto(address);
  await other.page.getByLabel("Code").fill(code);
  await other.page.getByRole("button", { name: "Next" }).click();
  const user = stage.facts.users[2];
  await portal.signIn(other.page, user);
  const accept = other.page.locator("button[name=decision][value=accept]");
  const done = other.page.getByText("You have signed in on your device");
  await accept.or(done).waitFor();
  if (await accept.isVisible()) await accept.click();
  await done.waitFor();

  // the server polls the provider every five seconds
  await badge(page, "works").waitFor({ timeout: 120_000 });
  await waits.waitFor({ state: "detached" });
  await page.getByText(user.upn).first().waitFor();
  assert.equal(await page.getByText("Device Code", { exact: true }).count(), 1);
  await page.getByLabel("Path or URL").fill("/me");
  await page.getByRole("button", { name: "GET", exact: true }).click();
  await page.getByText(/^200 in \d+ ms/).waitFor();
  await looksRight(page);
  await other.context.close();
});

test("discovery: any address of the API fills in the paths, and the connection made of them works", async () => {
  const { page } = admin;
  await openConnector(stage, page, "discovered", "Client Credentials");
  await find(page, `${stage.facts.origin}/v1.0/users`);
  await page.getByText("Filled in: Access Token Path.").waitFor();
  const token = await page.getByLabel("Access Token Path").inputValue();
  assert.match(token, /\/oauth2\/v2\.0\/token$/);
  await looksRight(page);
  // an API of many tenants does not know which one is meant: the issuer does
  await find(page, `${stage.facts.origin}/${stage.facts.tenant_id}/v2.0`);
  await page.waitForFunction((wanted) => [...document.querySelectorAll("input")].some((input) => input.value === wanted), app.token);
  await page.getByText(/This is Microsoft Entra ID, tenant /).waitFor();
  await page.getByLabel("Client ID").fill(app.clientId);
  await page.getByLabel("Client Secret").fill(app.secret);
  await page.getByLabel("Scope", { exact: true }).fill("https://graph.microsoft.com/.default");
  await page.getByLabel("Base URL").fill(`${stage.facts.origin}/v1.0`);
  await create(page);
  await badge(page, "works").waitFor();
  await showsUsers(stage, page);
});

test("discovery: an address behind which nothing is found says so, and nothing that was typed is lost", async () => {
  const { page } = admin;
  await openConnector(stage, page, "nowhere", "OAuth");
  await page.getByLabel("Access Token Path").fill(app.token);
  await page.getByLabel("Issuer or address of the API").fill(`${stage.facts.origin}/sandbox/nothing/here`);
  await page.getByRole("button", { name: "Find", exact: true }).click();
  await page.getByRole("alert").waitFor();
  assert.equal(await page.getByLabel("Access Token Path").inputValue(), app.token);
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "nowhere");
  await looksRight(page);
});
