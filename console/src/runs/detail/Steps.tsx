// The steps of a run in the order in which they began. What a step took in and put out is drawn once it is opened.

import { useState } from "react";
import { Link, useSearch } from "wouter";
import type { RunDetail, Step } from "../../api/runs";
import { statuses, run as text, stepStatuses } from "../../texts/runs";
import { Button } from "../../ui/Button";
import { Data } from "../../ui/Data";
import { Badge, Facts } from "../../ui/Facts";
import { Panel } from "../../ui/Page";
import { type Tab, Tabs } from "../../ui/Tabs";
import { ExactTime } from "../../ui/Time";
import { Words } from "../../ui/Words";
import { took } from "../took";
import { FaultView } from "./FaultView";
import { callText, depthOf } from "./steps";

const PAGE = 200;

export function Steps({ run }: { run: RunDetail }) {
  const [shown, setShown] = useState(PAGE);
  const left = run.steps.length - shown;
  const wanted = new URLSearchParams(useSearch()).get("step");
  const parked = new Set(run.parked.map(({ command }) => command));
  return (
    <Panel title={text.steps}>
      {run.steps.length === 0 && <p className="muted">{text.stepsEmpty}</p>}
      <ol className="steps">
        {run.steps.slice(0, shown).map((step) => (
          <li key={`${step.id}${step.attempt}`} className={`step-depth-${Math.min(depthOf(step), 4)}`}>
            <OneStep step={step} run={run.id} parked={parked.has(step.id)} wanted={step.id === wanted} />
          </li>
        ))}
      </ol>
      {left > 0 && (
        <div>
          <Button size="small" onClick={() => setShown(shown + PAGE)}>
            {text.stepsMore(left)}
          </Button>
        </div>
      )}
    </Panel>
  );
}

interface OneStepProps {
  step: Step;
  run: string;
  parked: boolean;
  /** Whether the address asks for it: then it is open from the start, and seen. */
  wanted: boolean;
}

function OneStep({ step, run, parked, wanted }: OneStepProps) {
  const [open, setOpen] = useState(wanted);
  const status = parked ? statuses.parked : stepStatuses[step.status];
  return (
    <details data-step={step.reference} open={open} ref={wanted ? intoView : undefined} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="step-line">
        <Badge tone={status?.tone ?? "neutral"}>{status?.label ?? step.status}</Badge>
        <bdi className="strong">{step.name}</bdi>
        <span className="muted small">{[step.rounds.length > 0 && text.round(step.rounds), step.attempt > 1 && text.attempt(step.attempt), callText(step), took(step.started_at, step.ended_at)].filter(Boolean).join(" · ")}</span>
      </summary>
      {open && <StepBody step={step} run={run} />}
    </details>
  );
}

function intoView(line: HTMLDetailsElement | null) {
  line?.scrollIntoView({ block: "center" });
}

function StepBody({ step, run }: { step: Step; run: string }) {
  const { explanation } = step;
  const file = `${run}-${step.name}`;
  const tabs: Tab[] = [
    { name: "output", label: text.stepOutput, content: () => <Data value={step.output} file={`${file}-output`} /> },
    { name: "input", label: text.stepInput, content: () => <Data value={step.input} file={`${file}-input`} /> },
  ];
  return (
    <div className="stack-small more">
      {step.error && (
        <div className="banner tone-bad">
          <FaultView fault={step.error} />
        </div>
      )}
      <Facts
        facts={[
          [text.doThis, explanation?.hint && <Words text={explanation.hint} />],
          [text.code, explanation?.code && explanation.code !== step.error?.code && <code>{explanation.code}</code>],
          [text.call, callText(step)],
          [
            text.through,
            explanation?.connection && (
              <Link href={`/connections/${encodeURIComponent(explanation.connection)}`}>
                <bdi>{explanation.connection}</bdi>
              </Link>
            ),
          ],
          [text.requestId, explanation?.requestId && <code>{explanation.requestId}</code>],
          [text.childRun, explanation?.run && <Link href={`/runs/${encodeURIComponent(explanation.run)}`}>{explanation.run}</Link>],
          [text.begun, <ExactTime at={step.started_at} />],
          [text.ended, step.ended_at && <ExactTime at={step.ended_at} />],
          [text.path, <code>{step.id}</code>],
        ]}
      />
      {explanation?.resolvedByPerson && <p className="note tone-info">{text.byPerson}</p>}
      <Tabs label={text.views} tabs={tabs} />
    </div>
  );
}
