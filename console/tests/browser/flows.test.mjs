// Flows and runs as a person has them: started, followed, cured, answered, rolled back; through a killed server.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { apiOf, reaches } from "./api.mjs";
import * as portal from "./portal.mjs";
import { DELEGATED, badge, create, fillIn, firstStart, looksRight, openConnector, signInAtProvider } from "./screens.mjs";
import { longestTask, person, raise, slowness } from "./stage.mjs";

let stage;
let admin;
let api;
/** An API on this machine: what it was sent, and answers that are kept back until they are let go. */
let peer;

before(async () => {
  stage = await raise();
  admin = await person(stage);
  await firstStart(stage, admin.page);
  api = apiOf(stage, admin.context);
  peer = await openPeer();
  await api("POST", "/connections", { name: "peer", type: "none", base_url: peer.url });
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
  peer?.server.closeAllConnections();
  peer?.server.close();
});

async function openPeer() {
  const state = { posts: 0, posted: () => undefined, gets: [] };
  state.server = createServer((request, response) => {
    if (request.method === "GET") state.gets.push(request.url);
    const json = (status, body) => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    if (request.method === "POST") {
      state.posts += 1;
      return state.posted();
    }
    if (request.url === "/large") return json(200, { text: "x".repeat(1024 * 1024), rows: Array.from({ length: 300 }, (_, row) => ({ row })) });
    if (request.url === "/broken") return json(state.broken ? 500 : 200, { error: "the fake API is out of order" });
    return json(200, { path: request.url });
  });
  await new Promise((ready) => state.server.listen(0, "127.0.0.1", ready));
  state.url = `http://127.0.0.1:${state.server.address().port}`;
  return state;
}

const text = (name, version, rest) => `document: {dsl: '1.0.3', namespace: walk, name: ${name}, version: '${version}', title: A walk}\n${rest}`;
const deploy = (source) => api("POST", "/flows", { source });
const start = async (flow, input = {}) => (await api("POST", `/flows/walk.${flow}/runs`, { input })).run;
const call = (method, path) => `call: http\n      with: {method: ${method}, endpoint: {uri: '${path}', authentication: {oauth2: {use: peer}}}}`;
const see = (run) => admin.page.goto(`${stage.url}/runs/${run}`);

test("a flow is found, looked at, and started with a form of its schema", async () => {
  const { page } = admin;
  await deploy(text("greet", "1.0.0", "input: {schema: {document: {type: object, required: [who], properties: {who: {type: string, description: Whom to greet.}, times: {type: integer}}}}}\ndo:\n  - greet: {set: {said: '${ \"hello \" + .who }'}}\n"));
  await page.goto(stage.url);
  await page.getByRole("link", { name: "Flows", exact: true }).click();
  await page.getByRole("link", { name: "walk.greet" }).click();
  await badge(page, "enabled").waitFor();
  await looksRight(page);
  await page.getByRole("link", { name: "Start", exact: true }).click();
  await page.getByRole("button", { name: "Start the run" }).click();
  await page.getByText("This is required.").waitFor();
  await looksRight(page);
  await page.getByLabel("who", { exact: true }).fill("Ada");
  await page.getByLabel("times (optional)").fill("3");
  await page.getByRole("button", { name: "Start the run" }).click();
  await badge(page, "completed").waitFor();
  await page.getByText('"hello Ada"').first().waitFor();
  await looksRight(page);
  // again, with another input: what was typed is there to be changed
  await page.getByRole("link", { name: "Run with another input" }).click();
  assert.equal(await page.getByLabel("times (optional)").inputValue(), "3");
  await page.getByLabel("who", { exact: true }).fill("Grace");
  await page.getByRole("button", { name: "Start the run" }).click();
  await page.getByText('"hello Grace"').first().waitFor();
  await page.goto(`${stage.url}/runs`);
  await page.getByLabel("Text in the input or the error").fill("Grace");
  await page.getByRole("button", { name: "Apply" }).click();
  await page.waitForURL(/text=Grace/);
  await page.getByRole("row").nth(1).waitFor();
  assert.equal(await page.getByRole("row").count(), 2);
  await looksRight(page);
});

