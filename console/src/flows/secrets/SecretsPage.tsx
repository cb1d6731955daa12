// The plain secrets of flows: written, replaced, deleted, never shown.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useSearch } from "wouter";
import { type SecretCard, deleteSecret, secretsQuery } from "../../api/flows";
import { refresh } from "../../api/refresh";
import { type Me, may } from "../../api/session";
import { common } from "../../texts/common";
import { secrets } from "../../texts/flows";
import { Actor } from "../../ui/Actor";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Loaded } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { StackedTable } from "../../ui/StackedTable";
import { Time } from "../../ui/Time";
import { SecretDialog } from "./SecretDialog";

type Open = { dialog: "none" } | { dialog: "write"; name: string; replaces: boolean } | { dialog: "delete"; name: string };

export function SecretsPage({ me }: { me: Me }) {
  const client = useQueryClient();
  const query = useQuery(secretsQuery);
  const wanted = new URLSearchParams(useSearch()).get("name");
  const admin = may(me, "admin");
  const [open, setOpen] = useState<Open>(() => (admin && wanted !== null ? { dialog: "write", name: wanted, replaces: false } : { dialog: "none" }));
  const close = () => setOpen({ dialog: "none" });
  const changed = () => {
    close();
    void refresh(client, { queryKey: secretsQuery.queryKey });
  };
  const removal = useMutation({ mutationFn: deleteSecret, onSuccess: changed });
  return (
    <Page
      title={secrets.title}
      lead={secrets.lead}
      actions={
        admin && (
          <Button variant="primary" icon="plus" onClick={() => setOpen({ dialog: "write", name: "", replaces: false })}>
            {secrets.new}
          </Button>
        )
      }
    >
      <Loaded query={query} empty={<p className="panel empty muted">{secrets.empty}</p>}>
        {(items) => <Table items={items} admin={admin} onReplace={(name) => setOpen({ dialog: "write", name, replaces: true })} onDelete={(name) => setOpen({ dialog: "delete", name })} />}
      </Loaded>
      {open.dialog === "write" && <SecretDialog name={open.name} replaces={open.replaces} onClose={close} onSaved={changed} />}
      {open.dialog === "delete" && (
        <ConfirmDialog
          title={secrets.deleteTitle(open.name)}
          lead={secrets.deleteLead}
          action={secrets.deleteDo}
          busy={removal.isPending}
          error={removal.error}
          onConfirm={() => removal.mutate(open.name)}
          onClose={() => {
            removal.reset();
            close();
          }}
        />
      )}
    </Page>
  );
}

interface TableProps {
  items: SecretCard[];
  admin: boolean;
  onReplace: (name: string) => void;
  onDelete: (name: string) => void;
}

function Table({ items, admin, onReplace, onDelete }: TableProps) {
  return (
    <StackedTable label={secrets.title} columns={[secrets.name, secrets.version, secrets.changed, secrets.by]} actions={common.delete}>
      {items.map(({ name, version, updated_at, created_by }) => (
        <tr key={name}>
          <td>
            <bdi className="strong mono">{name}</bdi>
          </td>
          <td data-label={secrets.version}>{version}</td>
          <td data-label={secrets.changed}>
            <Time at={updated_at} />
          </td>
          <td data-label={secrets.by} className="anywhere">
            <Actor id={created_by} />
          </td>
          <td>
            {admin && (
              <span className="row">
                <Button size="small" aria-label={`${secrets.replace} ${name}`} onClick={() => onReplace(name)}>
                  {secrets.replace}
                </Button>
                <Button size="small" variant="danger" aria-label={`${common.delete} ${name}`} onClick={() => onDelete(name)}>
                  {common.delete}
                </Button>
              </span>
            )}
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}
