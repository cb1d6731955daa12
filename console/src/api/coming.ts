// What the OpenAPI document does not say (yet). When it does, take the type from `schema.d.ts` and delete
// the one here.

import type { components } from "./schema";

type Schemas = components["schemas"];

export type Pairs = [string, string][];

/** The document can't say "an object or a list of pairs"; the console sends pairs, which keep their order. */
export type CallOfPairs = Omit<Schemas["Call"], "query" | "headers" | "form"> & { query?: Pairs; headers?: Pairs; form?: Pairs };

export type RunStatus = "pending" | "running" | "waiting" | "suspended" | "parked" | "cancelled" | "faulted" | "completed";

/** The language's error (RFC 9457). */
export interface Fault {
  type?: string;
  status?: number;
  title?: string;
  detail?: string;
  instance?: string;
  /** Our stable code, beside the language's error. */
  code?: string;
}

/** What somebody must act for. */
export type Parked = { command: string } & ({ for: "connection"; name: string; id: string; code: string } | { for: "outcome_unknown"; sent_at: string });

export interface Trigger {
  kind: string;
  hook?: string;
  trigger?: string;
  nominal?: string;
}

export type StepStatus = "running" | "waiting" | "skipped" | "completed" | "faulted" | "cancelled";

/** What one task did once. */
export interface Step {
  name: string;
  reference: string;
  id: string;
  rounds: number[];
  attempt: number;
  status: StepStatus;
  started_at: string;
  ended_at?: string;
  input?: unknown;
  output?: unknown;
  error?: Fault;
  explanation?: Explained;
}

/** How a step's call was done. */
export interface Explained {
  connection?: string;
  method?: string;
  path?: string;
  status?: number;
  attempts?: number;
  milliseconds?: number;
  requestId?: string;
  run?: string;
  resolvedByPerson?: boolean;
  code?: string;
  hint?: string;
}

export interface WaitsFor {
  id: string;
  kind: "call" | "sleep" | "listen" | "evaluate" | "run" | "approve";
  until?: string;
}

export type RunCard = Omit<Schemas["RunCard"], "status" | "trigger" | "parked" | "error"> & { status: RunStatus; trigger: Trigger; parked: Parked[]; error?: Fault | null };

/** A run with all that it did. */
export type RunDetail = RunCard & { flow_version: string; input: unknown; output?: unknown; steps: Step[]; events: Record<string, unknown>[]; waits_for: WaitsFor[] };

/** How a call stands against the permissions that are held. */
export type CallStanding = "allowed" | "missing" | "unknown" | "impossible";

export interface NeededPermissions {
  kind: "delegated" | "application";
  /** The least that suffice. */
  least: { name: string }[];
  missing: { name: string }[];
  /** Held, and needed by none of the calls. */
  unused: string[];
  held?: string[] | null;
  held_is_hint: boolean;
  warnings: string[];
  cure?: { who_text: string; next: string; link?: string | null } | null;
}

/** A connection or secret that a flow names, and how it stands. */
export interface Need {
  name: string;
  standing: { kind: "connection"; state: string } | { kind: "secret" } | { kind: "missing" };
  calls: { task: string; method: string; endpoint?: string | null; standing?: CallStanding; missing?: string[] }[];
  granted: string[];
  /** Which permissions those calls need and which of them lack, where a table knows the API. */
  permissions?: NeededPermissions | null;
  problem?: string | null;
}
