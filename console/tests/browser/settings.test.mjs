// What an installation is run with: outgoing webhooks, told and counted at the receiver; the encryption key; what is running.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { badge, firstStart, looksRight } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

let stage;
let admin;
let receiver;
const received = [];

before(async () => {
  stage = await raise();
  admin = await person(stage);
  await firstStart(stage, admin.page);
  receiver = createServer((request, response) => {
    const parts = [];
    request.on("data", (part) => parts.push(part));
    request.on("end", () => {
      received.push({ id: request.headers["webhook-id"], signature: request.headers["webhook-signature"], event: JSON.parse(Buffer.concat(parts).toString()) });
      response.writeHead(204).end();
    });
  });
  await new Promise((ready) => receiver.listen(0, "127.0.0.1", ready));
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
  receiver?.close();
});

test("a webhook is made, tried, sent to again, disabled and deleted", async () => {
  const { page } = admin;
  await page.goto(stage.url);
  await page.getByRole("link", { name: "Webhooks" }).click();
  await page.getByText("No webhooks yet.").waitFor();
  await looksRight(page);
  await page.getByRole("button", { name: "New webhook" }).click();
  await page.getByLabel("Name").fill("operations");
  await page.getByLabel("Address").fill(`http://127.0.0.1:${receiver.address().port}/keyway`);
  await page.getByLabel(/^all events/).uncheck();
  await page.getByLabel(/webhook\.test/).uncheck();
  await looksRight(page);
  await page.getByRole("button", { name: "Create" }).click();
  const secret = await page.getByText(/^whsec_/).innerText();
  await looksRight(page);
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByRole("link", { name: "operations" }).click();
  await page.getByRole("heading", { name: "operations" }).waitFor();
  assert.ok(!(await page.content()).includes(secret));
  await page.getByText("Nothing has been sent yet.").waitFor();
  await page.getByRole("button", { name: "Send a test" }).click();
  await page.getByText("The test: delivered").waitFor();
  assert.equal(received.length, 1);
  assert.match(received[0].signature, /^v1,/);
  const deliveries = page.getByRole("region", { name: "Deliveries" });
  await deliveries.locator("summary", { hasText: "1 attempt" }).click();
  await looksRight(page);
  await deliveries.getByRole("button", { name: /^Send again/ }).click();
  await deliveries.getByText("2 attempts").waitFor();
  assert.deepEqual([received.length, received[1].id], [2, received[0].id], "the same message, so that the receiver knows it");
  await page.getByRole("button", { name: "New secret" }).click();
  await page.getByRole("button", { name: "Make it" }).click();
  assert.notEqual(await page.getByText(/^whsec_/).innerText(), secret);
  await page.getByRole("button", { name: "I have copied it" }).click();
  await page.getByText("The older secret signs too until").waitFor();
  await page.getByRole("button", { name: "Change" }).click();
  await page.getByLabel("Name").fill("on-call");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("heading", { name: "on-call", exact: true }).waitFor();
  await page.getByRole("button", { name: "Disable" }).click();
  await badge(page, "disabled").waitFor();
  await looksRight(page);
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the webhook" }).click();
  await page.getByText("No webhooks yet.").waitFor();
});

test("how long things are kept is changed, and stays", async () => {
  const { page } = admin;
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByLabel("Finished runs are kept (days)").fill("0");
  await page.getByRole("button", { name: "Save" }).click();
  assert.equal(await page.getByLabel("Finished runs are kept (days)").evaluate((field) => field.validity.valid), false);
  await page.getByLabel("Finished runs are kept (days)").fill("90");
  await page.getByLabel("The call log is kept (days)").fill("7");
  await page.getByRole("button", { name: "Save" }).click();
  // nothing is left to be saved, and nothing is on its way
  await page.locator("button[aria-disabled=true][aria-busy=false]", { hasText: "Save" }).waitFor();
  await page.reload();
  await page.getByLabel("Finished runs are kept (days)").waitFor();
  assert.equal(await page.getByLabel("Finished runs are kept (days)").inputValue(), "90");
  assert.equal(await page.getByLabel("The call log is kept (days)").inputValue(), "7");
  await looksRight(page);
});

test("the encryption key is rotated while everything goes on; the server says what it is", async () => {
  const { page } = admin;
  await page.getByRole("link", { name: "Settings" }).click();
  await page.getByText("SQLite").waitFor();
  await page.getByText(stage.url, { exact: true }).waitFor();
  const keys = page.getByRole("region", { name: "Encryption keys" }).first();
  const before = await keys.getByRole("row").count();
  await page.getByRole("button", { name: "Rotate" }).click();
  await looksRight(page);
  await page.getByRole("button", { name: "Rotate the key" }).click();
  await keys.getByRole("row").nth(before).waitFor();
  await page.getByText("Every value is sealed with the newest key.").waitFor();
  await looksRight(page);
});
