// Runs: lists, one run as it goes on, what a person can do about one, and the questions that runs ask.

import { type QueryClient, infiniteQueryOptions, queryOptions } from "@tanstack/react-query";
import { address, listen, segment, send } from "./client";
import type { RunCard, RunDetail, RunStatus, Step } from "./coming";
import type { ServerEvent } from "./events";
import { Problem, unreachable } from "./problem";
import { refresh } from "./refresh";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type { Fault, Parked, RunCard, RunDetail, RunStatus, Step, StepStatus, Trigger, WaitsFor } from "./coming";
export type Approval = Schemas["ApprovalCard"];
export type Resolve = Schemas["Resolve"];
export type StartedRun = Schemas["StartedRun"];
interface RunList {
  items: RunCard[];
  next?: string | null;
}

export interface RunFilter {
  flow: string;
  status: RunStatus | "";
  text: string;
  since: string;
  until: string;
  parent: string;
}

export const NO_RUN_FILTER: RunFilter = { flow: "", status: "", text: "", since: "", until: "", parent: "" };

export const runsKey = ["runs"] as const;
export const runKey = (id: string) => [...runsKey, "one", id] as const;

const at = (id: string) => `/runs/${segment(id)}`;
const OVER: readonly RunStatus[] = ["completed", "faulted", "cancelled"];

export function isOver(run: RunCard): boolean {
  return OVER.includes(run.status);
}

export function queryOf(filter: Partial<RunFilter>, limit: number): URLSearchParams {
  const query = new URLSearchParams({ limit: String(limit) });
  for (const [name, value] of Object.entries(filter)) if (value !== "") query.set(name, value);
  return query;
}

/** Pages of runs; the newest are followed by `liveRuns.ts`. */
export const runsQuery = (filter: RunFilter, limit: number) =>
  infiniteQueryOptions({
    queryKey: [...runsKey, "list", filter, limit],
    queryFn: ({ pageParam, signal }) => {
      const query = queryOf(filter, limit);
      if (pageParam !== null) query.set("before", pageParam);
      return send<RunList>("GET", `/runs?${query}`, { signal });
    },
    initialPageParam: null as string | null,
    getNextPageParam: (last) => last.next ?? null,
  });

/** The newest runs that a filter lets through. */
export const newestRunsQuery = (filter: Partial<RunFilter>, limit: number) =>
  queryOptions({
    queryKey: [...runsKey, "newest", filter, limit],
    queryFn: async ({ signal }) => (await send<RunList>("GET", `/runs?${queryOf(filter, limit)}`, { signal })).items,
    refetchInterval: 10_000,
  });

export const runQuery = (id: string) =>
  queryOptions({
    queryKey: runKey(id),
    queryFn: ({ signal }) => send<RunDetail>("GET", at(id), { signal }),
  });

/** How it stands with following a run: what counts as failures of a query is kept until it ends, which this one does last. */
export type Watch = "live" | "broken" | "over";

/** Streams that break off are begun again, but not what the server refuses. */
export const retryWatch = {
  retry: (_: number, error: Error) => !(error instanceof Problem && error.document.status >= 400 && error.document.status < 500),
  retryDelay: 1_000,
  staleTime: Infinity,
  gcTime: 0,
  networkMode: "always",
} as const;

const watchKey = (id: string) => ["run-watch", id] as const;

/** Follows a run until it is over: what the server tells is put into the run of the cache. Begins again when it breaks off. */
export const watchQuery = (client: QueryClient, id: string) =>
  queryOptions<Watch>({
    queryKey: watchKey(id),
    queryFn: async ({ signal }): Promise<Watch> => {
      const say = (watch: Watch) => client.setQueryData<Watch>(watchKey(id), watch);
      const run = { queryKey: runKey(id), exact: true };
      for (let again = true; again; ) {
        again = false;
        const told = new Told();
        for await (const events of listen(`${at(id)}/watch`, signal)) {
          say("live");
          // after a time the server wants to be asked anew
          again = events.some(({ name }) => name === "again");
          told.hear(events);
          // its first load may have been asked for earlier, and be answered later, than this was told
          const before = await client.ensureQueryData(runQuery(id));
          const after = told.over(before);
          client.setQueryData(runQuery(id).queryKey, after);
          // what it waits for and what it published is not told with the steps; an answer on its way is older than this
          if (after.status !== before.status || client.isFetching(run) > 0) void refresh(client, run);
          if (isOver(after)) {
            void refresh(client, { queryKey: [...runsKey, "list"] });
            return "over";
          }
        }
      }
      say("broken");
      throw unreachable();
    },
    ...retryWatch,
  });

/** All that one stream has told of a run. It begins with the whole run, so none of its steps is missing here, whatever an answer from another moment holds. */
export class Told {
  #card: Partial<RunDetail> = {};
  readonly #steps: Step[] = [];

  hear(events: readonly ServerEvent[]): void {
    for (const { name, data } of events) {
      // the shapes are those of the OpenAPI document
      if (name === "run") this.#card = { ...this.#card, ...(data as RunCard) };
      if (name === "step") {
        const { index, step } = data as { index: number; step: Step };
        this.#steps[index] = step;
      }
      if (name === "end") {
        const { run, output } = data as { run: RunCard; output?: unknown };
        this.#card = { ...this.#card, ...run, output };
      }
    }
  }

  /** A run as it was loaded, with what was told of it since. */
  over(run: RunDetail): RunDetail {
    return { ...run, ...this.#card, steps: [...this.#steps, ...run.steps.slice(this.#steps.length)] };
  }
}

export function startRun(flow: string, input: unknown): Promise<StartedRun> {
  return send("POST", `/flows/${segment(flow)}/runs`, { body: { input } });
}

export function tellRun(id: string, what: "cancel" | "suspend" | "resume"): Promise<void> {
  return send("POST", `${at(id)}/${what}`);
}

export function retryRun(id: string, from: "start" | "failed_step"): Promise<StartedRun> {
  return send("POST", `${at(id)}/retry`, { body: { from } });
}

export function resolveRun(id: string, body: Resolve): Promise<void> {
  return send("POST", `${at(id)}/resolve`, { body });
}

export function deleteRun(id: string): Promise<void> {
  return send("DELETE", at(id));
}

export function runAddress(id: string): string {
  return address(at(id));
}

export const approvalsQuery = queryOptions({
  queryKey: ["approvals"],
  queryFn: async ({ signal }) => (await send<Schemas["ApprovalList"]>("GET", "/approvals", { signal })).items,
  refetchInterval: 5_000,
});

export function decideApproval(id: string, body: Schemas["NewDecision"]): Promise<void> {
  return send("POST", `/approvals/${segment(id)}`, { body });
}
