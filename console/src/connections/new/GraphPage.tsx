// The Microsoft Graph preset: cloud, tenant, as whom, which permissions.

import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useSearch } from "wouter";
import { type Presets, presetsQuery } from "../../api/presets";
import { form, graph } from "../../texts/form";
import { Button } from "../../ui/Button";
import { Check, Select, TextArea, TextField } from "../../ui/Field";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { AsWhom } from "../form/AsWhom";
import { ProofFields, making } from "../form/OAuthFields";
import { PermissionPicker } from "../form/PermissionPicker";
import { RedirectUri } from "../form/RedirectUri";
import { makesCertificate } from "../form/body";
import { NO_CERTIFICATE } from "../form/certificateFile";
import { isName } from "../form/draft";
import { type GraphDraft, byDevice, emptyGraphDraft, graphConnection, graphNotes, names, toggled, withGrant } from "../form/graphDraft";
import { fieldNotes } from "../form/notes";
import { OFFLINE_ACCESS } from "../lint/name";
import { useCreate } from "./useCreate";

export function GraphPage() {
  const presets = useQuery(presetsQuery);
  const cloud = new URLSearchParams(useSearch()).get("cloud");
  return (
    <Page title={graph.title} lead={graph.lead} width="narrow">
      <Loaded query={presets}>{(data) => <GraphForm presets={data} cloud={data.clouds.find((known) => known.name === cloud)?.name ?? "global"} />}</Loaded>
    </Page>
  );
}

function GraphForm({ presets, cloud }: { presets: Presets; cloud: string }) {
  const [draft, setDraft] = useState<GraphDraft>(() => emptyGraphDraft(cloud));
  const [reserved, setReserved] = useState("");
  const { create, isPending, error, reset } = useCreate();
  const all = graphNotes(draft);
  const patch = (fields: Partial<GraphDraft>) => {
    setDraft({ ...draft, ...fields });
    if (error) reset();
  };
  const notes = (field: keyof GraphDraft) => fieldNotes(all, error, field, patch);
  const delegated = draft.grant === "authorization_code";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create(graphConnection(draft), makesCertificate(draft));
  };
  return (
    <form className="stack" onSubmit={submit}>
      <Panel title={form.first}>
        <TextField label={form.name} hint={form.nameHint} required autoFocus value={draft.name} onChange={(name) => patch({ name })} onLeave={() => setReserved(isName(draft.name) ? draft.name : "")} notes={notes("name")} />
        {!byDevice(draft) && <RedirectUri callback={draft.cloud === "" ? "own" : "shared"} shared={presets.graphRedirectUri} reserved={reserved} />}
      </Panel>
      <Panel title={graph.where}>
        <CloudFields draft={draft} patch={patch} presets={presets} notes={notes} />
        <TextField label={graph.tenant} hint={graph.tenantHint} mono required value={draft.tenant} onChange={(tenant) => patch({ tenant })} notes={notes("tenant")} />
      </Panel>
      <Panel title={graph.asWhom}>
        <AsWhom grant={draft.grant} onChange={(grant) => patch(withGrant(draft, grant, presets.clouds))} />
        {delegated && (
          <>
            <Check label={form.byDevice} checked={draft.device} onChange={(device) => patch({ device })} />
            {draft.device && <p className="field-hint">{form.byDeviceHint}</p>}
          </>
        )}
      </Panel>
      <Panel title={graph.permissions}>
        <PermissionPicker draft={draft} patch={patch} />
        {delegated && (
          <>
            <Check label={graph.offline} checked={names(draft.scope, OFFLINE_ACCESS)} onChange={() => patch({ scope: toggled(draft.scope, OFFLINE_ACCESS) })} />
            <p className="field-hint">{graph.offlineLead}</p>
          </>
        )}
        <TextField label={form.scope} hint={delegated ? form.scopeHint : form.scopeHintAppOnly} mono required value={draft.scope} onChange={(scope) => patch({ scope })} notes={notes("scope")} />
      </Panel>
      <Panel title={graph.proof}>
        <TextField label={form.clientId} hint={form.clientIdHint} mono required value={draft.client_id} onChange={(client_id) => patch({ client_id })} notes={notes("client_id")} />
        {!byDevice(draft) && (
          <>
            <Check
              label={form.byCertificate}
              checked={draft.client_authentication === "private_key_jwt"}
              onChange={(signs) => patch({ client_authentication: signs ? "private_key_jwt" : "automatic", client_secret: "", ...NO_CERTIFICATE })}
            />
            <ProofFields draft={draft} patch={patch} notes={notes} required making={making(draft, patch)} />
          </>
        )}
      </Panel>
      {error && <ProblemView error={error} />}
      <div className="row">
        <Button type="submit" variant="primary" busy={isPending}>
          {form.create}
        </Button>
        <span className="muted small">{delegated ? form.createLead.code : form.createLead.app}</span>
      </div>
    </form>
  );
}

interface CloudFieldsProps {
  draft: GraphDraft;
  patch: (fields: Partial<GraphDraft>) => void;
  presets: Presets;
  notes: (field: keyof GraphDraft) => ReturnType<typeof fieldNotes>;
}

function CloudFields({ draft, patch, presets, notes }: CloudFieldsProps) {
  const options = presets.clouds.map((known) => ({
    value: known.name,
    label: known.declared ? graph.declared(known.name, new URL(known.authority).origin) : (graph.clouds[known.name] ?? known.name),
  }));
  return (
    <>
      <Select label={graph.cloud} value={draft.cloud} options={[...options, { value: "", label: graph.otherCloud }]} onChange={(cloud) => patch({ cloud })} notes={notes("cloud")} />
      {draft.cloud === "" && (
        <>
          <TextField label={graph.otherCloudOrigin} hint={graph.otherCloudHint} type="url" mono required value={draft.other_cloud} onChange={(other_cloud) => patch({ other_cloud })} />
          <TextArea label={form.ca} rows={3} value={draft.ca_certificate} onChange={(ca_certificate) => patch({ ca_certificate })} notes={notes("ca_certificate")} />
        </>
      )}
    </>
  );
}
