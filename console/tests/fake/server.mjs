// A stand-in for `keyway serve`: the built console with the policy it must live under, and enough of the
// REST API to look at every page. Not part of the product; the browser walks use the real binary.
//
//   node tests/fake/server.mjs PORT [fresh] [empty]

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { advice, auditRows, connections, graphUsers, token } from "./data.mjs";

const [port = "8899", ...modes] = process.argv.slice(2);
const dist = new URL("../../dist", import.meta.url).pathname;
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'";
const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml" };
const CLOUDS = [
  { name: "global", authority: "https://login.microsoftonline.com", graph: "https://graph.microsoft.com", declared: false },
  { name: "us-gov", authority: "https://login.microsoftonline.us", graph: "https://graph.microsoft.us", declared: false },
  { name: "china", authority: "https://login.partner.microsoftonline.cn", graph: "https://microsoftgraph.chinacloudapi.cn", declared: false },
  { name: "sandbox", authority: "https://127.0.0.1:8443", graph: "https://127.0.0.1:8443", declared: true },
];

let needed = modes.includes("fresh");
let items = modes.includes("empty") || needed ? [] : connections();
const pending = new Map();
const keys = [{ id: "key_aaaa", name: "nightly-report", role: "operator", created_by: "admin", created_at: new Date(Date.now() - 9e8).toISOString(), expires_at: new Date(Date.now() + 6e9).toISOString(), last_used_at: new Date(Date.now() - 3e5).toISOString(), revoked_at: null }];
const users = ["admin", "operator", "viewer"].map((name) => ({ id: `usr_${name}`, username: name, role: name, created_at: new Date(Date.now() - 9e8).toISOString(), disabled_at: null }));

class Refusal {
  constructor(status, code, title, detail, more = {}) {
    this.body = { type: `https://keyway.example/problems/${code}`, title, status, detail, code, trace_id: "3f2a9c1e00000001", ...more };
  }
}

const find = (name) => items.find((card) => card.name === name) ?? refuse(404, "connection.not_found", "No such connection", `there is no connection "${name}"`, { hint: "`keyway connection list` shows all of them" });
function refuse(...rest) {
  throw new Refusal(...rest);
}

const routes = [
  ["GET", /^\/setup$/, () => ({ needed })],
  ["POST", /^\/setup$/, (_, body) => (body.token !== "fake-setup-token" ? refuse(403, "setup.token_invalid", "The setup token is wrong", "this is not the setup token", { field: "/token", hint: "the one-time setup token is printed by `keyway serve` at its first start" }) : ((needed = false), { id: "usr_admin", username: "admin", role: "admin", cookie: "admin" }))],
  ["POST", /^\/session$/, (_, body) => (body.password !== "fake password" ? refuse(401, "login.failed", "The sign-in failed", "user name or password is wrong, or the account is locked for today", { hint: "try again with care" }) : { id: `usr_${body.username}`, username: body.username, role: body.username, cookie: body.username })],
  ["DELETE", /^\/session$/, () => ({ cookie: "" })],
  ["GET", /^\/me$/, (_, __, who) => ({ id: `usr_${who}`, name: who, role: who, kind: "user" })],
  ["GET", /^\/presets$/, () => ({ public_url: "http://localhost:8800", items: [{ preset: "microsoft-graph", redirect_uri: "http://localhost:8800/oauth/callback/microsoft-graph", clouds: CLOUDS }] })],
  ["GET", /^\/presets\/microsoft-graph\/permissions$/, () => ({ items: [{ name: "User.Read", delegated_id: "e1fe6dd8-ba31-4d61-89e7-88639da4683d", application_id: null, delegated_needs_admin: false, allows: "Read the profile of the person who signed in" }, { name: "User.Read.All", delegated_id: "a154be20-db9c-4678-8ab7-66f6cc099a59", application_id: "df021288-bdef-4463-88db-98f22de89214", delegated_needs_admin: true, allows: "Read the full profile of everybody" }] })],
  ["POST", /^\/redirect-uris$/, (_, { name }) => ({ id: "con_draft", name, redirect_uri: `http://localhost:8800/oauth/callback/con_${name.toLowerCase().replaceAll(/[^a-z]/g, "").padEnd(26, "q")}` })],
  ["GET", /^\/connections$/, () => ({ items })],
  ["POST", /^\/connections$/, (_, body) => create(body)],
  ["GET", /^\/connections\/([^/]+)$/, ([name]) => find(name)],
  ["PATCH", /^\/connections\/([^/]+)$/, ([name], body, _, version) => change(find(name), body, version)],
  ["DELETE", /^\/connections\/([^/]+)$/, ([name]) => void (items = items.filter((card) => card !== find(name)))],
  ["GET", /^\/connections\/([^/]+)\/explain$/, ([name]) => explain(find(name))],
  ["POST", /^\/connections\/([^/]+)\/test$/, ([name]) => find(name)],
  ["POST", /^\/connections\/([^/]+)\/authorize$/, ([name]) => {
    pending.set(name, Date.now());
    return { url: `http://localhost:${port}/oauth/start/${name}`, expires_at: new Date(Date.now() + 6e5).toISOString() };
  }],
  ["POST", /^\/connections\/([^/]+)\/call$/, ([name], body) => call(find(name), body)],
  ["GET", /^\/keys$/, () => ({ items: keys })],
  ["POST", /^\/keys$/, (_, body) => {
    const key = { ...keys[0], id: `key_${body.name}`, name: body.name, role: body.role, last_used_at: null };
    keys.push(key);
    return { ...key, token: "kw_fake_fake_fake_fake_fake_fake_fake_fake" };
  }],
  ["DELETE", /^\/keys\/([^/]+)$/, ([id]) => void (keys.find((key) => key.id === id).revoked_at = new Date().toISOString())],
  ["GET", /^\/users$/, () => ({ items: users })],
  ["POST", /^\/users$/, (_, body) => (users.push({ id: `usr_${body.username}`, username: body.username, role: body.role, created_at: new Date().toISOString(), disabled_at: null }), users.at(-1))],
  ["POST", /^\/users\/([^/]+)\/disable$/, ([id]) => Object.assign(users.find((user) => user.id === id), { disabled_at: new Date().toISOString() })],
  ["GET", /^\/about$/, () => ({ version: "0.0.0", database: "SQLite", public_url: "http://localhost:8800", now: new Date().toISOString() })],
  ["GET", /^\/overview$/, () => ({ items: hours() })],
  ["GET", /^\/(flows|runs|approvals|tables|secrets)$/, () => ({ items: [] })],
  ["GET", /^\/audit$/, (_, __, ___, ____, query) => audit(query)],
];

