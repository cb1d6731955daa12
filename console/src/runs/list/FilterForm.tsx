import { useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { flowsQuery } from "../../api/flows";
import { NO_RUN_FILTER, type RunFilter, type RunStatus } from "../../api/runs";
import { common } from "../../texts/common";
import { runs, statuses } from "../../texts/runs";
import { Button } from "../../ui/Button";
import { Select, TextField } from "../../ui/Field";
import { Panel } from "../../ui/Page";
import { instant, local } from "./filter";

const STATUSES: readonly { value: RunStatus | ""; label: string }[] = [
  { value: "", label: runs.everyStatus },
  // the API's word where people say something else
  ...(Object.keys(statuses) as RunStatus[]).map((value) => ({ value, label: value === "parked" ? `${value} (${statuses[value].label})` : value })),
];

export function FilterForm({ filter, onApply }: { filter: RunFilter; onApply: (filter: RunFilter) => void }) {
  const [typed, setTyped] = useState({ ...filter, since: local(filter.since), until: local(filter.until) });
  const flows = useQuery(flowsQuery).data ?? [];
  const keys = [...new Set([...flows.map(({ key }) => key), ...(filter.flow === "" ? [] : [filter.flow])])];
  const patch = (part: Partial<RunFilter>) => setTyped({ ...typed, ...part });
  const apply = (next: RunFilter) => onApply({ ...next, since: instant(next.since), until: instant(next.until) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    apply(typed);
  };
  return (
    <Panel title={common.filter}>
      <form className="stack" onSubmit={submit}>
        <div className="columns columns-narrow">
          <Select label={runs.status} value={typed.status} options={STATUSES} onChange={(status) => patch({ status })} />
          <Select label={runs.flow} value={typed.flow} options={[{ value: "", label: runs.everyFlow }, ...keys.map((key) => ({ value: key, label: key }))]} onChange={(flow) => patch({ flow })} />
          <TextField label={runs.text} type="search" value={typed.text} onChange={(text) => patch({ text })} />
          <TextField label={runs.since} type="datetime-local" value={typed.since} onChange={(since) => patch({ since })} />
          <TextField label={runs.until} type="datetime-local" value={typed.until} onChange={(until) => patch({ until })} />
        </div>
        <div className="row">
          <Button type="submit" variant="primary">
            {common.apply}
          </Button>
          <Button onClick={() => onApply(NO_RUN_FILTER)}>{common.clear}</Button>
        </div>
      </form>
    </Panel>
  );
}