test("the server is killed during a run: the page says so, and sees the run to its end by itself", async () => {
  const { page } = admin;
  await deploy(text("nap", "1.0.0", `use: {secrets: [peer]}\ndo:\n  - before:\n      ${call("get", "/before")}\n  - sleep: {listen: {to: {one: {with: {type: com.contoso.example.woken}}}}}\n  - after:\n      ${call("get", "/after")}\n`));
  const run = await start("nap");
  await see(run);
  await badge(page, "waiting").waitFor();
  await badge(page, "live").waitFor();
  await stage.kill();
  await badge(page, "The connection to the server broke off").waitFor();
  await stage.restart();
  await badge(page, /^live$/).waitFor();
  await badge(page, "waiting").waitFor();
  const event = { specversion: "1.0", id: "walk-1", source: "/walk", type: "com.contoso.example.woken" };
  await api("POST", "/events", JSON.stringify(event), { "content-type": "application/cloudevents+json" });
  await badge(page, "completed").waitFor();
  const steps = page.getByRole("region", { name: "Steps" });
  for (const name of ["before", "sleep", "after"]) await steps.locator("summary", { hasText: name }).getByText("completed").waitFor();
  assert.deepEqual(peer.gets, ["/before", "/after"], "what was done before is not done again");
  await looksRight(page);
});

test("a call whose outcome nobody knows: the run waits for a person, who says what became of it", async () => {
  const { page } = admin;
  await deploy(text("order", "1.0.0", `use: {secrets: [peer]}\ndo:\n  - order:\n      ${call("post", "/orders")}\n`));
  const sent = new Promise((resolve) => {
    peer.posted = resolve;
  });
  const run = await start("order");
  await sent;
  await stage.kill();
  await stage.restart();
  await reaches(api, run, "parked");
  await see(run);
  const panel = page.getByRole("region", { name: "It can't go on until somebody acts" });
  await panel.getByText("Look at the other side").waitFor();
  await looksRight(page);
  await panel.getByLabel("What became of it").selectOption({ label: "It was made, with this output" });
  await panel.getByLabel("Its output as JSON").fill('{"order": 7}');
  await panel.getByRole("button", { name: "Say so" }).click();
  await badge(page, "completed").waitFor();
  await page.getByRole("region", { name: "Output" }).getByText("7", { exact: true }).waitFor();
  assert.equal(peer.posts, 1, "it was sent once");
});

test("a run asks a person, who approves; the run goes on", async () => {
  const { page } = admin;
  await deploy(text("ask", "1.0.0", "do:\n  - ask:\n      call: approve\n      with: {title: Delete Ada?, message: Gone after 30 days., details: {user: ada@contoso.example}}\n"));
  const run = await start("ask");
  await see(run);
  await page.getByRole("link", { name: "Answer the question" }).click();
  await page.getByRole("heading", { name: "Delete Ada?" }).waitFor();
  await page.getByText("Details").click();
  await page.getByText('"ada@contoso.example"').waitFor();
  await looksRight(page);
  await page.getByLabel("Comment").fill("fine by me");
  await page.getByRole("button", { name: "Approve: Delete Ada?" }).click();
  await page.getByText("Approved: Delete Ada?").waitFor();
  await see(run);
  await badge(page, "completed").waitFor();
  await page.getByText('"fine by me"').first().waitFor();
});

/** Moves the focus until it is on something of this name. */
async function tabTo(page, name) {
  await page.getByRole("link", { name }).or(page.getByRole("button", { name })).first().waitFor();
  for (let presses = 0; presses < 200; presses += 1) {
    await page.keyboard.press("Tab");
    const found = await page.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "");
    if (name.test(found.trim())) return;
  }
  assert.fail(`the keyboard does not reach ${name}`);
}

