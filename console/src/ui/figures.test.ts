import { expect, it } from "vitest";
import { bars } from "./bars";
import { beginning, sizeText } from "./download";

it("stacks the parts of a place from the ground, the highest sum as high as there is room", () => {
  const { bars: drawn, most } = bars(
    [
      [1, 0, 2],
      [3, 0, 0],
    ],
    30,
    100,
  );
  expect(most).toBe(4);
  expect(drawn.map(({ series, place, y, height }) => [series, place, y, height])).toEqual([
    [0, 0, 75, 25],
    [1, 0, 0, 75],
    [0, 2, 50, 50],
  ]);
  for (const { x, width, place } of drawn) expect([x >= place * 10, x + width <= (place + 1) * 10]).toEqual([true, true]);
});

it("draws nothing of nothing", () => {
  expect(bars([], 30, 100)).toEqual({ bars: [], most: 0 });
  expect(bars([[0, 0]], 30, 100)).toEqual({ bars: [], most: 0 });
});

it("shows the beginning of a text, never half a character", () => {
  expect(beginning("abc", 3)).toBe("abc");
  expect(beginning("abcd", 3)).toBe("abc");
  expect(beginning("ab\u{1F600}cd", 3)).toBe("ab");
  expect([sizeText(900), sizeText(2048), sizeText(1024 * 1024)]).toEqual(["900 bytes", "2.0 KiB", "1.0 MiB"]);
});
