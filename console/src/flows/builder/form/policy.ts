// Retry policies: what stands in one, and their names.

import { everyStep, stepsOf } from "../../../canvas/steps";
import { put } from "../../../canvas/text/patch";
import { isRecord, parse, valueAt } from "../../../canvas/text/source";

/** Where a policy begins: five more tries, each after twice the time. */
export const USUAL_POLICY = { delay: "PT2S", backoff: { exponential: {} }, limit: { attempt: { count: 5 } } } as const;

export const GROWTHS = ["constant", "linear", "exponential"] as const;
export type Growth = (typeof GROWTHS)[number];

/** How the delay grows, if it is said in the one way there is. */
export function growthOf(backoff: unknown): Growth | "" | undefined {
  if (backoff === undefined) return "";
  const [only, ...others] = isRecord(backoff) ? Object.keys(backoff) : [];
  return others.length === 0 ? GROWTHS.find((growth) => growth === only) : undefined;
}

/** Gives a policy of `use.retries` another name, also where steps refer to it. A name that is taken, or none, changes nothing. */
export function renamed(source: string, old: string, name: string): string {
  const flow = parse(source).value;
  const retries = valueAt(flow, ["use", "retries"]);
  if (!isRecord(retries) || name === "" || Object.hasOwn(retries, name) || !Object.hasOwn(retries, old)) return source;
  const entries = Object.entries(retries).map(([each, policy]) => [each === old ? name : each, policy] as const);
  let text = put(source, ["use", "retries"], Object.fromEntries(entries));
  for (const step of everyStep(stepsOf(flow))) {
    const path = [...step.path, "catch", "retry"];
    if (valueAt(flow, path) === old) text = put(text, path, name);
  }
  return text;
}
