import { describe, expect, it } from "vitest";
import { everyStep, stepsOf } from "../../../canvas/steps";
import { parse } from "../../../canvas/text/source";
import { withJq } from "./insertion";
import { keepAll, partOf, sourcesFor } from "./sources";

const TEXT = `do:
  - find: {call: http, with: {method: get, endpoint: /users}}
  - keep:
      set: {x: 1}
      export: {as: .}
  - odd name: {wait: PT1S}
  - each:
      for: {each: user, in: .}
      do:
        - inner: {wait: PT1S}
        - second: {wait: PT1S}
  - attempt:
      try:
        - a: {wait: PT1S}
      catch:
        as: problem
        do:
          - b: {wait: PT1S}
  - together:
      fork:
        branches:
          - left: {wait: PT1S}
          - right: {wait: PT1S}
`;
const flow = parse(TEXT).value;
const root = stepsOf(flow);
const step = (name: string) => everyStep(root).find((each) => each.name === name);
const samples = { input: { user: "ada" }, outputs: new Map<string, unknown>([["/do/0/find", { id: "1" }]]) };
const sources = (name: string) => sourcesFor(flow, root, step(name), "input", samples).map(({ label, jq }) => `${label}: ${jq}`);

describe("what a step can use", () => {
  it("is its input first, then what is kept, then what surrounds it", () => {
    expect(sources("find")).toEqual(["The flow's input: ."]);
    expect(sources("keep")).toEqual(["What find put out: .", "The flow's input: $workflow.input"]);
    expect(sources("odd name")).toEqual(["What keep put out: .", "What find put out, kept: $context.find", "The flow's input: $workflow.input"]);
    expect(sources("inner")).toEqual(["$user: $user", "$index: $index", 'What odd name put out, kept: $context."odd name"', "What keep put out, kept: $context", "What find put out, kept: $context.find", "The flow's input: $workflow.input"]);
    expect(sources("second")[0]).toBe("What inner put out: .");
    expect(sources("b").slice(0, 2)).toEqual(["What each put out: .", "The error: $problem"]);
    expect(sources("right").some((source) => source.includes("left"))).toBe(false);
  });

  it("knows what was seen", () => {
    expect(sourcesFor(flow, root, step("keep"), "input", samples)[0]?.sample).toEqual({ id: "1" });
    expect(sourcesFor(flow, root, step("find"), "output", samples)[0]).toMatchObject({ jq: ".", sample: { id: "1" } });
    expect(sourcesFor(flow, root, undefined, "input", samples)).toMatchObject([{ jq: ".", sample: { user: "ada" } }]);
  });

  it("is kept by exports, also through those that would throw it away", () => {
    const kept = sourcesFor(flow, root, step("odd name"), "input", samples).find(({ jq }) => jq === "$context.find");
    const text = keepAll(TEXT, kept?.keep ?? []);
    expect(text).toContain("- find: {call: http, with: {method: get, endpoint: /users}, export: {as: '${ $context + {\"find\": .} }'}}");
    expect(text).toContain("export: {as: '${ $context + (.) }'}");
    const again = parse(text).value;
    const still = sourcesFor(again, stepsOf(again), everyStep(stepsOf(again)).find(({ name }) => name === "odd name"), "input", samples);
    expect(still.find(({ jq }) => jq === "$context.find")?.keep).toEqual([]);
  });
});

describe("jq", () => {
  it("leads to a part", () => {
    expect(partOf(".", ["a", 0, "odd name", "b"])).toBe('.a[0]."odd name".b');
    expect(partOf("$context.find", ["@odata.id"])).toBe('$context.find."@odata.id"');
    expect(partOf(".", [0])).toBe(".[0]");
  });

  it("comes into what is there", () => {
    expect(withJq("jq", ".a + ", 5, ".b")).toBe(".a + .b");
    expect(withJq("value", "", 0, ".b")).toBe("${ .b }");
    expect(withJq("value", "name: ", 6, ".b")).toBe("name: ${ .b }");
    expect(withJq("value", "${  }", 3, ".b")).toBe("${ .b }");
    expect(withJq("uri", "/users/", 7, "$context.id")).toBe('${ "/users/\\($context.id)" }');
    expect(withJq("uri", "/groups/{group}/members/", 24, ".id")).toBe('${ "/groups/\\(.group)/members/\\(.id)" }');
    expect(withJq("uri", '${ "/users/" }', 11, ".id")).toBe('${ "/users/\\(.id)" }');
  });
});
