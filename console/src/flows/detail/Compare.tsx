// Two versions of a flow, line against line.

import { useState } from "react";
import type { VersionCard } from "../../api/flows";
import { flow as text } from "../../texts/flows";
import { Select } from "../../ui/Field";
import { type Line, diff, folded } from "./diff";

/** The lines around a change that are shown with it. */
const AROUND = 3;

export function Compare({ versions, current }: { versions: VersionCard[]; current: number }) {
  const other = versions.find(({ number }) => number !== current)?.number ?? current;
  const [from, setFrom] = useState(String(Math.min(other, current)));
  const [to, setTo] = useState(String(Math.max(other, current)));
  const options = versions.map(({ number, version }) => ({ value: String(number), label: text.versionName(number, version) }));
  const source = (number: string) => versions.find((version) => String(version.number) === number)?.source ?? "";
  return (
    <div className="stack-small">
      <h3>{text.compare}</h3>
      <div className="columns columns-narrow">
        <Select label={text.compareFrom} value={from} options={options} onChange={setFrom} />
        <Select label={text.compareTo} value={to} options={options} onChange={setTo} />
      </div>
      <Difference lines={diff(source(from), source(to))} label={text.diffOf(Number(from), Number(to))} />
    </div>
  );
}

/** What one text has and another does not. */
export function Difference({ lines, label }: { lines: Line[]; label: string }) {
  if (lines.every(({ kind }) => kind === "same")) return <p className="muted">{text.same}</p>;
  return (
    <div className="scroll scroll-tall" tabIndex={0} role="region" aria-label={label}>
      <ol className="diff">
        {folded(lines, AROUND).map((line, place) =>
          line.kind === "fold" ? (
            <li key={place} className="diff-fold">
              {text.skipped(line.lines)}
            </li>
          ) : (
            <li key={place} className={`diff-${line.kind}`}>
              <span aria-hidden="true">{SIGNS[line.kind]} </span>
              {line.kind !== "same" && <span className="visually-hidden">{line.kind === "added" ? text.added : text.removed}: </span>}
              {line.text}
            </li>
          ),
        )}
      </ol>
    </div>
  );
}

const SIGNS = { same: " ", added: "+", removed: "-" } as const;
