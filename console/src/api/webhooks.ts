// Outgoing webhooks: where events of the installation are sent, and what became of each.

import { queryOptions } from "@tanstack/react-query";
import { segment, send } from "./client";
import type { components } from "./schema";

type Schemas = components["schemas"];
export type WebhookCard = Schemas["WebhookCard"];
export type WebhookWithSecret = Schemas["WebhookWithSecret"];
export type WebhookChange = Schemas["WebhookChange"];
export type DeliveryCard = Schemas["DeliveryCard"];

export const webhooksKey = ["webhooks"] as const;

const at = (name: string) => `/webhooks/${segment(name)}`;

export const webhooksQuery = queryOptions({
  queryKey: [...webhooksKey],
  queryFn: ({ signal }) => send<Schemas["WebhookList"]>("GET", "/webhooks", { signal }),
  refetchInterval: 15_000,
});

export const webhookQuery = (name: string) =>
  queryOptions({
    queryKey: [...webhooksKey, name],
    queryFn: ({ signal }) => send<WebhookCard>("GET", at(name), { signal }),
  });

export const deliveriesQuery = (name: string) =>
  queryOptions({
    queryKey: [...webhooksKey, name, "deliveries"],
    queryFn: async ({ signal }) => (await send<Schemas["DeliveryList"]>("GET", `${at(name)}/deliveries`, { signal })).items,
    refetchInterval: 5_000,
  });

export function createWebhook(body: Schemas["NewWebhook"]): Promise<WebhookWithSecret> {
  return send("POST", "/webhooks", { body });
}

export function changeWebhook(name: string, version: number, body: WebhookChange): Promise<WebhookCard> {
  return send("PATCH", at(name), { body, version });
}

export function deleteWebhook(name: string): Promise<void> {
  return send("DELETE", at(name));
}

export function rotateSecret(name: string): Promise<WebhookWithSecret> {
  return send("POST", `${at(name)}/secret`);
}

export function testWebhook(name: string): Promise<DeliveryCard> {
  return send("POST", `${at(name)}/test`);
}

export function redeliver(name: string, id: string): Promise<DeliveryCard> {
  return send("POST", `${at(name)}/deliveries/${segment(id)}/redeliver`);
}
