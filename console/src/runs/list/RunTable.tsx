import { Link } from "wouter";
import type { RunCard } from "../../api/runs";
import { runs } from "../../texts/runs";
import { Time } from "../../ui/Time";
import { StartedBy } from "../StartedBy";
import { StatusBadge } from "../StatusBadge";
import { took } from "../took";

export function RunTable({ found }: { found: RunCard[] }) {
  return (
    <div className="scroll panel-flat" tabIndex={0} role="region" aria-label={runs.title}>
      <table className="table table-stacked">
        <thead>
          <tr>
            <th scope="col">{runs.run}</th>
            <th scope="col">{runs.status}</th>
            <th scope="col">{runs.startedAt}</th>
            <th scope="col">{runs.startedBy}</th>
            <th scope="col">{runs.took}</th>
          </tr>
        </thead>
        <tbody>
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
        </tbody>
      </table>
    </div>
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
