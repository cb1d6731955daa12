//! Trips to the authorization endpoint: ticket, browser and state each work once.

use jiff::SignedDuration;
use oauth::{Authorization, AuthorizationSetup, Entropy};
use url::Url;

use super::*;
use crate::{ConnectionId, PendingAuthorization, id::random_bytes};

fn trip(store: &Store, connection: &ConnectionId) -> (PendingAuthorization, Url) {
    let setup = AuthorizationSetup {
        authorization_endpoint: "https://login.contoso.example/authorize".parse().unwrap(),
        client_id: ClientId::parse("fake-client-id").unwrap(),
        redirect_uri: "http://localhost:8800/oauth/callback/microsoft-graph"
            .parse()
            .unwrap(),
        scope: Scope::parse("openid User.Read").unwrap(),
        issuer: None,
        iss_required: false,
        parameters: Vec::new(),
    };
    let (authorization, url) =
        Authorization::begin(&setup, store.clock().now(), Entropy::new(random_bytes()));
    let pending = PendingAuthorization {
        connection: connection.clone(),
        connection_version: 3,
        actor: actor(Role::Operator),
        authorization,
        path: "microsoft-graph".to_owned(),
        browser: None,
    };
    (pending, url)
}

#[tokio::test]
async fn ticket_and_state_work_once_and_bind_the_browser() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let (pending, url) = trip(&db, &id);
        let state = pending.authorization.state().clone();
        let verifier = pending.authorization.to_sealable();
        let ticket = db
            .authorizations()
            .begin(&actor(Role::Operator), pending, url.clone())
            .await
            .unwrap();
        let browser = Secret::new("fake-browser-nonce");
        assert_eq!(
            db.authorizations()
                .start(&Secret::new("wrong"), &browser)
                .await
                .unwrap(),
            None
        );
        let begun_by = async |ticket: &Secret| {
            let ticket = ticket.clone();
            db.authorizations().begun_by(&ticket).await.unwrap()
        };
        assert_eq!(begun_by(&Secret::new("wrong")).await, None);
        assert_eq!(begun_by(&ticket).await, Some(actor(Role::Operator)));
        assert_eq!(
            db.authorizations().start(&ticket, &browser).await.unwrap(),
            Some(url)
        );
        assert_eq!(begun_by(&ticket).await, None, "a spent ticket");
        assert_eq!(
            db.authorizations()
                .start(&ticket, &Secret::new("other"))
                .await
                .unwrap(),
            None
        );
        assert!(db.authorizations().take("wrong").await.unwrap().is_none());
        let taken = db
            .authorizations()
            .take(state.expose())
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            (taken.connection, taken.connection_version),
            (id.clone(), 3)
        );
        assert_eq!(
            (taken.actor, taken.path.as_str()),
            (actor(Role::Operator), "microsoft-graph")
        );
        assert_eq!(taken.authorization.to_sealable(), verifier);
        let bound = taken.browser.unwrap();
        assert!(bound.matches(&browser) && !bound.matches(&Secret::new("other")));
        assert!(
            db.authorizations()
                .take(state.expose())
                .await
                .unwrap()
                .is_none()
        );
    }
}

#[tokio::test]
async fn a_state_that_no_browser_started_has_none() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let (pending, url) = trip(&db, &id);
        let state = pending.authorization.state().clone();
        db.authorizations()
            .begin(&Actor::local(), pending, url)
            .await
            .unwrap();
        assert!(
            db.authorizations()
                .take(state.expose())
                .await
                .unwrap()
                .unwrap()
                .browser
                .is_none()
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_callbacks_at_once_one_takes_the_trip() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let (pending, url) = trip(&db, &id);
        let state = pending.authorization.state().clone();
        db.authorizations()
            .begin(&Actor::local(), pending, url)
            .await
            .unwrap();
        let mut callbacks = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (store, state) = (db.store(), state.clone());
            callbacks.spawn(async move {
                store
                    .authorizations()
                    .take(state.expose())
                    .await
                    .unwrap()
                    .is_some()
            });
        }
        let taken = callbacks
            .join_all()
            .await
            .into_iter()
            .filter(|taken| *taken)
            .count();
        assert_eq!(taken, 1);
    }
}

#[tokio::test]
async fn a_trip_is_seen_until_it_expires_and_then_swept() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let viewer = actor(Role::Viewer);
        assert_eq!(
            db.authorizations().pending_for(&viewer, &id).await.unwrap(),
            None
        );
        let (pending, url) = trip(&db, &id);
        let begun_at = db.clock.now();
        assert!(is_forbidden(
            db.authorizations()
                .begin(&viewer, pending.clone(), url.clone())
                .await,
            Role::Operator
        ));
        let ticket = db
            .authorizations()
            .begin(&Actor::local(), pending, url)
            .await
            .unwrap();
        let waiting = db
            .authorizations()
            .pending_for(&viewer, &id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((waiting.begun_at, waiting.started_at), (begun_at, None));
        db.clock.advance(SignedDuration::from_secs(9));
        db.authorizations()
            .start(&ticket, &Secret::new("fake"))
            .await
            .unwrap();
        let waiting = db
            .authorizations()
            .pending_for(&viewer, &id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(waiting.started_at, Some(db.clock.now()));
        let (second, url) = trip(&db, &id);
        let late = db
            .authorizations()
            .begin(&Actor::local(), second, url)
            .await
            .unwrap();
        db.clock
            .advance(waiting.expires_at.duration_since(db.clock.now()));
        assert_eq!(db.authorizations().sweep().await.unwrap(), 1);
        db.clock.advance(SignedDuration::from_secs(9));
        // Expired, not swept yet: no browser can start it any more.
        assert_eq!(
            db.authorizations()
                .start(&late, &Secret::new("fake"))
                .await
                .unwrap(),
            None
        );
        assert_eq!(
            db.authorizations().pending_for(&viewer, &id).await.unwrap(),
            None
        );
        assert_eq!(db.authorizations().sweep().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn a_trip_whose_envelope_was_moved_is_spent_without_effect() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let (one, url) = trip(&db, &id);
        let (two, _) = trip(&db, &id);
        let state = one.authorization.state().clone();
        let ticket = db
            .authorizations()
            .begin(&Actor::local(), one, url.clone())
            .await
            .unwrap();
        db.authorizations()
            .begin(&Actor::local(), two, url)
            .await
            .unwrap();
        tamper(
            &db,
            "UPDATE authorizations SET sealed = (SELECT b.sealed FROM authorizations b WHERE b.id <> authorizations.id)",
            Vec::new(),
        )
        .await;
        let refused = db
            .authorizations()
            .start(&ticket, &Secret::new("fake"))
            .await;
        assert!(matches!(refused, Err(Error::Unreadable { .. })));
        assert!(
            db.authorizations()
                .take(state.expose())
                .await
                .unwrap()
                .is_none()
        );
        assert_eq!(peek(&db, "SELECT id FROM authorizations").await.len(), 1);
    }
}
