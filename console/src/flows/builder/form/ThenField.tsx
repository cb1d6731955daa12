// Where a flow goes on after a step.

import { everyStep, listOf } from "../../../canvas/steps";
import type { Path } from "../../../canvas/text/source";
import { form as words } from "../../../texts/builder";
import { Select } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { withOther } from "./options";

interface ThenFieldProps {
  label: string;
  base: Path;
  value: unknown;
  onChange: (value: string | undefined) => void;
}

/** Where a step of a list may lead. */
export function ThenField({ label, base, value, onChange }: ThenFieldProps) {
  const { root } = useBuilder();
  const list = listOf(base).join("/");
  const names = everyStep(root).filter((step) => listOf(step.path).join("/") === list && step.path.join("/") !== base.join("/"));
  const options = [{ value: "", label: words.nothing }, ...Object.entries(words.thens).map(([name, text]) => ({ value: name, label: `${name}: ${text}` })), ...names.map(({ name }) => ({ value: name, label: name }))];
  const chosen = typeof value === "string" ? value : "";
  return <Select label={label} value={chosen} options={withOther(options, chosen)} onChange={(next) => onChange(next === "" ? undefined : next)} />;
}
