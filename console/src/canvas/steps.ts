// The steps of a flow: which there are, of which kind, and the lists they stand in.

import { type Path, isRecord, valueAt } from "./text/source";

export type Kind = "call" | "do" | "emit" | "for" | "fork" | "listen" | "raise" | "run" | "set" | "switch" | "try" | "wait";

/** `for` stands before `do`, which is its own. */
export const KINDS: readonly Kind[] = ["call", "emit", "for", "fork", "listen", "raise", "run", "set", "switch", "try", "wait", "do"];

export type Task = Record<string, unknown>;

export interface Step {
  /** RFC 6901, as the server and its runs name it. */
  pointer: string;
  path: Path;
  name: string;
  /** None for what no kind's key stands in. */
  kind: Kind | undefined;
  task: Task;
  lists: StepList[];
}

export type ListRole = "do" | "round" | "try" | "catch" | "branches" | "event";

/** Steps one after the other; `branches` side by side. */
export interface StepList {
  pointer: string;
  path: Path;
  role: ListRole;
  steps: Step[];
}

export function pointerOf(path: Path): string {
  return path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");
}

export function kindOf(task: Task): Kind | undefined {
  return KINDS.find((kind) => Object.hasOwn(task, kind));
}

/** The lists that a step of a kind may hold, empty ones included. */
const LISTS: Partial<Record<Kind, readonly (readonly [ListRole, Path])[]>> = {
  do: [["do", ["do"]]],
  for: [["round", ["do"]]],
  fork: [["branches", ["fork", "branches"]]],
  try: [
    ["try", ["try"]],
    ["catch", ["catch", "do"]],
  ],
  listen: [["event", ["foreach", "do"]]],
};

/** The steps of a flow; a text that is none yet has no steps. */
export function stepsOf(flow: unknown): StepList {
  return listAt(flow, ["do"], "do");
}

function listAt(flow: unknown, path: Path, role: ListRole): StepList {
  const items = valueAt(flow, path);
  const steps = Array.isArray(items) ? items.flatMap((item: unknown, at) => stepAt(flow, [...path, at], item)) : [];
  return { pointer: pointerOf(path), path, role, steps };
}

function stepAt(flow: unknown, path: Path, item: unknown): Step[] {
  if (!isRecord(item)) return [];
  const [only] = Object.entries(item);
  if (!only) return [];
  const [name, value] = only;
  const task = isRecord(value) ? value : {};
  const kind = kindOf(task);
  const at = [...path, name];
  const lists = (kind && LISTS[kind]) ?? [];
  return [{ pointer: pointerOf(at), path: at, name, kind, task, lists: lists.map(([role, below]) => listAt(flow, [...at, ...below], role)) }];
}

/** All steps in the order of the text. */
export function everyStep(list: StepList): Step[] {
  return list.steps.flatMap((step) => [step, ...step.lists.flatMap(everyStep)]);
}

/** The list that a step stands in. */
export function listOf(path: Path): Path {
  return path.slice(0, -2);
}

export function placeOf(path: Path): number {
  const at = path.at(-2);
  return typeof at === "number" ? at : 0;
}

/** The step that a pointer is about: the innermost around it. */
export function stepAround(steps: readonly Step[], pointer: string): Step | undefined {
  const around = steps.filter((step) => pointer === step.pointer || pointer.startsWith(`${step.pointer}/`));
  return around.reduce<Step | undefined>((inner, step) => (inner && inner.pointer.length > step.pointer.length ? inner : step), undefined);
}

/** A name that a list does not have yet. */
export function freeName(taken: readonly string[], wanted: string): string {
  if (!taken.includes(wanted)) return wanted;
  const stem = wanted.replace(/\d+$/, "");
  let number = 2;
  while (taken.includes(`${stem}${number}`)) number += 1;
  return `${stem}${number}`;
}
