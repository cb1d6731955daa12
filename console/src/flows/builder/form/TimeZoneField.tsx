import { useId } from "react";
import { fields } from "../../../texts/builder";
import { TextField } from "../../../ui/Field";

/** Typed, or taken from the zones that the browser knows. */
export function TimeZoneField({ value, onChange }: { value: unknown; onChange: (zone: string | undefined) => void }) {
  const list = useId();
  return (
    <>
      <TextField label={fields.timeZone.label} hint={fields.timeZone.hint} list={list} value={typeof value === "string" ? value : ""} onChange={(zone) => onChange(zone === "" ? undefined : zone)} />
      <datalist id={list}>
        {Intl.supportedValuesOf("timeZone").map((zone) => (
          <option key={zone} value={zone} />
        ))}
      </datalist>
    </>
  );
}
