// What a choice offers.

import { form as words } from "../../../texts/builder";

interface Choice {
  value: string;
  label: string;
}

/** A value that is written but not offered is offered, so that it is not lost. */
export function withOther(options: readonly Choice[], value: string): readonly Choice[] {
  const known = options.some((option) => option.value === value);
  return known ? options : [{ value, label: value === "" ? words.nothing : value }, ...options];
}
