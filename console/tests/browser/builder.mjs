// The flow builder as a person uses it: once with the mouse, once with nothing but keys.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { until } from "./api.mjs";
import * as portal from "./portal.mjs";

const EXAMPLES = new URL("../../../examples/flows/", import.meta.url);

export const example = (name) => readFileSync(new URL(`${name}.yaml`, EXAMPLES), "utf8");

/** What a window of the builder is made large for: the text's editor draws the lines that are seen. */
export const LARGE = { viewport: { width: 1700, height: 2600 } };

/** One call of the REST API, as the page's own. */
export async function api(page, method, path, body) {
  return page.evaluate(
    async ([method, path, body]) => {
      const response = await fetch(`/api/v1${path}`, { method, headers: { "content-type": "application/json" }, body: body === undefined ? undefined : JSON.stringify(body) });
      const text = await response.text();
      return { status: response.status, body: text.startsWith("{") ? JSON.parse(text) : text };
    },
    [method, path, body],
  );
}

/** One call through the connection `graph`, whatever comes of it. */
export async function asked(page, method, path, body) {
  const { status, body: answer } = await api(page, "POST", "/connections/graph/call", { method, path, ...(body === undefined ? {} : { body }) });
  assert.ok(status < 300, JSON.stringify(answer));
  return answer;
}

/** One call through the connection `graph` that must succeed. */
export async function graph(page, method, path, body) {
  const answer = await asked(page, method, path, body);
  assert.ok(answer.status < 300, JSON.stringify(answer));
  return answer.body;
}

/** An app that may do what the examples do, registered in the portal. */
export async function ableApp(stage) {
  const { page, context } = await portal.openPortal(stage);
  const app = await portal.register(page, "examples", undefined);
  Object.assign(app, await portal.newSecret(page));
  for (const permission of ["User.ReadWrite.All", "Group.ReadWrite.All", "Organization.Read.All"]) await portal.addPermission(page, "Application", permission);
  await portal.grantConsent(page, "User.ReadWrite.All");
  await context.close();
  return { client_id: app.clientId, client_secret: app.secret };
}

/** An app-only connection `graph` to the sandbox. */
export async function connectGraph(stage, page, app = stage.facts.app) {
  const { origin, tenant_id, ca_file } = stage.facts;
  const made = await api(page, "POST", "/connections", {
    name: "graph",
    type: "oauth",
    grant: "client_credentials",
    token_endpoint: `${origin}/${tenant_id}/oauth2/v2.0/token`,
    client_id: app.client_id,
    client_secret: app.client_secret,
    scope: "https://graph.microsoft.com/.default",
    base_url: `${origin}/v1.0`,
    ca_certificate: readFileSync(ca_file, "utf8"),
  });
  assert.equal(made.status, 201, JSON.stringify(made.body));
}

export async function deployed(page, source) {
  const answer = await api(page, "POST", "/flows", { source });
  assert.ok(answer.status < 300, JSON.stringify(answer.body));
  return answer.body.key;
}

/** Runs a flow to its end, by the API. */
export async function ran(page, key, input) {
  const { body } = await api(page, "POST", `/flows/${key}/runs`, { input, wait_seconds: 30 });
  return body;
}

export async function openBuilder(stage, page, flow) {
  await page.goto(`${stage.url}/flows/${flow === undefined ? "new" : `${flow}/edit`}`);
  await page.getByRole("group", { name: "Steps of the flow" }).waitFor();
  await page.locator(".cm-line").first().waitFor();
}

/** The whole text, as the editor shows it. */
export async function text(page) {
  const lines = await page.locator(".cm-line").allTextContents();
  return lines.join("\n");
}

/** Waits until the text is another one than it was, and gives it back. */
export async function changed(page, before) {
  await page.waitForFunction((old) => [...document.querySelector(".flow-text").shadowRoot.querySelectorAll(".cm-line")].map((line) => line.textContent).join("\n") !== old, before);
  return text(page);
}

const form = (page) => page.locator(".builder-form");
const field = (page, label, nth) => form(page).getByLabel(label, { exact: true }).nth(nth);
const summary = (page, title) => form(page).locator("summary", { hasText: title });
const chosen = (page, name) => form(page).getByRole("heading", { name: `Step ${name}`, exact: true });

/** With the mouse: palette, canvas, forms. */
export function byMouse(page) {
  return {
    add: (item) => page.getByRole("region", { name: "Add a step" }).getByRole("button", { name: item, exact: true }).click(),
    into: (list, step) => page.getByRole("group", { name: "Steps of the flow" }).getByRole("button", { name: `Add a step at the beginning of ${list} of ${step}`, exact: true }).click(),
    after: (step) => page.getByRole("group", { name: "Steps of the flow" }).getByRole("button", { name: `Add a step after ${step}`, exact: true }).click(),
    async fill(label, value, nth = 0) {
      await field(page, label, nth).click();
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.insertText(value);
    },
    choose: (label, option, nth = 0) => field(page, label, nth).selectOption({ label: option }),
    check: (label) => field(page, label, 0).check(),
    press: (name) => form(page).getByRole("button", { name, exact: true }).first().click(),
    add_row: (legend) => form(page).getByRole("group", { name: legend, exact: true }).getByRole("button", { name: "Add" }).click(),
    open: (title) => summary(page, title).click(),
    isOpen: (title) => summary(page, title).evaluate((element) => element.parentElement.open),
    async name(name) {
      await field(page, "Name", 0).fill(name);
      await field(page, "Name", 0).press("Enter");
      await chosen(page, name).waitFor();
    },
    run: () => page.getByRole("tab", { name: "Run" }).click(),
    start: () => page.getByRole("tabpanel").getByRole("button", { name: /Run now|Save and run/ }).click(),
    answer: (label, value) => page.getByRole("tabpanel").getByLabel(label, { exact: true }).fill(value),
    settings: () => form(page).getByRole("button", { name: "Flow settings" }).click(),
    save: () => page.getByRole("button", { name: "Save", exact: true }).click(),
  };
}

