// Drafts that are being worked on, for as long as the tab is open: who looks at another page finds them again. They are
// kept where what one person saw is thrown away when another signs in.

import type { QueryClient } from "@tanstack/react-query";
import { Draft, type Stored } from "./draft";
import { keyOf } from "./useSaving";

const keyFor = (stored: Stored) => ["builder-draft", stored.number === 0 ? "" : keyOf(stored.source)];

/** The draft of a flow: the one that was left with changes, or of this very version; else a new one. */
export function draftFor(client: QueryClient, stored: Stored): Draft {
  client.setQueryDefaults(["builder-draft"], { gcTime: Infinity });
  const known = client.getQueryData<Draft>(keyFor(stored));
  const state = known?.get();
  const useful = state && (state.source !== state.stored.source || state.stored.number === stored.number);
  const draft = known && useful ? known : new Draft(stored);
  client.setQueryData(keyFor(stored), draft);
  return draft;
}

/** A draft under the name that it was saved under. */
export function keepDraft(client: QueryClient, draft: Draft): void {
  client.removeQueries({ queryKey: keyFor({ source: "", number: 0 }) });
  client.setQueryData(keyFor(draft.get().stored), draft);
}
