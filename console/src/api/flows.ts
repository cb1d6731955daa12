// Flows: lists, one with its versions, what can be done to one; the plain secrets that flows use.

import { queryOptions } from "@tanstack/react-query";
import { address, segment, send } from "./client";
import type { Need } from "./coming";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type { CallStanding, Need, NeededPermissions } from "./coming";
export type FlowCard = Schemas["FlowCard"];
export type VersionCard = Schemas["VersionCard"];
export type ScheduleCard = Schemas["ScheduleCard"];
export type HookCard = Schemas["HookCard"];
export type FlowDetail = Omit<Schemas["FlowDetail"], "preflight" | "input_schema"> & { preflight: Need[]; input_schema?: Record<string, unknown> | null };
export type SecretCard = Schemas["SecretCard"];

export const flowsKey = ["flows"] as const;
export const flowKey = (flow: string) => [...flowsKey, flow] as const;

const at = (flow: string) => `/flows/${segment(flow)}`;

export const flowsQuery = queryOptions({
  queryKey: [...flowsKey],
  queryFn: async ({ signal }) => (await send<Schemas["FlowList"]>("GET", "/flows", { signal })).items,
  refetchInterval: 15_000,
});

export const flowQuery = (flow: string) =>
  queryOptions({
    queryKey: flowKey(flow),
    queryFn: ({ signal }) => send<FlowDetail>("GET", at(flow), { signal }),
    refetchInterval: 15_000,
  });

export function switchFlow(flow: string, to: "enable" | "disable"): Promise<FlowCard> {
  return send("POST", `${at(flow)}/${to}`);
}

export function rollBack(flow: string, number: number): Promise<FlowCard> {
  return send("POST", `${at(flow)}/rollback`, { body: { number } });
}

export function deleteFlow(flow: string): Promise<void> {
  return send("DELETE", at(flow));
}

/** Where a version's text can be downloaded from. */
export function sourceAddress(flow: string, number: number): string {
  return address(`${at(flow)}/source?number=${number}`);
}

export const secretsQuery = queryOptions({
  queryKey: ["secrets"],
  queryFn: async ({ signal }) => (await send<Schemas["SecretList"]>("GET", "/secrets", { signal })).items,
});

export function saveSecret(name: string, value: unknown): Promise<SecretCard> {
  return send("PUT", `/secrets/${segment(name)}`, { body: { value } });
}

export function deleteSecret(name: string): Promise<void> {
  return send("DELETE", `/secrets/${segment(name)}`);
}
