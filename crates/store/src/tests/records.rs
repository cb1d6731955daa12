//! Connections, drafts, the call log, facts.

use jiff::SignedDuration;
use oauth::{Action, Diagnosis, State, Who};

use super::*;
use crate::{CallFilter, CallRecord, Edit, Standing, WipeTokens};

fn edit() -> Edit {
    Edit {
        name: None,
        settings: graph_settings(),
        secrets: None,
        standing: None,
        tokens: WipeTokens::Keep,
    }
}

#[tokio::test]
async fn a_connection_comes_back_as_it_was_added() {
    for db in every_database().await {
        let added = add(&db, "Graph.Prod").await;
        assert_eq!(added.version, 1);
        assert_eq!(added.standing.state, State::NeverAuthorized);
        let viewer = actor(Role::Viewer);
        for spelling in ["Graph.Prod", "graph.prod"] {
            let found = db
                .connections()
                .find(&viewer, &name(spelling))
                .await
                .unwrap();
            assert_eq!(found.as_ref(), Some(&added));
        }
        let found = db
            .connections()
            .find_by_id(&viewer, &added.id)
            .await
            .unwrap();
        assert_eq!(found.as_ref(), Some(&added));
        assert_eq!(found.unwrap().secrets, Some(secrets("fake-client-secret")));
        assert_eq!(
            db.connections()
                .find(&viewer, &name("other"))
                .await
                .unwrap(),
            None
        );
        add(&db, "alpha").await;
        let listed = db.connections().list(&viewer).await.unwrap();
        let names: Vec<&str> = listed
            .iter()
            .map(|connection| connection.name.as_str())
            .collect();
        assert_eq!(names, ["alpha", "Graph.Prod"]);
    }
}

#[tokio::test]
async fn a_name_is_taken_in_every_case() {
    for db in every_database().await {
        let first = add(&db, "graph").await;
        let new = NewConnection {
            name: name("GRAPH"),
            settings: graph_settings(),
            secrets: Secrets::none(),
        };
        let again = db.connections().add(&Actor::local(), new).await;
        assert_eq!(
            again.err(),
            Some(Error::Conflict {
                what: "connection GRAPH".to_owned()
            })
        );
        let reserved = db
            .connections()
            .reserve(&Actor::local(), &name("Graph"))
            .await;
        assert!(matches!(reserved, Err(Error::Conflict { .. })));
        let second = add(&db, "other").await;
        let rename = Edit {
            name: Some(name("gRaph")),
            ..edit()
        };
        let renamed = db
            .connections()
            .save(&Actor::local(), &second.id, 1, rename.clone())
            .await;
        assert!(matches!(renamed, Err(Error::Conflict { .. })));
        // Another spelling of its own name is no conflict.
        let renamed = db
            .connections()
            .save(&Actor::local(), &first.id, 1, rename)
            .await
            .unwrap();
        assert_eq!(renamed.name.as_str(), "gRaph");
    }
}

#[tokio::test]
async fn a_draft_gives_its_id_to_the_connection() {
    for db in every_database().await {
        let local = Actor::local();
        let reserved = db
            .connections()
            .reserve(&local, &name("graph"))
            .await
            .unwrap();
        assert_eq!(
            db.connections()
                .reserve(&local, &name("Graph"))
                .await
                .unwrap(),
            reserved
        );
        assert_eq!(
            db.connections()
                .draft(&local, &name("graph"))
                .await
                .unwrap(),
            Some(reserved.clone())
        );
        assert!(db.connections().list(&local).await.unwrap().is_empty());
        assert_eq!(add(&db, "graph").await.id, reserved);
        assert_eq!(
            db.connections()
                .draft(&local, &name("graph"))
                .await
                .unwrap(),
            None
        );
        assert_ne!(add(&db, "other").await.id, reserved);
    }
}

