// The connection that a call goes through.

import { put } from "../../../canvas/text/patch";
import { parse, type Path, valueAt } from "../../../canvas/text/source";
import { fields, form as words } from "../../../texts/builder";
import { Select } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { connectionOf, declared, policyFor } from "./authentication";

interface AuthenticationFieldProps {
  path: Path;
  /** Writes the policy where it does not stand alone; at `path` otherwise. */
  write?: (source: string, policy: unknown) => string;
}

export function AuthenticationField({ path, write = (source, policy) => put(source, path, policy) }: AuthenticationFieldProps) {
  const { draft, flow, connections } = useBuilder();
  const chosen = connectionOf(flow, valueAt(flow, path)) ?? "";
  const names = connections.map(({ name }) => name);
  const options = [{ value: "", label: words.noConnection }, ...names.map((name) => ({ value: name, label: name }))];
  if (chosen !== "" && !names.includes(chosen)) options.push({ value: chosen, label: words.missingConnection(chosen) });
  const choose = (name: string) => {
    const { source } = draft.get();
    const { value } = parse(source);
    if (name === "") return draft.change(write(source, undefined), "", 0);
    const policy = policyFor(value, name, connections.find((card) => card.name === name));
    draft.change(declared(write(source, policy), name), "", 0);
  };
  return <Select label={fields.connection.label} hint={fields.connection.hint} value={chosen} options={options} onChange={choose} />;
}
