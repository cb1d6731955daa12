import type { ReactNode } from "react";

export type Fact = readonly [label: string, value: ReactNode];

/** Names with values; what has no value is left out. */
export function Facts({ facts }: { facts: readonly Fact[] }) {
  return (
    <dl className="facts">
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== "" && value !== false)
        .map(([label, value]) => (
          <div key={label} className="facts-row">
            <dt>{label}</dt>
            <dd>{typeof value === "string" ? <bdi>{value}</bdi> : value}</dd>
          </div>
        ))}
    </dl>
  );
}

export function Badge({ tone, children, plain = false }: { tone: "good" | "warn" | "bad" | "info" | "neutral"; children: ReactNode; plain?: boolean }) {
  return <span className={`badge tone-${tone}${plain ? " badge-plain" : ""}`}>{children}</span>;
}

/** Scope names, or a word where there are none. */
export function Scopes({ names, none }: { names: readonly string[]; none: string }) {
  if (names.length === 0) return <span className="muted">{none}</span>;
  return (
    <ul className="scopes">
      {names.map((name) => (
        <li key={name} className="scope">
          <bdi>{name}</bdi>
        </li>
      ))}
    </ul>
  );
}
