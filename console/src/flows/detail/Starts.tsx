import { Link } from "wouter";
import type { FlowDetail, HookCard } from "../../api/flows";
import { flow as text } from "../../texts/flows";
import { Copyable } from "../../ui/Copyable";
import { Facts } from "../../ui/Facts";
import { Panel } from "../../ui/Page";
import { ExactTime, Time } from "../../ui/Time";

/** What starts a flow: a person, times, messages. */
export function Starts({ flow }: { flow: FlowDetail }) {
  const idle = flow.firings.filter((firing) => firing.outcome !== "started");
  return (
    <Panel title={text.starts}>
      <p className="muted">{text.byHand}</p>
      {flow.schedules.length > 0 && (
        <div className="stack-small">
          <h3>{text.schedule}</h3>
          <ul className="plain">
            {flow.schedules.map(({ trigger, next_at, gathered, trouble }) => (
              <li key={trigger} className="row">
                <code>{trigger}</code>
                <span className="muted">{text.next}:</span>
                {next_at ? (
                  <span>
                    <ExactTime at={next_at} /> (<Time at={next_at} />)
                  </span>
                ) : (
                  <span className="muted">{text.nextNone}</span>
                )}
                {typeof gathered === "number" && <span className="muted">{text.gathered(gathered)}</span>}
                {trouble && (
                  <span className="anywhere">
                    <code>{trouble.code}</code> {trouble.detail}
                  </span>
                )}
              </li>
            ))}
          </ul>
        </div>
      )}
      {idle.length > 0 && (
        <div className="stack-small">
          <h3>{text.idle}</h3>
          <ul className="plain">
            {idle.map(({ trigger, nominal, outcome }) => (
              <li key={`${trigger} ${nominal}`} className="row">
                <code>{trigger}</code>
                <span className="muted">{text.outcomes[outcome] ?? outcome}:</span>
                <ExactTime at={nominal} />
              </li>
            ))}
          </ul>
        </div>
      )}
      {flow.hooks.length > 0 && (
        <div className="stack-small">
          <h3>{text.hooks}</h3>
          {flow.hooks.map((hook) => (
            <Hook key={hook.name} hook={hook} />
          ))}
        </div>
      )}
    </Panel>
  );
}

function Hook({ hook }: { hook: HookCard }) {
  return (
    <div className="stack-small need">
      <Copyable text={hook.url} what={`${text.url} ${hook.name}`} />
      <Facts
        facts={[
          [text.hook, [hook.methods.join(", "), hook.content_type, typeof hook.wait_seconds === "number" && text.waits(hook.wait_seconds)].filter(Boolean).join(", ")],
          [text.proof, text.proofs[hook.authentication]],
          [
            text.secretsOf,
            hook.secrets.length > 0 && (
              <ul className="scopes">
                {hook.secrets.map((name) => (
                  <li key={name}>
                    <Link href={`/secrets?name=${encodeURIComponent(name)}`} className="scope">
                      {name}
                    </Link>
                  </li>
                ))}
              </ul>
            ),
          ],
        ]}
      />
    </div>
  );
}
