// What two typed endpoint URLs are: Entra's of a known cloud, Entra's by shape, or somebody else's; and
// the usual slips with them. Mirrors connect::preset::entra.

import type { Cloud } from "../../api/presets";
import { endpointLint, fixText } from "../../texts/lint";

type Which = "authorize" | "token";

interface EntraUrl {
  url: URL;
  tenant: string;
  which: Which;
  version: 1 | 2;
}

export interface Endpoints {
  authorization: string;
  token: string;
}

export interface EndpointLint {
  code: string;
  field: "authorization_endpoint" | "token_endpoint";
  message: string;
  /** What the fix is called. */
  label: string;
  fix: Partial<Endpoints>;
}

/** Reads `/{tenant}/oauth2/v2.0/{authorize|token}` and the v1 form without the version. */
export function entraUrl(text: string): EntraUrl | undefined {
  if (!URL.canParse(text.trim())) return undefined;
  const url = new URL(text.trim());
  const match = /^\/([^/]+)\/oauth2\/(v2\.0\/)?(authorize|token)$/.exec(url.pathname);
  const [, tenant, version, which] = match ?? [];
  if (tenant === undefined || (which !== "authorize" && which !== "token")) return undefined;
  return { url, tenant, which, version: version === undefined ? 1 : 2 };
}

export interface Recognised {
  tenant: string;
  /** The known cloud whose sign-in host it is; without one Entra's rules are only borrowed. */
  cloud: Cloud | undefined;
}

/** Entra's endpoints typed by hand. */
export function recognise(endpoints: Endpoints, clouds: readonly Cloud[]): Recognised | undefined {
  const found = entraUrl(endpoints.token) ?? entraUrl(endpoints.authorization);
  if (!found) return undefined;
  const cloud = clouds.find((known) => new URL(known.authority).origin === found.url.origin);
  return { tenant: found.tenant, cloud };
}

export function lintEndpoints(endpoints: Endpoints): EndpointLint[] {
  const authorize = entraUrl(endpoints.authorization);
  const token = entraUrl(endpoints.token);
  if (authorize?.which === "token" || token?.which === "authorize") return [swapped(endpoints, authorize, token)];
  const lints = [v1("authorization_endpoint", authorize), v1("token_endpoint", token)].filter((lint) => lint !== undefined);
  if (authorize && token && authorize.tenant.toLowerCase() !== token.tenant.toLowerCase()) {
    lints.push({
      code: "endpoint.two_tenants",
      field: "token_endpoint",
      message: endpointLint.twoTenants(authorize.tenant, token.tenant),
      label: fixText.tenant(authorize.tenant),
      fix: { token: entraPath(token.url, authorize.tenant, "token") },
    });
  }
  return lints;
}

function swapped(endpoints: Endpoints, authorize: EntraUrl | undefined, token: EntraUrl | undefined): EndpointLint {
  const fix: Partial<Endpoints> = {};
  const known = authorize ?? token;
  if (authorize?.which === "token" && token?.which === "authorize") {
    fix.authorization = endpoints.token.trim();
    fix.token = endpoints.authorization.trim();
  } else if (known && authorize?.which === "token") {
    fix.authorization = entraPath(known.url, known.tenant, "authorize");
    if (!token) fix.token = entraPath(known.url, known.tenant, "token");
  } else if (known) {
    fix.token = entraPath(known.url, known.tenant, "token");
    if (!authorize && endpoints.authorization.trim() !== "") fix.authorization = entraPath(known.url, known.tenant, "authorize");
  }
  const field = authorize?.which === "token" ? "authorization_endpoint" : "token_endpoint";
  return { code: "endpoint.swapped", field, message: endpointLint.swapped, label: fixText.swap, fix };
}

function v1(field: EndpointLint["field"], found: EntraUrl | undefined): EndpointLint | undefined {
  if (found?.version !== 1) return undefined;
  const fixed = entraPath(found.url, found.tenant, found.which);
  const fix = field === "token_endpoint" ? { token: fixed } : { authorization: fixed };
  return { code: "endpoint.v1", field, message: endpointLint.v1, label: fixText.v2, fix };
}

function entraPath(url: URL, tenant: string, which: Which): string {
  return `${url.origin}/${tenant}/oauth2/v2.0/${which}`;
}

/** The last two labels of a host, or the whole of an address: near enough to notice another site. */
export function site(text: string): string | undefined {
  if (!URL.canParse(text.trim())) return undefined;
  const { hostname } = new URL(text.trim());
  return /^[\d.]+$|:/.test(hostname) ? hostname : hostname.split(".").slice(-2).join(".");
}

/** Why a URL can't be used, if it can't. */
export function urlComplaint(text: string): string | undefined {
  const trimmed = text.trim();
  if (trimmed === "") return undefined;
  if (trimmed.length > 2048) return endpointLint.urlTooLong;
  if (/[\s\\]/.test(trimmed)) return endpointLint.urlSpace;
  if (!URL.canParse(trimmed)) return endpointLint.urlUnreadable;
  const url = new URL(trimmed);
  const local = url.hostname === "localhost" || url.hostname === "[::1]" || /^127(\.\d+){3}$/.test(url.hostname);
  if (url.protocol !== "https:" && !(url.protocol === "http:" && local)) return endpointLint.urlScheme;
  if (url.username !== "" || url.password !== "") return endpointLint.urlUser;
  if (trimmed.includes("#")) return endpointLint.urlFragment;
  return undefined;
}
