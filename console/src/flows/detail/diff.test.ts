import { expect, it } from "vitest";
import { diff, folded } from "./diff";

const sign = { same: " ", added: "+", removed: "-" };
const shown = (before: string, after: string) => diff(before, after).map(({ kind, text }) => sign[kind] + text);

it("keeps what both have, in order", () => {
  expect(shown("a\nb\nc", "a\nx\nc")).toEqual([" a", "-b", "+x", " c"]);
  expect(shown("a\nb", "a\nb")).toEqual([" a", " b"]);
  expect(shown("a", "a\nb\nc")).toEqual([" a", "+b", "+c"]);
  expect(shown("a\nb\nc\nd", "d\nb")).toEqual(["-a", "-b", "-c", " d", "+b"]);
  expect(shown("a\na\na", "a\na")).toEqual([" a", " a", "-a"]);
});

it("gives both texts back, whatever they are", () => {
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 200; round += 1) {
    const text = () => Array.from({ length: random(12) }, () => "abc"[random(3)]).join("\n");
    const [before, after] = [text(), text()];
    const lines = diff(before, after);
    expect(lines.filter(({ kind }) => kind !== "added").map(({ text: line }) => line).join("\n")).toBe(before);
    expect(lines.filter(({ kind }) => kind !== "removed").map(({ text: line }) => line).join("\n")).toBe(after);
  }
});

it("replaces the middle of texts that have nothing in common and are very long", () => {
  const long = (word: string) => Array.from({ length: 3_000 }, (_, at) => `${word}${at}`).join("\n");
  const lines = diff(`same\n${long("a")}`, `same\n${long("b")}`);
  expect(lines.length).toBe(6_001);
  expect(lines[0]).toEqual({ kind: "same", text: "same" });
});

it("folds what is far from a change", () => {
  const numbers = Array.from({ length: 20 }, (_, at) => String(at)).join("\n");
  const lines = folded(diff(numbers, numbers.replace("\n10\n", "\nten\n")), 2);
  expect(lines.map((line) => (line.kind === "fold" ? line.lines : line.text))).toEqual([8, "8", "9", "10", "ten", "11", "12", 7]);
});
