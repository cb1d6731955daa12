// Sends a step's call now, and keeps the shape of its answer for the steps after it.

import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { call } from "../../../api/calls";
import type { Step } from "../../../canvas/steps";
import { valueAt } from "../../../canvas/text/source";
import { builder as words } from "../../../texts/builder";
import { explorer } from "../../../texts/explorer";
import { Answer } from "../../../ui/Answer";
import { Button } from "../../../ui/Button";
import { Badge } from "../../../ui/Facts";
import { TextField } from "../../../ui/Field";
import { ProblemView } from "../../../ui/ProblemView";
import { useBuilder } from "../BuilderContext";
import { connectionOf } from "../form/authentication";
import { sourcesFor } from "../results/sources";
import { type Seen, callOf, gapsOf } from "./trial";

export function TrialPanel({ step }: { step: Step }) {
  const { flow, onSample } = useBuilder();
  const [filled, setFilled] = useState<ReadonlyMap<string, string>>(new Map());
  const connection = connectionOf(flow, valueAt(step.task, ["with", "endpoint", "authentication"]));
  const gaps = gapsOf(step.task, useSeen(step));
  const values = new Map(gaps.map(({ text, guess }) => [text, filled.get(text) ?? guess]));
  const trying = useMutation({
    mutationFn: (name: string) => call(name, callOf(step.task, values)),
    // what `output.as` makes of it is not known here
    onSuccess: ({ answer }) => {
      if (answer.status < 300 && valueAt(step.task, ["output", "as"]) === undefined) onSample(step.pointer, answer.body);
    },
  });
  return (
    <details className="folded">
      <summary className="strong">{words.trial}</summary>
      <div className="stack more">
        <p className="muted small">{connection === undefined ? words.trialNeeds : words.trialLead}</p>
        {gaps.map(({ text }) => (
          <TextField key={text} label={text} mono value={values.get(text) ?? ""} onChange={(next) => setFilled(new Map(filled).set(text, next))} />
        ))}
        <div>
          <Button icon="send" busy={trying.isPending} disabled={connection === undefined} onClick={() => connection !== undefined && trying.mutate(connection)}>
            {words.trialSend}
          </Button>
        </div>
        <div aria-live="polite" className="stack">
          {trying.error && <ProblemView error={trying.error} />}
          {trying.data && (
            <>
              <div className="row">
                <Badge tone={trying.data.answer.status < 300 ? "good" : "bad"}>{trying.data.answer.status}</Badge>
                <span className="muted small">{explorer.milliseconds(trying.data.milliseconds)}</span>
              </div>
              <Answer body={trying.data.answer.body} encoding={trying.data.answer.body_encoding} />
            </>
          )}
        </div>
      </div>
    </details>
  );
}

/** What the step's expressions would see, out of what is known of runs and trials. */
function useSeen(step: Step): Seen {
  const { flow, root, samples } = useBuilder();
  const sources = sourcesFor(flow, root, step, "input", samples);
  const context: Record<string, unknown> = {};
  for (const { jq, sample } of sources) {
    if (jq === "$context" && typeof sample === "object") Object.assign(context, sample);
    const [, name] = /^\$context\.(\w+)$/.exec(jq) ?? [];
    if (name !== undefined) context[name] = sample;
  }
  return { input: sources.find(({ jq }) => jq === ".")?.sample, context, workflowInput: samples.input };
}
