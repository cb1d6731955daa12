// Which permissions of Microsoft Graph are offered: those of the form that is wanted, as the words that were typed say.

import type { Permission } from "../../api/presets";
import { OFFLINE_ACCESS, same } from "../lint/name";

/** The id of the form that counts: what `az` and manifests name a permission by. */
export function idOf(permission: Permission, delegated: boolean): string | undefined {
  return (delegated ? permission.delegated_id : permission.application_id) ?? undefined;
}

/** `offline_access` has a box of its own. */
export function offered(permissions: readonly Permission[], delegated: boolean, words: string): Permission[] {
  return permissions.filter((permission) => idOf(permission, delegated) !== undefined && !same(permission.name, OFFLINE_ACCESS) && matches(permission, words));
}

function matches(permission: Permission, words: string): boolean {
  const text = `${permission.name} ${permission.allows} ${permission.delegated_id ?? ""} ${permission.application_id ?? ""}`.toLowerCase();
  return words
    .toLowerCase()
    .split(/\s+/)
    .every((word) => text.includes(word));
}
