// The generic form as a value: what was typed, and what is said about it (`body.ts`: what is sent). Field names are
// the API's, so that a problem's JSON pointer finds its input.

import type { Cloud } from "../../api/presets";
import { fixText, formLint } from "../../texts/lint";
import type { authTypes, clientAuthentications, publicClient } from "../../texts/form";
import { lintEndpoints, recognise, site, urlComplaint } from "../lint/endpoints";
import { lintScope } from "../lint/scope";
import { lintSecret } from "../lint/secret";
import { NO_CERTIFICATE } from "./certificateFile";

export type AuthType = (typeof authTypes)[number]["value"];
export type ClientAuthentication = (typeof clientAuthentications)[number]["value"] | (typeof publicClient)["value"];
type Rows = [string, string][];

export interface Draft {
  name: string;
  type: AuthType;
  token_endpoint: string;
  authorization_endpoint: string;
  device_authorization_endpoint: string;
  /** As discovery found it; a callback that names another one is refused. */
  issuer: string;
  client_id: string;
  client_secret: string;
  certificate: string;
  certificate_pkcs12: string;
  certificate_password: string;
  /** Whether Keyway is to make the certificate; never sent. */
  make_certificate: boolean;
  /** Signs the assertions of JWT Bearer. */
  private_key: string;
  subject: string;
  audience: string;
  key_id: string;
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
  device_authorization_endpoint: "",
  issuer: "",
  client_id: "",
  client_secret: "",
  ...NO_CERTIFICATE,
  make_certificate: false,
  private_key: "",
  subject: "",
  audience: "",
  key_id: "",
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

/** The types that get tokens, with the grant that each one asks by. */
export const GRANTS = { oauth: "authorization_code", client_credentials: "client_credentials", device_code: "device_code", jwt_bearer: "jwt_bearer" } as const;

export function usesOAuth(type: AuthType): type is keyof typeof GRANTS {
  return Object.hasOwn(GRANTS, type);
}

/** Whether calls act as a person who signed in. */
export function actsForPerson(type: AuthType): boolean {
  return type === "oauth" || type === "device_code";
}

/** Another type, with the proof that is usual for it: who has no browser keeps no secret, and an assertion says who signs it. */
export function withType(type: AuthType): Pick<Draft, "type" | "client_authentication"> {
  return { type, client_authentication: type === "device_code" || type === "jwt_bearer" ? "none" : "automatic" };
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
  const delegated = actsForPerson(draft.type);
  const signIn = signInField(draft.type);
  const endpoints = { token: draft.token_endpoint, authorization: draft.type === "oauth" ? draft.authorization_endpoint : "" };
  const notes: Note[] = urlNotes(draft, signIn ? ["token_endpoint", signIn] : ["token_endpoint"]);
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
  if (signIn) notes.push(...foreignTokenNotes(draft, signIn));
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

/** Where a sign-in of this type begins. */
function signInField(type: AuthType): "authorization_endpoint" | "device_authorization_endpoint" | undefined {
  if (type === "device_code") return "device_authorization_endpoint";
  return type === "oauth" ? "authorization_endpoint" : undefined;
}

function foreignTokenNotes(draft: Draft, field: "authorization_endpoint" | "device_authorization_endpoint"): Note[] {
  const [signIn, token] = [site(draft[field]), site(draft.token_endpoint)];
  if (signIn === undefined || token === undefined || signIn === token || draft.confirm_foreign_token_endpoint) return [];
  const host = (url: string) => new URL(url.trim()).host;
  return [
    {
      code: "connection.foreign_token_endpoint",
      field: "token_endpoint",
      severity: "warning",
      message: formLint.foreignToken(host(draft[field]), host(draft.token_endpoint)),
    },
  ];
}

function urlNotes(draft: Draft, fields: readonly ("base_url" | "token_endpoint" | "authorization_endpoint" | "device_authorization_endpoint")[]): Note[] {
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
