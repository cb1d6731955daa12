//! `/api/v1/webhooks`: where events of the installation are sent, and what became of each. A signing secret is shown once,
//! when it is made.

mod shapes;

use axum::Json as Answer;
use axum::extract::{FromRequestParts, Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::request::Parts;
use http::{HeaderMap, StatusCode};
use serde::Deserialize;
use store::{
    ConnectionName, Delivery, DeliveryId, DeliveryStatus, EventType, Webhook, WebhookSettings,
};
use utoipa::IntoParams;

use super::{Refusals, answer, etag, expected_version, path, schema};
use crate::access::Admin;
use crate::app::App;
use crate::json::Json;
use crate::outbox;
use crate::problem::Problem;
use crate::query::Query;

pub(crate) use shapes::{
    DeliveryCard, DeliveryList, DeliveryState, NewWebhook, WebhookCard, WebhookChange, WebhookList,
    WebhookWithSecret,
};

/// Why a webhook that somebody disabled gets nothing.
const DISABLED: &str = "somebody disabled it";

/// The webhook's name in a path; one that none can have is simply not found.
pub(crate) struct Name(ConnectionName);

impl FromRequestParts<App> for Name {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Name, Problem> {
        let text = path(parts, app).await.unwrap_or_default();
        let known = ConnectionName::parse(&text).map(Name);
        known.map_err(|_| Problem::not_found("webhook", &text))
    }
}

fn name(text: &str) -> Result<ConnectionName, Problem> {
    ConnectionName::parse(text).map_err(|_| {
        Problem::new(
            "webhook.name_invalid",
            "a name has 1 to 64 letters, digits, dots, underscores or hyphens, and begins with a letter or digit",
        )
        .field("/name")
    })
}

fn types(texts: &[String]) -> Result<Vec<EventType>, Problem> {
    let read = |(at, text): (usize, &String)| {
        EventType::parse(text).map_err(|error| {
            Problem::new("webhook.type_unknown", error.to_string()).field(format!("/types/{at}"))
        })
    };
    texts.iter().enumerate().map(read).collect()
}

fn refused(error: store::Error) -> Problem {
    match error {
        store::Error::Conflict { .. } => Problem::new(
            "webhook.name_taken",
            "a webhook with this name exists already",
        )
        .field("/name"),
        other => other.into(),
    }
}

/// The address of a webhook, by the rules for all that Keyway connects to.
async fn url(admin: &Admin, text: &str) -> Result<url::Url, Problem> {
    let read = admin.app().connector().webhook_url(text).await;
    read.map_err(|error| match error {
        connect::Error::Invalid {
            code: "connection.url_invalid",
            message,
            ..
        } => Problem::new("webhook.url_invalid", message).field("/url"),
        other => other.into(),
    })
}

fn with_secret(webhook: Webhook) -> Result<WebhookWithSecret, Problem> {
    let secret = webhook
        .secrets
        .as_ref()
        .map(|secrets| secrets.current.expose().to_owned());
    let secret = secret
        .ok_or_else(|| Problem::new("store.unreadable", "the signing secret can't be unsealed"))?;
    Ok(WebhookWithSecret {
        webhook: webhook.into(),
        secret,
    })
}

impl Admin {
    async fn webhook(&self, name: &ConnectionName) -> Result<Webhook, Problem> {
        let found = self
            .app()
            .store()
            .webhooks()
            .find(self.actor(), name)
            .await?;
        found.ok_or_else(|| Problem::not_found("webhook", name.as_str()))
    }

    async fn add_webhook(&self, new: NewWebhook) -> Result<Webhook, Problem> {
        let settings = WebhookSettings {
            name: name(&new.name)?,
            url: url(self, &new.url).await?,
            types: types(&new.types)?,
            disabled_why: None,
        };
        let webhooks = self.app().store().webhooks();
        webhooks.add(self.actor(), settings).await.map_err(refused)
    }

    async fn change_webhook(
        &self,
        current: &ConnectionName,
        version: Option<i64>,
        change: WebhookChange,
    ) -> Result<Webhook, Problem> {
        let old = self.webhook(current).await?;
        let settings = WebhookSettings {
            name: change.name.as_deref().map_or(Ok(old.name), name)?,
            url: match &change.url {
                Some(text) => url(self, text).await?,
                None => old.url,
            },
            types: change.types.as_deref().map_or(Ok(old.types), types)?,
            disabled_why: match change.enabled {
                Some(true) => None,
                Some(false) => Some(old.disabled_why.unwrap_or_else(|| DISABLED.to_owned())),
                None => old.disabled_why,
            },
        };
        let webhooks = self.app().store().webhooks();
        let saved = webhooks.save(self.actor(), &old.id, version, settings);
        saved.await.map_err(refused)
    }

    async fn rotate_webhook(&self, name: &ConnectionName) -> Result<Webhook, Problem> {
        let found = self.webhook(name).await?;
        let webhooks = self.app().store().webhooks();
        Ok(webhooks.rotate(self.actor(), &found.id).await?)
    }

    async fn remove_webhook(&self, name: &ConnectionName) -> Result<(), Problem> {
        let found = self.webhook(name).await?;
        let webhooks = self.app().store().webhooks();
        Ok(webhooks.remove(self.actor(), &found.id).await?)
    }

    async fn webhook_deliveries(
        &self,
        name: &ConnectionName,
        query: Query<'_>,
    ) -> Result<Vec<Delivery>, Problem> {
        let found = self.webhook(name).await?;
        let status: Option<String> = query.get("status", "pending, delivered or failed")?;
        let status = status.as_deref().map(DeliveryStatus::parse).transpose();
        let status = status
            .map_err(|error| Problem::new("query.invalid", error.to_string()).field("status"))?;
        let limit: u32 = query
            .get("limit", "a number from 1 to 1000")?
            .unwrap_or(100);
        if !(1..=1000).contains(&limit) {
            let detail = "`limit` must be a number from 1 to 1000";
            return Err(Problem::new("query.invalid", detail).field("limit"));
        }
        let deliveries = self.app().store().deliveries();
        Ok(deliveries
            .list(self.actor(), &found.id, status, limit)
            .await?)
    }

    async fn test_webhook(&self, name: &ConnectionName) -> Result<Delivery, Problem> {
        let found = self.webhook(name).await?;
        let deliveries = self.app().store().deliveries();
        let (delivery, webhook) = deliveries.test(self.actor(), &found.id).await?;
        outbox::attempt(self.app(), &delivery, &webhook).await
    }

    async fn redeliver(&self, name: &ConnectionName, id: &str) -> Result<Delivery, Problem> {
        let found = self.webhook(name).await?;
        let unknown = || Problem::not_found("delivery", id);
        let parsed = DeliveryId::parse(id).map_err(|_| unknown())?;
        let deliveries = self.app().store().deliveries();
        let known = deliveries.find(self.actor(), &parsed).await?;
        known
            .filter(|delivery| delivery.webhook == found.id)
            .ok_or_else(unknown)?;
        let (delivery, webhook) = deliveries.claim_one(self.actor(), &parsed).await?;
        outbox::attempt(self.app(), &delivery, &webhook).await
    }
}

/// The webhook's name.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "documentation only; the value is read from the path"
)]
pub(crate) struct WebhookParameter {
    /// The webhook's name.
    name: String,
}

