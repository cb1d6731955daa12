import { readFileSync, readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, it, vi } from "vitest";
import { everyStep, stepsOf } from "../../../canvas/steps";
import { put } from "../../../canvas/text/patch";
import { type Path, isRecord, parse, same, valueAt } from "../../../canvas/text/source";
import { onlyType } from "./EventsField";
import { RHYTHMS, USUAL, clockOf, cronOf, readTime, timeText } from "./cron";
import { UNITS, lengthOf, valueOfLength } from "./duration";
import { GROWTHS, USUAL_POLICY, growthOf, renamed } from "./policy";

// thousands of texts are parsed: on a busy machine that takes its time
vi.setConfig({ testTimeout: 120_000 });

const folder = fileURLToPath(new URL("../../../../../examples/flows/", import.meta.url));
const EXAMPLES = readdirSync(folder).map((name) => [name, readFileSync(folder + name, "utf8")] as const);
const HELD = EXAMPLES.find(([name]) => name === "block-leaver.yaml")?.[1] ?? "";

/** How many lines of one text the other does not have. */
function lost(from: string, to: string): number {
  const left = to.split("\n");
  return from.split("\n").filter((line) => {
    const at = left.indexOf(line);
    if (at >= 0) left.splice(at, 1);
    return at < 0;
  }).length;
}

function sound(text: string): unknown {
  const parsed = parse(text);
  expect(parsed.faults, text).toEqual([]);
  return parsed.value;
}

describe("a length of time", () => {
  it.each([
    ["PT5M", { amount: "5", unit: "minutes", style: "text" }],
    ["PT0.5S", { amount: "0.5", unit: "seconds", style: "text" }],
    ["P3D", { amount: "3", unit: "days", style: "text" }],
    [{ hours: 1 }, { amount: "1", unit: "hours", style: "object" }],
  ])("%j is a number and a unit, and back", (value, length) => {
    expect(lengthOf(value)).toEqual(length);
    expect(valueOfLength(lengthOf(value) ?? { amount: "", unit: "days", style: "text" })).toEqual(value);
  });

  it.each(["PT1H30M", "P1W", "P0.5D", "${ .wait }", "5", "", 5, null, undefined, {}, { minutes: 1, seconds: 2 }, { weeks: 1 }, { minutes: "1" }])("%j is no more than text", (value) => {
    expect(lengthOf(value)).toBeUndefined();
  });

  it("is what it was after it was another, in every unit and style", () => {
    for (const unit of UNITS) {
      for (const style of ["text", "object"] as const) {
        for (const amount of ["1", "90"]) expect(lengthOf(valueOfLength({ amount, unit, style }))).toEqual({ amount, unit, style });
      }
    }
    for (const amount of ["", "-1", "x", "1e3"]) expect(valueOfLength({ amount, unit: "seconds", style: "text" })).toBeUndefined();
    expect(valueOfLength({ amount: "1.5", unit: "days", style: "text" })).toBeUndefined();
  });
});

describe("a time of the clock", () => {
  it("is said by cron, and read back, for every rhythm and time", () => {
    for (const rhythm of RHYTHMS) {
      for (const hour of [0, 6, 23]) {
        for (const minute of [0, 30, 59]) {
          const clock = { ...USUAL, rhythm, minute, hour, weekday: 5, day: 31 };
          const read = clockOf(cronOf(clock));
          expect(read && cronOf(read)).toBe(cronOf(clock));
          expect(read?.rhythm).toBe(rhythm);
        }
      }
    }
  });

  it.each(["*/5 * * * *", "0 2 * * MON", "0 2 1 * 1", "0 2 1 6 *", "00 2 * * *", "0  2 * * *", "61 2 * * *", "0 24 * * *", "0 2 32 * *", "0 2 * * 7", "0 2 * *", "0 2 * * * *", "@daily", ""])("%j stays as it is written", (cron) => {
    expect(clockOf(cron)).toBeUndefined();
  });

  it("is typed as people write it", () => {
    expect([readTime("6:05"), readTime(" 06:05 "), readTime("24:00"), readTime("6:60"), readTime("6"), readTime("")]).toEqual([{ hour: 6, minute: 5 }, { hour: 6, minute: 5 }, undefined, undefined, undefined, undefined]);
    expect(timeText({ ...USUAL, hour: 6, minute: 5 })).toBe("06:05");
  });
});

