// G22: no text that anybody else wrote is ever taken for markup. 150 payloads in every string that the console
// shows: stored through the API, sent by an API or a provider, and put in place of every other string of an answer.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, test } from "node:test";
import { apiOf, reaches } from "./api.mjs";
import { LINKS, PAYLOADS } from "./payloads.mjs";
import { firstStart } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

/** What stands on a page that could not be drawn. */
const BROKEN = "This page broke";
/** So many payloads stand in one string at a time. */
const BATCH = 15;
const BATCHES = Array.from({ length: PAYLOADS.length / BATCH }, (_, at) => PAYLOADS.slice(at * BATCH, (at + 1) * BATCH));

let stage;
let admin;
let hostile;
let hostileRun;
let executed;
let elsewhere;
/** Requests that wait for their answers. */
const waiting = new Set();

before(async () => {
  stage = await raise();
  admin = await watched(stage.browser);
  await firstStart(stage, admin.page);
  hostile = createServer(answer);
  await new Promise((ready) => hostile.listen(0, "127.0.0.1", ready));
});
after(async () => {
  await stage?.lower();
  hostile?.close();
});

/** A provider and an API that answer with payloads in every place. */
function answer(request, response) {
  const { pathname } = new URL(request.url, "http://localhost");
  const [, what, at] = pathname.split("/");
  const batch = BATCHES[Number(at) || 0];
  const json = (status, body) => response.writeHead(status, { "content-type": "application/json", "x-hostile": batch[0], "request-id": batch[1] }).end(JSON.stringify(body));
  if (what === "token") return json(400, { error: "invalid_client", error_description: batch.join(" "), error_uri: LINKS[0], trace_id: batch[0], correlation_id: batch[1], suberror: batch[2] });
  if (what === "rows") return json(200, { "@odata.nextLink": LINKS[0], value: PAYLOADS.map((text, row) => ({ text, [text]: row, deep: { [text]: [text] } })) });
  response.writeHead(200, { "content-type": "text/html" }).end(PAYLOADS.join("\n"));
}

/** A browser that counts scripts that ran and requests that no page of ours makes. */
async function watched(browser) {
  const found = await person({ browser });
  executed = [];
  elsewhere = [];
  await found.context.exposeFunction("ran", (text) => executed.push(text));
  await found.context.addInitScript("for (const name of ['alert', 'msgbox']) window[name] = (...words) => window.ran(String(words));");
  found.page.on("dialog", (dialog) => {
    executed.push(dialog.message());
    void dialog.dismiss();
  });
  found.context.on("request", (request) => {
    const { origin, pathname } = new URL(request.url());
    if (origin !== new URL(stage.url).origin || !/^\/(api\/v1\/|assets\/|keyway\.svg$|$|connections|calls|explorer|audit|keys|users|flows|runs|approvals|tables|secrets|settings|webhooks)/.test(pathname)) elsewhere.push(request.url());
  });
  // what follows a run has no end as long as the run has none
  found.context.on("request", (request) => isWatch(request) || waiting.add(request));
  for (const end of ["requestfinished", "requestfailed"]) found.context.on(end, (request) => waiting.delete(request));
  return found;
}

/** A stream that follows a run or a list of them. */
function isWatch(request) {
  return new URL(request.url()).pathname.endsWith("/watch");
}

/** Waits until everything that was asked for is answered and drawn. */
async function answered(page) {
  const end = Date.now() + 60_000;
  for (let quiet = 0; quiet < 2; quiet = waiting.size === 0 ? quiet + 1 : 0) {
    assert.ok(Date.now() < end, `${page.url()} waits for ${[...waiting].map((request) => request.url()).join(" ")}`);
    await page.evaluate(() => new Promise((next) => requestAnimationFrame(next)));
  }
}

/** What is on the page must be our own: no handlers, nothing that loads, no links but to the web. */
async function onlyText(page) {
  const foreign = await page.evaluate(() => {
    const found = [];
    for (const element of document.querySelectorAll("body *")) {
      for (const { name } of element.attributes) if (name.startsWith("on")) found.push(`${element.localName} ${name}`);
      if (["script", "iframe", "object", "embed", "img", "video", "audio", "link", "meta", "base", "style", "math", "marquee", "animate"].includes(element.localName)) found.push(element.localName);
      const link = element.getAttribute("href") ?? element.getAttribute("action") ?? element.getAttribute("src");
      if (link !== null && !["http:", "https:"].includes(new URL(link, location.href).protocol)) found.push(link);
      if (element.localName === "a" && new URL(element.href).hostname === "attacker.example") found.push(element.href);
    }
    return found;
  });
  assert.deepEqual(foreign, [], page.url());
  assert.equal(await page.getByRole("heading", { name: BROKEN }).count(), 0, page.url());
  assert.deepEqual(executed, [], page.url());
  assert.deepEqual(elsewhere, [], page.url());
  assert.deepEqual(admin.complaints, [], page.url());
}

