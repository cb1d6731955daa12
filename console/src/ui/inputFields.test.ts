import { expect, it } from "vitest";
import { fieldsOf, fits, readTyped, typedFrom } from "./inputFields";

const SCHEMA = {
  type: "object",
  required: ["user", "days"],
  properties: {
    user: { type: "string", minLength: 1, description: "Id or user principal name." },
    days: { type: "integer", default: 30 },
    rate: { type: "number" },
    force: { type: "boolean" },
    kind: { enum: ["guest", "member", 3] },
    groups: { type: "array", items: { type: "string" } },
  },
};
const fields = fieldsOf(SCHEMA) ?? [];

it("has a field for each property", () => {
  expect(fields.map(({ name, kind, required }) => [name, kind, required])).toEqual([
    ["user", "text", true],
    ["days", "integer", true],
    ["rate", "number", false],
    ["force", "boolean", false],
    ["kind", "choice", false],
    ["groups", "json", false],
  ]);
  expect(fields[0]?.hint).toBe("Id or user principal name.");
  expect(typedFrom(fields, undefined)).toEqual({ user: "", days: "30", rate: "", force: "", kind: "", groups: "" });
});

it("makes no form where a schema says too little", () => {
  for (const schema of [undefined, null, true, {}, { type: "array" }, { properties: {} }, { properties: [] }]) expect(fieldsOf(schema)).toBeUndefined();
});

it("reads what was typed, and leaves out what is empty", () => {
  expect(readTyped(fields, { user: "ada", days: "3", rate: "0.5", force: "false", kind: '"guest"', groups: '["a"]' })).toEqual({
    ok: true,
    value: { user: "ada", days: 3, rate: 0.5, force: false, kind: "guest", groups: ["a"] },
  });
  expect(readTyped(fields, { user: "7", days: "3" })).toEqual({ ok: true, value: { user: "7", days: 3 } });
  expect(readTyped(fields, { user: "", days: "", rate: "x", groups: "[" })).toEqual({ ok: false, wrong: { user: "missing", days: "missing", rate: "number", groups: "json" } });
  expect(readTyped(fields, { user: "a", days: "1.5" })).toEqual({ ok: false, wrong: { days: "integer" } });
});

it("takes an input that is there already only if nothing of it would be lost", () => {
  const input = { user: "ada", days: 3, kind: 3, groups: ["a"] };
  expect(fits(fields, input)).toBe(true);
  expect(readTyped(fields, typedFrom(fields, input))).toEqual({ ok: true, value: input });
  for (const other of [null, "text", [1], { user: "ada", other: 1 }, { user: 7 }]) expect(fits(fields, other)).toBe(false);
});
