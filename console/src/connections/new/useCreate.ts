// Create saves and proves: the form is sent, and for a connection that a person signs in to the window that
// was opened in the click goes on to the provider.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { type Card, type NewConnection, connectionKey, connectionsKey, createConnection, signsIn } from "../../api/connections";
import { beginSignIn, windowFor } from "../signIn";

export function useCreate() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const mutation = useMutation({
    mutationFn: async ({ body, opened }: { body: NewConnection; opened: Window | null }): Promise<Card> => {
      let card: Card;
      try {
        card = await createConnection(body);
      } catch (error) {
        opened?.close();
        throw error;
      }
      client.setQueryData(connectionKey(card.name), card);
      if (canSignIn(card)) {
        // it is saved: what goes wrong from here on is shown on its page
        await beginSignIn(client, card.name, opened).catch(() => undefined);
      } else {
        opened?.close();
      }
      return card;
    },
    onSuccess: (card) => {
      void client.invalidateQueries({ queryKey: connectionsKey, exact: true });
      navigate(`/connections/${encodeURIComponent(card.name)}`);
    },
  });
  const create = (body: NewConnection) => {
    if (mutation.isPending) return;
    mutation.mutate({ body, opened: windowFor(body.grant) });
  };
  return { create, isPending: mutation.isPending, error: mutation.error, reset: mutation.reset };
}

/** Not when the provider has already said that a sign-in can't succeed. */
function canSignIn(card: Card): boolean {
  const hopeless = card.state === "needs_settings" || card.state === "needs_secret" || card.state === "unreadable";
  return signsIn(card) && !hopeless;
}
