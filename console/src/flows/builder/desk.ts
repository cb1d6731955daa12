// Drafts that are being worked on, for as long as the tab is open: who looks at another page finds them again, and who closes
// the tab is asked first. They are kept where what one person saw is thrown away when another signs in.

import type { QueryClient } from "@tanstack/react-query";
import { Draft, type Stored } from "./draft";
import { keyOf } from "./useSaving";

const DESK = "builder-draft";

const keyFor = (stored: Stored) => [DESK, stored.number === 0 ? "" : keyOf(stored.source)];

/** The draft of a flow: the one that was left with changes, or of this very version; else a new one. */
export function draftFor(client: QueryClient, stored: Stored): Draft {
  client.setQueryDefaults([DESK], { gcTime: Infinity });
  askBeforeClosing(client);
  const known = client.getQueryData<Draft>(keyFor(stored));
  const draft = known && isStill(known, stored) ? known : new Draft(stored);
  client.setQueryData(keyFor(stored), draft);
  return draft;
}

/** Saved under another name it is another flow's. */
function isStill(draft: Draft, stored: Stored): boolean {
  const own = draft.get().stored;
  return keyOf(own.source) === keyOf(stored.source) && (draft.unsaved() || own.number === stored.number);
}

/** A draft under the name that it was saved under. */
export function keepDraft(client: QueryClient, draft: Draft): void {
  client.removeQueries({ queryKey: keyFor({ source: "", number: 0 }) });
  client.setQueryData(keyFor(draft.get().stored), draft);
}

/** Whether closing the tab would lose work. */
function isUnsaved(client: QueryClient): boolean {
  return client.getQueriesData<Draft>({ queryKey: [DESK] }).some(([, draft]) => draft?.unsaved());
}

const watched = new WeakSet<QueryClient>();

/** From now on the browser asks before the tab is closed with unsaved work, whichever page it shows. */
function askBeforeClosing(client: QueryClient): void {
  if (watched.has(client)) return;
  watched.add(client);
  window.addEventListener("beforeunload", (event) => {
    if (isUnsaved(client)) event.preventDefault();
  });
}
