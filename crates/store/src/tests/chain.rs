//! The audit chain: whatever is done to it without the key shows.

use super::*;
use crate::{AuditFilter, AuditRow, Checkpoint, Verified};

const ROWS: i64 = 40;

async fn filled(db: &TestStore) -> Checkpoint {
    for number in 0..ROWS {
        db.meta()
            .save(&Actor::local(), &format!("fact-{number}"), "x")
            .await
            .unwrap();
        db.clock.advance(jiff::SignedDuration::from_secs(1));
    }
    intact(db, None).await
}

async fn intact(db: &TestStore, earlier: Option<&Checkpoint>) -> Checkpoint {
    match db.audit().verify(&Actor::local(), earlier).await.unwrap() {
        Verified::Intact(checkpoint) => checkpoint,
        broken @ Verified::Broken { .. } => panic!("{broken:?}"),
    }
}

async fn broken_at(db: &TestStore, earlier: Option<&Checkpoint>) -> Option<i64> {
    match db.audit().verify(&Actor::local(), earlier).await.unwrap() {
        Verified::Intact(_) => None,
        Verified::Broken { seq, .. } => Some(seq),
    }
}

/// Keeps a copy of the table, so that each test of it begins with the log as it was.
async fn keep_copy(db: &TestStore) {
    tamper(db, "CREATE TABLE kept AS SELECT * FROM audit", Vec::new()).await;
    tamper(
        db,
        "CREATE TABLE kept_head AS SELECT * FROM audit_head",
        Vec::new(),
    )
    .await;
}

async fn restore(db: &TestStore) {
    for sql in [
        "DELETE FROM audit",
        "DELETE FROM audit_head",
        "INSERT INTO audit SELECT * FROM kept",
        "INSERT INTO audit_head SELECT * FROM kept_head",
    ] {
        tamper(db, sql, Vec::new()).await;
    }
}

#[tokio::test]
async fn an_untouched_log_is_intact_and_grows() {
    for db in every_database().await {
        assert_eq!(intact(&db, None).await.count, 0);
        let checkpoint = filled(&db).await;
        assert_eq!(checkpoint.count, ROWS);
        assert_eq!(
            db.audit().checkpoint(&Actor::local()).await.unwrap(),
            checkpoint
        );
        db.meta()
            .save(&Actor::local(), "one more", "x")
            .await
            .unwrap();
        assert_eq!(intact(&db, Some(&checkpoint)).await.count, ROWS + 1);
    }
}

#[tokio::test]
async fn every_edit_insertion_deletion_and_reordering_shows() {
    let attacks: [(&str, i64); 15] = [
        ("UPDATE audit SET id = 'aud_x' WHERE seq = 7", 7),
        ("UPDATE audit SET at = at + 1 WHERE seq = 7", 7),
        ("UPDATE audit SET actor_id = 'usr_other' WHERE seq = 7", 7),
        ("UPDATE audit SET actor_name = 'other' WHERE seq = 7", 7),
        ("UPDATE audit SET action = 'meta.saved2' WHERE seq = 1", 1),
        ("UPDATE audit SET subject = 'other' WHERE seq = 40", 40),
        ("UPDATE audit SET detail = '{\"a\":1}' WHERE seq = 7", 7),
        (
            "UPDATE audit SET action = action || subject, subject = '' WHERE seq = 7",
            7,
        ),
        ("UPDATE audit SET key_id = code WHERE seq = 7", 7),
        (
            "UPDATE audit SET code = (SELECT k.code FROM kept k WHERE k.seq = 8) WHERE seq = 7",
            7,
        ),
        ("DELETE FROM audit WHERE seq = 7", 7),
        ("DELETE FROM audit WHERE seq > 35", 36),
        ("DELETE FROM audit", 1),
        (
            "INSERT INTO audit SELECT 41, 'aud_new', at, actor_id, actor_name, action, subject, detail, key_id, code FROM kept WHERE seq = 40",
            41,
        ),
        ("UPDATE audit SET seq = seq + 100 WHERE seq >= 20", 20),
    ];
    for db in every_database().await {
        filled(&db).await;
        keep_copy(&db).await;
        for (attack, place) in attacks {
            assert!(tamper(&db, attack, Vec::new()).await > 0, "{attack}");
            assert_eq!(broken_at(&db, None).await, Some(place), "{attack}");
            restore(&db).await;
            assert_eq!(broken_at(&db, None).await, None);
        }
        // Two rows change places, with all that they hold but the number.
        for sql in [
            "UPDATE audit SET seq = 99 WHERE seq = 7",
            "UPDATE audit SET seq = 7 WHERE seq = 8",
            "UPDATE audit SET seq = 8 WHERE seq = 99",
        ] {
            tamper(&db, sql, Vec::new()).await;
        }
        assert_eq!(broken_at(&db, None).await, Some(7));
    }
}

