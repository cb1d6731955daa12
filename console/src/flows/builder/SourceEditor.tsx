// The flow's text. The editor lives in a shadow root: there its styles are adopted, which the policy allows.

import { defaultKeymap } from "@codemirror/commands";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, bracketMatching, foldGutter, foldKeymap, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { Annotation, EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, highlightActiveLineGutter, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useCallback } from "react";
import { nodeAt, parse, startOf } from "../../canvas/text/source";
import { builder as words } from "../../texts/builder";
import type { Draft } from "./draft";
import { chosenStep } from "./commands";

const COLOURS = HighlightStyle.define([
  { tag: tags.propertyName, color: "var(--accent)" },
  { tag: [tags.string, tags.content], color: "var(--text)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--info)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
]);

const LOOKS = EditorView.theme({
  "&": { height: "100%", color: "var(--text)", backgroundColor: "var(--surface)", fontSize: "0.83rem" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-gutters": { backgroundColor: "var(--sunken)", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent-soft) 60%, transparent)" },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "var(--accent-soft) !important" },
});

/** Changes that come from the draft are not told to it again. */
const fromDraft = Annotation.define<true>();

export function SourceEditor({ draft, editable }: { draft: Draft; editable: "yes" | "no" }) {
  const mount = useCallback((host: HTMLDivElement | null) => (host ? open(host, draft, editable) : undefined), [draft, editable]);
  return <div className="flow-text" ref={mount} />;
}

function open(host: HTMLElement, draft: Draft, editable: "yes" | "no"): () => void {
  const root = host.shadowRoot ?? host.attachShadow({ mode: "open", delegatesFocus: true });
  const view = new EditorView({ parent: root, root, state: EditorState.create({ doc: draft.get().source, extensions: extensions(draft, editable) }) });
  scrollToChosen(view, draft);
  let { selected } = draft.get();
  const off = draft.subscribe(() => {
    follow(view, draft.get().source);
    if (draft.get().selected !== selected && !view.hasFocus) scrollToChosen(view, draft);
    selected = draft.get().selected;
  });
  return () => {
    off();
    view.destroy();
  };
}

function extensions(draft: Draft, editable: "yes" | "no") {
  const undo = () => (draft.undo(), true);
  const redo = () => (draft.redo(), true);
  return [
    lineNumbers(),
    foldGutter(),
    highlightActiveLine(),
    highlightActiveLineGutter(),
    drawSelection(),
    indentOnInput(),
    bracketMatching(),
    yaml(),
    syntaxHighlighting(COLOURS),
    LOOKS,
    EditorState.tabSize.of(2),
    EditorState.readOnly.of(editable === "no"),
    EditorState.lineSeparator.of(draft.get().source.includes("\r\n") ? "\r\n" : "\n"),
    EditorView.contentAttributes.of({ "aria-label": words.yaml, tabindex: "0" }),
    keymap.of([{ key: "Mod-z", run: undo }, { key: "Mod-y", run: redo }, { key: "Mod-Shift-z", run: redo }, ...foldKeymap, ...defaultKeymap]),
    EditorView.updateListener.of((update) => {
      if (update.docChanged && !update.transactions.some((transaction) => transaction.annotation(fromDraft))) draft.change(update.state.sliceDoc(), "text", performance.now());
    }),
  ];
}

/** Takes over a text that was changed elsewhere, by the part that differs. */
function follow(view: EditorView, source: string): void {
  const old = view.state.sliceDoc();
  if (old === source) return;
  const { doc } = EditorState.create({ doc: source, extensions: EditorState.lineSeparator.of(view.state.lineBreak) });
  const before = view.state.doc.toString();
  const after = doc.toString();
  let from = 0;
  while (from < before.length && from < after.length && before[from] === after[from]) from += 1;
  let end = 0;
  while (end < before.length - from && end < after.length - from && before.at(-1 - end) === after.at(-1 - end)) end += 1;
  view.dispatch({ changes: { from, to: before.length - end, insert: view.state.toText(after.slice(from, after.length - end)) }, annotations: fromDraft.of(true) });
}

function scrollToChosen(view: EditorView, draft: Draft): void {
  const step = chosenStep(draft);
  const parsed = parse(draft.get().source);
  const node = step && parsed.faults.length === 0 ? nodeAt(parsed, step.path.slice(0, -1)) : undefined;
  if (!node) return;
  const line = view.state.doc.line(Math.min(view.state.doc.lines, parsed.lines.linePos(startOf(node)).line));
  view.dispatch({ selection: { anchor: line.from }, effects: EditorView.scrollIntoView(line.from, { y: "start", yMargin: 24 }) });
}
