// Building flows: what a text would do, and deploying it.

import { queryOptions } from "@tanstack/react-query";
import { send } from "./client";
import { Problem } from "./problem";
import type { components } from "./schema";

type DeploymentCard = components["schemas"]["DeploymentCard"];

/** One finding of the checks, with its place in the text. */
export interface Finding {
  code: string;
  /** RFC 6901; `""` is the whole. */
  pointer: string;
  line: number;
  column: number;
  message: string;
  hint?: string | null;
}

/** A connection or secret that a text names, and what has to be done before it can run. */
export interface Lack {
  name: string;
  problem?: string | null;
}

/** A trigger of the flow's schedule, and when it fires next. */
export interface Coming {
  trigger: string;
  times: string[];
}

export type Deployment = Omit<DeploymentCard, "warnings" | "preflight" | "starts"> & { warnings: Finding[]; preflight: Lack[]; starts: Coming[] };

/** What the server says to a text: refused with findings, or what deploying it would do. */
export type Checked = { refused: Finding[] } | { would: Deployment };

/** A text is checked once it has rested this long. */
const REST = 350;

export const checkQuery = (source: string) =>
  queryOptions({
    queryKey: ["flow-check", source],
    queryFn: async ({ signal }): Promise<Checked> => {
      await rested(signal);
      try {
        return { would: await send<Deployment>("POST", "/flows", { body: { source, dry_run: true }, signal }) };
      } catch (error) {
        const findings = findingsOf(error);
        if (findings) return { refused: findings };
        throw error;
      }
    },
    gcTime: 30_000,
    staleTime: 20_000,
  });

/** `basedOn` is the number of the version that the text was made from; 0 for a new flow. */
export function deploy(source: string, basedOn: number): Promise<Deployment> {
  return send("POST", "/flows", { body: { source }, version: basedOn });
}

export function findingsOf(error: unknown): Finding[] | undefined {
  if (!(error instanceof Problem)) return undefined;
  // the shape is the OpenAPI document's, which can't name it
  const found: unknown = error.document.findings;
  return Array.isArray(found) && found.length > 0 ? (found as Finding[]) : undefined;
}

function rested(signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, REST);
    signal.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason as Error);
    });
  });
}
