// A step's call as a request that can be sent now. What the step would compute is asked for, unless it is plain to see.

import type { Call } from "../../../api/calls";
import { type Path, isRecord, valueAt } from "../../../canvas/text/source";
import { isExpression, jqOf } from "../form/valueText";

/** A value that is not known before the flow runs. */
export interface Gap {
  /** The jq, or `{name}` of a URI template. */
  text: string;
  /** What it was when it was last seen. */
  guess: string;
}

/** What a step's expressions see, as far as it is known. */
export interface Seen {
  input: unknown;
  context: unknown;
  workflowInput: unknown;
}

const TEMPLATE = /\{([\w.]+)\}/g;
const INTERPOLATION = /\\\(([^()]*(?:\([^()]*\)[^()]*)*)\)/g;

/** What an expression is made of: itself, or the parts of a text that are computed. */
function partsOf(jq: string): string[] {
  if (!/^"(?:[^"\\]|\\.|\\\([^)]*\))*"$/.test(jq)) return [jq];
  return [...jq.matchAll(INTERPOLATION)].map(([, inner = ""]) => inner.trim());
}

function gapsIn(value: unknown, uri: boolean): string[] {
  if (typeof value === "string") {
    if (isExpression(value)) return partsOf(jqOf(value));
    return uri ? [...value.matchAll(TEMPLATE)].map(([, name = ""]) => `.${name}`) : [];
  }
  return typeof value === "object" && value !== null ? Object.values(value).flatMap((child) => gapsIn(child, false)) : [];
}

/** A plain path into what is known. */
export function lookUp(jq: string, seen: Seen): unknown {
  const [, root = "", rest = ""] = /^(\$context|\$workflow\.input|\$input|)((?:\.\w+|\."[^"]*"|\[\d+\])+|\.)$/.exec(jq) ?? [];
  if (rest === "") return undefined;
  const path: Path = [...rest.matchAll(/\.(\w+)|\."([^"]*)"|\[(\d+)\]/g)].map(([, name, quoted, index]) => (index === undefined ? (name ?? quoted ?? "") : Number(index)));
  const from = { "": seen.input, $input: seen.input, $context: seen.context, "$workflow.input": seen.workflowInput }[root];
  return valueAt(from, path);
}

function uriOf(task: unknown): unknown {
  const endpoint = valueAt(task, ["with", "endpoint"]);
  return isRecord(endpoint) ? endpoint["uri"] : endpoint;
}

export function gapsOf(task: unknown, seen: Seen): Gap[] {
  const parts = ["query", "headers", "body"].flatMap((part) => gapsIn(valueAt(task, ["with", part]), false));
  const texts = new Set([...gapsIn(uriOf(task), true), ...parts]);
  return [...texts].map((text) => {
    const known = lookUp(text, seen);
    return { text, guess: known === undefined || known === null ? "" : typeof known === "string" ? known : JSON.stringify(known) };
  });
}

/** The call with the gaps filled; texts that are JSON count as what they say where an expression stands alone. */
export function callOf(task: unknown, filled: ReadonlyMap<string, string>): Call {
  const { method, query, headers, body } = (valueAt(task, ["with"]) ?? {}) as Record<string, unknown>;
  const call: Call = { method: String(method ?? "get").toUpperCase(), path: String(fill(uriOf(task), filled, "uri")) };
  if (isRecord(query)) call.query = pairsOf(query, filled);
  if (isRecord(headers)) call.headers = pairsOf(headers, filled);
  if (body !== undefined) call.body = fill(body, filled, "value");
  if (valueAt(task, ["with", "redirect"]) === true) call.follow = true;
  return call;
}

function pairsOf(record: Record<string, unknown>, filled: ReadonlyMap<string, string>): [string, string][] {
  return Object.entries(record).map(([name, value]) => {
    const text = fill(value, filled, "text");
    return [name, typeof text === "string" ? text : JSON.stringify(text)];
  });
}

type As = "uri" | "text" | "value";

function fill(value: unknown, filled: ReadonlyMap<string, string>, as: As): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => fill(item, filled, as));
  if (isRecord(value)) return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, fill(child, filled, as)]));
  if (typeof value !== "string") return value;
  const coded = (text: string) => (as === "uri" ? encodeURIComponent(text) : text);
  if (!isExpression(value)) return as === "uri" ? value.replaceAll(TEMPLATE, (_, name: string) => coded(filled.get(`.${name}`) ?? "")) : value;
  const jq = jqOf(value);
  if (filled.has(jq)) return as === "value" ? meant(filled.get(jq) ?? "") : (filled.get(jq) ?? "");
  // a text with interpolations: each is replaced, the rest is a JSON text
  const text = jq.replaceAll(INTERPOLATION, (_, inner: string) => JSON.stringify(filled.get(inner.trim()) ?? "").slice(1, -1));
  return meant(text);
}

function meant(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
