//! What is read and written under `/api/v1/webhooks`.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Delivery, DeliveryAttempt, DeliveryStatus, Webhook};
use utoipa::ToSchema;

use crate::json::RequestBody;

/// A new webhook.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewWebhook {
    /// What people call it: 1 to 64 letters, digits, `.`, `_` or `-`.
    pub(super) name: String,
    /// Where events are posted.
    pub(super) url: String,
    /// Which events; none for all, also those of later versions.
    #[serde(default)]
    pub(super) types: Vec<String>,
}

impl RequestBody for NewWebhook {}

/// What is to be different; what is left out stays.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WebhookChange {
    pub(super) name: Option<String>,
    pub(super) url: Option<String>,
    pub(super) types: Option<Vec<String>>,
    /// Whether anything is sent. What is on its way to a webhook that is disabled is given up.
    pub(super) enabled: Option<bool>,
}

impl RequestBody for WebhookChange {}

/// A webhook, without its secret.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookCard {
    /// `whk_…`.
    pub(super) id: String,
    pub(super) name: String,
    pub(super) url: String,
    /// Which events; none for all.
    pub(super) types: Vec<&'static str>,
    /// Grows with each change; the `ETag`.
    pub(super) version: i64,
    pub(super) enabled: bool,
    /// Since when nothing is sent.
    pub(super) disabled_at: Option<Timestamp>,
    /// Why nothing is sent.
    pub(super) disabled_why: Option<String>,
    /// Until when the secret before signs too.
    pub(super) previous_secret_until: Option<Timestamp>,
    pub(super) created_by: String,
    pub(super) created_at: Timestamp,
    pub(super) updated_at: Timestamp,
}

/// A webhook with a secret that was made just now.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookWithSecret {
    #[serde(flatten)]
    pub(super) webhook: WebhookCard,
    /// `whsec_…` (Standard Webhooks): the receiver checks signatures with it. It is never shown again.
    pub(super) secret: String,
}

/// All webhooks.
#[derive(Serialize, ToSchema)]
pub(crate) struct WebhookList {
    pub(super) items: Vec<WebhookCard>,
    /// The types of events that there are.
    pub(super) event_types: Vec<&'static str>,
}

/// One event on its way to a webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryCard {
    /// `dlv_…`.
    pub(super) id: String,
    /// The event's id, which is the message's `webhook-id`.
    pub(super) event: String,
    /// The event's type.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// What the event is about.
    pub(super) subject: String,
    /// The event's data.
    pub(super) data: Value,
    #[schema(value_type = DeliveryState)]
    pub(super) status: DeliveryStatus,
    pub(super) attempts: Vec<AttemptCard>,
    pub(super) created_at: Timestamp,
    /// When it is tried next.
    pub(super) next_attempt_at: Option<Timestamp>,
}

/// How far a delivery is.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(
    dead_code,
    reason = "documentation only; the store's type is serialized"
)]
pub(crate) enum DeliveryState {
    /// To be sent, or sent again.
    Pending,
    /// Taken.
    Delivered,
    /// Given up.
    Failed,
}

/// One time that it was sent.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptCard {
    pub(super) at: Timestamp,
    /// Milliseconds until it had ended.
    pub(super) took_ms: u64,
    /// The receiver's HTTP status.
    pub(super) status: Option<u16>,
    /// Why no answer came: a stable code.
    pub(super) code: Option<String>,
    /// The same in words.
    pub(super) detail: Option<String>,
}

/// Deliveries, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryList {
    pub(super) items: Vec<DeliveryCard>,
}

impl From<Webhook> for WebhookCard {
    fn from(webhook: Webhook) -> WebhookCard {
        WebhookCard {
            id: webhook.id.to_string(),
            name: webhook.name.to_string(),
            url: webhook.url.to_string(),
            types: webhook.types.iter().map(|found| found.as_str()).collect(),
            version: webhook.version,
            enabled: webhook.disabled_at.is_none(),
            disabled_at: webhook.disabled_at,
            disabled_why: webhook.disabled_why,
            previous_secret_until: webhook
                .secrets
                .and_then(|secrets| secrets.previous)
                .map(|(_, until)| until),
            created_by: webhook.created_by,
            created_at: webhook.created_at,
            updated_at: webhook.updated_at,
        }
    }
}

impl From<Delivery> for DeliveryCard {
    fn from(delivery: Delivery) -> DeliveryCard {
        DeliveryCard {
            id: delivery.id.to_string(),
            event: delivery.event.id.to_string(),
            kind: delivery.event.r#type.as_str(),
            subject: delivery.event.subject,
            data: delivery.event.data,
            status: delivery.status,
            attempts: delivery
                .attempts
                .into_iter()
                .map(AttemptCard::from)
                .collect(),
            created_at: delivery.created_at,
            next_attempt_at: delivery.due_at,
        }
    }
}

impl From<DeliveryAttempt> for AttemptCard {
    fn from(attempt: DeliveryAttempt) -> AttemptCard {
        AttemptCard {
            at: attempt.at,
            took_ms: attempt.took_ms,
            status: attempt.status,
            code: attempt.code,
            detail: attempt.detail,
        }
    }
}
