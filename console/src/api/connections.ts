// Connections: lists, cards, explanations, and what can be done to one.

import { queryOptions } from "@tanstack/react-query";
import { segment, send } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type Card = Schemas["Card"];
export type State = Schemas["State"];
export type Advice = Schemas["Advice"];
export type Token = Schemas["Token"];
export type Explanation = Schemas["Explanation"];
export type NewConnection = Schemas["NewConnection"];
export type Change = Schemas["Change"];
export type ConnectionSecret = Schemas["ConnectionSecret"];
export type RedirectUri = Schemas["RedirectUri"];

export const connectionsKey = ["connections"] as const;
export const connectionKey = (name: string) => [...connectionsKey, name] as const;
export const explanationKey = (name: string) => [...connectionsKey, name, "explanation"] as const;

const at = (name: string) => `/connections/${segment(name)}`;

export const connectionsQuery = queryOptions({
  queryKey: [...connectionsKey],
  queryFn: async ({ signal }) => (await send<Schemas["ConnectionList"]>("GET", "/connections", { signal })).items,
  refetchInterval: 30_000,
});

export const connectionQuery = (name: string) =>
  queryOptions({
    queryKey: connectionKey(name),
    queryFn: ({ signal }) => send<Card>("GET", at(name), { signal }),
    refetchInterval: 30_000,
  });

/** `state` is part of the key: another state has another explanation. */
export const explanationQuery = (card: Card) =>
  queryOptions({
    queryKey: [...explanationKey(card.name), card.state, card.state_since, card.version],
    queryFn: ({ signal }) => send<Explanation>("GET", `${at(card.name)}/explain`, { signal }),
  });

/** Whether a person signs in: in a browser, or with a code typed in one. */
export function signsIn({ grant }: { grant?: string | null }): boolean {
  return grant === "authorization_code" || grant === "device_code";
}

export function createConnection(body: NewConnection): Promise<Card> {
  return send("POST", "/connections", { body });
}

export function changeConnection(name: string, version: number, body: Change): Promise<Schemas["ChangedConnection"]> {
  return send("PATCH", at(name), { body, version });
}

export function deleteConnection(name: string, version: number): Promise<void> {
  return send("DELETE", at(name), { version });
}

export function testConnection(name: string): Promise<Card> {
  return send("POST", `${at(name)}/test`);
}

/** Enters a newer secret beside the one that is there. */
export function addSecret(name: string, body: Schemas["NewConnectionSecret"]): Promise<Card> {
  return send("POST", `${at(name)}/secrets`, { body });
}

export function removeSecret(name: string, which: "newest" | "older"): Promise<Card> {
  return send("DELETE", `${at(name)}/secrets/${which}`);
}

/** Makes a key and a certificate in Keyway; the answer has no key. */
export function generateCertificate(name: string): Promise<Schemas["RegistrableCertificate"]> {
  return send("POST", `${at(name)}/certificate`, { body: {} });
}

export function certificateOf(name: string, which: "newest" | "older"): Promise<Schemas["RegistrableCertificate"]> {
  return send("GET", `${at(name)}/secrets/${which}/certificate`);
}

export function authorizeConnection(name: string): Promise<Schemas["StartedAuthorization"]> {
  return send("POST", `${at(name)}/authorize`);
}

/** Reserves a name; asking twice for one name gives the same answer, which is why it can be a query. */
export const draftQuery = (name: string) =>
  queryOptions({
    queryKey: ["redirect-uri-draft", name.toLowerCase()],
    queryFn: ({ signal }) => send<RedirectUri>("POST", "/redirect-uris", { body: { name }, signal }),
    enabled: name !== "",
    staleTime: Infinity,
    retry: false,
  });
