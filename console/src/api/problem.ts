// What went wrong, as a value that can be thrown and shown: a problem document (RFC 9457) or our own
// words for an answer that is none.

import { apiText } from "../texts/common";
import type { components } from "./schema";

type Document = components["schemas"]["Problem"];

export class Problem extends Error {
  readonly document: Document;

  constructor(document: Document) {
    super(document.detail);
    this.name = "Problem";
    this.document = document;
  }
}

/** Reads an answer that is not a success. */
export async function problemOf(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => undefined);
  return new Problem(isDocument(body) ? body : unexpected(response.status));
}

/** The server could not be reached at all. */
export function unreachable(): Problem {
  return new Problem({ ...unexpected(0), code: "network", title: apiText.unreachable, detail: apiText.unreachableDetail, hint: apiText.unreachableHint });
}

/** Whatever was thrown, as a problem. */
export function asProblem(error: unknown): Document {
  if (error instanceof Problem) return error.document;
  const detail = error instanceof Error ? error.message : String(error);
  return { ...unexpected(0), code: "console", title: apiText.consoleFault, detail, hint: apiText.consoleFaultHint };
}

export function hasStatus(error: unknown, status: number): boolean {
  return error instanceof Problem && error.document.status === status;
}

function unexpected(status: number): Document {
  return {
    type: "about:blank",
    title: apiText.unexpected,
    status,
    detail: apiText.unexpectedDetail(status),
    code: "unexpected",
    hint: apiText.unexpectedHint,
    trace_id: "",
  };
}

function isDocument(body: unknown): body is Document {
  if (typeof body !== "object" || body === null) return false;
  return "title" in body && "code" in body && "status" in body && typeof body.title === "string" && typeof body.code === "string";
}
