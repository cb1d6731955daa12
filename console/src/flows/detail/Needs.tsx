import { Link } from "wouter";
import type { Need } from "../../api/flows";
import { states } from "../../texts/connections";
import { flow as text } from "../../texts/flows";
import { ButtonLink } from "../../ui/Button";
import { Badge, Scopes } from "../../ui/Facts";
import { Panel } from "../../ui/Page";
import { Words } from "../../ui/Words";
import { CallBadge, Permissions } from "./Permissions";

/** The connections and secrets that a flow names, against what is there. */
export function Needs({ needs, admin }: { needs: Need[]; admin: boolean }) {
  return (
    <Panel title={text.needs} lead={text.needsLead}>
      {needs.length === 0 && <p className="muted">{text.needsNothing}</p>}
      <ul className="plain stack">
        {needs.map((need) => (
          <li key={need.name} className="stack-small need">
            <div className="row">
              <Name need={need} />
              <span className="muted small">{text.kinds[need.standing.kind]}</span>
              <Standing need={need} />
            </div>
            {need.problem && (
              <p className="note tone-warn">
                <Words text={need.problem} />
              </p>
            )}
            {admin && need.standing.kind === "missing" && (
              <div className="row">
                <ButtonLink size="small" to="/connections/new">
                  {text.makeIt}
                </ButtonLink>
                <ButtonLink size="small" to={`/secrets?name=${encodeURIComponent(need.name)}`}>
                  {text.storeIt}
                </ButtonLink>
              </div>
            )}
            {need.standing.kind === "connection" && (
              <>
                {need.permissions ? (
                  <Permissions needed={need.permissions} />
                ) : (
                  <div className="row">
                    <span className="muted small">{text.granted}</span>
                    <Scopes names={need.granted} none={text.grantedNone} />
                  </div>
                )}
                <details>
                  <summary className="small">
                    {text.calls} ({need.calls.length})
                  </summary>
                  <ul className="plain more">
                    {need.calls.map((call, at) => (
                      <li key={`${call.task} ${at}`} className="small anywhere">
                        <code>
                          {call.method === "batch" ? text.batched(call.endpoint) : `${call.method.toUpperCase()} ${call.endpoint ?? text.anywhere}`}
                        </code>{" "}
                        {call.standing && <CallBadge standing={call.standing} />}{" "}
                        <span className="muted mono">{call.task}</span>
                      </li>
                    ))}
                    {need.calls.length === 0 && <li className="muted small">{text.callsNone}</li>}
                  </ul>
                </details>
              </>
            )}
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function Name({ need }: { need: Need }) {
  if (need.standing.kind !== "connection") return <bdi className="strong">{need.name}</bdi>;
  return (
    <Link href={`/connections/${encodeURIComponent(need.name)}`} className="strong">
      <bdi>{need.name}</bdi>
    </Link>
  );
}

function Standing({ need: { standing } }: { need: Need }) {
  if (standing.kind === "missing") return <Badge tone="bad">{text.missing}</Badge>;
  if (standing.kind === "secret") return <Badge tone="good">{text.there}</Badge>;
  const known = Object.entries(states).find(([state]) => state === standing.state)?.[1];
  return <Badge tone={known?.tone ?? "neutral"}>{known?.label ?? standing.state}</Badge>;
}
