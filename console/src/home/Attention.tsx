// What needs a person: connections, parked and failed runs, questions, secrets that expire.

import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link } from "wouter";
import type { Card } from "../api/connections";
import { type RunCard, approvalsQuery, newestRunsQuery } from "../api/runs";
import { states } from "../texts/connections";
import { home } from "../texts/home";
import { Badge } from "../ui/Facts";
import { Loading } from "../ui/Loaded";
import { Panel } from "../ui/Page";
import { ProblemView } from "../ui/ProblemView";
import { Time } from "../ui/Time";
import { expiring, needing, yesterday } from "./attention";

const SHOWN = 5;
const LIMIT = 100;

export function Attention({ connections }: { connections: Card[] }) {
  const parked = useQuery(newestRunsQuery({ status: "parked" }, LIMIT));
  const failed = useQuery(newestRunsQuery({ status: "faulted", since: yesterday(Date.now()) }, LIMIT));
  const approvals = useQuery(approvalsQuery);
  const queries = [parked, failed, approvals];
  const error = queries.find((query) => query.isError)?.error;
  const broken = needing(connections);
  const secrets = expiring(connections, Date.now());
  const questions = approvals.data ?? [];
  const nothing = queries.every((query) => query.data?.length === 0) && broken.length === 0 && secrets.length === 0;
  return (
    <Panel title={home.attention}>
      {error && <ProblemView error={error} />}
      {!error && queries.some((query) => query.isPending) && <Loading />}
      {nothing && <p className="muted">{home.nothing}</p>}
      <Group title={home.connections} count={String(broken.length)} all="/connections">
        {broken.slice(0, SHOWN).map((card) => (
          <li key={card.id} className="row">
            <Link href={`/connections/${encodeURIComponent(card.name)}`}>
              <bdi>{card.name}</bdi>
            </Link>
            <Badge tone={states[card.state]?.tone ?? "neutral"}>{states[card.state]?.label ?? card.state}</Badge>
          </li>
        ))}
      </Group>
      <Group title={home.approvals} count={String(questions.length)} all="/approvals">
        {questions.slice(0, SHOWN).map((question) => (
          <li key={question.id} className="row">
            <Link href={`/approvals?run=${encodeURIComponent(question.run)}`}>
              <bdi>{question.title}</bdi>
            </Link>
            <span className="muted small">
              <Time at={question.created_at} />
            </span>
          </li>
        ))}
      </Group>
      <RunGroup title={home.parked} runs={parked.data ?? []} all="/runs?status=parked" />
      <RunGroup title={home.failed} runs={failed.data ?? []} all="/runs?status=faulted" />
      <Group title={home.secrets} count={String(secrets.length)} all="/connections">
        {secrets.slice(0, SHOWN).map(({ card, at, passed }) => (
          <li key={card.id} className="row">
            <Link href={`/connections/${encodeURIComponent(card.name)}`}>
              <bdi>{card.name}</bdi>
            </Link>
            <Badge tone={passed ? "bad" : "warn"}>
              {passed ? home.expired : home.expires} <Time at={at} />
            </Badge>
          </li>
        ))}
      </Group>
    </Panel>
  );
}

function RunGroup({ title, runs, all }: { title: string; runs: RunCard[]; all: string }) {
  return (
    <Group title={title} count={home.atLeast(runs.length, LIMIT)} all={all}>
      {runs.slice(0, SHOWN).map((run) => (
        <li key={run.id} className="row">
          <Link href={`/runs/${encodeURIComponent(run.id)}`}>
            <bdi>{run.flow}</bdi>
          </Link>
          {run.error?.title && (
            <span className="small anywhere">
              <bdi>{run.error.title}</bdi>
            </span>
          )}
          <span className="muted small">
            <Time at={run.created_at} />
          </span>
        </li>
      ))}
    </Group>
  );
}

/** Nothing where there is nothing. */
function Group({ title, count, all, children }: { title: string; count: string; all: string; children: ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <section className="stack-small" aria-label={title}>
      <div className="row-between">
        <h3>
          {title} ({count})
        </h3>
        <Link href={all} className="small" aria-label={`${home.all}: ${title}`}>
          {home.all}
        </Link>
      </div>
      <ul className="plain">{children}</ul>
    </section>
  );
}
