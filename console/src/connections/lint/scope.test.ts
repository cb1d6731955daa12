import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { type GrantType, type ScopeRule, correctedScope, lintScope } from "./scope";
import { distance } from "./suggestion";

interface Case {
  raw: string;
  rule: ScopeRule;
  grant: GrantType;
  lints: { code: string; severity: string; message: string; fix: string | null }[];
}

// what oauth::scope::lint says about the same inputs
const cases = JSON.parse(readFileSync(new URL("../../../tests/scope-cases.json", import.meta.url), "utf8")) as Case[];

describe("the scope's lints", () => {
  it.each(cases.map((one) => [`${one.rule} ${one.grant} ${JSON.stringify(one.raw)}`, one] as const))("%s", (_, one) => {
    const seen = lintScope(one.raw, one.rule, one.grant).map((lint) => ({ ...lint, fix: lint.fix ?? null }));
    expect(seen).toEqual(one.lints.map(({ code, severity, message, fix }) => ({ code, severity, message: withoutEscapes(message), fix })));
  });

  it("leaves nothing to correct after its corrections", () => {
    for (const { raw, rule, grant } of cases) {
      const fix = correctedScope(lintScope(raw, rule, grant));
      if (fix !== undefined) expect(lintScope(fix, rule, grant).filter((lint) => lint.fix !== undefined), raw).toEqual([]);
    }
  });

  it("counts swapped letters as one edit", () => {
    expect(distance("user.raed", "user.read")).toBe(1);
    expect(distance("", "abc")).toBe(3);
    expect(distance("same", "same")).toBe(0);
  });
});

/** Rust's Debug form of a character escapes some that JavaScript shows as they are. */
function withoutEscapes(message: string): string {
  return message.replaceAll(/\\u\{([0-9a-f]+)\}/g, (_, code: string) => String.fromCodePoint(Number.parseInt(code, 16)));
}
