// Changing a connection: says what the change wipes before it is made.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { type Card, changeConnection, connectionKey, connectionQuery, connectionsKey } from "../../api/connections";
import { presetsQuery } from "../../api/presets";
import { asProblem } from "../../api/problem";
import { refresh } from "../../api/refresh";
import { common } from "../../texts/common";
import { change as text, form, graph } from "../../texts/form";
import { Button, ButtonLink } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { ApiFields, MoreFields, SimpleFields } from "../form/OtherFields";
import { ClientAuthenticationField, OAuthFields, ProofFields } from "../form/OAuthFields";
import { type DraftNote, notesOn, scopeNotes, secretNotes, usesOAuth } from "../form/draft";
import { fieldNotes } from "../form/notes";
import { type ChangeDraft, asksAgain, changesOf, draftOf, wiping } from "./changes";

export function ChangePage({ name }: { name: string }) {
  // no refetch under the hands of somebody who types: the version that was read is the one that is changed
  const query = useQuery({ ...connectionQuery(name), refetchInterval: false, refetchOnWindowFocus: false });
  const [epoch, setEpoch] = useState(0);
  const reload = () => void query.refetch().then(() => setEpoch(epoch + 1));
  return (
    <Page title={text.title(name)} lead={text.lead} width="narrow">
      <Loaded query={query}>{(card) => <ChangeForm key={`${card.id} ${epoch}`} stored={card} reload={reload} />}</Loaded>
    </Page>
  );
}

function ChangeForm({ stored, reload }: { stored: Card; reload: () => void }) {
  // what is edited is the version that was first read, until somebody asks for the newer one
  const [card] = useState(stored);
  const [draft, setDraft] = useState<ChangeDraft>(() => draftOf(card));
  const clouds = useQuery(presetsQuery).data?.clouds ?? [];
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const change = changesOf(card, draft);
  const moved = wiping(card, change);
  const to = (name: string) => `/connections/${encodeURIComponent(name)}`;
  const save = useMutation({
    mutationFn: () => changeConnection(card.name, card.version, change),
    onSuccess: ({ connection, wiped }) => {
      client.setQueryData(connectionKey(connection.name), connection);
      void refresh(client, { queryKey: connectionsKey, exact: true });
      void refresh(client, { queryKey: ["audit"] });
      navigate(to(connection.name), { state: { wiped } });
    },
  });
  const patch = (fields: Partial<ChangeDraft>) => {
    setDraft({ ...draft, ...fields });
    if (save.error) save.reset();
  };
  const isPreset = card.preset === "microsoft-graph";
  const all: DraftNote<ChangeDraft>[] = isPreset ? presetNotes(draft) : notesOn(draft, clouds);
  const notes = (field: keyof ChangeDraft) => fieldNotes(all, save.error, field, patch);
  const fields = { draft, patch, notes };
  const secretHint = moved.length > 0 ? text.secretWiped : text.secretKept;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (Object.keys(change).length > 0) save.mutate();
  };
  const conflict = save.error !== null && asProblem(save.error).code === "conflict.version";
  return (
    <form className="stack" onSubmit={submit}>
      <Panel title={form.second}>
        <TextField label={form.name} hint={form.nameHint} required value={draft.name} onChange={(name) => patch({ name })} notes={notes("name")} />
        {isPreset && <PresetFields {...fields} secretHint={secretHint} />}
        {!isPreset && usesOAuth(draft.type) && <OAuthFields {...fields} clouds={clouds} secretHint={secretHint} />}
        {!usesOAuth(draft.type) && <SimpleFields {...fields} secretHint={secretHint} />}
      </Panel>
      <Panel title={form.whichApi} lead={form.whichApiLead}>
        <ApiFields {...fields} />
      </Panel>
      {!isPreset && (
        <MoreFields {...fields} oauth={usesOAuth(draft.type)} />
      )}
      {moved.length > 0 && (
        <section className="banner tone-warn" role="status">
          <p className="strong">{text.wipes}</p>
          <p>{text.wipesWhy(moved.map((field) => text.fields[field] ?? field).join(", "))}</p>
        </section>
      )}
      {moved.length === 0 && asksAgain(card, change) && <p className="note tone-info">{text.scopeAsks}</p>}
      {save.error && (
        <ProblemView error={save.error}>
          {conflict && (
            <div>
              <Button size="small" onClick={reload}>
                {text.reload}
              </Button>
            </div>
          )}
        </ProblemView>
      )}
      <div className="row">
        <Button type="submit" variant="primary" busy={save.isPending} disabled={Object.keys(change).length === 0}>
          {text.save}
        </Button>
        <ButtonLink to={to(card.name)}>{common.cancel}</ButtonLink>
        {Object.keys(change).length === 0 && <span className="muted small">{text.nothing}</span>}
      </div>
    </form>
  );
}

function presetNotes(draft: ChangeDraft): DraftNote<ChangeDraft>[] {
  const grant = draft.type === "client_credentials" ? "client_credentials" : "authorization_code";
  return [...secretNotes(draft.client_secret), ...scopeNotes(draft.scope, "entra", grant)];
}

interface PresetFieldsProps {
  draft: ChangeDraft;
  patch: (fields: Partial<ChangeDraft>) => void;
  notes: (field: keyof ChangeDraft) => ReturnType<typeof fieldNotes>;
  secretHint: string;
}

function PresetFields({ draft, patch, notes, secretHint }: PresetFieldsProps) {
  return (
    <>
      <TextField label={graph.cloud} mono required value={draft.cloud} onChange={(cloud) => patch({ cloud })} notes={notes("cloud")} />
      <TextField label={graph.tenant} hint={graph.tenantHint} mono required value={draft.tenant} onChange={(tenant) => patch({ tenant })} notes={notes("tenant")} />
      <TextField label={form.clientId} hint={form.clientIdHint} mono required value={draft.client_id} onChange={(client_id) => patch({ client_id })} notes={notes("client_id")} />
      <ProofFields draft={draft} patch={patch} notes={notes} hint={secretHint} />
      <TextField label={form.scope} hint={draft.type === "oauth" ? form.scopeHint : form.scopeHintAppOnly} mono required value={draft.scope} onChange={(scope) => patch({ scope })} notes={notes("scope")} />
      <ClientAuthenticationField draft={draft} patch={patch} notes={notes} />
    </>
  );
}
