import { describe, expect, it } from "vitest";
import { factsOf } from "./detailLine";
import { relative, span } from "./moments";
import { cell, gridOf, nextLink } from "./table";
import { parts, safeLink } from "./textParts";

describe("the table in an answer", () => {
  it("is the list of objects in it", () => {
    const body = { "@odata.context": "…", "@odata.nextLink": "https://graph.example/next", value: [{ id: "1", displayName: "Ada", mail: null }, { id: "2", jobTitle: "x", mail: null }] };
    expect(gridOf(body)?.columns).toEqual(["id", "displayName", "jobTitle"]);
    expect(gridOf(body)?.rows).toHaveLength(2);
    expect(nextLink(body)).toBe("https://graph.example/next");
    expect(gridOf({ items: [{ a: 1 }] })?.columns).toEqual(["a"]);
    expect(gridOf([{ a: 1 }])?.rows).toHaveLength(1);
    expect(gridOf({ id: "1" })?.rows).toEqual([{ id: "1" }]);
  });

  it("is not there for anything else", () => {
    for (const body of [null, 1, "x", [], [1], { error: { code: "x" } }]) expect(gridOf(body)).toBeUndefined();
    expect(nextLink({ "@odata.nextLink": 1 })).toBeUndefined();
  });

  it("shows values as text", () => {
    expect(cell(null)).toBe("");
    expect(cell("<b>")).toBe("<b>");
    expect(cell([1, { a: 2 }])).toBe('[1,{"a":2}]');
  });
});

describe("moments", () => {
  const now = Date.parse("2026-11-02T12:00:00Z");
  it.each([
    ["2026-11-02T12:54:30Z", "in 54 minutes"],
    ["2026-11-02T10:00:00Z", "2 hours ago"],
    ["2026-11-02T12:00:00Z", "now"],
    ["2026-11-04T12:00:00Z", "in 2 days"],
    ["never", "never"],
  ])("%s", (at, words) => {
    expect(relative(at, now)).toBe(words);
  });
  it("spans", () => {
    expect([5, 3599, 3600, 3900].map(span)).toEqual(["5 s", "59 min", "1 h", "1 h 5 min"]);
  });
});

describe("texts", () => {
  it("set code apart", () => {
    expect(parts("run `keyway test` now")).toEqual([
      { text: "run ", code: false },
      { text: "keyway test", code: true },
      { text: " now", code: false },
    ]);
    expect(parts("a ` b")).toEqual([{ text: "a ` b", code: false }]);
  });

  it("link to https, and to this machine", () => {
    expect(safeLink("https://login.contoso.example/x")).toBe("https://login.contoso.example/x");
    expect(safeLink("http://localhost:8800/oauth/start/x")).toBe("http://localhost:8800/oauth/start/x");
    for (const link of ["javascript:alert(1)", "data:text/html,x", "http://contoso.example", "//contoso.example", "", null, undefined]) expect(safeLink(link)).toBeUndefined();
  });

  it("tell an audit row's facts", () => {
    expect(factsOf({ state: "ok", wiped: ["a"], none: null })).toBe('state: ok · wiped: ["a"]');
    expect(factsOf(null)).toBe("");
  });
});
