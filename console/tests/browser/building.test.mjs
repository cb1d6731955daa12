// What the flow builder is good for beside building: problems land on their step, two people don't overwrite each other,
// a call is tried and its answer used, a request of the explorer becomes a step, a run is watched, large flows stay quick.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LARGE, api, byMouse, changed, connectGraph, deployed, example, openBuilder, outcome, text, unfold } from "./builder.mjs";
import { FAILING, REFUSED } from "./refused.mjs";
import { PASSWORD, firstStart, looksRight } from "./screens.mjs";
import { longestTask, person, raise, slowness } from "./stage.mjs";

let stage;
let admin;

before(async () => {
  stage = await raise();
  admin = await person(stage, LARGE);
  await firstStart(stage, admin.page);
  await connectGraph(stage, admin.page);
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

const HEAD = (name) => `document: {dsl: '1.0.3', namespace: walk, name: ${name}, version: '1.0.0'}\n`;

/** Puts a text into the editor as somebody who pastes it. */
async function paste(page, source) {
  await page.getByRole("tab", { name: "YAML" }).click();
  await page.locator(".cm-content").click();
  await page.keyboard.press("ControlOrMeta+a");
  await page.locator(".cm-content").evaluate((editor, pasted) => {
    const clipboardData = new DataTransfer();
    clipboardData.setData("text/plain", pasted);
    editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true, composed: true }));
  }, source);
}

