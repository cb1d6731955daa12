// What can be done to steps: each takes a text and gives the changed text, with the path of the step it was about.

import { isScalar, isSeq } from "yaml";
import { type Step, type Task, everyStep, freeName, kindOf, listOf, placeOf, stepsOf } from "./steps";
import { put } from "./text/patch";
import { key, step as stepLines } from "./text/render";
import { type Path, endOf, isRecord, nodeAt, pairOf, parse, startOf, valueAt } from "./text/source";
import { type Splice, addItem, apply, itemLines, linesOfItem } from "./text/splice";

export interface Edited {
  source: string;
  path: Path;
}

/** A place between the steps of a list. */
export interface Slot {
  list: Path;
  index: number;
}

/** A step with its name, apart from any document. `lines` are its own words where they are known. */
export interface Loose {
  name: string;
  task: Task;
  lines?: string[] | undefined;
}

function namesIn(source: string, list: Path): string[] {
  const items = valueAt(parse(source).value, list);
  return Array.isArray(items) ? items.flatMap((item: unknown) => (isRecord(item) ? Object.keys(item) : [])) : [];
}

export function insert(source: string, slot: Slot, loose: Loose): Edited {
  const name = freeName(namesIn(source, slot.list), loose.name);
  const lines = loose.lines ? called(loose.lines, loose.name, name) : stepLines(name, loose.task);
  return insertLines(source, slot, { name, task: loose.task, lines });
}

/** A step's own lines under another name. */
function called(lines: readonly string[], old: string, name: string): string[] {
  const mark = `- ${key(old)}:`;
  const at = lines.findIndex((line) => line.startsWith(mark));
  return lines.map((line, index) => (index === at ? `- ${key(name)}:${line.slice(mark.length)}` : line));
}

function insertLines(source: string, slot: Slot, loose: Loose): Edited {
  const parsed = parse(source);
  const list = nodeAt(parsed, slot.list);
  const value = { [loose.name]: loose.task };
  const path = [...slot.list, slot.index, loose.name];
  if (!isSeq(list) || list.items.length === 0) return { source: put(source, slot.list, [value]), path: [...slot.list, 0, loose.name] };
  const splice = addItem(parsed, list, Math.min(slot.index, list.items.length), loose.lines ?? stepLines(loose.name, loose.task), value);
  return { source: apply(source, [splice]), path };
}

/** A step as it stands, to be put elsewhere. */
export function take(source: string, path: Path): Loose | undefined {
  const parsed = parse(source);
  const list = nodeAt(parsed, listOf(path));
  const task = valueAt(parsed.value, path);
  const name = path.at(-1);
  if (!isSeq(list) || typeof name !== "string") return undefined;
  return { name, task: isRecord(task) ? task : {}, lines: linesOfItem(parsed, list, placeOf(path)) };
}

export function remove(source: string, path: Path): string {
  const list = listOf(path);
  const steps = valueAt(parse(source).value, list);
  // a list that may be missing goes with its last step
  const optional = list.at(-1) === "do" && (list.at(-2) === "catch" || list.at(-2) === "foreach");
  if (optional && Array.isArray(steps) && steps.length === 1) return put(source, list, undefined);
  return put(source, [...list, placeOf(path)], undefined);
}

/** Moves a step to another place; into itself it can't go. */
export function move(source: string, path: Path, slot: Slot): Edited {
  const loose = take(source, path);
  const from = listOf(path);
  const place = placeOf(path);
  const inside = slot.list.length > path.length && path.every((part, at) => slot.list[at] === part);
  const sameList = from.length === slot.list.length && from.every((part, at) => slot.list[at] === part);
  if (!loose || inside || (sameList && (slot.index === place || slot.index === place + 1))) return { source, path };
  if (sameList) return moveWithin(source, path, slot, loose);
  const { source: added, path: to } = insert(source, slot, loose);
  return { source: remove(added, shifted(path, slot, 1)), path: shiftedBack(to, from, place) };
}

function moveWithin(source: string, path: Path, slot: Slot, loose: Loose): Edited {
  const parsed = parse(source);
  const list = nodeAt(parsed, slot.list);
  if (!isSeq(list)) return { source, path };
  const away = itemLines(parsed, list, placeOf(path));
  const there: Splice = addItem(parsed, list, slot.index, loose.lines ?? stepLines(loose.name, loose.task), { [loose.name]: loose.task });
  const index = slot.index > placeOf(path) ? slot.index - 1 : slot.index;
  return { source: apply(source, [away, there]), path: [...slot.list, index, loose.name] };
}

/** Where a path leads after a step came in at a slot before it. */
function shifted(path: Path, slot: Slot, by: number): Path {
  const at = slot.list.length;
  const part = path[at];
  const same = slot.list.every((known, index) => path[index] === known);
  return same && typeof part === "number" && part >= slot.index ? path.with(at, part + by) : path;
}

/** Where a path leads after the step at `place` of a list went away. */
function shiftedBack(path: Path, list: Path, place: number): Path {
  const at = list.length;
  const part = path[at];
  const same = list.every((known, index) => path[index] === known);
  return same && typeof part === "number" && part > place ? path.with(at, part - 1) : path;
}

/** Gives a step another name, also where `then` leads to it. */
export function rename(source: string, path: Path, name: string): Edited {
  const old = path.at(-1);
  const renamed = path.with(-1, name);
  if (name === "" || old === name || typeof old !== "string" || namesIn(source, listOf(path)).includes(name)) return { source, path };
  const parsed = parse(source);
  const item = nodeAt(parsed, path.slice(0, -1));
  const pair = item && "items" in item ? pairOf(item as Parameters<typeof pairOf>[0], old) : undefined;
  if (!pair || !isScalar(pair.key)) return { source, path };
  const changed = apply(source, [{ from: startOf(pair.key), to: endOf(parsed, pair.key), text: key(name) }]);
  return { source: led(changed, listOf(path), old, name), path: renamed };
}

function led(source: string, list: Path, old: string, name: string): string {
  const siblings = everyStep(stepsOf(parse(source).value)).filter((step) => step.path.length === list.length + 2 && list.every((part, at) => step.path[at] === part));
  return siblings.flatMap((step) => leads(step, old)).reduce((text, path) => put(text, path, name), source);
}

/** The places in a step that lead to a name. */
function leads(step: Step, name: string): Path[] {
  const found: Path[] = step.task["then"] === name ? [[...step.path, "then"]] : [];
  const cases = step.task["switch"];
  if (kindOf(step.task) !== "switch" || !Array.isArray(cases)) return found;
  cases.forEach((item: unknown, at) => {
    if (!isRecord(item)) return;
    for (const [label, one] of Object.entries(item)) if (isRecord(one) && one["then"] === name) found.push([...step.path, "switch", at, label, "then"]);
  });
  return found;
}
