// What follows by itself: the list of runs without asking again and again; and from a run to its calls and back.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { api, connectGraph, deployed, ran } from "./builder.mjs";
import { badge, firstStart, looksRight } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

const WAITS = "document: {dsl: '1.0.3', namespace: people, name: waits, version: '1.0.0'}\ndo:\n  - listens: {listen: {to: {one: {with: {type: contoso.go}}}}}\n";
const CALLS = "document: {dsl: '1.0.3', namespace: people, name: calls, version: '1.0.0'}\nuse: {secrets: [graph]}\ndo:\n  - each:\n      for: {in: '${ [1, 2] }'}\n      do:\n        - ask: {call: http, with: {method: get, endpoint: {uri: /users, authentication: {oauth2: {use: graph}}}, query: {$top: '1'}}}\n";

let stage;
let admin;

before(async () => {
  stage = await raise();
  admin = await person(stage);
  await firstStart(stage, admin.page);
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

test("the list of runs follows: one comes, changes and, where a filter says so, goes", async () => {
  const { page } = admin;
  const key = await deployed(page, WAITS);
  const asked = [];
  page.on("request", (request) => asked.push(new URL(request.url()).pathname));
  await page.goto(`${stage.url}/runs?status=waiting`);
  await badge(page, "live").waitFor();
  await page.getByText("No run matches.").waitFor();
  asked.length = 0;
  const { run } = (await api(page, "POST", `/flows/${key}/runs`, { input: {} })).body;
  await page.getByRole("link", { name: key, exact: true }).waitFor();
  await page.getByText(run).waitFor();
  await looksRight(page);
  const sent = await page.evaluate(async () => (await fetch("/api/v1/events", { method: "POST", headers: { "content-type": "application/cloudevents+json" }, body: JSON.stringify({ specversion: "1.0", id: "2", source: "walk", type: "contoso.go" }) })).status);
  assert.ok(sent < 300, String(sent));
  await page.getByText("No run matches.").waitFor();
  assert.equal(asked.filter((path) => path === "/api/v1/runs").length, 0, "nobody asked for the list again");
});

test("the list goes on after the server was away", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/runs`);
  await badge(page, "live").waitFor();
  await stage.kill();
  await badge(page, "live").waitFor({ state: "detached" });
  await stage.restart();
  await badge(page, "live").waitFor({ timeout: 120_000 });
  const { run } = (await api(page, "POST", "/flows/people.waits/runs", { input: {} })).body;
  await page.getByText(run).waitFor();
});

test("from a run to its calls, and from a call back to the step that made it", async () => {
  const { page } = admin;
  await connectGraph(stage, page);
  const key = await deployed(page, CALLS);
  const { run, status } = await ran(page, key, {});
  assert.equal(status, "completed");
  await page.goto(`${stage.url}/runs/${run}`);
  await page.getByRole("link", { name: "Its calls" }).click();
  await page.getByText(`Only the calls of ${run}.`).waitFor();
  const rows = page.getByRole("table").getByRole("row");
  await rows.nth(2).waitFor();
  assert.equal(await rows.count(), 3, "a run's calls are there as soon as it ended");
  await ran(page, key, {});
  await page.getByRole("button", { name: "Those of everybody" }).click();
  await rows.nth(4).waitFor();
  await ran(page, key, {});
  await page.getByRole("button", { name: "Look again" }).click();
  await rows.nth(6).waitFor();
  await looksRight(page);
  assert.ok(!(await page.getByRole("table").innerText()).includes("$top"), "query values are not in the log");
  await rows.nth(1).getByRole("link", { name: /step ask/ }).click();
  await page.locator("details[open] code", { hasText: "/do/0/each[1]/do/0/ask" }).waitFor();
  await looksRight(page);

  await page.goto(`${stage.url}/connections/graph`);
  await page.getByRole("link", { name: "Every call through it" }).click();
  await page.waitForURL(/\/calls\?connection=graph$/);
  await rows.nth(2).waitFor();

  // a call that was sent twice tells each try
  await stage.control("faults", { route: "graph", match: "users", status: 503, times: 1 });
  const sent = await api(page, "POST", "/connections/graph/call", { method: "GET", path: "/users" });
  assert.equal(sent.body.attempts, 2);
  await page.getByRole("button", { name: "Look again" }).click();
  await rows.nth(1).getByText("sent 2 times").waitFor();
  await rows.nth(1).getByText("Each try").click();
  await rows.nth(1).getByText(/the API was in trouble, 200/).waitFor();
  await looksRight(page);
});
