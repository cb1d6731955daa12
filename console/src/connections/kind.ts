import type { Card } from "../api/connections";
import { list } from "../texts/connections";

/** How a connection proves who is calling, in the words of the form's Auth Type. */
export function kindOf(card: Pick<Card, "type" | "grant">): string {
  return list.kinds[card.grant ?? ""] ?? list.kinds[card.type] ?? card.type;
}
