// An OpenID Connect provider, or a ready-made one: where it is, as whom, and the client.

import { type FormEvent, useState } from "react";
import type { Preset } from "../../api/presets";
import { form, graph, oidc, ready } from "../../texts/form";
import { Button } from "../../ui/Button";
import { Check, TextField } from "../../ui/Field";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { AsWhom } from "../form/AsWhom";
import { ApiFields, MoreFields } from "../form/OtherFields";
import { ClientAuthenticationField, ProofFields, making } from "../form/OAuthFields";
import { RedirectUri } from "../form/RedirectUri";
import { makesCertificate } from "../form/body";
import { isName } from "../form/draft";
import { fieldNotes } from "../form/notes";
import { EMPTY_OIDC, type OidcDraft, grantOf, oidcConnection, oidcNotes, withOidcGrant } from "../form/oidcDraft";
import { useCreate } from "./useCreate";

export function OidcPage({ preset }: { preset?: Preset }) {
  const asksIssuer = preset === undefined || preset.asks.includes("issuer");
  const [draft, setDraft] = useState<OidcDraft>(asksIssuer ? EMPTY_OIDC : { ...EMPTY_OIDC, scope: "" });
  const [reserved, setReserved] = useState("");
  const { create, isPending, error, reset } = useCreate();
  const all = oidcNotes(draft);
  const patch = (fields: Partial<OidcDraft>) => {
    setDraft({ ...draft, ...fields });
    if (error) reset();
  };
  const notes = (field: keyof OidcDraft) => fieldNotes(all, error, field, patch);
  const fields = { draft, patch, notes };
  const delegated = draft.type === "oauth";
  const submit = (event: FormEvent) => {
    event.preventDefault();
    create(oidcConnection(draft, preset), makesCertificate(draft));
  };
  return (
    <Page title={preset?.title ?? oidc.title} lead={leadOf(preset)} width="narrow">
      <form className="stack" onSubmit={submit}>
        <Panel title={form.first}>
          <TextField label={form.name} hint={form.nameHint} required autoFocus value={draft.name} onChange={(name) => patch({ name })} onLeave={() => setReserved(isName(draft.name) ? draft.name : "")} notes={notes("name")} />
          {delegated && !draft.device && <RedirectUri callback={preset?.redirect_uri ? "shared" : "own"} shared={preset?.redirect_uri ?? ""} reserved={reserved} />}
        </Panel>
        {asksIssuer && (
          <Panel title={oidc.where}>
            <TextField label={oidc.issuer} hint={oidc.issuerHint} type="url" mono required value={draft.issuer} onChange={(issuer) => patch({ issuer })} notes={notes("issuer")} />
          </Panel>
        )}
        <Panel title={graph.asWhom}>
          <AsWhom words={oidc} grant={grantOf(draft)} onChange={(grant) => patch(withOidcGrant(draft, grant))} />
          {delegated && <Check label={form.byDevice} checked={draft.device} onChange={(device) => patch({ device })} />}
        </Panel>
        <Panel title={graph.proof}>
          <TextField label={form.clientId} mono required value={draft.client_id} onChange={(client_id) => patch({ client_id })} notes={notes("client_id")} />
          <ProofFields draft={draft} patch={patch} notes={notes} making={making(draft, patch)} />
          <TextField label={form.scope} hint={delegated ? oidc.scopeHint : oidc.scopeHintAppOnly} mono value={draft.scope} onChange={(scope) => patch({ scope })} notes={notes("scope")} />
          {!delegated && <ClientAuthenticationField {...fields} />}
        </Panel>
        <Panel title={form.whichApi} lead={form.whichApiLead}>
          <ApiFields {...fields} />
        </Panel>
        <MoreFields {...fields} oauth />
        {error && <ProblemView error={error} />}
        <div className="row">
          <Button type="submit" variant="primary" busy={isPending}>
            {form.create}
          </Button>
          <span className="muted small">{delegated ? form.createLead.code : form.createLead.app}</span>
        </div>
      </form>
    </Page>
  );
}

function leadOf(preset: Preset | undefined): string {
  if (preset === undefined) return oidc.lead;
  return preset.asks.includes("issuer") ? ready.issuerLead(preset.title) : ready.knownLead(preset.title);
}
