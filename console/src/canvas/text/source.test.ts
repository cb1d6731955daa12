import { describe, expect, it } from "vitest";
import { parse } from "./source";

const faultOf = (text: string) => parse(text).faults[0];

describe("a text that is none", () => {
  it("is a fault with its place, however it was meant", () => {
    expect(faultOf("a: 1\nb: [1, 2\n")).toMatchObject({ line: expect.any(Number) as number });
    expect(faultOf("a: 1\n\tb: 2\n")).toMatchObject({ line: 2 });
    expect(faultOf("a: 1\na: 2\n")).toMatchObject({ line: 2, column: 1 });
    expect(faultOf("a: 1\n---\na: 2\n")).toMatchObject({ message: "a second document begins here: one text holds one flow", line: 2 });
  });

  it("is one when its aliases make too much of it", () => {
    const level = (at: number) => `a${at}: &a${at} [${at === 0 ? "x,x,x" : Array(9).fill(`*a${at - 1}`).join(",")}]\n`;
    const bomb = Array.from({ length: 12 }, (_, at) => level(at)).join("");
    expect(faultOf(bomb)?.message).toMatch(/alias/i);
    expect(parse(bomb).value).toBeUndefined();
  });

  it("is one when it is nested deeper than the server reads, and is not followed further", () => {
    const nested = (levels: number) => `${"[".repeat(levels)}${"]".repeat(levels)}`;
    expect(parse(nested(64)).faults).toEqual([]);
    expect(faultOf(`a:\n  b: ${nested(63)}\n`)).toEqual({ message: "nested deeper than 64 levels", line: 2, column: 68 });
    for (const deep of [nested(20_000), "[".repeat(100_000), "{a: ".repeat(100_000), "- ".repeat(100_000)]) expect(faultOf(deep)).toMatchObject({ message: "nested deeper than 64 levels", line: 1 });
  });
});
