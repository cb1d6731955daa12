// Times of a clock in the words of people, where a cron expression says no more than they can.

export const RHYTHMS = ["hourly", "daily", "weekdays", "weekly", "monthly"] as const;
export type Rhythm = (typeof RHYTHMS)[number];

export interface Clock {
  rhythm: Rhythm;
  minute: number;
  hour: number;
  /** 0 is Sunday. */
  weekday: number;
  /** Of the month. */
  day: number;
}

export const USUAL: Clock = { rhythm: "daily", minute: 0, hour: 6, weekday: 1, day: 1 };

/** Nothing for what only cron can say, also where it is written in another way: it stays as it is. */
export function clockOf(cron: string): Clock | undefined {
  const [minute, hour, day, month, weekday, more] = cron.split(" ");
  if (minute === undefined || hour === undefined || day === undefined || weekday === undefined || month !== "*" || more !== undefined) return undefined;
  const clock = { ...USUAL, rhythm: rhythmOf(hour, day, weekday) };
  if (clock.rhythm === undefined) return undefined;
  const numbers: [keyof Omit<Clock, "rhythm">, string][] = [["minute", minute]];
  if (clock.rhythm !== "hourly") numbers.push(["hour", hour]);
  if (clock.rhythm === "weekly") numbers.push(["weekday", weekday]);
  if (clock.rhythm === "monthly") numbers.push(["day", day]);
  const read: Clock = { ...clock, rhythm: clock.rhythm };
  for (const [field, text] of numbers) read[field] = Number(text);
  return cronOf(read) === cron && isClock(read) ? read : undefined;
}

function rhythmOf(hour: string, day: string, weekday: string): Rhythm | undefined {
  if (day !== "*") return weekday === "*" ? "monthly" : undefined;
  if (hour === "*") return weekday === "*" ? "hourly" : undefined;
  if (weekday === "*") return "daily";
  return weekday === "1-5" ? "weekdays" : "weekly";
}

function isClock({ minute, hour, weekday, day }: Clock): boolean {
  const fits = (number: number, from: number, to: number) => Number.isInteger(number) && number >= from && number <= to;
  return fits(minute, 0, 59) && fits(hour, 0, 23) && fits(weekday, 0, 6) && fits(day, 1, 31);
}

export function cronOf({ rhythm, minute, hour, weekday, day }: Clock): string {
  switch (rhythm) {
    case "hourly":
      return `${minute} * * * *`;
    case "daily":
      return `${minute} ${hour} * * *`;
    case "weekdays":
      return `${minute} ${hour} * * 1-5`;
    case "weekly":
      return `${minute} ${hour} * * ${weekday}`;
    case "monthly":
      return `${minute} ${hour} ${day} * *`;
  }
}

export function timeText({ hour, minute }: Clock): string {
  return [hour, minute].map((number) => String(number).padStart(2, "0")).join(":");
}

/** A time as people type it: 6:30, 06:30. */
export function readTime(text: string): Pick<Clock, "hour" | "minute"> | undefined {
  const [, hour, minute] = /^\s*(\d{1,2}):(\d{2})\s*$/.exec(text) ?? [];
  const time = { hour: Number(hour), minute: Number(minute) };
  return hour !== undefined && time.hour < 24 && time.minute < 60 ? time : undefined;
}