async function post(path, data) {
  const response = await admin.context.request.post(`${stage.url}/api/v1${path}`, { headers: { origin: stage.url }, data, timeout: 120_000 });
  return response.status();
}

async function look(path) {
  const { page } = admin;
  await page.goto(`${stage.url}${path}`);
  await page.getByRole("heading", { level: 1 }).first().waitFor();
  await answered(page);
  await page.evaluate(() => {
    for (const closed of document.querySelectorAll("main details:not([open])")) closed.open = true;
  });
  // what is in them is drawn once they are open
  await answered(page);
  await onlyText(page);
}

test("the payloads do run where text is taken for markup", async () => {
  const { page, context } = await person(stage);
  const ran = new Set();
  await context.exposeFunction("ran", (text) => ran.add(text));
  await page.addInitScript("window.alert = (text) => window.ran(String(text));");
  await page.route("**/*", (route) => route.fulfill({ contentType: "text/html", body: "<!doctype html><body></body>" }));
  await page.goto("http://localhost/");
  await page.evaluate((numbered) => {
    for (const markup of numbered) document.body.append(document.createRange().createContextualFragment(markup));
  }, PAYLOADS.map((text, at) => text.replaceAll("alert(1)", `alert(${at})`)));
  // what loads or is painted first runs a little later; links and forms wait for a click
  const enough = PAYLOADS.length / 2;
  for (const end = Date.now() + 60_000; ran.size < enough && Date.now() < end; ) await page.evaluate(() => new Promise((next) => requestAnimationFrame(next)));
  await context.close();
  assert.ok(ran.size >= enough, `${ran.size} of ${PAYLOADS.length} ran`);
});

/** Tries to store one payload wherever a text of one's own is taken; what is refused can't be shown. */
async function store(text, at, base_url) {
  const tries = [
    ["/connections", { name: `query-${at}`, type: "query_key", query_key: { name: text, value: "fake" }, base_url }],
    ["/connections", { name: `basic-${at}`, type: "basic", username: text, password: "fake", base_url }],
    ["/keys", { name: text, role: "viewer" }],
    ["/users", { username: text, password: "a fake sentence", role: "viewer" }],
    ["/connections", { name: text, type: "none", base_url }],
  ];
  const statuses = [];
  for (const [path, data] of tries) statuses.push(await post(path, data));
  for (const status of statuses) assert.ok(status === 201 || status === 400, `${text}: ${statuses.join(" ")}`);
  return statuses;
}

test("stored names, and what providers say", async () => {
  const { port } = hostile.address();
  const base_url = `http://127.0.0.1:${port}`;
  const statuses = [];
  // a password is hashed for each: all at once would keep the last ones waiting long
  for (const [at, batch] of BATCHES.entries()) statuses.push(...(await Promise.all(batch.map((text, place) => store(text, at * BATCH + place, base_url)))).flat());
  const stored = statuses.filter((status) => status === 201).length;
  assert.ok(stored > PAYLOADS.length, `${stored} were stored`);
  for (const [at] of BATCHES.entries()) {
    const oauth = { type: "oauth", grant: "client_credentials", token_endpoint: `${base_url}/token/${at}`, client_id: BATCHES[at][1].slice(0, 200), client_secret: "fake", base_url };
    assert.equal(await post("/connections", { name: `told-${at}`, ...oauth }), 201);
  }
  for (const path of ["/connections", "/keys", "/users", "/audit"]) await look(path);
  for (const [at] of BATCHES.entries()) {
    await look(`/connections/told-${at}`);
    await look(`/connections/query-${at * BATCH}`);
  }
  await look("/connections/basic-0/change");
});

