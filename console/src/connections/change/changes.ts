// What a change sends, and what it wipes. Mirrors connect::change, which decides.

import { type Card, type Change, signsIn } from "../../api/connections";
import { type ClientAuthentication, type Draft, EMPTY_DRAFT, originsOf } from "../form/draft";

export interface ChangeDraft extends Draft {
  tenant: string;
  cloud: string;
}

const METHODS: readonly string[] = ["automatic", "client_secret_basic", "client_secret_post", "private_key_jwt", "none"];

/** The stored settings as a form; secrets are never among them. */
export function draftOf(card: Card): ChangeDraft {
  const base = card.base_url && URL.canParse(card.base_url) ? new URL(card.base_url).origin : undefined;
  return {
    ...EMPTY_DRAFT,
    name: card.name,
    type: typeOf(card),
    tenant: card.tenant ?? "",
    cloud: card.cloud ?? "",
    token_endpoint: card.token_endpoint ?? "",
    authorization_endpoint: card.authorization_endpoint ?? "",
    device_authorization_endpoint: card.device_authorization_endpoint ?? "",
    subject: card.assertion?.subject ?? "",
    audience: card.assertion?.audience ?? "",
    key_id: card.assertion?.key_id ?? "",
    client_id: card.client_id ?? "",
    client_authentication: methodOf(card.client_authentication),
    scope: card.scope ?? "",
    username: card.username ?? "",
    headers: card.header_names.map((name) => [name, ""]),
    query_key_name: card.query_key_name ?? "",
    secret_expires_at: card.secret_expires_at?.slice(0, 10) ?? "",
    base_url: card.base_url ?? "",
    origins: card.origins.filter((origin) => origin !== base).join("\n"),
  };
}

function typeOf(card: Card): Draft["type"] {
  if (card.type === "oauth") return card.grant === "client_credentials" || card.grant === "device_code" || card.grant === "jwt_bearer" ? card.grant : "oauth";
  if (card.type === "basic" || card.type === "headers" || card.type === "bearer" || card.type === "query_key") return card.type;
  return "none";
}

function methodOf(text: string | null | undefined): ClientAuthentication {
  return METHODS.includes(text ?? "") ? (text as ClientAuthentication) : "automatic";
}

const PLAIN = ["name", "tenant", "cloud", "token_endpoint", "authorization_endpoint", "device_authorization_endpoint", "subject", "audience", "key_id", "client_id", "client_authentication", "scope", "username", "base_url", "secret_expires_at"] as const;
const SECRET = ["client_secret", "certificate", "certificate_pkcs12", "certificate_password", "private_key", "password", "token", "ca_certificate"] as const;

/** Only what differs from what is stored. */
export function changesOf(card: Card, draft: ChangeDraft): Change {
  const before = draftOf(card);
  const change: Change = {};
  for (const field of PLAIN) if (draft[field].trim() !== before[field]) change[field] = draft[field].trim();
  for (const field of SECRET) if (draft[field] !== "") change[field] = draft[field];
  if (draft.origins.trim() !== before.origins) change.origins = originsOf(draft.origins);
  const headers = draft.headers.filter(([name]) => name.trim() !== "");
  const namesDiffer = headers.map(([name]) => name.trim()).join("\n") !== card.header_names.join("\n");
  if (draft.type === "headers" && (namesDiffer || headers.some(([, value]) => value !== ""))) {
    change.headers = Object.fromEntries(headers.map(([name, value]) => [name.trim(), value]));
  }
  const key = draft.query_key_name.trim();
  if (draft.type === "query_key" && (key !== card.query_key_name || draft.query_key !== "")) {
    change.query_key = draft.query_key === "" ? { name: key } : { name: key, value: draft.query_key };
  }
  if (draft.confirm_foreign_token_endpoint) change.confirm_foreign_token_endpoint = true;
  return change;
}

const MOVES = ["base_url", "origins", "tenant", "cloud", "token_endpoint", "authorization_endpoint", "device_authorization_endpoint", "subject", "audience", "key_id", "client_id", "username", "ca_certificate"] as const;

/** The changed fields that decide where or how a secret is sent: with them the stored secrets and tokens go. */
export function wiping(card: Card, change: Change): string[] {
  const moved: string[] = MOVES.filter((field) => change[field] !== undefined);
  const names = change.headers && Object.keys(change.headers);
  if (names && names.join("\n") !== card.header_names.join("\n")) moved.push("headers");
  if (change.query_key && change.query_key.name !== card.query_key_name) moved.push("query_key");
  return moved;
}

/** A changed scope needs a person's consent; an app simply asks again. */
export function asksAgain(card: Card, change: Change): boolean {
  return signsIn(card) && change.scope !== undefined;
}
