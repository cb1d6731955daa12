// The flows: deployed, on or off, how many runs are under way.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { type FlowCard, flowsQuery } from "../../api/flows";
import { type Me, may } from "../../api/session";
import { flows } from "../../texts/flows";
import { ButtonLink } from "../../ui/Button";
import { Badge } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { StackedTable } from "../../ui/StackedTable";
import { Time } from "../../ui/Time";

export function FlowsPage({ me }: { me: Me }) {
  const query = useQuery(flowsQuery);
  const actions = may(me, "admin") && (
    <ButtonLink to="/flows/new" variant="primary" icon="plus">
      {flows.create}
    </ButtonLink>
  );
  return (
    <Page title={flows.title} lead={flows.lead} actions={actions}>
      <Loaded query={query} empty={<Empty />}>
        {(items) => <Table items={items} />}
      </Loaded>
    </Page>
  );
}

function Empty() {
  return (
    <section className="panel empty">
      <h2>{flows.empty}</h2>
      <p className="muted">{flows.emptyLead}</p>
    </section>
  );
}

function Table({ items }: { items: FlowCard[] }) {
  return (
    <StackedTable label={flows.title} columns={[flows.flow, flows.state, flows.version, flows.live, flows.changed]}>
      {items.map((flow) => (
        <tr key={flow.id}>
          <td>
            <Link href={`/flows/${encodeURIComponent(flow.key)}`} className="strong">
              <bdi>{flow.key}</bdi>
            </Link>
            {flow.title && (
              <div className="muted small">
                <bdi>{flow.title}</bdi>
              </div>
            )}
          </td>
          <td data-label={flows.state}>
            <Enabled flow={flow} />
          </td>
          <td data-label={flows.version}>{flow.current}</td>
          <td data-label={flows.live}>{flow.live_runs > 0 ? <Link href={`/runs?flow=${encodeURIComponent(flow.key)}`}>{flow.live_runs}</Link> : 0}</td>
          <td data-label={flows.changed}>
            <Time at={flow.updated_at} />
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}

function Enabled({ flow }: { flow: FlowCard }) {
  return flow.enabled ? <Badge tone="good">{flows.enabled}</Badge> : <Badge tone="warn">{flows.disabled}</Badge>;
}
