// One flow: what it needs against what is there, how it is started, its versions.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { type FlowDetail, deleteFlow, flowKey, flowQuery, flowsKey, switchFlow } from "../../api/flows";
import { refresh } from "../../api/refresh";
import { type Me, may } from "../../api/session";
import { flow as text, flows } from "../../texts/flows";
import { Button, ButtonLink } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Badge, Facts } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { Time } from "../../ui/Time";
import { Needs } from "./Needs";
import { Starts } from "./Starts";
import { Versions } from "./Versions";

export function FlowPage({ name, me }: { name: string; me: Me }) {
  const query = useQuery(flowQuery(name));
  if (!query.data) {
    return (
      <Page title={name}>
        <Loaded query={query}>{() => null}</Loaded>
      </Page>
    );
  }
  return <Detail flow={query.data} me={me} stale={query.isRefetchError ? query.error : null} />;
}

function Detail({ flow, me, stale }: { flow: FlowDetail; me: Me; stale: Error | null }) {
  const client = useQueryClient();
  const turn = useMutation({
    mutationFn: (to: "enable" | "disable") => switchFlow(flow.key, to),
    onSuccess: () => refresh(client, { queryKey: flowsKey }),
  });
  const admin = may(me, "admin");
  return (
    <Page
      title={flow.key}
      badge={flow.enabled ? <Badge tone="good">{flows.enabled}</Badge> : <Badge tone="warn">{flows.disabled}</Badge>}
      lead={flow.title && <bdi>{flow.title}</bdi>}
      actions={
        <>
          {may(me, "operator") && flow.enabled && (
            <ButtonLink to={`/flows/${encodeURIComponent(flow.key)}/start`} variant="primary" icon="play">
              {text.start}
            </ButtonLink>
          )}
          <ButtonLink to={`/flows/${encodeURIComponent(flow.key)}/edit`}>{admin ? text.edit : text.look}</ButtonLink>
          <ButtonLink to={`/runs?flow=${encodeURIComponent(flow.key)}`}>{text.runs}</ButtonLink>
          {admin && (
            <Button busy={turn.isPending} onClick={() => turn.mutate(flow.enabled ? "disable" : "enable")}>
              {flow.enabled ? text.disable : text.enable}
            </Button>
          )}
          {admin && <Removal flow={flow} />}
        </>
      }
    >
      {stale && <ProblemView error={stale} />}
      {turn.error && <ProblemView error={turn.error} />}
      {!flow.enabled && <p className="note tone-warn">{text.disabledNote}</p>}
      <Panel title={text.facts}>
        <Facts
          facts={[
            [text.current, text.versionName(flow.current, versionOf(flow))],
            [text.live, String(flow.live_runs)],
            [text.retention, typeof flow.retention_days === "number" ? text.days(flow.retention_days) : null],
            [text.changedAt, <Time at={flow.updated_at} />],
            [text.createdAt, <Time at={flow.created_at} />],
          ]}
        />
      </Panel>
      <Needs needs={flow.preflight} admin={admin} />
      <Starts flow={flow} />
      <Versions flow={flow} admin={admin} />
    </Page>
  );
}

function versionOf(flow: FlowDetail): string {
  return flow.versions.find(({ number }) => number === flow.current)?.version ?? "";
}

function Removal({ flow }: { flow: FlowDetail }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [asking, setAsking] = useState(false);
  const removal = useMutation({
    mutationFn: () => deleteFlow(flow.key),
    onSuccess: () => {
      navigate("/flows");
      client.removeQueries({ queryKey: flowKey(flow.key) });
      void refresh(client, { queryKey: flowsKey });
    },
  });
  return (
    <>
      <Button variant="danger" onClick={() => setAsking(true)}>
        {text.delete}
      </Button>
      {asking && (
        <ConfirmDialog
          title={text.deleteTitle(flow.key)}
          lead={text.deleteLead}
          action={text.deleteDo}
          busy={removal.isPending}
          error={removal.error}
          onConfirm={() => removal.mutate()}
          onClose={() => {
            removal.reset();
            setAsking(false);
          }}
        />
      )}
    </>
  );
}
