//! Keys of the installation are rotated while everything goes on.

use jiff::SignedDuration;
use serde_json::json;

use super::runs::{begun, flow, new_run, step};
use super::*;
use crate::{Sharing, TableOperation, Verified, WebhookSettings, encryption, testing::sqlite_file};

/// Something sealed in as many places as there are handles for.
async fn fill(db: &TestStore) -> Connection {
    let local = Actor::local();
    let graph = add(db, "graph").await;
    let set = token_set(db, "fake-access-token", Some("fake-refresh-token"));
    let tokens = db.tokens();
    tokens
        .store_first(&local, &graph.id, &set, None)
        .await
        .unwrap();
    let secrets = db.secrets();
    secrets
        .save(&local, &name("hr"), &json!("fake-plain-secret"))
        .await
        .unwrap();
    let put = TableOperation::Put {
        table: "people".to_owned(),
        key: "ada".to_owned(),
        value: json!({ "mail": "ada@contoso.example" }),
        version: None,
    };
    db.tables().operate(&local, put).await.unwrap();
    let webhook = WebhookSettings {
        name: name("ops"),
        url: "https://hooks.contoso.example/".parse().unwrap(),
        types: Vec::new(),
        disabled_why: None,
    };
    db.webhooks().add(&local, webhook).await.unwrap();
    let id = flow(db, "filled").await;
    let run = begun(db, new_run(&id, Some("me"))).await;
    let long = "x".repeat(100_000);
    for (position, line) in [(1, "\"short\""), (2, &format!("\"{long}\""))] {
        db.runs()
            .commit(step(&run, 1, position, &[line]))
            .await
            .unwrap();
    }
    graph
}

/// What `fill` has stored opens.
async fn check(db: &Store, graph: &Connection) {
    let local = Actor::local();
    let found = db.connections().find_by_id(&local, &graph.id).await;
    assert_eq!(found.unwrap().unwrap().secrets, graph.secrets);
    let row = db.tokens().read(&graph.id).await.unwrap();
    let token = row.token.unwrap();
    assert_eq!(token.access_token.expose(), "fake-access-token");
    let secret = db.secrets().read(&name("hr")).await.unwrap();
    assert_eq!(secret, Some(json!("fake-plain-secret")));
    let webhook = db.webhooks().find(&local, &name("ops")).await.unwrap();
    assert!(webhook.unwrap().secrets.is_some());
    let verified = db.audit().verify(&local, None).await.unwrap();
    assert!(matches!(verified, Verified::Intact(_)), "{verified:?}");
}

fn keys_in_file(db: &TestStore) -> usize {
    let text = std::fs::read_to_string(db.key_file()).unwrap();
    text.lines().count()
}

#[tokio::test]
async fn after_a_rotation_nothing_is_sealed_with_the_old_key() {
    for db in every_database().await {
        let local = Actor::local();
        let graph = fill(&db).await;
        let before = db.encryption_keys().list(&local).await.unwrap();
        assert_eq!(before.len(), 1);
        assert!(before[0].seals && before[0].rows > 8, "{before:?}");
        let checkpoint = db.audit().checkpoint(&local).await.unwrap();
        db.clock.advance(SignedDuration::from_hours(1));
        let id = db.encryption_keys().rotate(&local).await.unwrap();
        assert_eq!(
            last_action(&db).await,
            ("encryption_key.rotated".to_owned(), id.clone())
        );
        check(&db, &graph).await;
        db.clock.advance(SignedDuration::from_mins(10));
        let done = db.encryption_keys().go_on().await.unwrap();
        assert_eq!(done.unreadable, 0);
        let keys = db.encryption_keys().list(&local).await.unwrap();
        assert_eq!((keys[0].id.as_str(), keys[0].seals), (id.as_str(), true));
        assert_eq!((keys[1].rows, keys[1].seals), (0, false));
        assert_eq!(keys[1].retired_at, Some(db.clock.now()));
        assert_eq!(keys_in_file(&db), 1);
        check(&db, &graph).await;
        // A checkpoint that the old key has signed still holds, also for a process that never knew it.
        let verified = db.audit().verify(&local, Some(&checkpoint)).await;
        assert!(matches!(verified, Ok(Verified::Intact(_))));
        if !matches!(db.config.database, crate::Database::SqliteMemory) {
            let db = db.reopen().await.unwrap();
            check(&db, &graph).await;
            let verified = db.audit().verify(&local, Some(&checkpoint)).await;
            assert!(matches!(verified, Ok(Verified::Intact(_))));
            assert_eq!(
                db.encryption_keys().go_on().await,
                Ok(crate::Resealed::default())
            );
        }
    }
}

