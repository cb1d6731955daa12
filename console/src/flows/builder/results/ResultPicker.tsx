// Choosing a value out of what earlier steps put out.

import { everyStep } from "../../../canvas/steps";
import type { Path } from "../../../canvas/text/source";
import { builder as words } from "../../../texts/builder";
import { Button } from "../../../ui/Button";
import { Dialog } from "../../../ui/Dialog";
import { common } from "../../../texts/common";
import { useBuilder } from "../BuilderContext";
import type { Sees } from "../form/specs";
import { type Source, partOf, sourcesFor } from "./sources";

interface ResultPickerProps {
  base: Path;
  sees: Sees;
  onUse: (source: Source, jq: string) => void;
  onClose: () => void;
}

/** More members than this are not shown of one value. */
const MOST = 60;

export function ResultPicker({ base, sees, onUse, onClose }: ResultPickerProps) {
  const { flow, root, samples } = useBuilder();
  const step = everyStep(root).find((each) => each.path.join("/") === base.join("/"));
  const sources = sourcesFor(flow, root, step, sees, samples);
  return (
    <Dialog title={words.useResult} onClose={onClose}>
      <p className="muted">{samples.outputs.size === 0 && samples.input === undefined ? words.noResults : words.resultsLead}</p>
      <div className="result-sources">
        {sources.map((source) => (
          <SourceView key={source.label} source={source} onUse={onUse} />
        ))}
      </div>
      <div>
        <Button onClick={onClose}>{common.cancel}</Button>
      </div>
    </Dialog>
  );
}

function SourceView({ source, onUse }: { source: Source; onUse: ResultPickerProps["onUse"] }) {
  return (
    <details className="result-source" open={source.sample !== undefined}>
      <summary>{source.label}</summary>
      <Button size="small" aria-label={words.wholeOf(source.label)} onClick={() => onUse(source, source.jq)}>
        {words.insertWhole}
      </Button>{" "}
      <code>{source.jq}</code>
      {source.sample === undefined ? <p className="muted small">{words.noSample}</p> : <Members source={source} at={[]} value={source.sample} onUse={onUse} />}
    </details>
  );
}

interface MembersProps {
  source: Source;
  at: Path;
  value: unknown;
  onUse: ResultPickerProps["onUse"];
}

function Members({ source, at, value, onUse }: MembersProps) {
  if (typeof value !== "object" || value === null) return null;
  // one item of a list stands for its others
  const entries: [string | number, unknown][] = Array.isArray(value) ? value.slice(0, 1).map((item: unknown, index) => [index, item]) : Object.entries(value).slice(0, MOST);
  return (
    <ul className="result-members">
      {entries.map(([name, child]) => {
        const path = [...at, name];
        const jq = partOf(source.jq, path);
        return (
          <li key={name}>
            <button type="button" className="link" title={jq} onClick={() => onUse(source, jq)}>
              {typeof name === "number" ? `[${name}]` : name}
            </button>{" "}
            <span className="muted small">{kindOf(child)}</span>
            <Members source={source} at={path} value={child} onUse={onUse} />
          </li>
        );
      })}
    </ul>
  );
}

const LONGEST = 40;

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.length}]`;
  if (typeof value === "object" && value !== null) return "";
  const text = JSON.stringify(value) ?? "";
  return text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
}
