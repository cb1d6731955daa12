// Names with values, such as a query or headers. A value may be an expression.

import { useState } from "react";
import { same } from "../../../canvas/text/source";
import { form as words } from "../../../texts/builder";
import { Pairs } from "../../../ui/Field";
import { textOf, valueOf } from "./valueText";

interface PairsFieldProps {
  label: string;
  value: Record<string, unknown>;
  onChange: (value: Record<string, unknown> | undefined) => void;
}

/** Rows without a name yet are kept here; the document has no place for them. */
export function PairsField({ label, value, onChange }: PairsFieldProps) {
  const [typed, setTyped] = useState<[string, string][]>([]);
  const rows = same(meant(typed), value) ? typed : Object.entries(value).map(([name, each]): [string, string] => [name, textOf(each)]);
  const change = (next: [string, string][]) => {
    setTyped(next);
    const pairs = meant(next);
    if (!same(pairs, value)) onChange(Object.keys(pairs).length === 0 ? undefined : pairs);
  };
  return <Pairs legend={label} nameLabel={`${label}: ${words.name}`} valueLabel={`${label}: ${words.value}`} pairs={rows} onChange={change} />;
}

function meant(rows: readonly [string, string][]): Record<string, unknown> {
  const pairs: Record<string, unknown> = {};
  for (const [name, text] of rows) {
    const read = valueOf(text);
    if (name !== "") pairs[name] = "value" in read ? (read.value ?? "") : text;
  }
  return pairs;
}
