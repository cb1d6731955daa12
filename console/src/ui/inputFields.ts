// A form for a JSON Schema: which fields it has, and what was typed as a value. Only an object at the top becomes a
// form; what is deeper than that is typed as JSON.

export type FieldKind = "text" | "number" | "integer" | "boolean" | "choice" | "json";

export interface InputField {
  name: string;
  label: string;
  hint: string;
  kind: FieldKind;
  required: boolean;
  /** The values of a choice, as JSON. */
  choices: string[];
  /** What stands in it at first, as it is typed. */
  initial: string;
}

export type Typed = Record<string, string>;

/** What was typed as a value, or which field is not right. */
export type Read = { ok: true; value: Record<string, unknown> } | { ok: false; wrong: Record<string, "missing" | "number" | "integer" | "json"> };

type Schema = Record<string, unknown>;

/** The fields of a schema; none where it says too little for a form. */
export function fieldsOf(schema: unknown): InputField[] | undefined {
  if (!isObject(schema) || !isObject(schema["properties"])) return undefined;
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const fields = Object.entries(schema["properties"]).map(([name, of]) => fieldOf(name, isObject(of) ? of : {}, required.includes(name)));
  return fields.length > 0 ? fields : undefined;
}

function fieldOf(name: string, schema: Schema, required: boolean): InputField {
  const choices = Array.isArray(schema["enum"]) ? schema["enum"].map((value) => JSON.stringify(value)) : [];
  const kind = choices.length > 0 ? "choice" : kindOf(schema["type"]);
  const given = schema["default"];
  return {
    name,
    label: typeof schema["title"] === "string" && schema["title"] !== "" ? schema["title"] : name,
    hint: typeof schema["description"] === "string" ? schema["description"] : "",
    kind,
    required,
    choices,
    initial: given === undefined ? "" : typedOf(kind, given),
  };
}

function kindOf(type: unknown): FieldKind {
  if (type === "string") return "text";
  if (type === "number" || type === "integer" || type === "boolean") return type;
  return "json";
}

/** What a value looks like where it is typed. */
function typedOf(kind: FieldKind, value: unknown): string {
  return kind === "text" && typeof value === "string" ? value : JSON.stringify(value);
}

/** What stands in the fields for an input that is there already. */
export function typedFrom(fields: readonly InputField[], input: unknown): Typed {
  const known = isObject(input) ? input : {};
  return Object.fromEntries(fields.map((field) => [field.name, field.name in known ? typedOf(field.kind, known[field.name]) : field.initial]));
}

/** Whether every member of an input has a field, so that a form can stand for it. */
export function fits(fields: readonly InputField[], input: unknown): boolean {
  return isObject(input) && Object.keys(input).every((name) => fields.some((field) => field.name === name && (field.kind !== "text" || typeof input[name] === "string")));
}

/** An empty field is left out; an empty text has to be typed as JSON. */
export function readTyped(fields: readonly InputField[], typed: Typed): Read {
  const value: Record<string, unknown> = {};
  const wrong: Extract<Read, { ok: false }>["wrong"] = {};
  for (const { name, kind, required } of fields) {
    const text = typed[name] ?? "";
    if (text === "") {
      if (required) wrong[name] = "missing";
      continue;
    }
    if (kind === "text") {
      value[name] = text;
      continue;
    }
    const parsed = parseJson(text);
    const number = typeof parsed === "number" && Number.isFinite(parsed);
    if (kind === "number" && !number) wrong[name] = "number";
    else if (kind === "integer" && !(number && Number.isInteger(parsed))) wrong[name] = "integer";
    else if (parsed === undefined) wrong[name] = "json";
    else value[name] = parsed;
  }
  return Object.keys(wrong).length > 0 ? { ok: false, wrong } : { ok: true, value };
}

/** A JSON text as a value; `undefined` where it is none. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
