// The input of a flow, typed into the fields of its schema or as JSON.

import { type FormEvent, type ReactNode, useState } from "react";
import { inputText } from "../texts/common";
import { Button } from "./Button";
import { type FieldNote, Select, TextArea, TextField } from "./Field";
import { type InputField, type Typed, fieldsOf, fits, parseJson, readTyped, typedFrom } from "./inputFields";

interface InputFormProps {
  schema: unknown;
  /** What stands in it at first. */
  initial: unknown;
  action: string;
  busy: boolean;
  onSubmit: (input: unknown) => void;
  /** Beside the button. */
  children?: ReactNode;
}

type Entry = { as: "fields"; typed: Typed } | { as: "json"; text: string };

export function InputForm({ schema, initial, action, busy, onSubmit, children }: InputFormProps) {
  const fields = fieldsOf(schema);
  const [entry, setEntry] = useState<Entry>(() => (fields && (initial === undefined || fits(fields, initial)) ? { as: "fields", typed: typedFrom(fields, initial) } : { as: "json", text: JSON.stringify(initial ?? {}, null, 2) }));
  const [tried, setTried] = useState(false);
  const read = entry.as === "fields" ? readTyped(fields ?? [], entry.typed) : undefined;
  const parsed = entry.as === "json" ? parseJson(entry.text) : undefined;
  const submit = (event: FormEvent) => {
    event.preventDefault();
    setTried(true);
    if (read?.ok) onSubmit(read.value);
    if (entry.as === "json" && parsed !== undefined) onSubmit(parsed);
  };
  const wrong = tried && read && !read.ok ? read.wrong : {};
  const turn = () => {
    setTried(false);
    if (entry.as === "fields") setEntry({ as: "json", text: JSON.stringify(read?.ok ? read.value : {}, null, 2) });
    else if (fields) setEntry({ as: "fields", typed: typedFrom(fields, parsed) });
  };
  return (
    <form className="stack" onSubmit={submit} noValidate>
      {entry.as === "fields" &&
        fields?.map((field) => (
          <OneField
            key={field.name}
            field={field}
            value={entry.typed[field.name] ?? ""}
            notes={notesOf(wrong[field.name])}
            onChange={(text) => setEntry({ as: "fields", typed: { ...entry.typed, [field.name]: text } })}
          />
        ))}
      {entry.as === "json" && (
        <TextArea label={inputText.json} rows={10} value={entry.text} notes={tried && parsed === undefined ? notesOf("json") : []} onChange={(text) => setEntry({ as: "json", text })} />
      )}
      <div className="row">
        <Button type="submit" variant="primary" busy={busy}>
          {action}
        </Button>
        {fields && <Button onClick={turn}>{entry.as === "fields" ? inputText.asJson : inputText.asFields}</Button>}
        {children}
      </div>
    </form>
  );
}

function notesOf(what: keyof typeof inputText.wrong | undefined): FieldNote[] {
  return what ? [{ severity: "error", message: inputText.wrong[what] }] : [];
}

function OneField({ field, value, notes, onChange }: { field: InputField; value: string; notes: FieldNote[]; onChange: (text: string) => void }) {
  const label = field.required ? field.label : inputText.optional(field.label);
  const frame = { label, hint: field.hint, notes, value, onChange };
  const blank = { value: "", label: inputText.leftOut };
  if (field.kind === "boolean") return <Select {...frame} options={[blank, { value: "true", label: inputText.yes }, { value: "false", label: inputText.no }]} />;
  if (field.kind === "choice") return <Select {...frame} options={[blank, ...field.choices.map((choice) => ({ value: choice, label: choice.replace(/^"(.*)"$/, "$1") }))]} />;
  if (field.kind === "json") return <TextArea {...frame} hint={field.hint || inputText.jsonHint} />;
  return <TextField {...frame} required={field.required} mono={field.kind !== "text"} />;
}