test("an API's answer in every view", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/explorer?connection=query-0`);
  for (const path of ["/rows", "/text"]) {
    await page.getByLabel("Path or URL").fill(path);
    await page.getByRole("button", { name: "Send" }).click();
    const views = path === "/rows" ? ["Table", "Tree", "Raw"] : [];
    await page.getByText(path === "/rows" ? "Response headers" : "</math>").first().waitFor();
    await page.getByText("Response headers").click();
    for (const view of views) {
      await page.getByRole("tab", { name: view }).click();
      await onlyText(page);
    }
    await onlyText(page);
  }
});

/** A flow that shows its input in every place that people look at. */
const HOSTILE = {
  document: { dsl: "1.0.3", namespace: "walk", name: "hostile", version: "1.0.0", title: BATCHES[0].join(" ") },
  do: [
    { keep: { set: "${ . }" } },
    { ask: { if: ".ask", call: "approve", with: { title: "${ .text }", message: "${ .text }", details: "${ . }" } } },
    { fail: { raise: { error: { type: "https://contoso.example/fake", status: 500, title: "${ .text }", detail: "${ .text }" } } } },
  ],
};

test("flows, runs, questions and tables", async () => {
  const api = apiOf(stage, admin.context);
  await api("POST", "/flows", { source: JSON.stringify(HOSTILE) });
  await api("POST", "/flows", { source: JSON.stringify({ ...HOSTILE, document: { ...HOSTILE.document, version: "1.0.1", title: BATCHES[1].join(" ") } }) });
  const runs = [];
  for (const batch of BATCHES) {
    const input = { text: batch.join(" "), rows: batch, [batch[0]]: { [batch[1]]: batch[2] } };
    for (const ask of [true, false]) {
      const { run } = await api("POST", "/flows/walk.hostile/runs", { input: { ...input, ask } });
      await reaches(api, run, ask ? "waiting" : "faulted");
      runs.push(run);
    }
  }
  await api("POST", "/webhooks", { name: "hostile", url: `http://127.0.0.1:${hostile.address().port}/told` });
  await api("POST", "/webhooks/hostile/test");
  let rows = 0;
  for (const text of PAYLOADS) {
    const answer = await admin.context.request.put(`${stage.url}/api/v1/tables/hostile/${encodeURIComponent(text)}`, { headers: { origin: stage.url, "if-match": '"0"' }, data: { value: { text, [text]: text } } });
    assert.ok([200, 400].includes(answer.status()), `${text}: ${answer.status()}`);
    if (answer.ok()) rows += 1;
  }
  assert.ok(rows > PAYLOADS.length / 2, `${rows} rows were stored`);
  for (const path of ["/", "/flows", "/flows/walk.hostile", "/runs", "/approvals", "/tables", "/tables/hostile", `/flows/walk.hostile/start?from=${runs[0]}`, ...runs.map((run) => `/runs/${run}`)]) await look(path);
  [hostileRun] = runs;
});

/** Words by which the console decides what to show; everything else may be anything. */
const KEPT = new Set(["state", "type", "kind", "grant", "role", "preset", "id", "body_encoding", "client_authentication", "base_url", "public_url", "for"]);
const LINK_FIELDS = new Set(["link", "admin_consent_url", "redirect_uri", "url", "authority", "graph"]);

/** The same document with payloads for texts. */
function poisoned(value, key, round, path) {
  if (Array.isArray(value)) return value.map((item) => poisoned(item, key, round, path));
  if (typeof value === "object" && value !== null) return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, poisoned(item, name, round, path)]));
  // a link may be there although this answer has none
  if (value === null && LINK_FIELDS.has(key)) return LINKS[round % LINKS.length];
  if (typeof value !== "string" || KEPT.has(key)) return value;
  // names of clouds become addresses of our own
  if (path.endsWith("/presets") && key !== "name") return value;
  if (LINK_FIELDS.has(key)) return LINKS[round % LINKS.length];
  // every other round leaves times alone, so that the parts which need them are seen too
  if (round % 2 === 0 && !Number.isNaN(Date.parse(value))) return value;
  return BATCHES[round % BATCHES.length].join(" ");
}

const OTHERS = ["/connections", "/connections/told-1/change", "/connections/absent", "/connections/new/microsoft-graph", "/connections/new/api-connector", "/calls", "/explorer", "/audit", "/keys", "/users", "/", "/flows", "/flows/walk.hostile", "/flows/walk.hostile/start", "/runs", "/approvals", "/tables", "/tables/hostile", "/secrets", "/settings", "/webhooks", "/webhooks/hostile"];

test("every other string of every answer", async () => {
  const { page, context } = admin;
  let round = 0;
  let poisons = 0;
  await context.route("**/api/v1/**", async (route) => {
    // a stream has no end that could be waited for; what it tells of is full of payloads as it is
    if (isWatch(route.request())) return route.continue();
    const response = await route.fetch();
    if (!response.headers()["content-type"]?.includes("json")) return route.fulfill({ response });
    poisons += 1;
    const document = poisoned(await response.json(), "", round, new URL(route.request().url()).pathname);
    await route.fulfill({ response, json: document });
  });
  for (; round < LINKS.length; round += 1) {
    await look("/connections/told-0");
    // the other pages show no links that come with an answer
    if (round < BATCHES.length) for (const path of [...OTHERS, `/runs/${hostileRun}`]) await look(path);
  }
  await context.unroute("**/api/v1/**");
  assert.ok(poisons > BATCHES.length * 10, `${poisons} answers`);
  await page.goto(`${stage.url}/connections`);
});
