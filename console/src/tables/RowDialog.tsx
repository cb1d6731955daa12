// Writing a row on the version that was read. Where somebody was quicker, both values are shown and one is chosen.

import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { hasStatus } from "../api/problem";
import { type RowCard, readRow, saveRow } from "../api/tables";
import { common } from "../texts/common";
import { tables } from "../texts/tables";
import { Button } from "../ui/Button";
import { Dialog } from "../ui/Dialog";
import { TextArea, TextField } from "../ui/Field";
import { ProblemView } from "../ui/ProblemView";
import { parseJson } from "../ui/inputFields";

interface RowDialogProps {
  table: string;
  /** `undefined` for a row that is not there yet. */
  row: RowCard | undefined;
  onClose: () => void;
  onSaved: () => void;
}

/** What stands in the way of a save: the row as it is now, or that it is gone. */
type Conflict = { row: RowCard } | { row: null };

class Overtaken extends Error {
  readonly conflict: Conflict;

  constructor(conflict: Conflict) {
    super(tables.conflict);
    this.conflict = conflict;
  }
}

async function save(table: string, key: string, value: unknown, version: number): Promise<RowCard> {
  try {
    return await saveRow(table, key, value, version);
  } catch (error) {
    if (!hasStatus(error, 409)) throw error;
    const now = await readRow(table, key).catch((missing: unknown) => {
      if (hasStatus(missing, 404)) return null;
      throw missing;
    });
    throw new Overtaken({ row: now });
  }
}

export function RowDialog({ table, row, onClose, onSaved }: RowDialogProps) {
  const [key, setKey] = useState(row?.key ?? "");
  const [text, setText] = useState(() => JSON.stringify(row?.value ?? {}, null, 2));
  const [version, setVersion] = useState(row?.version ?? 0);
  const value = parseJson(text);
  const saving = useMutation({ mutationFn: (on: number) => save(table, key, value, on), onSuccess: onSaved });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (value !== undefined) saving.mutate(version);
  };
  const overtaken = saving.error instanceof Overtaken ? saving.error.conflict : undefined;
  return (
    <Dialog title={row ? tables.editTitle(row.key) : tables.newTitle(table)} onClose={onClose}>
      <form className="stack" onSubmit={submit}>
        {!row && <TextField label={tables.key} mono required autoFocus value={key} onChange={setKey} />}
        <TextArea label={tables.json} rows={10} value={text} onChange={setText} notes={value === undefined ? [{ severity: "error", message: tables.badJson }] : []} />
        {saving.error && !overtaken && <ProblemView error={saving.error} />}
        {overtaken ? (
          <Choice
            conflict={overtaken}
            onTheirs={(theirs) => {
              setText(JSON.stringify(theirs.value, null, 2));
              setVersion(theirs.version);
              saving.reset();
            }}
            onMine={() => saving.mutate(overtaken.row?.version ?? 0)}
          />
        ) : (
          <div className="row">
            <Button type="submit" variant="primary" busy={saving.isPending} disabled={value === undefined}>
              {tables.save}
            </Button>
            <Button onClick={saving.isError ? onSaved : onClose}>{common.cancel}</Button>
          </div>
        )}
      </form>
    </Dialog>
  );
}

function Choice({ conflict: { row }, onTheirs, onMine }: { conflict: Conflict; onTheirs: (row: RowCard) => void; onMine: () => void }) {
  return (
    <section className="banner tone-warn" role="alert">
      <p className="strong">{tables.conflict}</p>
      {row === null ? (
        <p>{tables.gone}</p>
      ) : (
        <>
          <p>{tables.conflictLead}</p>
          <div className="scroll scroll-tall" tabIndex={0} role="region" aria-label={tables.value}>
            <pre className="raw">{JSON.stringify(row.value, null, 2)}</pre>
          </div>
        </>
      )}
      <div className="row">
        {row !== null && <Button onClick={() => onTheirs(row)}>{tables.takeTheirs}</Button>}
        <Button variant="danger" onClick={onMine}>
          {tables.keepMine}
        </Button>
      </div>
    </section>
  );
}
