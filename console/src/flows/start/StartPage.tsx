// Starting a flow: its input, typed into a form of its schema, or as JSON; or taken from an earlier run.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useLocation, useSearch } from "wouter";
import { type FlowDetail, flowQuery } from "../../api/flows";
import { runQuery, startRun } from "../../api/runs";
import { common } from "../../texts/common";
import { start } from "../../texts/flows";
import { ButtonLink } from "../../ui/Button";
import { InputForm } from "../../ui/InputForm";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { Words } from "../../ui/Words";

export function StartPage({ name }: { name: string }) {
  const from = new URLSearchParams(useSearch()).get("from");
  const flow = useQuery(flowQuery(name));
  const earlier = useQuery({ ...runQuery(from ?? ""), enabled: from !== null });
  return (
    <Page title={start.title(name)} lead={start.lead} width="narrow">
      <Loaded query={flow}>
        {(found) => (from === null ? <Start flow={found} initial={undefined} /> : <Loaded query={earlier}>{(run) => <Start flow={found} initial={run.input ?? null} from={from} />}</Loaded>)}
      </Loaded>
    </Page>
  );
}

function Start({ flow, initial, from }: { flow: FlowDetail; initial: unknown; from?: string }) {
  const [, navigate] = useLocation();
  const starting = useMutation({
    mutationFn: (input: unknown) => startRun(flow.key, input),
    onSuccess: (started) => navigate(`/runs/${encodeURIComponent(started.run)}`),
  });
  const problems = flow.preflight.flatMap(({ problem }) => (problem ? [problem] : []));
  return (
    <>
      {!flow.enabled && <p className="note tone-warn">{start.disabled}</p>}
      {problems.length > 0 && (
        <section className="banner tone-warn">
          <p className="strong">{start.needs}</p>
          <ul>
            {problems.map((problem) => (
              <li key={problem}>
                <Words text={problem} />
              </li>
            ))}
          </ul>
        </section>
      )}
      <Panel
        title={start.input}
        lead={
          from !== undefined && (
            <>
              {start.from(from)} {start.redacted}
            </>
          )
        }
      >
        {starting.error && <ProblemView error={starting.error} />}
        <InputForm schema={flow.input_schema} initial={initial} action={start.go} busy={starting.isPending} onSubmit={(input) => starting.mutate(input)}>
          <ButtonLink to={`/flows/${encodeURIComponent(flow.key)}`}>{common.cancel}</ButtonLink>
        </InputForm>
      </Panel>
    </>
  );
}
