//! Sign-ins by device code: one for each connection, polled by one process at a time, ended once.

use jiff::SignedDuration;
use oauth::DeviceAuthorization;

use super::*;

/// A sign-in that the provider has just begun.
pub(super) fn device(db: &TestStore) -> DeviceAuthorization {
    let now = db.clock.now();
    DeviceAuthorization {
        device_code: Secret::new("fake-device-code-0123456789abcdef"),
        user_code: "FAKE-USER-CODE-7Q".to_owned(),
        verification_uri: "https://login.contoso.example/device".parse().unwrap(),
        verification_uri_complete: None,
        begun_at: now,
        expires_at: now + SignedDuration::from_mins(15),
        interval: SignedDuration::from_secs(5),
    }
}

const LEASE: SignedDuration = SignedDuration::from_secs(40);

#[tokio::test]
async fn a_sign_in_is_taken_by_one_and_ended_once() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let operator = actor(Role::Operator);
        let begun = device(&db);
        db.devices()
            .begin(&operator, &id, 3, begun.clone())
            .await
            .unwrap();
        assert_eq!(db.devices().due(LEASE).await.unwrap(), []);
        db.clock.advance(SignedDuration::from_secs(5));
        let (one, other) = tokio::join!(async { db.devices().due(LEASE).await.unwrap() }, async {
            db.devices().due(LEASE).await.unwrap()
        });
        let taken: Vec<_> = one.into_iter().chain(other).collect();
        assert_eq!(taken.len(), 1);
        let pending = &taken[0];
        assert_eq!((&pending.connection, pending.connection_version), (&id, 3));
        assert_eq!((&pending.actor, &pending.device), (&operator, &begun));

        // Whoever took it and died is followed by another.
        db.clock.advance(LEASE);
        assert_eq!(db.devices().due(LEASE).await.unwrap().len(), 1);
        let slower = crate::PendingDevice {
            device: begun.clone().after_silence(),
            ..pending.clone()
        };
        let at = slower.device.next_poll(db.clock.now());
        db.devices().wait(&slower, at).await.unwrap();
        db.clock.advance(SignedDuration::from_secs(9));
        assert_eq!(db.devices().due(LEASE).await.unwrap(), []);
        db.clock.advance(SignedDuration::from_secs(1));
        assert_eq!(
            db.devices().due(LEASE).await.unwrap(),
            std::slice::from_ref(&slower)
        );
        assert!(db.devices().end(&slower).await.unwrap());
        assert!(!db.devices().end(&slower).await.unwrap());
        db.clock.advance(LEASE);
        assert_eq!(db.devices().due(LEASE).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_new_one_replaces_the_old_one() {
    for db in every_database().await {
        let id = add(&db, "graph").await.id;
        let (operator, viewer) = (actor(Role::Operator), actor(Role::Viewer));
        assert!(
            db.devices()
                .begin(&viewer, &id, 1, device(&db))
                .await
                .is_err()
        );
        db.devices()
            .begin(&operator, &id, 1, device(&db))
            .await
            .unwrap();
        let first = db.devices().pending_for(&viewer, &id).await.unwrap();
        db.devices()
            .begin(&operator, &id, 1, device(&db))
            .await
            .unwrap();
        let second = db.devices().pending_for(&viewer, &id).await.unwrap();
        let (first, second) = (first.unwrap(), second.unwrap());
        assert_ne!(first.id, second.id);
        // What still goes on with the old one changes nothing.
        db.devices().wait(&first, db.clock.now()).await.unwrap();
        assert!(!db.devices().end(&first).await.unwrap());
        assert_eq!(db.devices().due(LEASE).await.unwrap(), []);
        db.clock.advance(SignedDuration::from_mins(15));
        assert_eq!(db.devices().pending_for(&viewer, &id).await.unwrap(), None);
        // One that has expired is due too: somebody must say so.
        assert_eq!(db.devices().due(LEASE).await.unwrap(), [second]);
        db.connections().remove(&Actor::local(), &id).await.unwrap();
        db.clock.advance(LEASE);
        assert_eq!(db.devices().due(LEASE).await.unwrap(), []);
    }
}

#[tokio::test]
async fn one_that_was_tampered_with_is_deleted() {
    for db in every_database().await {
        let one = add(&db, "graph").await.id;
        let other = add(&db, "other").await.id;
        for id in [&one, &other] {
            db.devices()
                .begin(&Actor::local(), id, 1, device(&db))
                .await
                .unwrap();
        }
        tamper(
            &db,
            "UPDATE device_authorizations SET sealed = (SELECT b.sealed FROM device_authorizations b
             WHERE b.id <> device_authorizations.id) WHERE connection = $1",
            vec![one.as_str().into()],
        )
        .await;
        db.clock.advance(SignedDuration::from_secs(5));
        let due = db.devices().due(LEASE).await.unwrap();
        assert_eq!(due.len(), 1);
        assert_eq!(due[0].connection, other);
        let left = peek(&db, "SELECT id FROM device_authorizations").await;
        assert_eq!(left.len(), 1);
    }
}
