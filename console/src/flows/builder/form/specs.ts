// Which fields a step of a kind has, where in the step they stand, and how they are edited.

import type { Step } from "../../../canvas/steps";
import type { Path } from "../../../canvas/text/source";
import { type fields, form as words } from "../../../texts/builder";

export type FieldId = keyof typeof fields;

/** What `.` is for an expression in a field: the step's input, or what it puts out. */
export type Sees = "input" | "output" | "nothing";

type Editor =
  | { as: "text" | "number" | "check" | "unless" | "endpoint" | "authentication" | "cases" | "then" | "pairs" | "uses" | "schedule" | "timeZone" | "retry" | "retries" }
  | { as: "uri" | "jq" | "value" | "line"; sees: Sees }
  | { as: "select"; options: readonly { value: string; label: string }[] };

export type Spec = Editor & { id: FieldId; at: Path };

const value = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "value", sees: "input" });
const line = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "line", sees: "input" });
const text = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "text" });
const jq = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "jq", sees: "input" });
const after = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "jq", sees: "output" });
const plain = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "value", sees: "nothing" });
const number = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "number" });
const check = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "check" });
const select = (id: FieldId, options: readonly { value: string; label: string }[], ...at: string[]): Spec => ({ id, at, as: "select", options });
const pairs = (id: FieldId, ...at: string[]): Spec => ({ id, at, as: "pairs" });
const endpoint: Spec = { id: "uri", at: ["with"], as: "endpoint" };
const outcome = select("onOutcomeUnknown", words.outcomes, "metadata", "keyway", "onOutcomeUnknown");
const options = (values: readonly string[], label: (value: string) => string = (text) => text) => values.map((value) => ({ value, label: label(value) }));

const HTTP = [select("method", options(words.methods, (method) => method.toUpperCase()), "with", "method"), endpoint, pairs("query", "with", "query"), pairs("headers", "with", "headers"), value("body", "with", "body"), select("httpOutput", words.outputs, "with", "output"), check("redirect", "with", "redirect"), outcome];

const ROW = [line("table", "with", "table"), line("key", "with", "key")];

/** The fields of each function of Keyway's catalog. */
const FUNCTIONS: Record<string, readonly Spec[]> = {
  page: [endpoint, pairs("query", "with", "query"), pairs("headers", "with", "headers"), number("pageSize", "with", "pageSize"), number("maxItems", "with", "maxItems"), check("collect", "with", "collect")],
  respond: [line("status", "with", "status"), pairs("headers", "with", "headers"), value("body", "with", "body")],
  approve: [line("title", "with", "title"), value("message", "with", "message"), value("details", "with", "details")],
  "table-get": ROW,
  "table-put": [...ROW, value("value", "with", "value"), line("version", "with", "version")],
  "table-delete": [...ROW, line("version", "with", "version")],
  "table-list": [line("table", "with", "table"), line("prefix", "with", "prefix"), line("after", "with", "after"), line("limit", "with", "limit")],
};

function callSpecs(what: unknown): readonly Spec[] {
  if (what === "http") return HTTP;
  if (what === "openapi") return [text("document", "with", "document", "endpoint"), text("operationId", "with", "operationId"), { id: "connection", at: ["with"], as: "authentication" }, value("parameters", "with", "parameters"), select("httpOutput", words.outputs, "with", "output"), outcome];
  const known = typeof what === "string" ? FUNCTIONS[what] : undefined;
  return known ?? [text("function", "call"), value("arguments", "with")];
}

/** What the step itself is about. */
export function mainSpecs(step: Step): readonly Spec[] {
  switch (step.kind) {
    case "call":
      return callSpecs(step.task["call"]);
    case "set":
      return [value("set", "set")];
    case "for":
      return [text("each", "for", "each"), jq("in", "for", "in"), text("at", "for", "at"), jq("while", "while")];
    case "fork":
      return [check("compete", "fork", "compete")];
    case "switch":
      return [{ id: "cases", at: ["switch"], as: "cases" }];
    case "try":
      return [plain("catchErrors", "catch", "errors", "with"), { id: "retry", at: ["catch", "retry"], as: "retry" }, text("catchAs", "catch", "as"), jq("catchWhen", "catch", "when"), jq("catchExcept", "catch", "exceptWhen")];
    case "raise":
      return typeof step.task["raise"] === "object" && typeof (step.task["raise"] as { error?: unknown }).error === "string"
        ? [plain("error", "raise", "error")]
        : [text("errorType", "raise", "error", "type"), number("status", "raise", "error", "status"), line("errorTitle", "raise", "error", "title"), line("errorDetail", "raise", "error", "detail")];
    case "wait":
      return [line("wait", "wait")];
    case "emit":
      return [value("event", "emit", "event", "with")];
    case "listen":
      return [value("listenTo", "listen", "to"), select("read", words.reads, "listen", "read"), text("foreach", "foreach", "item")];
    case "run":
      return [text("namespace", "run", "workflow", "namespace"), text("flowName", "run", "workflow", "name"), text("version", "run", "workflow", "version"), value("input", "run", "workflow", "input"), { id: "await", at: ["run", "await"], as: "unless" }];
    case "do":
    case undefined:
      return [];
  }
}

export const DATA_SPECS: readonly Spec[] = [jq("if", "if"), jq("inputFrom", "input", "from"), after("outputAs", "output", "as"), after("exportAs", "export", "as")];

export const MORE_SPECS: readonly Spec[] = [{ id: "then", at: ["then"], as: "then" }, plain("timeout", "timeout"), plain("inputSchema", "input", "schema", "document"), plain("outputSchema", "output", "schema", "document"), plain("metadata", "metadata")];

const KEYWAY = ["document", "metadata", "keyway"];

export const FLOW_SPECS: Record<"what" | "uses" | "starts" | "data" | "names", readonly Spec[]> = {
  what: [text("title", "document", "title"), text("namespace", "document", "namespace"), text("documentName", "document", "name"), text("flowVersion", "document", "version"), { id: "summary", at: ["document", "summary"], as: "value", sees: "nothing" }],
  uses: [{ id: "uses", at: ["use", "secrets"], as: "uses" }, select("onConnectionNeeds", words.needs, ...KEYWAY, "onConnectionNeeds"), number("retentionDays", ...KEYWAY, "retentionDays")],
  starts: [{ id: "schedule", at: ["schedule"], as: "schedule" }, { id: "timeZone", at: [...KEYWAY, "timeZone"], as: "timeZone" }, select("overlap", words.overlaps, ...KEYWAY, "overlap"), select("catchUp", words.catchUps, ...KEYWAY, "catchUp"), plain("webhooks", ...KEYWAY, "webhooks")],
  data: [plain("inputSchema", "input", "schema", "document"), jq("inputFrom", "input", "from"), after("outputAs", "output", "as"), plain("timeout", "timeout")],
  names: [plain("authentications", "use", "authentications"), { id: "retries", at: ["use", "retries"], as: "retries" }, plain("errors", "use", "errors"), plain("timeouts", "use", "timeouts"), plain("functions", "use", "functions")],
};
