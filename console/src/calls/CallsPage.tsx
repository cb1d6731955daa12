// The call log, newest first. What is looked for stands in the address, so that connections and runs link to it.

import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useLocation, useSearch } from "wouter";
import { type CallFilter, callsQuery } from "../api/callLog";
import { connectionsQuery } from "../api/connections";
import { calls } from "../texts/calls";
import { common } from "../texts/common";
import { Button } from "../ui/Button";
import { Select } from "../ui/Field";
import { Loading } from "../ui/Loaded";
import { Page, Panel } from "../ui/Page";
import { ProblemView } from "../ui/ProblemView";
import { CallTable } from "./CallTable";
import { filterOf, searchOf } from "./filter";

const PAGE = 50;

export function CallsPage() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const filter = filterOf(search);
  const query = useInfiniteQuery(callsQuery(filter, PAGE));
  const connections = useQuery(connectionsQuery).data ?? [];
  const found = query.data?.pages.flatMap((page) => page.items) ?? [];
  const narrow = (part: Partial<CallFilter>) => navigate(`/calls${searchOf({ ...filter, ...part })}`);
  const names = [...new Set([...connections.map(({ name }) => name), ...(filter.connection === "" ? [] : [filter.connection])])];
  return (
    <Page title={calls.title} lead={calls.lead} actions={<Button busy={query.isFetching} onClick={() => void query.refetch()}>{calls.again}</Button>}>
      <Panel title={common.filter}>
        <div className="columns columns-narrow">
          <Select label={calls.connection} value={filter.connection} options={[{ value: "", label: calls.everyConnection }, ...names.map((name) => ({ value: name, label: name }))]} onChange={(connection) => narrow({ connection })} />
        </div>
        {filter.run !== "" && (
          <div className="row">
            <span className="small">{calls.ofRun(filter.run)}</span>
            <Button size="small" onClick={() => narrow({ run: "" })}>
              {calls.everybody}
            </Button>
          </div>
        )}
      </Panel>
      {query.isPending && <Loading />}
      {query.isError && <ProblemView error={query.error} />}
      {query.isSuccess && found.length === 0 && <p className="panel empty muted">{calls.empty}</p>}
      {found.length > 0 && <CallTable found={found} connections={connections} />}
      {query.hasNextPage && (
        <div>
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {calls.more}
          </Button>
        </div>
      )}
    </Page>
  );
}
