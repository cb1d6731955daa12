// Which notes belong to which input: our own, and the server's problem where it names the field.

import { asProblem } from "../../api/problem";
import type { FieldNote } from "../../ui/Field";
import type { DraftNote } from "./draft";

/** The notes of one field, with fixes that apply themselves. */
export function fieldNotes<Fields>(
  notes: readonly DraftNote<Fields>[],
  error: unknown,
  field: keyof Fields & string,
  patch: (fields: Partial<Fields>) => void,
): FieldNote[] {
  const own = notes
    .filter((note) => note.field === field)
    .map((note): FieldNote => {
      const { fix } = note;
      return { severity: note.severity, message: note.message, fix: fix && { label: fix.label, apply: () => patch(fix.patch) } };
    });
  const problem = error ? asProblem(error) : undefined;
  if (problem && pointsAt(problem.field, field)) own.push({ severity: "error", message: [problem.detail, problem.hint].filter(Boolean).join(" ") });
  return own;
}

/** A JSON pointer's first part names the field. */
export function pointsAt(pointer: string | null | undefined, field: string): boolean {
  return pointer === `/${field}` || pointer?.startsWith(`/${field}/`) === true;
}
