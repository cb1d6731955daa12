// What the OpenAPI document does not say (yet). When it does, take the type from `schema.d.ts` and delete
// the one here.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Pairs = [string, string][];

/** The document can't say "an object or a list of pairs"; the console sends pairs, which keep their order. */
export type CallOfPairs = Omit<Schemas["Call"], "query" | "headers" | "form"> & { query?: Pairs; headers?: Pairs; form?: Pairs };
