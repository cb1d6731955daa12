// Two people changed the same flow: the ways out.

import type { VersionCard } from "../../api/flows";
import { builder as words } from "../../texts/builder";
import { common } from "../../texts/common";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Difference } from "../detail/Compare";
import { diff } from "../detail/diff";

interface ConflictDialogProps {
  source: string;
  theirs: VersionCard;
  /** The flow's key, where the text was to be a new flow. */
  taken: string | undefined;
  busy: boolean;
  onTakeTheirs: () => void;
  onKeepMine: () => void;
  onClose: () => void;
}

export function ConflictDialog({ source, theirs, taken, busy, onTakeTheirs, onKeepMine, onClose }: ConflictDialogProps) {
  return (
    <Dialog title={taken === undefined ? words.conflict : words.taken(taken)} onClose={onClose}>
      <p>{taken === undefined ? words.conflictLead(theirs.number, theirs.deployed_by) : words.takenLead}</p>
      <details>
        <summary>{words.difference}</summary>
        <div className="more">
          <Difference lines={diff(theirs.source, source)} label={words.difference} />
        </div>
      </details>
      <p className="muted small">{words.conflictNote}</p>
      <div className="row">
        <Button variant="primary" busy={busy} onClick={onKeepMine}>
          {words.keepMine}
        </Button>
        <Button onClick={onTakeTheirs}>{words.takeTheirs}</Button>
        <Button variant="quiet" onClick={onClose}>
          {common.cancel}
        </Button>
      </div>
    </Dialog>
  );
}
