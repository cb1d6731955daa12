// The canvas: a drawing of the flow, on which steps are chosen, dragged and dropped. It keeps nothing but the view.

import "@xyflow/react/dist/base.css";
import "./canvas.css";
import { Background, Controls, type Edge, MarkerType, type NodeHandle, Position, ReactFlow, type ReactFlowInstance, type XYPosition } from "@xyflow/react";
import { type DragEvent, useCallback, useMemo, useRef, useState } from "react";
import { canvas as words } from "../texts/canvas";
import { CanvasContext, type CanvasState } from "./CanvasContext";
import type { Slot } from "./edit";
import { type Box, type Drawing, draw, nearestSlot } from "./layout";
import type { Link } from "./links";
import { type BoxNode, BoxView } from "./nodes";
import type { StepList } from "./steps";
import { type Path, same } from "./text/source";

/** What a dragged palette item is known by. */
export const DRAGGED = "application/x-keyway-step";

interface FlowCanvasProps extends CanvasState {
  list: StepList;
  onMove: (path: Path, slot: Slot) => void;
  onDropNew: (item: string, slot: Slot) => void;
  /** Is given what brings a step into view; what it answers is called when the canvas goes. */
  attach: (reveal: (pointer: string) => void) => () => void;
}

const NODE_TYPES = { box: BoxView };
const EASY = { maxZoom: 1.5, minZoom: 0.2 };

export function FlowCanvas({ list, onMove, onDropNew, attach, ...state }: FlowCanvasProps) {
  const drawing = useMemo(() => draw(list), [list]);
  const drawn = useRef<ReadonlyMap<string, BoxNode>>(new Map());
  const flow = useRef<ReactFlowInstance<BoxNode> | null>(null);
  const latest = useRef(drawing);
  latest.current = drawing;
  const [dragged, setDragged] = useState<{ id: string; position: XYPosition } | undefined>();
  const editable = state.editable === "yes";
  const fixed = useMemo(() => {
    const nodes = drawing.boxes.map((box) => asBefore(nodeOf(box, editable), drawn.current));
    drawn.current = new Map(nodes.map((node) => [node.id, node]));
    return nodes;
  }, [drawing, editable]);
  const nodes = useMemo(() => (dragged ? fixed.map((node) => (node.id === dragged.id ? { ...node, position: dragged.position, zIndex: 5 } : node)) : fixed), [fixed, dragged]);
  const edges = useMemo(() => drawing.links.map(edgeOf), [drawing]);
  const frame = useCallback(
    (element: HTMLDivElement | null) => {
      if (!element) return undefined;
      return attach((pointer) => reveal(element, flow, latest, pointer));
    },
    [attach],
  );
  const drop = (event: DragEvent) => {
    const item = event.dataTransfer.getData(DRAGGED);
    const point = flow.current?.screenToFlowPosition({ x: event.clientX, y: event.clientY });
    const slot = point && nearestSlot(drawing.slots, point.x, point.y);
    if (item === "" || !slot) return;
    event.preventDefault();
    onDropNew(item, slot);
  };
  const dropStep = (event: MouseEvent | TouchEvent | React.MouseEvent, node: BoxNode) => {
    setDragged(undefined);
    const { box } = node.data;
    const pointed = "clientX" in event ? flow.current?.screenToFlowPosition({ x: event.clientX, y: event.clientY }) : undefined;
    const slot = pointed && nearestSlot(drawing.slots, pointed.x, pointed.y);
    if (box.is === "step" && slot) onMove(box.step.path, slot);
  };
  return (
    <CanvasContext value={state}>
      <div className="canvas" ref={frame} role="group" aria-label={words.label} onDragOver={(event) => event.preventDefault()} onDrop={drop}>
        <ReactFlow<BoxNode>
          nodes={nodes}
          edges={edges}
          nodeTypes={NODE_TYPES}
          nodesFocusable={false}
          edgesFocusable={false}
          nodesConnectable={false}
          nodesDraggable={editable}
          elementsSelectable={false}
          disableKeyboardA11y
          onlyRenderVisibleElements
          deleteKeyCode={null}
          selectionKeyCode={null}
          nodeDragThreshold={6}
          zIndexMode="manual"
          {...EASY}
          onInit={(instance) => {
            flow.current = instance;
            void instance.setViewport(atTop(drawing));
          }}
          onNodeDrag={(_, node) => setDragged({ id: node.id, position: node.position })}
          onNodeDragStop={dropStep}
        >
          <Background gap={20} />
          <Controls showInteractive={false} showFitView={drawing.boxes.length < 150} />
        </ReactFlow>
      </div>
    </CanvasContext>
  );
}

