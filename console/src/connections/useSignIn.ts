import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { beginSignIn, openWindow, signInQuery } from "./signIn";

/** Begins a sign-in to a connection, and tells whether this tab is waiting for one. */
export function useSignIn(name: string) {
  const client = useQueryClient();
  const signIn = useQuery(signInQuery(name)).data ?? null;
  const { mutate, isPending, error } = useMutation({ mutationFn: (opened: Window | null) => beginSignIn(client, name, opened) });
  return { begin: () => mutate(openWindow()), isPending, error, signIn };
}
