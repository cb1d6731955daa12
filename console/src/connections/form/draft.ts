// The generic form as a value: what was typed, what is sent, and what is said about it. Field names are
// the API's, so that a problem's JSON pointer finds its input.

import type { Change, NewConnection } from "../../api/connections";
import type { Cloud } from "../../api/presets";
import { fixText, formLint } from "../../texts/lint";
import type { authTypes, clientAuthentications, publicClient } from "../../texts/form";
import { lintEndpoints, recognise, site, urlComplaint } from "../lint/endpoints";
import { lintScope } from "../lint/scope";
import { lintSecret } from "../lint/secret";

export type AuthType = (typeof authTypes)[number]["value"];
export type ClientAuthentication = (typeof clientAuthentications)[number]["value"] | (typeof publicClient)["value"];
type Rows = [string, string][];

export interface Draft {
  name: string;
  type: AuthType;
  token_endpoint: string;
  authorization_endpoint: string;
  client_id: string;
  client_secret: string;
  certificate: string;
  /** A day as a date input has it; empty for "not known". */
  secret_expires_at: string;
  scope: string;
  client_authentication: ClientAuthentication;
  username: string;
  password: string;
  headers: Rows;
  token: string;
  query_key_name: string;
  query_key: string;
  base_url: string;
  /** One a line. */
  origins: string;
  authorize_parameters: Rows;
  token_parameters: Rows;
  ca_certificate: string;
  confirm_foreign_token_endpoint: boolean;
}

export const EMPTY_DRAFT: Draft = {
  name: "",
  type: "oauth",
  token_endpoint: "",
  authorization_endpoint: "",
  client_id: "",
  client_secret: "",
  certificate: "",
  secret_expires_at: "",
  scope: "",
  client_authentication: "automatic",
  username: "",
  password: "",
  headers: [["", ""]],
  token: "",
  query_key_name: "",
  query_key: "",
  base_url: "",
  origins: "",
  authorize_parameters: [],
  token_parameters: [],
  ca_certificate: "",
  confirm_foreign_token_endpoint: false,
};

export interface DraftNote<Fields> {
  code: string;
  field: keyof Fields;
  severity: "error" | "warning";
  message: string;
  fix?: { label: string; patch: Partial<Fields> };
}

export type Note = DraftNote<Draft>;

const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

export function isName(name: string): boolean {
  return NAME.test(name);
}

export function usesOAuth(type: AuthType): boolean {
  return type === "oauth" || type === "client_credentials";
}

/** Everything that can be said before anything is sent. Fields that are still empty are not complained about. */
export function notesOn(draft: Draft, clouds: readonly Cloud[]): Note[] {
  const notes: Note[] = [];
  if (draft.name !== "" && !isName(draft.name)) notes.push({ code: "connection.name_invalid", field: "name", severity: "error", message: formLint.name });
  if (usesOAuth(draft.type)) notes.push(...oauthNotes(draft, clouds));
  notes.push(...urlNotes(draft, ["base_url"]), ...originNotes(draft));
  return notes;
}

function oauthNotes(draft: Draft, clouds: readonly Cloud[]): Note[] {
  const delegated = draft.type === "oauth";
  const endpoints = { token: draft.token_endpoint, authorization: delegated ? draft.authorization_endpoint : "" };
  const notes: Note[] = urlNotes(draft, delegated ? ["token_endpoint", "authorization_endpoint"] : ["token_endpoint"]);
  for (const lint of lintEndpoints(endpoints)) {
    const patch: Partial<Draft> = {};
    if (lint.fix.authorization !== undefined) patch.authorization_endpoint = lint.fix.authorization;
    if (lint.fix.token !== undefined) patch.token_endpoint = lint.fix.token;
    notes.push({ code: lint.code, field: lint.field, severity: "error", message: lint.message, fix: { label: lint.label, patch } });
  }
  const known = recognise(endpoints, clouds);
  if (known && !delegated && /^(common|organizations|consumers)$/i.test(known.tenant)) {
    notes.push({ code: "tenant.shared", field: "token_endpoint", severity: "error", message: formLint.commonTenant });
  }
  if (delegated) notes.push(...foreignTokenNotes(draft));
  if (draft.client_id !== draft.client_id.trim()) {
    notes.push({ code: "client_id.whitespace", field: "client_id", severity: "error", message: formLint.clientIdSpace, fix: { label: fixText.trim, patch: { client_id: draft.client_id.trim() } } });
  }
  notes.push(...secretNotes(draft.client_secret));
  if (draft.scope !== "" || known) notes.push(...scopeNotes(draft.scope, known ? "entra" : "exact", delegated ? "authorization_code" : "client_credentials"));
  return notes;
}

