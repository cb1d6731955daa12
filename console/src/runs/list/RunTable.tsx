import { Link } from "wouter";
import type { RunCard } from "../../api/runs";
import { runs } from "../../texts/runs";
import { StackedTable } from "../../ui/StackedTable";
import { Time } from "../../ui/Time";
import { StartedBy } from "../StartedBy";
import { StatusBadge } from "../StatusBadge";
import { took } from "../took";

export function RunTable({ found }: { found: RunCard[] }) {
  return (
    <StackedTable label={runs.title} columns={[runs.run, runs.status, runs.startedAt, runs.startedBy, runs.took]}>
      {found.map((run) => (
        <tr key={run.id}>
          <td>
            <Link href={`/runs/${encodeURIComponent(run.id)}`} className="strong">
              <bdi>{run.flow}</bdi>
            </Link>
            <div className="muted small mono">{run.id}</div>
          </td>
          <td data-label={runs.status}>
            <StatusBadge status={run.status} />
            {run.error?.title && <div className="small muted anywhere"><bdi>{run.error.title}</bdi></div>}
          </td>
          <td data-label={runs.startedAt}>
            <Time at={run.created_at} />
          </td>
          <td data-label={runs.startedBy} className="anywhere">
            <StartedBy run={run} />
          </td>
          <td data-label={runs.took}>
            <Lasted run={run} />
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}

function Lasted({ run }: { run: RunCard }) {
  if (run.ended_at) return <>{took(run.created_at, run.ended_at)}</>;
  return (
    <span className="muted">
      {runs.goesOn} {run.wake_at && <Time at={run.wake_at} />}
    </span>
  );
}
