import { describe, expect, it } from "vitest";
import { insert } from "../../canvas/edit";
import { Draft } from "./draft";

const TEXT = "do:\n  - a:\n      wait: PT1S\n";

describe("a draft", () => {
  it("goes back and forth", () => {
    const draft = new Draft({ source: TEXT, number: 1 });
    draft.edit(insert(TEXT, { list: ["do"], index: 1 }, { name: "b", task: { wait: "PT2S" } }));
    expect(draft.get()).toMatchObject({ selected: "/do/1/b", past: [TEXT] });
    const after = draft.get().source;
    draft.undo();
    expect(draft.get()).toMatchObject({ source: TEXT, selected: undefined, future: [after] });
    draft.undo();
    expect(draft.get().source).toBe(TEXT);
    draft.redo();
    draft.redo();
    expect(draft.get()).toMatchObject({ source: after, future: [] });
  });

  it("takes quick changes of one origin together", () => {
    const draft = new Draft({ source: "a", number: 0 });
    for (const [text, from, at] of [["ab", "text", 0], ["abc", "text", 100], ["abcd", "name", 200], ["abcde", "name", 9_000]] as const) draft.change(text, from, at);
    expect(draft.get().past).toEqual(["a", "abc", "abcd"]);
    draft.undo();
    draft.change("x", "name", 9_100);
    expect(draft.get()).toMatchObject({ past: ["a", "abc", "abcd"], future: [] });
  });

  it("keeps the last readable text while a text can't be read", () => {
    const draft = new Draft({ source: TEXT, number: 1 });
    draft.select("/do/0/a");
    draft.change("do: [", "text", 0);
    expect(draft.get()).toMatchObject({ source: "do: [", readable: TEXT, selected: "/do/0/a" });
    draft.change("do: []", "text", 1);
    expect(draft.get()).toMatchObject({ readable: "do: []", selected: undefined });
  });

  it("knows what is saved, and takes over what others saved", () => {
    const draft = new Draft({ source: "a", number: 1 });
    draft.change("b", "", 0);
    draft.saved({ source: "b", number: 2 });
    draft.takeOver({ source: "c", number: 3 });
    expect(draft.get()).toMatchObject({ source: "c", stored: { source: "c", number: 3 } });
    draft.undo();
    expect(draft.get()).toMatchObject({ source: "b", stored: { source: "c", number: 3 } });
  });

  it("tells who listens", () => {
    const draft = new Draft({ source: TEXT, number: 1 });
    const seen: string[] = [];
    const off = draft.subscribe(() => seen.push(draft.get().source));
    const gone = draft.onReveal((pointer) => seen.push(pointer));
    draft.change("x", "", 0);
    draft.reveal("/do/0/a");
    off();
    gone();
    draft.change("y", "", 0);
    draft.reveal("/do");
    expect(seen).toEqual(["x", "x", "/do/0/a"]);
  });
});
