// A list of runs as it changes: what the server tells of it, and how that goes together with pages that were loaded.

import { type QueryClient, queryOptions, skipToken } from "@tanstack/react-query";
import { listen } from "./client";
import type { ServerEvent } from "./events";
import { unreachable } from "./problem";
import { type RunCard, type RunFilter, type Watch, queryOf, retryWatch, runsKey } from "./runs";

/** The newest runs of a list, as they were last told. */
export interface LiveList {
  cards: Readonly<Record<string, RunCard>>;
  /** Their order, newest first. */
  ids: readonly string[];
  /** Whether the list goes on with older ones. */
  goesOn: boolean;
}

const NONE: LiveList = { cards: {}, ids: [], goesOn: false };
/** The most that the server lets somebody watch. */
const MOST = 1_000;

export const liveRunsQuery = (filter: RunFilter) => queryOptions<LiveList>({ queryKey: [...runsKey, "live", filter], queryFn: skipToken, staleTime: Infinity, gcTime: 0 });

const watchKey = (filter: RunFilter, count: number) => ["runs-watch", filter, count] as const;

/** Follows the newest runs of a list for as long as somebody looks, and begins again when that breaks off. */
export const watchRunsQuery = (client: QueryClient, filter: RunFilter, shown: number) => {
  const count = Math.min(MOST, shown);
  const key = watchKey(filter, count);
  const live = liveRunsQuery(filter).queryKey;
  return queryOptions<Watch>({
    queryKey: key,
    queryFn: async ({ signal }): Promise<Watch> => {
      let before: LiveList | undefined;
      for (let again = true; again; ) {
        again = false;
        for await (const events of listen(`/runs/watch?${queryOf(filter, count)}`, signal)) {
          client.setQueryData<Watch>(key, "live");
          // after a time the server wants to be asked anew
          again = events.some(({ name }) => name === "again");
          const after = listed(before, events);
          before = after;
          if (after) client.setQueryData(live, after);
        }
      }
      client.setQueryData<Watch>(key, "broken");
      throw unreachable();
    },
    ...retryWatch,
  });
};

/** The list with what was told of it since; nothing before it was told once whole. */
export function listed(before: LiveList | undefined, events: readonly ServerEvent[]): LiveList | undefined {
  let { cards, ids, goesOn } = before ?? NONE;
  let whole = before !== undefined;
  for (const { name, data } of events) {
    // the shapes are those of the OpenAPI document
    if (name === "run") {
      const card = data as RunCard;
      cards = { ...cards, [card.id]: card };
    }
    if (name === "list") {
      const told = data as { ids: string[]; next?: string | null };
      const known = cards;
      ids = told.ids;
      goesOn = Boolean(told.next);
      whole = true;
      cards = Object.fromEntries(ids.flatMap((id) => (known[id] ? [[id, known[id]] as const] : [])));
    }
  }
  return whole ? { cards, ids, goesOn } : undefined;
}

/** What is told of the newest ones wins; of what was loaded, the older ones stay. */
export function merged(loaded: readonly RunCard[], live: LiveList | undefined): RunCard[] {
  if (!live) return [...loaded];
  const told = live.ids.flatMap((id) => live.cards[id] ?? []);
  const last = told.at(-1);
  if (!last || !live.goesOn) return told;
  const oldest = Date.parse(last.created_at);
  return [...told, ...loaded.filter((run) => live.cards[run.id] === undefined && Date.parse(run.created_at) <= oldest)];
}
