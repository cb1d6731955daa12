// The text that is being built: what it was, what it is, what is chosen in it. Outside React, because the text's
// editor and the canvas both change it and both must see it.

import type { Edited, Loose, Slot } from "../../canvas/edit";
import { everyStep, pointerOf, stepsOf } from "../../canvas/steps";
import { parse } from "../../canvas/text/source";

export interface DraftState {
  source: string;
  /** The last text that could be read: the canvas shows it while the text can't be. */
  readable: string;
  selected: string | undefined;
  /** Where the next step goes; after the chosen one when it is not said. */
  slot: Slot | undefined;
  copied: Loose | undefined;
  past: readonly string[];
  future: readonly string[];
  stored: Stored;
  /** The run that was started here. */
  run: string | undefined;
  /** What is shown below the canvas. */
  view: View;
}

export type View = "yaml" | "problems" | "run";

/** The text as it was last saved or loaded, and the number of its version; 0 before the first. */
export interface Stored {
  source: string;
  number: number;
}

/** Changes with the same origin shortly after each other are one step of undo. */
interface Origin {
  from: string;
  at: number;
}

const TOGETHER = 1_500;
const DEPTH = 200;

type Listener = () => void;

export class Draft {
  #state: DraftState;
  #origin: Origin = { from: "", at: 0 };
  readonly #listeners = new Set<Listener>();
  readonly #reveals = new Set<(pointer: string) => void>();

  constructor(stored: Stored) {
    const { source } = stored;
    this.#state = { source, readable: source, selected: undefined, slot: undefined, copied: undefined, past: [], future: [], stored, run: undefined, view: "yaml" };
  }

  readonly get = (): DraftState => this.#state;

  readonly subscribe = (listener: Listener): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Whether there is anything that saving would keep. */
  readonly unsaved = (): boolean => this.#state.source !== this.#state.stored.source;

  /** Is called with steps that shall come into view. */
  readonly onReveal = (listener: (pointer: string) => void): (() => void) => {
    this.#reveals.add(listener);
    return () => this.#reveals.delete(listener);
  };

  /** A new text. `at` is the event's time: what comes quickly from one origin is undone together. */
  change(source: string, from: string, at: number): void {
    const state = this.#state;
    if (source === state.source) return;
    const together = from !== "" && from === this.#origin.from && at - this.#origin.at < TOGETHER && state.past.length > 0;
    this.#origin = { from, at };
    const past = together ? state.past : [...state.past, state.source].slice(-DEPTH);
    this.#show({ ...state, past, future: [], ...textOf(source, state) });
  }

  /** A new text, and the step that it is about. */
  edit({ source, path }: Edited): void {
    this.change(source, "", 0);
    this.select(pointerOf(path));
  }

  /** This text is saved now. */
  saved(stored: Stored): void {
    this.#show({ ...this.#state, stored });
  }

  /** Takes over what somebody else saved; what was is an undo away. */
  takeOver(stored: Stored): void {
    this.change(stored.source, "", 0);
    this.saved(stored);
  }

  /** A run of this flow was started from here. */
  watch(run: string): void {
    this.#show({ ...this.#state, run });
  }

  undo(): void {
    const { past, source, future } = this.#state;
    const before = past.at(-1);
    if (before !== undefined) this.#travel(before, past.slice(0, -1), [source, ...future]);
  }

  redo(): void {
    const { past, source, future } = this.#state;
    const [after, ...rest] = future;
    if (after !== undefined) this.#travel(after, [...past, source], rest);
  }

  #travel(source: string, past: readonly string[], future: readonly string[]): void {
    this.#origin = { from: "", at: 0 };
    this.#show({ ...this.#state, past, future, ...textOf(source, this.#state) });
  }

  select(selected: string | undefined): void {
    this.#show({ ...this.#state, selected, slot: undefined });
  }

  /** Selects a step and brings it into view. */
  reveal(pointer: string): void {
    this.select(pointer);
    for (const listener of this.#reveals) listener(pointer);
  }

  place(slot: Slot | undefined): void {
    this.#show({ ...this.#state, slot });
  }

  view(view: View): void {
    this.#show({ ...this.#state, view });
  }

  copy(copied: Loose | undefined): void {
    this.#show({ ...this.#state, copied });
  }

  #show(state: DraftState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

/** What follows from a text: what can be drawn of it, and whether the chosen step is still there. */
function textOf(source: string, before: DraftState): Pick<DraftState, "source" | "readable" | "selected" | "slot"> {
  const parsed = parse(source);
  if (parsed.faults.length > 0) return { source, readable: before.readable, selected: before.selected, slot: before.slot };
  const there = before.selected !== undefined && everyStep(stepsOf(parsed.value)).some((step) => step.pointer === before.selected);
  return { source, readable: source, selected: there ? before.selected : undefined, slot: undefined };
}
