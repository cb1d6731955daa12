// One run, as it goes on: how it stands, what a person must or may do, each step, what went in and came out.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { type RunDetail, isOver, runQuery, watchQuery } from "../../api/runs";
import type { Me } from "../../api/session";
import { run as text } from "../../texts/runs";
import { Data } from "../../ui/Data";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { LiveBadge } from "../Live";
import { StatusBadge } from "../StatusBadge";
import { Actions } from "./Actions";
import { FaultView } from "./FaultView";
import { ParkedPanel } from "./ParkedPanel";
import { PicturePanel } from "./PicturePanel";
import { RunFacts } from "./RunFacts";
import { Steps } from "./Steps";

export function RunPage({ id, me }: { id: string; me: Me }) {
  const query = useQuery(runQuery(id));
  if (!query.data) {
    return (
      <Page title={id}>
        <Loaded query={query}>{() => null}</Loaded>
      </Page>
    );
  }
  return <Detail run={query.data} me={me} stale={query.isRefetchError ? query.error : null} />;
}

function Detail({ run, me, stale }: { run: RunDetail; me: Me; stale: Error | null }) {
  const over = isOver(run);
  return (
    <Page
      title={run.flow}
      badge={
        <>
          <StatusBadge status={run.status} />
          {!over && <Live id={run.id} />}
        </>
      }
      actions={<Actions run={run} me={me} />}
    >
      {stale && <ProblemView error={stale} />}
      {run.parked.length > 0 && <ParkedPanel run={run} me={me} />}
      {run.error && (
        <section className="banner tone-bad" aria-label={text.error}>
          <FaultView fault={run.error} />
        </section>
      )}
      <RunFacts run={run} />
      {run.flow && <PicturePanel run={run} flow={run.flow} />}
      <Steps run={run} />
      <Panel title={text.input}>
        <Data value={run.input} file={`${run.id}-input`} />
      </Panel>
      <Panel title={text.output}>{run.status === "completed" ? <Data value={run.output} file={`${run.id}-output`} /> : <p className="muted">{over ? text.nothing : text.noOutput}</p>}</Panel>
      {run.events.length > 0 && (
        <Panel title={text.events}>
          <Data value={run.events} file={`${run.id}-events`} />
        </Panel>
      )}
    </Page>
  );
}

/** Follows the run as long as it is shown. */
function Live({ id }: { id: string }) {
  const client = useQueryClient();
  return <LiveBadge watch={useQuery(watchQuery(client, id))} />;
}
