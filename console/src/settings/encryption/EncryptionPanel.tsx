// The keys of the installation: how much each has sealed, and a rotation as it goes on.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { encryptionKeysQuery, rotateEncryptionKey } from "../../api/encryption";
import { encryption } from "../../texts/webhooks";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Badge } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Page";
import { StackedTable } from "../../ui/StackedTable";
import { Time } from "../../ui/Time";

export function EncryptionPanel() {
  const client = useQueryClient();
  const query = useQuery(encryptionKeysQuery);
  const [asking, setAsking] = useState(false);
  const rotation = useMutation({
    mutationFn: rotateEncryptionKey,
    onSuccess: (list) => {
      setAsking(false);
      client.setQueryData(encryptionKeysQuery.queryKey, list);
    },
  });
  return (
    <Panel title={encryption.title} lead={encryption.lead} actions={<Button onClick={() => setAsking(true)}>{encryption.rotate}</Button>}>
      <Loaded query={query}>
        {({ items, remaining }) => (
          <>
            <p role="status" className={`note ${remaining > 0 ? "tone-info" : "tone-good"}`}>
              {remaining > 0 ? encryption.remaining(remaining) : encryption.done}
            </p>
            <StackedTable label={encryption.title} columns={[encryption.id, encryption.state, encryption.created, encryption.rows]} className="">
              {items.map((key) => (
                <tr key={key.id}>
                  <td className="anywhere">
                    <bdi className="mono">{key.id}</bdi>
                  </td>
                  <td data-label={encryption.state}>
                    {key.seals ? <Badge tone="good">{encryption.seals}</Badge> : <Badge tone="neutral">{key.retired_at ? encryption.retired : encryption.older}</Badge>}
                  </td>
                  <td data-label={encryption.created}>
                    <Time at={key.created_at} />
                  </td>
                  <td data-label={encryption.rows}>{key.rows}</td>
                </tr>
              ))}
            </StackedTable>
          </>
        )}
      </Loaded>
      {asking && (
        <ConfirmDialog
          title={encryption.rotateTitle}
          lead={encryption.rotateLead}
          action={encryption.rotateDo}
          busy={rotation.isPending}
          error={rotation.error}
          onConfirm={() => rotation.mutate()}
          onClose={() => {
            rotation.reset();
            setAsking(false);
          }}
        />
      )}
    </Panel>
  );
}
