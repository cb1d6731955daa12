import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { common } from "../../texts/common";
import { webhooks } from "../../texts/webhooks";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Check, TextField } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";

interface Settings {
  name: string;
  url: string;
  /** None for all. */
  types: string[];
}

interface WebhookDialogProps<Saved> {
  title: string;
  action: string;
  initial: Settings;
  /** The types of events that there are. */
  known: readonly string[];
  save: (settings: Settings) => Promise<Saved>;
  onSaved: (saved: Saved) => void;
  onClose: () => void;
}

/** The settings of a webhook, new or changed. */
export function WebhookDialog<Saved>({ title, action, initial, known, save, onSaved, onClose }: WebhookDialogProps<Saved>) {
  const [typed, setTyped] = useState(initial);
  const saving = useMutation({ mutationFn: save, onSuccess: onSaved });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate(typed);
  };
  const turn = (type: string, wanted: boolean) => setTyped({ ...typed, types: known.filter((other) => (other === type ? wanted : typed.types.includes(other))) });
  const all = typed.types.length === 0;
  return (
    <Dialog title={title} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        <TextField label={webhooks.name} hint={webhooks.nameHint} mono required autoFocus value={typed.name} onChange={(name) => setTyped({ ...typed, name })} />
        <TextField label={webhooks.url} hint={webhooks.urlHint} type="url" mono required value={typed.url} onChange={(url) => setTyped({ ...typed, url })} />
        <fieldset className="stack-small">
          <legend className="field-label">{webhooks.types}</legend>
          <Check label={webhooks.allTypes} checked={all} onChange={(wanted) => setTyped({ ...typed, types: wanted ? [] : [...known] })} />
          {!all && known.map((type) => <Check key={type} label={<code>{type}</code>} checked={typed.types.includes(type)} onChange={(wanted) => turn(type, wanted)} />)}
        </fieldset>
        {saving.error && <ProblemView error={saving.error} />}
        <div className="row">
          <Button type="submit" variant="primary" busy={saving.isPending}>
            {action}
          </Button>
          <Button onClick={onClose}>{common.cancel}</Button>
        </div>
      </form>
    </Dialog>
  );
}
