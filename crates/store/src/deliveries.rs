//! Deliveries: one event on its way to one webhook, each attempt with what came of it.
//!
//! Claimed before it is sent, so that two processes do not send it side by side; sent again by the next one if the
//! first dies. When to try again is the caller's business.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    Actor, DeliveryId, Entry, Error, Event, EventId, EventType, Outcome, Role, Row, Shared, Store,
    Tx, Webhook, WebhookId,
    audit::page_size,
    events::{self, CLAIM, after},
    settings::{from_json, to_json},
    webhooks,
};

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DeliveryStatus {
    /// It is to be sent, or to be sent again.
    Pending,
    /// The receiver took it.
    Delivered,
    /// Nobody took it in time.
    Failed,
}

impl DeliveryStatus {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// Reads the word.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let all = [Self::Pending, Self::Delivered, Self::Failed];
        let found = all.into_iter().find(|status| status.as_str() == text);
        found.ok_or_else(|| Error::Invalid {
            what: "status",
            why: "a delivery is pending, delivered or failed".to_owned(),
        })
    }
}

/// One time that an event was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryAttempt {
    /// When.
    pub at: Timestamp,
    /// Milliseconds until it had ended.
    pub took_ms: u64,
    /// The receiver's HTTP status.
    pub status: Option<u16>,
    /// Why no answer came: a stable code.
    pub code: Option<String>,
    /// The same in words.
    pub detail: Option<String>,
}

/// One event on its way to one webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Names it.
    pub id: DeliveryId,
    /// Where to.
    pub webhook: WebhookId,
    /// What.
    pub event: Event,
    /// How far it is.
    pub status: DeliveryStatus,
    /// What was tried.
    pub attempts: Vec<DeliveryAttempt>,
    /// Since when.
    pub created_at: Timestamp,
    /// When it is tried next.
    pub due_at: Option<Timestamp>,
}

/// What is to be done after an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterAttempt {
    /// It was taken.
    Delivered,
    /// It is tried again at this time.
    Again(Timestamp),
    /// It is given up.
    Failed,
    /// It is given up, and the webhook gets nothing any more: the receiver said so.
    Gone(String),
}

/// The deliveries.
pub struct Deliveries<'a>(pub(crate) &'a Store);

impl Deliveries<'_> {
    /// The deliveries to a webhook, newest first.
    pub async fn list(
        &self,
        actor: &Actor,
        webhook: &WebhookId,
        status: Option<DeliveryStatus>,
        limit: u32,
    ) -> Result<Vec<Delivery>, Error> {
        actor.require(Role::Admin)?;
        let rows = self.0.read(
            "SELECT e.id, e.at, e.type, e.subject, e.data, d.id, d.webhook, d.status, d.attempts, d.created_at, d.due_at
             FROM deliveries d JOIN events e ON e.id = d.event
             WHERE d.webhook = $1 AND (CAST($2 AS TEXT) IS NULL OR d.status = $2)
             ORDER BY d.created_at DESC, d.id DESC LIMIT $3",
            [
                webhook.as_str().into(),
                status.map(DeliveryStatus::as_str).into(),
                page_size(limit).into(),
            ],
        );
        rows.await?.iter().map(delivery).collect()
    }

    /// One delivery.
    pub async fn find(&self, actor: &Actor, id: &DeliveryId) -> Result<Option<Delivery>, Error> {
        actor.require(Role::Admin)?;
        let rows = self.0.read(BY_ID, [id.as_str().into()]).await?;
        rows.first().map(delivery).transpose()
    }

    /// Takes deliveries that are due, with where they go; who does not settle them in time leaves them to others.
    pub async fn claim(&self, limit: u32) -> Result<Vec<(Delivery, Webhook)>, Error> {
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let rows = tx.query(
                "SELECT e.id, e.at, e.type, e.subject, e.data, d.id, d.webhook, d.status, d.attempts, d.created_at, d.due_at
                 FROM deliveries d JOIN events e ON e.id = d.event
                 WHERE d.due_at IS NOT NULL AND d.due_at <= $1 ORDER BY d.due_at, d.id LIMIT $2",
                [now.into(), limit.into()],
            )?;
            let mut claimed = Vec::with_capacity(rows.len());
            for row in &rows {
                claimed.push(claim(tx, shared, delivery(row)?)?);
            }
            Ok(Outcome::unaudited(claimed))
        };
        self.0.change(work).await
    }

    /// Takes one delivery, whatever came of it before: a person wants it sent now.
    pub async fn claim_one(
        &self,
        actor: &Actor,
        id: &DeliveryId,
    ) -> Result<(Delivery, Webhook), Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let row = tx.query_one(BY_ID, [id.as_str().into()])?;
            let row = row.ok_or_else(|| Error::not_found("delivery", &id))?;
            let taken = claim(tx, shared, delivery(&row)?)?;
            let detail = json!({ "webhook": taken.1.name, "event": taken.0.event.id });
            let entry = Entry::new(&actor, "webhook.redelivered", &id, detail);
            Ok(Outcome::audited(taken, entry))
        };
        self.0.change(work).await
    }

    /// Makes an event for one webhook alone, to try it out, and takes its delivery.
    pub async fn test(
        &self,
        actor: &Actor,
        webhook: &WebhookId,
    ) -> Result<(Delivery, Webhook), Error> {
        actor.require(Role::Admin)?;
        let (actor, webhook) = (actor.clone(), webhook.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let to = webhooks::found(tx, shared, &webhook)?;
            let now = shared.clock.now();
            let event = Event {
                id: EventId::random(),
                at: now,
                r#type: EventType::WebhookTest,
                subject: to.name.to_string(),
                data: json!({ "webhook": { "id": to.id, "name": to.name } }),
            };
            events::insert(tx, &event, None)?;
            let id = insert(tx, &event, &to.id)?;
            let row = tx.query_one(BY_ID, [id.as_str().into()])?;
            let row = row.ok_or_else(|| Error::not_found("delivery", &id))?;
            let taken = claim(tx, shared, delivery(&row)?)?;
            let entry = Entry::new(&actor, "webhook.tested", &to.id, json!({ "name": to.name }));
            Ok(Outcome::audited(taken, entry))
        };
        self.0.change(work).await
    }

    /// Notes what came of an attempt; answers the delivery as it is then.
    pub async fn settle(
        &self,
        id: &DeliveryId,
        attempt: DeliveryAttempt,
        after: AfterAttempt,
    ) -> Result<Delivery, Error> {
        let id = id.clone();
        let work =
            move |tx: &mut Tx<'_>, shared: &Shared| settle(tx, shared, &id, &attempt, &after);
        self.0.change(work).await
    }
}

