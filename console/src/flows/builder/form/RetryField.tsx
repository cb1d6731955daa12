// Whether what failed is tried again: not, as one of the flow's retries says, or as is said here.

import { put } from "../../../canvas/text/patch";
import { type Path, isRecord, valueAt } from "../../../canvas/text/source";
import { fields } from "../../../texts/builder";
import { timing as words } from "../../../texts/timing";
import { Select } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { PolicyFields } from "./PolicyFields";
import { USUAL_POLICY } from "./policy";

const NOT = "";
const HERE = "\u0000here";

export function RetryField({ path }: { path: Path }) {
  const { draft, flow } = useBuilder();
  const retry = valueAt(flow, path);
  const retries = valueAt(flow, ["use", "retries"]);
  const named = isRecord(retries) ? Object.keys(retries) : [];
  const name = typeof retry === "string" ? retry : undefined;
  const missing = name !== undefined && !named.includes(name) ? [name] : [];
  const options = [
    { value: NOT, label: words.retryNot },
    ...named.map((each) => ({ value: each, label: each })),
    ...missing.map((each) => ({ value: each, label: words.retryMissing(each) })),
    { value: HERE, label: words.retryHere },
  ];
  const choose = (next: string) => {
    // what a name stood for is where one's own begins
    const own = (name !== undefined && isRecord(retries) ? retries[name] : undefined) ?? USUAL_POLICY;
    draft.change(put(draft.get().source, path, next === NOT ? undefined : next === HERE ? own : next), "", 0);
  };
  return (
    <div className="stack-small">
      <Select label={fields.retry.label} hint={fields.retry.hint} value={name ?? (retry === undefined ? NOT : HERE)} options={options} onChange={choose} />
      {retry !== undefined && name === undefined && <PolicyFields path={path} legend={words.retryHere} />}
    </div>
  );
}
