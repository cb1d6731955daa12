// What the boxes of the canvas share: what is chosen, what is marked, and what can be done.

import { createContext } from "react";
import type { Slot } from "./edit";

/** What is said at a step. */
export interface Mark {
  problems: number;
  /** How it stands in the run that is watched. */
  status: string | undefined;
  times: number;
}

export interface CanvasState {
  selected: string | undefined;
  /** Where the next step goes. */
  slot: Slot | undefined;
  marks: ReadonlyMap<string, Mark>;
  editable: "yes" | "no";
  onSelect: (pointer: string) => void;
  onSlot: (slot: Slot) => void;
}

export const CanvasContext = createContext<CanvasState>({
  selected: undefined,
  slot: undefined,
  marks: new Map(),
  editable: "no",
  onSelect: () => undefined,
  onSlot: () => undefined,
});

export function sameSlot(left: Slot | undefined, right: Slot): boolean {
  return left !== undefined && left.index === right.index && left.list.join("/") === right.list.join("/");
}
