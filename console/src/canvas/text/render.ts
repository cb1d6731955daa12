// Values as YAML: in brackets where they are small, else one line each.

import { stringify } from "yaml";
import { isRecord } from "./source";

const OPTIONS = { version: "1.2", lineWidth: 0, singleQuote: true, flowCollectionPadding: false, doubleQuotedMinMultiLineLength: 1_000_000, aliasDuplicateObjects: false } as const;
const LONGEST_INLINE = 76;
/** Texts of lines that can stand below `|` as they are. */
const LITERAL = /^(?=.*\n)[^\s\p{Cc}](?:[^\p{Cc}]|\n(?!\n$))*$/u;

/** One line, whatever it is. */
export function inline(value: unknown): string {
  if (typeof value === "string" && value.includes("\n")) return JSON.stringify(value);
  const text = stringify(value, { ...OPTIONS, collectionStyle: "flow", blockQuote: false }).trimEnd();
  return text.includes("\n") ? JSON.stringify(value) : text;
}

export function key(name: string): string {
  return inline(name);
}

/** Lines without the indentation that they get where they are put. */
export function block(value: unknown): string[] {
  if (Array.isArray(value) && value.length > 0) return value.flatMap(item);
  if (isRecord(value) && Object.keys(value).length > 0) return Object.entries(value).flatMap(([name, child]) => pair(name, child));
  if (typeof value === "string" && LITERAL.test(value)) return [value.endsWith("\n") ? "|" : "|-", ...value.trimEnd().split("\n")];
  return [typeof value === "string" ? scalar(value) : inline(value)];
}

/** A text outside of brackets, which needs fewer quotes there. */
function scalar(value: string): string {
  const text = stringify(value, { ...OPTIONS, blockQuote: false }).trimEnd();
  return value.includes("\n") || text.includes("\n") ? JSON.stringify(value) : text;
}

/** The lines of `name: value`. */
export function pair(name: string, value: unknown): string[] {
  const head = `${key(name)}:`;
  if (isCollection(value) && !fitsInline(name, value)) return [head, ...block(value).map((line) => indent(line, 2))];
  const [first = "", ...rest] = isCollection(value) ? [inline(value)] : block(value);
  return [`${head} ${first}`, ...rest.map((line) => indent(line, 2))];
}

/** The lines of one thing in a list. */
export function item(value: unknown): string[] {
  const [only, ...others] = isRecord(value) ? Object.entries(value) : [];
  return only && others.length === 0 && isRecord(only[1]) ? step(only[0], only[1]) : under("- ", block(value));
}

/** The lines of one step in a list of steps. */
export function step(name: string, task: unknown): string[] {
  const body = isRecord(task) && Object.keys(task).length > 0 ? [`${key(name)}:`, ...block(task).map((line) => indent(line, 2))] : pair(name, task);
  return under("- ", body);
}

/** A first line behind a mark, the others below it. */
function under(mark: string, lines: readonly string[]): string[] {
  return lines.map((line, at) => (at === 0 ? `${mark}${line}` : indent(line, mark.length)));
}

export function indent(line: string, by: number): string {
  return line === "" ? line : " ".repeat(by) + line;
}

function isCollection(value: unknown): boolean {
  return (Array.isArray(value) && value.length > 0) || (isRecord(value) && Object.keys(value).length > 0);
}

/** Steps are always lines; other things are where they are small and flat enough to be read. */
function fitsInline(name: string, value: unknown): boolean {
  if (depth(value) > 3 || holdsLines(value) || STEPS.has(name)) return false;
  return name.length + inline(value).length + 2 <= LONGEST_INLINE;
}

const STEPS: ReadonlySet<string> = new Set(["do", "try", "branches", "switch"]);

function depth(value: unknown): number {
  if (typeof value !== "object" || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depth));
}

function holdsLines(value: unknown): boolean {
  if (typeof value === "string") return value.includes("\n");
  return typeof value === "object" && value !== null && Object.values(value).some(holdsLines);
}
