// What the parts of the builder share: the draft, what follows from its text, and what is known of runs.

import { createContext, use } from "react";
import type { Coming } from "../../api/building";
import type { Card } from "../../api/connections";
import type { StepList } from "../../canvas/steps";
import type { Draft } from "./draft";
import type { Samples } from "./results/sources";

export interface BuilderState {
  draft: Draft;
  /** The flow as a value. */
  flow: unknown;
  root: StepList;
  connections: readonly Card[];
  secrets: readonly string[];
  samples: Samples;
  /** When the flow's schedule would start it, as far as the text was looked at. */
  starts: readonly Coming[];
  /** What a tried call answered, under its step. */
  onSample: (pointer: string, output: unknown) => void;
}

export const BuilderContext = createContext<BuilderState | undefined>(undefined);

export function useBuilder(): BuilderState {
  const state = use(BuilderContext);
  if (!state) throw new Error("outside of the builder");
  return state;
}
