import type { CallStanding, NeededPermissions } from "../../api/flows";
import { flow as text } from "../../texts/flows";
import { OutsideLink } from "../../ui/Button";
import { Badge, Facts, Scopes } from "../../ui/Facts";
import { Words } from "../../ui/Words";
import { safeLink } from "../../ui/textParts";

/** What the calls of a flow need of a connection, against what it holds. */
export function Permissions({ needed }: { needed: NeededPermissions }) {
  const { kind, least, missing, unused, held, held_is_hint, warnings, cure } = needed;
  const link = safeLink(cure?.link);
  return (
    <div className="stack-small">
      {warnings.map((warning) => (
        <p key={warning} className="note tone-warn">
          <Words text={warning} />
        </p>
      ))}
      {cure && (
        <p>
          <Words text={cure.next} /> <span className="muted">({cure.who_text})</span>
        </p>
      )}
      {link && (
        <div>
          <OutsideLink to={link} size="small">
            {text.consentPage}
          </OutsideLink>
        </div>
      )}
      <Facts
        facts={[
          [text.needed[kind], <Scopes names={least.map(({ name }) => name)} none={text.nothing} />],
          [text.lacking, <Scopes names={missing.map(({ name }) => name)} none={text.nothing} />],
          [text.unused, unused.length > 0 && <Scopes names={unused} none={text.nothing} />],
        ]}
      />
      {!held && <p className="muted small">{text.heldUnknown}</p>}
      {held && held_is_hint && <p className="muted small">{text.heldHint}</p>}
    </div>
  );
}

const TONES = { allowed: "good", missing: "bad", unknown: "neutral", impossible: "bad" } as const;

export function CallBadge({ standing }: { standing: CallStanding }) {
  return <Badge tone={TONES[standing] ?? "neutral"}>{text.callStandings[standing] ?? standing}</Badge>;
}
