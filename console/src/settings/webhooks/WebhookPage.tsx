// One webhook: its settings, a test, a new secret, and what became of each event.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { useLocation } from "wouter";
import { refresh } from "../../api/refresh";
import { type WebhookCard, type WebhookWithSecret, changeWebhook, deleteWebhook, rotateSecret, testWebhook, webhookQuery, webhooksKey, webhooksQuery } from "../../api/webhooks";
import { deliveryStates, webhooks } from "../../texts/webhooks";
import { Actor } from "../../ui/Actor";
import { Button } from "../../ui/Button";
import { ConfirmDialog } from "../../ui/ConfirmDialog";
import { Badge, Facts } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Page, Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { ExactTime, Time } from "../../ui/Time";
import { Deliveries } from "./Deliveries";
import { SecretDialog } from "./SecretDialog";
import { WebhookDialog } from "./WebhookDialog";

/** A change is one of the webhook as it was when the dialog opened: what somebody else changes meanwhile is not overwritten. */
type Open = { dialog: "none" | "rotate" | "delete" } | { dialog: "change"; from: WebhookCard } | { dialog: "secret"; made: WebhookWithSecret };

export function WebhookPage({ name }: { name: string }) {
  const query = useQuery(webhookQuery(name));
  if (!query.data) {
    return (
      <Page title={name}>
        <Loaded query={query}>{() => null}</Loaded>
      </Page>
    );
  }
  return <Detail webhook={query.data} />;
}

function Detail({ webhook }: { webhook: WebhookCard }) {
  const client = useQueryClient();
  const changed = () => void refresh(client, { queryKey: webhooksKey });
  const turn = useMutation({ mutationFn: () => changeWebhook(webhook.name, webhook.version, { enabled: !webhook.enabled }), onSuccess: changed });
  const test = useMutation({ mutationFn: () => testWebhook(webhook.name), onSuccess: changed });
  const error = turn.error ?? test.error;
  const tested = test.data && (deliveryStates[test.data.status] ?? { label: test.data.status, tone: "info" });
  return (
    <Page
      title={webhook.name}
      badge={webhook.enabled ? <Badge tone="good">{webhooks.enabled}</Badge> : <Badge tone="warn">{webhooks.disabled}</Badge>}
      actions={
        <>
          <Button busy={test.isPending} onClick={() => test.mutate()}>
            {webhooks.test}
          </Button>
          <Button busy={turn.isPending} onClick={() => turn.mutate()}>
            {webhook.enabled ? webhooks.disable : webhooks.enable}
          </Button>
          <Changes webhook={webhook} onChanged={changed} />
        </>
      }
    >
      {error && <ProblemView error={error} />}
      <div role="status" className="notes">
        {tested && <p className={`note tone-${tested.tone}`}>{webhooks.tested(tested.label)}</p>}
      </div>
      {webhook.disabled_why && (
        <p className="note tone-warn">
          <bdi>{webhook.disabled_why}</bdi>
        </p>
      )}
      <Panel title={webhooks.facts}>
        <Facts
          facts={[
            [webhooks.url, webhook.url],
            [webhooks.types, webhook.types.length === 0 ? webhooks.everyType : webhook.types.join(", ")],
            [webhooks.previousUntil, webhook.previous_secret_until && <ExactTime at={webhook.previous_secret_until} />],
            [webhooks.created, <Time at={webhook.created_at} />],
            [webhooks.by, <Actor id={webhook.created_by} />],
          ]}
        />
      </Panel>
      <Deliveries webhook={webhook.name} />
    </Page>
  );
}

/** What asks first: other settings, a new secret, the end. */
function Changes({ webhook, onChanged }: { webhook: WebhookCard; onChanged: () => void }) {
  const client = useQueryClient();
  const [, navigate] = useLocation();
  const known = useQuery(webhooksQuery).data?.event_types ?? [];
  const [open, setOpen] = useState<Open>({ dialog: "none" });
  const close = () => setOpen({ dialog: "none" });
  const rotation = useMutation({
    mutationFn: () => rotateSecret(webhook.name),
    onSuccess: (made) => {
      setOpen({ dialog: "secret", made });
      onChanged();
    },
  });
  const removal = useMutation({
    mutationFn: () => deleteWebhook(webhook.name),
    onSuccess: () => {
      navigate("/webhooks");
      client.removeQueries({ queryKey: [...webhooksKey, webhook.name] });
      onChanged();
    },
  });
  return (
    <>
      <Button onClick={() => setOpen({ dialog: "change", from: webhook })}>{webhooks.change}</Button>
      <Button onClick={() => setOpen({ dialog: "rotate" })}>{webhooks.rotate}</Button>
      <Button variant="danger" onClick={() => setOpen({ dialog: "delete" })}>
        {webhooks.delete}
      </Button>
      {open.dialog === "change" && (
        <WebhookDialog
          title={webhooks.changeTitle(webhook.name)}
          action={webhooks.save}
          initial={open.from}
          known={known}
          save={({ name, url, types }) => changeWebhook(open.from.name, open.from.version, { name, url, types })}
          onSaved={(saved) => {
            close();
            onChanged();
            if (saved.name !== webhook.name) navigate(`/webhooks/${encodeURIComponent(saved.name)}`);
          }}
          onClose={close}
        />
      )}
      {open.dialog === "rotate" && (
        <ConfirmDialog title={webhooks.rotateTitle(webhook.name)} lead={webhooks.rotateLead} action={webhooks.rotateDo} busy={rotation.isPending} error={rotation.error} onConfirm={() => rotation.mutate()} onClose={close} />
      )}
      {open.dialog === "secret" && <SecretDialog made={open.made} onClose={close} />}
      {open.dialog === "delete" && (
        <ConfirmDialog title={webhooks.deleteTitle(webhook.name)} lead={webhooks.deleteLead} action={webhooks.deleteDo} busy={removal.isPending} error={removal.error} onConfirm={() => removal.mutate()} onClose={close} />
      )}
    </>
  );
}