test("by keyboard alone: a flow is started, its question found and answered", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/flows`);
  await page.getByRole("link", { name: "walk.ask" }).waitFor();
  for (const [name, heading] of [
    [/^walk\.ask$/, "walk.ask"],
    [/^Start$/, "Start walk.ask"],
    [/^Start the run$/, "walk.ask"],
  ]) {
    await tabTo(page, name);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: heading, exact: true, level: 1 }).waitFor();
  }
  await page.getByRole("link", { name: "Answer the question" }).waitFor();
  await tabTo(page, /^Answer the question$/);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Delete Ada?" }).waitFor();
  await tabTo(page, /^Reject: Delete Ada\?$/);
  await page.keyboard.press("Enter");
  await page.getByText("Rejected: Delete Ada?").waitFor();
});

test("a failed run says why; it goes on from the failed step once the cause is gone", async () => {
  const { page } = admin;
  peer.broken = true;
  await deploy(text("fragile", "1.0.0", `use: {secrets: [peer]}\ndo:\n  - first:\n      ${call("get", "/first")}\n  - second:\n      ${call("get", "/broken")}\n`));
  const run = await start("fragile");
  await reaches(api, run, "faulted");
  await page.goto(stage.url);
  await page.getByRole("region", { name: "Runs that failed in the last 24 hours" }).getByRole("link", { name: "walk.fragile" }).click();
  await page.getByRole("region", { name: "Error" }).getByText("the fake API is out of order").waitFor();
  const steps = page.getByRole("region", { name: "Steps" });
  await page.getByText("Picture of the flow").click();
  const picture = page.getByRole("group", { name: "Steps of the flow" });
  await picture.getByRole("button", { name: /first/ }).getByText("done").waitFor();
  await picture.getByRole("button", { name: /second/ }).getByText("failed").waitFor();
  // the picture leads to what the step did
  await picture.getByRole("button", { name: /second/ }).click();
  await steps.getByRole("link", { name: "peer" }).waitFor();
  await looksRight(page);
  peer.broken = false;
  await page.getByRole("button", { name: "Retry from the failed step" }).click();
  await page.waitForURL((url) => url.pathname.startsWith("/runs/") && !url.pathname.endsWith(run));
  await badge(page, "completed").waitFor();
  await page.getByRole("link", { name: run }).waitFor();
});

test("a step's output of 1 MiB does not keep the page busy", async () => {
  const { page } = admin;
  await deploy(text("large", "1.0.0", `use: {secrets: [peer]}\ndo:\n  - fetch:\n      ${call("get", "/large")}\n`));
  const run = await start("large");
  await reaches(api, run, "completed");
  const slow = await slowness(stage, page);
  const steps = page.getByRole("region", { name: "Steps" });
  const longest = await longestTask(stage, page, async () => {
    await see(run);
    await badge(page, "completed").waitFor();
    await steps.locator("summary", { hasText: "fetch" }).first().click();
    for (const view of ["Raw", "Tree", "Table"]) {
      await steps.getByRole("tab", { name: view }).click();
      await steps.getByRole("region", { name: view }).waitFor();
    }
    await steps.getByRole("tab", { name: "Raw" }).click();
    await steps.getByText(/^The first .* of 1\.0 MiB/).waitFor();
  });
  const drawn = await page.evaluate(() => document.body.innerText.length);
  assert.ok(drawn < 300_000, `${drawn} characters are drawn`);
  assert.ok(longest < 1_000 * slow, `a task of ${longest} ms`);
  const saving = page.waitForEvent("download");
  await steps.getByRole("button", { name: "Download" }).click();
  const saved = await (await saving).createReadStream();
  let bytes = 0;
  for await (const chunk of saved) bytes += chunk.length;
  assert.ok(bytes > 1024 * 1024, `${bytes} bytes were saved`);
});

test("cancel, suspend and resume, delete", async () => {
  const { page } = admin;
  await deploy(text("long", "1.0.0", "do:\n  - sleep: {wait: {hours: 1}}\n"));
  const run = await start("long");
  await see(run);
  await badge(page, "waiting").waitFor();
  await page.getByRole("button", { name: "Suspend" }).click();
  await badge(page, "suspended").waitFor();
  await page.getByRole("button", { name: "Resume" }).click();
  await badge(page, "waiting").waitFor();
  await page.getByRole("button", { name: "Cancel" }).click();
  await looksRight(page);
  await page.getByRole("button", { name: "Cancel the run" }).click();
  await badge(page, "cancelled").waitFor();
  await page.getByRole("button", { name: "Delete" }).click();
  await page.getByRole("button", { name: "Delete the run" }).click();
  await page.getByRole("heading", { name: "Runs", exact: true }).waitFor();
  await see(run);
  await page.getByText("Code run.not_found").waitFor();
});

test("versions are compared and rolled back; new runs get the older one", async () => {
  const { page } = admin;
  const version = (number, says) => text("versioned", number, `do:\n  - say: {set: {says: ${says}}}\n`);
  await deploy(version("1.0.0", "old"));
  await deploy(version("1.1.0", "new"));
  await page.goto(`${stage.url}/flows/walk.versioned`);
  const difference = page.getByRole("region", { name: "Version 1 against version 2" });
  await difference.getByText("says: old").waitFor();
  await difference.getByText("says: new").waitFor();
  await looksRight(page);
  await page.getByRole("button", { name: "Make it current: 1" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Make it current" }).click();
  await page.getByText("Version 1 is the current one now.").waitFor();
  await page.getByRole("row", { name: /^1 \(1\.0\.0\)/ }).getByText("current", { exact: true }).waitFor();
  await reaches(api, await start("versioned"), "completed");
  await page.getByRole("link", { name: "Its runs" }).click();
  await page.getByRole("link", { name: "walk.versioned" }).click();
  await page.getByText('"old"').first().waitFor();
  await page.goto(`${stage.url}/flows/walk.versioned`);
  await page.getByRole("button", { name: "Disable" }).click();
  await badge(page, "disabled").waitFor();
  assert.equal(await page.getByRole("link", { name: "Start", exact: true }).count(), 0);
});

test("a row that somebody else changed: both values are shown, nothing is lost unseen", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/tables`);
  await page.getByLabel("Table", { exact: true }).fill("notes");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("button", { name: "New row" }).click();
  await page.getByLabel("Key", { exact: true }).fill("guide");
  await page.getByLabel("Value as JSON").fill('{"read": 1}');
  await looksRight(page);
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByRole("button", { name: "Edit guide" }).click();
  await page.getByLabel("Value as JSON").fill('{"read": "mine"}');
  await api("PUT", "/tables/notes/guide", { value: { read: "theirs" } }, { "if-match": '"1"' });
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Somebody changed this row in the meantime").waitFor();
  await page.getByRole("dialog").getByText('"theirs"').waitFor();
  await looksRight(page);
  await page.getByRole("button", { name: "Overwrite it with mine" }).click();
  await page.getByRole("cell", { name: /"mine"/ }).waitFor();
  const { value, version } = await api("GET", "/tables/notes/guide");
  assert.deepEqual([value, version], [{ read: "mine" }, 3]);
  await page.getByRole("button", { name: "Delete guide" }).click();
  await page.getByRole("button", { name: "Delete the row" }).click();
  await page.getByText("No row.").waitFor();
});

