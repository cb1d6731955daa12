// The keys of the builder. Where somebody types, the keys are theirs.

import { copyChosen, paste, removeChosen, shift, walk } from "./commands";
import type { Draft } from "./draft";

const KEYS: Record<string, (draft: Draft) => void> = {
  ArrowDown: (draft) => walk(draft, 1),
  ArrowUp: (draft) => walk(draft, -1),
  "Alt+ArrowDown": (draft) => shift(draft, "down"),
  "Alt+ArrowUp": (draft) => shift(draft, "up"),
  Delete: removeChosen,
  Backspace: removeChosen,
  Escape: (draft) => draft.select(undefined),
  "Mod+c": copyChosen,
  "Mod+x": (draft) => {
    copyChosen(draft);
    removeChosen(draft);
  },
  "Mod+v": paste,
  "Mod+z": (draft) => draft.undo(),
  "Mod+Shift+z": (draft) => draft.redo(),
  "Mod+y": (draft) => draft.redo(),
};

const CHANGES_NOTHING = new Set(["ArrowDown", "ArrowUp", "Escape", "Mod+c"]);

export function nameOf(event: KeyboardEvent): string {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  return [event.ctrlKey || event.metaKey ? "Mod" : "", event.altKey ? "Alt" : "", event.shiftKey ? "Shift" : "", key].filter(Boolean).join("+");
}

/** Keys count also where nothing has the focus, such as after what had it went away. */
export function listenToKeys(draft: Draft, editable: "yes" | "no"): () => void {
  const listener = (event: KeyboardEvent) => {
    if (event.target === document.body) onKey(draft, editable, event);
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}

export function onKey(draft: Draft, editable: "yes" | "no", event: KeyboardEvent): void {
  const target = event.target as HTMLElement;
  if (target.matches("input, textarea, select, [contenteditable]") || target.closest("dialog") || target.shadowRoot) return;
  const name = nameOf(event);
  const act = KEYS[name];
  // what is selected on the page is copied as it is
  if (!act || (name === "Mod+c" && window.getSelection()?.isCollapsed === false) || (editable === "no" && !CHANGES_NOTHING.has(name))) return;
  event.preventDefault();
  act(draft);
}
