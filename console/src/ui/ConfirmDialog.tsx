import { common } from "../texts/common";
import { Button } from "./Button";
import { Dialog } from "./Dialog";
import { ProblemView } from "./ProblemView";

interface ConfirmDialogProps {
  title: string;
  lead: string;
  action: string;
  busy: boolean;
  error: Error | null;
  onConfirm: () => void;
  onClose: () => void;
}

/** Asks before something that can't be undone. */
export function ConfirmDialog({ title, lead, action, busy, error, onConfirm, onClose }: ConfirmDialogProps) {
  return (
    <Dialog title={title} onClose={onClose}>
      <p>{lead}</p>
      {error && <ProblemView error={error} />}
      <div className="row">
        <Button variant="danger" busy={busy} onClick={onConfirm}>
          {action}
        </Button>
        <Button autoFocus onClick={onClose}>
          {common.cancel}
        </Button>
      </div>
    </Dialog>
  );
}
