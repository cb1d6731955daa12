// Which step comes after which: the order of a list, `then`, and the cases of a switch.

import type { Step, StepList } from "./steps";
import { isRecord } from "./text/source";

/** The boxes at both ends of a flow. */
export const START = "start";
export const FINISH = "end";

export interface Link {
  id: string;
  from: string;
  to: string;
  /** The cases of a switch that lead this way. */
  label: string | undefined;
  /** Straight to the neighbour below, or around what lies between. */
  way: "down" | "around";
}

export function linksOf(root: StepList): Link[] {
  const first = root.steps[0];
  const start: Link = { id: "start→", from: START, to: first?.pointer ?? FINISH, label: undefined, way: "down" };
  return [start, ...linksIn(root, FINISH)];
}

/** `end` is where the list's end is drawn; inside of steps it is not. */
function linksIn(list: StepList, end: string | undefined): Link[] {
  const inner = list.steps.flatMap((step) => step.lists.flatMap((below) => linksIn(below, undefined)));
  if (list.role === "branches") return inner;
  return [...list.steps.flatMap((step, at) => waysOf(list, step, at, end)), ...inner];
}

function waysOf(list: StepList, step: Step, at: number, end: string | undefined): Link[] {
  const next = list.steps[at + 1]?.pointer ?? end;
  const to = (then: unknown): string | undefined => {
    if (then === undefined || then === "continue") return next;
    if (then === "exit" || then === "end") return end;
    return list.steps.find((sibling) => sibling.name === then)?.pointer;
  };
  const ways = new Map<string, string[]>();
  const lead = (target: string | undefined, label: string | undefined) => {
    if (target !== undefined) ways.set(target, [...(ways.get(target) ?? []), ...(label === undefined ? [] : [label])]);
  };
  const cases = casesOf(step);
  for (const one of cases) lead(to(one.then), one.name);
  if (step.kind === "switch" && !cases.some((one) => one.when === undefined)) lead(to(step.task["then"]), "otherwise");
  if (step.kind !== "switch" && step.kind !== "raise") lead(to(step.task["then"]), undefined);
  return [...ways].map(([target, labels]) => ({
    id: `${step.pointer}→${target}`,
    from: step.pointer,
    to: target,
    label: labels.length > 0 ? labels.join(", ") : undefined,
    way: target === next ? "down" : "around",
  }));
}

export interface Case {
  name: string;
  when: unknown;
  then: unknown;
}

export function casesOf(step: Step): Case[] {
  const cases = step.kind === "switch" ? step.task["switch"] : undefined;
  if (!Array.isArray(cases)) return [];
  return cases.flatMap((item: unknown) => (isRecord(item) ? Object.entries(item).map(([name, one]) => ({ name, when: isRecord(one) ? one["when"] : undefined, then: isRecord(one) ? one["then"] : undefined })) : []));
}
