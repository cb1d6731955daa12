// The connections and secrets that a flow may use: it can use nothing else.

import { put } from "../../../canvas/text/patch";
import { valueAt } from "../../../canvas/text/source";
import { fields } from "../../../texts/builder";
import { Check } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { declared } from "./authentication";

export function UsesField() {
  const { draft, flow, connections, secrets } = useBuilder();
  const known = valueAt(flow, ["use", "secrets"]);
  const used = (Array.isArray(known) ? known : []).filter((name): name is string => typeof name === "string");
  const names = [...new Set([...connections.map(({ name }) => name), ...secrets, ...used])];
  const toggle = (name: string, checked: boolean) => {
    const { source } = draft.get();
    const rest = used.filter((other) => other !== name);
    draft.change(checked ? declared(source, name) : put(source, ["use", "secrets"], rest.length > 0 ? rest : undefined), "", 0);
  };
  return (
    <fieldset className="stack-small">
      <legend className="field-label">{fields.uses.label}</legend>
      {names.map((name) => (
        <Check key={name} label={<bdi>{name}</bdi>} checked={used.includes(name)} onChange={(checked) => toggle(name, checked)} />
      ))}
    </fieldset>
  );
}
