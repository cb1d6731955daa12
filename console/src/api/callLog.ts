// The call log: every call through a connection, by people, keys and runs.

import { infiniteQueryOptions } from "@tanstack/react-query";
import { send } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type CallEntry = Schemas["CallEntry"];

export interface CallFilter {
  /** A connection's name. */
  connection: string;
  /** A run's id. */
  run: string;
}

export const callsQuery = (filter: CallFilter, limit: number) =>
  infiniteQueryOptions({
    queryKey: ["calls", filter, limit],
    queryFn: ({ pageParam, signal }) => {
      const query = new URLSearchParams({ limit: String(limit) });
      for (const [name, value] of Object.entries(filter)) if (value !== "") query.set(name, value);
      if (pageParam !== null) query.set("before", pageParam);
      return send<Schemas["CallList"]>("GET", `/calls?${query}`, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
  });
