// The connections: state, whom each acts as, when it is renewed next.

import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { type Card, connectionsQuery, signsIn } from "../../api/connections";
import { presetsQuery } from "../../api/presets";
import { type Me, may } from "../../api/session";
import { list } from "../../texts/connections";
import { ButtonLink } from "../../ui/Button";
import { Loaded } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { StackedTable } from "../../ui/StackedTable";
import { Time } from "../../ui/Time";
import { StateBadge } from "../StateBadge";
import { kindOf } from "../kind";
import { Door } from "../new/StartPage";

export function ListPage({ me }: { me: Me }) {
  const connections = useQuery(connectionsQuery);
  const admin = may(me, "admin");
  return (
    <Page
      title={list.title}
      lead={list.lead}
      actions={
        admin && (
          <ButtonLink to="/connections/new" variant="primary" icon="plus">
            {list.new}
          </ButtonLink>
        )
      }
    >
      <Loaded query={connections} empty={<Empty admin={admin} />}>
        {(cards) => <Table cards={cards} />}
      </Loaded>
    </Page>
  );
}

function Table({ cards }: { cards: Card[] }) {
  return (
    <StackedTable label={list.title} columns={[list.name, list.state, list.actsAs, list.nextRenewal, list.secretExpiry]}>
      {cards.map((card) => (
        <tr key={card.id}>
          <td>
            <Link href={`/connections/${encodeURIComponent(card.name)}`} className="strong">
              <bdi>{card.name}</bdi>
            </Link>
            <div className="muted small nowrap">{kindOf(card)}</div>
          </td>
          <td data-label={list.state}>
            <StateBadge state={card.state} />
          </td>
          <td data-label={list.actsAs} className="anywhere">
            <bdi>{actsAs(card)}</bdi>
          </td>
          <td data-label={list.nextRenewal}>{card.token?.next_renewal ? <Renewal at={card.token.next_renewal} /> : "–"}</td>
          <td data-label={list.secretExpiry}><SecretExpiry card={card} /></td>
        </tr>
      ))}
    </StackedTable>
  );
}

function Renewal({ at }: { at: string }) {
  return Date.parse(at) <= Date.now() ? <>{list.onNextCall}</> : <Time at={at} />;
}

function SecretExpiry({ card }: { card: Card }) {
  if (card.secret_expires_at) return <Time at={card.secret_expires_at} />;
  return <span className="muted">{card.type === "oauth" ? list.notAsked : "–"}</span>;
}

function actsAs(card: Card): string {
  const { identity } = card;
  const name = identity?.username ?? identity?.name ?? card.username;
  if (name) return name;
  if (card.grant === "client_credentials") return list.itself;
  if (card.grant === "jwt_bearer") return card.assertion?.subject ?? list.itself;
  return signsIn(card) ? list.nobodyYet : "–";
}

function Empty({ admin }: { admin: boolean }) {
  const presets = useQuery({ ...presetsQuery, enabled: admin });
  const sandboxes = presets.data?.clouds.filter((cloud) => cloud.declared) ?? [];
  return (
    <section className="panel empty">
      <h2>{list.emptyTitle}</h2>
      <p className="muted">{admin ? list.emptyLead : list.emptyViewer}</p>
      {admin && (
        <ul className="doors doors-wide">
          {sandboxes.map((cloud) => (
            <Door key={cloud.name} to={`/connections/new/microsoft-graph?cloud=${encodeURIComponent(cloud.name)}`} title={list.trySandbox(cloud.name)} lead={list.trySandboxLead} />
          ))}
          <Door to="/connections/new/microsoft-graph" title={list.graph} lead={list.graphLead} />
          <Door to="/connections/new/api-connector" title={list.any} lead={list.anyLead} />
        </ul>
      )}
    </section>
  );
}
