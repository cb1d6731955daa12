// What happened to a connection: its rows of the audit log, newest first.

import { useInfiniteQuery } from "@tanstack/react-query";
import { type AuditEntry, NO_FILTER, auditQuery } from "../../api/administration";
import { detail, events } from "../../texts/connections";
import { Button } from "../../ui/Button";
import { Loading } from "../../ui/Loaded";
import { Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { Time } from "../../ui/Time";
import { factsOf } from "../../ui/detailLine";

const PAGE = 15;

export function Timeline({ subject }: { subject: string }) {
  const query = useInfiniteQuery(auditQuery({ ...NO_FILTER, subject }, PAGE));
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  return (
    <Panel title={detail.timeline}>
      {query.isPending && <Loading />}
      {query.isError && <ProblemView error={query.error} />}
      {query.isSuccess && entries.length === 0 && <p className="muted">{detail.timelineEmpty}</p>}
      <ol className="timeline">
        {entries.map((entry) => (
          <Event key={entry.id} entry={entry} />
        ))}
      </ol>
      {query.hasNextPage && (
        <div>
          <Button size="small" busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {detail.timelineMore}
          </Button>
        </div>
      )}
    </Panel>
  );
}

function Event({ entry }: { entry: AuditEntry }) {
  return (
    <li>
      <div className="row">
        <span className="strong">{events[entry.action] ?? entry.action}</span>
        <span className="muted small">
          <Time at={entry.at} /> · <bdi>{entry.actor_name}</bdi>
        </span>
      </div>
      <p className="muted small anywhere">
        <bdi>{factsOf(entry.detail)}</bdi>
      </p>
    </li>
  );
}
