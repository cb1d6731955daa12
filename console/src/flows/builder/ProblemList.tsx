// What is wrong with the flow, each with the step it is about.

import { useQuery } from "@tanstack/react-query";
import { type Checked, type Coming, type Finding, checkQuery } from "../../api/building";
import { type Step, everyStep, stepAround } from "../../canvas/steps";
import { parse } from "../../canvas/text/source";
import { builder as words } from "../../texts/builder";
import { Button } from "../../ui/Button";
import { ProblemView } from "../../ui/ProblemView";
import { Words } from "../../ui/Words";
import { useBuilder } from "./BuilderContext";

/** One thing that is wrong, refusing or not. */
export interface Trouble {
  finding: Finding;
  grave: "yes" | "no";
}

export interface Check {
  troubles: Trouble[];
  /** What has to be done elsewhere before it can run. */
  lacks: string[];
  starts: readonly Coming[];
  error: Error | null;
  pending: boolean;
}

/** The same one every time, so that nothing is drawn anew for it. */
const NONE: readonly Coming[] = [];

/** Whoever builds makes another text of the same version with every key: that is for those who deploy to hear. */
const REUSED = "flow.version_reused";

/** What is wrong with a text, for who may ask. While a newer text is looked at, the last answer stays. */
export function useCheck(source: string, editable: "yes" | "no"): Check {
  const { faults } = parse(source);
  const query = useQuery({ ...checkQuery(source), enabled: editable === "yes" && faults.length === 0, placeholderData: (last: Checked | undefined) => last });
  if (faults.length > 0) return { troubles: faults.map(({ message, line, column }) => ({ grave: "yes", finding: { code: "flow.parse", pointer: "", line, column, message } })), lacks: [], starts: NONE, error: null, pending: false };
  const { data, error, isFetching } = query;
  const rest = { error, pending: isFetching };
  if (!data) return { troubles: [], lacks: [], starts: NONE, ...rest };
  if ("refused" in data) return { troubles: data.refused.map((finding) => ({ finding, grave: "yes" })), lacks: [], starts: NONE, ...rest };
  const lacks = data.would.preflight.flatMap(({ name, problem }) => (problem ? [`${name}: ${problem}`] : []));
  return { troubles: data.would.warnings.filter(({ code }) => code !== REUSED).map((finding) => ({ finding, grave: "no" })), lacks, starts: data.would.starts, ...rest };
}

/** How many grave troubles each step has, those of what it holds not counted. */
export function troublesByStep(steps: readonly Step[], troubles: readonly Trouble[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { finding, grave } of troubles) {
    const step = grave === "yes" ? stepAround(steps, finding.pointer) : undefined;
    if (step) counts.set(step.pointer, (counts.get(step.pointer) ?? 0) + 1);
  }
  return counts;
}

export function ProblemList({ check }: { check: Check }) {
  const { draft, root } = useBuilder();
  const steps = everyStep(root);
  if (check.error) return <ProblemView error={check.error} />;
  if (check.troubles.length + check.lacks.length === 0) return <p className="muted">{check.pending ? words.checking : words.noProblems}</p>;
  return (
    <ul className="troubles" aria-busy={check.pending}>
      {check.troubles.map(({ finding, grave }) => {
        const step = stepAround(steps, finding.pointer);
        return (
          <li key={`${finding.pointer} ${finding.code} ${finding.message}`} className={`trouble ${grave === "yes" ? "tone-bad" : "tone-warn"}`}>
            <div>
              <p>
                {step && <bdi className="strong">{step.name}: </bdi>}
                <Words text={finding.message} />
              </p>
              {finding.hint && (
                <p className="small">
                  <Words text={finding.hint} />
                </p>
              )}
              <p className="small muted">
                {words.line(finding.line)} · <code>{finding.code}</code>
                {grave === "no" && ` · ${words.warning}`}
              </p>
            </div>
            {step && (
              <Button size="small" onClick={() => draft.reveal(step.pointer)}>
                {words.goTo}
              </Button>
            )}
          </li>
        );
      })}
      {check.lacks.map((lack) => (
        <li key={lack} className="trouble tone-warn">
          <Words text={words.before(lack)} />
        </li>
      ))}
    </ul>
  );
}
