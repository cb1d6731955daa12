// Certificates in the console: one that Keyway makes with the connection, one from a .pfx file with its password, and the change
// from the one to the other without anything stopping.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import * as portal from "./portal.mjs";
import { APP_ONLY, badge, create, firstStart, looksRight, openConnector, showsUsers } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

/** Made by `openssl pkcs12 -export`; its certificate holds until 2060. */
const PFX = new URL("../../../crates/connect/tests/it/certificate.pfx", import.meta.url).pathname;
const PFX_PASSWORD = "fake-password";

let stage;
let admin;
let provider;
let app;

before(async () => {
  stage = await raise();
  admin = await person(stage);
  await firstStart(stage, admin.page);
  provider = await portal.openPortal(stage);
  app = await portal.register(provider.page, "certificates", undefined);
  await portal.addPermission(provider.page, "Application", "User.Read.All");
  await portal.grantConsent(provider.page, "User.Read.All");
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

/** Downloads the certificate of a secret and uploads it in the portal; answers its text. */
async function uploaded(page, secret) {
  const coming = page.waitForEvent("download");
  await page.getByRole("region", { name: secret }).getByRole("button", { name: "Download .cer" }).click();
  const file = await coming;
  assert.match(file.suggestedFilename(), /\.cer$/);
  const path = await file.path();
  await portal.uploadCertificate(provider.page, { name: file.suggestedFilename(), mimeType: "application/x-x509-ca-cert", buffer: readFileSync(path) });
  return readFileSync(path, "utf8");
}

const thumbprint = (page, secret) => page.getByRole("region", { name: secret }).locator("dd .mono").innerText();

async function choosePfx(where, password) {
  await where.getByLabel("Certificate file (.pem, .pfx)").setInputFiles(PFX);
  await where.getByLabel("Password of the .pfx file").fill(password);
}

test("a certificate is made with the connection, uploaded, and works", async () => {
  const { page } = admin;
  await openConnector(stage, page, "made-here", "Client Credentials");
  await page.getByLabel("Access Token Path").fill(app.token);
  await page.getByLabel("Client ID").fill(app.clientId);
  await page.getByLabel("Scope", { exact: true }).fill(APP_ONLY.scope);
  await page.getByLabel("Client Authentication Type").selectOption({ label: "Certificate (private_key_jwt)" });
  await page.getByLabel("Certificate", { exact: true }).selectOption({ label: "Make one in Keyway" });
  assert.equal(await page.getByLabel("Certificate file (.pem, .pfx)").count(), 0);
  await page.getByLabel("Base URL").fill(`${stage.facts.origin}/v1.0`);
  await looksRight(page);
  await create(page);

  await page.getByRole("region", { name: "Newest: certificate" }).waitFor();
  const pem = await uploaded(page, "Newest: certificate");
  assert.match(pem, /^-----BEGIN CERTIFICATE-----/);
  assert.doesNotMatch(pem, /PRIVATE KEY/);
  await provider.page.getByText(await thumbprint(page, "Newest: certificate")).first().waitFor();
  await page.getByRole("button", { name: "Test", exact: true }).click();
  await badge(page, "works").waitFor();
  await showsUsers(stage, page);
  await looksRight(page);
});

test("a .pfx is entered beside it, refused with the wrong password, and takes over once it is known", async () => {
  const { page } = admin;
  const before = await thumbprint(page, "Newest: certificate");
  await page.getByRole("button", { name: "Enter another" }).click();
  const dialog = page.getByRole("dialog");
  await choosePfx(dialog, "wrong");
  await dialog.getByRole("button", { name: "Save and test" }).click();
  await dialog.getByText(/the password does not open the PKCS#12 file/).first().waitFor();
  await looksRight(page);
  await dialog.getByLabel("Password of the .pfx file").fill(PFX_PASSWORD);
  await dialog.getByRole("button", { name: "Save and test" }).click();
  await dialog.waitFor({ state: "detached" });

  // the provider does not know it yet: the older one serves
  assert.equal(await thumbprint(page, "Older: certificate"), before);
  const newest = await thumbprint(page, "Newest: certificate");
  assert.notEqual(newest, before);
  await badge(page, "works").waitFor();
  await page.getByText("Refused since").waitFor();
  assert.equal(await page.getByRole("button", { name: "Enter another" }).count(), 0);
  await uploaded(page, "Newest: certificate");
  // what it says may be of the test before
  const tested = page.waitForResponse((response) => response.request().method() === "POST" && new URL(response.url()).pathname.endsWith("/test"));
  await page.getByRole("button", { name: "Test", exact: true }).click();
  assert.equal((await tested).status(), 200);
  await page.getByText(/^The answer was \d+: the (API takes the credential|credential works)/).waitFor();

  await page.getByRole("region", { name: "Older: certificate" }).getByRole("button", { name: "Remove" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Remove" }).click();
  await page.getByRole("region", { name: "Older: certificate" }).waitFor({ state: "detached" });
  assert.equal(await thumbprint(page, "Newest: certificate"), newest);
  await badge(page, "works").waitFor();
  await looksRight(page);
});

test("a new connection takes the .pfx as it is", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/connections/new/microsoft-graph?cloud=sandbox`);
  await page.getByLabel("Name", { exact: true }).fill("by-file");
  await page.getByRole("textbox", { name: "Tenant" }).fill(app.tenant);
  await page.getByRole("radio", { name: /The app itself/ }).check();
  await page.getByLabel("Client ID").fill(app.clientId);
  await page.getByLabel("Prove the app by a certificate instead of a secret").check();
  await choosePfx(page, PFX_PASSWORD);
  await looksRight(page);
  await create(page);
  await badge(page, "works").waitFor();
  await page.getByRole("region", { name: "Newest: certificate" }).waitFor();
});