const BY_ID: &str =
    "SELECT e.id, e.at, e.type, e.subject, e.data, d.id, d.webhook, d.status, d.attempts, d.created_at, d.due_at
     FROM deliveries d JOIN events e ON e.id = d.event WHERE d.id = $1";

/// Writes a delivery of an event to each webhook that wants it.
pub(crate) fn fan_out(tx: &mut Tx<'_>, event: &Event) -> Result<(), Error> {
    let rows = tx.query(
        "SELECT id, types FROM webhooks WHERE disabled_at IS NULL ORDER BY name_key",
        [],
    )?;
    for row in &rows {
        let types: Vec<EventType> = from_json("webhook", row.text(1)?)?;
        if types.is_empty() || types.contains(&event.r#type) {
            insert(tx, event, &WebhookId::parse(row.text(0)?)?)?;
        }
    }
    Ok(())
}

/// Ends what was on its way to a webhook that gets nothing any more; a person may still have it sent again.
pub(crate) fn give_up(tx: &mut Tx<'_>, webhook: &WebhookId) -> Result<(), Error> {
    tx.execute(
        "UPDATE deliveries SET status = $1, due_at = NULL WHERE webhook = $2 AND due_at IS NOT NULL",
        [
            DeliveryStatus::Failed.as_str().into(),
            webhook.as_str().into(),
        ],
    )?;
    Ok(())
}

fn insert(tx: &mut Tx<'_>, event: &Event, webhook: &WebhookId) -> Result<DeliveryId, Error> {
    let id = DeliveryId::random();
    tx.execute(
        "INSERT INTO deliveries (id, webhook, event, created_at, status, attempts, due_at)
         VALUES ($1, $2, $3, $4, $5, '[]', $4)",
        [
            id.as_str().into(),
            webhook.as_str().into(),
            event.id.as_str().into(),
            event.at.into(),
            DeliveryStatus::Pending.as_str().into(),
        ],
    )?;
    Ok(id)
}

fn claim(
    tx: &mut Tx<'_>,
    shared: &Shared,
    delivery: Delivery,
) -> Result<(Delivery, Webhook), Error> {
    let webhook = webhooks::found(tx, shared, &delivery.webhook)?;
    tx.execute(
        "UPDATE deliveries SET due_at = $1, status = $2 WHERE id = $3",
        [
            after(shared.clock.now(), CLAIM).into(),
            DeliveryStatus::Pending.as_str().into(),
            delivery.id.as_str().into(),
        ],
    )?;
    Ok((delivery, webhook))
}

fn settle(
    tx: &mut Tx<'_>,
    shared: &Shared,
    id: &DeliveryId,
    attempt: &DeliveryAttempt,
    after: &AfterAttempt,
) -> Result<Outcome<Delivery>, Error> {
    let row = tx.query_one(BY_ID, [id.as_str().into()])?;
    let row = row.ok_or_else(|| Error::not_found("delivery", id))?;
    let mut delivery = delivery(&row)?;
    delivery.attempts.push(attempt.clone());
    (delivery.status, delivery.due_at) = match after {
        AfterAttempt::Delivered => (DeliveryStatus::Delivered, None),
        AfterAttempt::Again(at) => (DeliveryStatus::Pending, Some(*at)),
        AfterAttempt::Failed | AfterAttempt::Gone(_) => (DeliveryStatus::Failed, None),
    };
    tx.execute(
        "UPDATE deliveries SET status = $1, attempts = $2, due_at = $3 WHERE id = $4",
        [
            delivery.status.as_str().into(),
            to_json(&delivery.attempts).into(),
            delivery.due_at.into(),
            id.as_str().into(),
        ],
    )?;
    let AfterAttempt::Gone(why) = after else {
        return Ok(Outcome::unaudited(delivery));
    };
    tx.execute(
        "UPDATE webhooks SET disabled_at = $1, disabled_why = $2, version = version + 1, updated_at = $1
         WHERE id = $3 AND disabled_at IS NULL",
        [
            shared.clock.now().into(),
            why.as_str().into(),
            delivery.webhook.as_str().into(),
        ],
    )?;
    give_up(tx, &delivery.webhook)?;
    let detail = json!({ "why": why });
    let entry = Entry::new(
        &Actor::system(),
        "webhook.disabled",
        &delivery.webhook,
        detail,
    );
    Ok(Outcome::audited(delivery, entry))
}

fn delivery(row: &Row) -> Result<Delivery, Error> {
    Ok(Delivery {
        event: events::event(row)?,
        id: DeliveryId::parse(row.text(5)?)?,
        webhook: WebhookId::parse(row.text(6)?)?,
        status: DeliveryStatus::parse(row.text(7)?)?,
        attempts: from_json("delivery", row.text(8)?)?,
        created_at: row.time(9)?,
        due_at: row.opt_time(10)?,
    })
}
