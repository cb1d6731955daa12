import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { createUser } from "../../api/administration";
import type { Role } from "../../api/session";
import { common } from "../../texts/common";
import { keys, users } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SecretField, Select, TextField } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";

export function NewUserDialog({ onClose, onCreated }: { onClose: () => void; onCreated: () => void }) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [role, setRole] = useState<Role>("operator");
  const creation = useMutation({ mutationFn: createUser, onSuccess: onCreated });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    creation.mutate({ username, password, role });
  };
  return (
    <Dialog title={users.new} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <TextField label={users.username} required autoFocus value={username} onChange={setUsername} />
        <SecretField label={users.password} hint={users.passwordHint} required value={password} onChange={setPassword} />
        <Select label={users.role} value={role} options={keys.roles} onChange={setRole} />
        {creation.error && <ProblemView error={creation.error} />}
        <div className="row">
          <Button type="submit" variant="primary" busy={creation.isPending}>
            {users.create}
          </Button>
          <Button onClick={onClose}>{common.cancel}</Button>
        </div>
      </form>
    </Dialog>
  );
}
