// The permission that an unknown name was probably meant to be. Mirrors oauth::scope::lint.

import list from "../../../../crates/oauth/src/graph/permissions.txt?raw";

// The first column has the names; what else a line says of one is the server's business.
const KNOWN = list.split("\n").flatMap((line) => line.split("\t", 1)).filter((name) => name !== "");
const LONGEST = 80;

export function suggestion(short: string): string | undefined {
  const typed = short.toLowerCase();
  if (typed.length > LONGEST) return undefined;
  let nearest: { distance: number; known: string } | undefined;
  for (const known of KNOWN) {
    const found = distance(typed, known.toLowerCase());
    if (!nearest || found < nearest.distance) nearest = { distance: found, known };
  }
  const tolerance = Math.min(Math.floor(typed.length / 4), 3);
  if (!nearest || nearest.distance === 0 || nearest.distance > tolerance) return undefined;
  return nearest.known;
}

/** Edits between two texts, two swapped letters being one (optimal string alignment). */
export function distance(left: string, right: string): number {
  let before: number[] = [];
  let above = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 0; row < left.length; row += 1) {
    const current = [row + 1];
    for (let column = 0; column < right.length; column += 1) {
      const changed = at(above, column) + (left[row] === right[column] ? 0 : 1);
      let cost = Math.min(changed, at(above, column + 1) + 1, at(current, column) + 1);
      if (row > 0 && column > 0 && left[row] === right[column - 1] && left[row - 1] === right[column]) {
        cost = Math.min(cost, at(before, column - 1) + 1);
      }
      current.push(cost);
    }
    before = above;
    above = current;
  }
  return at(above, right.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
