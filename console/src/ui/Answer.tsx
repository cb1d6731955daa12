// An API's answer as a table, a tree or raw text. Whatever it holds is shown as text.

import { useState } from "react";
import { answerText } from "../texts/explorer";
import { Button } from "./Button";
import { beginning, sizeText } from "./download";
import { type Tab, Tabs } from "./Tabs";
import { type Grid, cell, gridOf } from "./table";

const PAGE = 200;
/** So many characters of a text, of a value in the tree and of a cell are drawn: more would keep the page busy. */
const LONGEST = { raw: 50_000, value: 2_000, cell: 300 };

interface AnswerProps {
  body: unknown;
  encoding: "json" | "text" | "base64" | "empty";
  /** Which view comes first, where there is a table. */
  first?: "table" | "tree";
}

export function Answer({ body, encoding, first = "table" }: AnswerProps) {
  if (encoding === "empty") return <p className="muted">{answerText.nothing}</p>;
  if (encoding === "base64") return <p className="muted">{answerText.bytes(typeof body === "string" ? Math.floor((body.length * 3) / 4) : 0)}</p>;
  if (encoding === "text" && typeof body === "string") return <Raw text={body} />;
  const grid = gridOf(body);
  const tabs: Tab[] = [
    { name: "tree", label: answerText.tree, content: () => <Tree value={body} /> },
    { name: "raw", label: answerText.raw, content: () => <Raw text={JSON.stringify(body, null, 2)} /> },
  ];
  if (grid) tabs.splice(first === "table" ? 0 : 1, 0, { name: "table", label: answerText.table, content: () => <Table grid={grid} /> });
  return <Tabs label={answerText.views} tabs={tabs} />;
}

function Raw({ text }: { text: string }) {
  const shown = beginning(text, LONGEST.raw);
  return (
    <div className="stack-small">
      {shown.length < text.length && <p className="note tone-info">{answerText.beginning(sizeText(shown.length), sizeText(text.length))}</p>}
      <div className="scroll scroll-tall" tabIndex={0} role="region" aria-label={answerText.raw}>
        <pre className="raw">{shown}</pre>
      </div>
    </div>
  );
}

function Table({ grid }: { grid: Grid }) {
  const [shown, setShown] = useState(PAGE);
  const rest = grid.rows.length - shown;
  return (
    <div className="stack-small">
      <div className="scroll scroll-tall" tabIndex={0} role="region" aria-label={answerText.table}>
        <table className="table table-data">
          <thead>
            <tr>
              {grid.columns.map((name) => (
                <th key={name} scope="col">
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {grid.rows.slice(0, shown).map((row, index) => (
              <tr key={index}>
                {grid.columns.map((name) => (
                  <Cell key={name} text={cell(row[name])} />
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <More rest={rest} onMore={() => setShown(shown + PAGE)} />
    </div>
  );
}

function Cell({ text }: { text: string }) {
  const shown = beginning(text, LONGEST.cell);
  return (
    <td title={shown}>
      <bdi>{shown}</bdi>
      {shown.length < text.length && "…"}
    </td>
  );
}

function More({ rest, onMore }: { rest: number; onMore: () => void }) {
  if (rest <= 0) return null;
  return (
    <div>
      <Button size="small" onClick={onMore}>
        {answerText.more(rest)}
      </Button>
    </div>
  );
}

function Tree({ value }: { value: unknown }) {
  return (
    <div className="scroll scroll-tall tree" tabIndex={0} role="region" aria-label={answerText.tree}>
      <Node value={value} open />
    </div>
  );
}

function Node({ name, value, open = false }: { name?: string; value: unknown; open?: boolean }) {
  const label = name !== undefined && <span className="tree-key">{name}: </span>;
  if (typeof value !== "object" || value === null) {
    const kind = typeof value === "string" ? "tree-text" : "tree-word";
    const shown = typeof value === "string" ? beginning(value, LONGEST.value) : value;
    return (
      <span>
        {label}
        <bdi className={kind}>{JSON.stringify(shown)}</bdi>
        {shown !== value && typeof value === "string" && <span className="muted"> {answerText.longer(sizeText(value.length))}</span>}
      </span>
    );
  }
  return <Branch label={label} entries={Object.entries(value)} list={Array.isArray(value)} open={open} />;
}

interface BranchProps {
  label: React.ReactNode;
  entries: [string, unknown][];
  list: boolean;
  open: boolean;
}

/** Children are made only once they are looked at: an answer may be large. */
function Branch({ label, entries, list, open }: BranchProps) {
  const [isOpen, setOpen] = useState(open);
  const [shown, setShown] = useState(PAGE);
  return (
    <details open={isOpen} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>
        {label}
        <span className="muted">{list ? answerText.list(entries.length) : answerText.object(entries.length)}</span>
      </summary>
      {isOpen && (
        <ul>
          {entries.slice(0, shown).map(([name, child]) => (
            <li key={name}>
              <Node name={name} value={child} />
            </li>
          ))}
        </ul>
      )}
      {isOpen && <More rest={entries.length - shown} onMore={() => setShown(shown + PAGE)} />}
    </details>
  );
}
