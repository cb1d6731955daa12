// The first page: what needs a person now, and what went on in the last day.

import { useQuery } from "@tanstack/react-query";
import { connectionsQuery } from "../api/connections";
import { overviewQuery } from "../api/overview";
import { type Me, may } from "../api/session";
import { home } from "../texts/home";
import { ButtonLink } from "../ui/Button";
import { Loaded } from "../ui/Loaded";
import { Page, Panel } from "../ui/Page";
import { Attention } from "./Attention";
import { Day } from "./Day";

export function HomePage({ me }: { me: Me }) {
  const connections = useQuery(connectionsQuery);
  const overview = useQuery(overviewQuery);
  return (
    <Page title={home.title}>
      <Loaded query={connections} empty={<Welcome admin={may(me, "admin")} />}>
        {() => null}
      </Loaded>
      <Attention connections={connections.data ?? []} />
      <Panel title={home.day} lead={home.dayLead}>
        <Loaded query={overview}>{(hours) => <Day hours={hours} />}</Loaded>
      </Panel>
    </Page>
  );
}

function Welcome({ admin }: { admin: boolean }) {
  return (
    <section className="panel empty">
      <h2>{home.noConnections}</h2>
      <p className="muted">{home.noConnectionsLead}</p>
      {admin && (
        <ButtonLink to="/connections/new" variant="primary" icon="plus">
          {home.newConnection}
        </ButtonLink>
      )}
    </section>
  );
}
