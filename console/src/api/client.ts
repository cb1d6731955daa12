// The one place that speaks to the server. Same origin, session cookie; the server tells our pages from
// others' by Sec-Fetch-Site and Origin, so there is no token to carry around.

import { Problem, problemOf, unreachable } from "./problem";
import { sessionLapsed } from "./lapse";

const BASE = "/api/v1";

interface Options {
  body?: unknown;
  /** The version that a change is based on. */
  version?: number;
  signal?: AbortSignal;
}

type Method = "GET" | "POST" | "PATCH" | "DELETE";

/** Sends a request and reads the answer; what is not a success is thrown as a `Problem`. */
export async function send<Answer>(method: Method, path: string, options: Options = {}): Promise<Answer> {
  const headers = new Headers({ accept: "application/json" });
  if (options.body !== undefined) headers.set("content-type", "application/json");
  if (options.version !== undefined) headers.set("if-match", `"${options.version}"`);
  const init: RequestInit = { method, headers, credentials: "same-origin", cache: "no-store", redirect: "error" };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;

  const response = await fetch(`${BASE}${path}`, init).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable();
  });
  if (!response.ok) throw noted(await problemOf(response));
  // the schema says what a success looks like; 204 has no body
  const answer: unknown = response.status === 204 ? undefined : await response.json();
  return answer as Answer;
}

/** A 401 that says "not signed in" ends the session everywhere; a wrong password does not. */
function noted(problem: Problem): Problem {
  if (problem.document.code === "unauthenticated") sessionLapsed.set(true);
  return problem;
}

/** A name as one segment of a path. */
export function segment(text: string): string {
  return encodeURIComponent(text);
}
