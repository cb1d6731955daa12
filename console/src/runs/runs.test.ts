import { expect, it } from "vitest";
import { NO_RUN_FILTER, type Step } from "../api/runs";
import { callText, depthOf } from "./detail/steps";
import { filterOf, instant, local, searchOf } from "./list/filter";
import { took } from "./took";

it("keeps a filter in the address, and lets nothing else in", () => {
  const filter = { ...NO_RUN_FILTER, status: "faulted" as const, text: "a&b=c", since: "2026-11-29T08:00:00.000Z" };
  expect(filterOf(searchOf(filter))).toEqual(filter);
  expect(searchOf(NO_RUN_FILTER)).toBe("");
  expect(filterOf("?status=constructor&since=yesterday&x=1")).toEqual(NO_RUN_FILTER);
});

it("turns times of this device into the API's and back", () => {
  for (const at of ["2026-11-29T08:00:00.000Z", "2026-07-01T23:59:00.000Z"]) expect(instant(local(at))).toBe(at);
  expect([instant(""), local("x")]).toEqual(["", ""]);
});

it("says how long something took", () => {
  const from = "2026-11-29T08:00:00Z";
  const after = (milliseconds: number) => took(from, new Date(Date.parse(from) + milliseconds).toISOString());
  expect([after(12), after(3_400), after(120_000), after(-5), took(from, null), took(from, "soon")]).toEqual(["12 ms", "3.4 s", "2 min", "0 ms", "", ""]);
});

it("says what a step called", () => {
  const step: Step = { name: "a", reference: "/do/0/t/try/0/a", id: "x", rounds: [], attempt: 1, status: "completed", started_at: "" };
  expect(depthOf(step)).toBe(1);
  expect(callText(step)).toBe("");
  expect(callText({ ...step, explanation: { method: "GET", path: "/users", status: 200, attempts: 2, milliseconds: 34 } })).toBe("GET /users, 200, sent 2 times, 34 ms");
});
