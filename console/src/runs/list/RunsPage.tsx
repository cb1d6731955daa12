// Runs, newest first. What is looked for stands in the address, so that it can be linked to.

import { useInfiniteQuery } from "@tanstack/react-query";
import { useLocation, useSearch } from "wouter";
import { NO_RUN_FILTER, type RunFilter, runsQuery } from "../../api/runs";
import { runs } from "../../texts/runs";
import { Button } from "../../ui/Button";
import { Loading } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { FilterForm } from "./FilterForm";
import { RunTable } from "./RunTable";
import { filterOf, searchOf } from "./filter";

const PAGE = 50;

export function RunsPage() {
  const search = useSearch();
  const [, navigate] = useLocation();
  const filter = filterOf(search);
  const query = useInfiniteQuery(runsQuery(filter, PAGE));
  const found = query.data?.pages.flatMap((page) => page.items) ?? [];
  const narrow = (next: RunFilter) => navigate(`/runs${searchOf(next)}`);
  const narrowed = searchOf(filter) !== searchOf(NO_RUN_FILTER);
  return (
    <Page title={runs.title} lead={runs.lead}>
      <FilterForm key={search} filter={filter} onApply={narrow} />
      {query.isPending && <Loading />}
      {query.isError && <ProblemView error={query.error} />}
      {query.isSuccess && found.length === 0 && <p className="panel empty muted">{narrowed ? runs.empty : runs.none}</p>}
      {found.length > 0 && <RunTable found={found} />}
      {query.hasNextPage && (
        <div>
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {runs.more}
          </Button>
        </div>
      )}
    </Page>
  );
}
