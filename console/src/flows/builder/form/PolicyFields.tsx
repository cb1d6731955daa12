// One retry policy: after how long, how that grows, and when it is given up.

import { put } from "../../../canvas/text/patch";
import { type Path, valueAt } from "../../../canvas/text/source";
import { timing as words } from "../../../texts/timing";
import { Select, TextField } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { DurationField } from "./DurationField";
import { ValueField } from "./ValueField";
import { withOther } from "./options";
import { GROWTHS, growthOf } from "./policy";

const OTHER = "other";

export function PolicyFields({ path, legend }: { path: Path; legend: string }) {
  const { draft, flow } = useBuilder();
  const at = (...rest: string[]) => valueAt(flow, [...path, ...rest]);
  const write = (value: unknown, ...rest: string[]) => draft.change(put(draft.get().source, [...path, ...rest], value), [...path, ...rest].join("/"), performance.now());
  const growth = growthOf(at("backoff"));
  const count = at("limit", "attempt", "count");
  const growths = [{ value: "", label: words.retry.growths.none }, ...GROWTHS.map((value) => ({ value, label: words.retry.growths[value] }))];
  const when = (field: "when" | "exceptWhen", label: string) => <ValueField label={label} hint={words.retry.whenHint} kind="jq" sees="nothing" base={[]} value={at(field)} onChange={(value) => write(value, field)} />;
  return (
    <fieldset className="case stack-small">
      <legend className="field-label">{legend}</legend>
      <DurationField label={words.retry.delay} unit="seconds" value={at("delay")} onChange={(value) => write(value, "delay")} />
      <Select label={words.retry.growth} value={growth ?? OTHER} options={withOther(growths, growth ?? OTHER)} onChange={(value) => value !== OTHER && write(value === "" ? undefined : { [value]: {} }, "backoff")} />
      <TextField
        label={words.retry.count}
        hint={words.retry.countHint}
        type="number"
        min={0}
        value={typeof count === "number" ? String(count) : ""}
        onChange={(text) => write(text === "" ? undefined : Number(text), "limit", "attempt", "count")}
      />
      <DurationField label={words.retry.duration} unit="minutes" value={at("limit", "duration")} onChange={(value) => write(value, "limit", "duration")} />
      <DurationField label={words.retry.attempt} unit="seconds" value={at("limit", "attempt", "duration")} onChange={(value) => write(value, "limit", "attempt", "duration")} />
      <DurationField label={words.retry.jitterFrom} unit="seconds" value={at("jitter", "from")} onChange={(value) => write(value, "jitter", "from")} />
      <DurationField label={words.retry.jitterTo} unit="seconds" value={at("jitter", "to")} onChange={(value) => write(value, "jitter", "to")} />
      {when("when", words.retry.when)}
      {when("exceptWhen", words.retry.exceptWhen)}
    </fieldset>
  );
}