export function secretNotes(secret: string): DraftNote<{ client_secret: string }>[] {
  return lintSecret(secret).map((lint) => ({
    code: lint.code,
    field: "client_secret",
    severity: lint.severity,
    message: lint.message,
    ...(lint.fix === undefined ? {} : { fix: { label: fixText.trim, patch: { client_secret: lint.fix } } }),
  }));
}

export function scopeNotes(scope: string, rule: "exact" | "entra", grant: "authorization_code" | "client_credentials"): DraftNote<{ scope: string }>[] {
  return lintScope(scope, rule, grant).map((lint) => ({
    code: lint.code,
    field: "scope",
    severity: lint.severity,
    message: lint.message,
    ...(lint.fix === undefined ? {} : { fix: { label: fixText.scope(lint.fix), patch: { scope: lint.fix } } }),
  }));
}

function foreignTokenNotes(draft: Draft): Note[] {
  const [signIn, token] = [site(draft.authorization_endpoint), site(draft.token_endpoint)];
  if (signIn === undefined || token === undefined || signIn === token || draft.confirm_foreign_token_endpoint) return [];
  const host = (url: string) => new URL(url.trim()).host;
  return [
    {
      code: "connection.foreign_token_endpoint",
      field: "token_endpoint",
      severity: "warning",
      message: formLint.foreignToken(host(draft.authorization_endpoint), host(draft.token_endpoint)),
    },
  ];
}

function urlNotes(draft: Draft, fields: readonly ("base_url" | "token_endpoint" | "authorization_endpoint")[]): Note[] {
  return fields.flatMap((field): Note[] => {
    const message = urlComplaint(draft[field]);
    return message === undefined ? [] : [{ code: "connection.url_invalid", field, severity: "error", message }];
  });
}

export function originsOf(text: string): string[] {
  return text
    .split(/\s+/)
    .filter((line) => line !== "")
    .map((line) => line.replace(/\/$/, ""));
}

function originNotes(draft: Draft): Note[] {
  return originsOf(draft.origins).flatMap((text): Note[] => {
    if (!URL.canParse(text) || urlComplaint(text) !== undefined) return [{ code: "connection.url_invalid", field: "origins", severity: "error", message: formLint.origin(text) }];
    const { origin } = new URL(text);
    if (origin === text) return [];
    const fixed = draft.origins.replace(text, origin);
    return [{ code: "connection.url_invalid", field: "origins", severity: "error", message: formLint.originPath(text), fix: { label: fixText.origin(origin), patch: { origins: fixed } } }];
  });
}

/** What is sent: empty fields and those of other types are left out. */
export function newConnection(draft: Draft): NewConnection {
  return { ...fieldsOf(draft), name: draft.name };
}

export function fieldsOf(draft: Draft): Change {
  const body: Change = { type: usesOAuth(draft.type) ? "oauth" : draft.type };
  if (usesOAuth(draft.type)) putOAuth(draft, body);
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

function putOAuth(draft: Draft, body: Change): void {
  const delegated = draft.type === "oauth";
  body.grant = delegated ? "authorization_code" : "client_credentials";
  body.token_endpoint = draft.token_endpoint.trim();
  if (delegated) body.authorization_endpoint = draft.authorization_endpoint.trim();
  body.client_id = draft.client_id;
  put(body, "client_secret", draft.client_secret);
  put(body, "certificate", draft.certificate.trim());
  body.client_authentication = draft.client_authentication;
  put(body, "scope", draft.scope);
  if (delegated && draft.authorize_parameters.length > 0) body.authorize_parameters = record(draft.authorize_parameters);
  if (draft.token_parameters.length > 0) body.token_parameters = record(draft.token_parameters);
  if (delegated && draft.confirm_foreign_token_endpoint) body.confirm_foreign_token_endpoint = true;
}

/** A password of Basic is a person's own; the others are made with a last day. */
export function hasSecret(draft: Pick<Draft, "type" | "client_authentication">): boolean {
  if (usesOAuth(draft.type)) return draft.client_authentication !== "none" && draft.client_authentication !== "private_key_jwt";
  return draft.type === "bearer" || draft.type === "headers" || draft.type === "query_key";
}

type TextField = "certificate" | "secret_expires_at" | "password" | "token" | "base_url" | "ca_certificate" | "client_secret" | "scope";

function put(body: Change, field: TextField, value: string): void {
  if (value !== "") body[field] = value;
}

function record(rows: Rows): Record<string, string> {
  return Object.fromEntries(rows.filter(([name]) => name.trim() !== "").map(([name, value]) => [name.trim(), value]));
}