#[tokio::test]
async fn a_rotation_that_was_cut_off_is_gone_on_from() {
    for mut db in [sqlite_file().await, testing::postgres().await] {
        let local = Actor::local();
        let graph = fill(&db).await;
        db.encryption_keys().rotate(&local).await.unwrap();
        // Written with both keys in the file, by a process that ends now.
        let db = {
            db.config.sharing = Sharing::Sole;
            db.reopen().await.unwrap()
        };
        check(&db, &graph).await;
        assert_eq!(keys_in_file(&db), 2);
        db.clock.advance(SignedDuration::from_mins(10));
        let done = db.encryption_keys().go_on().await.unwrap();
        assert!(done.rows > 6, "{done:?}");
        assert_eq!(keys_in_file(&db), 1);
        check(&db, &graph).await;
    }
}

#[tokio::test]
async fn another_process_follows_and_the_old_key_waits_for_it() {
    for db in [sqlite_file().await, testing::postgres().await] {
        let local = Actor::local();
        let graph = fill(&db).await;
        let other = db.again().await.unwrap();
        let id = db.encryption_keys().rotate(&local).await.unwrap();
        db.encryption_keys().go_on().await.unwrap();
        // Not before everybody had time to see it.
        assert_eq!(keys_in_file(&db), 2);
        check(&other, &graph).await;
        add(&other, "second").await;
        let keys = other.encryption_keys().list(&local).await.unwrap();
        assert!(keys[0].seals && keys[0].id == id, "{keys:?}");
        db.clock.advance(SignedDuration::from_mins(10));
        db.encryption_keys().go_on().await.unwrap();
        assert_eq!(keys_in_file(&db), 1);
        check(&other, &graph).await;
        check(&db, &graph).await;
    }
}

#[tokio::test]
async fn a_damaged_value_does_not_hold_a_rotation_up() {
    let db = sqlite_file().await;
    let local = Actor::local();
    let graph = fill(&db).await;
    tamper(
        &db,
        "UPDATE secrets SET sealed = SUBSTR(sealed, 1, 60)",
        Vec::new(),
    )
    .await;
    db.encryption_keys().rotate(&local).await.unwrap();
    db.clock.advance(SignedDuration::from_mins(10));
    let done = db.encryption_keys().go_on().await.unwrap();
    assert_eq!(done.unreadable, 1);
    assert_eq!(keys_in_file(&db), 1);
    let found = db.connections().find_by_id(&local, &graph.id).await;
    assert_eq!(found.unwrap().unwrap().secrets, graph.secrets);
}

#[tokio::test]
async fn a_key_that_somebody_put_into_the_file_is_taken() {
    let db = sqlite_file().await;
    let graph = fill(&db).await;
    let old = std::fs::read_to_string(db.key_file()).unwrap();
    let new = crate::Vault::ephemeral_text();
    std::fs::write(db.key_file(), format!("{new}\n{old}")).unwrap();
    db.encryption_keys().rotate(&Actor::local()).await.unwrap();
    assert!(
        std::fs::read_to_string(db.key_file())
            .unwrap()
            .starts_with(&new)
    );
    check(&db, &graph).await;
    let operator = actor(Role::Operator);
    let refused = db.encryption_keys().rotate(&operator).await;
    assert!(is_forbidden(refused, Role::Admin));
}

/// Columns of bytes that hold no sealed value: hashes, fingerprints, signatures.
const NOT_SEALED: [&str; 12] = [
    "api_keys.token_hash",
    "approvals.token_hash",
    "attempts.account",
    "audit.code",
    "audit.key_id",
    "audit_head.code",
    "audit_head.key_id",
    "audit_head.signature",
    "authorizations.browser_hash",
    "authorizations.state_hash",
    "authorizations.ticket_hash",
    "sessions.token_hash",
];

#[tokio::test]
async fn no_column_of_sealed_values_is_forgotten() {
    let db = testing::sqlite_memory().await;
    let columns = peek(
        &db,
        "SELECT m.name || '.' || c.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c
         WHERE m.type = 'table' AND c.type IN ('BYTEA', 'BLOB') ORDER BY 1",
    )
    .await;
    let mut found: Vec<String> = columns
        .iter()
        .map(|row| row.text(0).unwrap().to_owned())
        .filter(|column| !NOT_SEALED.contains(&column.as_str()))
        .collect();
    found.sort();
    let mut known = encryption::columns();
    known.sort();
    assert_eq!(found, known);
}
