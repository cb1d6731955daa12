// The leaver of docs/guides/flows.md, built from nothing in the console as the guide tells it. It is the same flow as the guide's
// text; a run of it is watched, one fails, and goes on from the failed step. Takes the guide's pictures.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, test } from "node:test";
import { parse } from "yaml";
import { ableApp, api, byMouse, call, connectGraph, graph, outcome, unfold } from "./builder.mjs";
import { badge, firstStart, looksRight, picture } from "./screens.mjs";
import { person, raise } from "./stage.mjs";

const GUIDE = readFileSync(new URL("../../../docs/guides/flows.md", import.meta.url), "utf8");
const TEXT = /cat > leaver\.yaml <<'EOF'\n([\s\S]*?)\nEOF\n/.exec(GUIDE)[1];
const KEY = "guide.leaver";

let stage;
let admin;
let hand;
let leaver;

before(async () => {
  stage = await raise();
  admin = await person(stage);
  await firstStart(stage, admin.page);
  await connectGraph(stage, admin.page, await ableApp(stage));
  hand = byMouse(admin.page);
  leaver = stage.facts.users[4].upn;
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

/** A picture of the window with something at its top. */
async function shown(name, what) {
  await what.evaluate((element) => element.scrollIntoView());
  await picture(admin.page, name);
}

/** An expression may stand without its brackets. */
const bare = (value) => (typeof value === "string" ? value.replace(/^\$\{ (.*) \}$/, "$1") : value);

test("the guide's flow is built in the console, and says the same as its text", async () => {
  const { page } = admin;
  await page.getByRole("link", { name: "Flows", exact: true }).click();
  await page.getByRole("link", { name: "New flow" }).first().click();
  await page.locator(".cm-line").first().waitFor();
  await hand.fill("Namespace", "guide");
  await hand.fill("Name of the flow", "leaver");
  await unfold(hand, "Input and output");
  await hand.fill("Input schema", "{type: object, required: [user], properties: {user: {type: string}}}");
  await call(hand, "block", "PATCH", "/users/{user}");
  await hand.fill("Body", "accountEnabled: false");
  await unfold(hand, "Input and output");
  await hand.fill("Output as", "$task.input");
  await call(hand, "revoke", "POST", "/users/{user}/revokeSignInSessions");
  await page.getByRole("tab", { name: "Problems", exact: true }).click();
  await page.getByText("Nothing is wrong with this flow.").waitFor();
  await page.getByRole("tab", { name: "YAML" }).click();
  await page.locator(".flow-card", { hasText: "block" }).click();
  await looksRight(page);
  await shown("builder-leaver", page.getByRole("heading", { name: "Step block", exact: true }));
  await hand.save();
  await page.getByText("saved as version 1").waitFor();
  const { body } = await api(page, "GET", `/flows/${KEY}`);
  const [built, told] = [body.versions[0].source, TEXT].map((source) => JSON.stringify(parse(source), (_, value) => bare(value)));
  assert.deepEqual(JSON.parse(built), JSON.parse(told));
});

test("a run of it is watched on the canvas", async () => {
  const { page } = admin;
  await hand.run();
  await hand.answer("user", leaver);
  await hand.start();
  assert.equal((await outcome(page)).status, "completed");
  assert.equal((await graph(page, "GET", `/users/${leaver}?$select=accountEnabled`)).accountEnabled, false);
  for (const name of ["block", "revoke"]) await page.locator(`.flow-completed[data-step$="/${name}"]`).waitFor();
  await looksRight(page);
  await shown("builder-run", page.getByRole("heading", { name: "Step block", exact: true }));
});

test("a run that failed says where and why, and goes on from the failed step", async () => {
  const { page } = admin;
  // a body of its own: the sandbox's has ids and times, with which no two pictures are the same
  const body = { error: { code: "serviceNotAvailable", message: "The service is temporarily unavailable." } };
  await stage.control("faults", { route: "graph", match: "revokeSignInSessions", status: 503, times: 1, body });
  await hand.start();
  await page.locator('.flow-faulted[data-step$="/revoke"]').waitFor();
  await page.getByRole("link", { name: "Open the run" }).click();
  await badge(page, "faulted").waitFor();
  const steps = page.getByRole("region", { name: "Steps" });
  await steps.locator("summary", { hasText: "block" }).getByText("completed").waitFor();
  await page.getByText("Picture of the flow").click();
  await page.locator('.flow-faulted[data-step$="/revoke"]').waitFor();
  await steps.locator("summary", { hasText: "revoke" }).click();
  await steps.getByText(/, 503/).first().waitFor();
  await looksRight(page);
  await shown("run-failed", page.getByText("Picture of the flow"));
  await page.getByRole("button", { name: "Retry from the failed step" }).click();
  await badge(page, "completed").waitFor();
  assert.equal(await steps.locator("summary", { hasText: "block" }).count(), 1);
});
