// The four faces of a query: loading, forbidden or failed, empty, and the view.

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { hasStatus } from "../api/problem";
import { common } from "../texts/common";
import { Button } from "./Button";
import { ProblemView } from "./ProblemView";

interface LoadedProps<Data> {
  query: UseQueryResult<Data>;
  children: (data: Data) => ReactNode;
  /** Shown in place of the view when the answer is an empty list. */
  empty?: ReactNode;
}

export function Loaded<Data>({ query, children, empty }: LoadedProps<Data>) {
  if (query.data !== undefined && query.data !== null) {
    const nothing = Array.isArray(query.data) && query.data.length === 0;
    return (
      <>
        {query.isRefetchError && <ProblemView error={query.error} />}
        {nothing && empty ? empty : children(query.data)}
      </>
    );
  }
  if (query.isError) return <Failed error={query.error} retry={() => void query.refetch()} />;
  return <Loading />;
}

export function Loading() {
  return (
    <p className="row muted" role="status">
      <span className="spinner" aria-hidden="true" /> {common.loading}
    </p>
  );
}

function Failed({ error, retry }: { error: unknown; retry: () => void }) {
  return (
    <ProblemView error={error}>
      {!hasStatus(error, 403) && !hasStatus(error, 404) && (
        <div>
          <Button size="small" onClick={retry}>
            {common.tryAgain}
          </Button>
        </div>
      )}
    </ProblemView>
  );
}
