import { Link } from "wouter";
import type { CallEntry } from "../api/callLog";
import type { Card } from "../api/connections";
import { calls } from "../texts/calls";
import { Actor } from "../ui/Actor";
import { StackedTable } from "../ui/StackedTable";
import { ExactTime } from "../ui/Time";

interface CallTableProps {
  found: readonly CallEntry[];
  connections: readonly Card[];
}

export function CallTable({ found, connections }: CallTableProps) {
  const names = new Map(connections.map(({ id, name }) => [id, name]));
  return (
    <StackedTable label={calls.title} columns={[calls.at, calls.call, calls.ended, calls.connection, calls.by, calls.requestId]}>
      {found.map((call) => (
        <tr key={call.id}>
          <td className="muted small">
            <ExactTime at={call.at} />
          </td>
          <td data-label={calls.call} className="anywhere">
            <span className="strong">{call.method}</span> <bdi className="mono small">{`${call.host}${call.path}`}</bdi>
          </td>
          <td data-label={calls.ended}>
            {call.status ?? <code>{call.code}</code>}
            <div className="muted small">{[calls.took(call.took_ms), call.attempts > 1 && calls.sent(call.attempts)].filter(Boolean).join(", ")}</div>
            {call.trail && <Tries trail={call.trail} />}
          </td>
          <td data-label={calls.connection}>
            <Connection id={call.connection} name={names.get(call.connection)} />
          </td>
          <td data-label={calls.by} className="anywhere">
            <Caller call={call} />
          </td>
          <td data-label={calls.requestId} className="small anywhere">
            {call.request_id && <code>{call.request_id}</code>}
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}

/** Each time that a call was sent: why, with which token, and what came of it. */
function Tries({ trail }: { trail: NonNullable<CallEntry["trail"]> }) {
  return (
    <details className="small">
      <summary>{calls.tries}</summary>
      <ol>
        {trail.map((attempt, at) => (
          <li key={at} className="anywhere">
            {[
              `${calls.after(attempt.begun_ms)}: ${calls.why[attempt.why]}`,
              attempt.token_renewed && attempt.why === "called" && calls.renewed,
              attempt.status ?? attempt.code,
              calls.took(attempt.took_ms),
              attempt.token_generation != null && calls.token(attempt.token_generation),
              attempt.request_id,
            ]
              .filter(Boolean)
              .join(", ")}
          </li>
        ))}
      </ol>
    </details>
  );
}

/** A connection that is gone has an id and no name any more. */
function Connection({ id, name }: { id: string; name: string | undefined }) {
  if (name === undefined) return <span className="muted small mono">{id}</span>;
  return (
    <Link href={`/connections/${encodeURIComponent(name)}`}>
      <bdi>{name}</bdi>
    </Link>
  );
}

/** A run's step by a link to it, anybody else by name. */
function Caller({ call }: { call: CallEntry }) {
  if (!call.run) return <Actor id={call.actor} />;
  const step = call.step ?? "";
  return (
    <Link href={`/runs/${encodeURIComponent(call.run)}?step=${encodeURIComponent(step)}`}>
      <span className="mono small">{call.run}</span>
      <br />
      <span className="small">
        {calls.step} <bdi>{step.split("/").at(-1)}</bdi>
      </span>
    </Link>
  );
}
