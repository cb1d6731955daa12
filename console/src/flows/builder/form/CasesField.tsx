// The cases of a switch: each has a name, a condition and a way on.

import { casesOf } from "../../../canvas/links";
import { everyStep, freeName } from "../../../canvas/steps";
import { put } from "../../../canvas/text/patch";
import type { Path } from "../../../canvas/text/source";
import { form as words } from "../../../texts/builder";
import { common } from "../../../texts/common";
import { Button } from "../../../ui/Button";
import { TextField } from "../../../ui/Field";
import { useBuilder } from "../BuilderContext";
import { ThenField } from "./ThenField";
import { ValueField } from "./ValueField";

export function CasesField({ path, base }: { path: Path; base: Path }) {
  const { draft, root } = useBuilder();
  const step = everyStep(root).find((each) => each.path.join("/") === base.join("/"));
  const cases = step ? casesOf(step) : [];
  const names = cases.map(({ name }) => name);
  const write = (at: Path, value: unknown, origin: string) => draft.change(put(draft.get().source, [...path, ...at], value), origin, performance.now());
  const one = (index: number, name: string) => {
    const { when, then } = cases[index] ?? {};
    write([index], { [name]: { ...(when === undefined ? {} : { when }), then: then ?? "continue" } }, `${path.join("/")}/${index}/name`);
  };
  return (
    <div className="stack">
      {cases.map(({ name, when, then }, index) => (
        // a case has no identity but its place: its name is what is being changed
        <fieldset className="case stack-small" key={index}>
          <legend className="field-label">
            {words.caseName} {index + 1}
          </legend>
          <TextField label={words.name} value={name} onChange={(next) => next !== "" && !names.includes(next) && one(index, next)} />
          <ValueField label={words.caseWhen} hint={words.whenHint} kind="jq" sees="input" base={base} value={when} onChange={(next) => write([index, name, "when"], next, `${path.join("/")}/${index}/when`)} />
          <ThenField label={words.caseThen} base={base} value={then} onChange={(next) => write([index, name, "then"], next ?? "continue", "")} />
          <div>
            <Button size="small" icon="cross" disabled={cases.length === 1} onClick={() => write([index], undefined, "")}>
              {common.remove}
            </Button>
          </div>
        </fieldset>
      ))}
      <div>
        <Button size="small" icon="plus" onClick={() => write([cases.length], { [freeName(names, "otherwise")]: { then: "continue" } }, "")}>
          {common.add}
        </Button>
      </div>
    </div>
  );
}
