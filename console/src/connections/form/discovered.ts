// What discovery found, as fields of the generic form.

import type { Discovered } from "../../api/presets";
import { type Draft, actsForPerson } from "./draft";

const ENDPOINTS = ["token_endpoint", "authorization_endpoint", "device_authorization_endpoint"] as const;
type Endpoint = (typeof ENDPOINTS)[number];

/** The endpoints that the draft's type asks for and that were found. */
export function foundFor(draft: Pick<Draft, "type">, found: Discovered): Endpoint[] {
  const asked: Record<Endpoint, boolean> = {
    token_endpoint: true,
    authorization_endpoint: draft.type === "oauth",
    device_authorization_endpoint: draft.type === "device_code",
  };
  return ENDPOINTS.filter((field) => asked[field] && typeof found[field] === "string");
}

/** All that was found: another type may be chosen later. What the API says of its own address does not replace a typed one. */
export function withFound(draft: Draft, found: Discovered): Partial<Draft> {
  const patch: Partial<Draft> = { issuer: found.issuer ?? "", confirm_foreign_token_endpoint: false };
  for (const field of ENDPOINTS) if (typeof found[field] === "string") patch[field] = found[field];
  if (found.resource && draft.base_url.trim() === "") patch.base_url = found.resource;
  return patch;
}

/** The scopes to offer: those that are listed and not asked for yet; an app has no use for those of a sign-in. */
export function offered(draft: Pick<Draft, "type" | "scope">, found: Discovered): string[] {
  const asked = new Set(draft.scope.split(/\s+/));
  const personal = actsForPerson(draft.type) ? [] : ["openid", "profile", "email", "offline_access"];
  return found.scopes.filter((scope) => !asked.has(scope) && !personal.includes(scope));
}

export function withScope(scope: string, more: string): string {
  return [...scope.split(/\s+/).filter((text) => text !== ""), more].join(" ");
}
