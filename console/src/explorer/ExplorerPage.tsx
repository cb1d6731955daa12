// The API explorer: a connection, a request, the answer.

import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { useSearch } from "wouter";
import { call } from "../api/calls";
import { type Card, connectionsQuery } from "../api/connections";
import { presetsQuery } from "../api/presets";
import { type Me, may } from "../api/session";
import { explorer } from "../texts/explorer";
import { CopyButton } from "../ui/Copyable";
import { Loaded, Loading } from "../ui/Loaded";
import { Page, Panel } from "../ui/Page";
import { ProblemView } from "../ui/ProblemView";
import { AnswerPanel } from "./AnswerPanel";
import { MakeStep } from "./MakeStep";
import { RequestForm } from "./RequestForm";
import { type Request, asCli, asCurl, callOf, emptyRequest } from "./request";

export function ExplorerPage({ me }: { me: Me }) {
  const wanted = new URLSearchParams(useSearch()).get("connection");
  // one that was made a moment ago need not be in the list that is at hand
  const connections = useQuery({ ...connectionsQuery, refetchOnMount: "always" });
  const asked = connections.isFetchedAfterMount || wanted === null || connections.data?.some(({ name }) => name === wanted);
  return (
    <Page title={explorer.title} lead={explorer.lead}>
      <Loaded query={connections} empty={<NoConnections />}>
        {(cards) => (asked ? <Explorer cards={cards} me={me} /> : <Loading />)}
      </Loaded>
    </Page>
  );
}

function Explorer({ cards, me }: { cards: Card[]; me: Me }) {
  const parameters = new URLSearchParams(useSearch());
  const [request, setRequest] = useState<Request>(() => {
    // never another one than was asked for
    const name = parameters.get("connection") ?? cards[0]?.name ?? "";
    return emptyRequest(name, parameters.get("path") ?? firstPath(cards.find((known) => known.name === name)));
  });
  const presets = useQuery(presetsQuery).data;
  const sending = useMutation({ mutationFn: (sent: Request) => sendOf(sent) });
  const card = cards.find((known) => known.name === request.connection);
  const command = asCli(request);
  const send = (sent: Request) => {
    setRequest(sent);
    sending.mutate(sent);
  };
  return (
    <>
      <Panel title={explorer.request}>
        <RequestForm
          request={request}
          cards={cards}
          busy={sending.isPending}
          onChange={(changed) => setRequest(changed.connection === request.connection ? changed : { ...changed, path: firstPath(cards.find((known) => known.name === changed.connection)) })}
          onSend={() => send(request)}
        />
        {card && (
          <div className="row">
            <CopyButton text={asCurl(request, presets?.publicUrl ?? window.location.origin)} label={explorer.copyCurl} />
            {command !== undefined && <CopyButton text={command} label={explorer.copyCli} />}
            {may(me, "admin") && <MakeStep request={request} type={card.type} />}
            <span className="muted small">{explorer.copyNote}</span>
          </div>
        )}
      </Panel>
      <div aria-live="polite" className="stack">
        {sending.error && <ProblemView error={sending.error} />}
        {sending.data && <AnswerPanel card={card} timed={sending.data} busy={sending.isPending} onNext={(link) => send({ ...emptyRequest(request.connection, link), headers: request.headers })} />}
      </div>
    </>
  );
}

async function sendOf(request: Request) {
  const body = callOf(request);
  if (!body) throw new Error(explorer.incomplete);
  return call(request.connection, body);
}

function firstPath(card: Card | undefined): string {
  return card?.preset === "microsoft-graph" ? "/v1.0/users" : "/";
}

function NoConnections() {
  return (
    <section className="panel empty">
      <h2>{explorer.noConnections}</h2>
      <p className="muted">{explorer.noConnectionsLead}</p>
    </section>
  );
}