/// Which deliveries.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documentation only; the values are read one by one"
)]
pub(crate) struct DeliveryQuery {
    /// Only those that are so far.
    #[param(inline)]
    status: Option<DeliveryState>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// Lists the webhooks.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "list_webhooks", responses((status = 200, body = WebhookList), Refusals))]
pub(crate) async fn list(admin: Admin) -> Result<Answer<WebhookList>, Problem> {
    let webhooks = admin.app().store().webhooks().list(admin.actor()).await?;
    let items = webhooks.into_iter().map(WebhookCard::from).collect();
    let event_types = EventType::ALL.map(EventType::as_str).to_vec();
    Ok(Answer(WebhookList { items, event_types }))
}

/// Makes a webhook; its signing secret is in the answer and never again.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks", operation_id = "create_webhook",
    request_body = NewWebhook, responses((status = 201, body = WebhookWithSecret), Refusals))]
pub(crate) async fn create(
    admin: Admin,
    Json(body): Json<NewWebhook>,
) -> Result<Response, Problem> {
    let webhook = admin.add_webhook(body).await?;
    let tag = etag(webhook.version);
    Ok(answer(StatusCode::CREATED, tag, with_secret(webhook)?))
}

/// Shows a webhook.
#[utoipa::path(get, path = "/api/v1/webhooks/{name}", tag = "webhooks", operation_id = "show_webhook", params(WebhookParameter),
    responses((status = 200, body = WebhookCard, headers(("ETag" = String, description = "The version, for `If-Match`"))), Refusals))]
