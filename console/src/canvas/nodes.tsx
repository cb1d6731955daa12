// What is drawn for a box: a step, a list of steps, the ends of a flow.

import { Handle, type Node, type NodeProps, Position } from "@xyflow/react";
import { useContext } from "react";
import { canvas, kinds } from "../texts/canvas";
import { CanvasContext, sameSlot } from "./CanvasContext";
import type { Slot } from "./edit";
import type { Box } from "./layout";
import { type Step, type StepList, listOf, placeOf } from "./steps";
import { summaryOf } from "./summary";

export type BoxNode = Node<{ box: Box }, "box">;

export function BoxView({ data: { box } }: NodeProps<BoxNode>) {
  return (
    <>
      <Handle id="in" type="target" position={Position.Top} isConnectable={false} />
      <Handle id="out" type="source" position={Position.Bottom} isConnectable={false} />
      <Handle id="around-in" type="target" position={Position.Right} isConnectable={false} />
      <Handle id="around-out" type="source" position={Position.Right} isConnectable={false} />
      <BoxInside box={box} />
    </>
  );
}

function BoxInside({ box }: { box: Box }) {
  if (box.is === "step") return <StepBox step={box.step} />;
  if (box.is === "list") return <ListBox list={box.list} />;
  if (box.is === "end") return <div className="flow-end">{canvas.end}</div>;
  return (
    <div className="flow-end">
      {canvas.start}
      <Plus slot={{ list: ["do"], index: 0 }} label={canvas.addFirst(canvas.whole)} />
    </div>
  );
}

function StepBox({ step }: { step: Step }) {
  const { selected, marks, onSelect } = useContext(CanvasContext);
  const mark = marks.get(step.pointer);
  const kind = step.kind ? kinds[step.kind] : canvas.unknownKind;
  const states = [step.lists.length > 0 && "flow-frame", step.pointer === selected && "flow-chosen", mark && mark.problems > 0 && "flow-wrong", mark?.status && `flow-${mark.status}`];
  const summary = summaryOf(step);
  return (
    <div className={["flow-step", ...states.filter(Boolean)].join(" ")} data-step={step.pointer}>
      <button type="button" className="flow-card" aria-pressed={step.pointer === selected} onClick={() => onSelect(step.pointer)}>
        <span className="flow-line">
          <span className="flow-kind">{kind}</span>
          <span className="flow-name">{step.name}</span>
          {step.task["if"] !== undefined && <span className="flow-chip">{canvas.onlyIf}</span>}
          {step.task["then"] !== undefined && <span className="flow-chip">{canvas.then(String(step.task["then"]))}</span>}
        </span>
        <span className="flow-line flow-summary">
          {mark && mark.problems > 0 && <span className="flow-chip tone-bad">{canvas.problems(mark.problems)}</span>}
          {mark?.status && (
            <span className="flow-chip">
              {canvas.statuses[mark.status] ?? mark.status}
              {mark.times > 1 && ` ${canvas.times(mark.times)}`}
            </span>
          )}
          <span className="flow-words">{summary}</span>
        </span>
      </button>
      <Plus slot={{ list: listOf(step.path), index: placeOf(step.path) + 1 }} label={canvas.addAfter(step.name)} />
    </div>
  );
}

function ListBox({ list }: { list: StepList }) {
  const words = canvas.lists[list.role];
  const owner = String(list.path.findLast((part, at) => typeof part === "string" && typeof list.path[at - 1] === "number") ?? canvas.whole);
  return (
    <div className={`flow-list flow-list-${list.role}`}>
      <span className="flow-role">{words}</span>
      {(list.role !== "branches" || list.steps.length === 0) && <Plus slot={{ list: list.path, index: 0 }} label={canvas.addFirst(canvas.listOf(words, owner))} />}
    </div>
  );
}

function Plus({ slot, label }: { slot: Slot; label: string }) {
  const { slot: chosen, editable, onSlot } = useContext(CanvasContext);
  if (editable === "no") return null;
  return (
    <button type="button" className="flow-plus nodrag" aria-label={label} title={label} aria-pressed={sameSlot(chosen, slot)} onClick={() => onSlot(slot)}>
      +
    </button>
  );
}
