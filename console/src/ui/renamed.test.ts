import { expect, it } from "vitest";
import { nextShown, renaming } from "./renamed";

it("counts the pages that are come to, and not an address that a page is given", () => {
  const { replace, state } = renaming("/flows/new");
  expect(replace).toBe(true);
  const created = { address: "/flows/new", page: 3 };
  const saved = nextShown(created, "/flows/main.a/edit", state);
  expect(saved).toEqual({ address: "/flows/main.a/edit", page: 3 });
  expect(nextShown(saved, "/flows/main.a/edit", null)).toBe(saved);
  expect(nextShown(saved, "/flows/new", null).page).toBe(4);
  // the entry of the history is come back to from elsewhere: another page by then
  expect(nextShown({ address: "/flows", page: 5 }, "/flows/main.a/edit", state).page).toBe(6);
  for (const other of [null, "was", { was: 1 }, {}]) expect(nextShown(created, "/flows", other).page).toBe(4);
});
