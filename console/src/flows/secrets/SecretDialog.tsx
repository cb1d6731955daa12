import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { saveSecret } from "../../api/flows";
import { common } from "../../texts/common";
import { secrets } from "../../texts/flows";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Check, SecretField, TextField } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";
import { parseJson } from "../../ui/inputFields";

interface SecretDialogProps {
  name: string;
  replaces: boolean;
  onClose: () => void;
  onSaved: () => void;
}

export function SecretDialog({ name: given, replaces, onClose, onSaved }: SecretDialogProps) {
  const [name, setName] = useState(given);
  const [typed, setTyped] = useState("");
  const [json, setJson] = useState(false);
  const value = json ? parseJson(typed) : typed;
  const wrong = json && (typeof value !== "object" || value === null);
  const saving = useMutation({ mutationFn: () => saveSecret(name, value), onSuccess: onSaved });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!wrong) saving.mutate();
  };
  return (
    <Dialog title={replaces ? secrets.replaceTitle(given) : secrets.new} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        {replaces ? <p>{secrets.replaceLead}</p> : <TextField label={secrets.name} hint={secrets.nameHint} mono required autoFocus value={name} onChange={setName} />}
        <SecretField label={secrets.value} required autoFocus={replaces || given !== ""} value={typed} onChange={setTyped} notes={wrong && typed !== "" ? [{ severity: "error", message: secrets.badJson }] : []} />
        <Check label={secrets.asJson} checked={json} onChange={setJson} />
        {saving.error && <ProblemView error={saving.error} />}
        <div className="row">
          <Button type="submit" variant="primary" busy={saving.isPending}>
            {secrets.save}
          </Button>
          <Button onClick={onClose}>{common.cancel}</Button>
        </div>
      </form>
    </Dialog>
  );
}
