// Calls of an API through a connection.

import { segment, send } from "./client";
import type { CallOfPairs } from "./coming";
import type { components } from "./schema";

export type Call = CallOfPairs;
export type CallAnswer = components["schemas"]["CallAnswer"];

export interface TimedAnswer {
  answer: CallAnswer;
  /** From the click to the answer, as this browser saw it. */
  milliseconds: number;
}

export async function call(connection: string, body: Call): Promise<TimedAnswer> {
  const begun = performance.now();
  const answer = await send<CallAnswer>("POST", `/connections/${segment(connection)}/call`, { body });
  return { answer, milliseconds: Math.round(performance.now() - begun) };
}
