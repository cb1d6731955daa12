// Values as people type them: YAML, jq, and what lies between.

import { block, inline } from "../../../canvas/text/render";
import { read } from "../../../canvas/text/source";

const EXPRESSION = /^\s*\$\{([\s\S]+)\}\s*$/;

/** The jq of an expression, which may be written without its brackets. */
export function jqOf(value: unknown): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") return inline(value);
  return EXPRESSION.exec(value)?.[1]?.trim() ?? value;
}

/** Always with brackets; nothing for nothing. */
export function expressionOf(jq: string): string | undefined {
  const text = jq.trim();
  return text === "" ? undefined : `\${ ${text} }`;
}

export function isExpression(value: unknown): boolean {
  return typeof value === "string" && EXPRESSION.test(value);
}

/** How a value is shown to be changed. */
export function textOf(value: unknown): string {
  if (value === undefined) return "";
  if (typeof value !== "string") return block(value).join("\n");
  return isExpression(value) || readsAs(value, value) ? value : inline(value);
}

export type Read = { value: unknown } | { fault: string };

/** What was typed: an expression, YAML, or text that looks like neither. Nothing is nothing. */
export function valueOf(text: string): Read {
  const trimmed = text.trim();
  if (trimmed === "") return { value: undefined };
  if (trimmed.startsWith("${")) return { value: trimmed };
  const { value, faults } = read(text);
  const [fault] = faults;
  return fault ? { fault: fault.message } : { value };
}

function readsAs(text: string, value: unknown): boolean {
  const read = valueOf(text);
  return "value" in read && read.value === value;
}
