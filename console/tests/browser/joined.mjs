// HR's system, which posts a signed message (Standard Webhooks) to a hook and waits for its answer.

import { createHmac, randomUUID } from "node:crypto";
import { api } from "./builder.mjs";

const KEY = "fake-signing-key-of-a-test-only!";

/** The secret that the hook checks with, as it is stored. */
export const SIGNING_SECRET = `whsec_${Buffer.from(KEY).toString("base64")}`;

/** Sends a joiner to the hook `hr` of a flow: the run that it started, with what the caller was answered. */
export async function joined(page, key, joiner) {
  const body = JSON.stringify(joiner);
  const id = `msg_${randomUUID()}`;
  const now = String(Math.floor(Date.now() / 1000));
  const signature = createHmac("sha256", KEY).update(`${id}.${now}.${body}`).digest("base64");
  const headers = { "content-type": "application/json", "webhook-id": id, "webhook-timestamp": now, "webhook-signature": `v1,${signature}` };
  const response = await fetch(new URL(`/hooks/${key}/hr`, page.url()), { method: "POST", headers, body });
  const answer = { status: response.status, body: await response.json() };
  const { body: runs } = await api(page, "GET", `/runs?flow=${key}&limit=1`);
  const { body: run } = await api(page, "GET", `/runs/${runs.items[0].id}`);
  return { ...run, answer };
}
