// Every page at both widths, the other types of connections, and what a role may not do.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { apiOf, reaches } from "./api.mjs";
import { PASSWORD, badge, create, firstStart, looksRight, openConnector } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

let stage;
let admin;
let echo;

before(async () => {
  stage = await raise();
  admin = await person(stage);
  await firstStart(stage, admin.page);
  echo = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      response.setHeader("content-type", "application/json");
      response.end(JSON.stringify({ url: request.url, type: request.headers["content-type"] ?? null, bytes: Buffer.concat(parts).toString("base64") }));
    });
  });
  await new Promise((ready) => echo.listen(0, "127.0.0.1", ready));
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
  echo?.close();
});

test("a key in the query: attached to a call, and a file as the body", async () => {
  const { page } = admin;
  await openConnector(stage, page, "keyed", "Key in the query");
  await page.getByLabel("Parameter", { exact: true }).fill("key");
  await page.getByLabel("Key", { exact: true }).fill("fake-query-key");
  await page.getByLabel("Secret expires").fill("2999-11-28");
  await page.getByLabel("Base URL").fill(`http://127.0.0.1:${echo.address().port}/api`);
  await looksRight(page);
  await create(page);
  await badge(page, "works").waitFor();
  await page.getByRole("link", { name: "Open in the API explorer" }).click();
  await page.getByLabel("Method").selectOption("PUT");
  await page.getByLabel("Path or URL").fill("/photo");
  await page.getByLabel("Body", { exact: true }).selectOption({ label: "bytes of a file" });
  assert.ok(await page.getByRole("button", { name: "Send" }).isDisabled());
  const bytes = Buffer.from([0, 1, 2, 253, 254, 255]);
  await page.getByLabel("File").setInputFiles({ name: "photo.bin", mimeType: "application/octet-stream", buffer: bytes });
  await page.getByText("photo.bin: 6 bytes").waitFor();
  await looksRight(page);
  await page.getByRole("button", { name: "Send" }).click();
  const answer = page.getByRole("region", { name: /Tree|Table|Raw/ });
  await answer.getByText(bytes.toString("base64")).first().waitFor();
  await answer.getByText("/api/photo?key=").first().waitFor();
  await page.goto(`${stage.url}/connections`);
  await page.getByRole("row", { name: /keyed/ }).getByText(/^in [\d,]+ days$/).waitFor();
});

test("an OpenID Connect provider: found by its issuer", async () => {
  const { page } = admin;
  const { origin, tenant_id, app, ca_file } = stage.facts;
  await page.goto(`${stage.url}/connections/new`);
  await page.getByRole("link", { name: /^OpenID Connect provider/ }).click();
  await page.getByLabel("Name", { exact: true }).fill("by-issuer");
  await page.getByLabel("Issuer").fill(`${origin}/${tenant_id}/v2.0`);
  await looksRight(page);
  await page.getByRole("radio", { name: /The app itself/ }).check();
  await page.getByLabel("Client ID").fill(app.client_id);
  await page.getByLabel("Client Secret").fill(app.client_secret);
  await page.getByLabel("Scope", { exact: true }).fill("https://graph.microsoft.com/.default");
  await page.getByLabel("Base URL").fill(`${origin}/v1.0`);
  await page.getByText("More settings").click();
  await page.getByLabel("Certificates to trust").fill(readFileSync(ca_file, "utf8"));
  await create(page);
  await badge(page, "works").waitFor();
  await page.getByText(`${origin}/${tenant_id}/v2.0`, { exact: true }).waitFor();
  await looksRight(page);
});

test("the Microsoft Graph preset: cloud, tenant, app-only", async () => {
  const { page } = admin;
  const { tenant_id, app } = stage.facts;
  await page.goto(`${stage.url}/connections/new`);
  await page.getByRole("link", { name: /^Microsoft Graph Users/ }).click();
  await page.getByLabel("Name", { exact: true }).fill("by-preset");
  await page.getByRole("radio", { name: /The app itself/ }).check();
  assert.equal(await page.getByLabel("Scope", { exact: true }).inputValue(), "https://graph.microsoft.com/.default");
  await page.getByLabel("Cloud").selectOption("sandbox");
  await page.getByRole("textbox", { name: "Tenant" }).fill(tenant_id);
  await page.getByLabel("Client ID").fill(app.client_id);
  await page.getByLabel("Client Secret").fill(app.client_secret);
  await looksRight(page);
  await create(page);
  await badge(page, "works").waitFor();
  assert.equal(await page.evaluate(() => window.scrollY), 0, "a page that is come to is seen from its beginning");
});

test("a key is shown once, a user is made", async () => {
  const { page } = admin;
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
  await page.getByLabel("First password").fill(PASSWORD);
  await page.getByLabel("Role").selectOption("viewer");
  await page.getByRole("button", { name: "Create" }).click();
  await page.getByRole("cell", { name: "viewer", exact: true }).first().waitFor();
  await looksRight(page);
});

/** Flows and runs in every state that a page can show. */
const FLOW = `document: {dsl: '1.0.3', namespace: walk, name: all, version: '1.0.0', title: Every state}
schedule: {cron: 0 2 * * *}
input: {schema: {document: {type: object, properties: {fail: {type: boolean}, ask: {type: boolean}}}}}
use: {secrets: [keyed, absent]}
do:
  - fail: {if: .fail == true, raise: {error: {type: https://contoso.example/fake, status: 500, title: It failed}}}
  - loop: {for: {in: '[1, 2]'}, do: [{keep: {call: table-put, with: {table: notes, key: '\${ "row \\($item)" }', value: '\${ . }'}}}]}
  - ask: {if: $workflow.input.ask == true, call: approve, with: {title: Go on?}}
`;
const runs = {};

