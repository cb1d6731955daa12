// API Connector: the generic form.

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Presets, presetsQuery } from "../../api/presets";
import { authTypeHints, authTypes, form } from "../../texts/form";
import { Button } from "../../ui/Button";
import { Select, TextField } from "../../ui/Field";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { ApiFields, MoreFields, SimpleFields } from "../form/OtherFields";
import { OAuthFields } from "../form/OAuthFields";
import { type Callback, RedirectUri } from "../form/RedirectUri";
import { makesCertificate, newConnection } from "../form/body";
import { type AuthType, type Draft, EMPTY_DRAFT, isName, notesOn, usesOAuth, withType } from "../form/draft";
import { fieldNotes } from "../form/notes";
import { recognise } from "../lint/endpoints";
import { Discovery } from "./Discovery";
import { useCreate } from "./useCreate";

export function ConnectorPage() {
  const presets = useQuery(presetsQuery);
  return (
    <Page title={form.connectorTitle} lead={form.connectorLead} width="narrow">
      <Loaded query={presets}>{(data) => <ConnectorForm presets={data} />}</Loaded>
    </Page>
  );
}

function ConnectorForm({ presets }: { presets: Presets }) {
  const [draft, setDraft] = useState<Draft>(EMPTY_DRAFT);
  const [reserved, setReserved] = useState("");
  const { create, isPending, error, reset } = useCreate();
  const oauth = usesOAuth(draft.type);
  const known = oauth ? recognise({ token: draft.token_endpoint, authorization: draft.type === "oauth" ? draft.authorization_endpoint : "" }, presets.clouds) : undefined;
  const all = notesOn(draft, presets.clouds);
  const patch = (fields: Partial<Draft>) => {
    setDraft({ ...draft, ...fields });
    if (error) reset();
  };
  const notes = (field: keyof Draft) => fieldNotes(all, error, field, patch);
  const fields = { draft, patch, notes };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create(newConnection(draft), usesOAuth(draft.type) && makesCertificate(draft));
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Panel title={form.first}>
        <TextField
          label={form.name}
          hint={form.nameHint}
          required
          autoFocus
          value={draft.name}
          onChange={(name) => patch({ name })}
          onLeave={() => setReserved(isName(draft.name) ? draft.name : "")}
          notes={notes("name")}
        />
        {oauth && draft.type !== "device_code" && draft.type !== "jwt_bearer" && <RedirectUri callback={callbackOf(known, draft)} shared={presets.graphRedirectUri} reserved={reserved} />}
      </Panel>
      <Panel title={form.second}>
        <Select label={form.authType} hint={authTypeHints[draft.type]} value={draft.type} options={authTypes} onChange={(type) => patch(withType(type))} notes={notes("type")} />
        {oauth && <Discovery draft={draft} patch={patch} />}
        {oauth ? <OAuthFields {...fields} clouds={presets.clouds} /> : <SimpleFields {...fields} />}
      </Panel>
      <Panel title={form.whichApi} lead={form.whichApiLead}>
        <ApiFields {...fields} recognisedBase={known?.cloud && `${known.cloud.graph}/v1.0`} />
      </Panel>
      <MoreFields {...fields} oauth={oauth} />
      {error && <ProblemView error={error} />}
      <div className="row">
        <Button type="submit" variant="primary" busy={isPending}>
          {form.create}
        </Button>
        <span className="muted small">{leadOf(draft.type)}</span>
      </div>
    </form>
  );
}

function callbackOf(known: ReturnType<typeof recognise>, draft: Draft): Callback {
  if (known) return known.cloud ? "shared" : "own";
  const typed = URL.canParse(draft.token_endpoint) && (draft.type !== "oauth" || URL.canParse(draft.authorization_endpoint));
  return typed ? "own" : "undecided";
}

function leadOf(type: AuthType): string {
  if (type === "oauth") return form.createLead.code;
  if (type === "device_code") return form.createLead.device;
  return type === "client_credentials" || type === "jwt_bearer" ? form.createLead.app : form.createLead.plain;
}
