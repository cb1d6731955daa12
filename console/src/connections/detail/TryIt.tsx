import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { call } from "../../api/calls";
import type { Card } from "../../api/connections";
import { tryIt } from "../../texts/connections";
import { Answer } from "../../ui/Answer";
import { Button } from "../../ui/Button";
import { Badge } from "../../ui/Facts";
import { TextField } from "../../ui/Field";
import { ProblemView } from "../../ui/ProblemView";

/** A GET that changes nothing, with its answer as a table. */
export function TryIt({ card }: { card: Card }) {
  const [path, setPath] = useState(card.preset === "microsoft-graph" ? "/v1.0/users" : "/");
  const attempt = useMutation({ mutationFn: () => call(card.name, { method: "GET", path }) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    attempt.mutate();
  };
  return (
    <div className="stack" aria-live="polite">
      <form className="row-end" onSubmit={submit}>
        <div className="grow">
          <TextField label={tryIt.path} mono required value={path} onChange={setPath} />
        </div>
        <Button type="submit" variant="primary" busy={attempt.isPending}>
          {tryIt.send}
        </Button>
      </form>
      {attempt.error && <ProblemView error={attempt.error} />}
      {attempt.data && (
        <>
          <div>
            <Badge tone={attempt.data.answer.status < 400 ? "good" : "bad"}>{tryIt.answered(attempt.data.answer.status, attempt.data.milliseconds)}</Badge>
          </div>
          <Answer body={attempt.data.answer.body} encoding={attempt.data.answer.body_encoding} />
        </>
      )}
    </div>
  );
}
