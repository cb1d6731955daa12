// Which events start a flow: one type of them, or whatever filters the text says.

import { type Path, isRecord, valueAt } from "../../../canvas/text/source";
import { timing as words } from "../../../texts/timing";
import { TextField } from "../../../ui/Field";
import { ValueField } from "./ValueField";

const TYPE: Path = ["one", "with", "type"];

/** The type, where nothing else is asked of an event; empty for no events at all. */
export function onlyType(on: unknown): string | undefined {
  if (on === undefined) return "";
  const type = valueAt(on, TYPE);
  const alone = (value: unknown) => isRecord(value) && Object.keys(value).length === 1;
  return typeof type === "string" && alone(on) && alone(valueAt(on, ["one"])) && alone(valueAt(on, ["one", "with"])) ? type : undefined;
}

export function EventsField({ value, onChange }: { value: unknown; onChange: (at: Path, value: unknown) => void }) {
  const type = onlyType(value);
  if (type === undefined) return <ValueField label={words.onEvents} hint={words.onEventsHint} kind="value" sees="nothing" base={[]} value={value} onChange={(next) => onChange([], next)} />;
  return <TextField label={words.onType} hint={words.onTypeHint} mono value={type} onChange={(text) => onChange(TYPE, text === "" ? undefined : text)} />;
}
