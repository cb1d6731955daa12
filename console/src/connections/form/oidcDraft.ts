// The form of an OpenID Connect or ready-made provider as a value: the generic one, with the issuer, or nothing, in place of the paths.

import type { NewConnection } from "../../api/connections";
import type { Preset } from "../../api/presets";
import { formLint } from "../../texts/lint";
import { urlComplaint } from "../lint/endpoints";
import { newConnection } from "./body";
import { type Draft, type DraftNote, EMPTY_DRAFT, isName, scopeNotes, secretNotes } from "./draft";

export interface OidcDraft extends Draft {
  issuer: string;
  /** Whether the person types a code elsewhere. */
  device: boolean;
}

export const EMPTY_OIDC: OidcDraft = { ...EMPTY_DRAFT, issuer: "", device: false, scope: "openid offline_access" };

export function oidcNotes(draft: OidcDraft): DraftNote<OidcDraft>[] {
  const notes: DraftNote<OidcDraft>[] = [];
  if (draft.name !== "" && !isName(draft.name)) notes.push({ code: "connection.name_invalid", field: "name", severity: "error", message: formLint.name });
  for (const field of ["issuer", "base_url"] as const) {
    const message = urlComplaint(draft[field]);
    if (message !== undefined) notes.push({ code: "connection.url_invalid", field, severity: "error", message });
  }
  notes.push(...secretNotes(draft.client_secret));
  if (draft.scope !== "") notes.push(...scopeNotes(draft.scope, "exact", grantOf(draft)));
  return notes;
}

/** What is sent: the issuer or the preset names the paths. */
export function oidcConnection(draft: OidcDraft, preset?: Preset): NewConnection {
  const { token_endpoint: _token, authorization_endpoint: _authorization, type: _type, ...body } = newConnection(draft);
  const issuer = draft.issuer.trim();
  const grant = draft.device && draft.type === "oauth" ? { grant: "device_code" } : {};
  return { ...body, ...grant, preset: preset?.preset ?? "oidc", ...(issuer === "" ? {} : { issuer }) };
}

export function grantOf(draft: Draft): "authorization_code" | "client_credentials" {
  return draft.type === "client_credentials" ? "client_credentials" : "authorization_code";
}

/** The other grant, with a scope that goes with it unless somebody typed one. */
export function withOidcGrant(draft: OidcDraft, grant: "authorization_code" | "client_credentials"): Partial<OidcDraft> {
  const untouched = draft.scope === EMPTY_OIDC.scope || draft.scope === "";
  const type = grant === "client_credentials" ? "client_credentials" : "oauth";
  return untouched ? { type, scope: type === "oauth" ? EMPTY_OIDC.scope : "" } : { type };
}
