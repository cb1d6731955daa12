// Running the flow from here: its input, how it goes, what it put out.

import type { RunDetail } from "../../api/runs";
import { valueAt } from "../../canvas/text/source";
import { canvas } from "../../texts/canvas";
import { builder as words } from "../../texts/builder";
import { Answer } from "../../ui/Answer";
import { ButtonLink } from "../../ui/Button";
import { Badge } from "../../ui/Facts";
import { InputForm } from "../../ui/InputForm";
import { ProblemView } from "../../ui/ProblemView";
import { useBuilder } from "./BuilderContext";

interface RunPanelProps {
  run: RunDetail | undefined;
  unsaved: boolean;
  busy: boolean;
  error: Error | null;
  onRun: (input: unknown) => void;
}

export function RunPanel({ run, unsaved, busy, error, onRun }: RunPanelProps) {
  const { flow, samples } = useBuilder();
  return (
    <div className="stack">
      <p className="muted small">{words.runLead}</p>
      <InputForm schema={valueAt(flow, ["input", "schema", "document"])} initial={samples.input} action={unsaved ? words.saveAndRun : words.runNow} busy={busy} onSubmit={onRun} />
      {error && <ProblemView error={error} />}
      {run && <RunView run={run} />}
    </div>
  );
}

const TONES: Record<string, "good" | "bad" | "info"> = { completed: "good", faulted: "bad", cancelled: "bad" };

function RunView({ run }: { run: RunDetail }) {
  return (
    <section className="stack" aria-label={words.run} aria-live="polite">
      <div className="row">
        <Badge tone={TONES[run.status] ?? "info"}>{canvas.statuses[run.status] ?? run.status}</Badge>
        <ButtonLink size="small" to={`/runs/${encodeURIComponent(run.id)}`}>
          {words.openRun}
        </ButtonLink>
      </div>
      {run.error && (
        <p className="banner tone-bad">
          <span className="strong">{run.error.title}</span> <span>{run.error.detail}</span>
        </p>
      )}
      {run.status === "completed" && (
        <>
          <h3>{words.runOutput}</h3>
          <Answer body={run.output} encoding={run.output === undefined ? "empty" : "json"} />
        </>
      )}
    </section>
  );
}
