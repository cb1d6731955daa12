// The flow's own retries, each with a name that steps use.

import { useState } from "react";
import { freeName } from "../../../canvas/steps";
import { put } from "../../../canvas/text/patch";
import { type Path, isRecord, valueAt } from "../../../canvas/text/source";
import { fields } from "../../../texts/builder";
import { common } from "../../../texts/common";
import { timing as words } from "../../../texts/timing";
import { Button } from "../../../ui/Button";
import { TextField } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { PolicyFields } from "./PolicyFields";
import { ValueField } from "./ValueField";
import { USUAL_POLICY, renamed } from "./policy";

export function RetriesField({ path }: { path: Path }) {
  const { draft, flow } = useBuilder();
  const retries = valueAt(flow, path);
  const write = (at: Path, value: unknown) => draft.change(put(draft.get().source, [...path, ...at], value), "", 0);
  const known = retries === undefined || (isRecord(retries) && Object.values(retries).every(isRecord));
  if (!known) return <ValueField label={fields.retries.label} hint={fields.retries.hint} kind="value" sees="nothing" base={[]} value={retries} onChange={(value) => write([], value)} />;
  const names = Object.keys(retries ?? {});
  return (
    <fieldset className="stack-small">
      <legend className="field-label">{fields.retries.label}</legend>
      {names.map((name, index) => (
        // a policy has no identity but its place: its name is what is being changed
        <div className="stack-small" key={index}>
          <PolicyName name={name} onChange={(next) => draft.change(renamed(draft.get().source, name, next), "", 0)} />
          <PolicyFields path={[...path, name]} legend={name} />
          <div>
            <Button size="small" icon="cross" onClick={() => write([name], undefined)}>
              {words.retry.remove(name)}
            </Button>
          </div>
        </div>
      ))}
      <div>
        <Button size="small" icon="plus" aria-label={words.retry.add} onClick={() => write([freeName(names, "patient")], USUAL_POLICY)}>
          {common.add}
        </Button>
      </div>
    </fieldset>
  );
}

/** A name is changed once it is left: on the way to it it may be another policy's. */
function PolicyName({ name, onChange }: { name: string; onChange: (name: string) => void }) {
  const [typed, setTyped] = useState<string | undefined>();
  const leave = () => {
    if (typed !== undefined && typed.trim() !== name) onChange(typed.trim());
    setTyped(undefined);
  };
  return <TextField label={words.retry.name} value={typed ?? name} onChange={setTyped} onLeave={leave} />;
}
