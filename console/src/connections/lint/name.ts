// One scope name as Entra reads it: a resource and a permission of it. Mirrors oauth::scope::name.

export const OFFLINE_ACCESS = "offline_access";
export const GRAPH = "https://graph.microsoft.com";

const GRAPH_ALIASES = [
  GRAPH,
  "https://graph.microsoft.us",
  "https://dod-graph.microsoft.us",
  "https://microsoftgraph.chinacloudapi.cn",
  "00000003-0000-0000-c000-000000000000",
];
const OPENID = ["openid", "profile", "email", OFFLINE_ACCESS];

export interface ScopeName {
  resource: string | undefined;
  short: string;
}

export function nameOf(text: string): ScopeName {
  const slash = text.lastIndexOf("/");
  if (slash > 0 && slash < text.length - 1) return { resource: text.slice(0, slash), short: text.slice(slash + 1) };
  return { resource: undefined, short: text };
}

export function same(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}

export function isDefault(name: ScopeName): boolean {
  return same(name.short, ".default");
}

export function isOpenid(name: ScopeName): boolean {
  return name.resource === undefined && OPENID.some((known) => same(name.short, known));
}

export function isGraph(resource: string): boolean {
  return GRAPH_ALIASES.some((alias) => sameResource(alias, resource));
}

export function isOfGraph(name: ScopeName): boolean {
  return !isOpenid(name) && (name.resource === undefined || isGraph(name.resource));
}

/** A resource may be registered with a slash at its end, which doubles the one before the name. */
export function sameResource(left: string, right: string): boolean {
  return same(left.replace(/\/+$/, ""), right.replace(/\/+$/, ""));
}

/** Case does not matter; a name without a resource, or with Graph's, fits any way of writing Graph. */
export function sameName(left: string, right: string): boolean {
  const [one, other] = [nameOf(left), nameOf(right)];
  const foreign = (name: ScopeName) => (name.resource !== undefined && !isGraph(name.resource) ? name.resource : undefined);
  const [a, b] = [foreign(one), foreign(other)];
  return same(one.short, other.short) && (a === undefined || b === undefined || sameResource(a, b));
}
