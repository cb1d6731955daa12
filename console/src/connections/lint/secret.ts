// What was pasted as a secret: white space around it, or the id in place of the value.

import { secretLint } from "../../texts/lint";

export interface SecretLint {
  code: "secret.whitespace" | "secret.looks_like_id";
  severity: "error" | "warning";
  message: string;
  fix: string | undefined;
}

const AROUND = /^[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+|[\s\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]+$/gu;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

export function lintSecret(secret: string): SecretLint[] {
  const lints: SecretLint[] = [];
  const trimmed = secret.replace(AROUND, "");
  if (trimmed !== secret) lints.push({ code: "secret.whitespace", severity: "error", message: secretLint.whitespace, fix: trimmed });
  if (GUID.test(trimmed)) lints.push({ code: "secret.looks_like_id", severity: "warning", message: secretLint.looksLikeId, fix: undefined });
  return lints;
}

export function isGuid(text: string): boolean {
  return GUID.test(text.trim());
}
