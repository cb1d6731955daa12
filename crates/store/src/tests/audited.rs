//! No change without its audit row, and no row without its change.

use jiff::SignedDuration;
use oauth::{Authorization, AuthorizationSetup, Entropy, State};
use serde_json::json;

use super::devices::device;
use super::*;
use crate::{Edit, Entry, Leased, Outcome, PendingAuthorization, Standing, Step, WipeTokens};

/// Everything that changes something, once; `check` looks at the store after each, with the action it should be under.
async fn every_change(db: &TestStore, check: impl AsyncFn(&str)) -> Result<(), Error> {
    let local = Actor::local();
    let password = Secret::new("not-a-real-password");
    let token = db.setup().issue().await?.unwrap();
    check("setup.issued").await;
    db.setup()
        .redeem(&token, "first", &password)
        .await?
        .unwrap();
    check("user.added").await;
    db.connections().reserve(&local, &name("draft")).await?;
    check("connection.reserved").await;
    let new = NewConnection {
        name: name("graph"),
        settings: graph_settings(),
        secrets: secrets("fake"),
    };
    let id = db.connections().add(&local, new).await?.id;
    check("connection.added").await;
    let connection = db.connections().find_by_id(&local, &id).await?.unwrap();
    db.consents()
        .returned(&connection, Some("contoso.example"), None)
        .await?;
    check("connection.admin_consented").await;
    db.consents()
        .returned(&connection, None, Some("access_denied"))
        .await?;
    check("connection.admin_consent_refused").await;
    let exported = db.connections().list(&local).await?;
    db.connections().exported(&local, &exported).await?;
    check("connection.exported").await;
    let refused = json!({ "needs": "admin" });
    db.refusals()
        .record(&local, "forbidden", "/api/v1/keys", refused)
        .await?;
    check("forbidden").await;
    let edit = Edit {
        name: None,
        settings: graph_settings(),
        secrets: Some(Secrets::none()),
        standing: None,
        tokens: WipeTokens::Wipe,
    };
    db.connections().save(&local, &id, 1, edit.clone()).await?;
    check("connection.changed").await;
    let steps = vec![
        Step::Save {
            id: id.clone(),
            expected_version: 2,
            edit: Box::new(edit),
        },
        Step::Add(Box::new(NewConnection {
            name: name("other"),
            settings: graph_settings(),
            secrets: Secrets::none(),
        })),
    ];
    db.connections().apply(&local, steps).await?;
    check("connection.added").await;
    db.connections()
        .standing(&local, &id, Standing::new(State::NeedsUser, db.clock.now()))
        .await?;
    check("connection.state_changed").await;
    trip(db, &id, &check).await?;
    db.tokens()
        .store_first(&local, &id, &token_set(db, "fake", Some("fake")), None)
        .await?;
    check("token.issued").await;
    let Leased::Acquired(row) = db
        .tokens()
        .lease(&id, "me", SignedDuration::from_secs(40))
        .await?
    else {
        panic!("the lease is free");
    };
    db.tokens()
        .save(
            &local,
            &id,
            "me",
            row.generation,
            &token_set(db, "fake", None),
            None,
        )
        .await?;
    check("token.renewed").await;
    db.tokens().wipe(&local, &id).await?;
    check("token.wiped").await;
    db.connections().remove(&local, &id).await?;
    check("connection.removed").await;
    people(db, &password, &check).await
}

async fn trip(
    db: &TestStore,
    id: &crate::ConnectionId,
    check: &impl AsyncFn(&str),
) -> Result<(), Error> {
    let setup = AuthorizationSetup {
        authorization_endpoint: "https://login.contoso.example/authorize".parse().unwrap(),
        client_id: ClientId::parse("fake-client-id").unwrap(),
        redirect_uri: "http://localhost:8800/oauth/callback/generic"
            .parse()
            .unwrap(),
        scope: Scope::parse("User.Read").unwrap(),
        issuer: None,
        iss_required: false,
        parameters: Vec::new(),
    };
    let (authorization, url) = Authorization::begin(&setup, db.clock.now(), Entropy::new([7; 96]));
    let state = authorization.state().clone();
    let pending = PendingAuthorization {
        connection: id.clone(),
        connection_version: 2,
        actor: Actor::local(),
        authorization,
        path: "generic".to_owned(),
        browser: None,
    };
    let ticket = db
        .authorizations()
        .begin(&Actor::local(), pending, url)
        .await?;
    check("authorization.begun").await;
    db.authorizations()
        .start(&ticket, &Secret::new("fake"))
        .await?
        .unwrap();
    check("authorization.started").await;
    db.authorizations().take(state.expose()).await?.unwrap();
    check("authorization.returned").await;
    db.devices()
        .begin(&Actor::local(), id, 2, device(db))
        .await?;
    check("authorization.begun").await;
    db.clock.advance(SignedDuration::from_secs(5));
    let due = db.devices().due(SignedDuration::from_secs(40)).await?;
    db.devices().end(&due[0]).await?;
    check("authorization.returned").await;
    Ok(())
}

