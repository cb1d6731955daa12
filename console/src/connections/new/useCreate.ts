// Create saves and proves: the form is sent, and for a connection that a person signs in to the window that
// was opened in the click goes on to the provider. A certificate that Keyway makes is registered there first.

import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useLocation } from "wouter";
import { type Card, type NewConnection, connectionKey, connectionsKey, createConnection, generateCertificate, signsIn } from "../../api/connections";
import { refresh } from "../../api/refresh";
import { beginSignIn, windowFor } from "../signIn";

interface Creation {
  body: NewConnection;
  opened: Window | null;
  /** Whether Keyway makes the certificate. */
  makes: boolean;
}

export function useCreate() {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const mutation = useMutation({
    mutationFn: async ({ body, opened, makes }: Creation): Promise<Card> => {
      let card: Card;
      try {
        card = await createConnection(body);
      } catch (error) {
        opened?.close();
        throw error;
      }
      client.setQueryData(connectionKey(card.name), card);
      if (makes) {
        // the connection is there; if this goes wrong, its page offers it again
        await generateCertificate(card.name).catch(() => undefined);
        void refresh(client, { queryKey: connectionKey(card.name) });
      } else if (canSignIn(card)) {
        // it is saved: what goes wrong from here on is shown on its page
        await beginSignIn(client, card.name, opened).catch(() => undefined);
      } else {
        opened?.close();
      }
      return card;
    },
    onSuccess: (card) => {
      void refresh(client, { queryKey: connectionsKey, exact: true });
      navigate(`/connections/${encodeURIComponent(card.name)}`);
    },
  });
  const create = (body: NewConnection, makes = false) => {
    if (mutation.isPending) return;
    mutation.mutate({ body, opened: makes ? null : windowFor(body.grant), makes });
  };
  return { create, isPending: mutation.isPending, error: mutation.error, reset: mutation.reset };
}

/** Not when the provider has already said that a sign-in can't succeed. */
function canSignIn(card: Card): boolean {
  const hopeless = card.state === "needs_settings" || card.state === "needs_secret" || card.state === "unreadable";
  return signsIn(card) && !hopeless;
}
