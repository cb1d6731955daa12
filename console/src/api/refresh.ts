// What is asked for anew after something was changed.

import type { FetchQueryOptions, QueryClient, QueryFilters, QueryKey } from "@tanstack/react-query";

/** Makes what is shown of some queries new. A first load that is still under way would be taken for new, though its answer may be from before the change: it is asked again. */
export async function refresh(client: QueryClient, filters: QueryFilters): Promise<void> {
  await client.cancelQueries(filters);
  await client.invalidateQueries(filters);
}

/** The answer to a question that is put now, not to one that was under way already. */
export async function fresh<Data, Failure, Shown, Key extends QueryKey>(client: QueryClient, query: FetchQueryOptions<Data, Failure, Shown, Key> & { queryKey: Key }): Promise<Shown> {
  await client.cancelQueries({ queryKey: query.queryKey, exact: true });
  return client.fetchQuery({ ...query, staleTime: 0 });
}
