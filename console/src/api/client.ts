// The one place that speaks to the server. Same origin, session cookie; the server tells our pages from
// others' by Sec-Fetch-Site and Origin, so there is no token to carry around.

import { type ServerEvent, EventReader } from "./events";
import { Problem, problemOf, unreachable } from "./problem";
import { sessionLapsed } from "./lapse";

const BASE = "/api/v1";

interface Options {
  body?: unknown;
  /** The version that a change is based on. */
  version?: number;
  signal?: AbortSignal;
}

type Method = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** Sends a request and reads the answer; what is not a success is thrown as a `Problem`. */
export async function send<Answer>(method: Method, path: string, options: Options = {}): Promise<Answer> {
  const headers = new Headers({ accept: "application/json" });
  if (options.body !== undefined) headers.set("content-type", "application/json");
  if (options.version !== undefined) headers.set("if-match", `"${options.version}"`);
  const init: RequestInit = { method, headers };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  const response = await answered(path, init);
  // the schema says what a success looks like; some have no body
  const text = await response.text();
  const answer: unknown = text === "" ? undefined : JSON.parse(text);
  return answer as Answer;
}

/** Listens to server-sent events, as many at a time as came together; ends with the stream, or when it breaks off. */
export async function* listen(path: string, signal: AbortSignal): AsyncGenerator<ServerEvent[]> {
  const response = await answered(path, { headers: { accept: "text/event-stream" }, signal });
  const stream = response.body?.pipeThrough(new TextDecoderStream()).getReader();
  const reader = new EventReader();
  try {
    for (;;) {
      const piece = await stream?.read().catch(() => undefined);
      if (!piece || piece.done) return;
      const events = reader.push(piece.value);
      if (events.length > 0) yield events;
    }
  } finally {
    // who stops listening early would keep one of the few connections that a browser has for a server
    await stream?.cancel().catch(() => undefined);
  }
}

/** Where a document can be downloaded from. */
export function address(path: string): string {
  return `${BASE}${path}`;
}

async function answered(path: string, init: RequestInit): Promise<Response> {
  const response = await fetch(address(path), { credentials: "same-origin", cache: "no-store", redirect: "error", ...init }).catch((error: unknown) => {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw unreachable();
  });
  if (!response.ok) throw noted(await problemOf(response));
  return response;
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