const HANDLES = { width: 1, height: 1 };

function handlesOf({ width, height }: Box): NodeHandle[] {
  return [
    { ...HANDLES, id: "in", type: "target", position: Position.Top, x: width / 2, y: 0 },
    { ...HANDLES, id: "out", type: "source", position: Position.Bottom, x: width / 2, y: height },
    { ...HANDLES, id: "around-in", type: "target", position: Position.Right, x: width, y: height / 2 },
    { ...HANDLES, id: "around-out", type: "source", position: Position.Right, x: width, y: height / 2 },
  ];
}

/** Frames lie below the lines between what they hold, cards above. */
const isFrame = (box: Box) => box.is === "list" || (box.is === "step" && box.step.lists.length > 0);

function nodeOf(box: Box, editable: boolean): BoxNode {
  const { id, x, y, width, height, parent } = box;
  const node: BoxNode = { id, type: "box", position: { x, y }, width, height, data: { box }, handles: handlesOf(box), draggable: editable && box.is === "step", selectable: false, zIndex: isFrame(box) ? 0 : 2 };
  return parent === undefined ? node : { ...node, parentId: parent };
}

/** What did not change stays the very same node: only the others are drawn again. */
function asBefore(node: BoxNode, drawn: ReadonlyMap<string, BoxNode>): BoxNode {
  const before = drawn.get(node.id);
  return before && same(before, node) ? before : node;
}

function edgeOf({ id, from, to, label, way }: Link): Edge {
  const around = way === "around";
  const edge: Edge = {
    id,
    source: from,
    target: to,
    type: "smoothstep",
    sourceHandle: around ? "around-out" : "out",
    targetHandle: around ? "around-in" : "in",
    markerEnd: { type: MarkerType.ArrowClosed, width: 18, height: 18 },
    zIndex: 1,
  };
  return label === undefined ? edge : { ...edge, label };
}

/** The beginning of the flow in the middle above. */
function atTop(drawing: Drawing) {
  const width = document.querySelector(".canvas")?.clientWidth ?? 800;
  const zoom = width < 500 ? 0.8 : 1;
  const first = drawing.boxes[0];
  return { x: width / 2 - ((first?.x ?? 0) + (first?.width ?? 0) / 2) * zoom, y: 24, zoom };
}

type Held<Value> = { readonly current: Value };

function reveal(element: HTMLElement, flow: Held<ReactFlowInstance<BoxNode> | null>, drawing: Held<Drawing>, pointer: string): void {
  onceThere(
    () => drawing.current.middles.get(pointer),
    ({ x, y }) => {
      void flow.current?.setCenter(x, y, { zoom: Math.max(flow.current.getZoom(), 0.6) });
      onceThere(() => element.querySelector<HTMLElement>(`[data-step="${CSS.escape(pointer)}"] > button`), (button) => focusStep(element, button));
    },
  );
}

/** A step is drawn some frames after it came into the text. */
const MOST_FRAMES = 120;

function onceThere<Thing>(find: () => Thing | null | undefined, act: (thing: Thing) => void, left = MOST_FRAMES): void {
  const thing = find();
  if (thing !== null && thing !== undefined) act(thing);
  else if (left > 0) requestAnimationFrame(() => onceThere(find, act, left - 1));
}

/** Takes the focus along, unless somebody is typing elsewhere. */
function focusStep(element: HTMLElement, button: HTMLElement): void {
  const active = document.activeElement;
  if (active !== null && active !== document.body && !element.contains(active)) return;
  button.focus({ preventScroll: true });
}
