// The tables that flows share. A row is changed on the version that was read.

import { infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { segment, send } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type TableCard = Schemas["TableCard"];
export type RowCard = Schemas["RowCard"];

export const tablesKey = ["tables"] as const;

const at = (table: string, key: string) => `/tables/${segment(table)}/${segment(key)}`;

export const tablesQuery = queryOptions({
  queryKey: [...tablesKey],
  queryFn: async ({ signal }) => (await send<Schemas["TableList"]>("GET", "/tables", { signal })).items,
  refetchInterval: 15_000,
});

export const rowsQuery = (table: string, prefix: string, limit: number) =>
  infiniteQueryOptions({
    queryKey: [...tablesKey, table, prefix, limit],
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(limit) });
      if (prefix !== "") query.set("prefix", prefix);
      if (pageParam !== null) query.set("after", pageParam);
      return send<Schemas["RowList"]>("GET", `/tables/${segment(table)}?${query}`, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
  });

/** Version 0: the row must not be there yet. */
export function saveRow(table: string, key: string, value: unknown, version: number): Promise<RowCard> {
  return send("PUT", at(table, key), { body: { value }, version });
}

export function readRow(table: string, key: string): Promise<RowCard> {
  return send("GET", at(table, key));
}

export function deleteRow(table: string, key: string, version: number): Promise<void> {
  return send("DELETE", at(table, key), { version });
}
