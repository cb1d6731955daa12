import { describe, expect, it } from "vitest";
import { callOf, gapsOf, lookUp } from "./trial";

const seen = { input: { user: "ada@contoso.example", n: 3, list: [{ id: "x" }] }, context: { group: "g 1" }, workflowInput: { days: 30 } };
const task = {
  call: "http",
  with: {
    method: "post",
    endpoint: { uri: '${ "/groups/\\($context.group)/members/\\(.list[0].id)/$ref" }', authentication: { use: "graph" } },
    query: { $top: 5, $filter: "${ .filter }" },
    body: { name: "${ .user }", count: "${ .n }", plain: "x" },
  },
};

describe("a call that is tried", () => {
  it("asks for what is not plain to see", () => {
    expect(gapsOf(task, seen)).toEqual([
      { text: "$context.group", guess: "g 1" },
      { text: ".list[0].id", guess: "x" },
      { text: ".filter", guess: "" },
      { text: ".user", guess: "ada@contoso.example" },
      { text: ".n", guess: "3" },
    ]);
    expect(gapsOf({ with: { endpoint: "/users/{user}" } }, seen)).toEqual([{ text: ".user", guess: "ada@contoso.example" }]);
  });

  it("is what the step would send", () => {
    const filled = new Map(gapsOf(task, seen).map(({ text, guess }) => [text, guess]));
    expect(callOf(task, filled)).toEqual({
      method: "POST",
      path: "/groups/g 1/members/x/$ref",
      query: [["$top", "5"], ["$filter", ""]],
      body: { name: "ada@contoso.example", count: 3, plain: "x" },
    });
    expect(callOf({ with: { method: "get", endpoint: "/users/{user}" } }, new Map([[".user", "a/b"]]))).toEqual({ method: "GET", path: "/users/a%2Fb" });
  });

  it("looks up plain paths alone", () => {
    expect(lookUp(".", seen)).toBe(seen.input);
    expect(lookUp("$workflow.input.days", seen)).toBe(30);
    for (const jq of [".user | length", "$item.x", "now", ""]) expect(lookUp(jq, seen)).toBeUndefined();
  });
});
