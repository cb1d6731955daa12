// The rows of one table, in the order of their keys.

import { useInfiniteQuery, useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { refresh } from "../api/refresh";
import { type RowCard, deleteRow, rowsQuery, tablesKey } from "../api/tables";
import { type Me, may } from "../api/session";
import { common } from "../texts/common";
import { tables } from "../texts/tables";
import { Button } from "../ui/Button";
import { ConfirmDialog } from "../ui/ConfirmDialog";
import { TextField } from "../ui/Field";
import { Loading } from "../ui/Loaded";
import { Page } from "../ui/Page";
import { ProblemView } from "../ui/ProblemView";
import { RowDialog } from "./RowDialog";
import { RowTable } from "./RowTable";

const PAGE = 100;
type Open = { dialog: "none" } | { dialog: "new" } | { dialog: "edit"; row: RowCard } | { dialog: "delete"; row: RowCard };

export function TablePage({ name, me }: { name: string; me: Me }) {
  const client = useQueryClient();
  const [prefix, setPrefix] = useState("");
  const [open, setOpen] = useState<Open>({ dialog: "none" });
  const query = useInfiniteQuery(rowsQuery(name, prefix, PAGE));
  const rows = query.data?.pages.flatMap((page) => page.items) ?? [];
  const close = () => setOpen({ dialog: "none" });
  const changed = () => {
    close();
    void refresh(client, { queryKey: tablesKey });
  };
  const removal = useMutation({ mutationFn: (row: RowCard) => deleteRow(name, row.key, row.version), onSuccess: changed });
  const operator = may(me, "operator");
  return (
    <Page
      title={name}
      actions={
        operator && (
          <Button variant="primary" icon="plus" onClick={() => setOpen({ dialog: "new" })}>
            {tables.new}
          </Button>
        )
      }
    >
      <TextField label={tables.prefix} type="search" mono value={prefix} onChange={setPrefix} />
      {query.isPending && <Loading />}
      {query.isError && <ProblemView error={query.error} />}
      {query.isSuccess && rows.length === 0 && <p className="panel empty muted">{tables.noRows}</p>}
      {rows.length > 0 && <RowTable name={name} rows={rows} operator={operator} onEdit={(row) => setOpen({ dialog: "edit", row })} onDelete={(row) => setOpen({ dialog: "delete", row })} />}
      {query.hasNextPage && (
        <div>
          <Button busy={query.isFetchingNextPage} onClick={() => void query.fetchNextPage()}>
            {tables.more}
          </Button>
        </div>
      )}
      {open.dialog === "new" && <RowDialog table={name} row={undefined} onClose={close} onSaved={changed} />}
      {open.dialog === "edit" && <RowDialog table={name} row={open.row} onClose={close} onSaved={changed} />}
      {open.dialog === "delete" && (
        <ConfirmDialog
          title={tables.deleteTitle(open.row.key)}
          lead={tables.deleteLead}
          action={tables.deleteDo}
          busy={removal.isPending}
          error={removal.error}
          onConfirm={() => removal.mutate(open.row)}
          onClose={() => {
            if (removal.isError) changed();
            removal.reset();
            close();
          }}
        />
      )}
      <p className="visually-hidden" role="status">
        {query.isFetching ? common.loading : ""}
      </p>
    </Page>
  );
}
