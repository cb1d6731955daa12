// Who is signed in, signing in and out, and the first administrator.

import { queryOptions } from "@tanstack/react-query";
import { send } from "./client";
import { hasStatus } from "./problem";
import type { components } from "./schema";

export type Me = components["schemas"]["Me"];
export type Role = components["schemas"]["Role"];
type SignedIn = components["schemas"]["SignedIn"];

/** `null` when nobody is signed in. */
export const meQuery = queryOptions({
  queryKey: ["me"],
  queryFn: async ({ signal }): Promise<Me | null> => {
    try {
      return await send<Me>("GET", "/me", { signal });
    } catch (error) {
      if (hasStatus(error, 401)) return null;
      throw error;
    }
  },
  staleTime: Infinity,
});

/** Whether the first administrator is still to be made. */
export const setupQuery = queryOptions({
  queryKey: ["setup"],
  queryFn: async ({ signal }) => (await send<components["schemas"]["SetupNeeded"]>("GET", "/setup", { signal })).needed,
  staleTime: Infinity,
});

export function signIn(body: { username: string; password: string }): Promise<SignedIn> {
  return send("POST", "/session", { body });
}

export function signOut(): Promise<void> {
  return send("DELETE", "/session");
}

export function setUp(body: { token: string; username: string; password: string }): Promise<SignedIn> {
  return send("POST", "/setup", { body });
}

const RANK: Record<Role, number> = { viewer: 0, operator: 1, admin: 2 };

/** Each role may do what the ones below it may. */
export function may(me: Me, role: Role): boolean {
  return RANK[me.role] >= RANK[role];
}
