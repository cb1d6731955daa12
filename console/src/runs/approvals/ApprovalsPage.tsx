// The questions of runs, oldest first, and their answers.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link, useSearch } from "wouter";
import { refresh } from "../../api/refresh";
import { type Approval, approvalsQuery, decideApproval } from "../../api/runs";
import { type Me, may } from "../../api/session";
import { approvals } from "../../texts/runs";
import { Button } from "../../ui/Button";
import { Data } from "../../ui/Data";
import { Facts } from "../../ui/Facts";
import { TextField } from "../../ui/Field";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { Time } from "../../ui/Time";
import { Words } from "../../ui/Words";

export function ApprovalsPage({ me }: { me: Me }) {
  const run = new URLSearchParams(useSearch()).get("run");
  const query = useQuery({ ...approvalsQuery, select: (items) => items.filter((item) => run === null || item.run === run) });
  const [said, setSaid] = useState("");
  return (
    <Page title={approvals.title} lead={approvals.lead}>
      <div role="status" className="notes">{said !== "" && <p className="note tone-good"><bdi>{said}</bdi></p>}</div>
      <Loaded query={query} empty={<p className="panel empty muted">{approvals.empty}</p>}>
        {(items) => items.map((item) => <Question key={item.id} item={item} me={me} onAnswered={setSaid} />)}
      </Loaded>
    </Page>
  );
}

function Question({ item, me, onAnswered }: { item: Approval; me: Me; onAnswered: (said: string) => void }) {
  const client = useQueryClient();
  const [comment, setComment] = useState("");
  const answer = useMutation({
    mutationFn: (decision: "approve" | "reject") => decideApproval(item.id, { decision, comment }),
    onSuccess: (_, decision) => {
      onAnswered(decision === "approve" ? approvals.approved(item.title) : approvals.rejected(item.title));
      return refresh(client, { queryKey: approvalsQuery.queryKey });
    },
  });
  return (
    <Panel title={item.title}>
      {item.message && (
        <p>
          <Words text={item.message} />
        </p>
      )}
      <Facts
        facts={[
          [approvals.asked, <Time at={item.created_at} />],
          [approvals.until, item.expires_at ? <Time at={item.expires_at} /> : null],
          [approvals.flow, item.flow],
          [
            approvals.run,
            <Link href={`/runs/${encodeURIComponent(item.run)}`} className="mono">
              {item.run}
            </Link>,
          ],
        ]}
      />
      {item.details !== null && item.details !== undefined && (
        <details>
          <summary>{approvals.details}</summary>
          <div className="more">
            <Data value={item.details} file={item.id} />
          </div>
        </details>
      )}
      {may(me, "operator") && (
        <>
          <TextField label={approvals.comment} hint={approvals.commentHint} value={comment} onChange={setComment} />
          {answer.error && <ProblemView error={answer.error} />}
          <div className="row">
            <Button variant="primary" busy={answer.isPending && answer.variables === "approve"} disabled={answer.isPending} aria-label={`${approvals.approve}: ${item.title}`} onClick={() => answer.mutate("approve")}>
              {approvals.approve}
            </Button>
            <Button variant="danger" busy={answer.isPending && answer.variables === "reject"} disabled={answer.isPending} aria-label={`${approvals.reject}: ${item.title}`} onClick={() => answer.mutate("reject")}>
              {approvals.reject}
            </Button>
          </div>
        </>
      )}
    </Panel>
  );
}
