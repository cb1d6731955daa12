// The builder: the steps to add, the canvas, the form of the chosen step, the text.

import { type ReactNode, useCallback, useDeferredValue, useMemo, useState, useSyncExternalStore } from "react";
import type { Card } from "../../api/connections";
import { FlowCanvas } from "../../canvas/FlowCanvas";
import type { Mark } from "../../canvas/CanvasContext";
import { everyStep, stepsOf } from "../../canvas/steps";
import { parse } from "../../canvas/text/source";
import { builder as words } from "../../texts/builder";
import { ProblemView } from "../../ui/ProblemView";
import { holdUp } from "../../ui/leaving";
import { type Tab, Tabs } from "../../ui/Tabs";
import { BuilderContext } from "./BuilderContext";
import { ConflictDialog } from "./ConflictDialog";
import { Header } from "./Header";
import { LeaveDialog } from "./LeaveDialog";
import { ProblemList, troublesByStep, useCheck } from "./ProblemList";
import { RunPanel } from "./RunPanel";
import { Outline, Palette } from "./Side";
import { SourceEditor } from "./SourceEditor";
import { FlowPanel, StepPanel } from "./StepPanel";
import { addItem, moveTo, nextSlot } from "./commands";
import type { Draft, View } from "./draft";
import { listenToKeys, onKey } from "./keys";
import { useRunning } from "./useRunning";
import { keyOf, useSaving } from "./useSaving";

export interface BuilderProps {
  draft: Draft;
  connections: readonly Card[];
  secrets: readonly string[];
  editable: "yes" | "no";
  onSaved: (key: string) => void;
}

export function Builder({ draft, connections, secrets, editable, onSaved }: BuilderProps) {
  const state = useSyncExternalStore(draft.subscribe, draft.get);
  const flow = useMemo(() => parse(state.readable).value, [state.readable]);
  const root = useMemo(() => stepsOf(flow), [flow]);
  const steps = useMemo(() => everyStep(root), [root]);
  const [tried, setTried] = useState<ReadonlyMap<string, unknown>>(new Map());
  const saving = useSaving(draft, onSaved);
  const running = useRunning(draft, state.stored.number > 0 ? keyOf(state.stored.source) : undefined, state.run, tried);
  const check = useCheck(state.source, editable);
  const marks = useMemo(() => marksOf(troublesByStep(steps, check.troubles), running.run?.steps ?? []), [steps, check.troubles, running.run]);
  const onSample = useCallback((pointer: string, output: unknown) => setTried((known) => new Map(known).set(pointer, output)), []);
  const shared = useMemo(() => ({ draft, flow, root, connections, secrets, samples: running.samples, starts: check.starts, onSample }), [draft, flow, root, connections, secrets, running.samples, check.starts, onSample]);
  // what is typed shows at once, the drawing and the list a moment later
  const drawn = useDeferredValue(root);
  const [leaving, setLeaving] = useState<(() => void) | undefined>();
  const onPage = useCallback((element: HTMLElement | null) => (element ? whileShown(draft, editable, (go) => setLeaving(() => go)) : undefined), [draft, editable]);
  const chosen = steps.find((step) => step.pointer === state.selected);
  const unsaved = draft.unsaved();
  const run = (input: unknown) => void (unsaved ? saving.save() : Promise.resolve()).then(() => running.start(keyOf(draft.get().source), input)).catch(() => undefined);
  const tabs: (Tab & { name: View })[] = [
    { name: "yaml", label: words.yaml, content: () => <SourceEditor draft={draft} editable={editable} /> },
    { name: "problems", label: words.problems(check.troubles.length + check.lacks.length), content: () => <ProblemList check={check} /> },
    { name: "run", label: words.run, content: () => <RunPanel run={running.run} unsaved={unsaved} busy={running.busy || saving.busy} error={running.error} onRun={run} /> },
  ];
  return (
    <BuilderContext value={shared}>
      <div className="builder" ref={onPage} onKeyDown={(event) => onKey(draft, editable, event.nativeEvent)}>
        <Header state={state} saving={saving} unsaved={unsaved} editable={editable} />
        <Notices fault={faultOf(state.source)} error={saving.error} editable={editable} />
        {editable === "yes" && (
          <aside className="builder-side">
            <Palette slot={nextSlot(draft)} />
            <Outline root={drawn} selected={state.selected} editable={editable} />
          </aside>
        )}
        <div className="builder-middle">
          <FlowCanvas
            list={drawn}
            selected={state.selected}
            slot={state.slot}
            marks={marks}
            editable={editable}
            onSelect={(pointer) => draft.select(pointer)}
            onSlot={(slot) => draft.place(slot)}
            onMove={(path, slot) => moveTo(draft, path, slot)}
            onDropNew={(item, slot) => addItem(draft, item, slot)}
            attach={draft.onReveal}
          />
          <div className="builder-bottom">
            <Tabs label={words.views} tabs={editable === "yes" ? tabs : tabs.slice(0, 1)} shown={state.view} onShow={(name) => draft.view(tabs.find((tab) => tab.name === name)?.name ?? "yaml")} />
          </div>
        </div>
        {editable === "yes" && <aside className="builder-form">{chosen ? <StepPanel step={chosen} canPaste={state.copied !== undefined} /> : <FlowPanel />}</aside>}
        {leaving && <LeaveDialog saving={saving} onLeave={leaving} onStay={() => setLeaving(undefined)} />}
        {saving.theirs && (
          <ConflictDialog
            source={state.source}
            theirs={saving.theirs}
            taken={keyOf(state.source) === keyOf(state.stored.source) && state.stored.number > 0 ? undefined : keyOf(state.source)}
            busy={saving.busy}
            onTakeTheirs={saving.takeTheirs}
            onKeepMine={saving.keepMine}
            onClose={saving.dismiss}
          />
        )}
      </div>
    </BuilderContext>
  );
}

/** What holds for as long as the builder is shown. */
function whileShown(draft: Draft, editable: "yes" | "no", ask: (go: () => void) => void): () => void {
  const ends = [listenToKeys(draft, editable), holdUp({ unsaved: draft.unsaved, ask })];
  return () => ends.forEach((end) => end());
}

function faultOf(source: string): string | undefined {
  const [fault] = parse(source).faults;
  return fault && words.notReadable(fault.line, fault.message);
}

function Notices({ fault, error, editable }: { fault: string | undefined; error: Error | null; editable: "yes" | "no" }): ReactNode {
  if (!fault && !error && editable === "yes") return null;
  return (
    <div className="builder-notices">
      {editable === "no" && <p className="muted">{words.readOnly}</p>}
      {fault && (
        <p className="banner tone-warn" role="status">
          <span>{fault}</span>
        </p>
      )}
      {error && <ProblemView error={error} />}
    </div>
  );
}

/** What is said at each step: its problems, and how it stands in the run. */
function marksOf(problems: ReadonlyMap<string, number>, done: readonly { reference: string; status: string }[]): Map<string, Mark> {
  const marks = new Map<string, Mark>();
  for (const [pointer, count] of problems) marks.set(pointer, { problems: count, status: undefined, times: 0 });
  for (const { reference, status } of done) {
    const before = marks.get(reference);
    marks.set(reference, { problems: before?.problems ?? 0, status, times: (before?.times ?? 0) + 1 });
  }
  return marks;
}