async fn people(
    db: &TestStore,
    password: &Secret,
    check: &impl AsyncFn(&str),
) -> Result<(), Error> {
    let local = Actor::local();
    let user = db
        .users()
        .add(&local, "adele", password, Role::Viewer)
        .await?;
    check("user.added").await;
    db.users().verify("adele", password).await?.unwrap();
    check("user.signed_in").await;
    db.users()
        .verify("adele", &Secret::new("wrong-password"))
        .await?;
    check("user.sign_in_failed").await;
    let (session, _) = db.sessions().create(&user).await?;
    check("session.created").await;
    db.sessions().remove(&local, &session.id).await?;
    check("session.removed").await;
    db.sessions().remove_for_user(&local, &user.id).await?;
    check("session.all_removed").await;
    db.users().disable(&local, &user.id).await?;
    check("user.disabled").await;
    let (key, _) = db.keys().create(&local, "ci", Role::Viewer, None).await?;
    check("key.created").await;
    db.keys().revoke(&local, &key.id).await?;
    check("key.revoked").await;
    db.meta().save(&local, "fact", "x").await?;
    check("meta.saved").await;
    db.retention()
        .save(&local, crate::Retention::default())
        .await?;
    check("retention.changed").await;
    Ok(())
}

#[tokio::test]
async fn every_change_leaves_its_row() {
    for db in every_database().await {
        let rows = std::cell::Cell::new(0);
        every_change(&db, async |action| {
            assert_eq!(last_action(&db).await.0, action);
            let now = audit_count(&db).await;
            assert!(now > rows.get(), "{action}");
            rows.set(now);
        })
        .await
        .unwrap();
        assert_eq!(rows.get(), 32);
        assert!(matches!(
            db.audit().verify(&Actor::local(), None).await,
            Ok(crate::Verified::Intact(_))
        ));
    }
}

#[tokio::test]
async fn without_its_row_no_change_is_made() {
    for db in every_database().await {
        // Each method in turn is the first that finds the log broken.
        let mut done = 0;
        loop {
            let counted = std::cell::Cell::new(0);
            let fresh = TestStore::open(new_database(&db), db.clock.clone())
                .await
                .unwrap();
            let outcome = every_change(&fresh, async |_| {
                counted.set(counted.get() + 1);
                if counted.get() == done {
                    tamper(
                        &fresh,
                        "UPDATE audit_head SET count = count + 1",
                        Vec::new(),
                    )
                    .await;
                }
            });
            if done == 0 {
                tamper(
                    &fresh,
                    "UPDATE audit_head SET count = count + 1",
                    Vec::new(),
                )
                .await;
            }
            let before = (done == 0).then_some(contents(&fresh).await);
            match outcome.await {
                Ok(()) => break,
                Err(error) => assert!(
                    matches!(error, Error::AuditBroken { .. }),
                    "{done}: {error}"
                ),
            }
            assert_eq!(
                counted.get(),
                done,
                "nothing was answered after the log was broken"
            );
            if let Some(before) = before {
                assert_eq!(contents(&fresh).await, before);
            }
            done += 1;
        }
        assert_eq!(done, 31);
    }
}

fn new_database(db: &TestStore) -> crate::Database {
    match &db.config.database {
        crate::Database::Postgres(_) => crate::Database::Postgres(testing::postgres_url()),
        other => other.clone(),
    }
}

async fn contents(store: &Store) -> Vec<Vec<Row>> {
    let mut tables = Vec::new();
    for sql in [
        "SELECT name, value FROM meta ORDER BY name",
        "SELECT id, revision FROM connections ORDER BY id",
        "SELECT id, name FROM drafts ORDER BY id",
        "SELECT connection, generation FROM tokens ORDER BY connection",
        "SELECT id FROM authorizations ORDER BY id",
        "SELECT id, poll_at FROM device_authorizations ORDER BY id",
        "SELECT id, disabled_at FROM users ORDER BY id",
        "SELECT id FROM sessions ORDER BY id",
        "SELECT id, revoked_at FROM api_keys ORDER BY id",
        "SELECT seq, code FROM audit ORDER BY seq",
    ] {
        tables.push(store.read(sql, []).await.unwrap());
    }
    tables
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_neither_change_nor_row() {
    for db in every_database().await {
        add(&db, "graph").await;
        let before = contents(&db).await;
        let result: Result<(), Error> = db
            .change(|tx, _| {
                tx.execute("DELETE FROM connections", [])?;
                Err(Error::StorageFull)
            })
            .await;
        assert_eq!(result, Err(Error::StorageFull));
        // Also if the row itself can't be written, after the change.
        let result: Result<(), Error> = db
            .change(|tx, _| {
                tx.execute("DELETE FROM connections", [])?;
                tx.execute("UPDATE audit_head SET count = 0", [])?;
                Ok(Outcome::audited(
                    (),
                    Entry::new(&Actor::local(), "x", "x", serde_json::json!({})),
                ))
            })
            .await;
        assert!(matches!(result, Err(Error::AuditBroken { .. })));
        assert_eq!(contents(&db).await, before);
    }
}
