import { absolute, relative } from "./moments";

/** A moment as people say it, with the exact time in the tooltip. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={absolute(at)} className="nowrap">
      {relative(at, Date.now())}
    </time>
  );
}

/** A moment to the second, for logs. */
export function ExactTime({ at }: { at: string }) {
  return (
    <time dateTime={at} className="nowrap">
      {absolute(at)}
    </time>
  );
}