#[tokio::test]
async fn of_two_editors_one_must_look_again() {
    for db in every_database().await {
        let local = Actor::local();
        let added = add(&db, "graph").await;
        let mut settings = graph_settings();
        settings.tenant = Some("fabrikam.example".to_owned());
        let first = Edit {
            settings: settings.clone(),
            ..edit()
        };
        let saved = db
            .connections()
            .save(&local, &added.id, 1, first)
            .await
            .unwrap();
        assert_eq!((saved.version, &saved.settings), (2, &settings));
        assert_eq!(saved.secrets, added.secrets);
        let second = db.connections().save(&local, &added.id, 1, edit()).await;
        assert_eq!(second.err(), Some(Error::Version { current: 2 }));
        let kept = db
            .connections()
            .find_by_id(&local, &added.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(kept, saved);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_editors_at_once_one_wins_each_round() {
    for db in every_database().await {
        let added = add(&db, "graph").await;
        let mut editors = tokio::task::JoinSet::new();
        for _ in 0..20 {
            let (store, id) = (db.store(), added.id.clone());
            editors.spawn(async move {
                store
                    .connections()
                    .save(&Actor::local(), &id, 1, edit())
                    .await
            });
        }
        let mut won = 0;
        while let Some(editor) = editors.join_next().await {
            match editor.unwrap() {
                Ok(saved) => won += saved.version - 1,
                Err(error) => assert_eq!(error, Error::Version { current: 2 }),
            }
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn an_edit_replaces_secrets_standing_and_token_together() {
    for db in every_database().await {
        let local = Actor::local();
        let added = add(&db, "graph").await;
        let token = token_set(&db, "fake-access", Some("fake-refresh"));
        db.tokens()
            .store_first(&local, &added.id, &token, None)
            .await
            .unwrap();
        let change = Edit {
            secrets: Some(Secrets::none()),
            standing: Some(Standing::new(State::NeedsSecret, db.clock.now())),
            tokens: WipeTokens::Wipe,
            ..edit()
        };
        let saved = db
            .connections()
            .save(&local, &added.id, 1, change)
            .await
            .unwrap();
        assert_eq!(saved.secrets, Some(Secrets::none()));
        assert_eq!(saved.standing.state, State::NeedsSecret);
        let row = db.tokens().read(&added.id).await.unwrap();
        assert_eq!((row.token, row.generation), (None, 2));
    }
}

#[tokio::test]
async fn standing_is_kept_without_a_new_version() {
    for db in every_database().await {
        let added = add(&db, "graph").await;
        let mut standing = Standing::new(State::NeedsUser, db.clock.now());
        standing.diagnosis = Some(Diagnosis::new(
            "session.revoked",
            State::NeedsUser,
            "The session was revoked.",
            "Somebody revoked it.",
            Who::SignedInPerson,
            Action::Reauthorize,
        ));
        standing.learned_method = Some(AuthenticationMethod::ClientSecretPost);
        let before = audit_count(&db).await;
        for _ in 0..2 {
            db.connections()
                .standing(&Actor::system(), &added.id, standing.clone())
                .await
                .unwrap();
        }
        let found = db
            .connections()
            .find_by_id(&Actor::local(), &added.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((found.version, &found.standing), (1, &standing));
        // The second time nothing changed that people would look up.
        assert_eq!(audit_count(&db).await, before + 1);
        assert_eq!(last_action(&db).await.0, "connection.state_changed");
        let gone = crate::ConnectionId::random();
        let missing = db
            .connections()
            .standing(&Actor::system(), &gone, standing)
            .await;
        assert!(matches!(missing, Err(Error::NotFound { .. })));
    }
}

#[tokio::test]
async fn a_removed_connection_takes_its_token_along() {
    for db in every_database().await {
        let local = Actor::local();
        let added = add(&db, "graph").await;
        let token = token_set(&db, "fake-access", None);
        db.tokens()
            .store_first(&local, &added.id, &token, None)
            .await
            .unwrap();
        db.connections().remove(&local, &added.id).await.unwrap();
        assert!(peek(&db, "SELECT connection FROM tokens").await.is_empty());
        assert_eq!(
            db.connections()
                .find_by_id(&local, &added.id)
                .await
                .unwrap(),
            None
        );
        let again = db.connections().remove(&local, &added.id).await;
        assert!(matches!(again, Err(Error::NotFound { .. })));
        assert_ne!(add(&db, "graph").await.id, added.id);
    }
}

#[tokio::test]
async fn stamp_and_epoch_tell_of_each_change() {
    for db in every_database().await {
        let local = Actor::local();
        let added = add(&db, "graph").await;
        let mut seen = vec![(
            db.epoch(&added.id),
            db.connections().stamp(&local, &added.id).await.unwrap(),
        )];
        let token = token_set(&db, "fake-access", None);
        db.tokens()
            .store_first(&local, &added.id, &token, None)
            .await
            .unwrap();
        seen.push((
            db.epoch(&added.id),
            db.connections().stamp(&local, &added.id).await.unwrap(),
        ));
        let standing = Standing::new(State::Ok, db.clock.now());
        db.connections()
            .standing(&local, &added.id, standing)
            .await
            .unwrap();
        seen.push((
            db.epoch(&added.id),
            db.connections().stamp(&local, &added.id).await.unwrap(),
        ));
        db.connections()
            .save(&local, &added.id, 1, edit())
            .await
            .unwrap();
        seen.push((
            db.epoch(&added.id),
            db.connections().stamp(&local, &added.id).await.unwrap(),
        ));
        db.connections().remove(&local, &added.id).await.unwrap();
        seen.push((
            db.epoch(&added.id),
            db.connections().stamp(&local, &added.id).await.unwrap(),
        ));
        for pair in seen.windows(2) {
            assert!(pair[0].0 < pair[1].0, "{seen:?}");
            assert_ne!(pair[0].1, pair[1].1, "{seen:?}");
        }
        assert_eq!(seen.last().unwrap().1, None);
    }
}

#[tokio::test]
async fn a_failed_change_leaves_the_epoch_alone() {
    let db = testing::sqlite_memory().await;
    let added = add(&db, "graph").await;
    let before = db.epoch(&added.id);
    assert!(
        db.connections()
            .save(&Actor::local(), &added.id, 9, edit())
            .await
            .is_err()
    );
    assert_eq!(db.epoch(&added.id), before);
}

#[tokio::test]
async fn roles_below_the_needed_one_change_nothing() {
    for db in every_database().await {
        let added = add(&db, "graph").await;
        let before = (
            audit_count(&db).await,
            db.connections()
                .stamp(&Actor::local(), &added.id)
                .await
                .unwrap(),
        );
        let standing = Standing::new(State::Ok, db.clock.now());
        let token = token_set(&db, "fake-access", None);
        let (viewer, operator) = (actor(Role::Viewer), actor(Role::Operator));
        let connections = db.connections();
        for low in [&viewer, &operator] {
            let new = NewConnection {
                name: name("x"),
                settings: graph_settings(),
                secrets: Secrets::none(),
            };
            assert!(is_forbidden(connections.add(low, new).await, Role::Admin));
            assert!(is_forbidden(
                connections.reserve(low, &name("x")).await,
                Role::Admin
            ));
            assert!(is_forbidden(
                connections.save(low, &added.id, 1, edit()).await,
                Role::Admin
            ));
            assert!(is_forbidden(
                connections.remove(low, &added.id).await,
                Role::Admin
            ));
            assert!(is_forbidden(
                db.users()
                    .add(low, "x", &Secret::new("fake-password"), Role::Admin)
                    .await,
                Role::Admin
            ));
            assert!(is_forbidden(db.users().list(low).await, Role::Admin));
            assert!(is_forbidden(
                db.users().disable(low, &crate::UserId::random()).await,
                Role::Admin
            ));
            assert!(is_forbidden(
                db.keys().create(low, "x", Role::Viewer, None).await,
                Role::Admin
            ));
            assert!(is_forbidden(db.keys().list(low).await, Role::Admin));
            assert!(is_forbidden(
                db.keys().revoke(low, &crate::ApiKeyId::random()).await,
                Role::Admin
            ));
            assert!(is_forbidden(
                db.audit().list(low, &crate::AuditFilter::default()).await,
                Role::Admin
            ));
            assert!(is_forbidden(db.audit().checkpoint(low).await, Role::Admin));
            assert!(is_forbidden(
                db.audit().verify(low, None).await,
                Role::Admin
            ));
            assert!(is_forbidden(
                db.meta().save(low, "x", "y").await,
                Role::Admin
            ));
        }
        assert!(is_forbidden(
            connections.standing(&viewer, &added.id, standing).await,
            Role::Operator
        ));
        assert!(is_forbidden(
            db.tokens()
                .store_first(&viewer, &added.id, &token, None)
                .await,
            Role::Operator
        ));
        assert!(is_forbidden(
            db.tokens().wipe(&viewer, &added.id).await,
            Role::Operator
        ));
        let after = (
            audit_count(&db).await,
            db.connections()
                .stamp(&Actor::local(), &added.id)
                .await
                .unwrap(),
        );
        assert_eq!(before, after);
    }
}

#[tokio::test]
async fn calls_are_logged_in_batches_and_listed_newest_first() {
    for db in every_database().await {
        let connection = add(&db, "graph").await.id;
        let other = crate::ConnectionId::random();
        let run = crate::RunId::random();
        let record = |number: i64| CallRecord {
            at: db.clock.now() + SignedDuration::from_secs(number),
            actor: if number < 2 {
                run.to_string()
            } else {
                "local".to_owned()
            },
            step: (number < 2).then(|| "/do/0/ask".to_owned()),
            connection: if number == 2 {
                other.clone()
            } else {
                connection.clone()
            },
            method: "GET".to_owned(),
            host: "graph.microsoft.com".to_owned(),
            path: "/v1.0/users".to_owned(),
            status: (number != 1).then_some(200),
            code: (number == 1).then(|| "upstream.timeout".to_owned()),
            provider: (number == 1).then(oauth::ProviderError::default),
            duration: SignedDuration::from_micros(1234),
            attempts: 2,
            token_generation: Some(7),
            request_id: Some("fake-request".to_owned()),
            trail: (number == 1)
                .then(|| serde_json::json!([{"why": "called"}, {"why": "throttled"}])),
        };
        let records: Vec<CallRecord> = (0..4).map(record).collect();
        db.calls().record_many(records.clone()).await.unwrap();
        db.calls().record_many(Vec::new()).await.unwrap();
        let viewer = actor(Role::Viewer);
        let filter = CallFilter {
            connection: Some(connection.clone()),
            ..CallFilter::default()
        };
        let listed = db.calls().list(&viewer, &filter).await.unwrap();
        let listed: Vec<CallRecord> = listed.into_iter().map(|row| row.record).collect();
        assert_eq!(
            listed,
            [records[3].clone(), records[1].clone(), records[0].clone()]
        );
        let filter = CallFilter {
            before: Some(records[3].at),
            limit: 1,
            ..CallFilter::default()
        };
        assert_eq!(
            db.calls().list(&viewer, &filter).await.unwrap()[0].record,
            records[2]
        );
        for (run, connection, expected) in [
            (&run, None, &[1, 0][..]),
            (&run, Some(connection), &[1, 0]),
            (&run, Some(other), &[]),
            (&crate::RunId::random(), None, &[]),
        ] {
            let filter = CallFilter {
                run: Some(run.clone()),
                connection,
                ..CallFilter::default()
            };
            let listed = db.calls().list(&viewer, &filter).await.unwrap();
            let listed: Vec<CallRecord> = listed.into_iter().map(|row| row.record).collect();
            let expected: Vec<CallRecord> = expected
                .iter()
                .map(|place: &usize| records[*place].clone())
                .collect();
            assert_eq!(listed, expected);
        }
        assert_eq!(db.calls().sweep(records[2].at).await.unwrap(), 2);
        assert_eq!(
            db.calls()
                .list(&viewer, &CallFilter::default())
                .await
                .unwrap()
                .len(),
            2
        );
    }
}

#[tokio::test]
async fn facts_are_kept_apart_from_the_stores_own() {
    for db in every_database().await {
        let local = Actor::local();
        assert_eq!(db.meta().find(&local, "key_check").await.unwrap(), None);
        db.meta().save(&local, "key_check", "one").await.unwrap();
        db.meta().save(&local, "key_check", "two").await.unwrap();
        assert_eq!(
            db.meta()
                .find(&local, "key_check")
                .await
                .unwrap()
                .as_deref(),
            Some("two")
        );
    }
}

#[tokio::test]
async fn odd_text_is_stored_as_it_is() {
    for db in every_database().await {
        let mut settings = graph_settings();
        let odd = "'; DROP TABLE connections; -- \u{202e}\u{0} $1 ?1 <img onerror>";
        settings.tenant = Some(odd.to_owned());
        let new = NewConnection {
            name: name("odd"),
            settings: settings.clone(),
            secrets: secrets(odd),
        };
        let added = db.connections().add(&Actor::local(), new).await.unwrap();
        let found = db
            .connections()
            .find_by_id(&Actor::local(), &added.id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.settings, settings);
        assert_eq!(found.secrets, Some(secrets(odd)));
    }
}
