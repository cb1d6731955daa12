// Outgoing webhooks: list and create; the signing secret is shown once.

import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { Link } from "wouter";
import { refresh } from "../../api/refresh";
import { type WebhookCard, type WebhookWithSecret, createWebhook, webhooksKey, webhooksQuery } from "../../api/webhooks";
import { webhooks } from "../../texts/webhooks";
import { Button } from "../../ui/Button";
import { Badge } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Page } from "../../ui/Page";
import { StackedTable } from "../../ui/StackedTable";
import { SecretDialog } from "./SecretDialog";
import { WebhookDialog } from "./WebhookDialog";

type Open = { dialog: "none" } | { dialog: "new" } | { dialog: "secret"; made: WebhookWithSecret };

export function WebhooksPage() {
  const client = useQueryClient();
  const query = useQuery(webhooksQuery);
  const [open, setOpen] = useState<Open>({ dialog: "none" });
  const close = () => setOpen({ dialog: "none" });
  return (
    <Page
      title={webhooks.title}
      lead={webhooks.lead}
      actions={
        <Button variant="primary" icon="plus" onClick={() => setOpen({ dialog: "new" })}>
          {webhooks.new}
        </Button>
      }
    >
      <Loaded query={query}>{({ items }) => (items.length === 0 ? <p className="panel empty muted">{webhooks.empty}</p> : <Table items={items} />)}</Loaded>
      {open.dialog === "new" && (
        <WebhookDialog
          title={webhooks.new}
          action={webhooks.create}
          initial={{ name: "", url: "", types: [] }}
          known={query.data?.event_types ?? []}
          save={createWebhook}
          onSaved={(made) => {
            setOpen({ dialog: "secret", made });
            void refresh(client, { queryKey: webhooksKey });
          }}
          onClose={close}
        />
      )}
      {open.dialog === "secret" && <SecretDialog made={open.made} onClose={close} />}
    </Page>
  );
}

function Table({ items }: { items: WebhookCard[] }) {
  return (
    <StackedTable label={webhooks.title} columns={[webhooks.name, webhooks.state, webhooks.url, webhooks.types]}>
      {items.map((item) => (
        <tr key={item.id}>
          <td>
            <Link href={`/webhooks/${encodeURIComponent(item.name)}`} className="strong">
              <bdi>{item.name}</bdi>
            </Link>
          </td>
          <td data-label={webhooks.state}>{item.enabled ? <Badge tone="good">{webhooks.enabled}</Badge> : <Badge tone="warn">{webhooks.disabled}</Badge>}</td>
          <td data-label={webhooks.url} className="anywhere">
            <bdi>{item.url}</bdi>
          </td>
          <td data-label={webhooks.types} className="anywhere small">
            <bdi>{item.types.length === 0 ? webhooks.everyType : item.types.join(", ")}</bdi>
          </td>
        </tr>
      ))}
    </StackedTable>
  );
}
