// What the chosen step says, as a form; the flow's own settings when none is chosen.

import { useState } from "react";
import { rename } from "../../canvas/edit";
import type { Step } from "../../canvas/steps";
import { kinds } from "../../texts/canvas";
import { builder as words } from "../../texts/builder";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { useBuilder } from "./BuilderContext";
import { copyChosen, paste, removeChosen, shift } from "./commands";
import { SpecField } from "./form/SpecField";
import { DATA_SPECS, FLOW_SPECS, MORE_SPECS, type Spec, mainSpecs } from "./form/specs";
import { valueAt } from "../../canvas/text/source";
import { TrialPanel } from "./trial/TrialPanel";

export function StepPanel({ step, canPaste }: { step: Step; canPaste: boolean }) {
  const { draft } = useBuilder();
  return (
    <div className="stack">
      <div className="row-between">
        <h2>
          {words.step} <bdi>{step.name}</bdi>
        </h2>
        <span className="flow-kind">{step.kind && kinds[step.kind]}</span>
      </div>
      <div className="row">
        <Button size="small" onClick={() => shift(draft, "up")}>
          {words.moveUp}
        </Button>
        <Button size="small" onClick={() => shift(draft, "down")}>
          {words.moveDown}
        </Button>
        <Button size="small" onClick={() => copyChosen(draft)}>
          {words.copy}
        </Button>
        <Button size="small" disabled={!canPaste} onClick={() => paste(draft)}>
          {words.paste}
        </Button>
        <Button size="small" variant="danger" onClick={() => removeChosen(draft)}>
          {words.delete}
        </Button>
        <Button size="small" variant="quiet" onClick={() => draft.select(undefined)}>
          {words.flowSettings}
        </Button>
      </div>
      <NameField step={step} />
      <Fields specs={mainSpecs(step)} step={step} />
      {step.task["call"] === "http" && <TrialPanel key={step.pointer} step={step} />}
      <Folded title={words.data} specs={DATA_SPECS} step={step} />
      <Folded title={words.more} specs={MORE_SPECS} step={step} />
    </div>
  );
}

/** A name is changed once it can be: two steps of one list can't have the same. */
function NameField({ step }: { step: Step }) {
  const { draft } = useBuilder();
  const [typed, setTyped] = useState<{ pointer: string; text: string } | undefined>();
  const text = typed?.pointer === step.pointer ? typed.text : step.name;
  const commit = () => {
    const edited = rename(draft.get().source, step.path, text.trim());
    setTyped(undefined);
    if (edited.path !== step.path) draft.edit(edited);
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        commit();
      }}
    >
      <TextField label={words.name} value={text} onChange={(next) => setTyped({ pointer: step.pointer, text: next })} onLeave={commit} />
    </form>
  );
}

function Fields({ specs, step }: { specs: readonly Spec[]; step: Step | undefined }) {
  return specs.map((spec) => <SpecField key={`${step?.pointer ?? ""} ${spec.id} ${spec.at.join("/")}`} spec={spec} base={step?.path ?? []} />);
}

/** Open where something is said already. */
function Folded({ title, specs, step }: { title: string; specs: readonly Spec[]; step: Step | undefined }) {
  const { flow } = useBuilder();
  const said = specs.some((spec) => valueAt(flow, [...(step?.path ?? []), ...spec.at]) !== undefined);
  return (
    <details className="folded" key={`${step?.pointer ?? ""} ${title}`} open={said}>
      <summary className="strong">{title}</summary>
      <div className="stack more">
        <Fields specs={specs} step={step} />
      </div>
    </details>
  );
}

export function FlowPanel() {
  return (
    <div className="stack">
      <h2>{words.flow}</h2>
      <Fields specs={FLOW_SPECS.what} step={undefined} />
      <Fields specs={FLOW_SPECS.uses} step={undefined} />
      {(["starts", "data", "names"] as const).map((section) => (
        <Folded key={section} title={words.flowSections[section]} specs={FLOW_SPECS[section]} step={undefined} />
      ))}
    </div>
  );
}
