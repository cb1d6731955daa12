// The forms of the builder for when a flow starts and what is tried again.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { LARGE, api, byMouse, deployed, openBuilder, text, unfold } from "./builder.mjs";
import { firstStart, looksRight } from "./screens.mjs";
import { axe, person, raise } from "./stage.mjs";

const FLOW = `# when and how often
document: {dsl: '1.0.3', namespace: walk, name: timing, version: '1.0.0'}
schedule:
  cron: "*/5 * * * *" # often
do:
  - attempt:
      try:
        - nap: {wait: PT1S} # short
      catch:
        retry: # why
          limit: {attempt: {count: 3}}
`;

let stage;
let admin;

before(async () => {
  stage = await raise();
  admin = await person(stage, LARGE);
  await firstStart(stage, admin.page);
});
after(async () => {
  assert.deepEqual(admin?.complaints ?? [], [], "the policy holds and no page broke");
  await stage?.lower();
});

test("a schedule is said by the clock and in another zone, the next three times are shown, no other line is touched", async () => {
  const { page } = admin;
  const key = await deployed(page, FLOW);
  await openBuilder(stage, page, key);
  const hand = byMouse(page);
  await unfold(hand, "What starts it");
  assert.equal(await page.getByLabel("Cron", { exact: true }).inputValue(), "*/5 * * * *");
  const next = page.getByRole("status").filter({ hasText: "Starts next" }).getByRole("listitem");
  await next.nth(2).waitFor();
  await hand.choose("By the clock", "once a week");
  await hand.choose("Day of the week", "Friday");
  await hand.fill("At", "18:30");
  await hand.fill("Time zone", "Europe/Berlin");
  await hand.fill("After the end of the last run", "2");
  await hand.choose("After the end of the last run: unit", "hours");
  const expected = FLOW.replace('"*/5 * * * *"', "30 18 * * 5").replace("# often\n", "# often\n  after: PT2H\n").replace("version: '1.0.0'}", "version: '1.0.0', metadata: {keyway: {timeZone: Europe/Berlin}}}");
  assert.equal(await text(page), expected);
  await page.waitForFunction(() => [...document.querySelectorAll('[role="status"] li')].length === 4);
  await page.getByText("cron 30 18 * * 5 Europe/Berlin").waitFor();
  assert.deepEqual(await axe(page), []);
});

test("a retry has a form of its own, becomes a named one, and keeps what is written beside it", async () => {
  const { page } = admin;
  await openBuilder(stage, page, "walk.timing");
  const hand = byMouse(page);
  await page.getByRole("region", { name: "Steps", exact: true }).getByRole("button", { name: "attempt", exact: true }).click();
  await hand.fill("Delay before the next try", "3");
  await hand.choose("The delay", "doubles each time");
  await hand.fill("Tries again at most", "7");
  const own = await text(page);
  const retry = (body) => FLOW.replace("          limit: {attempt: {count: 3}}\n", body);
  assert.equal(own, retry("          limit: {attempt: {count: 7}}\n          delay: PT3S\n          backoff: {exponential: {}}\n"));
  assert.deepEqual(await axe(page), []);
  await hand.settings();
  await hand.fill("Version", "1.0.1");
  await unfold(hand, "Names that steps can use");
  await hand.press("Add a named retry");
  await page.getByRole("region", { name: "Steps", exact: true }).getByRole("button", { name: "attempt", exact: true }).click();
  await hand.choose("Retry", "patient");
  await page.getByRole("button", { name: "Save", exact: true }).click();
  await page.locator(".builder-head").getByText("saved as version 2").waitFor();
  const { body } = await api(page, "GET", "/flows/walk.timing/source");
  assert.match(body, /retries:\n {4}patient:\n/);
  assert.match(body, /retry: patient/);
  await looksRight(page);
});
