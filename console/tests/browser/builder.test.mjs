// The flow builder on the real binary: steps of every kind come, change, go and come back, and the text is looked at each
// time; examples are built from nothing, with the mouse and with keys alone, and do what the originals do.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LARGE, ableApp, api, byKeys, byMouse, changed, connectGraph, deployed, example, graph, openBuilder, outcome, ran, text } from "./builder.mjs";
import { SIGNING_SECRET } from "./joined.mjs";
import { REBUILT } from "./rebuilt.mjs";
import { firstStart, looksRight } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

let stage;
let admin;
/** What the examples work on. */
let world;

before(async () => {
  stage = await raise();
  admin = await person(stage, LARGE);
  await firstStart(stage, admin.page);
  await connectGraph(stage, admin.page, await ableApp(stage));
  for (const [name, value] of [["hr-webhook", SIGNING_SECRET], ["first-password", "fake-First-Passw0rd"]]) await api(admin.page, "PUT", `/secrets/${name}`, { value });
  world = { facts: stage.facts, control: stage.control, ...(await twoGroups(admin.page, stage.facts)) };
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

/** Every step of the palette: what its text says at once, a field of its form, and what the text says then. */
const STEPS = [
  ["HTTP request", "call: http", ["Path or URL", "/users/{id}"], "endpoint: '/users/{id}'"],
  ["All pages of a list", "call: page", ["Page size", "50"], "with: {endpoint: /, pageSize: 50}"],
  ["OpenAPI operation", "call: openapi", ["Operation", "getUser"], "operationId: getUser"],
  ["Function", "call: ''", ["Function", "mine"], "call: mine"],
  ["Switch", "switch:", ["When", ".ok"], "when: ${ .ok }"],
  ["For each", "for: {each: item, in: '${ . }'}", ["In", ".list"], "for: {each: item, in: '${ .list }'}"],
  ["Side by side", "fork: {branches: []}", undefined, undefined],
  ["Try and catch", "try: []", ["The error is called", "problem"], "catch: {as: problem}"],
  ["Group", "do: []", undefined, undefined],
  ["Fail", "raise:", ["Status", "404"], "status: 404"],
  ["Set", "set: {name: value}", ["Data", "a: 1"], "set: {a: 1}"],
  ["Put a row", "call: table-put", ["Table", "notes"], "table: notes"],
  ["Get a row", "call: table-get", ["Key", "${ .id }"], "key: '${ .id }'"],
  ["List rows", "call: table-list", ["Table", "notes"], "table: notes"],
  ["Delete a row", "call: table-delete", ["Table", "notes"], "table: notes"],
  ["Wait", "wait: PT10S", ["How long", "P1D"], "wait: P1D"],
  ["Ask a person", "call: approve", ["Title", "Really?"], "title: Really?"],
  ["Listen for events", "listen:", ["Each event is called", "message"], "foreach: {item: message}"],
  ["Send an event", "emit:", ["Event", "{type: com.contoso.example.done}"], "type: com.contoso.example.done"],
  ["Answer the caller", "call: respond", ["Status", "201"], "with: {status: 201}"],
  ["Run a flow", "run:", ["Flow", "other"], "name: other"],
];

test("a step of every kind comes, changes, goes, and comes back", async () => {
  const { page } = admin;
  const hand = byMouse(page);
  await openBuilder(stage, page);
  const offered = await page.getByRole("region", { name: "Add a step" }).getByRole("listitem").allInnerTexts();
  assert.deepEqual(STEPS.map(([item]) => item).toSorted(), offered.toSorted());
  const empty = await text(page);
  for (const [item, line, edit, then] of STEPS) {
    await hand.add(item);
    const added = await changed(page, empty);
    assert.ok(added.includes(line), `${item}:\n${added}`);
    assert.ok(added.startsWith(empty.replace("do: []\n", "do:\n")), `${item} touches what was there:\n${added}`);
    let steps = 1;
    if (edit) {
      await hand.fill(...edit);
      const edited = await changed(page, added);
      assert.ok((await text(page)).includes(then), `${item}: ${then}\n${edited}`);
      steps = 2;
    }
    await looksRight(page);
    const before = await text(page);
    await hand.press("Delete");
    assert.equal(await changed(page, before), empty, item);
    await page.getByRole("button", { name: "Undo" }).click();
    assert.equal(await changed(page, empty), before, item);
    await page.getByRole("button", { name: "Redo" }).click();
    assert.equal(await changed(page, before), empty, item);
    for (let undo = 0; undo <= steps; undo += 1) await page.getByRole("button", { name: "Undo" }).click();
    await page.waitForFunction(() => document.querySelectorAll(".flow-step").length === 0);
    assert.equal(await text(page), empty, item);
  }
});

/** A group with members and one without, and what takes the members out of the second again. */
async function twoGroups(page, facts) {
  const groups = [];
  for (const name of ["source", "target"]) groups.push((await graph(page, "POST", "/groups", { displayName: name, mailNickname: name, mailEnabled: false, securityEnabled: true })).id);
  for (const { upn } of facts.users.slice(0, 2)) {
    const { id } = await graph(page, "GET", `/users/${upn}`);
    await graph(page, "POST", `/groups/${groups[0]}/members/$ref`, { "@odata.id": `https://graph.microsoft.com/v1.0/users/${id}` });
  }
  const empty = async () => {
    const { value } = await graph(page, "GET", `/groups/${groups[1]}/members`);
    for (const { id } of value) await graph(page, "DELETE", `/groups/${groups[1]}/members/${id}/$ref`);
  };
  return { groups, empty };
}

/** Runs the example with each of its inputs, by the API: what was seen of it. */
async function exampleOf(page, name, key, kind) {
  const { start = ran, again } = REBUILT[name];
  const all = [];
  for (const one of casesOf(name)) {
    await again?.(world);
    const given = inputOf(one, `${kind}-example`);
    await one.before?.(world);
    const [run] = await Promise.all([start(page, key, given), one.during?.(page)]);
    all.push(await seenOf(page, name, one, run, given));
  }
  await again?.(world);
  return all;
}

const casesOf = (name) => REBUILT[name].cases ?? [REBUILT[name]];
const inputOf = ({ input }, who) => (typeof input === "function" ? input(world, who) : input);

async function seenOf(page, name, { status = "completed" }, run, given) {
  assert.equal(run.status, status, JSON.stringify(run));
  return (await REBUILT[name].seen?.(page, await whole(page, run), given)) ?? run.output;
}

/** A run with its steps; what starting one answers has none. */
async function whole(page, run) {
  return run.steps ? run : (await api(page, "GET", `/runs/${run.run}`)).body;
}

/** Runs what is in the builder with one input, as its person does. */
async function runOf(page, hand, one, given, before) {
  await one.before?.(world);
  await hand.run();
  for (const [label, value] of Object.entries(given)) if (typeof value === "string") await hand.answer(label, value);
  await hand.start();
  await one.during?.(page);
  return outcome(page, before);
}

for (const [kind, driver] of [["mouse", byMouse], ["keys", byKeys]]) {
  for (const [name, { build, start }] of Object.entries(REBUILT)) {
    test(`${name}, built from nothing with ${kind === "mouse" ? "the mouse" : "keys alone"}, does what the example does`, async () => {
      const { page } = admin;
      const key = await deployed(page, example(name));
      const wanted = await exampleOf(page, name, key, kind);
      await openBuilder(stage, page);
      const hand = driver(page);
      await hand.fill("Title", `${name}, rebuilt`);
      await hand.fill("Namespace", kind);
      await hand.fill("Name of the flow", name);
      await build(hand);
      await page.getByText("not saved yet").waitFor();
      if (start) {
        await hand.save();
        await page.getByText("saved as version 1").waitFor();
      }
      let run;
      for (const [at, one] of casesOf(name).entries()) {
        const given = inputOf(one, kind);
        run = start ? await start(page, `${kind}.${name}`, given) : await runOf(page, hand, one, given, run);
        assert.deepEqual(await seenOf(page, name, one, run, given), wanted[at]);
      }
      await looksRight(page);
    });
  }
}
