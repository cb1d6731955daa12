// Labelled inputs. A note below a field says what is wrong with what was typed and can offer to fix it.

import { type ReactNode, useId } from "react";
import { common } from "../texts/common";
import { Button } from "./Button";

export interface FieldNote {
  severity: "error" | "warning" | "info";
  message: string;
  fix?: { label: string; apply: () => void } | undefined;
}

interface FieldProps {
  label: string;
  hint?: ReactNode;
  notes?: FieldNote[] | undefined;
}

const TONES = { error: "tone-bad", warning: "tone-warn", info: "tone-info" } as const;

export function Notes({ notes, id }: { notes: FieldNote[]; id?: string | undefined }) {
  return (
    <div className="notes" id={id} aria-live="polite">
      {notes.map((note) => (
        <div key={note.message} className={`note ${TONES[note.severity]}`}>
          <span className="note-text">{note.message}</span>
          {note.fix && (
            <Button size="small" onClick={note.fix.apply}>
              {note.fix.label}
            </Button>
          )}
        </div>
      ))}
    </div>
  );
}

interface Wiring {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": boolean;
}

function Frame({ label, hint, notes = [], children }: FieldProps & { children: (wiring: Wiring) => ReactNode }) {
  const id = useId();
  const described = [hint && `${id}-hint`, `${id}-notes`].filter(Boolean).join(" ");
  const wiring = { id, "aria-describedby": described, "aria-invalid": notes.some((note) => note.severity === "error") };
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      {children(wiring)}
      {hint && (
        <div className="field-hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      <Notes notes={notes} id={`${id}-notes`} />
    </div>
  );
}

interface TextFieldProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  onLeave?: () => void;
  type?: "text" | "url" | "password" | "search" | "number" | "date" | "datetime-local";
  required?: boolean;
  mono?: boolean;
  placeholder?: string;
  autoComplete?: string;
  list?: string;
  autoFocus?: boolean;
  min?: number;
  max?: number;
}

export function TextField({ label, hint, notes, value, onChange, onLeave, type = "text", mono = false, autoComplete = "off", ...rest }: TextFieldProps) {
  return (
    <Frame label={label} hint={hint} notes={notes}>
      {(wiring) => (
        <input
          {...wiring}
          {...rest}
          className={mono ? "input input-mono" : "input"}
          type={type}
          value={value}
          autoComplete={autoComplete}
          autoCapitalize="none"
          spellCheck={false}
          onChange={(event) => onChange(event.target.value)}
          onBlur={onLeave}
        />
      )}
    </Frame>
  );
}

/** A secret on its way in; it is never shown, and never filled in from what is stored. */
export function SecretField(props: Omit<TextFieldProps, "type" | "mono" | "autoComplete">) {
  return <TextField {...props} type="password" mono autoComplete="new-password" />;
}

interface TextAreaProps extends FieldProps {
  value: string;
  onChange: (value: string) => void;
  rows?: number;
  required?: boolean;
  placeholder?: string;
}

export function TextArea({ label, hint, notes, onChange, rows = 3, ...rest }: TextAreaProps) {
  return (
    <Frame label={label} hint={hint} notes={notes}>
      {(wiring) => (
        <textarea {...wiring} {...rest} className="input input-mono" rows={rows} spellCheck={false} onChange={(event) => onChange(event.target.value)} />
      )}
    </Frame>
  );
}

interface FileFieldProps extends FieldProps {
  onChoose: (file: File) => void;
}

export function FileField({ label, hint, notes, onChoose }: FileFieldProps) {
  return (
    <Frame label={label} hint={hint} notes={notes}>
      {(wiring) => (
        <input
          {...wiring}
          className="input"
          type="file"
          onChange={(event) => {
            const file = event.target.files?.[0];
            if (file) onChoose(file);
          }}
        />
      )}
    </Frame>
  );
}

export interface Option<Value extends string> {
  value: Value;
  label: string;
}

interface SelectProps<Value extends string> extends FieldProps {
  value: Value;
  options: readonly Option<Value>[];
  onChange: (value: Value) => void;
}

export function Select<Value extends string>({ label, hint, notes, value, options, onChange }: SelectProps<Value>) {
  const chosen = (text: string) => options.find((option) => option.value === text)?.value;
  return (
    <Frame label={label} hint={hint} notes={notes}>
      {(wiring) => (
        <select
          {...wiring}
          className="input"
          value={value}
          onChange={(event) => {
            const next = chosen(event.target.value);
            if (next !== undefined) onChange(next);
          }}
        >
          {options.map((option) => (
            <option key={option.value} value={option.value}>
              {option.label}
            </option>
          ))}
        </select>
      )}
    </Frame>
  );
}

interface CheckProps {
  label: ReactNode;
  checked: boolean;
  onChange: (checked: boolean) => void;
}

export function Check({ label, checked, onChange }: CheckProps) {
  return (
    <label className="check">
      <input type="checkbox" checked={checked} onChange={(event) => onChange(event.target.checked)} />
      <span>{label}</span>
    </label>
  );
}

interface PairsProps {
  legend: string;
  hint?: string;
  nameLabel: string;
  valueLabel: string;
  secret?: boolean;
  pairs: readonly (readonly [string, string])[];
  onChange: (pairs: [string, string][]) => void;
}

/** Any number of names with values. */
export function Pairs({ legend, hint, nameLabel, valueLabel, secret = false, pairs, onChange }: PairsProps) {
  const rows = pairs.map(([name, value]): [string, string] => [name, value]);
  const put = (index: number, pair: [string, string]) => onChange(rows.with(index, pair));
  return (
    <fieldset className="stack-small">
      <legend className="field-label">{legend}</legend>
      {hint && <p className="field-hint">{hint}</p>}
      <div className="pairs">
        {rows.map(([name, value], index) => (
          // rows have no identity but their place
          <div className="pair" key={index}>
            <input className="input input-mono" aria-label={`${nameLabel} ${index + 1}`} placeholder={nameLabel} value={name} spellCheck={false} autoComplete="off" onChange={(event) => put(index, [event.target.value, value])} />
            <input className="input input-mono" aria-label={`${valueLabel} ${index + 1}`} placeholder={valueLabel} type={secret ? "password" : "text"} autoComplete={secret ? "new-password" : "off"} value={value} spellCheck={false} onChange={(event) => put(index, [name, event.target.value])} />
            <Button variant="quiet" icon="cross" aria-label={`${common.remove} ${index + 1}`} onClick={() => onChange(rows.toSpliced(index, 1))}>
              {null}
            </Button>
          </div>
        ))}
      </div>
      <div>
        <Button size="small" icon="plus" onClick={() => onChange([...rows, ["", ""]])}>
          {common.add}
        </Button>
      </div>
    </fieldset>
  );
}