function hours() {
  return Array.from({ length: 24 }, (_, at) => ({
    at: new Date(Math.floor(Date.now() / 3_600_000 + at - 23) * 3_600_000).toISOString(),
    runs: { started: at + 3, completed: at, faulted: at % 3, cancelled: 1 },
    calls: { made: at * 20, throttled: at % 5, failed: at % 2 },
  }));
}

function create(body) {
  if (items.some((card) => card.name === body.name)) refuse(409, "connection.name_taken", "This name is taken", `a connection "${body.name}" exists already`, { field: "/name", hint: "choose another name" });
  const delegated = body.grant === "authorization_code";
  const recognised = body.token_endpoint?.includes("/oauth2/v2.0/") ? true : undefined;
  const secretId = /^[0-9a-f]{8}-/.test(body.client_secret ?? "");
  const card = { ...connections()[delegated ? 0 : 1], ...body, id: `con_${body.name}`, preset: recognised ? "microsoft-graph" : (body.preset ?? "generic"), type: body.type ?? "oauth", version: 1, recognised, state: "ok", origins: ["https://127.0.0.1:8443"], base_url: body.base_url ?? "https://127.0.0.1:8443/v1.0" };
  delete card.client_secret;
  if (delegated) Object.assign(card, { token: null, identity: null, authorized_by: null, state: "never_authorized", diagnosis: connections()[4].diagnosis });
  if (secretId && !delegated) Object.assign(card, { token: null, identity: null, state: "needs_secret", diagnosis: advice("client_secret.is_id", "needs_secret", "replace_secret") });
  items.push(card);
  return card;
}

function change(card, body, version) {
  if (version !== `"${card.version}"`) refuse(409, "conflict.version", "Somebody else changed it in the meantime", `the connection is at version ${card.version}`, { hint: "read it again" });
  const wiped = body.client_id || body.tenant || body.base_url ? ["client_secret", "access_token"] : [];
  const { client_secret, ...rest } = body;
  Object.assign(card, rest, { version: card.version + 1 });
  if (client_secret || body.scope) Object.assign(card, { state: "ok", diagnosis: null, token: token(1, card.grant === "authorization_code"), warnings: [] });
  return { connection: card, wiped };
}

