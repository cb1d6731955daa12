// Changes of a text that leave every other line alone.

import { type Node, type YAMLMap, type YAMLSeq, isScalar } from "yaml";
import { block, indent, inline, key, pair as pairLines } from "./render";
import { type Entry, type Parsed, afterColon, dashOf, endOf, endOfPair, isFlow, isRecord, startOf } from "./source";

/** `text` in place of what stands between two offsets. */
export interface Splice {
  from: number;
  to: number;
  text: string;
}

export function apply(text: string, splices: readonly Splice[]): string {
  let changed = text;
  for (const { from, to, text: put } of splices.toSorted((a, b) => b.from - a.from || b.to - a.to)) changed = changed.slice(0, from) + put + changed.slice(to);
  return changed;
}

const eol = (parsed: Parsed) => (parsed.text.includes("\r\n") ? "\r\n" : "\n");
const lineStart = (text: string, at: number) => text.lastIndexOf("\n", at - 1) + 1;
const column = (parsed: Parsed, at: number) => at - lineStart(parsed.text, at);

/** The end of the line that an offset is on, before its line break. */
function lineEnd(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  if (found < 0) return text.length;
  return text[found - 1] === "\r" ? found - 1 : found;
}

/** The offset after the line break. */
function nextLine(text: string, at: number): number {
  const found = text.indexOf("\n", at);
  return found < 0 ? text.length : found + 1;
}

/** In documents that are JSON, values are written as JSON. */
function flowText(parsed: Parsed, value: unknown): string {
  return isJson(parsed) ? JSON.stringify(value) : inline(value);
}

