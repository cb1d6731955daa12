// What can be added, and every step as a list: the same as the canvas for who does not use a mouse.

import { type DragEvent, memo, useState } from "react";
import { DRAGGED } from "../../canvas/FlowCanvas";
import type { Slot } from "../../canvas/edit";
import { PALETTE, type PaletteItem } from "../../canvas/palette";
import type { Step, StepList } from "../../canvas/steps";
import { canvas, palette } from "../../texts/canvas";
import { builder as words } from "../../texts/builder";
import { TextField } from "../../ui/Field";
import { useBuilder } from "./BuilderContext";
import { addItem } from "./commands";
import type { Draft } from "./draft";

export function Palette({ slot }: { slot: Slot }) {
  const { draft, root } = useBuilder();
  const [wanted, setWanted] = useState("");
  const fits = (item: PaletteItem) => palette.items[item.id].toLowerCase().includes(wanted.trim().toLowerCase());
  const found = PALETTE.filter(fits);
  const drag = (item: PaletteItem) => (event: DragEvent) => {
    event.dataTransfer.setData(DRAGGED, item.id);
    event.dataTransfer.effectAllowed = "copy";
  };
  return (
    <section className="stack-small" aria-label={palette.title}>
      <h2>{palette.title}</h2>
      <form
        onSubmit={(event) => {
          event.preventDefault();
          const [first] = found;
          if (first) addItem(draft, first.id);
          setWanted("");
        }}
      >
        <TextField label={words.find} type="search" value={wanted} onChange={setWanted} hint={words.goesLead(placeWords(slot, root))} />
      </form>
      {Object.entries(palette.groups).map(([group, title]) => {
        const items = found.filter((item) => item.group === group);
        return (
          items.length > 0 && (
            <div key={group}>
              <h3 className="palette-group">{title}</h3>
              <ul className="palette">
                {items.map((item) => (
                  <li key={item.id}>
                    <button type="button" className="palette-item" draggable onDragStart={drag(item)} onClick={() => addItem(draft, item.id)}>
                      {palette.items[item.id]}
                    </button>
                  </li>
                ))}
              </ul>
            </div>
          )
        );
      })}
    </section>
  );
}

/** Where the next step goes, in words. */
function placeWords(slot: Slot, root: StepList): string {
  const list = findList(root, slot.list.join("/"));
  const before = list?.steps[slot.index - 1];
  if (before) return words.goes.after(before.name);
  if (!list || list.path.length === 1) return words.goes.start;
  return words.goes.first(canvas.lists[list.role]);
}

function findList(list: StepList, path: string): StepList | undefined {
  if (list.path.join("/") === path) return list;
  for (const step of list.steps) {
    for (const below of step.lists) {
      const found = path.startsWith(below.path.join("/")) ? findList(below, path) : undefined;
      if (found) return found;
    }
  }
  return undefined;
}

export const Outline = memo(function Outline({ root, selected, editable }: Omit<OutlineProps, "list" | "draft"> & { root: StepList }) {
  const { draft } = useBuilder();
  return (
    <section className="stack-small" aria-label={words.steps}>
      <h2>{words.steps}</h2>
      {root.steps.length === 0 ? <p className="muted">{words.noSteps}</p> : <OutlineList draft={draft} list={root} selected={selected} editable={editable} />}
    </section>
  );
});

interface OutlineProps {
  draft: Draft;
  list: StepList;
  selected: string | undefined;
  editable: "yes" | "no";
}

function OutlineList({ draft, list, selected, editable }: OutlineProps) {
  return (
    <ul className="outline">
      {list.steps.map((step) => (
        <OutlineStep key={step.pointer} draft={draft} step={step} selected={selected} editable={editable} />
      ))}
    </ul>
  );
}

function OutlineStep({ draft, step, selected, editable }: Omit<OutlineProps, "list"> & { step: Step }) {
  return (
    <li>
      <button type="button" className="outline-step" aria-pressed={step.pointer === selected} onClick={() => draft.reveal(step.pointer)}>
        {step.name}
      </button>
      {step.lists.map((list) => (
        <div key={list.pointer} className="outline-list">
          <span className="row-between">
            <span className="muted small">{canvas.lists[list.role]}</span>
            {editable === "yes" && (
              <button type="button" className="outline-add" aria-label={words.addInside(canvas.lists[list.role], step.name)} onClick={() => draft.place({ list: list.path, index: list.steps.length })}>
                +
              </button>
            )}
          </span>
          {list.steps.length > 0 && <OutlineList draft={draft} list={list} selected={selected} editable={editable} />}
        </div>
      ))}
    </li>
  );
}
