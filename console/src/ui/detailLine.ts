// The further facts of an audit row as one line of text.

/** `scope: User.Read · generation: 3`; nothing for nothing. */
export function factsOf(detail: unknown): string {
  if (typeof detail !== "object" || detail === null) return detail === null || detail === undefined ? "" : String(detail);
  return Object.entries(detail)
    .filter(([, value]) => value !== null && value !== "")
    .map(([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`)
    .join(" · ");
}
