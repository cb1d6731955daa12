// What a step does, in a few words on the canvas.

import { casesOf } from "./links";
import type { Step } from "./steps";
import { isRecord, valueAt } from "./text/source";

const words = (value: unknown): string => (value === undefined ? "" : typeof value === "string" ? value : JSON.stringify(value));

/** An expression without its brackets. */
export function bare(value: unknown): string {
  const text = words(value);
  return /^\s*\$\{([\s\S]+)\}\s*$/.exec(text)?.[1]?.trim() ?? text;
}

export function summaryOf(step: Step): string {
  const { task } = step;
  const at = (...path: string[]) => valueAt(task, path);
  switch (step.kind) {
    case "call":
      return callWords(task["call"], at("with"));
    case "set":
      return isRecord(task["set"]) ? Object.keys(task["set"]).join(", ") : bare(task["set"]);
    case "for":
      return `${words(at("for", "each") ?? "item")} in ${bare(at("for", "in"))}`;
    case "fork":
      return at("fork", "compete") === true ? "the first one counts" : "all of them";
    case "switch":
      return casesOf(step)
        .map(({ name, then }) => `${name} → ${words(then)}`)
        .join(" · ");
    case "wait":
      return isRecord(task["wait"]) ? words(task["wait"]) : bare(task["wait"]);
    case "raise":
      return words(at("raise", "error", "title") ?? at("raise", "error", "type") ?? at("raise", "error"));
    case "emit":
      return words(at("emit", "event", "with", "type"));
    case "listen":
      return Object.keys(isRecord(at("listen", "to")) ? (at("listen", "to") as object) : {}).join(", ");
    case "run":
      return words(at("run", "workflow", "name"));
    case "try":
      return at("catch", "retry") === undefined ? "" : "with retries";
    case "do":
    case undefined:
      return "";
  }
}

function callWords(what: unknown, arguments_: unknown): string {
  const endpoint = valueAt(arguments_, ["endpoint"]);
  const uri = isRecord(endpoint) ? endpoint["uri"] : endpoint;
  if (what === "http") return `${words(valueAt(arguments_, ["method"])).toUpperCase()} ${bare(uri)}`;
  if (what === "openapi") return words(valueAt(arguments_, ["operationId"]));
  const told = uri ?? valueAt(arguments_, ["title"]) ?? valueAt(arguments_, ["table"]);
  return told === undefined ? words(what) : `${words(what)}: ${bare(told)}`;
}
