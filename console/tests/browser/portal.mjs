// The sandbox's portal as an administrator goes through it: everything is found by the labels of public how-tos.

import { person } from "./stage.mjs";

/** An administrator's browser, signed in to the portal. It is not the browser that uses the console. */
export async function openPortal(stage) {
  const admin = await person(stage);
  const { page } = admin;
  await page.goto(`${stage.facts.origin}/portal`);
  await signIn(page, stage.facts.admin);
  await page.getByRole("heading", { name: "App registrations" }).waitFor();
  return { ...admin, page };
}

/** The provider's sign-in page, filled in. */
export async function signIn(page, { upn, password }) {
  await page.locator("input[name=login]").fill(upn);
  await page.locator("input[name=password]").fill(password);
  await page.locator("form:has(input[name=password]) button").first().click();
}

const manage = (page, name) => page.getByRole("navigation", { name: "Manage" }).getByRole("link", { name }).click();

async function heading(page, name) {
  await page.getByRole("heading", { name, level: 1 }).waitFor();
}

/** App registrations → New registration. */
export async function register(page, name, redirectUri) {
  await page.getByRole("navigation", { name: "Portal" }).getByRole("link", { name: "App registrations" }).click();
  await page.getByRole("link", { name: "New registration" }).click();
  await heading(page, "Register an application");
  await page.getByLabel("Name", { exact: true }).fill(name);
  await page.getByRole("radio", { name: /^Accounts in this organizational directory only/ }).check();
  await page.getByLabel("Platform").selectOption({ label: "Web" });
  if (redirectUri) await page.getByLabel("Redirect URI", { exact: true }).fill(redirectUri);
  await page.getByRole("button", { name: "Register" }).click();
  const clientId = await page.getByLabel("Application (client) ID").inputValue();
  const tenant = await page.getByLabel("Directory (tenant) ID").inputValue();
  await page.getByRole("link", { name: "Endpoints" }).click();
  await heading(page, "Endpoints");
  const authorize = await page.getByLabel("OAuth 2.0 authorization endpoint (v2)").inputValue();
  const token = await page.getByLabel("OAuth 2.0 token endpoint (v2)").inputValue();
  return { name, clientId, tenant, authorize, token };
}

/** Certificates & secrets → New client secret: the Value, and the Secret ID beside it. */
export async function newSecret(page) {
  await manage(page, "Certificates & secrets");
  await page.getByRole("link", { name: "New client secret" }).click();
  await page.getByLabel("Description").fill("for Keyway");
  await page.getByRole("button", { name: "Add" }).click();
  const value = page.getByLabel("Value", { exact: true });
  return { secret: await value.inputValue(), secretId: await page.getByLabel("Secret ID").first().inputValue() };
}

/** Certificates & secrets → Certificates → Upload certificate. */
export async function uploadCertificate(page, file) {
  await manage(page, "Certificates & secrets");
  await page.getByRole("link", { name: "Upload certificate" }).click();
  await page.locator("input[type=file]").setInputFiles(file);
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByText("The certificate was uploaded.").waitFor();
}

/** API permissions → Add a permission → Microsoft Graph → the kind → the permission. */
export async function addPermission(page, kind, permission) {
  await manage(page, "API permissions");
  await page.getByRole("link", { name: "Add a permission" }).click();
  await page.getByRole("link", { name: "Microsoft Graph" }).click();
  await page.getByRole("link", { name: `${kind} permissions` }).click();
  await page.getByLabel("Search").fill(permission);
  await page.getByRole("button", { name: "Search" }).click();
  await page.getByRole("checkbox", { name: new RegExp(`^${permission}\\b(?!\\.)`) }).check();
  await page.getByRole("button", { name: "Add permissions" }).click();
  await page.getByRole("row", { name: new RegExp(`${permission}\\b.*${kind}`) }).waitFor();
}

/** API permissions → Grant admin consent; the row then says so. */
export async function grantConsent(page, permission) {
  await page.getByRole("button", { name: /^Grant admin consent for/ }).click();
  await page.getByRole("button", { name: "Yes" }).click();
  await page.getByRole("row", { name: new RegExp(`${permission}\\b.*Granted for`) }).first().waitFor();
}

/** Authentication → the app, then a further redirect URI. */
export async function addRedirectUri(page, name, redirectUri) {
  await page.getByRole("navigation", { name: "Portal" }).getByRole("link", { name: "App registrations" }).click();
  await page.getByRole("link", { name, exact: true }).click();
  await manage(page, "Authentication");
  await page.getByLabel("Platform").selectOption({ label: "Web" });
  await page.getByLabel("Redirect URI", { exact: true }).fill(redirectUri);
  await page.getByRole("button", { name: "Add URI" }).click();
  await page.getByText(redirectUri).first().waitFor();
}
