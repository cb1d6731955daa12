// A sign-in in a window of its own: open the window in the click, send it to the provider when the address
// is known, and ask for the connection until the sign-in has come back or run out.

import { type QueryClient, queryOptions, skipToken } from "@tanstack/react-query";
import { type Explanation, authorizeConnection, connectionKey, connectionsKey } from "../api/connections";
import { segment, send } from "../api/client";
import { refresh } from "../api/refresh";
import { safeLink } from "../ui/textParts";

export interface Waiting {
  phase: "waiting";
  url: string;
  /** False if the browser did not let a window open. */
  opened: boolean;
  /** What is to be typed there, with a device code. */
  userCode: string | undefined;
  /** When the sign-in before this one ended. */
  before: string | undefined;
}

/** What this tab waits for, or how that ended if it did not end well. */
export type SignIn = Waiting | { phase: "failed"; detail: string };

interface Poll {
  finished: boolean;
  /** How often in a row no sign-in was pending: between the callback and its end there is a moment of that. */
  misses: number;
}

const EVERY = 1_500;
const MISSES = 3;
const windows = new Map<string, Window>();

/**
 * To be called in the click itself: later the browser takes the window for an advertisement. A code is typed wherever the
 * person likes, and a window that stays at the provider's could not be closed from here.
 */
export function windowFor(grant: string | null | undefined): Window | null {
  return grant === "authorization_code" ? window.open("about:blank", "_blank", "popup,width=520,height=720") : null;
}

export const signInKey = (name: string) => ["sign-in", name] as const;

export const signInQuery = (name: string) => queryOptions<SignIn | null>({ queryKey: signInKey(name), queryFn: skipToken, staleTime: Infinity, gcTime: Infinity });

/** Begins a sign-in and sends the window there. */
export async function beginSignIn(client: QueryClient, name: string, opened: Window | null): Promise<void> {
  try {
    const started = await authorizeConnection(name);
    const url = safeLink(started.url);
    if (url === undefined) throw new Error(`not an address to open: ${started.url}`);
    const explanation = await explain(name);
    client.setQueryData(connectionKey(name), explanation.connection);
    if (opened && !opened.closed) {
      // the provider's page has no business with this one
      opened.opener = null;
      opened.location.replace(url);
      windows.set(name, opened);
    }
    const waiting: Waiting = { phase: "waiting", url, opened: opened !== null && !opened.closed, userCode: started.device?.user_code, before: explanation.last_authorization?.ended_at };
    client.setQueryData(signInQuery(name).queryKey, waiting);
  } catch (error) {
    opened?.close();
    throw error;
  }
}

/** Stops waiting; the window, if it is still there, is closed. */
export function endSignIn(client: QueryClient, name: string, end: SignIn | null = null): void {
  windows.get(name)?.close();
  windows.delete(name);
  client.setQueryData(signInKey(name), end);
  void refresh(client, { queryKey: connectionsKey });
}

export const signInPoll = (client: QueryClient, name: string, signIn: Waiting) =>
  queryOptions<Poll>({
    queryKey: [...signInKey(name), signIn.url],
    queryFn: async ({ queryKey }) => {
      const explanation = await explain(name);
      const last = client.getQueryData<Poll>(queryKey);
      const misses = explanation.pending_authorization ? 0 : (last?.misses ?? 0) + 1;
      const ended = explanation.last_authorization?.ended_at === signIn.before ? undefined : explanation.last_authorization;
      const finished = Boolean(ended) || misses >= MISSES;
      client.setQueryData(connectionKey(name), explanation.connection);
      if (finished) endSignIn(client, name, ended?.result === "failed" ? { phase: "failed", detail: ended.detail ?? ended.code ?? "" } : null);
      return { finished, misses };
    },
    refetchInterval: (query) => (query.state.data?.finished ? false : EVERY),
    refetchIntervalInBackground: true,
    gcTime: 0,
  });

function explain(name: string): Promise<Explanation> {
  return send("GET", `/connections/${segment(name)}/explain`);
}
