// A length of time: a number with its unit, or what only text can say.

import { useState } from "react";
import { timing as words } from "../../../texts/timing";
import { Select, TextField } from "../../../ui/Field";
import { ValueField } from "./ValueField";
import { type Unit, UNITS, lengthOf, valueOfLength } from "./duration";

interface DurationFieldProps {
  label: string;
  hint?: string;
  /** What the number means before anything is said. */
  unit: Unit;
  value: unknown;
  onChange: (value: unknown) => void;
}

const OTHER = "other";
const OPTIONS = [...UNITS.map((unit) => ({ value: unit, label: words.units[unit] })), { value: OTHER, label: words.otherLength }] as const;

export function DurationField({ label, hint, unit, value, onChange }: DurationFieldProps) {
  // a unit that was chosen before its number, and whether text was asked for
  const [wanted, setWanted] = useState<Unit | typeof OTHER>(unit);
  const length = lengthOf(value);
  const asText = (value !== undefined && !length) || wanted === OTHER;
  const shown = asText ? OTHER : (length?.unit ?? wanted);
  const write = (amount: string, of: Unit) => onChange(amount === "" ? undefined : (valueOfLength({ amount, unit: of, style: length?.style ?? "text" }) ?? value));
  const choose = (next: Unit | typeof OTHER) => {
    setWanted(next);
    if (next === OTHER) return;
    if (length) write(length.amount, next);
    else if (value !== undefined) onChange(undefined);
  };
  return (
    <div className="columns columns-narrow">
      {asText ? (
        <ValueField label={label} hint={words.lengthHint} kind="line" sees="nothing" base={[]} value={value} onChange={onChange} />
      ) : (
        <TextField label={label} {...(hint === undefined ? {} : { hint })} type="number" min={0} value={length?.amount ?? ""} onChange={(amount) => write(amount, length?.unit ?? wanted)} />
      )}
      <Select label={words.unitOf(label)} value={shown} options={OPTIONS} onChange={choose} />
    </div>
  );
}
