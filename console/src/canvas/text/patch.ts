// A new value for a place in the document, as the fewest changes of its text.

import { type YAMLMap, type YAMLSeq, isMap, isSeq } from "yaml";
import { KINDS } from "../steps";
import { block, item } from "./render";
import { type Entry, type Parsed, type Path, isRecord, nodeAt, pairOf, parse, same, valueAt } from "./source";
import { type Splice, addItem, addPair, apply, itemLines, removePair, replaceItem, replaceValue } from "./splice";

/** More differences than this are one new value. */
const MOST_SPLICES = 200;

/** Puts a value at a path, making what is missing on the way; `undefined` takes it away. Texts with faults stay as they are. */
export function put(source: string, path: Path, value: unknown): string {
  if (value === undefined) return without(source, path);
  let text = source;
  for (let left = MOST_SPLICES; left > 0; left -= 1) {
    const parsed = parse(text);
    if (parsed.faults.length > 0) return text;
    const splice = next(parsed, path, value);
    if (!splice) return text;
    text = apply(text, [splice]);
  }
  const parsed = parse(text);
  const whole = replaceAt(parsed, path, value);
  return whole ? apply(text, [whole]) : text;
}

function without(source: string, path: Path): string {
  const parsed = parse(source);
  const splice = parsed.faults.length === 0 && deepest(parsed, path).length === path.length ? remove(parsed, path) : undefined;
  return splice ? apply(source, [splice]) : source;
}

/** The first difference between what is there and what shall be. */
function next(parsed: Parsed, path: Path, value: unknown): Splice | undefined {
  const existing = deepest(parsed, path);
  if (existing.length < path.length) {
    const wrapped = path.slice(existing.length + 1).reduceRight<unknown>((inner, part) => (typeof part === "number" ? [inner] : { [part]: inner }), value);
    return add(parsed, existing, path[existing.length], wrapped);
  }
  const old = valueAt(parsed.value, path);
  return same(old, value) && old !== undefined ? undefined : difference(parsed, path, old, value);
}

/** How much of a path is there. */
function deepest(parsed: Parsed, path: Path): Path {
  let length = 0;
  while (length < path.length) {
    const node = nodeAt(parsed, path.slice(0, length));
    const part = path[length];
    const there = isMap(node) ? pairOf(node, String(part)) !== undefined : isSeq(node) && typeof part === "number" && part < node.items.length;
    if (!there) break;
    length += 1;
  }
  return path.slice(0, length);
}

/** A member of what is at `path`; where that is no collection (yet), it becomes one. */
function add(parsed: Parsed, path: Path, name: string | number | undefined, value: unknown): Splice | undefined {
  const node = nodeAt(parsed, path);
  if (isMap(node) && node.items.length > 0 && name !== undefined) return addPair(parsed, node, lastBefore(node, path), String(name), value);
  if (isSeq(node) && node.items.length > 0) return addItem(parsed, node, node.items.length, item(value), value);
  return replaceAt(parsed, path, typeof name === "number" ? [value] : withMember(valueAt(parsed.value, path), String(name), value));
}

/** After which member a new one goes: the last, but a flow says all else before its steps. */
function lastBefore(node: YAMLMap, path: Path): Entry {
  const steps = path.length === 0 ? node.items.indexOf(pairOf(node, "do") as Entry) : -1;
  return node.items.at(steps > 0 ? steps - 1 : -1) as Entry;
}

const withMember = (old: unknown, name: string, value: unknown) => (isRecord(old) ? { ...old, [name]: value } : { [name]: value });

/** Takes a member away, and with the last one what held it, up to the first thing that may be empty. */
function remove(parsed: Parsed, path: Path): Splice | undefined {
  const parent = path.slice(0, -1);
  const name = path.at(-1);
  const node = nodeAt(parsed, parent);
  if (name === undefined || node === undefined) return undefined;
  if (isMap(node)) {
    const pair = pairOf(node, String(name));
    if (!pair) return undefined;
    if (node.items.length > 1) return removePair(parsed, node, pair);
    return mayBeEmpty(parent) ? replaceAt(parsed, parent, {}) : remove(parsed, parent);
  }
  if (isSeq(node) && typeof name === "number") return node.items.length > 1 ? itemLines(parsed, node, name) : replaceAt(parsed, parent, []);
  return undefined;
}

/** The document, an item of a list, and what makes a step what it is stay when they hold nothing any more. */
function mayBeEmpty(path: Path): boolean {
  const isKind = typeof path.at(-3) === "number" && KINDS.some((kind) => kind === path.at(-1));
  return path.length === 0 || typeof path.at(-1) === "number" || isKind;
}

function difference(parsed: Parsed, path: Path, old: unknown, value: unknown): Splice | undefined {
  const node = nodeAt(parsed, path);
  if (isMap(node) && isRecord(old) && isRecord(value) && shareAKey(old, value)) return inMap(parsed, path, node, old, value);
  if (isSeq(node) && Array.isArray(old) && Array.isArray(value) && old.length > 0 && value.length > 0) return inList(parsed, path, node, old, value);
  return replaceAt(parsed, path, value);
}

const shareAKey = (old: Record<string, unknown>, value: Record<string, unknown>) => Object.keys(value).some((name) => Object.hasOwn(old, name));

function inMap(parsed: Parsed, path: Path, node: YAMLMap, old: Record<string, unknown>, value: Record<string, unknown>): Splice | undefined {
  for (const name of Object.keys(old)) {
    const pair = pairOf(node, name);
    if (!Object.hasOwn(value, name) || value[name] === undefined) return pair && removePair(parsed, node, pair);
    if (!same(old[name], value[name])) return difference(parsed, [...path, name], old[name], value[name]);
  }
  let before: Entry | undefined;
  for (const name of Object.keys(value)) {
    if (!Object.hasOwn(old, name) && value[name] !== undefined) return addPair(parsed, node, before, name, value[name]);
    before = pairOf(node, name) ?? before;
  }
  return undefined;
}

function inList(parsed: Parsed, path: Path, node: YAMLSeq, old: readonly unknown[], value: readonly unknown[]): Splice | undefined {
  const first = old.findIndex((item, at) => !same(item, value[at]));
  const at = first < 0 ? old.length : first;
  if (old.length === value.length) return difference(parsed, [...path, at], old[at], value[at]);
  return old.length < value.length ? addItem(parsed, node, at, item(value[at]), value[at]) : itemLines(parsed, node, at);
}

/** What is at a path, as a whole. */
function replaceAt(parsed: Parsed, path: Path, value: unknown): Splice | undefined {
  const name = path.at(-1);
  const parent = nodeAt(parsed, path.slice(0, -1));
  if (name === undefined) return { from: 0, to: parsed.text.length, text: `${block(value).join("\n")}\n` };
  if (isMap(parent)) {
    const pair = pairOf(parent, String(name));
    return pair && replaceValue(parsed, parent, pair, value);
  }
  if (isSeq(parent) && typeof name === "number") return replaceItem(parsed, parent, name, value);
  // inside an alias: what it stands for is written out here
  const held = path.slice(0, -1);
  const whole: unknown = structuredClone(valueAt(parsed.value, held));
  if (typeof whole === "object" && whole !== null) (whole as Record<string | number, unknown>)[name] = value;
  return held.length === 0 ? undefined : replaceAt(parsed, held, whole);
}
