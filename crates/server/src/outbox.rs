//! The outbox: tells flows and webhooks of the events that the store has written, until they have taken them.
//!
//! At least once each: whoever dies between sending and noting that leaves the event to the next, with the same id. It
//! starts no flow a second time, and no run hears it again.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use connect::{Connector, SendError, WebhookAnswer, WebhookMessage};
use flow::CloudEvent;
use jiff::{SignedDuration, Timestamp};
use store::failpoint::{self, Place};
use store::{Actor, AfterAttempt, Delivery, DeliveryAttempt, Event, EventType, Webhook};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use url::Url;

use crate::app::App;
use crate::problem::Problem;

/// How often the store is asked what is due.
const LOOK: Duration = Duration::from_secs(1);
/// How often what ends soon is looked for, and what is old is deleted.
const ROUND: Duration = Duration::from_mins(10);
/// How many messages are under way at once.
const AT_ONCE: usize = 16;
/// How many events are taken at once.
const EVENTS: u32 = 50;
/// How long to wait after each attempt that failed; after the last one a delivery is given up.
const WAITS: [SignedDuration; 7] = [
    SignedDuration::from_secs(5),
    SignedDuration::from_mins(5),
    SignedDuration::from_mins(30),
    SignedDuration::from_hours(2),
    SignedDuration::from_hours(5),
    SignedDuration::from_hours(10),
    SignedDuration::from_hours(14),
];

/// Tells what is due, until the server stops.
pub(crate) async fn run(app: App, stop: CancellationToken) {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tick = tokio::time::interval(LOOK);
    let mut looked: Option<Instant> = None;
    while stop.run_until_cancelled(tick.tick()).await.is_some() {
        if looked.is_none_or(|since| since.elapsed() >= ROUND) {
            looked = Some(Instant::now());
            if let Err(error) = look_through(&app).await {
                tracing::warn!(%error, "what is done every ten minutes was not done; it is tried again");
            }
        }
        if let Err(problem) = tell(&app, &room).await {
            tracing::warn!(?problem, "events could not be told; they are kept");
        }
    }
}

/// What a server does every ten minutes: warns of secrets that end soon, deletes events and calls that are older than they are kept,
/// and goes on with a rotation of the encryption key that was cut off.
pub async fn look_through(app: &App) -> Result<(), connect::Error> {
    app.connector().warn_of_expiry().await?;
    app.store().events().sweep().await?;
    let kept = app.store().retention().find(&Actor::system()).await?;
    let age = SignedDuration::from_hours(24 * i64::from(kept.call_days));
    app.store().calls().sweep(app.clock().now() - age).await?;
    app.store().encryption_keys().go_on().await?;
    Ok(())
}

async fn tell(app: &App, room: &Arc<Semaphore>) -> Result<(), Problem> {
    let due = app.store().events().next_due().await?;
    if due.is_none_or(|due| due > app.clock().now()) {
        return Ok(());
    }
    for event in app.store().events().claim(EVENTS).await? {
        count(&event);
        let told = cloud_event(&event, app.public_url());
        app.engine().deliver(&Actor::system(), told).await?;
        failpoint::reach(Place::EventTold);
        app.store().events().settle(&event.id).await?;
    }
    let free = u32::try_from(room.available_permits()).unwrap_or(0);
    if free == 0 {
        return Ok(());
    }
    for (delivery, webhook) in app.store().deliveries().claim(free).await? {
        let Ok(permit) = Arc::clone(room).acquire_owned().await else {
            break;
        };
        let app = app.clone();
        app.tracker().clone().spawn(async move {
            if let Err(problem) = attempt(&app, &delivery, &webhook).await {
                tracing::warn!(?problem, delivery = %delivery.id, "a delivery could not be noted; it is sent again");
            }
            drop(permit);
        });
    }
    Ok(())
}

fn count(event: &Event) {
    metrics::counter!("keyway_events_total", "type" => event.r#type.as_str()).increment(1);
    if event.r#type == EventType::ConnectionState {
        let to = event.data["to"].as_str().unwrap_or_default().to_owned();
        metrics::counter!("keyway_connection_state_changes_total", "to" => to).increment(1);
    }
}

