// Delegated or app-only, side by side, with what changes.

import { graph } from "../../texts/form";
import type { GrantType } from "../lint/scope";

const CHOICES = [
  { grant: "authorization_code", title: graph.delegated, points: graph.delegatedPoints },
  { grant: "client_credentials", title: graph.appOnly, points: graph.appOnlyPoints },
] as const;

export function AsWhom({ grant, onChange }: { grant: GrantType; onChange: (grant: GrantType) => void }) {
  return (
    <fieldset>
      <legend className="visually-hidden">{graph.asWhom}</legend>
      <div className="columns">
        {CHOICES.map((choice) => (
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
