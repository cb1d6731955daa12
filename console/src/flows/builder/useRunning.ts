// Running the flow from here and watching it; and what the latest run showed of every step's output.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type RunDetail, newestRunsQuery, runQuery, startRun, watchQuery } from "../../api/runs";
import type { Draft } from "./draft";
import type { Samples } from "./results/sources";

export interface Running {
  /** The run that was started here. */
  run: RunDetail | undefined;
  busy: boolean;
  error: Error | null;
  start: (key: string, input: unknown) => void;
  samples: Samples;
}

const NOTHING: Samples = { input: undefined, outputs: new Map() };

/** `key` is the flow's, once it is stored; `id` the run that was started here. */
export function useRunning(draft: Draft, key: string | undefined, id: string | undefined, tried: ReadonlyMap<string, unknown>): Running {
  const client = useQueryClient();
  const starting = useMutation({
    mutationFn: ({ flow, input }: { flow: string; input: unknown }) => startRun(flow, input),
    onSuccess: ({ run }) => draft.watch(run),
  });
  const newest = useQuery({ ...newestRunsQuery({ flow: key ?? "" }, 1), enabled: key !== undefined && id === undefined }).data?.[0]?.id;
  const shown = id ?? newest;
  const detail = useQuery({ ...runQuery(shown ?? ""), enabled: shown !== undefined }).data;
  useQuery({ ...watchQuery(client, id ?? ""), enabled: id !== undefined && detail !== undefined });
  const seen = detail ? samplesOf(detail) : NOTHING;
  return {
    run: id === undefined ? undefined : detail,
    busy: starting.isPending,
    error: starting.error,
    start: (flow, input) => starting.mutate({ flow, input }),
    samples: tried.size === 0 ? seen : { input: seen.input, outputs: new Map([...seen.outputs, ...tried]) },
  };
}

function samplesOf(run: RunDetail): Samples {
  const done = run.steps.filter(({ status, output }) => status === "completed" && output !== undefined);
  return { input: run.input, outputs: new Map(done.map(({ reference, output }) => [reference, output])) };
}
