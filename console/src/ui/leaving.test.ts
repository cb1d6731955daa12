import { expect, it } from "vitest";
import { holdUp, leave } from "./leaving";

it("goes at once where nothing is unsaved, and asks first where something is", () => {
  const seen: string[] = [];
  let unsaved = false;
  const go = () => seen.push("gone");
  leave(go);
  const done = holdUp({ unsaved: () => unsaved, ask: (then) => (seen.push("asked"), then()) });
  leave(go);
  unsaved = true;
  leave(go);
  done();
  leave(go);
  expect(seen).toEqual(["gone", "gone", "asked", "gone", "gone"]);
});

it("keeps to the page that is shown when the one before goes away late", () => {
  const seen: string[] = [];
  const first = holdUp({ unsaved: () => true, ask: () => seen.push("first") });
  const second = holdUp({ unsaved: () => true, ask: () => seen.push("second") });
  first();
  leave(() => seen.push("gone"));
  second();
  leave(() => seen.push("gone"));
  expect(seen).toEqual(["second", "gone"]);
});
