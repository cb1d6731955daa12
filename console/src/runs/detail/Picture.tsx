// The version of the flow that a run stands on, drawn, each step with how it stands. It comes in a chunk of its own.

import { useMemo, useState } from "react";
import type { Mark } from "../../canvas/CanvasContext";
import { FlowCanvas } from "../../canvas/FlowCanvas";
import { stepsOf } from "../../canvas/steps";
import { parse } from "../../canvas/text/source";
import type { RunDetail } from "../../api/runs";

interface PictureProps {
  source: string;
  run: RunDetail;
  onChoose: (reference: string) => void;
}

export function Picture({ source, run, onChoose }: PictureProps) {
  const [selected, setSelected] = useState<string | undefined>();
  const list = useMemo(() => stepsOf(parse(source).value), [source]);
  const marks = useMemo(() => marksOf(run), [run]);
  const choose = (reference: string) => {
    setSelected(reference);
    onChoose(reference);
  };
  return <FlowCanvas list={list} selected={selected} slot={undefined} marks={marks} editable="no" onSelect={choose} onSlot={nothing} onMove={nothing} onDropNew={nothing} attach={unattached} />;
}

function nothing(): void {
  // a drawing to be looked at
}

function unattached(): () => void {
  return nothing;
}

/** A step that was done several times stands as it does the last time. */
function marksOf({ steps, parked }: RunDetail): Map<string, Mark> {
  const stuck = new Set(parked.map(({ command }) => command));
  const marks = new Map<string, Mark>();
  for (const { id, reference, status } of steps) marks.set(reference, { problems: 0, status: stuck.has(id) ? "parked" : status, times: (marks.get(reference)?.times ?? 0) + 1 });
  return marks;
}