function explain(card) {
  const provider = card.diagnosis?.provider ?? null;
  const begun = pending.get(card.name);
  return {
    connection: card,
    state: card.state,
    what: card.diagnosis?.what ?? "It works.",
    why: card.diagnosis?.why ?? "",
    who: card.diagnosis?.who_text ?? "",
    next: card.diagnosis?.next ?? "",
    command: null,
    link: null,
    raw: { provider, aadsts: provider ? "AADSTS7000215" : null, trace_id: provider?.trace_id ?? null, correlation_id: provider?.correlation_id ?? null, last_call_failure: null, retry_at: null },
    pending_authorization: begun ? { begun_at: new Date(begun).toISOString(), expires_at: new Date(begun + 6e5).toISOString(), redirect_uri: card.redirect_uri } : null,
    last_authorization: card.last_authorization ?? null,
  };
}

function call(card, body) {
  if (card.state === "needs_secret") refuse(409, "connection.needs_secret", "The connection must be cured first", `the connection "${card.name}" needs a secret`, { hint: "`keyway connection explain graph-wrong-secret` says what to do", connection: card.name });
  const url = new URL(body.path, "https://127.0.0.1:8443");
  const status = url.pathname.endsWith("/users") ? 200 : 404;
  const answer = status === 200 ? graphUsers(Number(url.searchParams.get("$top") ?? 10), Number(url.searchParams.get("$skiptoken") ?? 0), url.origin) : { error: { code: "Request_ResourceNotFound", message: "Resource does not exist." } };
  return { status, headers: { "content-type": "application/json", "request-id": "7d1c" }, body: answer, body_encoding: "json", request_id: "7d1c0000-0000-4000-8000-000000000000", attempts: 1, token_generation: 4 };
}

function audit(query) {
  const before = Number(query.get("before") ?? Infinity);
  const limit = Number(query.get("limit") ?? 100);
  const rows = auditRows().filter((row) => row.seq < before && ["action", "actor", "subject"].every((field) => !query.get(field) || row[field] === query.get(field)));
  return { items: rows.slice(0, limit), next: rows.length > limit ? rows[limit - 1].seq : null };
}

function finish(name) {
  pending.delete(name);
  const card = find(name);
  Object.assign(card, { last_authorization: { ended_at: new Date().toISOString(), result: "authorized" }, state: "ok", state_since: new Date().toISOString(), diagnosis: null, token: token((card.token?.generation ?? 0) + 1, true), identity: connections()[0].identity, authorized_by: "ada@contoso.example" });
}

const server = createServer(async (request, response) => {
  const url = new URL(request.url, "http://localhost");
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const answer = (status, type, body, headers = {}) => response.writeHead(status, { "content-type": type, "content-security-policy": POLICY, "x-content-type-options": "nosniff", "cache-control": "no-store", ...headers }).end(body);
  if (url.pathname.startsWith("/oauth/start/")) {
    finish(url.pathname.split("/").at(-1));
    return answer(200, "text/html", "<h1>Signed in. You can close this tab.</h1>");
  }
  if (!url.pathname.startsWith("/api/v1/")) {
    const path = extname(url.pathname) ? url.pathname : "/index.html";
    try {
      return answer(200, TYPES[extname(path)], readFileSync(join(dist, path)));
    } catch {
      return answer(404, "text/plain", "");
    }
  }
  const path = url.pathname.slice("/api/v1".length);
  const who = /keyway-session=(\w+)/.exec(request.headers.cookie ?? "")?.[1];
  try {
    const route = routes.find(([method, pattern]) => method === request.method && pattern.test(path)) ?? refuse(404, "route.not_found", "There is nothing at this address", path);
    const open = path === "/setup" || (path === "/session" && request.method === "POST");
    if (!open && !who) refuse(401, "unauthenticated", "Not signed in", "nobody is signed in", { hint: "sign in" });
    const body = chunks.length > 0 ? JSON.parse(Buffer.concat(chunks)) : undefined;
    const found = route[2](route[1].exec(path).slice(1).map(decodeURIComponent), body, who, request.headers["if-match"], url.searchParams);
    const { cookie, ...rest } = found ?? {};
    const headers = cookie === undefined ? {} : { "set-cookie": `keyway-session=${cookie}; Path=/; HttpOnly; SameSite=Lax` };
    return found === undefined ? answer(204, "text/plain", "", headers) : answer(200, "application/json", JSON.stringify(cookie === undefined ? found : rest), headers);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return answer(error.body.status, "application/problem+json", JSON.stringify(error.body));
  }
});
server.listen(Number(port), "127.0.0.1", () => console.log(`http://localhost:${server.address().port}`));
