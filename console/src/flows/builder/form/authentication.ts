// Which connection a call goes through, and how a flow says so.

import type { Card } from "../../../api/connections";
import { put } from "../../../canvas/text/patch";
import { type Path, isRecord, parse, valueAt } from "../../../canvas/text/source";

const WORDS = ["oauth2", "oidc", "bearer", "basic", "digest"];

/** The connection's name that a policy leads to, by way of the flow's aliases. */
export function connectionOf(flow: unknown, policy: unknown): string | undefined {
  if (!isRecord(policy)) return undefined;
  const alias = policy["use"];
  if (typeof alias === "string") return connectionOf(flow, withoutAlias(valueAt(flow, ["use", "authentications", alias])));
  const named = WORDS.map((word) => valueAt(policy, [word, "use"])).find((name) => typeof name === "string");
  return typeof named === "string" ? named : undefined;
}

/** An alias leads to a policy, not to another alias. */
function withoutAlias(policy: unknown): unknown {
  return isRecord(policy) && "use" in policy ? undefined : policy;
}

/** The language's word for a connection's kind. */
function wordFor(card: Pick<Card, "type"> | undefined): string {
  if (card?.type === "basic") return "basic";
  return card === undefined || card.type === "oauth" ? "oauth2" : "bearer";
}

/** The name of an alias that stands for a connection already. */
function aliasFor(flow: unknown, name: string): string | undefined {
  const known = valueAt(flow, ["use", "authentications"]);
  return isRecord(known) ? Object.keys(known).find((alias) => connectionOf(flow, { use: alias }) === name) : undefined;
}

/** The policy for a connection, as short as the flow's aliases allow. */
export function policyFor(flow: unknown, name: string, card: Pick<Card, "type"> | undefined): unknown {
  const alias = aliasFor(flow, name);
  return alias === undefined ? { [wordFor(card)]: { use: name } } : { use: alias };
}

/** Declares a connection or secret, which a flow has to before it uses one. */
export function declared(source: string, name: string): string {
  const flow = parse(source).value;
  const secrets = valueAt(flow, ["use", "secrets"]);
  const list: unknown[] = Array.isArray(secrets) ? secrets : [];
  return list.includes(name) ? source : put(source, ["use", "secrets"], [...list, name]);
}

/** A call's `with` that goes through a connection, or through none. Where the address stands alone it gets company. */
export function endpointWith(endpoint: unknown, policy: unknown): unknown {
  const uri = isRecord(endpoint) ? endpoint["uri"] : endpoint;
  return policy === undefined ? uri : { uri: uri ?? "/", authentication: policy };
}

export function uriPath(path: Path, endpoint: unknown): Path {
  return isRecord(endpoint) ? [...path, "endpoint", "uri"] : [...path, "endpoint"];
}