describe("events", () => {
  it("are one type, or more than that", () => {
    expect(onlyType(undefined)).toBe("");
    expect(onlyType({ one: { with: { type: "a" } } })).toBe("a");
    for (const on of [{ one: { with: { type: "a", source: "b" } } }, { any: [] }, { one: { with: { type: "a" } }, read: "raw" }, "text"]) expect(onlyType(on)).toBeUndefined();
  });
});

/** What the forms write, each field alone: its path and two values. */
const FIELDS: readonly [Path, unknown, unknown][] = [
  [["schedule", "cron"], cronOf(USUAL), "*/5 * * * *"],
  [["schedule", "every"], valueOfLength({ amount: "5", unit: "minutes", style: "text" }), valueOfLength({ amount: "2", unit: "hours", style: "object" })],
  [["schedule", "after"], "PT30S", "P1D"],
  [["schedule", "on", "one", "with", "type"], "contoso.user.left", "contoso.user.came"],
  [["document", "metadata", "keyway", "timeZone"], "Europe/Berlin", "UTC"],
];
const POLICY: readonly [Path, unknown, unknown][] = [
  [["delay"], "PT2S", "PT1M"],
  [["backoff"], { [GROWTHS[1]]: {} }, { [GROWTHS[2]]: {} }],
  [["limit", "attempt", "count"], 5, 9],
  [["limit", "attempt", "duration"], "PT30S", "PT10S"],
  [["limit", "duration"], "PT10M", "PT1H"],
  [["jitter", "from"], "PT1S", "PT2S"],
  [["jitter", "to"], "PT5S", "PT9S"],
  [["when"], "${ $error.status == 429 }", "${ . }"],
];

/** Says it, says it otherwise, takes it back: no other line is touched, and in the end not one. */
function edits(text: string, path: Path, [one, other]: [unknown, unknown]): void {
  const before = valueAt(sound(text), path);
  let now = text;
  for (const value of [one, other]) {
    const next = put(now, path, value);
    expect(valueAt(sound(next), path), next).toEqual(value);
    expect(lost(now, next), `${path.join("/")}\n${next}`).toBeLessThanOrEqual(1);
    now = next;
  }
  const back = put(now, path, before);
  // an empty `metadata`, `schedule` or `retry` is not left behind
  expect(same(sound(back), sound(text)), back).toBe(true);
  if (before === undefined) expect(back).toBe(text);
}

describe("every field of the forms", () => {
  it.each(EXAMPLES)("changes its own line of %s, and nothing when it is taken back", (_, text) => {
    for (const [path, one, other] of FIELDS) edits(text, path, [one, other]);
    const flow = sound(text);
    const tries = everyStep(stepsOf(flow)).filter(({ kind }) => kind === "try");
    const named = valueAt(flow, ["use", "retries"]);
    const policies = [
      ["use", "retries", "fresh"],
      ...Object.keys(isRecord(named) ? named : {}).map((name) => ["use", "retries", name]),
      ...tries.filter(({ task }) => typeof valueAt(task, ["catch", "retry"]) !== "string").map(({ path }) => [...path, "catch", "retry"]),
    ];
    for (const policy of policies) for (const [path, one, other] of POLICY) edits(text, [...policy, ...path], [one, other]);
    // a policy of several lines that becomes a name takes these with it
    for (const { path } of tries.filter(({ task }) => !isRecord(valueAt(task, ["catch", "retry"])))) edits(text, [...path, "catch", "retry"], ["patient", "other"]);
  });
});

describe("a retry policy", () => {
  it("says how its delay grows", () => {
    expect([undefined, { exponential: {} }, { constant: {} }, { exponential: {}, linear: {} }, {}, "x"].map(growthOf)).toEqual(["", "exponential", "constant", undefined, undefined, undefined]);
    expect(growthOf(USUAL_POLICY.backoff)).toBe("exponential");
  });

  it("is renamed where steps use it, and comments stay", () => {
    const text = renamed(HELD, "patient", "calm");
    expect(text).toBe(HELD.replace("patient:", "calm:").replace("retry: patient", "retry: calm"));
    for (const [old, name] of [["patient", ""], ["patient", "patient"], ["absent", "calm"]] as const) expect(renamed(HELD, old, name)).toBe(HELD);
  });
});
