// Which runs are looked for, as the search part of an address.

import { NO_RUN_FILTER, type RunFilter } from "../../api/runs";
import { statuses } from "../../texts/runs";

export function filterOf(search: string): RunFilter {
  const given = new URLSearchParams(search);
  const text = (name: string) => given.get(name) ?? "";
  const status = text("status");
  return {
    ...NO_RUN_FILTER,
    flow: text("flow"),
    status: isStatus(status) ? status : "",
    text: text("text"),
    since: instant(text("since")),
    until: instant(text("until")),
    parent: text("parent"),
  };
}

/** `?flow=…`, or nothing where nothing is asked for. */
export function searchOf(filter: RunFilter): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value !== "") query.set(name, value);
  const text = query.toString();
  return text === "" ? "" : `?${text}`;
}

/** A time as the API wants it; nothing for what is none. */
export function instant(text: string): string {
  const moment = Date.parse(text);
  return Number.isNaN(moment) ? "" : new Date(moment).toISOString();
}

/** A time as a date-and-time input has it, in this device's zone. */
export function local(instant: string): string {
  const moment = Date.parse(instant);
  if (Number.isNaN(moment)) return "";
  const zone = new Date(moment).getTimezoneOffset() * 60_000;
  return new Date(moment - zone).toISOString().slice(0, 16);
}

function isStatus(text: string): text is keyof typeof statuses {
  return Object.hasOwn(statuses, text);
}
