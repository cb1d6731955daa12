// What was sent to a webhook, attempt by attempt, and sending it again.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { refresh } from "../../api/refresh";
import { type DeliveryCard, deliveriesQuery, redeliver } from "../../api/webhooks";
import { deliveryStates, webhooks } from "../../texts/webhooks";
import { Button } from "../../ui/Button";
import { Data } from "../../ui/Data";
import { Badge } from "../../ui/Facts";
import { Loaded } from "../../ui/Loaded";
import { Panel } from "../../ui/Page";
import { ProblemView } from "../../ui/ProblemView";
import { ExactTime, Time } from "../../ui/Time";

export function Deliveries({ webhook }: { webhook: string }) {
  const query = useQuery(deliveriesQuery(webhook));
  return (
    <Panel title={webhooks.deliveries} lead={webhooks.deliveriesLead}>
      <Loaded query={query} empty={<p className="muted">{webhooks.noDeliveries}</p>}>
        {(items) => (
          <ol className="steps">
            {items.map((item) => (
              <li key={item.id}>
                <Delivery item={item} webhook={webhook} />
              </li>
            ))}
          </ol>
        )}
      </Loaded>
    </Panel>
  );
}

function Delivery({ item, webhook }: { item: DeliveryCard; webhook: string }) {
  const client = useQueryClient();
  const [open, setOpen] = useState(false);
  const again = useMutation({ mutationFn: () => redeliver(webhook, item.id), onSuccess: () => refresh(client, { queryKey: deliveriesQuery(webhook).queryKey }) });
  const state = deliveryStates[item.status];
  return (
    <details open={open} onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="step-line">
        <Badge tone={state?.tone ?? "neutral"}>{state?.label ?? item.status}</Badge>
        <bdi className="strong">{item.type}</bdi>
        <bdi className="muted">{item.subject}</bdi>
        <span className="muted small">
          <Time at={item.created_at} /> · {webhooks.attempts(item.attempts.length)}
          {item.next_attempt_at && (
            <>
              {" "}
              · {webhooks.next} <Time at={item.next_attempt_at} />
            </>
          )}
        </span>
      </summary>
      {open && (
        <div className="stack-small more">
          <ul className="plain">
            {item.attempts.map((attempt) => (
              <li key={attempt.at} className="row small">
                <ExactTime at={attempt.at} />
                <code>{attempt.status ?? attempt.code ?? ""}</code>
                <span className="muted">{webhooks.took(attempt.took_ms)}</span>
                {attempt.detail && (
                  <span className="anywhere">
                    <bdi>{attempt.detail}</bdi>
                  </span>
                )}
              </li>
            ))}
          </ul>
          <h3>{webhooks.data}</h3>
          <Data value={item.data} file={item.id} />
          {again.error && <ProblemView error={again.error} />}
          <div>
            <Button size="small" busy={again.isPending} aria-label={`${webhooks.again}: ${item.type} ${item.subject}`} onClick={() => again.mutate()}>
              {webhooks.again}
            </Button>
          </div>
        </div>
      )}
    </details>
  );
}
