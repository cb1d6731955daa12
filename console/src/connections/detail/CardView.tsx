// The result card and the settings: everything about a connection that may be seen.

import { type Card, type Token, signsIn } from "../../api/connections";
import { card as text } from "../../texts/connections";
import { clientAuthentications } from "../../texts/form";
import { type Fact, Facts, Scopes } from "../../ui/Facts";
import { Notes } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { Time } from "../../ui/Time";
import { Words } from "../../ui/Words";
import { kindOf } from "../kind";

export function ResultCard({ card }: { card: Card }) {
  const { token, identity } = card;
  const facts: Fact[] = [
    [text.identity, identityText(card)],
    [text.authorizedBy, card.authorized_by],
    [text.tenant, identity?.tenant ?? card.tenant],
    [text.audience, identity?.audience],
    ...(token ? tokenFacts(token, !signsIn(card)) : []),
    [text.expiry, token || !isOAuth(card) ? null : <span className="muted">{text.noToken}</span>],
    [text.secretExpiry, card.secret_expires_at ? <Time at={card.secret_expires_at} /> : null],
    [text.baseUrl, card.base_url],
    [text.origins, <Scopes names={card.origins} none={text.nothing} />],
  ];
  return (
    <Panel title={text.title}>
      {card.recognised && <p className="note tone-info">{text.recognised}</p>}
      <Facts facts={facts} />
      {card.warnings.length > 0 && <Notes notes={card.warnings.map((warning) => ({ severity: "warning", message: warning.message }))} />}
    </Panel>
  );
}

function identityText(card: Card) {
  const { identity } = card;
  if (!identity) return card.type === "oauth" && !signsIn(card) ? text.app : null;
  // each on its own: a name may hold characters that turn the direction of what follows
  return (
    <>
      <bdi>{identity.name ?? identity.username ?? identity.id ?? text.app}</bdi>
      {identity.name && identity.username && (
        <>
          {" · "}
          <bdi>{identity.username}</bdi>
        </>
      )}{" "}
      {identity.hint && <span className="muted small">({text.hint})</span>}
    </>
  );
}

function tokenFacts(token: Token, appOnly: boolean): Fact[] {
  const renewable = token.refresh_token ? text.refreshYes : text.refreshNo;
  const endless = token.expires_in_assumed && !token.refresh_token && !appOnly;
  return [
    [
      text.expiry,
      endless ? (
        text.expiryNone
      ) : (
        <>
          <Time at={token.expires_at} /> {token.expires_in_assumed && <span className="muted small">{text.expiryAssumed}</span>}
        </>
      ),
    ],
    [text.nextRenewal, token.next_renewal ? <Time at={token.next_renewal} /> : null],
    [text.refreshToken, appOnly ? text.refreshApp : renewable],
    [text.requested, <Scopes names={token.requested} none={text.nothing} />],
    [token.granted_is_hint ? text.grantedHint : text.granted, <Scopes names={token.granted} none={text.nothing} />],
    [text.missing, <Scopes names={token.missing} none={text.nothing} />],
  ];
}

export function Settings({ card }: { card: Card }) {
  const method = clientAuthentications.find((known) => known.value === card.client_authentication)?.label ?? card.client_authentication;
  const facts: Fact[] = [
    [text.authType, kindOf(card)],
    [text.cloud, card.cloud],
    [text.tenant, card.tenant],
    [text.issuer, card.issuer],
    [text.tokenPath, card.token_endpoint],
    [text.authorizePath, card.authorization_endpoint],
    [text.devicePath, card.device_authorization_endpoint],
    [text.signsFor, card.assertion?.subject],
    [text.audience, card.assertion?.audience],
    [text.clientId, card.client_id],
    [text.clientAuthentication, method && [method, card.client_authentication_used && text.learned(card.client_authentication_used)].filter(Boolean).join(": ")],
    [text.scope, card.scope && <span className="mono">{card.scope}</span>],
    [text.username, card.username],
    [text.headers, card.header_names.length > 0 && <Scopes names={card.header_names} none="" />],
    [text.queryKey, card.query_key_name],
    [
      text.created,
      <>
        <Time at={card.created_at} /> <Words text={text.by(card.created_by)} />
      </>,
    ],
    [text.changed, <Time at={card.updated_at} />],
  ];
  return (
    <Panel title={text.settings}>
      <Facts facts={facts} />
    </Panel>
  );
}

function isOAuth(card: Card): boolean {
  return card.type === "oauth";
}