const isJson = (parsed: Parsed) => /^\s*\{\s*"/.test(parsed.text);

const isCollection = (value: unknown) => (Array.isArray(value) && value.length > 0) || (isRecord(value) && Object.keys(value).length > 0);

/** A new value for a pair. */
export function replaceValue(parsed: Parsed, map: YAMLMap, pair: Entry, value: unknown): Splice {
  const to = endOfPair(parsed, pair);
  const old = pair.value;
  if (old && isScalar(old) && !isCollection(value) && to > startOf(old)) {
    const text = isFlow(map) || hasMore(parsed, to) ? flowText(parsed, value) : scalarText(parsed, map, value);
    return { from: startOf(old), to, text };
  }
  const from = afterColon(parsed, pair);
  if (isFlow(map) || hasMore(parsed, to)) return { from, to, text: ` ${flowText(parsed, value)}` };
  const at = column(parsed, startOf(pair.key));
  const name = isScalar(pair.key) ? String(pair.key.value) : "";
  const [first = "", ...rest] = pairLines(name, value);
  const head = first.slice(key(name).length + 1);
  return { from, to, text: [head, ...rest.map((line) => indent(line, at))].join(eol(parsed)) };
}

/** A text of several lines is indented below its key. */
function scalarText(parsed: Parsed, map: YAMLMap, value: unknown): string {
  const [first = "", ...rest] = block(value);
  const at = column(parsed, startOf(map)) + 2;
  return [first, ...rest.map((line) => indent(line, at))].join(eol(parsed));
}

/** Whether anything but white space follows on the line. */
function hasMore(parsed: Parsed, at: number): boolean {
  return parsed.text.slice(at, lineEnd(parsed.text, at)).trim() !== "";
}

/** A pair that was not there, after the given one or at the end. */
export function addPair(parsed: Parsed, map: YAMLMap, after: Entry | undefined, name: string, value: unknown): Splice {
  const before = after ?? (map.items[0] as Entry);
  const at = endOfPair(parsed, before);
  if (isFlow(map)) return { from: at, to: at, text: `${flowBreak(parsed, map)}${isJson(parsed) ? JSON.stringify(name) : key(name)}: ${flowText(parsed, value)}` };
  const lines = pairLines(name, value).map((line) => indent(line, column(parsed, startOf(map))));
  return afterLine(parsed, at, lines);
}

/** What stands between the members of a collection in brackets. */
function flowBreak(parsed: Parsed, node: YAMLMap | YAMLSeq): string {
  const first = node.items[0] as Entry | Node | undefined;
  const member = first && "key" in first ? startOf(first.key as Node) : first ? startOf(first) : 0;
  const opened = parsed.text.slice(startOf(node), member);
  return opened.includes("\n") ? `,${eol(parsed)}${" ".repeat(column(parsed, member))}` : ", ";
}

/** New lines below the line that an offset is on. */
function afterLine(parsed: Parsed, at: number, lines: readonly string[]): Splice {
  const end = lineEnd(parsed.text, at);
  return { from: end, to: end, text: eol(parsed) + lines.join(eol(parsed)) };
}

export function removePair(parsed: Parsed, map: YAMLMap, pair: Entry): Splice {
  const at = map.items.indexOf(pair);
  const previous = map.items[at - 1] as Entry | undefined;
  const next = map.items[at + 1] as Entry | undefined;
  const end = endOfPair(parsed, pair);
  if (isFlow(map)) {
    if (previous) return { from: endOfPair(parsed, previous), to: end, text: "" };
    return { from: startOf(pair.key), to: next ? startOf(next.key) : end, text: "" };
  }
  const start = startOf(pair.key);
  // the first pair of a list's item shares its line with the dash
  if (!previous && next && lineHead(parsed, start).trim() !== "") return { from: start, to: startOf(next.key), text: "" };
  return wholeLines(parsed, start, end, previous ? endOfPair(parsed, previous) : floorOf(parsed, map));
}

const lineHead = (parsed: Parsed, at: number) => parsed.text.slice(lineStart(parsed.text, at), at);

/** Above a collection's first line there is its key, or nothing. */
function floorOf(parsed: Parsed, node: YAMLMap | YAMLSeq): number {
  const head = parsed.text.slice(0, lineStart(parsed.text, startOf(node)));
  const key = head.match(/(^|\n)[^\n]*\S[^\n]*\n(?:[ \t]*(?:#[^\n]*)?\r?\n)*$/);
  return key ? head.length - key[0].length + (key[1]?.length ?? 0) : -1;
}

/** The lines of an entry with the comments that stand directly above it, down to `floor`. */
export function wholeLines(parsed: Parsed, start: number, end: number, floor: number): Splice {
  const { text } = parsed;
  const lowest = floor < 0 ? 0 : nextLine(text, floor);
  let from = lineStart(text, start);
  while (from > lowest && /^[ \t]*#/.test(text.slice(lineStart(text, from - 1), from))) from = lineStart(text, from - 1);
  const to = nextLine(text, end);
  // at the end of the text there is no line break to take away but the one before
  if (to === text.length && !text.endsWith("\n") && from > 0) from = lineEnd(text, from - 1);
  return { from, to, text: "" };
}

/** The span of a list's item, comments above included. */
export function itemLines(parsed: Parsed, list: YAMLSeq, index: number): Splice {
  const item = list.items[index] as Node;
  const previous = list.items[index - 1] as Node | undefined;
  if (isFlow(list)) {
    const next = list.items[index + 1] as Node | undefined;
    if (previous) return { from: endOf(parsed, previous), to: endOf(parsed, item), text: "" };
    return { from: startOf(item), to: next ? startOf(next) : endOf(parsed, item), text: "" };
  }
  return wholeLines(parsed, dashOf(list, index), endOf(parsed, item), previous ? endOf(parsed, previous) : floorOf(parsed, list));
}

/** Lines (of block style, not indented) as item `index` of a list; `value` is what they say, for lists in brackets. */
export function addItem(parsed: Parsed, list: YAMLSeq, index: number, lines: readonly string[], value: unknown): Splice {
  const previous = list.items[index - 1] as Node | undefined;
  const next = list.items[index] as Node | undefined;
  if (isFlow(list)) {
    const at = previous ? endOf(parsed, previous) : startOf(next ?? list);
    const text = flowText(parsed, value);
    return { from: at, to: at, text: previous ? flowBreak(parsed, list) + text : text + flowBreak(parsed, list) };
  }
  const indented = lines.map((line) => indent(line, column(parsed, dashOf(list, 0))));
  if (previous) return afterLine(parsed, endOf(parsed, previous), indented);
  const { from } = itemLines(parsed, list, 0);
  return { from, to: from, text: indented.join(eol(parsed)) + eol(parsed) };
}

/** A new value for an item. */
export function replaceItem(parsed: Parsed, list: YAMLSeq, index: number, value: unknown): Splice {
  const item = list.items[index] as Node;
  const from = startOf(item);
  const to = endOf(parsed, item);
  if (isFlow(list) || hasMore(parsed, to)) return { from, to, text: flowText(parsed, value) };
  const [first = "", ...rest] = block(value);
  return { from, to, text: [first, ...rest.map((line) => indent(line, column(parsed, from)))].join(eol(parsed)) };
}

/** An item's own lines without their indentation, so that they can be put elsewhere; none of a list in brackets. */
export function linesOfItem(parsed: Parsed, list: YAMLSeq, index: number): string[] | undefined {
  if (isFlow(list)) return undefined;
  const { from } = itemLines(parsed, list, index);
  const by = column(parsed, dashOf(list, index));
  const end = lineEnd(parsed.text, endOf(parsed, list.items[index] as Node));
  const strip = new RegExp(`^[ ]{0,${by}}`);
  const lines = parsed.text.slice(from, end).split(/\r?\n/);
  return lines.map((line) => line.replace(strip, ""));
}
