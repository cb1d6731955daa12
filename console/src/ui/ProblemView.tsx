import { asProblem } from "../api/problem";
import { common } from "../texts/common";
import { CopyButton } from "./Copyable";
import { Words } from "./Words";

/** A problem: what happened, what to do, and the id to ask about it with. */
export function ProblemView({ error, children }: { error: unknown; children?: React.ReactNode }) {
  const problem = asProblem(error);
  return (
    <div className="banner tone-bad" role="alert">
      <p className="strong">{problem.title}</p>
      <p>
        <Words text={problem.detail} />
      </p>
      {problem.hint && (
        <p>
          <span className="strong">{common.whatToDo} </span>
          <Words text={problem.hint} />
        </p>
      )}
      <p className="small muted row">
        <span>
          {common.code} <code>{problem.code}</code>
        </span>
        {problem.trace_id && (
          <>
            <span className="anywhere">
              {common.traceId} <code>{problem.trace_id}</code>
            </span>
            <CopyButton text={problem.trace_id} what={common.traceId} />
          </>
        )}
      </p>
      {children}
    </div>
  );
}
