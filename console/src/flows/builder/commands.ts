// What people do to steps, by mouse, button or key: each changes the draft once.

import { type Slot, insert, move, remove, take } from "../../canvas/edit";
import { PALETTE } from "../../canvas/palette";
import { type Step, type Task, everyStep, listOf, placeOf, pointerOf, stepsOf } from "../../canvas/steps";
import { type Path, parse, valueAt } from "../../canvas/text/source";
import type { Draft } from "./draft";

export function stepsIn(draft: Draft): Step[] {
  return everyStep(stepsOf(parse(draft.get().readable).value));
}

export function chosenStep(draft: Draft): Step | undefined {
  const { selected } = draft.get();
  return selected === undefined ? undefined : stepsIn(draft).find((step) => step.pointer === selected);
}

/** Where the next step goes: where it was said, else after the chosen one, else at the end. */
export function nextSlot(draft: Draft): Slot {
  const { slot, readable } = draft.get();
  if (slot) return slot;
  const chosen = chosenStep(draft);
  if (chosen) return { list: listOf(chosen.path), index: placeOf(chosen.path) + 1 };
  const steps = valueAt(parse(readable).value, ["do"]);
  return { list: ["do"], index: Array.isArray(steps) ? steps.length : 0 };
}

/** While the text can't be read, steps can't be changed. */
const isReadable = (draft: Draft) => parse(draft.get().source).faults.length === 0;

export function add(draft: Draft, name: string, task: Task, slot: Slot = nextSlot(draft)): void {
  if (!isReadable(draft)) return;
  const edited = insert(draft.get().source, slot, { name, task });
  draft.edit(edited);
  draft.reveal(pointerOf(edited.path));
}

export function addItem(draft: Draft, id: string, slot?: Slot): void {
  const item = PALETTE.find((known) => known.id === id);
  if (item) add(draft, item.name, item.task, slot);
}

export function removeChosen(draft: Draft): void {
  const step = chosenStep(draft);
  if (!step || !isReadable(draft)) return;
  const steps = stepsIn(draft);
  const before = steps[steps.findIndex(({ pointer }) => pointer === step.pointer) - 1];
  draft.change(remove(draft.get().source, step.path), "", 0);
  if (before) draft.reveal(before.pointer);
  else draft.select(undefined);
}

export function copyChosen(draft: Draft): void {
  const step = chosenStep(draft);
  const loose = step && take(draft.get().source, step.path);
  if (!loose) return;
  draft.copy(loose);
  // elsewhere it can be pasted as text; where the clipboard is out of reach, here alone
  void navigator.clipboard.writeText((loose.lines ?? []).join("\n")).catch(() => undefined);
}

export function paste(draft: Draft): void {
  const { copied, source } = draft.get();
  if (!copied || !isReadable(draft)) return;
  const edited = insert(source, nextSlot(draft), copied);
  draft.edit(edited);
  draft.reveal(pointerOf(edited.path));
}

export function moveTo(draft: Draft, path: Path, slot: Slot): void {
  if (isReadable(draft)) draft.edit(move(draft.get().source, path, slot));
}

/** One place up or down in its list. */
export function shift(draft: Draft, by: "up" | "down"): void {
  const step = chosenStep(draft);
  if (!step) return;
  const place = placeOf(step.path);
  const steps = valueAt(parse(draft.get().source).value, listOf(step.path));
  const index = by === "up" ? place - 1 : place + 2;
  if (!Array.isArray(steps) || index < 0 || index > steps.length) return;
  moveTo(draft, step.path, { list: listOf(step.path), index });
  const moved = draft.get().selected;
  if (moved !== undefined) draft.reveal(moved);
}

/** The step before or after the chosen one in the order of the text. */
export function walk(draft: Draft, by: 1 | -1): void {
  const steps = stepsIn(draft);
  const at = steps.findIndex((step) => step.pointer === draft.get().selected);
  const next = steps[at < 0 ? 0 : Math.min(steps.length - 1, Math.max(0, at + by))];
  if (next) draft.reveal(next.pointer);
}
