import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { type Edited, insert, move, remove, rename, take } from "./edit";
import { everyStep, listOf, placeOf, stepsOf } from "./steps";
import { put } from "./text/patch";
import { type Path, isRecord, parse, same, valueAt } from "./text/source";

// thousands of texts are parsed: on a busy machine that takes its time
vi.setConfig({ testTimeout: 120_000 });

const folder = fileURLToPath(new URL("../../../examples/flows/", import.meta.url));
const EXAMPLES = readdirSync(folder).map((name) => [name, readFileSync(folder + name, "utf8")] as const);
const INLINE = "{document: {dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}, do: [{a: {set: {x: 1}}}, {b: {wait: PT1S}}, {c: {do: [{d: {set: {y: 2}}}]}}]}\n";
const JSON_TEXT = JSON.stringify(parse(INLINE).value, null, 2);
const LOOSE = "document:\n  dsl: '1.0.3'\n  namespace: a\n  name: b\n  version: '1.0.0'\ndo:\n# first\n- a:   # why\n    set:\n        x: 1 # one\n\n# second\n- b:\n    if: ${ .x > 1 }\n    set: {text: |-\n        a\n        }\n\n- c: {wait: PT1S}";
const TEXTS = [...EXAMPLES.map(([, text]) => text), INLINE, JSON_TEXT, LOOSE.replace("{text: |-\n        a\n        }", "{text: a}"), EXAMPLES[0]?.[1].replaceAll("\n", "\r\n") ?? ""];

const stepsIn = (text: string) => everyStep(stepsOf(parse(text).value));
/** How many lines of one text the other does not have, as a multiset. */
function lost(from: string, to: string): number {
  const left = new Map<string, number>();
  for (const line of to.split("\n")) left.set(line, (left.get(line) ?? 0) + 1);
  return from.split("\n").filter((line) => {
    const count = left.get(line) ?? 0;
    left.set(line, count - 1);
    return count <= 0;
  }).length;
}
function sound(text: string) {
  expect(parse(text).faults, text).toEqual([]);
  return parse(text).value;
}

/** A value with one place changed, done the plain way. */
function edited(value: unknown, path: Path, put: unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return put;
  if (Array.isArray(value)) return value.with(Number(first), edited(value[Number(first)], rest, put));
  return { ...(value as object), [first]: edited(valueAt(value, [first]), rest, put) };
}

function leaves(value: unknown, at: Path = []): Path[] {
  if (typeof value !== "object" || value === null) return [at];
  const entries = Array.isArray(value) ? value.map((item, index) => [index, item] as const) : Object.entries(value);
  return entries.flatMap(([name, child]) => leaves(child, [...at, name]));
}

describe("one value", () => {
  it.each(TEXTS)("changes its line alone", (text) => {
    const value = sound(text);
    for (const path of leaves(value)) {
      const changed = put(text, path, "something: else");
      expect(same(sound(changed), edited(value, path, "something: else")), path.join("/")).toBe(true);
      const before = valueAt(value, path);
      const lines = typeof before === "string" ? before.trimEnd().split("\n").length + 1 : 1;
      expect(lost(text, changed), path.join("/")).toBeLessThanOrEqual(lines);
      expect(put(text, path, valueAt(value, path))).toBe(text);
    }
  });

  it.each(TEXTS)("becomes a map, a list, a text of lines, and what it was", (text) => {
    const value = sound(text);
    // every third will do: what surrounds them repeats
    for (const path of leaves(value).filter((_, at) => at % 3 === 0)) {
      for (const other of [{ a: { b: { c: [1, { d: "x" }] } } }, [1, "two", { three: 3 }], "one\ntwo\n", null, 5, true, {}, []]) {
        const changed = put(text, path, other);
        expect(same(sound(changed), edited(value, path, other)), `${path.join("/")} = ${JSON.stringify(other)}\n${changed}`).toBe(true);
        const back = put(changed, path, valueAt(value, path));
        expect(same(sound(back), value), `${path.join("/")} back\n${back}`).toBe(true);
      }
    }
  });

  it("of a flow's head is written before the steps, whatever comes first", () => {
    const text = "document: {name: x}\n# what is done\ndo:\n  - a: {wait: PT1S} # one\n";
    const used = put(text, ["use", "secrets"], ["graph"]);
    expect(put(used, ["input", "from"], ".body")).toBe(text.replace("# what", "use: {secrets: [graph]}\ninput: {from: .body}\n# what"));
    expect(put("do: []\n", ["use"], { a: 1 })).toBe("do: []\nuse: {a: 1}\n");
  });

  it.each(TEXTS)("is added to every map, and taken away", (text) => {
    const value = sound(text);
    const maps = leaves(value).flatMap((path) => path.map((_, at) => path.slice(0, at))).filter((path) => isRecord(valueAt(value, path)));
    const different = new Map(maps.map((path) => [path.join("/"), path])).values();
    for (const path of different) {
      const added = put(text, [...path, "fresh-key"], { x: "y" });
      expect(same(sound(added), edited(value, [...path, "fresh-key"], { x: "y" })), added).toBe(true);
      expect(lost(text, added), path.join("/")).toBeLessThanOrEqual(1);
      expect(put(added, [...path, "fresh-key"], undefined)).toBe(text);
    }
  });
});

