// Entering a newer secret or certificate beside the one that is there; the server proves the connection with it.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Card, addSecret, connectionKey, connectionsKey } from "../../api/connections";
import { refresh } from "../../api/refresh";
import { common } from "../../texts/common";
import { secretKinds, secrets as text } from "../../texts/secrets";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Select } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";
import { ProofFields } from "../form/OAuthFields";
import { certificateFields } from "../form/certificateFile";
import { EMPTY_DRAFT, type Draft, secretNotes } from "../form/draft";
import { fieldNotes } from "../form/notes";

export function AddSecretDialog({ card, onClose }: { card: Card; onClose: () => void }) {
  const client = useQueryClient();
  const signs = card.client_authentication?.startsWith("private_key_jwt") ?? false;
  const [draft, setDraft] = useState<Draft>({ ...EMPTY_DRAFT, client_authentication: signs ? "private_key_jwt" : "automatic" });
  const add = useMutation({
    mutationFn: () => addSecret(card.name, secretOf(draft)),
    onSuccess: (changed) => {
      client.setQueryData(connectionKey(card.name), changed);
      void refresh(client, { queryKey: connectionsKey, exact: true });
      onClose();
    },
  });
  const patch = (fields: Partial<Draft>) => {
    setDraft({ ...draft, ...fields });
    if (add.error) add.reset();
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    add.mutate();
  };
  return (
    <Dialog title={text.enterTitle} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <p>{text.enterLead}</p>
        <Select label={text.kind} value={draft.client_authentication === "private_key_jwt" ? "private_key_jwt" : "automatic"} options={secretKinds} onChange={(client_authentication) => setDraft({ ...EMPTY_DRAFT, client_authentication })} />
        <ProofFields draft={draft} patch={patch} notes={(field) => fieldNotes(secretNotes(draft.client_secret), add.error, field, patch)} required />
        {add.error && <ProblemView error={add.error} />}
        <div className="row">
          <Button type="submit" variant="primary" busy={add.isPending}>
            {text.save}
          </Button>
          <Button onClick={onClose}>{common.cancel}</Button>
        </div>
      </form>
    </Dialog>
  );
}

function secretOf(draft: Draft) {
  if (draft.client_authentication === "private_key_jwt") return certificateFields(draft);
  const dated = draft.secret_expires_at === "" ? {} : { secret_expires_at: draft.secret_expires_at };
  return { client_secret: draft.client_secret, ...dated };
}
