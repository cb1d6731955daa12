// API keys, users and the audit log: for administrators.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { segment, send } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type KeyCard = Schemas["KeyCard"];
export type CreatedKey = Schemas["CreatedKey"];
export type UserCard = Schemas["UserCard"];
export type AuditEntry = Schemas["AuditEntry"];

export const keysQuery = queryOptions({
  queryKey: ["keys"],
  queryFn: async ({ signal }) => (await send<Schemas["KeyList"]>("GET", "/keys", { signal })).items,
});

export function createKey(body: Schemas["NewKey"]): Promise<CreatedKey> {
  return send("POST", "/keys", { body });
}

export function revokeKey(id: string): Promise<void> {
  return send("DELETE", `/keys/${segment(id)}`);
}

export const usersQuery = queryOptions({
  queryKey: ["users"],
  queryFn: async ({ signal }) => (await send<Schemas["UserList"]>("GET", "/users", { signal })).items,
});

export function createUser(body: Schemas["NewUser"]): Promise<UserCard> {
  return send("POST", "/users", { body });
}

export function disableUser(id: string): Promise<UserCard> {
  return send("POST", `/users/${segment(id)}/disable`);
}

export interface AuditFilter {
  action: string;
  actor: string;
  subject: string;
  since: string;
  until: string;
}

export const NO_FILTER: AuditFilter = { action: "", actor: "", subject: "", since: "", until: "" };

export const auditQuery = (filter: AuditFilter, limit: number) =>
  infiniteQueryOptions({
    queryKey: ["audit", filter, limit],
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(limit) });
      for (const [name, value] of Object.entries(filter)) if (value !== "") query.set(name, value);
      if (pageParam !== null) query.set("before", String(pageParam));
      return send<Schemas["AuditList"]>("GET", `/audit?${query}`, { signal });
    },
    initialPageParam: null as number | null,
    getNextPageParam: (last) => last.next ?? null,
  });
