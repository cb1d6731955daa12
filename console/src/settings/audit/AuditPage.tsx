// The audit log, newest first.

import { useInfiniteQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { type AuditEntry, type AuditFilter, NO_FILTER, auditQuery } from "../../api/administration";
import { audit } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { TextField } from "../../ui/Field";
import { Loading } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { StackedTable } from "../../ui/StackedTable";
import { ExactTime } from "../../ui/Time";
import { factsOf } from "../../ui/detailLine";

const PAGE = 50;

export function AuditPage() {
  const [typed, setTyped] = useState<AuditFilter>(NO_FILTER);
  const [filter, setFilter] = useState<AuditFilter>(NO_FILTER);
  const query = useInfiniteQuery(auditQuery(filter, PAGE));
  const entries = query.data?.pages.flatMap((page) => page.items) ?? [];
  const narrow = (part: Partial<AuditFilter>) => {
    setTyped({ ...typed, ...part });
    setFilter({ ...filter, ...part });
  };
  return (
    <Page title={audit.title} lead={audit.lead}>
      <FilterForm
        typed={typed}
        onChange={setTyped}
        onApply={() => setFilter({ ...typed, since: instant(typed.since), until: instant(typed.until) })}
        onClear={() => {
          setTyped(NO_FILTER);
          setFilter(NO_FILTER);
        }}
      />
      {query.isPending && <Loading />}
      {query.isError && <ProblemView error={query.error} />}
      {query.isSuccess && entries.length === 0 && <p className="panel empty muted">{audit.empty}</p>}
      {entries.length > 0 && <Table entries={entries} onNarrow={narrow} />}
      {query.hasNextPage && (
        <div>
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {audit.more}
          </Button>
        </div>
      )}
    </Page>
  );
}

/** What a date-and-time input gives, as the API wants it. */
function instant(local: string): string {
  const moment = Date.parse(local);
  return Number.isNaN(moment) ? "" : new Date(moment).toISOString();
}

interface FilterFormProps {
  typed: AuditFilter;
  onChange: (filter: AuditFilter) => void;
  onApply: () => void;
  onClear: () => void;
}

function FilterForm({ typed, onChange, onApply, onClear }: FilterFormProps) {
  const submit = (event: FormEvent) => {
    event.preventDefault();
    onApply();
  };
  const patch = (part: Partial<AuditFilter>) => onChange({ ...typed, ...part });
  return (
    <Panel title={audit.filter}>
      <form className="stack" onSubmit={submit}>
        <div className="columns">
          <TextField label={audit.action} mono placeholder="connection.changed" value={typed.action} onChange={(action) => patch({ action })} />
          <TextField label={audit.actor} mono placeholder="usr_…" value={typed.actor} onChange={(actor) => patch({ actor })} />
          <TextField label={audit.subject} mono placeholder="con_…" value={typed.subject} onChange={(subject) => patch({ subject })} />
          <TextField label={audit.since} type="datetime-local" value={typed.since} onChange={(since) => patch({ since })} />
          <TextField label={audit.until} type="datetime-local" value={typed.until} onChange={(until) => patch({ until })} />
        </div>
        <div className="row">
          <Button type="submit" variant="primary">
            {audit.apply}
          </Button>
          <Button onClick={onClear}>{audit.clear}</Button>
        </div>
      </form>
    </Panel>
  );
}

function Table({ entries, onNarrow }: { entries: AuditEntry[]; onNarrow: (part: Partial<AuditFilter>) => void }) {
  return (
    <StackedTable label={audit.title} columns={[audit.when, audit.who, audit.what, audit.which, audit.facts]}>
      {entries.map((entry) => (
        <tr key={entry.id}>
          <td className="muted small">
            <ExactTime at={entry.at} />
          </td>
          <td data-label={audit.who}>
            <Narrow text={entry.actor_name} onClick={() => onNarrow({ actor: entry.actor })} />
          </td>
          <td data-label={audit.what}>
            <Narrow text={entry.action} onClick={() => onNarrow({ action: entry.action })} />
          </td>
          <td data-label={audit.which}>
            <Narrow text={entry.subject} onClick={() => onNarrow({ subject: entry.subject })} />
          </td>
          <td className="small anywhere">
            <bdi>{factsOf(entry.detail)}</bdi>
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}

function Narrow({ text, onClick }: { text: string; onClick: () => void }) {
  return (
    <button type="button" className="link" title={audit.onlyThis(text)} onClick={onClick}>
      <bdi>{text}</bdi>
    </button>
  );
}
