// A request as what a flow's step says of it.

import { type Request, parsedJson } from "./request";

/** What the builder makes a step of. */
export interface HandedOver {
  connection: string;
  /** The connection's kind. */
  type: string;
  with: Record<string, unknown>;
}

const named = (pairs: readonly [string, string][]) => Object.fromEntries(pairs.filter(([name]) => name.trim() !== ""));

/** `undefined` for requests that a step can't make: its bodies are JSON. */
export function stepOf(request: Request, type: string): HandedOver | undefined {
  const step: Record<string, unknown> = { method: request.method.toLowerCase(), endpoint: request.path.trim() };
  if (Object.keys(named(request.query)).length > 0) step["query"] = named(request.query);
  if (Object.keys(named(request.headers)).length > 0) step["headers"] = named(request.headers);
  if (request.follow) step["redirect"] = true;
  if (request.bodyKind === "json") {
    const body = parsedJson(request.body);
    if (!body) return undefined;
    step["body"] = body.value;
  } else if (request.bodyKind !== "none") return undefined;
  return { connection: request.connection, type, with: step };
}
