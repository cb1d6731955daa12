import { QueryClient } from "@tanstack/react-query";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { draftFor, keepDraft } from "./desk";

const text = (name: string, steps = "[]") => `document: {namespace: main, name: ${name}}\ndo: ${steps}\n`;
const NEW = { source: text("new-flow"), number: 0 };

/** What the browser tells of when the tab is to be closed. */
let closing: ((event: { preventDefault: () => void }) => void)[];

beforeEach(() => {
  closing = [];
  vi.stubGlobal("window", { addEventListener: (name: string, listener: (typeof closing)[number]) => name === "beforeunload" && closing.push(listener) });
});
afterEach(() => void vi.unstubAllGlobals());

/** Whether the browser asks before it closes the tab. */
function asks(): boolean {
  const preventDefault = vi.fn();
  for (const listener of closing) listener({ preventDefault });
  return preventDefault.mock.calls.length > 0;
}

it("gives a draft that was left with changes back, and asks before the tab is closed", () => {
  const client = new QueryClient();
  const draft = draftFor(client, NEW);
  expect(asks()).toBe(false);
  draft.change(text("new-flow", "[a]"), "text", 0);
  expect(draftFor(client, NEW)).toBe(draft);
  draftFor(client, { source: text("other"), number: 4 });
  expect([closing.length, asks()]).toEqual([1, true]);
  draft.undo();
  expect(asks()).toBe(false);
});

it("begins anew what was saved, and keeps a draft under its new name", () => {
  const client = new QueryClient();
  const draft = draftFor(client, NEW);
  draft.change(text("mine"), "text", 0);
  draft.saved({ source: text("mine"), number: 1 });
  keepDraft(client, draft);
  expect(draftFor(client, NEW)).not.toBe(draft);
  expect(draftFor(client, { source: text("mine"), number: 1 })).toBe(draft);
  // somebody else saved meanwhile, and nothing was changed here
  expect(draftFor(client, { source: text("mine", "[b]"), number: 2 }).get().source).toBe(text("mine", "[b]"));
});

it("does not take a flow for another that was saved under its name before", () => {
  const client = new QueryClient();
  const first = { source: text("first"), number: 1 };
  const draft = draftFor(client, first);
  draft.change(text("second"), "text", 0);
  draft.saved({ source: text("second"), number: 1 });
  keepDraft(client, draft);
  expect(draftFor(client, first).get().source).toBe(first.source);
  expect(draftFor(client, { source: text("second"), number: 1 })).toBe(draft);
});

it("forgets with what the person saw: nothing is asked then", () => {
  const client = new QueryClient();
  draftFor(client, NEW).change(text("new-flow", "[a]"), "text", 0);
  client.clear();
  expect(asks()).toBe(false);
});
