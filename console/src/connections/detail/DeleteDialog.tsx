import { useMutation, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { useLocation } from "wouter";
import { type Card, connectionKey, connectionsKey, deleteConnection } from "../../api/connections";
import { refresh } from "../../api/refresh";
import { remove } from "../../texts/connections";
import { common } from "../../texts/common";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { TextField } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";

/** Deleting names what goes with it, and asks for the name. */
export function DeleteDialog({ card, onClose }: { card: Card; onClose: () => void }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const [typed, setTyped] = useState("");
  const removal = useMutation({
    mutationFn: () => deleteConnection(card.name, card.version),
    onSuccess: () => {
      navigate("/connections");
      client.removeQueries({ queryKey: connectionKey(card.name) });
      void refresh(client, { queryKey: connectionsKey });
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (typed === card.name) removal.mutate();
  };
  const own = card.redirect_uri?.endsWith(card.id) ?? false;
  return (
    <Dialog title={remove.title(card.name)} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <div className="stack-small">
          <p>{remove.lead}</p>
          <ul>
            {[...remove.consequences, ...(own ? [remove.redirect] : [])].map((consequence) => (
              <li key={consequence}>{consequence}</li>
            ))}
          </ul>
        </div>
        <TextField label={remove.confirm(card.name)} value={typed} onChange={setTyped} autoFocus required />
        {removal.error && <ProblemView error={removal.error} />}
        <div className="row">
          <Button type="submit" variant="danger" busy={removal.isPending} disabled={typed !== card.name}>
            {remove.do}
          </Button>
          <Button onClick={onClose}>{common.cancel}</Button>
        </div>
      </form>
    </Dialog>
  );
}
