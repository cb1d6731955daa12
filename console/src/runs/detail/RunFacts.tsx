import { Link } from "wouter";
import type { RunDetail } from "../../api/runs";
import { run as text } from "../../texts/runs";
import { Copyable } from "../../ui/Copyable";
import { type Fact, Facts } from "../../ui/Facts";
import { Panel } from "../../ui/Page";
import { ExactTime, Time } from "../../ui/Time";
import { StartedBy } from "../StartedBy";
import { took } from "../took";

/** Where a run comes from, how long it took, what it waits for. */
export function RunFacts({ run }: { run: RunDetail }) {
  const facts: Fact[] = [
    [text.id, <Copyable text={run.id} what={text.id} />],
    [
      text.flow,
      run.once ? (
        <>
          <bdi>{run.flow}</bdi> {text.once(run.flow_version)}
        </>
      ) : (
        <>
          <Link href={`/flows/${encodeURIComponent(run.flow)}`}>
            <bdi>{run.flow}</bdi>
          </Link>{" "}
          {text.version(run.flow_version, run.version)}
        </>
      ),
    ],
    [text.started, <ExactTime at={run.created_at} />],
    [text.by, <StartedBy run={run} />],
    [text.nominal, run.trigger.nominal && <ExactTime at={run.trigger.nominal} />],
    [text.ended, run.ended_at && <ExactTime at={run.ended_at} />],
    [text.took, took(run.created_at, run.ended_at)],
    [text.parent, run.parent && <RunLink id={run.parent} />],
    [text.retryOf, run.retry_of && <RunLink id={run.retry_of} />],
    [text.wakes, run.wake_at && !run.ended_at ? <Time at={run.wake_at} /> : null],
    [text.waitsFor, run.waits_for.length > 0 && <Waits run={run} />],
  ];
  return (
    <Panel title={text.facts} actions={
        <>
          <Link href={`/calls?run=${encodeURIComponent(run.id)}`}>{text.calls}</Link> <Link href={`/runs?parent=${encodeURIComponent(run.id)}`}>{text.children}</Link>
        </>
      }
    >
      <Facts facts={facts} />
    </Panel>
  );
}

function RunLink({ id }: { id: string }) {
  return (
    <Link href={`/runs/${encodeURIComponent(id)}`} className="mono">
      {id}
    </Link>
  );
}

function Waits({ run }: { run: RunDetail }) {
  return (
    <ul className="plain">
      {run.waits_for.map((waits) => (
        <li key={waits.id}>
          {text.waits[waits.kind] ?? waits.kind} {waits.until && <Time at={waits.until} />} <code>{waits.id}</code>{" "}
          {waits.kind === "approve" && <Link href={`/approvals?run=${encodeURIComponent(run.id)}`}>{text.answerIt}</Link>}
        </li>
      ))}
    </ul>
  );
}
