import type { UseQueryResult } from "@tanstack/react-query";
import type { Watch } from "../api/runs";
import { run as text } from "../texts/runs";
import { Badge } from "../ui/Facts";
import { ProblemView } from "../ui/ProblemView";

/** How it stands with following something. */
export function LiveBadge({ watch }: { watch: UseQueryResult<Watch> }) {
  if (watch.isError) return <ProblemView error={watch.error} />;
  const broken = watch.data === "broken" || (watch.data === undefined && watch.failureCount > 0);
  return broken ? <Badge tone="warn">{text.reconnecting}</Badge> : <Badge tone="info">{text.live}</Badge>;
}
