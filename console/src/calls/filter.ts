// Which calls are looked for, as the search part of an address.

import type { CallFilter } from "../api/callLog";

export function filterOf(search: string): CallFilter {
  const given = new URLSearchParams(search);
  return { connection: given.get("connection") ?? "", run: given.get("run") ?? "" };
}

/** `?connection=…`, or nothing where nothing is asked for. */
export function searchOf(filter: CallFilter): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== "") query.set(name, value);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}
