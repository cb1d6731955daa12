// What can be done to the text as a whole.

import { common } from "../../texts/common";
import { builder as words } from "../../texts/builder";
import { Button, ButtonLink } from "../../ui/Button";
import { useBuilder } from "./BuilderContext";
import type { DraftState } from "./draft";
import { type Saving, keyOf } from "./useSaving";

interface HeaderProps {
  state: DraftState;
  saving: Saving;
  unsaved: boolean;
  editable: "yes" | "no";
}

export function Header({ state, saving, unsaved, editable }: HeaderProps) {
  const { draft } = useBuilder();
  const { number, source } = state.stored;
  const title = number > 0 ? keyOf(source) : words.newTitle;
  return (
    <header className="builder-head">
      <title>{`${title} · ${common.product}`}</title>
      <h1>
        <bdi>{title}</bdi>
      </h1>
      <span className="muted small" role="status">
        {unsaved ? words.unsaved : words.saved(number)}
      </span>
      <span className="row builder-actions">
        {number > 0 && (
          <ButtonLink to={`/flows/${title}`} variant="quiet">
            {words.toFlow}
          </ButtonLink>
        )}
        {editable === "yes" && (
          <>
            <Button disabled={state.past.length === 0} onClick={() => draft.undo()}>
              {words.undo}
            </Button>
            <Button disabled={state.future.length === 0} onClick={() => draft.redo()}>
              {words.redo}
            </Button>
            <Button variant="primary" busy={saving.busy} disabled={!unsaved} onClick={() => void saving.save().catch(() => undefined)}>
              {words.save}
            </Button>
          </>
        )}
      </span>
    </header>
  );
}
