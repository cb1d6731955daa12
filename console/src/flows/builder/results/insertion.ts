// Putting jq into what stands in a field already.

import { isExpression } from "../form/valueText";

export type FieldKind = "jq" | "value" | "uri";

/** The text of a field with `jq` where the caret is. */
export function withJq(kind: FieldKind, text: string, caret: number, jq: string): string {
  const at = Math.min(Math.max(0, caret), text.length);
  if (kind === "uri") return inUri(text, at, jq);
  if (text.trim() === "") return kind === "jq" ? jq : `\${ ${jq} }`;
  const open = kind === "jq" || text.lastIndexOf("${", at - 1) > text.lastIndexOf("}", at - 1);
  return text.slice(0, at) + (open ? jq : `\${ ${jq} }`) + text.slice(at);
}

/** A URI that computes is one expression: a text with interpolations. */
function inUri(text: string, at: number, jq: string): string {
  if (text === "") return `\${ ${jq} }`;
  if (isExpression(text)) return text.slice(0, at) + `\\(${jq})` + text.slice(at);
  const plain = (part: string) => JSON.stringify(part).slice(1, -1).replaceAll(/\{(\w+)\}/g, "\\(.$1)");
  return `\${ "${plain(text.slice(0, at))}\\(${jq})${plain(text.slice(at))}" }`;
}
