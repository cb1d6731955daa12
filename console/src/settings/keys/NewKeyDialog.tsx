import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type CreatedKey, createKey } from "../../api/administration";
import type { Role } from "../../api/session";
import { common } from "../../texts/common";
import { keys } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Select, TextField } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";

const DAYS = "90";

export function NewKeyDialog({ onClose, onCreated }: { onClose: () => void; onCreated: (key: CreatedKey) => void }) {
  const [name, setName] = useState("");
  const [role, setRole] = useState<Role>("operator");
  const [days, setDays] = useState(DAYS);
  const creation = useMutation({ mutationFn: createKey, onSuccess: onCreated });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    creation.mutate({ name, role, expires_in_days: Number(days) });
  };
  return (
    <Dialog title={keys.new} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <TextField label={keys.name} hint={keys.nameHint} required autoFocus value={name} onChange={setName} />
        <Select label={keys.role} value={role} options={keys.roles} onChange={setRole} />
        <TextField label={keys.days} type="number" min={1} max={366} required value={days} onChange={setDays} />
        {creation.error && <ProblemView error={creation.error} />}
        <div className="row">
          <Button type="submit" variant="primary" busy={creation.isPending}>
            {keys.create}
          </Button>
          <Button onClick={onClose}>{common.cancel}</Button>
        </div>
      </form>
    </Dialog>
  );
}
