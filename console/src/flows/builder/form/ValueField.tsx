// A value, an expression or a URI, with a way to take it from an earlier result.

import { useRef, useState } from "react";
import { same, type Path } from "../../../canvas/text/source";
import { builder, form as words } from "../../../texts/builder";
import { Button } from "../../../ui/Button";
import { type FieldNote, TextArea, TextField } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { ResultPicker } from "../results/ResultPicker";
import { type FieldKind, withJq } from "../results/insertion";
import { type Source, keepAll } from "../results/sources";
import type { Sees } from "./specs";
import { type Read, expressionOf, jqOf, textOf, valueOf } from "./valueText";

interface ValueFieldProps {
  label: string;
  hint?: string;
  /** `line` is a value on one line. */
  kind: FieldKind | "line";
  sees: Sees;
  base: Path;
  value: unknown;
  onChange: (value: unknown) => void;
}

function show(kind: ValueFieldProps["kind"], value: unknown): string {
  if (value === "") return "";
  if (kind === "jq") return jqOf(value);
  return kind === "uri" && typeof value === "string" ? value : textOf(value);
}

function read(kind: ValueFieldProps["kind"], text: string): Read {
  if (kind === "jq") return { value: expressionOf(text) };
  if (kind === "uri") return { value: text === "" ? undefined : text };
  return valueOf(text);
}

export function ValueField({ label, hint, kind, sees, base, value, onChange }: ValueFieldProps) {
  const { draft } = useBuilder();
  // what was typed stays as it was typed, for as long as it means what is stored
  const [typed, setTyped] = useState<{ text: string; value: unknown; fault?: string } | undefined>();
  const [picking, setPicking] = useState(false);
  const frame = useRef<HTMLDivElement>(null);
  const text = typed && same(typed.value, value) ? typed.text : show(kind, value);
  const notes: FieldNote[] = typed?.fault !== undefined && typed.text === text ? [{ severity: "error", message: typed.fault }] : [];
  const type = (next: string) => {
    const meant = read(kind, next);
    if ("fault" in meant) return setTyped({ text: next, value, fault: words.notYaml(meant.fault) });
    setTyped({ text: next, value: meant.value });
    if (!same(meant.value, value)) onChange(meant.value);
  };
  const use = (source: Source, jq: string) => {
    const field = frame.current?.querySelector<HTMLInputElement | HTMLTextAreaElement>("input, textarea");
    setPicking(false);
    draft.change(keepAll(draft.get().source, source.keep), "", 0);
    type(withJq(kind === "line" ? "value" : kind, text, field?.selectionStart ?? text.length, jq));
    field?.focus();
  };
  const common = { label, notes, value: text, onChange: type, ...(hint === undefined ? {} : { hint }) };
  return (
    <div className="value-field" ref={frame}>
      {kind === "value" ? <TextArea {...common} rows={Math.min(12, Math.max(2, text.split("\n").length))} /> : <TextField {...common} mono />}
      {sees !== "nothing" && (
        <div>
          <Button size="small" variant="quiet" aria-label={builder.useResultFor(label)} onClick={() => setPicking(true)}>
            {builder.useResult}
          </Button>
        </div>
      )}
      {picking && <ResultPicker base={base} sees={sees} onUse={use} onClose={() => setPicking(false)} />}
    </div>
  );
}
