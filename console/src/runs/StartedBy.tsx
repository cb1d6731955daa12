import type { RunCard } from "../api/runs";
import { runs } from "../texts/runs";
import { Actor } from "../ui/Actor";

/** What started a run: its schedule, a message, an event, another run; or who. */
export function StartedBy({ run: { trigger, actor } }: { run: RunCard }) {
  const means = runs.means(trigger);
  return means === undefined ? <Actor id={actor} /> : <bdi>{means}</bdi>;
}
