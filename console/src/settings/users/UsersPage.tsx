// Users: list, add, disable.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type UserCard, disableUser, usersQuery } from "../../api/administration";
import { refresh } from "../../api/refresh";
import type { Me } from "../../api/session";
import { shell } from "../../texts/common";
import { users } from "../../texts/settings";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Badge } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { StackedTable } from "../../ui/StackedTable";
import { Time } from "../../ui/Time";
import { NewUserDialog } from "./NewUserDialog";

type Open = { dialog: "none" } | { dialog: "new" } | { dialog: "disable"; user: UserCard };

export function UsersPage({ me }: { me: Me }) {
  const query = useQuery(usersQuery);
  const client = useQueryClient();
  const [open, setOpen] = useState<Open>({ dialog: "none" });
  const close = () => setOpen({ dialog: "none" });
  const done = () => {
    close();
    void refresh(client, { queryKey: usersQuery.queryKey });
  };
  const disabling = useMutation({ mutationFn: disableUser, onSuccess: done });
  return (
    <Page
      title={users.title}
      lead={users.lead}
      actions={
        <Button variant="primary" icon="plus" onClick={() => setOpen({ dialog: "new" })}>
          {users.new}
        </Button>
      }
    >
      <Loaded query={query}>{(items) => <Table items={items} me={me} onDisable={(user) => setOpen({ dialog: "disable", user })} />}</Loaded>
      {open.dialog === "new" && <NewUserDialog onClose={close} onCreated={done} />}
      {open.dialog === "disable" && (
        <ConfirmDialog
          title={users.disableTitle(open.user.username)}
          lead={users.disableLead}
          action={users.disable}
          busy={disabling.isPending}
          error={disabling.error}
          onConfirm={() => disabling.mutate(open.user.id)}
          onClose={() => {
            disabling.reset();
            close();
          }}
        />
      )}
    </Page>
  );
}

function Table({ items, me, onDisable }: { items: UserCard[]; me: Me; onDisable: (user: UserCard) => void }) {
  return (
    <StackedTable label={users.title} columns={[users.username, users.role, users.state, users.added]} actions={users.disable}>
      {items.map((user) => (
        <tr key={user.id}>
          <td>
            <bdi className="strong">{user.username}</bdi> {user.id === me.id && <span className="muted">({users.you})</span>}
          </td>
          <td data-label={users.role}>{shell.roles[user.role]}</td>
          <td data-label={users.state}>{user.disabled_at ? <Badge tone="bad">{users.disabled}</Badge> : <Badge tone="good">{users.active}</Badge>}</td>
          <td data-label={users.added}>
            <Time at={user.created_at} />
          </td>
          <td>
            {!user.disabled_at && user.id !== me.id && (
              <Button size="small" variant="danger" aria-label={`${users.disable} ${user.username}`} onClick={() => onDisable(user)}>
                {users.disable}
              </Button>
            )}
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}
