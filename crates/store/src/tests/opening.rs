//! Opening: the key, the file, the schema, the lock, the server's settings. What is refused is left as it was.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use tempfile::TempDir;

use super::*;
use crate::{Clock, Config, Database, Sharing, Vault};

fn config(directory: &Path) -> Config {
    let mut config = Config::new(Database::Sqlite(directory.join("keyway.db")));
    config.lock_wait = Duration::ZERO;
    config
}

async fn open(directory: &Path) -> Result<Store, Error> {
    let vault = Vault::open_or_create(&directory.join("kek"))?;
    Store::open(&config(directory), vault, Clock::manual(testing::noon())).await
}

/// A closed database with one connection in it.
async fn closed() -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    add(&store, "graph").await;
    store.close().await;
    directory
}

/// A database as it lies there after its process was killed: with a log that was not written back.
async fn killed() -> TempDir {
    let running = tempfile::tempdir().unwrap();
    let store = open(running.path()).await.unwrap();
    add(&store, "graph").await;
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in files(running.path()) {
        std::fs::write(copy.path().join(&name), bytes).unwrap();
    }
    let kek = copy.path().join("kek");
    std::fs::set_permissions(kek, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    store.close().await;
    assert!(
        std::fs::metadata(copy.path().join("keyway.db-wal"))
            .unwrap()
            .len()
            > 0
    );
    copy
}

fn files(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = std::fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .map(|path| {
            (
                PathBuf::from(path.file_name().unwrap()),
                std::fs::read(&path).unwrap(),
            )
        })
        .collect()
}

/// Without the lock and the index of the log, which hold nothing that could be lost.
fn facts(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = files(directory);
    files.remove(Path::new("keyway.db-shm"));
    files.remove(Path::new("keyway.db.lock"));
    files
}

async fn refused(directory: &Path) -> Error {
    let before = facts(directory);
    let error = open(directory).await.err().expect("it is refused");
    let after = facts(directory);
    assert!(
        before == after,
        "{error}: {:?} became {:?}",
        before.keys(),
        after.keys()
    );
    error
}

fn sql(directory: &Path, sql: &str) {
    let connection = rusqlite::Connection::open(directory.join("keyway.db")).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_new_database_and_its_key_are_private() {
    use std::os::unix::fs::PermissionsExt as _;
    let directory = tempfile::tempdir().unwrap();
    let store = open(directory.path()).await.unwrap();
    add(&store, "graph").await;
    for name in [
        "kek",
        "keyway.db",
        "keyway.db-wal",
        "keyway.db-shm",
        "keyway.db.lock",
    ] {
        let found = std::fs::metadata(directory.path().join(name)).unwrap();
        assert_eq!(found.permissions().mode() & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_wrong_key_is_refused_and_nothing_is_written() {
    for directory in [closed().await, killed().await] {
        let directory = directory.path();
        let right = std::fs::read(directory.join("kek")).unwrap();
        let wrong = Vault::ephemeral_text();
        std::fs::write(directory.join("kek"), &wrong).unwrap();
        assert_eq!(
            refused(directory).await,
            Error::WrongKey {
                path: directory.join("kek")
            }
        );
        std::fs::write(directory.join("kek"), right).unwrap();
        let store = open(directory).await.unwrap();
        assert_eq!(
            store
                .connections()
                .list(&Actor::local())
                .await
                .unwrap()
                .len(),
            1
        );
    }
}

#[tokio::test]
async fn a_missing_key_is_refused_and_none_is_made() {
    for directory in [closed().await, killed().await] {
        let directory = directory.path();
        std::fs::remove_file(directory.join("kek")).unwrap();
        assert_eq!(
            refused(directory).await,
            Error::KeyMissing {
                path: directory.join("kek")
            }
        );
        assert!(!directory.join("kek").exists());
    }
}

#[tokio::test]
async fn a_wrong_or_missing_key_is_refused_on_postgresql_too() {
    let db = testing::postgres().await;
    add(&db, "graph").await;
    let count = audit_count(&db).await;
    let other = tempfile::tempdir().unwrap();
    let missing = Vault::open_or_create(&other.path().join("kek")).unwrap();
    let refused = Store::open(&db.config, missing, db.clock.clone())
        .await
        .err();
    assert_eq!(
        refused,
        Some(Error::KeyMissing {
            path: other.path().join("kek")
        })
    );
    assert!(!other.path().join("kek").exists());
    let refused = Store::open(&db.config, Vault::ephemeral(), db.clock.clone())
        .await
        .err();
    assert!(matches!(refused, Some(Error::WrongKey { .. })));
    assert_eq!(audit_count(&db).await, count);
    assert_eq!(
        db.again()
            .await
            .unwrap()
            .connections()
            .list(&Actor::local())
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn a_key_check_that_is_gone_or_moved_is_refused() {
    let directory = closed().await;
    sql(
        directory.path(),
        "UPDATE meta SET sealed = (SELECT sealed FROM connections) WHERE name = 'key_check'",
    );
    assert!(matches!(
        refused(directory.path()).await,
        Error::WrongKey { .. }
    ));
    sql(directory.path(), "DELETE FROM meta");
    assert!(matches!(
        refused(directory.path()).await,
        Error::SchemaChanged { .. }
    ));
}

#[tokio::test]
async fn migrations_run_once() {
    for db in [testing::sqlite_file().await, testing::postgres().await] {
        let before = peek(
            &db,
            "SELECT number, name, checksum, applied_at FROM migrations",
        )
        .await;
        assert!(!before.is_empty());
        db.clock.advance(jiff::SignedDuration::from_hours(1));
        let id = add(&db, "graph").await.id;
        let db = db.reopen().await.unwrap();
        assert_eq!(
            peek(
                &db,
                "SELECT number, name, checksum, applied_at FROM migrations"
            )
            .await,
            before
        );
        assert!(
            db.connections()
                .find_by_id(&Actor::local(), &id)
                .await
                .unwrap()
                .is_some()
        );
    }
}

#[tokio::test]
async fn many_processes_may_make_one_postgresql_database_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let config = Config::new(Database::Postgres(testing::postgres_url()));
    let mut stores = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let config = config.clone();
        let vault = Vault::open_or_create(&directory.path().join("kek")).unwrap();
        stores.spawn(
            async move { Store::open(&config, vault, Clock::manual(testing::noon())).await },
        );
    }
    let mut opened = Vec::new();
    while let Some(store) = stores.join_next().await {
        opened.push(store.unwrap().unwrap());
    }
    let id = add(&opened[0], "graph").await.id;
    for store in &opened {
        let found = store
            .connections()
            .find_by_id(&Actor::local(), &id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.secrets, Some(secrets("fake-client-secret")));
    }
}

fn too_new() -> Error {
    Error::SchemaTooNew {
        found: 9999,
        known: crate::schema::newest(),
    }
}

#[tokio::test]
async fn a_newer_or_different_schema_is_refused() {
    let directory = closed().await;
    let path = directory.path();
    sql(
        path,
        "INSERT INTO migrations VALUES (9999, 'later', 'x', 0)",
    );
    assert_eq!(refused(path).await, too_new());
    sql(
        path,
        "DELETE FROM migrations WHERE number = 9999; UPDATE migrations SET checksum = 'x'",
    );
    assert!(matches!(refused(path).await, Error::SchemaChanged { .. }));
    let db = testing::postgres().await;
    tamper(
        &db,
        "INSERT INTO migrations VALUES (9999, 'later', 'x', 0)",
        Vec::new(),
    )
    .await;
    assert_eq!(db.again().await.err(), Some(too_new()));
}

#[tokio::test]
async fn a_trigger_a_view_or_another_table_is_refused() {
    for (change, undo) in [
        (
            "CREATE TRIGGER evil AFTER INSERT ON tokens BEGIN DELETE FROM audit; END",
            "DROP TRIGGER evil",
        ),
        ("CREATE VIEW evil AS SELECT * FROM tokens", "DROP VIEW evil"),
        ("CREATE TABLE evil (x)", "DROP TABLE evil"),
        (
            "ALTER TABLE tokens ADD COLUMN evil TEXT",
            "ALTER TABLE tokens DROP COLUMN evil",
        ),
    ] {
        let directory = closed().await;
        sql(directory.path(), change);
        let error = refused(directory.path()).await;
        assert!(
            matches!(error, Error::SchemaChanged { .. }),
            "{change}: {error}"
        );
        sql(directory.path(), undo);
        open(directory.path())
            .await
            .unwrap_or_else(|error| panic!("{undo}: {error}"));
    }
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_left_untouched() {
    type Damage = fn(&mut Vec<u8>);
    let damage: [(&str, Damage); 5] = [
        ("header zeroed", |bytes| bytes[..100].fill(0)),
        ("pages zeroed", |bytes| bytes[4096..8 * 4096].fill(0)),
        ("page flipped", |bytes| {
            for byte in &mut bytes[4096..] {
                *byte ^= 0x55;
            }
        }),
        ("truncated", |bytes| bytes.truncate(bytes.len() / 2 + 7)),
        ("another file", |bytes| {
            *bytes = b"#!/bin/sh\nexit 0\n".repeat(500);
        }),
    ];
    for (what, damage) in damage {
        let directory = closed().await;
        let path = directory.path().join("keyway.db");
        let mut bytes = std::fs::read(&path).unwrap();
        damage(&mut bytes);
        std::fs::write(&path, &bytes).unwrap();
        let error = refused(directory.path()).await;
        assert!(matches!(error, Error::Corrupt { .. }), "{what}: {error}");
        let text = error.to_string();
        assert!(
            text.contains("backup") && text.contains(path.to_str().unwrap()),
            "{text}"
        );
    }
}

#[tokio::test]
async fn a_spoiled_index_of_the_log_loses_nothing() {
    let directory = killed().await;
    let path = directory.path().join("keyway.db-shm");
    std::fs::write(&path, vec![0x5a; 32 * 1024]).unwrap();
    let store = open(directory.path()).await.unwrap();
    let listed = store.connections().list(&Actor::local()).await.unwrap();
    assert_eq!(listed[0].secrets, Some(secrets("fake-client-secret")));
}

/// What stood in the log alone is lost with it; that shows against a checkpoint, and the key is still the one.
#[tokio::test]
async fn a_database_whose_log_is_gone_is_not_made_anew() {
    let running = tempfile::tempdir().unwrap();
    let store = open(running.path()).await.unwrap();
    add(&store, "graph").await;
    let earlier = store.audit().checkpoint(&Actor::local()).await.unwrap();
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path();
    std::fs::copy(running.path().join("keyway.db"), path.join("keyway.db")).unwrap();
    std::fs::write(path.join("kek"), Vault::ephemeral_text()).unwrap();
    let private = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(path.join("kek"), private).unwrap();
    assert!(matches!(refused(path).await, Error::WrongKey { .. }));
    std::fs::remove_file(path.join("kek")).unwrap();
    assert!(matches!(refused(path).await, Error::KeyMissing { .. }));
    std::fs::copy(running.path().join("kek"), path.join("kek")).unwrap();
    let left = open(path).await.unwrap();
    let verified = left.audit().verify(&Actor::local(), Some(&earlier)).await;
    assert!(
        matches!(verified, Ok(crate::Verified::Broken { .. })),
        "{verified:?}"
    );
}

#[tokio::test]
async fn a_database_of_another_program_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    sql(
        directory.path(),
        "CREATE TABLE precious (x); INSERT INTO precious VALUES (1)",
    );
    let error = refused(directory.path()).await;
    assert!(
        matches!(&error, Error::Corrupt { detail, .. } if detail.contains("another program")),
        "{error}"
    );
}

#[tokio::test]
async fn after_a_kill_everything_acknowledged_is_there() {
    let directory = killed().await;
    let store = open(directory.path()).await.unwrap();
    let listed = store.connections().list(&Actor::local()).await.unwrap();
    assert_eq!(listed[0].secrets, Some(secrets("fake-client-secret")));
}

#[tokio::test]
async fn a_second_process_is_refused_until_the_first_has_closed() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await.unwrap();
    let locked = Error::Locked {
        path: directory.path().join("keyway.db.lock"),
    };
    assert_eq!(open(directory.path()).await.err(), Some(locked.clone()));
    let mut shared = config(directory.path());
    shared.sharing = Sharing::Shared;
    let vault = || Vault::from_file(&directory.path().join("kek")).unwrap();
    let refused = Store::open(&shared, vault(), Clock::system()).await.err();
    assert_eq!(refused, Some(locked.clone()));
    // A clone keeps it open.
    first.clone().close().await;
    first.ping().await.unwrap();
    first.close().await;
    let one = Store::open(&shared, vault(), Clock::system())
        .await
        .unwrap();
    let two = Store::open(&shared, vault(), Clock::system())
        .await
        .unwrap();
    assert_eq!(open(directory.path()).await.err(), Some(locked));
    add(&one, "one").await;
    add(&two, "two").await;
    assert_eq!(
        one.connections().list(&Actor::local()).await.unwrap().len(),
        2
    );
    one.close().await;
    two.close().await;
    open(directory.path()).await.unwrap();
}

#[tokio::test]
async fn a_sole_owner_waits_for_the_one_before_to_close() {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).await.unwrap();
    let mut patient = config(directory.path());
    patient.lock_wait = Duration::from_mins(1);
    let vault = Vault::from_file(&directory.path().join("kek")).unwrap();
    let second = Store::open(&patient, vault, Clock::system());
    let (second, ()) = tokio::join!(second, first.close());
    second.unwrap().ping().await.unwrap();
}

#[tokio::test]
async fn a_directory_that_is_missing_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let vault = Vault::open_or_create(&directory.path().join("kek")).unwrap();
    let error = Store::open(&config(&missing), vault, Clock::system())
        .await
        .err()
        .unwrap();
    assert!(
        error.to_string().contains(missing.to_str().unwrap()),
        "{error}"
    );
    assert!(!directory.path().join("kek").exists());
}

#[tokio::test]
async fn paths_with_odd_characters_are_opened_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let odd = directory.path().join("a?mode=memory&x#%41 b");
    std::fs::create_dir(&odd).unwrap();
    let store = open(&odd).await.unwrap();
    add(&store, "graph").await;
    store.close().await;
    assert!(odd.join("keyway.db").exists());
    let store = open(&odd).await.unwrap();
    assert_eq!(
        store
            .connections()
            .list(&Actor::local())
            .await
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn unsafe_settings_of_postgresql_are_refused() {
    let url = testing::postgres_url();
    let database = url.rsplit('/').next().unwrap();
    testing::postgres_admin(
        &url,
        &format!("ALTER DATABASE {database} SET synchronous_commit = off"),
    );
    let config = Config::new(Database::Postgres(url.clone()));
    let error = Store::open(&config, Vault::ephemeral(), Clock::system())
        .await
        .err()
        .unwrap();
    assert!(
        matches!(&error, Error::Unsafe { detail } if detail.contains("synchronous_commit")),
        "{error}"
    );
    let tables = "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = 'public'";
    assert_eq!(testing::postgres_admin(&url, tables).trim(), "0");
    testing::postgres_admin(
        &url,
        &format!("ALTER DATABASE {database} RESET synchronous_commit"),
    );
    Store::open(&config, Vault::ephemeral(), Clock::system())
        .await
        .unwrap();
}

#[tokio::test]
async fn a_postgresql_that_does_not_answer_is_named_after_the_wait() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let check = async |url: String| {
        let mut config = Config::new(Database::Postgres(url));
        config.connect_wait = Duration::from_millis(300);
        Store::open(&config, Vault::ephemeral(), Clock::system())
            .await
            .err()
            .unwrap()
    };
    let error = check(format!("postgres://postgres@127.0.0.1:{port}/none")).await;
    assert!(matches!(error, Error::Unavailable(_)), "{error}");
    // A wrong database is not waited for.
    let url = testing::postgres_url();
    let begun = std::time::Instant::now();
    let mut config = Config::new(Database::Postgres(format!("{url}_none")));
    config.connect_wait = Duration::from_mins(10);
    let error = Store::open(&config, Vault::ephemeral(), Clock::system())
        .await
        .err()
        .unwrap();
    assert!(error.to_string().contains("does not exist"), "{error}");
    assert!(begun.elapsed() < Duration::from_mins(5));
    let error = check("postgres://postgres@127.0.0.1/x?sslmode=perhaps".to_owned()).await;
    assert!(matches!(error, Error::Config { .. }), "{error}");
}
