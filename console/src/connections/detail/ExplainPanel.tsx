// Why a connection does not work: what happened, why, who can cure it, the one thing to do, and the raw
// details for a support request.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type Advice, type Card, type Explanation, changeConnection, connectionKey, explanationQuery, signsIn } from "../../api/connections";
import { type Me, may } from "../../api/session";
import { cures, detail } from "../../texts/connections";
import { form } from "../../texts/form";
import { Button, ButtonLink, OutsideLink } from "../../ui/Button";
import { Copyable } from "../../ui/Copyable";
import { type Fact, Facts } from "../../ui/Facts";
import { ProblemView } from "../../ui/ProblemView";
import { Time } from "../../ui/Time";
import { Words } from "../../ui/Words";
import { safeLink } from "../../ui/textParts";

interface ExplainPanelProps {
  card: Card;
  advice: Advice;
  me: Me;
  onTest: () => void;
  onSignIn: () => void;
}

const TONES: Partial<Record<Card["state"], string>> = { ok: "tone-info", waiting: "tone-info", renewing: "tone-info", never_authorized: "tone-info", needs_user: "tone-warn", needs_admin: "tone-warn", degraded: "tone-warn" };

export function ExplainPanel({ card, advice, me, onTest, onSignIn }: ExplainPanelProps) {
  const explanation = useQuery(explanationQuery(card));
  return (
    <section className={`banner ${TONES[card.state] ?? "tone-bad"}`} aria-label={detail.why}>
      <h2>
        <Words text={advice.what} />
      </h2>
      <Facts
        facts={[
          [detail.cause, <Words text={advice.why} />],
          [detail.who, <Words text={advice.who_text} />],
          [detail.doThis, <Cure card={card} advice={advice} me={me} onTest={onTest} onSignIn={onSignIn} />],
          [detail.since, <Time at={card.state_since} />],
          [detail.retryAt, advice.retry_at ? <Time at={advice.retry_at} /> : null],
        ]}
      />
      <details>
        <summary>{detail.commandLine}</summary>
        <div className="stack-small more">
          <p>
            <Words text={advice.next} />
          </p>
          {advice.command && <Copyable text={advice.command} what={detail.commandLine} />}
        </div>
      </details>
      <details>
        <summary>{detail.raw}</summary>
        <div className="stack-small more">
          {explanation.isError && <ProblemView error={explanation.error} />}
          <Raw advice={advice} explanation={explanation.data} />
        </div>
      </details>
    </section>
  );
}

function Cure({ card, advice, me, onTest, onSignIn }: ExplainPanelProps) {
  const { action } = advice;
  const admin = may(me, "admin");
  const link = safeLink(advice.link);
  const toChange = `/connections/${encodeURIComponent(card.name)}/change`;
  const settings = ["change_tenant", "change_client_id", "change_endpoint", "change_scope"].includes(action);
  return (
    <div className="stack-small">
      <p>{cures[action] ?? <Words text={advice.next} />}</p>
      {action === "register_redirect_uri" && card.redirect_uri && <Copyable text={card.redirect_uri} what={form.redirectUri} />}
      {link && (
        <>
          <p className="small muted">{detail.sendToAdminLead}</p>
          <Copyable text={link} what={detail.sendToAdmin} />
        </>
      )}
      <div className="row">
        {link && (
          <OutsideLink to={link} variant="primary">
            {detail.adminLink}
          </OutsideLink>
        )}
        {may(me, "operator") && ["reauthorize", "register_redirect_uri"].includes(action) && signsIn(card) && (
          <Button variant="primary" onClick={onSignIn}>
            {detail.signInAgain}
          </Button>
        )}
        {admin && action === "replace_secret" && (
          <ButtonLink to={toChange} variant="primary">
            {detail.replaceSecret}
          </ButtonLink>
        )}
        {admin && advice.suggestion && <UseScope card={card} scope={advice.suggestion} />}
        {admin && settings && <ButtonLink to={toChange}>{detail.changeSettings}</ButtonLink>}
        {may(me, "operator") && !["none", "reauthorize", "replace_connection"].includes(action) && <Button onClick={onTest}>{detail.thenTest}</Button>}
      </div>
    </div>
  );
}

/** The scope that would work, in one click. */
function UseScope({ card, scope }: { card: Card; scope: string }) {
  const client = useQueryClient();
  const use = useMutation({
    mutationFn: () => changeConnection(card.name, card.version, { scope }),
    onSuccess: (changed) => client.setQueryData(connectionKey(card.name), changed.connection),
  });
  return (
    <>
      <Button variant="primary" busy={use.isPending} onClick={() => use.mutate()}>
        {detail.useScope(scope)}
      </Button>
      {use.error && <ProblemView error={use.error} />}
    </>
  );
}

function Raw({ advice, explanation }: { advice: Advice; explanation: Explanation | undefined }) {
  const raw = explanation?.raw;
  const facts: Fact[] = [
    ["code", <code>{advice.code}</code>],
    ["AADSTS", raw?.aadsts && <code>{raw.aadsts}</code>],
    ["trace_id", raw?.trace_id && <code>{raw.trace_id}</code>],
    ["correlation_id", raw?.correlation_id && <code>{raw.correlation_id}</code>],
  ];
  const provider = raw?.provider ?? advice.provider;
  return (
    <>
      <Facts facts={facts} />
      {provider ? <Block title={detail.provider} value={provider} /> : null}
      {raw?.last_call_failure ? <Block title={detail.lastFailure} value={raw.last_call_failure} /> : null}
    </>
  );
}

function Block({ title, value }: { title: string; value: unknown }) {
  return (
    <>
      <h3>{title}</h3>
      <div className="scroll panel-flat" tabIndex={0} role="region" aria-label={title}>
        <pre className="raw">{JSON.stringify(value, null, 2)}</pre>
      </div>
    </>
  );
}
