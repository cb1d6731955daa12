// What the generic form sends.

import type { Change, NewConnection } from "../../api/connections";
import { type CertificateDraft, certificateFields } from "./certificateFile";
import { type Draft, GRANTS, actsForPerson, originsOf, usesOAuth } from "./draft";

/** What is sent: empty fields and those of other types are left out. */
export function newConnection(draft: Draft): NewConnection {
  return { ...fieldsOf(draft), name: draft.name };
}

export function fieldsOf(draft: Draft): Change {
  const body: Change = { type: usesOAuth(draft.type) ? "oauth" : draft.type };
  if (usesOAuth(draft.type)) putOAuth(draft, draft.type, body);
  if (draft.type === "basic") {
    body.username = draft.username;
    put(body, "password", draft.password);
  }
  if (draft.type === "bearer") put(body, "token", draft.token);
  if (draft.type === "headers") body.headers = record(draft.headers);
  if (draft.type === "query_key") body.query_key = { name: draft.query_key_name.trim(), value: draft.query_key };
  if (hasSecret(draft)) put(body, "secret_expires_at", draft.secret_expires_at);
  put(body, "base_url", draft.base_url.trim());
  if (originsOf(draft.origins).length > 0) body.origins = originsOf(draft.origins);
  put(body, "ca_certificate", draft.ca_certificate.trim());
  return body;
}

function putOAuth(draft: Draft, type: keyof typeof GRANTS, body: Change): void {
  const delegated = actsForPerson(type);
  body.grant = GRANTS[type];
  body.token_endpoint = draft.token_endpoint.trim();
  if (type === "oauth") body.authorization_endpoint = draft.authorization_endpoint.trim();
  if (type === "device_code") body.device_authorization_endpoint = draft.device_authorization_endpoint.trim();
  if (type === "oauth") put(body, "issuer", draft.issuer.trim());
  if (type === "jwt_bearer") {
    put(body, "private_key", draft.private_key.trim());
    for (const field of ["subject", "audience", "key_id"] as const) put(body, field, draft[field].trim());
  }
  body.client_id = draft.client_id;
  put(body, "client_secret", draft.client_secret);
  Object.assign(body, certificateOf(draft));
  body.client_authentication = draft.client_authentication;
  put(body, "scope", draft.scope);
  if (delegated && draft.authorize_parameters.length > 0) body.authorize_parameters = record(draft.authorize_parameters);
  if (draft.token_parameters.length > 0) body.token_parameters = record(draft.token_parameters);
  if (delegated && draft.confirm_foreign_token_endpoint) body.confirm_foreign_token_endpoint = true;
}

/** Whether the connection is saved without a certificate, for which Keyway makes one at once. */
export function makesCertificate(draft: Pick<Draft, "client_authentication" | "make_certificate">): boolean {
  return draft.client_authentication === "private_key_jwt" && draft.make_certificate;
}

/** The certificate's fields; one that is still to be made is registered at the provider before there is anything to prove. */
export function certificateOf(draft: CertificateDraft & Pick<Draft, "client_authentication" | "make_certificate">): Change {
  return makesCertificate(draft) ? { prove: false } : certificateFields(draft);
}

/** A password of Basic is a person's own; the others are made with a last day. */
export function hasSecret(draft: Pick<Draft, "type" | "client_authentication">): boolean {
  if (usesOAuth(draft.type)) return draft.client_authentication !== "none" && draft.client_authentication !== "private_key_jwt";
  return draft.type === "bearer" || draft.type === "headers" || draft.type === "query_key";
}

type TextField = "issuer" | "private_key" | "subject" | "audience" | "key_id" | "secret_expires_at" | "password" | "token" | "base_url" | "ca_certificate" | "client_secret" | "scope";

function put(body: Change, field: TextField, value: string): void {
  if (value !== "") body[field] = value;
}

function record(rows: [string, string][]): Record<string, string> {
  return Object.fromEntries(rows.filter(([name]) => name.trim() !== "").map(([name, value]) => [name.trim(), value]));
}
