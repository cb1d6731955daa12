import { describe, expect, it } from "vitest";
import { parse } from "../../../canvas/text/source";
import { connectionOf, declared, endpointWith, policyFor } from "./authentication";
import { expressionOf, jqOf, textOf, valueOf } from "./valueText";

describe("a value as people type it", () => {
  it.each([
    ["", undefined],
    ["5", 5],
    ["'5'", "5"],
    ["plain words", "plain words"],
    ["${ .a: 1 }", "${ .a: 1 }"],
    ["a: 1\nb: [x, y]", { a: 1, b: ["x", "y"] }],
    ["null", null],
  ])("%j is read", (text, value) => {
    expect(valueOf(text)).toEqual({ value });
  });

  it("is shown so that it reads the same", () => {
    for (const value of [5, "5", "true", true, null, "", "x", "a: b", "${ .a }", { a: { b: ["c"] } }, [], {}, "two\nlines"]) expect(valueOf(textOf(value)), textOf(value)).toEqual({ value });
    expect(textOf(undefined)).toBe("");
  });

  it("may not be YAML yet", () => {
    for (const text of ["a: [", "a: 1\na: 2", "[".repeat(50_000)]) expect(valueOf(text)).toHaveProperty("fault");
  });

  it("is jq without brackets, and with them in the text", () => {
    expect([jqOf("${ .a }"), jqOf(".a"), jqOf(undefined), jqOf({ a: 1 })]).toEqual([".a", ".a", "", "{a: 1}"]);
    expect([expressionOf(" .a "), expressionOf(" ")]).toEqual(["${ .a }", undefined]);
  });
});

describe("the connection of a call", () => {
  const text = "document: {name: x}\nuse:\n  secrets: [graph, key]\n  authentications: {alias: {oauth2: {use: graph}}, round: {use: alias}}\ndo: []\n";
  const flow = parse(text).value;

  it("is found through aliases", () => {
    expect(connectionOf(flow, { use: "alias" })).toBe("graph");
    expect(connectionOf(flow, { bearer: { use: "key" } })).toBe("key");
    for (const policy of [undefined, { use: "absent" }, { use: "round" }, { basic: { username: "a" } }]) expect(connectionOf(flow, policy)).toBeUndefined();
  });

  it("is written by the alias that there is, or by its kind", () => {
    expect(policyFor(flow, "graph", { type: "oauth" })).toEqual({ use: "alias" });
    expect(policyFor(flow, "other", { type: "oauth" })).toEqual({ oauth2: { use: "other" } });
    expect(policyFor(flow, "other", { type: "basic" })).toEqual({ basic: { use: "other" } });
    expect(policyFor(flow, "other", { type: "query_key" })).toEqual({ bearer: { use: "other" } });
    expect(endpointWith("/x", { use: "a" })).toEqual({ uri: "/x", authentication: { use: "a" } });
    expect(endpointWith({ uri: "/x", authentication: { use: "a" } }, undefined)).toBe("/x");
  });

  it("is declared before the steps, once", () => {
    expect(declared(text, "graph")).toBe(text);
    expect(declared(text, "more")).toBe(text.replace("[graph, key]", "[graph, key, more]"));
    expect(declared("document: {name: x}\ndo:\n  - a: {wait: PT1S} # one\n", "graph")).toBe("document: {name: x}\nuse: {secrets: [graph]}\ndo:\n  - a: {wait: PT1S} # one\n");
  });
});