test("each problem is listed, and leads to its step", async () => {
  const { page } = admin;
  await openBuilder(stage, page);
  for (const [source, step, code, how = "refused"] of REFUSED) {
    await paste(page, source);
    await page.getByRole("tab", { name: /Problems \(/ }).click();
    const item = page.locator(".troubles[aria-busy=false]").getByRole("listitem").filter({ hasText: code }).first();
    await item.waitFor();
    assert.equal((await item.innerText()).includes("warning"), how === "warning", code);
    if (step === undefined) continue;
    await item.getByRole("button", { name: "Go to the step" }).click();
    await page.getByRole("heading", { name: `Step ${step}`, exact: true }).waitFor();
    const box = page.locator(".flow-step.flow-chosen", { hasText: step });
    await (how === "warning" ? box : box.getByText(/^\d problems?$/).first()).waitFor();
    await page.getByRole("button", { name: "Flow settings" }).click();
  }
  await looksRight(page);
});

test("what only a run shows is shown at its step", async () => {
  const { page } = admin;
  for (const [name, source, says] of FAILING) {
    await openBuilder(stage, page, await deployed(page, source));
    const hand = byMouse(page);
    await hand.run();
    await hand.start();
    await page.locator('.flow-faulted[data-step$="/wrong"]').waitFor({ timeout: 120_000 });
    await page.locator('.flow-completed[data-step$="/fine"]').waitFor();
    const { error } = await outcome(page);
    assert.equal(error.instance, "/do/1/wrong", name);
    const said = await page.getByRole("region", { name: "Run", exact: true }).locator(".banner").innerText();
    assert.match(said, says, name);
  }
  await looksRight(page);
});

test("while the text can't be read the canvas stays, and says so", async () => {
  const { page } = admin;
  await paste(page, `${HEAD("unread")}do:\n  - kept: {wait: PT1S}\n`);
  await page.locator(".flow-step", { hasText: "kept" }).waitFor();
  await page.keyboard.press("ControlOrMeta+End");
  await page.keyboard.type("  - [");
  await page.getByText(/The text can't be read at line/).waitFor();
  assert.equal(await page.locator(".flow-step", { hasText: "kept" }).count(), 1);
  await page.getByRole("button", { name: "Undo" }).click();
  await page.getByText(/The text can't be read at line/).waitFor({ state: "detached" });
});

test("the first save gives a flow its address, and leaves everything where it is", async () => {
  const { page } = admin;
  await openBuilder(stage, page);
  const hand = byMouse(page);
  const save = () => page.getByRole("button", { name: "Save", exact: true }).press("Enter");
  await hand.fill("Namespace", "walk");
  await hand.fill("Name of the flow", "firstsaved");
  await hand.add("Wait");
  await hand.name("pause");
  await unfold(hand, "More settings");
  await hand.fill("Timeout", "{after: PT1M}");
  await page.locator(".builder-form").evaluate((form) => form.setAttribute("data-same", "yes"));
  await save();
  await page.getByText("saved as version 1").waitFor();
  assert.equal(new URL(page.url()).pathname, "/flows/walk.firstsaved/edit");
  const focus = () => page.evaluate(() => document.activeElement?.textContent);
  assert.equal(await focus(), "Save");
  await page.getByRole("heading", { name: "Step pause", exact: true }).waitFor();
  assert.equal(await page.locator(".builder-form[data-same=yes]").count(), 1, "the page was not built anew");
  assert.ok(await hand.isOpen("More settings"));
  // the next saves too, and one by which the flow becomes another
  await hand.fill("How long", "PT2S");
  await save();
  await page.getByText("saved as version 2").waitFor();
  await hand.settings();
  await hand.fill("Name of the flow", "savedagain");
  await save();
  await page.getByText("saved as version 1").waitFor();
  assert.deepEqual([await focus(), new URL(page.url()).pathname], ["Save", "/flows/walk.savedagain/edit"]);
  // a name that another flow has is not taken from it
  await hand.fill("Name of the flow", "firstsaved");
  await save();
  const dialog = page.getByRole("dialog", { name: "There is a flow walk.firstsaved already" });
  await dialog.getByText("Give yours another name").waitFor();
  await looksRight(page);
  await dialog.getByRole("button", { name: "Cancel" }).click();
  await page.getByText("not saved yet").waitFor();
  // what was saved first is still itself
  await page.goto(`${stage.url}/flows/walk.firstsaved/edit`);
  await page.getByRole("heading", { name: "walk.firstsaved" }).waitFor();
  await page.getByText("saved as version 2").waitFor();
});

test("who leaves with unsaved changes is asked, whichever way they go; nothing is lost", async () => {
  const { page } = admin;
  const key = await deployed(page, `${HEAD("left")}do:\n  - first: {wait: PT1S}\n`);
  await openBuilder(stage, page, key);
  const hand = byMouse(page);
  await hand.add("Wait");
  await hand.name("second");
  const flows = page.getByRole("navigation", { name: "Main" }).getByRole("link", { name: "Flows", exact: true });
  const dialog = page.getByRole("dialog", { name: "This flow is not saved yet" });
  const second = page.locator(".flow-step", { hasText: "second" });

  for (const way of [flows, page.getByRole("button", { name: "Sign out" })]) {
    await way.click();
    await dialog.waitFor();
    await looksRight(page);
    await dialog.getByRole("button", { name: "Stay" }).click();
    await second.waitFor();
  }
  // closing the tab: the browser asks, and the person stays
  const asked = page.waitForEvent("dialog");
  const closing = page.close({ runBeforeUnload: true });
  const question = await asked;
  assert.equal(question.type(), "beforeunload");
  await question.dismiss();
  await closing;
  await second.waitFor();

  await flows.click();
  await dialog.getByRole("button", { name: "Leave without saving" }).click();
  await page.getByRole("heading", { name: "Flows", exact: true }).waitFor();
  await page.getByRole("link", { name: key }).click();
  await page.getByRole("link", { name: "Edit", exact: true }).click();
  await second.waitFor();
  // nothing can hold the browser's own way back up, and nothing has to: the draft is there again
  await page.goBack();
  await page.getByRole("link", { name: "Edit", exact: true }).waitFor();
  await page.goForward();
  await second.waitFor();
  await page.getByText("not saved yet").waitFor();
  await flows.click();
  await dialog.getByRole("button", { name: "Save and leave" }).click();
  await page.getByRole("heading", { name: "Flows", exact: true }).waitFor();
  assert.equal((await api(page, "GET", `/flows/${key}`)).body.current, 2);
  // with nothing unsaved nobody is asked
  await page.goBack();
  await page.getByText("saved as version 2").waitFor();
  await flows.click();
  await page.getByRole("heading", { name: "Flows", exact: true }).waitFor();
});

test("two people save the same flow: nothing is lost, and each can see the other's", async () => {
  const { page } = admin;
  const key = await deployed(page, `${HEAD("shared")}do:\n  - first: {wait: PT1S} # as it was\n`);
  const other = await person(stage, { ...LARGE, storageState: await admin.context.storageState() });
  for (const each of [page, other.page]) await openBuilder(stage, each, key);
  const theirs = byMouse(other.page);
  await theirs.add("Wait");
  await theirs.name("theirs");
  await other.page.getByRole("button", { name: "Save" }).click();
  await other.page.getByText("saved as version 2").waitFor();

  const mine = byMouse(page);
  await mine.add("Wait");
  await mine.name("mine");
  const before = await text(page);
  await page.getByRole("button", { name: "Save" }).click();
  const dialog = page.getByRole("dialog", { name: "Somebody else saved this flow meanwhile" });
  await dialog.getByText("Version 2").waitFor();
  await dialog.getByText("From theirs to mine").click();
  await dialog.getByText("- theirs:").waitFor();
  await dialog.getByText("- mine:").waitFor();
  await looksRight(page);
  await dialog.getByRole("button", { name: "Take theirs" }).click();
  assert.ok((await changed(page, before)).includes("- theirs:"));
  await page.getByRole("button", { name: "Undo" }).click();
  await page.locator(".flow-step", { hasText: "mine" }).waitFor();
  assert.equal(await text(page), before);

  await other.page.getByRole("button", { name: "Undo" }).click();
  await other.page.getByRole("button", { name: "Save" }).click();
  await other.page.getByText("saved as version 3").waitFor();
  await page.getByRole("button", { name: "Save" }).click();
  await dialog.getByRole("button", { name: "Save mine as a new version" }).click();
  await page.getByText("saved as version 4").waitFor();
  const { body } = await api(page, "GET", `/flows/${key}`);
  assert.equal(body.versions.find(({ number }) => number === 4).source, `${before}`);
  assert.deepEqual(other.complaints, []);
  await other.context.close();
});

test("a call is tried, and a field of its answer becomes jq and an export", async () => {
  const { page } = admin;
  const key = await deployed(
    page,
    `${HEAD("results")}use: {secrets: [graph]}\ndo:\n  - people:\n      call: http\n      with: {method: get, endpoint: {uri: /users, authentication: {oauth2: {use: graph}}}, query: {$top: 2}}\n  - pause: {wait: PT0.01S}\n  - result:\n      set: {x: 1}\n`,
  );
  await openBuilder(stage, page, key);
  const hand = byMouse(page);
  await page.locator(".flow-card", { hasText: "people" }).click();
  await page.locator("summary", { hasText: "Try this call" }).click();
  await page.getByRole("button", { name: "Send it now" }).click();
  await page.locator(".builder-form").getByText("200", { exact: true }).waitFor();
  await looksRight(page);
  await page.locator(".flow-card", { hasText: "result" }).click();
  await hand.fill("Data", "");
  await page.getByRole("button", { name: "Use a result in Data" }).click();
  const dialog = page.getByRole("dialog", { name: "Use a result…" });
  const kept = dialog.locator(".result-source", { hasText: "What people put out, kept" });
  await looksRight(page);
  await kept.getByRole("button", { name: "displayName" }).click();
  const source = await text(page);
  assert.ok(source.includes("set: ${ $context.people.value[0].displayName }"), source);
  assert.ok(source.includes("export: {as: '${ $context + {\"people\": .} }'}"), source);
  await hand.run();
  await hand.start();
  const run = await outcome(page);
  assert.equal(run.status, "completed");
  assert.equal(typeof run.output, "string");
  for (const name of ["people", "pause", "result"]) await page.locator(`.flow-completed[data-step$="/${name}"]`).waitFor();
});

test("a request of the explorer becomes a step, in a new flow and in one that is there", async () => {
  const { page } = admin;
  const key = await deployed(page, `${HEAD("explored")}do:\n  - first: {wait: PT1S}\n`);
  for (const flow of ["a new flow", key]) {
    await page.goto(`${stage.url}/explorer?connection=graph&path=/users`);
    await page.getByLabel("Method").selectOption("POST");
    await page.getByLabel("Body", { exact: true }).selectOption({ label: "JSON" });
    await page.getByLabel("Body text").fill('{"displayName": "Ada"}');
    await page.getByRole("button", { name: "Make this a step" }).click();
    await page.getByLabel("Flow", { exact: true }).selectOption({ label: flow });
    await looksRight(page);
    await page.getByRole("button", { name: "Open the builder" }).click();
    await page.getByRole("heading", { name: "Step call", exact: true }).waitFor();
    await page.locator(".cm-line").first().waitFor();
    const source = await text(page);
    for (const line of ["use: {secrets: [graph]}", "method: post", "endpoint: {uri: /users, authentication: {oauth2: {use: graph}}}", "body: {displayName: Ada}"]) assert.ok(source.includes(line), source);
    await page.getByRole("tab", { name: "Problems", exact: true }).waitFor();
  }
});

test("the explorer takes the connection that was asked for, however new it is, and never another", async () => {
  const { page } = admin;
  await page.goto(`${stage.url}/connections`);
  await page.getByRole("link", { name: "graph" }).first().waitFor();
  // made elsewhere: the list that is at hand does not have it
  const made = await api(page, "POST", "/connections", { name: "late", type: "none", base_url: "http://127.0.0.1:9" });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const open = (name) => page.evaluate((address) => history.pushState(null, "", address), `/explorer?connection=${name}`);
  await open("late");
  const chosen = page.getByLabel("Connection", { exact: true });
  assert.equal(await chosen.inputValue(), "late");
  await page.goto(`${stage.url}/connections`);
  await open("absent");
  await page.getByText("There is no connection absent").waitFor();
  assert.equal(await page.getByRole("button", { name: "Send", exact: true }).getAttribute("aria-disabled"), "true");
  await looksRight(page);
  await chosen.selectOption("late");
  await page.locator("button:not([aria-disabled])", { hasText: "Send" }).waitFor();
});

/** Waits until nothing on the canvas has moved for ten frames. */
async function settled(page) {
  await page.waitForFunction(() => {
    const seen = JSON.stringify([...document.querySelectorAll(".react-flow__viewport, .flow-card")].map((element) => element.getBoundingClientRect()));
    window.still = seen === window.seen ? (window.still ?? 0) + 1 : 0;
    window.seen = seen;
    return window.still >= 10;
  });
}

test("a step is dragged to another place, and dropped out of the palette", async () => {
  const { page } = admin;
  const key = await deployed(page, `${HEAD("dragged")}do:\n  - a: {wait: PT1S}\n  # b's own\n  - b: {wait: PT2S}\n`);
  await openBuilder(stage, page, key);
  const before = await text(page);
  const drag = async (from, x, y) => {
    await page.mouse.move(from.x + from.width / 2, from.y + from.height / 2);
    await page.mouse.down();
    for (let part = 1; part <= 8; part += 1) await page.mouse.move(from.x + from.width / 2 + ((x - from.x - from.width / 2) * part) / 8, from.y + from.height / 2 + ((y - from.y - from.height / 2) * part) / 8);
    await page.mouse.up();
  };
  await settled(page);
  const a = await page.locator(".flow-card", { hasText: "a" }).first().boundingBox();
  const b = await page.locator(".flow-card", { hasText: "b" }).last().boundingBox();
  await drag(b, a.x + a.width / 2, a.y - 30);
  assert.equal(await changed(page, before), `${HEAD("dragged")}do:\n  # b's own\n  - b: {wait: PT2S}\n  - a: {wait: PT1S}\n`);
  await page.getByRole("button", { name: "Undo" }).click();
  await changed(page, `${HEAD("dragged")}do:\n  # b's own\n  - b: {wait: PT2S}\n  - a: {wait: PT1S}\n`);
  await page.locator('[data-step="/do/0/a"]').waitFor();
  await settled(page);
  await page.getByRole("button", { name: "Set", exact: true }).dragTo(page.getByRole("button", { name: "Add a step after a", exact: true }));
  const dropped = await changed(page, before);
  assert.equal(dropped, before.replace("  # b's own", "  - set:\n      set: {name: value}\n  # b's own"));
});

test("on the canvas keys choose, move, copy, cut, delete and undo", async () => {
  const { page } = admin;
  const [one, two] = ["  - a: {wait: PT1S}\n", "  # b's own\n  - b: {wait: PT2S}\n"];
  const before = `${HEAD("keyed")}do:\n${one}${two}`;
  await openBuilder(stage, page, await deployed(page, before));
  const then = async (key, steps) => {
    const was = await text(page);
    await page.keyboard.press(key);
    assert.equal(await changed(page, was), `${HEAD("keyed")}do:\n${steps.join("")}`, key);
  };
  await page.locator(".flow-card").first().click();
  await page.keyboard.press("ArrowDown");
  await page.locator('.flow-chosen[data-step="/do/1/b"]').waitFor();
  await then("Alt+ArrowUp", [two, one]);
  await then("Alt+ArrowDown", [one, two]);
  await page.keyboard.press("ControlOrMeta+c");
  await then("ControlOrMeta+v", [one, two, two.replace("b:", "b2:")]);
  await then("Delete", [one, two]);
  await then("ControlOrMeta+x", [one]);
  await then("ControlOrMeta+v", [one, two]);
  for (const steps of [[one], [one, two], [one, two, two.replace("b:", "b2:")]]) await then("ControlOrMeta+z", steps);
  await then("ControlOrMeta+y", [one, two]);
});

/** A flow of many steps. */
const many = (name, count) => `${HEAD(name)}do:\n${Array.from({ length: count }, (_, at) => `  - step${at + 1}:\n      set: {number: ${at + 1}}\n`).join("")}`;

test("a flow of a thousand steps opens", async () => {
  const { page } = admin;
  const key = await deployed(page, many("thousand", 1000));
  await openBuilder(stage, page, key);
  await page.locator(".flow-card", { hasText: "step1" }).first().waitFor();
  await page.getByRole("button", { name: "step1000", exact: true }).click();
  await page.locator(".flow-step.flow-chosen", { hasText: "step1000" }).waitFor();
});

test("with three hundred steps nothing takes long: panning, zooming, editing", async () => {
  const { page } = admin;
  const key = await deployed(page, many("hundreds", 300));
  const quick = await person(stage, { viewport: { width: 1600, height: 900 }, storageState: await admin.context.storageState() });
  // one page at a time works while tasks are measured
  await page.goto("about:blank");
  await openBuilder(stage, quick.page, key);
  const slow = await slowness(stage, quick.page);
  await quick.page.getByRole("button", { name: "step150", exact: true }).click();
  await quick.page.locator(".flow-step.flow-chosen", { hasText: "step150" }).waitFor();
  const canvas = await quick.page.getByRole("group", { name: "Steps of the flow" }).boundingBox();
  const middle = { x: canvas.x + canvas.width / 4, y: canvas.y + canvas.height / 2 };
  const figures = {};
  const scaleOf = () => quick.page.locator(".react-flow__viewport").evaluate((element) => new DOMMatrix(getComputedStyle(element).transform).a);
  const before = await scaleOf();
  figures.pan = await longestTask(stage, quick.page, async () => {
    await quick.page.mouse.move(middle.x, middle.y);
    await quick.page.mouse.down();
    for (let part = 1; part <= 20; part += 1) await quick.page.mouse.move(middle.x, middle.y - part * 15);
    await quick.page.mouse.up();
  });
  figures.zoom = await longestTask(stage, quick.page, async () => {
    await quick.page.mouse.move(middle.x, middle.y);
    for (let part = 0; part < 5; part += 1) await quick.page.mouse.wheel(0, 200);
    await quick.page.waitForFunction((was) => new DOMMatrix(getComputedStyle(document.querySelector(".react-flow__viewport")).transform).a < was / 2, before);
  });
  figures.edit = await longestTask(stage, quick.page, async () => {
    await quick.page.locator(".builder-form").getByLabel("Data", { exact: true }).click();
    await quick.page.keyboard.type(" # x");
    await quick.page.keyboard.press("ControlOrMeta+a");
    await quick.page.keyboard.type("other: 4711");
    await quick.page.locator(".flow-step.flow-chosen .flow-words", { hasText: "other" }).waitFor();
  });
  console.log("longest tasks in milliseconds:", JSON.stringify(figures));
  for (const [what, took] of Object.entries(figures)) assert.ok(took <= 100 * slow, `${what}: ${took} ms`);
  await quick.context.close();
  await page.goto(stage.url);
});

test("an output of 1 MiB does not keep the builder busy: it is seen, and used", async () => {
  const { page } = admin;
  const fields = Array.from({ length: 11 }, (_, at) => `text${at}: '\${ "x" * 100000 }'`);
  const key = await deployed(page, `${HEAD("bulky")}do:\n  - bulky: {set: {${fields.join(", ")}, rows: '\${ [range(300) | {row: .}] }'}}\n  - taken: {set: {x: 1}}\n`);
  await openBuilder(stage, page, key);
  const hand = byMouse(page);
  const slow = await slowness(stage, page);
  const took = await longestTask(stage, page, async () => {
    await hand.run();
    await hand.start();
    const run = await outcome(page);
    assert.ok(JSON.stringify(run.steps[0].output).length > 1024 * 1024);
    await page.locator(".flow-card", { hasText: "taken" }).click();
    await hand.fill("Data", "");
    await page.getByRole("button", { name: "Use a result in Data" }).click();
    await page.getByRole("dialog", { name: "Use a result…" }).locator(".result-source", { hasText: "What bulky put out" }).first().getByRole("button", { name: "rows", exact: true }).click();
  });
  await page.getByRole("tab", { name: "YAML" }).click();
  await page.locator(".cm-line").first().waitFor();
  assert.match(await text(page), /set: '\$\{ .*\.rows \}'/);
  assert.ok(took < 1_000 * slow, `a task of ${took} ms`);
});

test("what may not change a flow only looks at it: a viewer, and a narrow window", async () => {
  const { page } = admin;
  const key = await deployed(page, example("approve-delete"));
  const made = await api(page, "POST", "/users", { username: "looker", password: PASSWORD, role: "viewer" });
  assert.equal(made.status, 201, JSON.stringify(made.body));
  const narrow = await person(stage, { viewport: { width: 390, height: 800 }, colorScheme: "dark", storageState: await admin.context.storageState() });
  await openBuilder(stage, narrow.page, key);
  const viewer = await person(stage, LARGE);
  await viewer.page.goto(`${stage.url}/flows/${key}/edit`);
  await viewer.page.getByLabel("User name").fill("looker");
  await viewer.page.getByLabel("Password").fill(PASSWORD);
  await viewer.page.getByRole("button", { name: "Sign in" }).click();
  for (const each of [narrow, viewer]) {
    await each.page.locator(".flow-card", { hasText: "find" }).click();
    await each.page.locator(".flow-step.flow-chosen").waitFor();
    for (const name of ["Save", "Undo", "Delete"]) assert.equal(await each.page.getByRole("button", { name, exact: true }).count(), 0, name);
    await each.page.keyboard.press("Delete");
    assert.equal(await each.page.getByRole("button", { name: /Add a step/ }).count(), 0);
    await looksRight(each.page);
    assert.deepEqual(each.complaints, []);
  }
});
