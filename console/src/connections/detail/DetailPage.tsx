// One connection: how it stands, what to do if it does not work, the card, a call to try, what happened.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearch } from "wouter";
import { useHistoryState } from "wouter/use-browser-location";
import { type Card, connectionKey, connectionQuery, connectionsKey, explanationQuery, signsIn, testConnection } from "../../api/connections";
import { refresh } from "../../api/refresh";
import { type Me, may } from "../../api/session";
import { detail, tryIt } from "../../texts/connections";
import { change, form } from "../../texts/form";
import { Button, ButtonLink } from "../../ui/Button";
import { Copyable } from "../../ui/Copyable";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { Words } from "../../ui/Words";
import { StateBadge } from "../StateBadge";
import { useSignIn } from "../useSignIn";
import { ResultCard, Settings } from "./CardView";
import { DeleteDialog } from "./DeleteDialog";
import { ExplainPanel } from "./ExplainPanel";
import { SecretsPanel } from "./SecretsPanel";
import { Timeline } from "./Timeline";
import { TryIt } from "./TryIt";
import { WaitingPanel } from "./WaitingPanel";

export function DetailPage({ name, me }: { name: string; me: Me }) {
  const query = useQuery(connectionQuery(name));
  if (!query.data) {
    return (
      <Page title={name}>
        <Loaded query={query}>{() => null}</Loaded>
      </Page>
    );
  }
  return <Detail card={query.data} me={me} stale={query.isRefetchError ? query.error : null} />;
}

function Detail({ card, me, stale }: { card: Card; me: Me; stale: Error | null }) {
  const client = useQueryClient();
  const [deleting, setDeleting] = useState(false);
  const signIn = useSignIn(card);
  const test = useMutation({
    mutationFn: () => testConnection(card.name),
    onSuccess: (tested) => {
      client.setQueryData(connectionKey(card.name), tested);
      void refresh(client, { queryKey: connectionsKey, exact: true });
    },
  });
  // what the server says when it sends a browser back from the provider
  const cameBack = new URLSearchParams(useSearch()).has("problem");
  const wiped = useHistoryState<{ wiped?: string[] } | null>()?.wiped;
  const operator = may(me, "operator");
  const delegated = signsIn(card);
  return (
    <Page
      title={card.name}
      badge={<StateBadge state={card.state} />}
      actions={
        <>
          {operator && (
            <Button busy={test.isPending} onClick={() => test.mutate()}>
              {detail.test}
            </Button>
          )}
          {operator && delegated && (
            <Button busy={signIn.isPending} variant={card.state === "never_authorized" ? "primary" : "secondary"} onClick={signIn.begin}>
              {card.token ? detail.signInAgain : detail.signIn}
            </Button>
          )}
          {may(me, "admin") && (
            <>
              <ButtonLink to={`/connections/${encodeURIComponent(card.name)}/change`}>{detail.change}</ButtonLink>
              <Button variant="danger" onClick={() => setDeleting(true)}>
                {detail.delete}
              </Button>
            </>
          )}
        </>
      }
    >
      {stale && <ProblemView error={stale} />}
      {test.error && <ProblemView error={test.error} />}
      {wiped && (
        <p role="status" className="note tone-info">
          {wiped.length > 0 ? change.wiped(wiped.join(", ")) : change.saved}
        </p>
      )}
      {test.isSuccess && (
        <p role="status" className="note tone-info">
          {test.data.tested?.message ?? detail.tested}
        </p>
      )}
      {signIn.error && <ProblemView error={signIn.error} />}
      {signIn.signIn?.phase === "waiting" && <WaitingPanel name={card.name} signIn={signIn.signIn} />}
      {signIn.signIn?.phase === "failed" && <SignInFailed detail={signIn.signIn.detail} />}
      {!signIn.signIn && cameBack && <CameBack card={card} />}
      {card.diagnosis && <ExplainPanel card={card} advice={card.diagnosis} me={me} onTest={() => test.mutate()} onSignIn={signIn.begin} />}
      <ResultCard card={card} />
      {card.admin_consent_url && <AdminConsent url={card.admin_consent_url} />}
      {operator && card.base_url && (
        <Panel
          title={tryIt.title}
          lead={tryIt.lead}
          actions={<ButtonLink to={`/explorer?connection=${encodeURIComponent(card.name)}`}>{detail.explorer}</ButtonLink>}
        >
          <TryIt key={card.id} card={card} />
        </Panel>
      )}
      {card.redirect_uri && (
        <Panel title={form.redirectUri} lead={form.redirectLead}>
          <Copyable text={card.redirect_uri} what={form.redirectUri} />
        </Panel>
      )}
      {provesItself(card) && <SecretsPanel card={card} admin={may(me, "admin")} />}
      <Settings card={card} />
      <div>
        <Link href={`/calls?connection=${encodeURIComponent(card.name)}`}>{detail.calls}</Link>
      </div>
      {may(me, "admin") && <Timeline subject={card.id} />}
      {deleting && <DeleteDialog card={card} onClose={() => setDeleting(false)} />}
    </Page>
  );
}

/** Whether there is, or could be, a secret or certificate of an OAuth client. */
function provesItself(card: Card): boolean {
  return card.type === "oauth" && card.client_authentication !== "none";
}

function SignInFailed({ detail: why }: { detail: string }) {
  return (
    <div role="status" className="banner tone-warn">
      <p className="strong">{detail.signInFailed}</p>
      <p>
        <Words text={why} />
      </p>
    </div>
  );
}

/** The address alone proves nothing: the newest sign-in must have failed. */
function CameBack({ card }: { card: Card }) {
  const last = useQuery(explanationQuery(card)).data?.last_authorization;
  return last?.result === "failed" ? <SignInFailed detail={last.detail ?? last.code ?? ""} /> : null;
}

function AdminConsent({ url }: { url: string }) {
  return (
    <Panel title={detail.sendToAdmin} lead={detail.sendToAdminLead}>
      <Copyable text={url} what={detail.sendToAdmin} />
    </Panel>
  );
}
