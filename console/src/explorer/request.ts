// The explorer's form as a value: what is sent, and the same call as two commands.

import type { Call } from "../api/calls";

export type BodyKind = "none" | "json" | "form" | "multipart" | "text" | "bytes";

/** A file as it is sent. */
export interface Attachment {
  name: string;
  size: number;
  base64: string;
}

export interface Request {
  connection: string;
  method: string;
  path: string;
  query: [string, string][];
  headers: [string, string][];
  bodyKind: BodyKind;
  body: string;
  form: [string, string][];
  file: Attachment | null;
  /** The file's name in a multipart form. */
  fileField: string;
  follow: boolean;
}

export const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"] as const;

export function emptyRequest(connection: string, path: string): Request {
  return { connection, method: "GET", path, query: [], headers: [], bodyKind: "none", body: "", form: [["", ""]], file: null, fileField: "file", follow: false };
}

const named = (pairs: readonly [string, string][]) => pairs.filter(([name]) => name.trim() !== "");

/** `undefined` when it is not JSON. */
export function parsedJson(text: string): { value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return undefined;
  }
}

/** Base64 is a third longer, and the server takes 1 MiB in all. */
export const FILE_LIMIT = 700 * 1024;

/** A few thousand at a time: each is an argument of one call. */
export function base64Of(bytes: Uint8Array): string {
  let text = "";
  for (let at = 0; at < bytes.length; at += 4096) text += String.fromCharCode(...bytes.subarray(at, at + 4096));
  return btoa(text);
}

/** Whether the body is ready to be sent. */
export function isComplete(request: Request): boolean {
  if (request.bodyKind === "bytes") return request.file !== null;
  return request.bodyKind !== "json" || parsedJson(request.body) !== undefined;
}

/** The call as the API takes it; `undefined` while its body is not complete. */
export function callOf(request: Request): Call | undefined {
  const call: Call = { method: request.method, path: request.path.trim() };
  if (named(request.query).length > 0) call.query = named(request.query);
  if (named(request.headers).length > 0) call.headers = named(request.headers);
  if (request.follow) call.follow = true;
  if (request.bodyKind === "form") call.form = named(request.form);
  if (request.bodyKind === "multipart") {
    call.multipart = named(request.form).map(([name, text]) => ({ name, text }));
    if (request.file) call.multipart.push({ name: request.fileField, filename: request.file.name, bytes: request.file.base64 });
  }
  if (request.bodyKind === "text") call.text = request.body;
  if (request.bodyKind === "bytes") {
    if (!request.file) return undefined;
    call.bytes = request.file.base64;
  }
  if (request.bodyKind === "json") {
    const parsed = parsedJson(request.body);
    if (!parsed) return undefined;
    call.body = parsed.value;
  }
  return call;
}

/** A word that a POSIX shell takes as it is. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** Through the pass-through of Keyway, with the API key in a variable: there is no secret in it. */
export function asCurl(request: Request, publicUrl: string): string {
  const words = ["curl", "-sS"];
  if (request.method !== "GET") words.push("-X", shellWord(request.method));
  words.push("-H", '"Authorization: Bearer $KEYWAY_API_KEY"');
  for (const [name, value] of named(request.headers)) words.push("-H", shellWord(`${name}: ${value}`));
  if (request.bodyKind === "json") words.push("-H", shellWord("Content-Type: application/json"), "--data-raw", shellWord(request.body));
  if (request.bodyKind === "text") words.push("--data-raw", shellWord(request.body));
  if (request.bodyKind === "form") for (const [name, value] of named(request.form)) words.push("--data-urlencode", shellWord(`${name}=${value}`));
  if (request.bodyKind === "multipart") words.push(...multipartWords(request, "--form-string"));
  if (request.bodyKind === "bytes" && request.file) {
    if (!request.headers.some(([name]) => name.trim().toLowerCase() === "content-type")) words.push("-H", shellWord("Content-Type: application/octet-stream"));
    words.push("--data-binary", shellWord(`@${request.file.name}`));
  }
  words.push(shellWord(proxyUrl(request, publicUrl)));
  return words.join(" ");
}

/** The parts of a multipart form, as curl and `keyway call` alike take them. */
function multipartWords(request: Request, field: string): string[] {
  const words = named(request.form).flatMap(([name, value]) => [field, shellWord(`${name}=${value}`)]);
  if (request.file) words.push("-F", shellWord(`${request.fileField}=@${request.file.name}`));
  return words;
}

function proxyUrl(request: Request, publicUrl: string): string {
  const path = request.path.trim();
  const inner = URL.canParse(path) ? new URL(path).pathname + new URL(path).search : path;
  const query = new URLSearchParams(named(request.query)).toString();
  const joined = query === "" ? inner : `${inner}${inner.includes("?") ? "&" : "?"}${query}`;
  return `${publicUrl.replace(/\/$/, "")}/proxy/${encodeURIComponent(request.connection)}/${joined.replace(/^\//, "")}`;
}

/** `undefined` for bodies that `keyway call` does not send as easily. */
export function asCli(request: Request): string | undefined {
  const asFile = request.form.some(([, value]) => value.startsWith("@"));
  if (request.bodyKind === "form" || request.bodyKind === "text" || (request.bodyKind === "multipart" && asFile)) return undefined;
  const words = ["keyway", "call", shellWord(request.connection)];
  if (request.method !== "GET") words.push(shellWord(request.method));
  words.push(shellWord(request.path.trim()));
  for (const [name, value] of named(request.query)) words.push("-q", shellWord(`${name}=${value}`));
  for (const [name, value] of named(request.headers)) words.push("-H", shellWord(`${name}:${value}`));
  if (request.bodyKind === "json") words.push("-d", shellWord(request.body));
  if (request.bodyKind === "multipart") words.push(...multipartWords(request, "-F"));
  if (request.bodyKind === "bytes" && request.file) words.push("--upload", shellWord(request.file.name));
  return words.join(" ");
}
