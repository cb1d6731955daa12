// Advice about a scope as it is typed: the same rules, codes and corrections as oauth::scope::lint, which
// judges again when the form is sent. tests/scope-cases.json holds both to the same answers.

import { scopeLint } from "../../texts/lint";
import { GRAPH, OFFLINE_ACCESS, isDefault, isGraph, isOfGraph, isOpenid, nameOf, same, sameName, sameResource } from "./name";
import { suggestion } from "./suggestion";

export type ScopeRule = "exact" | "entra";
export type GrantType = "authorization_code" | "client_credentials";

export interface ScopeLint {
  code: string;
  severity: "error" | "warning";
  message: string;
  /** The corrected scope, whole, with the corrections of the lints before it. */
  fix: string | undefined;
}

const INVISIBLE = /[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff“”‘’„]/gu;
const FORBIDDEN = /[\u0000-\u001f\u007f"\\]/g;

export function lintScope(raw: string, rule: ScopeRule, grant: GrantType): ScopeLint[] {
  const linter = new Linter(raw);
  linter.separators(rule);
  if (!linter.characters()) return linter.lints;
  if (linter.names().length === 0) {
    linter.empty(rule, grant);
    return linter.lints;
  }
  linter.duplicates(rule);
  if (rule === "entra" && grant === "client_credentials") {
    linter.appOnly();
  } else if (rule === "entra") {
    linter.defaultMixed();
    linter.severalResources();
    linter.unknown();
    linter.noRefresh();
  } else if (grant === "authorization_code" && linter.names().includes("openid")) {
    // offline_access is a word of OpenID Connect; elsewhere it means nothing
    linter.noRefresh();
  }
  return linter.lints;
}

/** The scope with every correction that can be made, if any is needed. */
export function correctedScope(lints: readonly ScopeLint[]): string | undefined {
  return lints.findLast((lint) => lint.fix !== undefined)?.fix;
}

class Linter {
  readonly lints: ScopeLint[] = [];
  private text: string;

  constructor(raw: string) {
    this.text = raw;
  }

  names(): string[] {
    return this.text.split(" ").filter((name) => name !== "");
  }

  private fixed(code: string, severity: "error" | "warning", text: string, message: string): void {
    this.text = text;
    this.lints.push({ code, severity, message, fix: text });
  }

  private unfixed(code: string, severity: "error" | "warning", message: string): void {
    this.lints.push({ code, severity, message, fix: undefined });
  }

  separators(rule: ScopeRule): void {
    const found = new Set<string>();
    const unescaped = rule === "entra" ? this.text.replaceAll("%20", "\u0001") : this.text;
    let text = "";
    for (const character of unescaped) {
      const kind = separatorKind(character, rule);
      if (kind) found.add(kind);
      text += kind ? " " : character;
    }
    if (found.size === 0) return;
    // a comma may stand in a name (RFC 6749 §3.3); Slack and others even mean it so
    const lenient = rule === "exact" && [...found].every((kind) => kind === "commas");
    const kinds = [...found].sort().join(" and ");
    this.fixed("scope.separator", lenient ? "warning" : "error", joined(text.split(" ")), scopeLint.separator(kinds));
  }

  /** False if nothing that follows would make sense. */
  characters(): boolean {
    const visible = this.text.replace(INVISIBLE, "");
    if (visible !== this.text) this.fixed("scope.non_ascii", "error", joined(visible.split(" ")), scopeLint.invisible);
    const strange = [...this.text].find((character) => character > "\u007f");
    if (strange !== undefined) {
      this.unfixed("scope.non_ascii", "error", scopeLint.nonAscii(strange));
      return false;
    }
    const allowed = this.text.replace(FORBIDDEN, "");
    if (allowed !== this.text) this.fixed("scope.character", "error", joined(allowed.split(" ")), scopeLint.character);
    return true;
  }

  empty(rule: ScopeRule, grant: GrantType): void {
    if (rule === "exact") this.unfixed("scope.empty", "warning", scopeLint.emptyExact);
    else if (grant === "client_credentials") this.fixed("scope.empty", "error", `${GRAPH}/.default`, scopeLint.emptyAppOnly);
    else this.fixed("scope.empty", "error", `${OFFLINE_ACCESS} User.Read`, scopeLint.emptyDelegated);
  }

  duplicates(rule: ScopeRule): void {
    const kept: string[] = [];
    const repeated: string[] = [];
    for (const name of this.names()) {
      const known = kept.some((other) => (rule === "entra" ? sameName(other, name) : other === name));
      (known ? repeated : kept).push(name);
    }
    if (repeated.length > 0) this.fixed("scope.duplicate", "warning", joined(kept), scopeLint.duplicate(repeated.join(", ")));
  }

  /** Client credentials take one `<resource>/.default` and nothing else (AADSTS1002012, AADSTS70011). */
  appOnly(): void {
    const names = this.names();
    const standing = names.find((name) => isDefault(nameOf(name)));
    if (standing !== undefined && names.length > 1) {
      this.fixed("scope.default_mixed", "error", qualified(standing), scopeLint.defaultMixedAppOnly);
    } else if (standing !== undefined && nameOf(standing).resource === undefined) {
      this.fixed("scope.not_default", "warning", qualified(standing), scopeLint.bareDefault);
    } else if (standing === undefined) {
      const resource = names.map((name) => nameOf(name).resource).find((found) => found !== undefined) ?? GRAPH;
      this.fixed("scope.not_default", "error", `${resource}/.default`, scopeLint.notDefault);
    }
  }

  defaultMixed(): void {
    const defaults = this.names().filter((name) => isDefault(nameOf(name)));
    const others = this.names().filter((name) => !isDefault(nameOf(name)));
    const named = others.some((name) => !isOpenid(nameOf(name)));
    if (defaults.length === 0 || (defaults.length === 1 && !named)) return;
    // the named ones ask for less, so they are what is kept
    this.fixed("scope.default_mixed", "error", joined([...others, ...defaults.slice(0, named ? 0 : 1)]), scopeLint.defaultMixed);
  }

  severalResources(): void {
    const resourceOf = (name: string) => {
      const { resource } = nameOf(name);
      return resource !== undefined && !isGraph(resource) ? resource : GRAPH;
    };
    const bound = this.names().filter((name) => !isOpenid(nameOf(name)));
    const [first] = bound.map(resourceOf);
    if (first === undefined || bound.every((name) => sameResource(resourceOf(name), first))) return;
    const kept = this.names().filter((name) => isOpenid(nameOf(name)) || sameResource(resourceOf(name), first));
    this.fixed("scope.several_resources", "error", joined(kept), scopeLint.severalResources);
  }

  unknown(): void {
    for (const text of this.names()) {
      const name = nameOf(text);
      if (!isOfGraph(name) || isDefault(name)) continue;
      const found = suggestion(name.short);
      if (found === undefined) continue;
      const whole = name.resource === undefined ? found : `${name.resource}/${found}`;
      const corrected = joined(this.names().map((known) => (known === text ? whole : known)));
      this.fixed("scope.unknown", "warning", corrected, scopeLint.unknown(name.short, found));
    }
  }

  noRefresh(): void {
    if (this.names().some((name) => same(name, OFFLINE_ACCESS))) return;
    this.fixed("scope.no_refresh", "warning", `${OFFLINE_ACCESS} ${joined(this.names())}`, scopeLint.noRefresh);
  }
}

function separatorKind(character: string, rule: ScopeRule): string | undefined {
  if (character === ",") return "commas";
  if (character === ";" && rule === "entra") return "semicolons";
  if (character === "\u0001" && rule === "entra") return "%20";
  if (character === "\n" || character === "\r") return "line breaks";
  if (character === " ") return undefined;
  return /\p{White_Space}/u.test(character) ? "tabs or other white space" : undefined;
}

function qualified(standing: string): string {
  return nameOf(standing).resource === undefined ? `${GRAPH}/.default` : standing;
}

function joined(names: readonly string[]): string {
  return names.filter((name) => name !== "").join(" ");
}
