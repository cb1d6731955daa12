// How long an installation keeps what is over.

import { queryOptions } from "@tanstack/react-query";
import { send } from "./client";
import type { components } from "./schema";

export type Retention = components["schemas"]["RetentionCard"];

export const retentionQuery = queryOptions({
  queryKey: ["retention"],
  queryFn: ({ signal }) => send<Retention>("GET", "/retention", { signal }),
});

export function changeRetention(body: Retention): Promise<Retention> {
  return send("PUT", "/retention", { body });
}