test("a secret is written and never shown; a hook says how to send to it", async () => {
  const { page } = admin;
  await deploy(text("hooked", "1.0.0", "use: {secrets: [hr-webhook]}\ndo:\n  - keep: {set: {done: true}}\n").replace("title: A walk}", "title: A walk, metadata: {keyway: {webhooks: {hr: {authentication: {signature: [hr-webhook]}}}}}}"));
  await page.goto(`${stage.url}/flows/walk.hooked`);
  await page.getByText(`${stage.url}/hooks/walk.hooked/hr`).waitFor();
  await page.getByText("missing").first().waitFor();
  await looksRight(page);
  await page.getByRole("link", { name: "Store the secret" }).click();
  assert.equal(await page.getByLabel("Name").inputValue(), "hr-webhook");
  await page.getByLabel("Value", { exact: true }).fill("fake-signing-key");
  await looksRight(page);
  await page.getByRole("button", { name: "Store" }).click();
  await page.getByRole("cell", { name: "hr-webhook", exact: true }).waitFor();
  assert.ok(!(await page.content()).includes("fake-signing-key"));
  await looksRight(page);
});

test("a run parked on a revoked connection goes on once somebody has signed in again", async () => {
  const { page } = admin;
  const provider = await portal.openPortal(stage);
  const app = await portal.register(provider.page, "runs", `${stage.url}/oauth/callback/microsoft-graph`);
  Object.assign(app, await portal.newSecret(provider.page));
  await portal.addPermission(provider.page, "Delegated", "User.Read.All");
  await portal.grantConsent(provider.page, "User.Read.All");
  await openConnector(stage, page, "graph", "OAuth");
  await fillIn(stage, page, app, DELEGATED);
  const user = stage.facts.users[2];
  await signInAtProvider(stage, page, () => create(page), user);
  await badge(page, "works").waitFor();
  await deploy(text("users", "1.0.0", "use: {secrets: [graph]}\ndo:\n  - users:\n      call: http\n      with: {method: get, endpoint: {uri: /users, authentication: {oauth2: {use: graph}}}}\n      output: {as: '{count: (.value | length)}'}\n"));
  await stage.control("revoke", { user: user.upn });
  await stage.control("clock", { offset_seconds: 7200 });
  const run = await start("users");
  await reaches(api, run, "parked");
  await see(run);
  await badge(page, "needs somebody").waitFor();
  await looksRight(page);
  await page.getByRole("link", { name: "Cure graph" }).click();
  await badge(page, "needs a sign-in").waitFor();
  const why = page.getByRole("region", { name: "Why it does not work" });
  await signInAtProvider(stage, page, () => why.getByRole("button", { name: "Sign in again" }).click(), user);
  await badge(page, "works").waitFor();
  await see(run);
  await badge(page, "completed").waitFor();
  await page.getByRole("region", { name: "Output" }).getByText("count").first().waitFor();
  await provider.context.close();
});
