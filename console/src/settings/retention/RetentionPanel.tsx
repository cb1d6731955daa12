// How long finished runs and the call log are kept.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type Retention, changeRetention, retentionQuery } from "../../api/retention";
import { common } from "../../texts/common";
import { retention } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { Facts } from "../../ui/Facts";
import { TextField } from "../../ui/Field";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";

const MOST = 3_650;

export function RetentionPanel({ editable }: { editable: "yes" | "no" }) {
  const query = useQuery(retentionQuery);
  return (
    <Panel title={retention.title} lead={retention.lead}>
      <Loaded query={query}>{(kept) => (editable === "yes" ? <RetentionForm kept={kept} /> : <Kept kept={kept} />)}</Loaded>
    </Panel>
  );
}

function Kept({ kept }: { kept: Retention }) {
  return (
    <Facts
      facts={[
        [retention.runs, String(kept.run_days)],
        [retention.calls, String(kept.call_days)],
      ]}
    />
  );
}

function RetentionForm({ kept }: { kept: Retention }) {
  const client = useQueryClient();
  // what nobody typed is what the server has, also when that changes meanwhile
  const [typed, setTyped] = useState<{ runs?: string; calls?: string }>({});
  const { runs = String(kept.run_days), calls = String(kept.call_days) } = typed;
  const saving = useMutation({
    mutationFn: () => changeRetention({ run_days: Number(runs), call_days: Number(calls) }),
    onSuccess: (saved) => {
      client.setQueryData(retentionQuery.queryKey, saved);
      setTyped({});
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    saving.mutate();
  };
  return (
    <form className="stack" onSubmit={submit}>
      <div className="columns columns-narrow">
        <TextField label={retention.runs} hint={retention.runsHint} type="number" min={1} max={MOST} required value={runs} onChange={(days) => setTyped({ ...typed, runs: days })} />
        <TextField label={retention.calls} hint={retention.callsHint} type="number" min={1} max={MOST} required value={calls} onChange={(days) => setTyped({ ...typed, calls: days })} />
      </div>
      {saving.error && <ProblemView error={saving.error} />}
      <div>
        <Button type="submit" busy={saving.isPending} disabled={runs === String(kept.run_days) && calls === String(kept.call_days)}>
          {common.save}
        </Button>
      </div>
    </form>
  );
}
