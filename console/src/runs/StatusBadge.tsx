import type { RunStatus } from "../api/runs";
import { statuses } from "../texts/runs";
import { Badge } from "../ui/Facts";

export function StatusBadge({ status }: { status: RunStatus }) {
  const known = statuses[status];
  return <Badge tone={known?.tone ?? "neutral"}>{known?.label ?? status}</Badge>;
}
