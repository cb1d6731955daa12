// The steps that can be put into a flow, as they begin.

import { palette as words } from "../texts/canvas";
import type { Task } from "./steps";

export interface PaletteItem {
  id: keyof typeof words.items;
  group: keyof typeof words.groups;
  /** What the step is called at first. */
  name: string;
  task: Task;
}

const RUNTIME = "https://serverlessworkflow.io/spec/1.0.0/errors/runtime";

export const PALETTE: readonly PaletteItem[] = [
  { id: "http", group: "calls", name: "call", task: { call: "http", with: { method: "get", endpoint: "/" } } },
  { id: "page", group: "calls", name: "pages", task: { call: "page", with: { endpoint: "/" } } },
  { id: "openapi", group: "calls", name: "operation", task: { call: "openapi", with: { document: { endpoint: "https://" }, operationId: "" } } },
  { id: "function", group: "calls", name: "function", task: { call: "" } },
  { id: "switch", group: "order", name: "decide", task: { switch: [{ yes: { when: "${ true }", then: "continue" } }] } },
  { id: "for", group: "order", name: "each", task: { for: { each: "item", in: "${ . }" }, do: [] } },
  { id: "fork", group: "order", name: "together", task: { fork: { branches: [] } } },
  { id: "try", group: "order", name: "attempt", task: { try: [], catch: {} } },
  { id: "do", group: "order", name: "group", task: { do: [] } },
  { id: "raise", group: "order", name: "fail", task: { raise: { error: { type: RUNTIME, status: 500, title: "Something is wrong" } } } },
  { id: "set", group: "data", name: "set", task: { set: { name: "value" } } },
  { id: "tablePut", group: "data", name: "keep", task: { call: "table-put", with: { table: "", key: "", value: "${ . }" } } },
  { id: "tableGet", group: "data", name: "recall", task: { call: "table-get", with: { table: "", key: "" } } },
  { id: "tableList", group: "data", name: "rows", task: { call: "table-list", with: { table: "" } } },
  { id: "tableDelete", group: "data", name: "forget", task: { call: "table-delete", with: { table: "", key: "" } } },
  { id: "wait", group: "waiting", name: "wait", task: { wait: "PT10S" } },
  { id: "approve", group: "waiting", name: "ask", task: { call: "approve", with: { title: "" } } },
  { id: "listen", group: "waiting", name: "listen", task: { listen: { to: { one: { with: { type: "com.contoso.example.happened" } } } } } },
  { id: "emit", group: "messages", name: "tell", task: { emit: { event: { with: { type: "com.contoso.example.happened", source: "https://contoso.example" } } } } },
  { id: "respond", group: "messages", name: "answer", task: { call: "respond", with: { status: 200 } } },
  { id: "run", group: "messages", name: "flow", task: { run: { workflow: { namespace: "", name: "", version: "latest" } } } },
];
