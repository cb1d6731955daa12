import { describe, expect, it } from "vitest";
import { listed, merged } from "./liveRuns";
import type { RunCard, RunStatus } from "./runs";

const run = (id: string, second: number, status: RunStatus = "running"): RunCard => ({
  id,
  once: false,
  flow: "people.leaver",
  version: 1,
  status,
  actor: "local",
  trigger: { kind: "manual" },
  created_at: `2026-11-29T08:00:0${second}Z`,
  parked: [],
});
const told = (data: RunCard) => ({ name: "run", data });
const list = (ids: string[], next: string | null = null) => ({ name: "list", data: { ids, next } });
const ids = (runs: readonly RunCard[]) => runs.map(({ id }) => id).join(" ");

describe("a list that is followed", () => {
  const first = listed(undefined, [told(run("b", 2)), told(run("a", 1)), list(["b", "a"], "further")]);

  it("is nothing before it was told whole", () => {
    expect(listed(undefined, [told(run("b", 2))])).toBeUndefined();
    expect(merged([run("x", 1)], undefined)).toEqual([run("x", 1)]);
  });

  it("takes what comes, changes and goes", () => {
    expect(first).toMatchObject({ ids: ["b", "a"], goesOn: true });
    const changed = listed(first, [told(run("a", 1, "completed"))]);
    expect(changed?.cards["a"]?.status).toBe("completed");
    const moved = listed(changed, [told(run("c", 3)), list(["c", "b"], "further")]);
    expect(moved?.ids).toEqual(["c", "b"]);
    expect(Object.keys(moved?.cards ?? {})).toEqual(["c", "b"]);
    expect(listed(moved, [list([])])).toEqual({ cards: {}, ids: [], goesOn: false });
    expect(listed(moved, [{ name: "again", data: {} }])).toEqual(moved);
  });

  it("goes before what was loaded, of which the older runs stay", () => {
    const loaded = [run("gone", 2), run("b", 2), run("a", 1), run("older", 0)];
    expect(ids(merged(loaded, first))).toBe("b a older");
    expect(ids(merged(loaded, listed(first, [told(run("c", 3)), list(["c", "b"], "further")])))).toBe("c b gone a older");
  });

  it("is all there is where it does not go on", () => {
    expect(ids(merged([run("gone", 2), run("older", 0)], listed(undefined, [told(run("a", 1)), list(["a"])])))).toBe("a");
    expect(merged([run("gone", 2)], listed(undefined, [list([])]))).toEqual([]);
  });
});
