// Somebody leaves the builder, and what they did is not saved.

import { builder as words } from "../../texts/builder";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import type { Saving } from "./useSaving";

interface LeaveDialogProps {
  saving: Saving;
  onLeave: () => void;
  onStay: () => void;
}

export function LeaveDialog({ saving, onLeave, onStay }: LeaveDialogProps) {
  const leave = () => {
    onStay();
    onLeave();
  };
  // what keeps it from being saved is said in the builder
  const save = () => void saving.save().then(leave).catch(onStay);
  return (
    <Dialog title={words.leaving} onClose={onStay}>
      <p>{words.leavingLead}</p>
      <div className="row">
        <Button variant="primary" busy={saving.busy} onClick={save}>
          {words.saveAndLeave}
        </Button>
        <Button onClick={leave}>{words.leaveUnsaved}</Button>
        <Button variant="quiet" autoFocus onClick={onStay}>
          {words.stay}
        </Button>
      </div>
    </Dialog>
  );
}
