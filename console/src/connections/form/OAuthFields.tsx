// The fields of OAuth and Client Credentials, in the order and with the words of the how-to.

import type { Cloud } from "../../api/presets";
import { clientAuthentications, form, publicClient } from "../../texts/form";
import { Check, type FieldNote, FileField, SecretField, Select, TextArea, TextField } from "../../ui/Field";
import { recognise } from "../lint/endpoints";
import { CertificateFields, CertificateSource } from "./CertificateFields";
import { type CertificateDraft, NO_CERTIFICATE } from "./certificateFile";
import { type Draft, actsForPerson } from "./draft";
import { fromKeyFile } from "./keyFile";

export interface FieldsProps {
  draft: Draft;
  patch: (fields: Partial<Draft>) => void;
  notes: (field: keyof Draft) => FieldNote[];
}

interface OAuthFieldsProps extends FieldsProps {
  clouds: readonly Cloud[];
  secretHint?: string | undefined;
}

export function OAuthFields({ draft, patch, notes, clouds, secretHint }: OAuthFieldsProps) {
  const delegated = actsForPerson(draft.type);
  const known = recognise({ token: draft.token_endpoint, authorization: draft.type === "oauth" ? draft.authorization_endpoint : "" }, clouds);
  return (
    <>
      <TextField
        label={form.tokenPath}
        hint={form.tokenPathHint}
        type="url"
        mono
        required
        value={draft.token_endpoint}
        onChange={(token_endpoint) => patch({ token_endpoint, confirm_foreign_token_endpoint: false })}
        notes={notes("token_endpoint")}
      />
      {notes("token_endpoint").some((note) => note.severity === "warning") || draft.confirm_foreign_token_endpoint ? (
        <Check label={form.confirmForeign} checked={draft.confirm_foreign_token_endpoint} onChange={(confirm_foreign_token_endpoint) => patch({ confirm_foreign_token_endpoint })} />
      ) : null}
      {draft.type === "device_code" && (
        <TextField
          label={form.devicePath}
          hint={form.devicePathHint}
          type="url"
          mono
          required={!known?.cloud}
          value={draft.device_authorization_endpoint}
          onChange={(device_authorization_endpoint) => patch({ device_authorization_endpoint, confirm_foreign_token_endpoint: false })}
          notes={notes("device_authorization_endpoint")}
        />
      )}
      {draft.type === "oauth" && (
        <TextField
          label={form.authorizePath}
          hint={form.authorizePathHint}
          type="url"
          mono
          required
          value={draft.authorization_endpoint}
          onChange={(authorization_endpoint) => patch({ authorization_endpoint, issuer: "", confirm_foreign_token_endpoint: false })}
          notes={notes("authorization_endpoint")}
        />
      )}
      {known && (
        <p className="note tone-info" role="status">
          {known.cloud ? form.recognised(known.tenant, known.cloud.name) : form.borrowed(known.tenant)}
        </p>
      )}
      <TextField label={form.clientId} hint={draft.type === "jwt_bearer" ? form.clientIdSigns : form.clientIdHint} mono required value={draft.client_id} onChange={(client_id) => patch({ client_id })} notes={notes("client_id")} />
      {draft.type === "jwt_bearer" && <AssertionFields draft={draft} patch={patch} notes={notes} secretHint={secretHint} />}
      <ProofFields draft={draft} patch={patch} notes={notes} hint={secretHint} {...(secretHint === undefined && { making: making(draft, patch) })} />
      <TextField label={form.scope} hint={draft.type === "client_credentials" ? form.scopeHintAppOnly : form.scopeHint} mono value={draft.scope} onChange={(scope) => patch({ scope })} notes={notes("scope")} />
      {!delegated && <ClientAuthenticationField draft={draft} patch={patch} notes={notes} />}
      {draft.type === "device_code" && <p className="field-hint">{form.byDeviceHint}</p>}
    </>
  );
}

