//! The writer: groups, savepoints, lost connections, callers that go away.

use super::*;
use crate::{Database, Outcome};

async fn put(store: &Store, name: String, fail: bool) -> Result<(), Error> {
    let work = move |tx: &mut crate::Tx<'_>, _: &crate::Shared| {
        tx.execute(
            "INSERT INTO meta (name, value) VALUES ($1, $1)",
            [name.as_str().into()],
        )?;
        if fail {
            return Err(Error::StorageFull);
        }
        Ok(Outcome::unaudited(()))
    };
    store.change(work).await
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_group_each_job_fails_or_holds_alone() {
    for db in every_database().await {
        put(&db, "taken".to_owned(), false).await.unwrap();
        let mut jobs = tokio::task::JoinSet::new();
        for number in 0..300 {
            let store = db.store();
            jobs.spawn(async move {
                // One of three fails by itself, one of three in the database.
                let name = if number % 3 == 1 {
                    "taken".to_owned()
                } else {
                    format!("job-{number}")
                };
                let done = put(&store, name, number % 3 == 0).await;
                match number % 3 {
                    0 => assert_eq!(done, Err(Error::StorageFull)),
                    1 => assert!(matches!(done, Err(Error::Database(_))), "{done:?}"),
                    _ => assert_eq!(done, Ok(())),
                }
            });
        }
        jobs.join_all().await;
        let rows = peek(&db, "SELECT COUNT(*) FROM meta WHERE name LIKE 'job-%'").await;
        assert_eq!(rows[0].int(0).unwrap(), 100);
    }
}

#[tokio::test]
async fn an_answer_means_that_it_is_committed() {
    for db in [testing::sqlite_file().await, testing::postgres().await] {
        let second = db.again().await.unwrap();
        for number in 0..20 {
            let text = format!("connection-{number}");
            add(&db, &text).await;
            assert!(
                second
                    .connections()
                    .find(&Actor::local(), &name(&text))
                    .await
                    .unwrap()
                    .is_some()
            );
        }
    }
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_the_change_whole() {
    for db in every_database().await {
        {
            let local = Actor::local();
            let new = NewConnection {
                name: name("graph"),
                settings: graph_settings(),
                secrets: Secrets::none(),
            };
            let connections = db.connections();
            let mut abandoned = std::pin::pin!(connections.add(&local, new));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            let _ = abandoned.as_mut().poll(&mut context);
        }
        // The next write comes after it.
        add(&db, "next").await;
        assert!(
            db.connections()
                .find(&Actor::local(), &name("graph"))
                .await
                .unwrap()
                .is_some()
        );
        assert_eq!(audit_count(&db).await, 2);
    }
}

#[tokio::test]
async fn a_lost_connection_is_opened_again() {
    let db = testing::postgres().await;
    let Database::Postgres(url) = &db.config.database else {
        panic!("this is PostgreSQL");
    };
    for round in 0..3 {
        add(&db, &format!("before-{round}")).await;
        db.ping().await.unwrap();
        let ended = testing::postgres_admin(
            url,
            "SELECT COUNT(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()",
        );
        assert!(ended.trim().parse::<u32>().unwrap() >= 2, "{ended}");
        if round == 1 {
            db.ping().await.unwrap();
        }
        add(&db, &format!("after-{round}")).await;
        db.ping().await.unwrap();
    }
    assert_eq!(
        db.connections().list(&Actor::local()).await.unwrap().len(),
        6
    );
}

#[tokio::test]
async fn work_that_overlooks_a_failed_statement_fails_all_the_same() {
    for db in every_database().await {
        put(&db, "taken".to_owned(), false).await.unwrap();
        let work = |tx: &mut crate::Tx<'_>, _: &crate::Shared| {
            tx.execute("INSERT INTO meta (name) VALUES ('new')", [])?;
            drop(tx.execute("INSERT INTO meta (name) VALUES ('taken')", []));
            Ok(Outcome::unaudited(()))
        };
        assert!(matches!(db.change(work).await, Err(Error::Database(_))));
        let rows = peek(&db, "SELECT name FROM meta WHERE name = 'new'").await;
        assert!(rows.is_empty());
    }
}

#[tokio::test]
async fn a_closed_store_says_so() {
    let db = testing::sqlite_memory().await;
    let work = |_: &mut crate::Tx<'_>, _: &crate::Shared| -> Result<Outcome<()>, Error> {
        panic!("a bug in a job")
    };
    let lost = db.change(work).await;
    assert!(matches!(lost, Err(Error::Unavailable(_))));
    assert!(matches!(db.ping().await, Err(Error::Unavailable(_))));
}

#[test]
fn values_of_another_type_are_an_error_not_a_panic() {
    let row = Row(vec![
        Value::Int(1),
        Value::Text("x".to_owned()),
        Value::Null,
        Value::Bytes(vec![1]),
    ]);
    assert_eq!(row.int(0), Ok(1));
    assert_eq!(row.opt_text(2), Ok(None));
    assert!(row.text(0).is_err() && row.int(1).is_err() && row.bytes(1).is_err());
    assert!(row.text(2).is_err() && row.int(9).is_err() && row.time(3).is_err());
    assert!(Row(vec![Value::Int(i64::MAX)]).time(0).is_err());
}

#[tokio::test]
async fn a_full_disk_refuses_changes_and_heals_without_a_restart() {
    let db = testing::sqlite_file().await;
    let first = add(&db, "graph").await;
    let limit = async |pages: i64| {
        let work = move |tx: &mut crate::Tx<'_>| {
            let sql = if pages == 0 {
                "PRAGMA max_page_count = 1"
            } else {
                "PRAGMA max_page_count = 1000000"
            };
            tx.query(sql, [])
        };
        db.inner.db.write(work, |_| ()).await.unwrap();
    };
    limit(0).await;
    let mut refused = 0;
    for number in 0..200 {
        match db
            .meta()
            .save(
                &Actor::local(),
                &format!("{number}-{}", "x".repeat(500)),
                "x",
            )
            .await
        {
            Ok(()) => assert_eq!(refused, 0, "it was full before"),
            Err(error) => {
                assert_eq!(error, Error::StorageFull);
                refused += 1;
            }
        }
    }
    assert!(refused > 0);
    assert_eq!(
        db.connections()
            .find_by_id(&Actor::local(), &first.id)
            .await
            .unwrap(),
        Some(first)
    );
    limit(1).await;
    add(&db, "after").await;
    assert!(matches!(
        db.audit().verify(&Actor::local(), None).await,
        Ok(crate::Verified::Intact(_))
    ));
}
