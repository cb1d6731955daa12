// The Microsoft Graph preset's form as a value.

import type { NewConnection } from "../../api/connections";
import type { Cloud } from "../../api/presets";
import { fixText, formLint } from "../../texts/lint";
import { OFFLINE_ACCESS, nameOf, same } from "../lint/name";
import type { GrantType } from "../lint/scope";
import { certificateOf } from "./body";
import { NO_CERTIFICATE } from "./certificateFile";
import { type ClientAuthentication, type DraftNote, isName, scopeNotes, secretNotes } from "./draft";

export interface GraphDraft {
  name: string;
  /** A cloud's name, or "" for another address. */
  cloud: string;
  other_cloud: string;
  tenant: string;
  grant: GrantType;
  client_id: string;
  /** Whether the person types a code elsewhere. */
  device: boolean;
  client_secret: string;
  certificate: string;
  certificate_pkcs12: string;
  certificate_password: string;
  /** Whether Keyway is to make the certificate; never sent. */
  make_certificate: boolean;
  secret_expires_at: string;
  client_authentication: ClientAuthentication;
  scope: string;
  /** App-only: what to add in the registration; never sent. */
  wanted: string[];
  ca_certificate: string;
}

export type GraphNote = DraftNote<GraphDraft>;

const DELEGATED_SCOPE = "offline_access User.Read";

export function emptyGraphDraft(cloud: string): GraphDraft {
  return {
    name: "",
    cloud,
    other_cloud: "",
    tenant: "",
    grant: "authorization_code",
    client_id: "",
    device: false,
    client_secret: "",
    ...NO_CERTIFICATE,
    make_certificate: false,
    secret_expires_at: "",
    client_authentication: "automatic",
    scope: DELEGATED_SCOPE,
    wanted: [],
    ca_certificate: "",
  };
}

/** The other grant, with the scope that goes with it. */
export function withGrant(draft: GraphDraft, grant: GrantType, clouds: readonly Cloud[]): GraphDraft {
  const resource = clouds.find((cloud) => cloud.name === draft.cloud && !cloud.declared)?.graph ?? "https://graph.microsoft.com";
  return { ...draft, grant, scope: grant === "client_credentials" ? `${resource}/.default` : DELEGATED_SCOPE };
}

export function graphNotes(draft: GraphDraft): GraphNote[] {
  const notes: GraphNote[] = [];
  if (draft.name !== "" && !isName(draft.name)) notes.push({ code: "connection.name_invalid", field: "name", severity: "error", message: formLint.name });
  if (draft.grant === "client_credentials" && /^(common|organizations|consumers)$/i.test(draft.tenant.trim())) {
    notes.push({ code: "tenant.shared", field: "tenant", severity: "error", message: formLint.commonTenant });
  }
  if (draft.client_id !== draft.client_id.trim()) {
    notes.push({ code: "client_id.whitespace", field: "client_id", severity: "error", message: formLint.clientIdSpace, fix: { label: fixText.trim, patch: { client_id: draft.client_id.trim() } } });
  }
  return [...notes, ...secretNotes(draft.client_secret), ...scopeNotes(draft.scope, "entra", draft.grant)];
}

export function graphConnection(draft: GraphDraft): NewConnection {
  const body: NewConnection = {
    name: draft.name,
    preset: "microsoft-graph",
    cloud: draft.cloud === "" ? draft.other_cloud.trim() : draft.cloud,
    tenant: draft.tenant.trim(),
    grant: byDevice(draft) ? "device_code" : draft.grant,
    client_id: draft.client_id,
    client_authentication: byDevice(draft) ? "none" : draft.client_authentication,
    scope: draft.scope,
  };
  if (byDevice(draft)) return withCloud(body, draft);
  if (draft.client_secret !== "") body.client_secret = draft.client_secret;
  Object.assign(body, certificateOf(draft));
  if (draft.secret_expires_at !== "") body.secret_expires_at = draft.secret_expires_at;
  return withCloud(body, draft);
}

function withCloud(body: NewConnection, draft: GraphDraft): NewConnection {
  const authority = draft.ca_certificate.trim();
  return draft.cloud === "" && authority !== "" ? { ...body, ca_certificate: authority } : body;
}

/** A public client, without any proof. */
export function byDevice(draft: GraphDraft): boolean {
  return draft.device && draft.grant === "authorization_code";
}

/** Whether a scope names a permission, in any of the ways to write it. */
export function names(scope: string, permission: string): boolean {
  return scope.split(/\s+/).some((text) => same(nameOf(text).short, permission));
}

/** The scope with a permission added or taken out; what was typed besides stays as it is. */
export function toggled(scope: string, permission: string): string {
  const texts = scope.split(/\s+/).filter((text) => text !== "");
  if (names(scope, permission)) return texts.filter((text) => !same(nameOf(text).short, permission)).join(" ");
  return (permission === OFFLINE_ACCESS ? [permission, ...texts] : [...texts, permission]).join(" ");
}
