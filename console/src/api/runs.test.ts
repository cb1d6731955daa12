import { expect, it } from "vitest";
import { EventReader } from "./events";
import { type RunDetail, type Step, Told, isOver } from "./runs";

const STEP: Step = { name: "a", reference: "/do/0/a", id: "/do/0/a", rounds: [], attempt: 1, status: "running", started_at: "2026-11-29T08:00:00Z" };
const RUN: RunDetail = {
  id: "run_fake",
  once: false,
  flow: "people.leaver",
  version: 1,
  flow_version: "1.0.0",
  status: "running",
  actor: "local",
  trigger: { kind: "manual" },
  created_at: "2026-11-29T08:00:00Z",
  parked: [],
  input: { user: "ada" },
  steps: [],
  events: [],
  waits_for: [],
};

const TOLD = [
  ["run", { ...RUN, status: "waiting", steps: undefined, input: undefined }],
  ["step", { index: 0, step: STEP }],
  ["step", { index: 1, step: { ...STEP, id: "/do/1/b", name: "b" } }],
  ["step", { index: 0, step: { ...STEP, status: "completed", output: "grün\n\n" } }],
  ["end", { run: { ...RUN, status: "completed", steps: undefined, input: undefined }, output: { ok: true } }],
] as const;
const TEXT = `:\n\n${TOLD.map(([name, data]) => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`).join("")}`;

it("reads events however they are cut", () => {
  for (let cut = 0; cut <= TEXT.length; cut += 1) {
    const reader = new EventReader();
    const events = [...reader.push(TEXT.slice(0, cut)), ...reader.push(TEXT.slice(cut))];
    expect(events.map(({ name }) => name)).toEqual(["run", "step", "step", "step", "end"]);
    expect(events[3]?.data).toEqual(TOLD[3][1]);
  }
});

it("leaves out comments, and what is no JSON", () => {
  expect(new EventReader().push(": hello\n\nevent: run\ndata: {half\n\nevent: end\r\ndata: 1\r\n\r\n")).toEqual([{ name: "end", data: 1 }]);
});

it("follows a run without touching the one before", () => {
  const events = TOLD.map(([name, data]) => ({ name, data }));
  const told = new Told();
  told.hear(events.slice(0, 3));
  const halfway = told.over(RUN);
  expect([halfway.status, halfway.steps.map(({ name, status }) => [name, status])]).toEqual(["waiting", [["a", "running"], ["b", "running"]]]);
  told.hear(events.slice(3));
  const after = told.over(halfway);
  expect([after.status, after.output, after.steps[0]?.status, after.flow_version]).toEqual(["completed", { ok: true }, "completed", "1.0.0"]);
  expect(isOver(after)).toBe(true);
  expect(RUN.steps).toEqual([]);
  expect(halfway.steps[0]?.status).toBe("running");
});

it("keeps what was told when an older answer comes late", () => {
  const told = new Told();
  const step = (index: number) => ({ name: "step", data: { index, step: { ...STEP, id: `/do/${index}/a` } } });
  told.hear([0, 1, 2].map(step));
  told.hear([step(3)]);
  const late = { ...RUN, steps: [STEP] };
  expect(told.over(late).steps.map(({ id }) => id)).toEqual(["/do/0/a", "/do/1/a", "/do/2/a", "/do/3/a"]);
  // nor is what a newer answer has besides taken away
  const newer = { ...RUN, steps: [0, 1, 2, 3, 4].map((index) => step(index).data.step) };
  expect(told.over(newer).steps).toHaveLength(5);
});
