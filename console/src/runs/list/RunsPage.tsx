// Runs, newest first. What is looked for stands in the address, so that it can be linked to.

import { useInfiniteQuery, useQuery, useQueryClient } from "@tanstack/react-query";
import { useLocation, useSearch } from "wouter";
import { liveRunsQuery, merged, watchRunsQuery } from "../../api/liveRuns";
import { NO_RUN_FILTER, type RunFilter, runsQuery } from "../../api/runs";
import { runs } from "../../texts/runs";
import { Button } from "../../ui/Button";
import { Loading } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { useVisible } from "../../ui/visible";
import { LiveBadge } from "../Live";
import { FilterForm } from "./FilterForm";
import { RunTable } from "./RunTable";
import { filterOf, searchOf } from "./filter";

const PAGE = 50;

export function RunsPage() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const filter = filterOf(search);
  const query = useInfiniteQuery(runsQuery(filter, PAGE));
  const live = useQuery(liveRunsQuery(filter)).data;
  const loaded = query.data?.pages.flatMap((page) => page.items) ?? [];
  const found = merged(loaded, live);
  const visible = useVisible();
  const narrow = (next: RunFilter) => navigate(`/runs${searchOf(next)}`);
  const narrowed = searchOf(filter) !== searchOf(NO_RUN_FILTER);
  return (
    <Page title={runs.title} lead={runs.lead} badge={visible && query.isSuccess && <Live filter={filter} shown={Math.max(1, query.data.pages.length) * PAGE} />}>
      <FilterForm key={search} filter={filter} onApply={narrow} />
      {query.isPending && <Loading />}
      {query.isError && <ProblemView error={query.error} />}
      {query.isSuccess && found.length === 0 && <p className="panel empty muted">{narrowed ? runs.empty : runs.none}</p>}
      {found.length > 0 && <RunTable found={found} />}
      {query.hasNextPage && live?.goesOn !== false && (
        <div>
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {runs.more}
          </Button>
        </div>
      )}
    </Page>
  );
}

/** Follows the list as long as it is seen: each stream takes one of the few connections that a browser has to a server. */
function Live({ filter, shown }: { filter: RunFilter; shown: number }) {
  const client = useQueryClient();
  return <LiveBadge watch={useQuery(watchRunsQuery(client, filter, shown))} />;
}