#[tokio::test]
async fn a_truncation_can_not_be_covered_by_a_forged_end() {
    for db in every_database().await {
        let checkpoint = filled(&db).await;
        keep_copy(&db).await;
        tamper(&db, "DELETE FROM audit WHERE seq > 30", Vec::new()).await;
        for attack in [
            "UPDATE audit_head SET count = 30, code = (SELECT code FROM kept WHERE seq = 30)",
            "UPDATE audit_head SET count = 30",
            "DELETE FROM audit_head",
        ] {
            tamper(&db, attack, Vec::new()).await;
            assert_eq!(broken_at(&db, None).await, Some(0), "{attack}");
            // Nor does the next change sign it: nothing can be recorded, so nothing is changed.
            let refused = db.meta().save(&Actor::local(), "fact-0", "changed").await;
            assert!(
                matches!(refused, Err(Error::AuditBroken { .. })),
                "{attack}"
            );
            assert_eq!(
                db.meta()
                    .find(&Actor::local(), "fact-0")
                    .await
                    .unwrap()
                    .as_deref(),
                Some("x")
            );
        }
        restore(&db).await;
        intact(&db, Some(&checkpoint)).await;
    }
}

#[tokio::test]
async fn going_back_to_an_older_state_shows_against_a_checkpoint() {
    for db in every_database().await {
        filled(&db).await;
        keep_copy(&db).await;
        db.meta()
            .save(&Actor::local(), "one more", "x")
            .await
            .unwrap();
        let checkpoint = db.audit().checkpoint(&Actor::local()).await.unwrap();
        restore(&db).await;
        // The older state is whole in itself ...
        assert_eq!(broken_at(&db, None).await, None);
        // ... but not what was signed later, also once it has grown again.
        assert_eq!(broken_at(&db, Some(&checkpoint)).await, Some(ROWS + 1));
        db.meta()
            .save(&Actor::local(), "another", "x")
            .await
            .unwrap();
        assert_eq!(broken_at(&db, Some(&checkpoint)).await, Some(ROWS + 1));
        let forged = Checkpoint {
            count: 3,
            ..checkpoint
        };
        assert_eq!(broken_at(&db, Some(&forged)).await, Some(0));
    }
}

#[tokio::test]
async fn a_log_longer_than_a_page_is_checked_to_its_end() {
    let db = testing::sqlite_memory().await;
    let mut writers = tokio::task::JoinSet::new();
    for number in 0..2100 {
        let store = db.store();
        writers.spawn(async move {
            store
                .meta()
                .save(&Actor::local(), &number.to_string(), "x")
                .await
        });
    }
    assert!(writers.join_all().await.iter().all(Result::is_ok));
    assert_eq!(intact(&db, None).await.count, 2100);
    tamper(
        &db,
        "UPDATE audit SET subject = 'other' WHERE seq = 2050",
        Vec::new(),
    )
    .await;
    assert_eq!(broken_at(&db, None).await, Some(2050));
}

#[tokio::test]
async fn a_check_beside_writers_raises_no_false_alarm() {
    for db in every_database().await {
        let mut writers = tokio::task::JoinSet::new();
        for number in 0..200 {
            let store = db.store();
            writers.spawn(async move {
                store
                    .meta()
                    .save(&Actor::local(), &number.to_string(), "x")
                    .await
            });
        }
        while writers.try_join_next().is_none() && !writers.is_empty() {
            intact(&db, None).await;
        }
        writers.join_all().await;
        assert_eq!(intact(&db, None).await.count, 200);
    }
}

#[tokio::test]
async fn the_log_is_filtered_and_paged() {
    for db in every_database().await {
        filled(&db).await;
        let added = add(&db, "graph").await;
        let list = async |filter: AuditFilter| -> Vec<AuditRow> {
            db.audit().list(&Actor::local(), &filter).await.unwrap()
        };
        let all = list(AuditFilter::default()).await;
        assert_eq!(i64::try_from(all.len()), Ok(ROWS + 1));
        assert_eq!(
            (all[0].action.as_str(), all[0].subject.as_str()),
            ("connection.added", added.id.as_str())
        );
        assert_eq!(all[0].detail["name"], "graph");
        assert_eq!(all[0].actor_id, "local");
        let page = list(AuditFilter {
            before: Some(20),
            limit: 5,
            ..AuditFilter::default()
        })
        .await;
        assert_eq!(
            page.iter().map(|row| row.seq).collect::<Vec<_>>(),
            [19, 18, 17, 16, 15]
        );
        let by_subject = list(AuditFilter {
            subject: Some("fact-3".to_owned()),
            ..AuditFilter::default()
        })
        .await;
        assert_eq!(by_subject.len(), 1);
        let by_action = list(AuditFilter {
            action: Some("connection.added".to_owned()),
            ..AuditFilter::default()
        })
        .await;
        assert_eq!(by_action.len(), 1);
        let nobody = list(AuditFilter {
            actor: Some("' OR 1=1 --".to_owned()),
            ..AuditFilter::default()
        })
        .await;
        assert!(nobody.is_empty());
        let (since, until) = (by_subject[0].at, all[0].at);
        let between = list(AuditFilter {
            since: Some(since),
            until: Some(until),
            ..AuditFilter::default()
        })
        .await;
        assert_eq!(i64::try_from(between.len()), Ok(ROWS - 3));
    }
}