pub(crate) async fn show(admin: Admin, Name(name): Name) -> Result<Response, Problem> {
    let webhook = admin.webhook(&name).await?;
    let tag = etag(webhook.version);
    Ok(answer(StatusCode::OK, tag, WebhookCard::from(webhook)))
}

/// Changes a webhook, disables it, or lets it be sent to again.
#[utoipa::path(patch, path = "/api/v1/webhooks/{name}", tag = "webhooks", operation_id = "change_webhook", params(WebhookParameter, schema::IfMatch),
    request_body = WebhookChange, responses((status = 200, body = WebhookCard), Refusals))]
pub(crate) async fn change(
    admin: Admin,
    Name(name): Name,
    headers: HeaderMap,
    Json(body): Json<WebhookChange>,
) -> Result<Response, Problem> {
    let version = expected_version(&headers)?;
    let webhook = admin.change_webhook(&name, version, body).await?;
    let tag = etag(webhook.version);
    Ok(answer(StatusCode::OK, tag, WebhookCard::from(webhook)))
}

/// Deletes a webhook with its deliveries.
#[utoipa::path(delete, path = "/api/v1/webhooks/{name}", tag = "webhooks", operation_id = "delete_webhook", params(WebhookParameter),
    responses((status = 204), Refusals))]
pub(crate) async fn delete(admin: Admin, Name(name): Name) -> Result<Response, Problem> {
    admin.remove_webhook(&name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Makes a new signing secret, shown once; the one before signs too for 24 hours.
#[utoipa::path(post, path = "/api/v1/webhooks/{name}/secret", tag = "webhooks", operation_id = "rotate_webhook_secret", params(WebhookParameter),
    responses((status = 200, body = WebhookWithSecret), Refusals))]
pub(crate) async fn rotate(
    admin: Admin,
    Name(name): Name,
) -> Result<Answer<WebhookWithSecret>, Problem> {
    let webhook = admin.rotate_webhook(&name).await?;
    with_secret(webhook).map(Answer)
}

/// Sends a test event, once and now, and says what came of it.
#[utoipa::path(post, path = "/api/v1/webhooks/{name}/test", tag = "webhooks", operation_id = "test_webhook", params(WebhookParameter),
    responses((status = 200, body = DeliveryCard), Refusals))]
pub(crate) async fn test(admin: Admin, Name(name): Name) -> Result<Answer<DeliveryCard>, Problem> {
    Ok(Answer(admin.test_webhook(&name).await?.into()))
}

/// Lists what was sent to a webhook of late (30 days), newest first.
#[utoipa::path(get, path = "/api/v1/webhooks/{name}/deliveries", tag = "webhooks", operation_id = "list_deliveries", params(WebhookParameter, DeliveryQuery),
    responses((status = 200, body = DeliveryList), Refusals))]
pub(crate) async fn deliveries(
    admin: Admin,
    Name(name): Name,
    RawQuery(query): RawQuery,
) -> Result<Answer<DeliveryList>, Problem> {
    let deliveries = admin
        .webhook_deliveries(&name, Query(query.as_deref()))
        .await?;
    let items = deliveries.into_iter().map(DeliveryCard::from).collect();
    Ok(Answer(DeliveryList { items }))
}

/// A delivery of a webhook.
#[derive(Deserialize, IntoParams)]
#[into_params(parameter_in = Path)]
pub(crate) struct DeliveryPlace {
    /// The webhook's name.
    name: String,
    /// `dlv_…`.
    id: String,
}

/// Sends an event again, once and now, and says what came of it.
#[utoipa::path(post, path = "/api/v1/webhooks/{name}/deliveries/{id}/redeliver", tag = "webhooks", operation_id = "redeliver", params(DeliveryPlace),
    responses((status = 200, body = DeliveryCard), Refusals))]
pub(crate) async fn redeliver(
    admin: Admin,
    Path(place): Path<DeliveryPlace>,
) -> Result<Answer<DeliveryCard>, Problem> {
    let name = ConnectionName::parse(&place.name)
        .map_err(|_| Problem::not_found("webhook", &place.name))?;
    Ok(Answer(admin.redeliver(&name, &place.id).await?.into()))
}
