// What is said of a step in one line.

import type { Step } from "../../api/runs";
import { run as text } from "../../texts/runs";

const CONTAINERS = new Set(["do", "branches", "try", "catch"]);

/** How many containers are around a step. */
export function depthOf(step: Step): number {
  return Math.max(0, step.reference.split("/").filter((part) => CONTAINERS.has(part)).length - 1);
}

/** "GET /users, 200, sent 2 times, 34 ms"; nothing for a step that called nobody. */
export function callText({ explanation }: Step): string {
  if (!explanation) return "";
  const { method, path, status, attempts, milliseconds } = explanation;
  return [
    [method, path].filter(Boolean).join(" "),
    status !== undefined && String(status),
    attempts !== undefined && attempts > 1 && text.sent(attempts),
    milliseconds !== undefined && text.milliseconds(milliseconds),
  ]
    .filter(Boolean)
    .join(", ");
}
