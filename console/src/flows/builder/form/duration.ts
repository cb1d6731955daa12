// Lengths of time as a number and a unit, where they are that simple: `PT5M` or `{minutes: 5}`.

import { isRecord } from "../../../canvas/text/source";

export const UNITS = ["seconds", "minutes", "hours", "days"] as const;
export type Unit = (typeof UNITS)[number];

export interface Length {
  /** As it is written: a number may be typed with a fraction. */
  amount: string;
  unit: Unit;
  /** How the document says it. */
  style: "text" | "object";
}

const TEXT = /^P(?:(\d+)D|T(\d+(?:\.\d+)?)([HMS]))$/;
const LETTERS: Record<string, Unit> = { H: "hours", M: "minutes", S: "seconds" };
const NUMBER = /^\d+(?:\.\d+)?$/;

/** Nothing for what has more than one unit, is computed, or is no length. */
export function lengthOf(value: unknown): Length | undefined {
  if (typeof value === "string") {
    const [, days, amount = days, letter = ""] = TEXT.exec(value) ?? [];
    return amount === undefined ? undefined : { amount, unit: LETTERS[letter] ?? "days", style: "text" };
  }
  const [only, ...others] = isRecord(value) ? Object.entries(value) : [];
  const unit = UNITS.find((name) => name === only?.[0]);
  if (!only || others.length > 0 || unit === undefined || typeof only[1] !== "number" || !Number.isInteger(only[1])) return undefined;
  return { amount: String(only[1]), unit, style: "object" };
}

/** What the document says for it; nothing for what is no length. Parts of days are no lengths of ISO 8601 here. */
export function valueOfLength({ amount, unit, style }: Length): unknown {
  if (!NUMBER.test(amount)) return undefined;
  if (amount.includes(".") && unit === "days") return undefined;
  if (style === "object" && !amount.includes(".")) return { [unit]: Number(amount) };
  return unit === "days" ? `P${amount}D` : `PT${amount}${unit.charAt(0).toUpperCase()}`;
}
