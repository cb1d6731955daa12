// API keys: list, create (shown once), revoke.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type CreatedKey, type KeyCard, keysQuery, revokeKey } from "../../api/administration";
import { refresh } from "../../api/refresh";
import { shell } from "../../texts/common";
import { keys } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Copyable } from "../../ui/Copyable";
import { Dialog } from "../../ui/Dialog";
import { Badge } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { StackedTable } from "../../ui/StackedTable";
import { Time } from "../../ui/Time";
import { NewKeyDialog } from "./NewKeyDialog";

type Open = { dialog: "none" } | { dialog: "new" } | { dialog: "created"; key: CreatedKey } | { dialog: "revoke"; key: KeyCard };

export function KeysPage() {
  const query = useQuery(keysQuery);
  const client = useQueryClient();
  const [open, setOpen] = useState<Open>({ dialog: "none" });
  const close = () => setOpen({ dialog: "none" });
  const changed = () => void refresh(client, { queryKey: keysQuery.queryKey });
  const revocation = useMutation({
    mutationFn: revokeKey,
    onSuccess: () => {
      close();
      changed();
    },
  });
  return (
    <Page
      title={keys.title}
      lead={keys.lead}
      actions={
        <Button variant="primary" icon="plus" onClick={() => setOpen({ dialog: "new" })}>
          {keys.new}
        </Button>
      }
    >
      <Loaded query={query} empty={<p className="panel empty muted">{keys.empty}</p>}>
        {(items) => <Table items={items} onRevoke={(key) => setOpen({ dialog: "revoke", key })} />}
      </Loaded>
      {open.dialog === "new" && (
        <NewKeyDialog
          onClose={close}
          onCreated={(key) => {
            setOpen({ dialog: "created", key });
            changed();
          }}
        />
      )}
      {open.dialog === "created" && (
        <Dialog title={keys.createdTitle}>
          <p>{keys.createdLead}</p>
          <Copyable text={open.key.token} what={keys.title} />
          <div>
            <Button variant="primary" onClick={close}>
              {keys.done}
            </Button>
          </div>
        </Dialog>
      )}
      {open.dialog === "revoke" && (
        <ConfirmDialog
          title={keys.revokeTitle(open.key.name)}
          lead={keys.revokeLead}
          action={keys.revoke}
          busy={revocation.isPending}
          error={revocation.error}
          onConfirm={() => revocation.mutate(open.key.id)}
          onClose={() => {
            revocation.reset();
            close();
          }}
        />
      )}
    </Page>
  );
}

function Table({ items, onRevoke }: { items: KeyCard[]; onRevoke: (key: KeyCard) => void }) {
  return (
    <StackedTable label={keys.title} columns={[keys.name, keys.role, keys.state, keys.ends, keys.lastUsed]} actions={keys.revoke}>
      {items.map((key) => (
        <tr key={key.id}>
          <td>
            <bdi className="strong">{key.name}</bdi>
            <div className="muted small mono">{key.id}</div>
          </td>
          <td data-label={keys.role}>{shell.roles[key.role]}</td>
          <td data-label={keys.state}>
            <KeyState item={key} />
          </td>
          <td data-label={keys.ends}>
            <Time at={key.expires_at} />
          </td>
          <td data-label={keys.lastUsed}>{key.last_used_at ? <Time at={key.last_used_at} /> : keys.never}</td>
          <td>
            {!key.revoked_at && (
              <Button size="small" variant="danger" aria-label={`${keys.revoke} ${key.name}`} onClick={() => onRevoke(key)}>
                {keys.revoke}
              </Button>
            )}
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}

function KeyState({ item }: { item: KeyCard }) {
  if (item.revoked_at) return <Badge tone="bad">{keys.revoked}</Badge>;
  return Date.parse(item.expires_at) <= Date.now() ? <Badge tone="warn">{keys.expired}</Badge> : <Badge tone="good">{keys.active}</Badge>;
}
