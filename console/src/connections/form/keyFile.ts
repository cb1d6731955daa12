// A file with a private key: PEM, or what Google gives with a service account, which says more.

import type { Draft } from "./draft";

type Filled = Partial<Pick<Draft, "private_key" | "client_id" | "key_id" | "token_endpoint">>;

/** The fields that a key's file fills in; the key itself is sent as the file has it. */
export function fromKeyFile(text: string): Filled {
  const filled: Filled = { private_key: text };
  let account: unknown;
  try {
    account = JSON.parse(text);
  } catch {
    return filled;
  }
  const fields = new Map(Object.entries(account ?? {}));
  const put = (field: "client_id" | "key_id" | "token_endpoint", of: string) => {
    const value: unknown = fields.get(of);
    if (typeof value === "string") filled[field] = value;
  };
  put("client_id", "client_email");
  put("key_id", "private_key_id");
  put("token_endpoint", "token_uri");
  return filled;
}
