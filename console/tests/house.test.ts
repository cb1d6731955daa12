// The console's own rules, checked: which folder may import which, sizes, no `any`, no markup from strings.

import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../src", import.meta.url));
const files = readdirSync(root, { recursive: true, encoding: "utf8" })
  .filter((path) => /\.(tsx?|css)$/.test(path) && !path.endsWith(".d.ts"))
  .map((path) => ({ path, text: readFileSync(join(root, path), "utf8") }));
const sources = files.filter(({ path }) => !path.endsWith(".css"));

/** texts ← api ← ui ← features ← app; features do not import each other. */
const MAY_IMPORT: Record<string, string[]> = {
  texts: ["api"],
  api: ["texts"],
  ui: ["api", "texts"],
  access: ["ui", "api", "texts"],
  connections: ["ui", "api", "texts"],
  explorer: ["ui", "api", "texts"],
  settings: ["ui", "api", "texts"],
  canvas: ["ui", "texts"],
  home: ["ui", "api", "texts"],
  calls: ["ui", "api", "texts"],
  flows: ["canvas", "ui", "api", "texts"],
  runs: ["canvas", "ui", "api", "texts"],
  tables: ["ui", "api", "texts"],
  app: ["access", "connections", "explorer", "settings", "home", "calls", "flows", "runs", "tables", "ui", "api", "texts"],
};

function importsOf(path: string, text: string): { from: string; typeOnly: boolean }[] {
  return [...text.matchAll(/^import (type )?[^;]*?from "(\.[^"]+)";/gms)].map(([, typeOnly, target = ""]) => ({
    from: normalize(join(dirname(path), target)).split("/")[0] ?? "",
    typeOnly: typeOnly !== undefined,
  }));
}

it("finds the sources", () => {
  expect(sources.length).toBeGreaterThan(50);
});

it("imports only downwards", () => {
  for (const { path, text } of sources.filter((file) => file.path.includes("/"))) {
    const room = path.split("/")[0] ?? "";
    for (const { from, typeOnly } of importsOf(path, text)) {
      // words may know the shapes they speak of
      const fine = from === room || (room === "texts" && typeOnly) || (room !== "texts" && MAY_IMPORT[room]?.includes(from)) || from === "..";
      expect(fine, `${path} imports ${from}`).toBe(true);
    }
  }
});

it("reaches outside src for the permissions alone", () => {
  const outside = sources.filter(({ path, text }) => importsOf(path, text).some(({ from }) => from === ".."));
  expect(outside.map(({ path }) => path)).toEqual(["connections/lint/suggestion.ts"]);
});

it("keeps files short", () => {
  for (const { path, text } of files.filter((file) => !file.path.endsWith(".test.ts"))) expect(text.split("\n").length - 1, path).toBeLessThanOrEqual(path.endsWith(".css") ? 350 : 250);
});

it("has no any, no barrels, no effects, no markup from strings", () => {
  for (const { path, text } of sources) {
    expect(text, path).not.toMatch(/(:|as|<)\s*any\b/);
    expect(text, path).not.toMatch(/^export \* from/m);
    expect(text, path).not.toMatch(/\buseEffect\b|\buseLayoutEffect\b/);
    expect(text, path).not.toMatch(/dangerouslySetInnerHTML|innerHTML|outerHTML|insertAdjacentHTML|document\.write/);
    expect(text, path).not.toMatch(/\beval\(|new Function\(/);
    // style attributes would need 'unsafe-inline'
    expect(text, path).not.toMatch(/\bstyle=/);
  }
});

it("speaks to the server in one place", () => {
  const fetching = sources.filter(({ text }) => /\bfetch\(/.test(text)).map(({ path }) => path);
  expect(fetching).toEqual(["api/client.ts"]);
});

it("asks anew in one place, which no load from before a change gets into", () => {
  for (const asks of [/\.invalidateQueries\(/, /\.fetchQuery\(/]) expect(sources.filter(({ text }) => asks.test(text)).map(({ path }) => path)).toEqual(["api/refresh.ts"]);
});

it("names no outside address that a browser would load", () => {
  for (const { path, text } of files.filter((file) => file.path.endsWith(".css"))) expect(text, relative(root, path)).not.toMatch(/url\(|@import/);
});