/// Sends a delivery that was claimed, once, and notes what came of it.
pub(crate) async fn attempt(
    app: &App,
    delivery: &Delivery,
    webhook: &Webhook,
) -> Result<Delivery, Problem> {
    let begun = Instant::now();
    let at = app.clock().now();
    let sent = send(app.connector(), delivery, webhook, app.public_url(), at).await;
    let after = judge(&sent, delivery.attempts.len(), at);
    let (status, failure) = match &sent {
        Ok(answer) => (Some(answer.status), None),
        Err(failure) => (None, Some(failure)),
    };
    let noted = DeliveryAttempt {
        at,
        took_ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        status,
        code: failure.map(|failure| failure.code.to_owned()),
        detail: failure.map(|failure| failure.detail.clone()),
    };
    let outcome = match after {
        AfterAttempt::Delivered => "delivered",
        AfterAttempt::Again(_) => "again",
        AfterAttempt::Failed | AfterAttempt::Gone(_) => "failed",
    };
    metrics::counter!("keyway_webhook_attempts_total", "outcome" => outcome).increment(1);
    let deliveries = app.store().deliveries();
    Ok(deliveries.settle(&delivery.id, noted, after).await?)
}

/// Why no answer came.
struct Unsent {
    code: &'static str,
    detail: String,
}

async fn send(
    connector: &Connector,
    delivery: &Delivery,
    webhook: &Webhook,
    source: &Url,
    now: Timestamp,
) -> Result<WebhookAnswer, Unsent> {
    let Some(secrets) = &webhook.secrets else {
        return Err(Unsent {
            code: "store.unreadable",
            detail: "the signing secret can't be unsealed: rotate it".to_owned(),
        });
    };
    let body = cloud_event(&delivery.event, source).structured();
    let message = WebhookMessage {
        url: &webhook.url,
        id: delivery.event.id.as_str(),
        secrets: secrets.at(now).collect(),
        body: Bytes::from(body.to_string()),
    };
    let sent = connector.send_webhook(message).await;
    sent.map_err(|error: SendError| Unsent {
        code: error.code(),
        detail: error.told(),
    })
}

/// What follows from an answer, after so many attempts before it.
fn judge(sent: &Result<WebhookAnswer, Unsent>, before: usize, now: Timestamp) -> AfterAttempt {
    let asked = match sent {
        Ok(answer) if (200..300).contains(&answer.status) => return AfterAttempt::Delivered,
        // Standard Webhooks: who answers so wants nothing any more.
        Ok(answer) if answer.status == 410 => {
            return AfterAttempt::Gone("the receiver answered 410 Gone".to_owned());
        }
        Ok(answer) => answer.retry_after.unwrap_or_default(),
        Err(_) => SignedDuration::ZERO,
    };
    match WAITS.get(before) {
        Some(wait) => {
            let wait = (*wait).max(asked);
            AfterAttempt::Again(now.saturating_add(wait).unwrap_or(Timestamp::MAX))
        }
        None => AfterAttempt::Failed,
    }
}

/// The event as `CloudEvents` 1.0 have it; its source is this installation.
fn cloud_event(event: &Event, source: &Url) -> CloudEvent {
    CloudEvent {
        specversion: "1.0".to_owned(),
        id: event.id.to_string(),
        source: source.to_string(),
        r#type: event.r#type.as_str().to_owned(),
        time: Some(event.at.to_string()),
        subject: Some(event.subject.clone()),
        datacontenttype: Some("application/json".to_owned()),
        dataschema: None,
        data: Some(event.data.clone()),
        extensions: std::iter::empty().collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, retry_after: Option<i64>) -> WebhookAnswer {
        WebhookAnswer {
            status,
            retry_after: retry_after.map(SignedDuration::from_secs),
        }
    }

    #[test]
    fn what_follows_from_an_answer() {
        let now = Timestamp::UNIX_EPOCH;
        let again = |seconds| AfterAttempt::Again(now + SignedDuration::from_secs(seconds));
        let unsent = || {
            Err(Unsent {
                code: "upstream.unreachable",
                detail: String::new(),
            })
        };
        for (sent, before, expected) in [
            (Ok(answer(200, None)), 0, AfterAttempt::Delivered),
            (Ok(answer(204, None)), 7, AfterAttempt::Delivered),
            (Ok(answer(302, None)), 0, again(5)),
            (Ok(answer(400, None)), 1, again(300)),
            (Ok(answer(503, Some(60))), 0, again(60)),
            (Ok(answer(503, Some(60))), 1, again(300)),
            (unsent(), 6, again(14 * 3600)),
            (unsent(), 7, AfterAttempt::Failed),
            (Ok(answer(500, None)), 30, AfterAttempt::Failed),
        ] {
            assert_eq!(judge(&sent, before, now), expected, "after {before}");
        }
        assert!(matches!(
            judge(&Ok(answer(410, None)), 0, now),
            AfterAttempt::Gone(_)
        ));
    }
}
