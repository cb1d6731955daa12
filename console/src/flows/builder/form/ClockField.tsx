// Times of a clock: in words where these are enough, else as cron.

import { useState } from "react";
import { timing as words } from "../../../texts/timing";
import { Select, TextField } from "../../../ui/Field";
import { type Clock, RHYTHMS, type Rhythm, USUAL, clockOf, cronOf, readTime, timeText } from "./cron";

interface ClockFieldProps {
  value: unknown;
  onChange: (cron: string | undefined) => void;
}

const OPTIONS = [{ value: "", label: words.clock.never }, ...RHYTHMS.map((rhythm) => ({ value: rhythm, label: words.clock.rhythms[rhythm] })), { value: "cron", label: words.clock.own }] as const;

export function ClockField({ value, onChange }: ClockFieldProps) {
  const cron = typeof value === "string" ? value : "";
  const clock = clockOf(cron);
  const [own, setOwn] = useState(false);
  const shown = cron === "" && !own ? "" : own || !clock ? "cron" : clock.rhythm;
  const choose = (next: "" | Rhythm | "cron") => {
    setOwn(next === "cron");
    if (next === "") onChange(undefined);
    else if (next !== "cron") onChange(cronOf({ ...(clock ?? USUAL), rhythm: next }));
    else if (cron === "") onChange(cronOf(USUAL));
  };
  return (
    <>
      <Select label={words.clock.label} value={shown} options={OPTIONS} onChange={choose} />
      {shown === "cron" && <TextField label={words.clock.cron} hint={words.clock.cronHint} mono value={cron} onChange={(text) => onChange(text === "" ? undefined : text)} />}
      {clock && shown === clock.rhythm && <ClockFields key={clock.rhythm} clock={clock} onChange={(part) => onChange(cronOf({ ...clock, ...part }))} />}
    </>
  );
}

function ClockFields({ clock, onChange }: { clock: Clock; onChange: (part: Partial<Clock>) => void }) {
  const [typed, setTyped] = useState<string | undefined>();
  const meant = typed === undefined ? undefined : readTime(typed);
  // what was typed stays as it was typed, while it means what is stored or nothing yet
  const text = typed !== undefined && (!meant || timeText({ ...clock, ...meant }) === timeText(clock)) ? typed : timeText(clock);
  const type = (next: string) => {
    setTyped(next);
    const time = readTime(next);
    if (time) onChange(time);
  };
  const number = (label: string, field: "minute" | "day", min: number, max: number) => (
    <TextField
      label={label}
      type="number"
      min={min}
      max={max}
      value={String(clock[field])}
      onChange={(next) => {
        const read = Number(next);
        if (next !== "" && Number.isInteger(read) && read >= min && read <= max) onChange({ [field]: read });
      }}
    />
  );
  if (clock.rhythm === "hourly") return number(words.clock.minute, "minute", 0, 59);
  return (
    <div className="columns columns-narrow">
      {clock.rhythm === "weekly" && <Select label={words.clock.weekday} value={String(clock.weekday)} options={words.clock.weekdays.map((label, day) => ({ value: String(day), label }))} onChange={(day) => onChange({ weekday: Number(day) })} />}
      {clock.rhythm === "monthly" && number(words.clock.day, "day", 1, 31)}
      <TextField label={words.clock.time} value={text} onChange={type} notes={typed !== undefined && text === typed && !meant ? [{ severity: "error", message: words.clock.noTime }] : []} />
    </div>
  );
}
