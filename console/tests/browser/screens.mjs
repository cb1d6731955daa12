// The console as a person goes through it, found by the words on the screen; and what every page must hold.

import assert from "node:assert/strict";
import { join } from "node:path";
import { keepPicture } from "./pictures.mjs";
import { axe } from "./stage.mjs";
import { signIn } from "./portal.mjs";

export const PASSWORD = "a fake sentence for the walk";

/** Makes the first administrator. */
export async function firstStart(stage, page) {
  await page.goto(stage.url);
  await page.getByLabel("Setup token").fill(stage.token);
  await page.getByLabel("Your user name").fill("admin");
  await page.getByLabel("A password", { exact: true }).fill(PASSWORD);
  await page.getByLabel("The password again").fill(PASSWORD);
  await page.getByRole("button", { name: /Create the administrator/ }).click();
  await page.getByRole("heading", { name: "No connections yet" }).waitFor();
}

/** No page may have a serious finding, or be wider than its window. */
export async function looksRight(page) {
  await page.getByText("Loading…").first().waitFor({ state: "hidden" });
  // a page that follows runs never falls silent
  if ((await badge(page, /^live$/).count()) === 0) await page.waitForLoadState("networkidle");
  assert.deepEqual(await axe(page), [], page.url());
  const [wide, window] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  assert.ok(wide <= window, `${page.url()} is ${wide} wide in a window of ${window}`);
}

/** A picture for the guide, when `make gen` asks for them. */
export async function picture(page, name, size = "window") {
  const folder = process.env.PICTURES;
  if (!folder) return;
  await page.waitForLoadState("networkidle");
  const before = page.viewportSize();
  // the whole page in a window that is high enough: what sticks to the window stays where it is
  if (size === "page") await page.setViewportSize({ width: before.width, height: await page.evaluate(() => document.documentElement.scrollHeight) });
  const shot = await page.screenshot({ animations: "disabled", caret: "hide" });
  await keepPicture(page.context(), join(folder, `${name}.png`), shot);
  if (size === "page") await page.setViewportSize(before);
}

/** Connections → New Connection → API Connector. */
export async function openConnector(stage, page, name, type) {
  await page.goto(`${stage.url}/connections`);
  await page.getByRole("link", { name: "New Connection" }).click();
  await page.getByRole("link", { name: /^API Connector/ }).click();
  await page.getByLabel("Name", { exact: true }).fill(name);
  if (type) await page.getByLabel("Auth Type", { exact: true }).selectOption({ label: type });
}

/** The fields of the how-to, from what the portal showed. */
export async function fillIn(stage, page, app, fields) {
  await page.getByLabel("Access Token Path").fill(app.token);
  if (fields.authorize) await page.getByLabel("Authorize Path").fill(app.authorize);
  await page.getByLabel("Client ID").fill(app.clientId);
  await page.getByLabel("Client Secret").fill(fields.secret ?? app.secret);
  await page.getByLabel("Scope", { exact: true }).fill(fields.scope);
  if (fields.method) await page.getByLabel("Client Authentication Type").selectOption({ label: fields.method });
  await page.getByLabel("Base URL").fill(`${stage.facts.origin}/v1.0`);
}

export const DELEGATED = { authorize: true, scope: "offline_access user.read.all" };
export const APP_ONLY = { scope: "https://graph.microsoft.com/.default" };

export const create = (page) => page.getByRole("button", { name: "Create", exact: true }).click();

/** Signs in at the provider in the window that a click opens, and consents if it asks. */
export async function signInAtProvider(stage, page, click, user) {
  const opening = page.context().waitForEvent("page");
  await click();
  const popup = await opening;
  const gone = popup.isClosed() ? Promise.resolve() : popup.waitForEvent("close", { timeout: 120_000 });
  // until it is waited for below
  gone.catch(() => undefined);
  await popup.waitForURL(`${stage.facts.origin}/**`);
  // the console closes the window as soon as it knows, also under a click that still waits for what came of it
  const unlessClosed = (error) => {
    if (!popup.isClosed()) throw error;
  };
  await signIn(popup, user).catch(unlessClosed);
  const accept = popup.locator("button[name=decision][value=accept]");
  // a consent page may come before
  await Promise.race([popup.waitForURL(`${stage.url}/**`), gone, accept.waitFor()]).catch(unlessClosed);
  if (!popup.isClosed() && (await accept.isVisible().catch(() => false))) {
    await picture(popup, "consent");
    await accept.click().catch(unlessClosed);
  }
  await gone;
}

export const badge = (page, text) => page.locator("header .badge", { hasText: text });

/** What *Try it* shows for all users, as rows of text. */
export async function users(stage, page) {
  await page.getByLabel("Path or URL").fill(`${stage.facts.origin}/v1.0/users`);
  await page.getByRole("button", { name: "GET", exact: true }).click();
  await page.getByRole("row").nth(1).waitFor();
  return page.getByRole("row").allInnerTexts();
}

/** The rows are those of the sandbox's own list. */
export async function showsUsers(stage, page) {
  const rows = await users(stage, page);
  assert.equal(rows.length - 1, 50);
  for (const { upn } of stage.facts.users) assert.ok(rows.some((row) => row.includes(upn)), upn);
}
