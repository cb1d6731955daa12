// Where the steps of a flow are drawn: lists from top to bottom, branches side by side, containers around what they hold.

import { type Slot } from "./edit";
import { FINISH, type Link, START, linksOf } from "./links";
import { type Step, type StepList, listOf, placeOf } from "./steps";

export const STEP = { width: 248, height: 64 };
const GAP = 48;
const SIDE = 28;
const PADDING = 20;
const FRAME_HEAD = 64;
const LIST_HEAD = 40;
const END = { width: 88, height: 36 };

interface Place {
  id: string;
  /** The box that `x` and `y` are counted from. */
  parent: string | undefined;
  x: number;
  y: number;
  width: number;
  height: number;
}

export type Box = Place & ({ is: "start" | "end" } | { is: "step"; step: Step } | { is: "list"; list: StepList });

/** A place for a step, where it is on the canvas. */
export interface PlacedSlot extends Slot {
  x: number;
  y: number;
}

export interface Drawing {
  boxes: Box[];
  links: Link[];
  slots: PlacedSlot[];
  /** The middle of each box on the canvas. */
  middles: ReadonlyMap<string, { x: number; y: number }>;
}

interface Size {
  width: number;
  height: number;
}

export function draw(root: StepList): Drawing {
  const sizes = new Map<string, Size>();
  const size = measureList(root, sizes);
  const drawing = { boxes: [] as Box[], slots: [] as PlacedSlot[], middles: new Map<string, { x: number; y: number }>() };
  const width = Math.max(size.width, STEP.width);
  const centre = (width - END.width) / 2;
  drawing.boxes.push({ is: "start", id: START, parent: undefined, x: centre, y: 0, ...END });
  drawing.slots.push({ list: root.path, index: 0, x: width / 2, y: END.height + GAP / 2 });
  placeSequence(drawing, sizes, root, { parent: undefined, x: 0, y: END.height + GAP, left: 0, top: END.height + GAP, width });
  const foot = END.height + GAP + (root.steps.length > 0 ? size.height + GAP : 0);
  drawing.boxes.push({ is: "end", id: FINISH, parent: undefined, x: centre, y: foot, ...END });
  return { ...drawing, links: linksOf(root) };
}

function measureList(list: StepList, sizes: Map<string, Size>): Size {
  const steps = list.steps.map((step) => measureStep(step, sizes));
  const sum = (values: number[], gap: number) => values.reduce((total, value) => total + value, Math.max(0, values.length - 1) * gap);
  const widths = steps.map(({ width }) => width);
  const heights = steps.map(({ height }) => height);
  if (list.role === "branches") return { width: sum(widths, SIDE), height: Math.max(0, ...heights) };
  return { width: Math.max(0, ...widths), height: sum(heights, GAP) };
}

function measureStep(step: Step, sizes: Map<string, Size>): Size {
  const lists = step.lists.map((list) => {
    const inner = measureList(list, sizes);
    const box = { width: Math.max(inner.width, STEP.width) + 2 * PADDING, height: inner.height + LIST_HEAD + 2 * PADDING };
    sizes.set(list.pointer, box);
    return box;
  });
  const width = lists.reduce((total, list) => total + list.width + PADDING, PADDING);
  const height = FRAME_HEAD + Math.max(0, ...lists.map((list) => list.height)) + PADDING;
  const size = lists.length === 0 ? STEP : { width, height };
  sizes.set(step.pointer, size);
  return size;
}

/** Where a list begins: in its parent, and on the canvas. */
interface Origin {
  parent: string | undefined;
  x: number;
  y: number;
  left: number;
  top: number;
  width: number;
}

type Unfinished = Pick<Drawing, "boxes" | "slots"> & { middles: Map<string, { x: number; y: number }> };

function placeSequence(drawing: Unfinished, sizes: Map<string, Size>, list: StepList, origin: Origin): void {
  const across = list.role === "branches";
  let offset = 0;
  for (const step of list.steps) {
    const size = sizes.get(step.pointer) ?? STEP;
    const dx = across ? offset : (origin.width - size.width) / 2;
    const dy = across ? 0 : offset;
    placeStep(drawing, sizes, step, { ...origin, x: origin.x + dx, y: origin.y + dy, left: origin.left + dx, top: origin.top + dy });
    offset += across ? size.width + SIDE : size.height + GAP;
    const after = across ? { x: origin.left + offset - SIDE / 2, y: origin.top + size.height / 2 } : { x: origin.left + origin.width / 2, y: origin.top + offset - GAP / 2 };
    drawing.slots.push({ list: listOf(step.path), index: placeOf(step.path) + 1, ...after });
  }
}

function placeStep(drawing: Unfinished, sizes: Map<string, Size>, step: Step, at: Origin): void {
  const size = sizes.get(step.pointer) ?? STEP;
  drawing.boxes.push({ is: "step", step, id: step.pointer, parent: at.parent, x: at.x, y: at.y, ...size });
  drawing.middles.set(step.pointer, { x: at.left + size.width / 2, y: at.top + Math.min(size.height / 2, 200) });
  let x = PADDING;
  for (const list of step.lists) {
    const box = sizes.get(list.pointer) ?? STEP;
    const height = size.height - FRAME_HEAD - PADDING;
    drawing.boxes.push({ is: "list", list, id: list.pointer, parent: step.pointer, x, y: FRAME_HEAD, width: box.width, height });
    const left = at.left + x + PADDING;
    const top = at.top + FRAME_HEAD + LIST_HEAD + PADDING / 2;
    drawing.slots.push({ list: list.path, index: 0, x: left + box.width / 2 - PADDING, y: top - PADDING });
    placeSequence(drawing, sizes, list, { parent: list.pointer, x: PADDING, y: LIST_HEAD + PADDING / 2, left, top, width: box.width - 2 * PADDING });
    x += box.width + PADDING;
  }
}

/** The place for a step that is nearest to a point. */
export function nearestSlot(slots: readonly PlacedSlot[], x: number, y: number): Slot | undefined {
  const distance = (slot: PlacedSlot) => (slot.x - x) ** 2 + (slot.y - y) ** 2;
  const [first, ...others] = slots;
  if (!first) return undefined;
  const { list, index } = others.reduce((best, slot) => (distance(slot) < distance(best) ? slot : best), first);
  return { list, index };
}
