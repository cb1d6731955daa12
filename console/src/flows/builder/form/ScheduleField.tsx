// What starts a flow by itself: the clock, a length of time, the end of its last run, events; several may be said at once.

import { put } from "../../../canvas/text/patch";
import { type Path, isRecord, valueAt } from "../../../canvas/text/source";
import { fields } from "../../../texts/builder";
import { timing as words } from "../../../texts/timing";
import { ExactTime } from "../../../ui/Time";
import { useBuilder } from "../BuilderContext";
import { ClockField } from "./ClockField";
import { DurationField } from "./DurationField";
import { EventsField } from "./EventsField";
import { ValueField } from "./ValueField";

export function ScheduleField({ path }: { path: Path }) {
  const { draft, flow, starts } = useBuilder();
  const schedule = valueAt(flow, path);
  const write = (at: Path, value: unknown) => draft.change(put(draft.get().source, [...path, ...at], value), [...path, ...at].join("/"), performance.now());
  const known = schedule === undefined || isRecord(schedule);
  if (!known) return <ValueField label={fields.schedule.label} hint={fields.schedule.hint} kind="value" sees="nothing" base={[]} value={schedule} onChange={(value) => write([], value)} />;
  const said = schedule ?? {};
  return (
    <fieldset className="stack-small">
      <legend className="field-label">{fields.schedule.label}</legend>
      <ClockField value={said["cron"]} onChange={(cron) => write(["cron"], cron)} />
      <DurationField label={words.every} hint={words.everyHint} unit="minutes" value={said["every"]} onChange={(every) => write(["every"], every)} />
      <DurationField label={words.afterEnd} unit="minutes" value={said["after"]} onChange={(after) => write(["after"], after)} />
      <EventsField value={said["on"]} onChange={(at, value) => write(["on", ...at], value)} />
      {starts.length > 0 && (
        <div role="status" className="note tone-info stack-small">
          <p className="strong">{words.nextTimes}</p>
          {starts.map(({ trigger, times }) => (
            <div key={trigger}>
              {starts.length > 1 && <code className="small">{trigger}</code>}
              {times.length === 0 ? (
                <p className="small">{words.whenItHappens}</p>
              ) : (
                <ol className="plain small">
                  {times.map((at) => (
                    <li key={at}>
                      <ExactTime at={at} />
                    </li>
                  ))}
                </ol>
              )}
            </div>
          ))}
        </div>
      )}
    </fieldset>
  );
}
