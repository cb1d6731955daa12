// Four usual failures: each is seen, explained and cured by following the screen only.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import * as portal from "./portal.mjs";
import { APP_ONLY, DELEGATED, badge, create, fillIn, firstStart, looksRight, openConnector, picture, showsUsers, signInAtProvider } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

let stage;
let admin;
let provider;
let redirectUri;

before(async () => {
  stage = await raise();
  admin = await person(stage);
  await firstStart(stage, admin.page);
  provider = await portal.openPortal(stage);
  redirectUri = `${stage.url}/oauth/callback/microsoft-graph`;
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

test("Secret ID pasted: warned of while typing, explained, cured with the Value", async () => {
  const { page } = admin;
  const app = await portal.register(provider.page, "wrong secret", redirectUri);
  Object.assign(app, await portal.newSecret(provider.page));
  await portal.addPermission(provider.page, "Application", "User.Read.All");
  await portal.grantConsent(provider.page, "User.Read.All");

  await openConnector(stage, page, "wrong-secret", "Client Credentials");
  await fillIn(stage, page, app, { ...APP_ONLY, secret: app.secretId });
  await page.getByText("This looks like the Secret ID").waitFor();
  await create(page);
  await badge(page, "needs a secret").waitFor();
  await page.getByText("Raw details for a support request").click();
  await page.getByText("AADSTS7000215").first().waitFor();
  await looksRight(page);
  await picture(page, "console-wrong-secret");
  await page.getByRole("link", { name: "Enter a new client secret" }).click();
  await looksRight(page);
  await page.getByLabel("Client Secret").fill(app.secret);
  await page.getByRole("button", { name: "Save and prove" }).click();
  await badge(page, "works").waitFor();
  await showsUsers(stage, page);
});

test("redirect URI missing: named before anybody signs in, cured by copying it", async () => {
  const { page } = admin;
  const app = await portal.register(provider.page, "no redirect", undefined);
  Object.assign(app, await portal.newSecret(provider.page));
  await portal.addPermission(provider.page, "Delegated", "User.Read.All");
  await portal.grantConsent(provider.page, "User.Read.All");

  await openConnector(stage, page, "no-redirect", "OAuth");
  await fillIn(stage, page, app, DELEGATED);
  await create(page);
  await badge(page, "needs other settings").waitFor();
  const why = page.getByRole("region", { name: "Why it does not work" });
  await why.getByText("Add exactly this redirect URI to the app registration, platform Web").waitFor();
  await looksRight(page);
  await picture(page, "console-redirect-missing");
  const shown = await why.getByText(/\/oauth\/callback\//).first().innerText();
  await portal.addRedirectUri(provider.page, "no redirect", shown);
  await signInAtProvider(stage, page, () => why.getByRole("button", { name: "Sign in again" }).click(), stage.facts.users[2]);
  await badge(page, "works").waitFor();
  await showsUsers(stage, page);
});

test("permission not consented: needs an administrator, cured by the link for one", async () => {
  const { page } = admin;
  const app = await portal.register(provider.page, "no consent", redirectUri);
  Object.assign(app, await portal.newSecret(provider.page));
  await portal.addPermission(provider.page, "Application", "User.Read.All");

  await openConnector(stage, page, "no-consent", "Client Credentials");
  await fillIn(stage, page, app, APP_ONLY);
  await create(page);
  await badge(page, "needs an administrator").waitFor();
  const why = page.getByRole("region", { name: "Why it does not work" });
  await looksRight(page);
  await picture(page, "console-no-consent");
  const link = await why.getByRole("link", { name: "Open the consent page" }).getAttribute("href");
  // the link is sent to an administrator, who opens it in a browser of their own
  await provider.page.goto(link);
  await provider.page.locator("button[name=decision][value=accept]").click();
  await provider.page.getByRole("heading", { name: "Consent was given" }).waitFor();
  await why.getByRole("button", { name: "Done? Test again" }).click();
  await badge(page, "works").waitFor();
  await showsUsers(stage, page);
});

test("session revoked: the next call says so, signing in again cures it", async () => {
  const { page } = admin;
  await stage.control("revoke", { user: stage.facts.users[2].upn });
  await stage.control("clock", { offset_seconds: 7200 });
  await page.goto(`${stage.url}/connections/no-redirect`);
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await badge(page, "needs a sign-in").waitFor();
  await looksRight(page);
  const why = page.getByRole("region", { name: "Why it does not work" });
  await signInAtProvider(stage, page, () => why.getByRole("button", { name: "Sign in again" }).click(), stage.facts.users[2]);
  await badge(page, "works").waitFor();
});

test("declined at the provider: said so, also to who comes back in the same tab, and the old token stays", async () => {
  const { page, context } = admin;
  // the provider no longer knows this browser, so it asks
  await context.clearCookies({ domain: new URL(stage.facts.origin).hostname });
  await page.goto(`${stage.url}/connections/no-redirect`);
  const opening = context.waitForEvent("page");
  await page.getByRole("button", { name: "Sign in again" }).click();
  const popup = await opening;
  await popup.waitForURL(`${stage.facts.origin}/**`);
  // what comes back when somebody presses Cancel
  const asked = new URL(popup.url()).searchParams;
  const back = new URLSearchParams({ error: "access_denied", error_description: "AADSTS65004: declined", state: asked.get("state") });
  const answer = await context.request.get(`${asked.get("redirect_uri")}?${back}`, { maxRedirects: 0 });
  assert.equal(answer.status(), 303);
  await page.getByText("The sign-in did not succeed").waitFor();
  await looksRight(page);
  await badge(page, "works").waitFor();
  const fresh = await context.newPage();
  await fresh.goto(new URL(answer.headers()["location"], stage.url).href);
  await fresh.getByText("The sign-in did not succeed").waitFor();
  await fresh.close();
});