describe("a step", () => {
  it.each(TEXTS)("stays as it is when nothing is done", (text) => {
    for (const step of stepsIn(text)) {
      expect(put(text, step.path, step.task)).toBe(text);
      expect(move(text, step.path, { list: listOf(step.path), index: placeOf(step.path) }).source).toBe(text);
      expect(rename(text, step.path, step.name).source).toBe(text);
    }
  });

  it.each(TEXTS)("comes in anywhere without touching a line, and goes away again", (text) => {
    for (const step of stepsIn(text)) {
      for (const index of [placeOf(step.path), placeOf(step.path) + 1]) {
        const { source, path } = insert(text, { list: listOf(step.path), index }, { name: "fresh", task: { set: { x: 1 }, then: "continue" } });
        expect(valueAt(sound(source), path)).toEqual({ set: { x: 1 }, then: "continue" });
        expect(lost(text, source), source).toBeLessThanOrEqual(1);
        expect(remove(source, path)).toBe(text);
      }
    }
  });

  it.each(TEXTS)("goes away with its own lines alone", (text) => {
    const value = sound(text);
    for (const step of stepsIn(text)) {
      const left = remove(text, step.path);
      expect(stepsIn(left).length, left).toBe(stepsIn(text).length - everyStep({ pointer: "", path: [], role: "do", steps: [step] }).length);
      sound(left);
      expect(lost(left, text), left).toBeLessThanOrEqual(1);
      expect(same(value, sound(text))).toBe(true);
    }
  });

  it.each(TEXTS)("moves to every other place and back, words and all", (text) => {
    for (const step of stepsIn(text)) {
      for (const other of stepsIn(text)) {
        if (other.pointer.startsWith(step.pointer)) continue;
        const moved = move(text, step.path, { list: listOf(other.path), index: placeOf(other.path) });
        expect(same(valueAt(sound(moved.source), moved.path), step.task), moved.source).toBe(true);
        expect(stepsIn(moved.source).length).toBe(stepsIn(text).length);
      }
    }
  });

  it("keeps its comments where it goes", () => {
    const text = TEXTS.find((each) => each.includes("# first")) ?? "";
    const at = (name: string) => stepsIn(text).find((step) => step.name === name)?.path ?? [];
    const { source }: Edited = move(text, at("a"), { list: ["do"], index: 3 });
    expect(source).toBe(text.replace("# first\n- a:   # why\n    set:\n        x: 1 # one\n\n", "\n") + "\n# first\n- a:   # why\n    set:\n        x: 1 # one");
    expect(take(text, at("a"))?.lines?.slice(0, 2)).toEqual(["# first", "- a:   # why"]);
  });

  it("is put beside itself under another name, words and all", () => {
    const text = "do:\n  # why\n  - a: {wait: PT1S} # how\n";
    const loose = take(text, ["do", 0, "a"]);
    expect(loose && insert(text, { list: ["do"], index: 1 }, loose)).toEqual({ source: `${text}  # why\n  - a2: {wait: PT1S} # how\n`, path: ["do", 1, "a2"] });
  });

  it("is renamed where others lead to it", () => {
    const text = EXAMPLES.find(([name]) => name === "approve-delete.yaml")?.[1] ?? "";
    const { source, path } = rename(text, ["do", 3, "delete"], "gone");
    expect(path).toEqual(["do", 3, "gone"]);
    expect(source).toBe(text.replace("then: delete}", "then: gone}").replace("  - delete:\n", "  - gone:\n"));
  });

  it("that was alone leaves an empty list, or none where there need not be one", () => {
    const text = "do:\n  - a:\n      try:\n        - b: {wait: PT1S}\n      catch:\n        # what then\n        do:\n          - c: {wait: PT1S}\n        as: e\n";
    expect(remove(text, ["do", 0, "a", "try", 0, "b"])).toBe(text.replace("try:\n        - b: {wait: PT1S}", "try: []"));
    expect(remove(text, ["do", 0, "a", "catch", "do", 0, "c"])).toBe("do:\n  - a:\n      try:\n        - b: {wait: PT1S}\n      catch:\n        as: e\n");
    const empty = remove("do:\n  - a: {wait: PT1S}\n", ["do", 0, "a"]);
    expect(empty).toBe("do: []\n");
    expect(insert(empty, { list: ["do"], index: 0 }, { name: "a", task: { wait: "PT1S" } }).source).toBe("do:\n  - a:\n      wait: PT1S\n");
  });
});
