import type { State } from "../api/connections";
import { states } from "../texts/connections";
import { Badge } from "../ui/Facts";

export function StateBadge({ state }: { state: State }) {
  const { label, tone } = states[state];
  return <Badge tone={tone}>{label}</Badge>;
}
