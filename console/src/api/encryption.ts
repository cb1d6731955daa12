// The keys with which values are sealed; no key is ever shown.

import { queryOptions } from "@tanstack/react-query";
import { send } from "./client";
import type { components } from "./schema";

type KeyList = components["schemas"]["EncryptionKeyList"];

/** While values are still to be sealed anew it is asked for often. */
export const encryptionKeysQuery = queryOptions({
  queryKey: ["encryption-keys"],
  queryFn: ({ signal }) => send<KeyList>("GET", "/encryption-keys", { signal }),
  refetchInterval: (query) => ((query.state.data?.remaining ?? 0) > 0 ? 1_000 : false),
});

export function rotateEncryptionKey(): Promise<KeyList> {
  return send("POST", "/encryption-keys/rotate");
}
