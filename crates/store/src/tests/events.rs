//! Events, webhooks and deliveries.

use jiff::SignedDuration;
use oauth::State;

use super::*;
use crate::{
    AfterAttempt, DeliveryAttempt, DeliveryStatus, Event, EventType, ExpiryWarning, Standing,
    WebhookSettings,
};

fn settings(text: &str, types: &[EventType]) -> WebhookSettings {
    WebhookSettings {
        name: name(text),
        url: "https://hooks.contoso.example/keyway".parse().unwrap(),
        types: types.to_vec(),
        disabled_why: None,
    }
}

fn tried(db: &TestStore, status: Option<u16>) -> DeliveryAttempt {
    DeliveryAttempt {
        at: db.clock.now(),
        took_ms: 3,
        status,
        code: None,
        detail: None,
    }
}

/// Moves a connection to another state; answers the event that tells of it.
async fn stand(db: &TestStore, connection: &Connection, state: State) {
    let standing = Standing::new(state, db.clock.now());
    let connections = db.connections();
    connections
        .standing(&Actor::system(), &connection.id, standing)
        .await
        .unwrap();
}

async fn all_events(db: &TestStore) -> Vec<Event> {
    db.events().claim(100).await.unwrap()
}

#[tokio::test]
async fn a_change_of_state_is_an_event_and_the_same_state_is_none() {
    for db in every_database().await {
        let graph = add(&db, "graph").await;
        assert_eq!(db.events().next_due().await, Ok(None));
        stand(&db, &graph, State::Ok).await;
        stand(&db, &graph, State::Ok).await;
        assert_eq!(db.events().next_due().await, Ok(Some(db.clock.now())));
        let events = all_events(&db).await;
        assert_eq!(events.len(), 1);
        assert_eq!(events[0].r#type, EventType::ConnectionState);
        assert_eq!(events[0].subject, "graph");
        assert_eq!(events[0].data["from"], "never_authorized");
        assert_eq!(events[0].data["to"], "ok");
        assert_eq!(events[0].data["connection"]["id"], graph.id.as_str());
        assert_eq!(last_action(&db).await.0, "connection.state_changed");
    }
}

#[tokio::test]
async fn a_claimed_event_comes_back_unless_it_is_settled() {
    for db in every_database().await {
        let graph = add(&db, "graph").await;
        stand(&db, &graph, State::Ok).await;
        let first = all_events(&db).await;
        assert_eq!(all_events(&db).await, []);
        db.clock.advance(SignedDuration::from_mins(1));
        assert_eq!(all_events(&db).await, first);
        db.events().settle(&first[0].id).await.unwrap();
        db.clock.advance(SignedDuration::from_hours(1));
        assert_eq!(all_events(&db).await, []);
        assert_eq!(db.events().next_due().await, Ok(None));
    }
}

#[tokio::test]
async fn each_webhook_gets_the_events_that_it_wants() {
    for db in every_database().await {
        let local = Actor::local();
        let graph = add(&db, "graph").await;
        let webhooks = db.webhooks();
        let all = webhooks.add(&local, settings("all", &[])).await.unwrap();
        let wanted = [EventType::SecretExpiring];
        let few = webhooks
            .add(&local, settings("few", &wanted))
            .await
            .unwrap();
        stand(&db, &graph, State::Ok).await;
        let claimed = db.deliveries().claim(10).await.unwrap();
        assert_eq!(claimed.len(), 1);
        let (delivery, to) = &claimed[0];
        assert_eq!(to, &all);
        assert_eq!(delivery.status, DeliveryStatus::Pending);
        assert_eq!(delivery.event.data["to"], "ok");
        // Nobody else gets it meanwhile.
        assert_eq!(db.deliveries().claim(10).await, Ok(Vec::new()));
        let warning = ExpiryWarning {
            kind: "secret",
            expires_at: db.clock.now() + SignedDuration::from_hours(24 * 7),
            days: 7,
        };
        let events = db.events();
        assert_eq!(events.warn_of_expiry(&graph.id, warning).await, Ok(true));
        assert_eq!(events.warn_of_expiry(&graph.id, warning).await, Ok(false));
        let claimed = db.deliveries().claim(10).await.unwrap();
        let names: Vec<&str> = claimed.iter().map(|(_, to)| to.name.as_str()).collect();
        assert_eq!(claimed.len(), 2, "{names:?}");
        assert!(claimed.iter().any(|(_, to)| to.id == few.id));
        assert_eq!(claimed[0].0.event.data["days"], 7);
    }
}

#[tokio::test]
async fn a_delivery_is_tried_again_until_it_ends() {
    for db in every_database().await {
        let local = Actor::local();
        let webhook = db.webhooks().add(&local, settings("w", &[])).await.unwrap();
        let deliveries = db.deliveries();
        let (sent, to) = deliveries.test(&local, &webhook.id).await.unwrap();
        assert_eq!(to, webhook);
        assert_eq!(sent.event.r#type, EventType::WebhookTest);
        // It is for this webhook alone: no flow is told.
        assert_eq!(all_events(&db).await, []);
        let again = db.clock.now() + SignedDuration::from_secs(5);
        let after = AfterAttempt::Again(again);
        let attempt = tried(&db, Some(503));
        let noted = deliveries.settle(&sent.id, attempt, after).await.unwrap();
        assert_eq!((noted.due_at, noted.attempts.len()), (Some(again), 1));
        assert_eq!(deliveries.claim(10).await, Ok(Vec::new()));
        db.clock.advance(SignedDuration::from_secs(5));
        let claimed = deliveries.claim(10).await.unwrap();
        assert_eq!(claimed[0].0.attempts[0].status, Some(503));
        let attempt = tried(&db, Some(200));
        let noted = deliveries
            .settle(&sent.id, attempt, AfterAttempt::Delivered)
            .await
            .unwrap();
        assert_eq!(noted.status, DeliveryStatus::Delivered);
        let listed = deliveries.list(&local, &webhook.id, None, 10).await;
        assert_eq!(listed, Ok(vec![noted.clone()]));
        let failed = Some(DeliveryStatus::Failed);
        let listed = deliveries.list(&local, &webhook.id, failed, 10).await;
        assert_eq!(listed, Ok(Vec::new()));
        // A person may have it sent again, though it had ended.
        let (again, _) = deliveries.claim_one(&local, &sent.id).await.unwrap();
        assert_eq!(again.event, noted.event);
        assert_eq!(last_action(&db).await.0, "webhook.redelivered");
    }
}

#[tokio::test]
async fn a_receiver_that_is_gone_gets_nothing_any_more() {
    for db in every_database().await {
        let local = Actor::local();
        let graph = add(&db, "graph").await;
        let webhook = db.webhooks().add(&local, settings("w", &[])).await.unwrap();
        stand(&db, &graph, State::Ok).await;
        stand(&db, &graph, State::NeedsUser).await;
        let claimed = db.deliveries().claim(1).await.unwrap();
        let after = AfterAttempt::Gone("the receiver answered 410 Gone".to_owned());
        let attempt = tried(&db, Some(410));
        let deliveries = db.deliveries();
        deliveries
            .settle(&claimed[0].0.id, attempt, after)
            .await
            .unwrap();
        assert_eq!(last_action(&db).await.0, "webhook.disabled");
        let found = db.webhooks().find(&local, &name("W")).await.unwrap();
        let found = found.unwrap();
        assert_eq!(found.disabled_at, Some(db.clock.now()));
        assert_eq!(
            found.disabled_why.as_deref(),
            Some("the receiver answered 410 Gone")
        );
        stand(&db, &graph, State::Ok).await;
        assert_eq!(deliveries.claim(10).await, Ok(Vec::new()));
        let listed = deliveries.list(&local, &webhook.id, None, 10).await;
        let statuses: Vec<_> = listed.unwrap().iter().map(|one| one.status).collect();
        assert_eq!(statuses, [DeliveryStatus::Failed; 2]);
    }
}

#[tokio::test]
async fn a_signing_secret_is_rotated_with_an_overlap() {
    for db in every_database().await {
        let local = Actor::local();
        let webhooks = db.webhooks();
        let made = webhooks.add(&local, settings("w", &[])).await.unwrap();
        let rotated = webhooks.rotate(&local, &made.id).await.unwrap();
        let (before, after) = (made.secrets.unwrap(), rotated.secrets.unwrap());
        assert_ne!(before.current, after.current);
        assert!(after.current.expose().starts_with("whsec_"));
        let now = db.clock.now();
        let signing = |at| after.at(at).cloned().collect::<Vec<_>>();
        assert_eq!(
            signing(now),
            [after.current.clone(), before.current.clone()]
        );
        let later = now + SignedDuration::from_hours(24);
        assert_eq!(signing(later), std::slice::from_ref(&after.current));
        assert_eq!(last_action(&db).await.0, "webhook.secret_rotated");
    }
}

#[tokio::test]
async fn webhooks_are_for_administrators_and_have_names_of_their_own() {
    for db in every_database().await {
        let local = Actor::local();
        let operator = actor(Role::Operator);
        let webhooks = db.webhooks();
        let first = webhooks.add(&local, settings("w", &[])).await.unwrap();
        let again = webhooks.add(&local, settings("W", &[])).await;
        assert!(matches!(again, Err(Error::Conflict { .. })));
        let add = webhooks.add(&operator, settings("x", &[])).await;
        assert!(is_forbidden(add, Role::Admin));
        assert!(is_forbidden(webhooks.list(&operator).await, Role::Admin));
        assert!(is_forbidden(
            webhooks.rotate(&operator, &first.id).await,
            Role::Admin
        ));
        let test = db.deliveries().test(&operator, &first.id).await;
        assert!(is_forbidden(test, Role::Admin));
        let stale = webhooks.save(&local, &first.id, Some(7), settings("y", &[]));
        assert_eq!(stale.await, Err(Error::Version { current: 1 }));
        let saved = webhooks.save(&local, &first.id, Some(1), settings("y", &[]));
        assert_eq!(saved.await.unwrap().name.as_str(), "y");
        webhooks.remove(&local, &first.id).await.unwrap();
        assert_eq!(webhooks.list(&local).await, Ok(Vec::new()));
    }
}

#[tokio::test]
async fn old_events_go_with_their_deliveries() {
    for db in every_database().await {
        let local = Actor::local();
        let graph = add(&db, "graph").await;
        let webhook = db.webhooks().add(&local, settings("w", &[])).await.unwrap();
        stand(&db, &graph, State::Ok).await;
        assert_eq!(db.events().sweep().await, Ok(0));
        db.clock.advance(SignedDuration::from_hours(24 * 31));
        assert_eq!(db.events().sweep().await, Ok(1));
        let listed = db.deliveries().list(&local, &webhook.id, None, 10).await;
        assert_eq!(listed, Ok(Vec::new()));
    }
}
