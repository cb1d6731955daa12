// The fields that are not OAuth's: credentials of the simple types, the API that is called, and what few need.

import { form } from "../../texts/form";
import { Notes, Pairs, SecretField, TextArea, TextField } from "../../ui/Field";
import { actsForPerson } from "./draft";
import { ClientAuthenticationField, type FieldsProps, SecretExpiry } from "./OAuthFields";

/** For the types that are not OAuth's. */
export function SimpleFields({ draft, patch, notes, secretHint }: FieldsProps & { secretHint?: string | undefined }) {
  if (draft.type === "basic") {
    return (
      <>
        <TextField label={form.username} required value={draft.username} onChange={(username) => patch({ username })} notes={notes("username")} />
        <SecretField label={form.password} hint={secretHint} value={draft.password} onChange={(password) => patch({ password })} notes={notes("password")} />
      </>
    );
  }
  if (draft.type === "none") return null;
  return (
    <>
      {draft.type === "bearer" && <SecretField label={form.token} hint={secretHint} value={draft.token} onChange={(token) => patch({ token })} notes={notes("token")} />}
      {draft.type === "headers" && (
        <div className="stack-small">
          <Pairs legend={form.headers} hint={secretHint ?? form.headersHint} nameLabel={form.headerName} valueLabel={form.headerValue} secret pairs={draft.headers} onChange={(headers) => patch({ headers })} />
          <Notes notes={notes("headers")} />
        </div>
      )}
      {draft.type === "query_key" && (
        <>
          <TextField label={form.queryKeyName} mono required value={draft.query_key_name} onChange={(query_key_name) => patch({ query_key_name })} />
          <SecretField label={form.queryKey} hint={secretHint} value={draft.query_key} onChange={(query_key) => patch({ query_key })} notes={notes("query_key")} />
        </>
      )}
      <SecretExpiry value={draft.secret_expires_at} patch={patch} notes={notes("secret_expires_at")} />
    </>
  );
}

export function ApiFields({ draft, patch, notes, recognisedBase }: FieldsProps & { recognisedBase?: string | undefined }) {
  return (
    <>
      <TextField
        label={form.baseUrl}
        hint={recognisedBase === undefined ? form.baseUrlHint : form.baseUrlRecognised(recognisedBase)}
        type="url"
        mono
        required={recognisedBase === undefined}
        value={draft.base_url}
        onChange={(base_url) => patch({ base_url })}
        notes={notes("base_url")}
      />
      <TextArea label={form.origins} hint={form.originsHint} rows={2} value={draft.origins} onChange={(origins) => patch({ origins })} notes={notes("origins")} />
    </>
  );
}

export function MoreFields(props: FieldsProps & { oauth: boolean }) {
  const { draft, patch, notes, oauth } = props;
  return (
    <details className="panel">
      <summary className="strong">{form.more}</summary>
      <div className="stack more">
        {actsForPerson(draft.type) && <ClientAuthenticationField {...props} />}
        {actsForPerson(draft.type) && (
          <Pairs legend={form.authorizeParameters} nameLabel={form.parameterName} valueLabel={form.parameterValue} pairs={draft.authorize_parameters} onChange={(authorize_parameters) => patch({ authorize_parameters })} />
        )}
        {oauth && <Pairs legend={form.tokenParameters} nameLabel={form.parameterName} valueLabel={form.parameterValue} pairs={draft.token_parameters} onChange={(token_parameters) => patch({ token_parameters })} />}
        <TextArea label={form.ca} rows={3} value={draft.ca_certificate} onChange={(ca_certificate) => patch({ ca_certificate })} notes={notes("ca_certificate")} />
      </div>
    </details>
  );
}
