// One field of a step or of the flow, by what its spec says.

import { KINDS } from "../../../canvas/steps";
import { put } from "../../../canvas/text/patch";
import { type Path, isRecord, valueAt } from "../../../canvas/text/source";
import { fields } from "../../../texts/builder";
import { Check, Select, TextField } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { AuthenticationField } from "./AuthenticationField";
import { CasesField } from "./CasesField";
import { EndpointFields } from "./EndpointFields";
import { PairsField } from "./PairsField";
import { RetriesField } from "./RetriesField";
import { RetryField } from "./RetryField";
import { ScheduleField } from "./ScheduleField";
import { TimeZoneField } from "./TimeZoneField";
import { UsesField } from "./UsesField";
import { ValueField } from "./ValueField";
import { ThenField } from "./ThenField";
import { withOther } from "./options";
import type { Spec } from "./specs";

/** `base` is the path of the step; of the flow it is empty. */
export function SpecField({ spec, base }: { spec: Spec; base: Path }) {
  const { draft, flow } = useBuilder();
  const path = [...base, ...spec.at];
  const value = valueAt(flow, path);
  const words = fields[spec.id];
  const hint = "hint" in words ? words.hint : undefined;
  // what makes a step what it is stays, though nothing is said
  const nothing = base.length > 0 && spec.at.length === 1 && isKind(spec.at[0]) ? "" : undefined;
  const change = (next: unknown) => draft.change(put(draft.get().source, path, next ?? nothing), path.join("/"), performance.now());
  const common = { label: words.label, ...(hint === undefined ? {} : { hint }) };
  switch (spec.as) {
    case "text":
      return <TextField {...common} value={shown(value)} onChange={(text) => change(text === "" ? undefined : text)} />;
    case "number":
      return <TextField {...common} type="number" value={shown(value)} onChange={(text) => change(text === "" ? undefined : Number(text))} />;
    case "check":
      return <Check label={words.label} checked={value === true} onChange={(checked) => change(checked ? true : undefined)} />;
    case "unless":
      return <Check label={words.label} checked={value !== false} onChange={(checked) => change(checked ? undefined : false)} />;
    case "select":
      return <Select {...common} value={shown(value)} options={withOther(spec.options, shown(value))} onChange={(chosen) => change(chosen === "" ? undefined : chosen)} />;
    case "then":
      return <ThenField label={words.label} base={base} value={value} onChange={change} />;
    case "jq":
    case "value":
    case "line":
    case "uri":
      return <ValueField {...common} kind={spec.as} sees={spec.sees} base={base} value={value} onChange={change} />;
    case "pairs":
      return <PairsField label={words.label} value={isRecord(value) ? value : {}} onChange={change} />;
    case "endpoint":
      return <EndpointFields path={path} base={base} />;
    case "authentication":
      return <AuthenticationField path={[...path, "authentication"]} />;
    case "cases":
      return <CasesField path={path} base={base} />;
    case "uses":
      return <UsesField />;
    case "schedule":
      return <ScheduleField path={path} />;
    case "timeZone":
      return <TimeZoneField value={value} onChange={change} />;
    case "retry":
      return <RetryField path={path} />;
    case "retries":
      return <RetriesField path={path} />;
  }
}

const isKind = (name: string | number | undefined) => KINDS.some((kind) => kind === name);

function shown(value: unknown): string {
  if (value === undefined || value === null) return "";
  return typeof value === "string" ? value : JSON.stringify(value);
}