/** Goes on with Tab, or back, until an element has the focus. Everything must be reached so. */
export async function tabTo(page, locator) {
  await locator.waitFor();
  for (let presses = 0; presses < 400; ) {
    const { way, stops } = await locator.evaluate(distance);
    if (stops === 0) return;
    for (let stop = 0; stop < stops; stop += 1) await page.keyboard.press(way);
    presses += stops;
  }
  assert.fail(`${locator} is not reached by Tab`);
}

/** Runs in the page: how many stops of Tab away an element is, and in which direction. A guess, which saves looking after each; 0 is none. */
function distance(element) {
  const active = document.activeElement ?? document.body;
  if (element === active) return { way: "Tab", stops: 0 };
  const { DOCUMENT_POSITION_PRECEDING: PRECEDING, DOCUMENT_POSITION_FOLLOWING: FOLLOWING } = Node;
  const back = active !== document.body && (active.compareDocumentPosition(element) & PRECEDING) > 0;
  const [first, last] = back ? [element, active] : [active, element];
  const between = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")].filter(
    (stop) => stop.tabIndex >= 0 && stop.checkVisibility() && (first === document.body || first.compareDocumentPosition(stop) & FOLLOWING) && last.compareDocumentPosition(stop) & PRECEDING,
  );
  return { way: back ? "Shift+Tab" : "Tab", stops: between.length + 1 };
}

/** With keys alone: nothing is clicked, nothing is focused but by Tab. */
export function byKeys(page) {
  const enter = async (locator) => {
    await tabTo(page, locator);
    await page.keyboard.press("Enter");
  };
  const outline = page.getByRole("region", { name: "Steps", exact: true });
  return {
    async add(item) {
      await tabTo(page, page.getByLabel("Find a step to add"));
      await page.keyboard.type(item);
      await page.keyboard.press("Enter");
    },
    into: (list, step) => enter(outline.getByRole("button", { name: `Add to ${list} of ${step}`, exact: true })),
    after: (step) => enter(outline.getByRole("button", { name: step, exact: true })),
    async fill(label, value, nth = 0) {
      await tabTo(page, field(page, label, nth));
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.insertText(value);
    },
    async choose(label, option, nth = 0) {
      const select = field(page, label, nth);
      await select.locator("option").getByText(option, { exact: true }).or(select.locator("option", { hasText: option })).first().waitFor({ state: "attached" });
      await tabTo(page, select);
      await until(`${option} is chosen in ${label}`, async () => {
        await page.keyboard.type(option);
        if ((await select.evaluate((element) => element.selectedOptions[0]?.label)) === option) return true;
        // a key that came late began a word of its own: after a second of silence the next one is a first one
        await new Promise((resolve) => setTimeout(resolve, 1_500));
        return false;
      });
    },
    async check(label) {
      await tabTo(page, field(page, label, 0));
      await page.keyboard.press("Space");
    },
    press: (name) => enter(form(page).getByRole("button", { name, exact: true }).first()),
    add_row: (legend) => enter(form(page).getByRole("group", { name: legend, exact: true }).getByRole("button", { name: "Add" })),
    open: (title) => enter(summary(page, title)),
    isOpen: (title) => summary(page, title).evaluate((element) => element.parentElement.open),
    async name(name) {
      await tabTo(page, field(page, "Name", 0));
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.type(name);
      await page.keyboard.press("Enter");
      await chosen(page, name).waitFor();
    },
    async run() {
      await tabTo(page, page.getByRole("tablist", { name: "Text, problems and run" }).locator("[tabindex='0']"));
      for (let presses = 0; presses < 3 && !(await page.getByRole("tab", { name: "Run", selected: true }).count()); presses += 1) await page.keyboard.press("ArrowRight");
    },
    start: () => enter(page.getByRole("tabpanel").getByRole("button", { name: /Run now|Save and run/ })),
    async answer(label, value) {
      await tabTo(page, page.getByRole("tabpanel").getByLabel(label, { exact: true }));
      await page.keyboard.press("ControlOrMeta+a");
      await page.keyboard.insertText(value);
    },
    settings: () => enter(form(page).getByRole("button", { name: "Flow settings" })),
    save: () => enter(page.getByRole("button", { name: "Save", exact: true })),
  };
}

/** Opens a part of the form unless it is open. */
export async function unfold(hand, title) {
  if (!(await hand.isOpen(title))) await hand.open(title);
}

/** A call through the connection `graph`. */
export async function call(hand, name, method, path) {
  await hand.add("HTTP request");
  await hand.name(name);
  await hand.choose("Method", method);
  await hand.choose("Connection", "graph");
  await hand.fill("Path or URL", path);
}

/** A run that was started from the builder, once it is done; `before` is the one that was shown until then. */
export async function outcome(page, before) {
  const panel = page.getByRole("region", { name: "Run", exact: true });
  const link = panel.locator(`a:not([href="/runs/${before?.id ?? ""}"])`, { hasText: "Open the run" });
  await link.waitFor();
  await panel.getByText(/^(done|failed)$/).waitFor({ timeout: 120_000 });
  const { body } = await api(page, "GET", await link.getAttribute("href"));
  return body;
}
