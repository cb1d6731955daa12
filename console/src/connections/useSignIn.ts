import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { Card } from "../api/connections";
import { beginSignIn, signInQuery, windowFor } from "./signIn";

/** Begins a sign-in to a connection, and tells whether this tab is waiting for one. */
export function useSignIn({ name, grant }: Pick<Card, "name" | "grant">) {
  const client = useQueryClient();
  const signIn = useQuery(signInQuery(name)).data ?? null;
  const { mutate, isPending, error } = useMutation({ mutationFn: (opened: Window | null) => beginSignIn(client, name, opened) });
  return { begin: () => mutate(windowFor(grant)), isPending, error, signIn };
}
