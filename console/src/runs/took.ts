// How long something took, in words.

import { span } from "../ui/moments";

/** "12 ms", "3.4 s", "2 min"; nothing while it goes on, or where a time is none. */
export function took(from: string, to: string | null | undefined): string {
  if (!to) return "";
  const milliseconds = Date.parse(to) - Date.parse(from);
  if (Number.isNaN(milliseconds)) return "";
  if (milliseconds < 1_000) return `${Math.max(0, milliseconds)} ms`;
  return milliseconds < 60_000 ? `${(milliseconds / 1_000).toFixed(1)} s` : span(milliseconds / 1_000);
}
