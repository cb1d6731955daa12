// Saving the draft as a version of its flow: what it was made from, and what happens when somebody else was quicker.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type Deployment, deploy } from "../../api/building";
import { type VersionCard, flowQuery, flowsKey } from "../../api/flows";
import { Problem, hasStatus } from "../../api/problem";
import { fresh, refresh } from "../../api/refresh";
import { parse, valueAt } from "../../canvas/text/source";
import type { Draft } from "./draft";

export interface Saving {
  busy: boolean;
  error: Error | null;
  /** The version that came in between. */
  theirs: VersionCard | undefined;
  save: (basedOn?: number) => Promise<Deployment>;
  takeTheirs: () => void;
  keepMine: () => void;
  dismiss: () => void;
}

/** `namespace.name`, as the text has it. */
export function keyOf(source: string): string {
  const { value } = parse(source);
  return `${String(valueAt(value, ["document", "namespace"]))}.${String(valueAt(value, ["document", "name"]))}`;
}

export function useSaving(draft: Draft, onSaved: (key: string) => void): Saving {
  const client = useQueryClient();
  const [theirs, setTheirs] = useState<VersionCard | undefined>();
  const saving = useMutation({
    mutationFn: async ({ source, basedOn }: { source: string; basedOn: number }) => deploy(source, basedOn),
    onSuccess: async (deployed, { source }) => {
      const key = deployed.key;
      const detail = await fresh(client, flowQuery(key));
      draft.saved({ source, number: detail.current });
      setTheirs(undefined);
      void refresh(client, { queryKey: flowsKey });
      onSaved(key);
    },
    onError: async (error, { source }) => {
      if (!isConflict(error)) return;
      const detail = await fresh(client, flowQuery(keyOf(source)));
      setTheirs(detail.versions.find(({ number }) => number === detail.current));
    },
  });
  const save = (basedOn = basis(draft)) => saving.mutateAsync({ source: draft.get().source, basedOn });
  return {
    busy: saving.isPending,
    error: isConflict(saving.error) ? null : saving.error,
    theirs,
    save,
    takeTheirs: () => {
      if (!theirs) return;
      draft.takeOver({ source: theirs.source, number: theirs.number });
      setTheirs(undefined);
    },
    keepMine: () => void save(theirs?.number).catch(() => undefined),
    dismiss: () => setTheirs(undefined),
  };
}

/** Under another name it is another flow, which is not there yet. */
function basis(draft: Draft): number {
  const { source, stored } = draft.get();
  return keyOf(source) === keyOf(stored.source) ? stored.number : 0;
}

function isConflict(error: Error | null): boolean {
  return hasStatus(error, 409) && error instanceof Problem && error.document.code === "conflict.version";
}