test("a flow runs to each of its ends", async () => {
  const api = apiOf(stage, admin.context);
  await api("POST", "/flows", { source: FLOW });
  await api("POST", "/flows", { source: FLOW.replace("1.0.0", "1.0.1") });
  await api("PUT", "/secrets/fake-secret", { value: "fake" });
  for (const [input, status] of [
    [{}, "completed"],
    [{ fail: true }, "faulted"],
    [{ ask: true }, "waiting"],
  ]) {
    runs[status] = (await api("POST", "/flows/walk.all/runs", { input })).run;
    await reaches(api, runs[status], status);
  }
});

const PAGES = [
  ["/", "Home"],
  ["/flows", "Flows"],
  ["/flows/walk.all", "walk.all"],
  ["/flows/walk.all/start", "Start walk.all"],
  ["/flows/new", "New flow"],
  ["/flows/walk.all/edit", "walk.all"],
  ["/flows/absent.absent", "absent.absent"],
  ["/runs", "Runs"],
  ["/runs?status=faulted", "Runs"],
  ["/runs/absent", "absent"],
  ["/approvals", "Approvals"],
  ["/tables", "Tables"],
  ["/tables/notes", "notes"],
  ["/secrets", "Secrets"],
  ["/settings", "Settings"],
  ["/webhooks", "Webhooks"],
  ["/webhooks/absent", "absent"],
  ["/connections", "Connections"],
  ["/connections/new", "New Connection"],
  ["/connections/new/api-connector", "API Connector"],
  ["/connections/new/microsoft-graph", "Microsoft Graph"],
  ["/connections/new/openid-connect", "OpenID Connect provider"],
  ["/connections/new/preset/github", "GitHub"],
  ["/connections/keyed", "keyed"],
  ["/connections/by-issuer", "by-issuer"],
  ["/connections/keyed/change", "Change keyed"],
  ["/connections/absent", "absent"],
  ["/calls", "Calls"],
  ["/calls?connection=keyed", "Calls"],
  ["/explorer", "API explorer"],
  ["/audit", "Audit"],
  ["/keys", "API keys"],
  ["/users", "Users"],
  ["/nowhere", "Nothing here"],
];
const LOOKS = [
  { viewport: { width: 1280, height: 900 }, colorScheme: "light" },
  { viewport: { width: 390, height: 800 }, colorScheme: "dark" },
];

for (const looks of LOOKS) {
  test(`every page at ${looks.viewport.width} pixels, ${looks.colorScheme}`, async () => {
    const { page, complaints } = await person(stage, { ...looks, storageState: await admin.context.storageState() });
    for (const [path] of PAGES) {
      await page.goto(`${stage.url}${path}`);
      await page.getByRole("heading", { level: 1 }).first().waitFor();
      await looksRight(page);
    }
    for (const [status, run] of Object.entries(runs)) {
      await page.goto(`${stage.url}/runs/${run}`);
      await badge(page, status === "waiting" ? /^live$/ : status).waitFor();
      const step = page.getByRole("region", { name: "Steps" }).locator("summary").first();
      await step.click();
      await looksRight(page);
    }
    assert.deepEqual(complaints, []);
  });
}

test("a viewer sees, and what a viewer may not do is not there", async () => {
  const viewer = await person(stage, { viewport: { width: 390, height: 800 }, colorScheme: "dark" });
  const { page } = viewer;
  await page.goto(`${stage.url}/connections/keyed`);
  await page.getByLabel("User name").fill("viewer");
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("heading", { name: "keyed", exact: true }).waitFor();
  await looksRight(page);
  for (const name of ["Test", "Sign in again", "Change", "Delete", "GET"]) assert.equal(await page.getByRole("button", { name, exact: true }).count(), 0, name);
  assert.equal(await page.getByRole("link", { name: /Audit|API keys|Users|explorer/ }).count(), 0);
  assert.deepEqual(viewer.complaints, []);
});

test("a session that is over: who signs in again is on the same page, with what was typed", async () => {
  const { page, context } = admin;
  await openConnector(stage, page, "typed-before", "Bearer Token");
  await page.getByLabel("Token", { exact: true }).fill("fake-bearer-token");
  await page.getByLabel("Base URL").fill(`http://127.0.0.1:${echo.address().port}/api`);
  const before = page.url();
  const ended = await context.request.delete(`${stage.url}/api/v1/session`, { headers: { origin: stage.url } });
  assert.equal(ended.status(), 204);
  await create(page);
  const dialog = page.getByRole("dialog");
  await dialog.getByRole("heading", { name: "Your session has ended" }).waitFor();
  await dialog.getByLabel("User name").fill("admin");
  await dialog.getByLabel("Password").fill(PASSWORD);
  await dialog.getByRole("button", { name: "Sign in" }).click();
  await dialog.waitFor({ state: "hidden" });
  assert.equal(page.url(), before);
  assert.equal(await page.getByLabel("Name", { exact: true }).inputValue(), "typed-before");
  await create(page);
  await badge(page, "works").waitFor();
});

test("delete names what goes, and asks for the name", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/connections/by-issuer`);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByLabel("Type by-issuer to confirm").fill("by-issuer");
  await looksRight(page);
  await page.getByRole("button", { name: "Delete the connection" }).click();
  await page.getByRole("heading", { name: "Connections", exact: true }).waitFor();
  assert.equal(await page.getByRole("link", { name: "by-issuer" }).count(), 0);
});
