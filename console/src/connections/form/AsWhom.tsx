// Delegated or app-only, side by side, with what changes.

import { graph } from "../../texts/form";
import type { GrantType } from "../lint/scope";

interface AsWhomProps {
  grant: GrantType;
  onChange: (grant: GrantType) => void;
  /** What each choice means, in this provider's words. */
  words?: { delegatedPoints: string[]; appOnlyPoints: string[] };
}

export function AsWhom({ grant, onChange, words = graph }: AsWhomProps) {
  const choices = [
    { grant: "authorization_code", title: graph.delegated, points: words.delegatedPoints },
    { grant: "client_credentials", title: graph.appOnly, points: words.appOnlyPoints },
  ] as const;
  return (
    <fieldset>
      <legend className="visually-hidden">{graph.asWhom}</legend>
      <div className="columns">
        {choices.map((choice) => (
          <label key={choice.grant} className="choice">
            <input type="radio" name="grant" checked={grant === choice.grant} onChange={() => onChange(choice.grant)} />
            <span className="stack-small">
              <span className="strong">{choice.title}</span>
              <ul className="small muted">
                {choice.points.map((point) => (
                  <li key={point}>{point}</li>
                ))}
              </ul>
            </span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}
