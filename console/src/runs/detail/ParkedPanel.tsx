// What somebody must act for before a run goes on: a connection to cure, or a call whose outcome nobody knows.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { refresh } from "../../api/refresh";
import { type Parked, type Resolve, type RunDetail, resolveRun, runKey } from "../../api/runs";
import { type Me, may } from "../../api/session";
import { parked as text } from "../../texts/runs";
import { Button, ButtonLink } from "../../ui/Button";
import { Facts } from "../../ui/Facts";
import { Select, TextArea } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";
import { ExactTime } from "../../ui/Time";
import { parseJson } from "../../ui/inputFields";

export function ParkedPanel({ run, me }: { run: RunDetail; me: Me }) {
  return (
    <section className="banner tone-warn" aria-label={text.title}>
      <h2>{text.title}</h2>
      <div className="stack">
        {run.parked.map((entry) => (entry.for === "connection" ? <ToCure key={entry.command} entry={entry} /> : <Unknown key={entry.command} run={run} entry={entry} me={me} />))}
      </div>
    </section>
  );
}

function ToCure({ entry }: { entry: Extract<Parked, { for: "connection" }> }) {
  return (
    <div className="stack-small">
      <p>
        <bdi>{text.connection(entry)}</bdi>
      </p>
      <p className="small muted">
        <code>{entry.code}</code> <code>{entry.command}</code>
      </p>
      <div>
        <ButtonLink to={`/connections/${encodeURIComponent(entry.name)}`} variant="primary">
          {text.cure(entry.name)}
        </ButtonLink>
      </div>
    </div>
  );
}

function Unknown({ run, entry, me }: { run: RunDetail; entry: Extract<Parked, { for: "outcome_unknown" }>; me: Me }) {
  return (
    <div className="stack-small">
      <p>{text.unknown}</p>
      <Facts
        facts={[
          [text.step, <code>{entry.command}</code>],
          [text.sentAt, <ExactTime at={entry.sent_at} />],
        ]}
      />
      {may(me, "operator") && <ResolveForm run={run.id} command={entry.command} />}
    </div>
  );
}

function ResolveForm({ run, command }: { run: string; command: string }) {
  const client = useQueryClient();
  const [outcome, setOutcome] = useState<Resolve["outcome"]>("send_again");
  const [output, setOutput] = useState("null");
  const value = parseJson(output);
  const wrong = outcome === "completed" && value === undefined;
  const resolve = useMutation({
    mutationFn: () => resolveRun(run, outcome === "completed" ? { command, outcome, output: value } : { command, outcome }),
    onSuccess: () => refresh(client, { queryKey: runKey(run) }),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wrong) resolve.mutate();
  };
  return (
    <form className="stack-small" onSubmit={submit}>
      <Select label={text.outcome} value={outcome} options={text.outcomes} onChange={setOutcome} />
      {outcome === "completed" && <TextArea label={text.output} value={output} onChange={setOutput} notes={wrong ? [{ severity: "error", message: text.badJson }] : []} />}
      {resolve.error && <ProblemView error={resolve.error} />}
      <div>
        <Button type="submit" variant="primary" busy={resolve.isPending}>
          {text.resolve}
        </Button>
      </div>
    </form>
  );
}