/** What an assertion says (RFC 7523), and the key that signs it. */
function AssertionFields({ draft, patch, notes, secretHint }: FieldsProps & { secretHint?: string | undefined }) {
  return (
    <>
      <FileField label={form.keyFile} hint={form.keyFileHint} onChoose={(file) => void file.text().then((text) => patch(fromKeyFile(text)))} />
      <TextArea label={form.privateKey} hint={secretHint ?? form.privateKeyHint} rows={4} required={secretHint === undefined} value={draft.private_key} onChange={(private_key) => patch({ private_key })} notes={notes("private_key")} />
      <TextField label={form.subject} hint={form.subjectHint} mono value={draft.subject} onChange={(subject) => patch({ subject })} notes={notes("subject")} />
      <TextField label={form.audience} hint={form.audienceHint} mono value={draft.audience} onChange={(audience) => patch({ audience })} notes={notes("audience")} />
      <TextField label={form.keyId} hint={form.keyIdHint} mono value={draft.key_id} onChange={(key_id) => patch({ key_id })} notes={notes("key_id")} />
    </>
  );
}

type Proof = Pick<Draft, "client_authentication" | "client_secret" | "secret_expires_at" | keyof CertificateDraft>;

interface ProofFieldsProps {
  draft: Proof;
  patch: (fields: Partial<Proof>) => void;
  notes: (field: "client_secret" | "secret_expires_at" | keyof CertificateDraft) => FieldNote[];
  hint?: string | undefined;
  required?: boolean;
  /** Where a connection is made: whether its certificate is made with it. */
  making?: { make: boolean; onChange: (make: boolean) => void };
}

/** What the client proves itself with: a secret with its last day, or a certificate. */
export function ProofFields({ draft, patch, notes, hint, required = false, making }: ProofFieldsProps) {
  if (draft.client_authentication === "none") return null;
  if (draft.client_authentication === "private_key_jwt") {
    return (
      <>
        {making && <CertificateSource {...making} />}
        {!making?.make && <CertificateFields draft={draft} patch={patch} notes={notes} hint={hint} required={required} />}
      </>
    );
  }
  return (
    <>
      <SecretField label={form.clientSecret} hint={hint ?? form.clientSecretHint} required={required} value={draft.client_secret} onChange={(client_secret) => patch({ client_secret })} notes={notes("client_secret")} />
      <SecretExpiry value={draft.secret_expires_at} patch={patch} notes={notes("secret_expires_at")} />
    </>
  );
}

interface SecretExpiryProps {
  value: string;
  patch: (fields: { secret_expires_at: string }) => void;
  notes: FieldNote[];
}

export function SecretExpiry({ value, patch, notes }: SecretExpiryProps) {
  return <TextField label={form.secretExpiry} hint={form.secretExpiryHint} type="date" value={value} onChange={(secret_expires_at) => patch({ secret_expires_at })} notes={notes} />;
}

/** Whether Keyway makes the certificate, as a new connection's form asks it. */
export function making<Fields extends { make_certificate: boolean }>(draft: Fields, patch: (fields: { make_certificate: boolean }) => void) {
  return { make: draft.make_certificate, onChange: (make_certificate: boolean) => patch({ make_certificate }) };
}

/** What a method does not send is not kept in the form either. */
function unused(method: Draft["client_authentication"]): Partial<Draft> {
  if (method === "none") return { client_secret: "", ...NO_CERTIFICATE };
  return method === "private_key_jwt" ? { client_secret: "" } : NO_CERTIFICATE;
}

export function ClientAuthenticationField({ draft, patch, notes }: FieldsProps) {
  const options = draft.type === "client_credentials" ? clientAuthentications : [...clientAuthentications, publicClient];
  return (
    <Select
      label={form.clientAuthentication}
      hint={form.clientAuthenticationHint}
      value={draft.client_authentication}
      options={options}
      onChange={(client_authentication) => patch({ client_authentication, ...unused(client_authentication) })}
      notes={notes("client_authentication")}
    />
  );
}
