// What a step can use: its input, what earlier steps put out, the variables around it. For what has to be kept until
// the step, the changes that keep it (`export`) come along.

import type { Step, StepList } from "../../../canvas/steps";
import { put } from "../../../canvas/text/patch";
import { type Path, valueAt } from "../../../canvas/text/source";
import { builder as words } from "../../../texts/builder";
import type { Sees } from "../form/specs";
import { jqOf } from "../form/valueText";

/** What is known of a run: its input, and what each step put out. */
export interface Samples {
  input: unknown;
  outputs: ReadonlyMap<string, unknown>;
}

export interface Source {
  label: string;
  /** The jq of the whole. */
  jq: string;
  /** What it was when it was last seen; `undefined` if it never was. */
  sample: unknown;
  /** What must be changed in the text for the jq to mean it. */
  keep: readonly Keep[];
}

export interface Keep {
  path: Path;
  export: string;
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/;

/** A part of what a jq means. */
export function partOf(jq: string, path: Path): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    const name = IDENTIFIER.test(part) ? part : JSON.stringify(part);
    return text === "." ? `.${name}` : `${text}.${name}`;
  }, jq);
}

export function keepAll(source: string, keep: readonly Keep[]): string {
  return keep.reduce((text, { path, export: jq }) => put(text, [...path, "export", "as"], `\${ ${jq} }`), source);
}

/** Everything that an expression of a step can use; the nearest first. */
export function sourcesFor(flow: unknown, root: StepList, step: Step | undefined, sees: Sees, samples: Samples): Source[] {
  const input: Source = { label: words.sources.input, jq: "$workflow.input", sample: samples.input, keep: [] };
  if (!step || sees === "nothing") return step ? [] : [{ ...input, jq: "." }];
  const chain = chainTo(root, step.path);
  const earlier = chain.flatMap(({ list, at }) => (list.role === "branches" ? [] : list.steps.slice(0, at))).toReversed();
  const found: Source[] = [];
  if (sees === "output") found.push({ label: words.sources.own, jq: ".", sample: samples.outputs.get(step.pointer), keep: [] });
  const previous = sees === "input" ? previousOf(chain) : undefined;
  if (previous) found.push({ label: words.sources.previous(previous.name), jq: ".", sample: samples.outputs.get(previous.pointer), keep: [] });
  if (sees === "input" && isFirst(chain)) found.push({ ...input, jq: valueAt(flow, ["input", "from"]) === undefined ? "." : "$workflow.input" });
  found.push(...variablesOf(chain));
  for (const one of earlier) if (one !== previous) found.push(...keptOf(one, earlier, samples));
  if (!found.some(({ jq, label }) => jq === "$workflow.input" || label === input.label)) found.push(input);
  return found;
}

interface Rung {
  list: StepList;
  at: number;
  /** The step that holds the list. */
  owner: Step | undefined;
}

/** The lists around a step from the inside out, and where the way leads on in each. */
function chainTo(root: StepList, path: Path): Rung[] {
  const rungs: Rung[] = [];
  let list: StepList | undefined = root;
  let owner: Step | undefined;
  while (list) {
    const known: StepList = list;
    const at = known.steps.findIndex((step) => step.path.every((part, index) => path[index] === part));
    if (at < 0) break;
    rungs.unshift({ list: known, at, owner });
    owner = known.steps[at];
    list = owner?.lists.find((below) => below.path.every((part, index) => path[index] === part) && path.length > below.path.length);
  }
  return rungs;
}

/** The step whose output is this one's input: the one before, or the one before what holds it. */
function previousOf(chain: readonly Rung[]): Step | undefined {
  for (const { list, at, owner } of chain) {
    if (list.role !== "branches" && at > 0) return list.steps[at - 1];
    // a round gets what the last one put out, an event's steps the event, what catches an error the input of the attempt
    if (owner?.kind === "for" || list.role === "event") return undefined;
  }
  return undefined;
}

const isFirst = (chain: readonly Rung[]) => chain.every(({ list, at, owner }) => (at === 0 || list.role === "branches") && owner?.kind !== "for" && list.role !== "event");

function variablesOf(chain: readonly Rung[]): Source[] {
  return chain.flatMap(({ list, owner }) => {
    const name = (otherwise: string, ...at: string[]) => String(valueAt(owner?.task, at) ?? otherwise);
    const variable = (called: string): Source => ({ label: words.sources.variable(called), jq: `$${called}`, sample: undefined, keep: [] });
    if (list.role === "round") return [variable(name("item", "for", "each")), variable(name("index", "for", "at"))];
    if (list.role === "event") return [variable(name("item", "foreach", "item")), variable(name("index", "foreach", "at"))];
    if (list.role === "catch") return [{ ...variable(name("error", "catch", "as")), label: words.sources.error, sample: ERROR }];
    return [];
  });
}

const ERROR = { type: "", status: 0, title: "", detail: "", instance: "" };

/** What an earlier step put out, by way of `$context`. Exports after it that would throw it away are made to keep it. */
function keptOf(step: Step, earlier: readonly Step[], samples: Samples): Source[] {
  const own = valueAt(step.task, ["export", "as"]);
  const later = earlier.slice(0, earlier.indexOf(step));
  const thrown = later.filter((other) => replaces(valueAt(other.task, ["export", "as"])));
  if ([own, ...thrown.map((other) => valueAt(other.task, ["export", "as"]))].some((as) => typeof as === "object" && as !== null)) return [];
  const keep: Keep[] = thrown.map((other) => ({ path: other.path, export: `$context + (${jqOf(valueAt(other.task, ["export", "as"]))})` }));
  const source = { label: words.sources.earlier(step.name), sample: samples.outputs.get(step.pointer) };
  const jq = jqOf(own);
  if (jq === ".") return [{ ...source, jq: "$context", keep }];
  const mine = `{${JSON.stringify(step.name)}: .}`;
  const here = partOf("$context", [step.name]);
  if (jq === `$context + ${mine}`) return [{ ...source, jq: here, keep }];
  const exported = jq === "" ? `$context + ${mine}` : `(${jq}) + ${mine}`;
  return [{ ...source, jq: here, keep: [{ path: step.path, export: exported }, ...keep] }];
}

function replaces(as: unknown): boolean {
  return as !== undefined && !jqOf(as).startsWith("$context +");
}
