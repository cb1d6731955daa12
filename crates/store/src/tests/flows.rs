//! Definitions, plain secrets, schedules and approvals.

use jiff::SignedDuration;
use serde_json::json;

use super::runs::{begun, flow, new_run, text};
use super::*;
use crate::{
    ApprovalId, Approvals, Deployment, DueTrigger, FiringOutcome, FlowOrigin, Gathering,
    NewApproval, NewFiring, RunStatus, Trigger,
};

#[tokio::test]
async fn versions_are_kept_and_the_same_text_changes_nothing() {
    for db in every_database().await {
        let local = Actor::local();
        let deploy = |source: &'static str| {
            let db = db.store();
            async move {
                let new = text("leaver", source);
                db.flows().deploy(&Actor::local(), new).await.unwrap()
            }
        };
        let (first, deployment) = deploy("a").await;
        assert_eq!((first.current, deployment), (1, Deployment::Created));
        let audited = audit_count(&db).await;
        assert_eq!(deploy("a").await, (first.clone(), Deployment::Unchanged));
        assert_eq!(audit_count(&db).await, audited);
        db.clock.advance(SignedDuration::from_secs(1));
        let (second, deployment) = deploy("b").await;
        assert_eq!((second.current, deployment), (2, Deployment::Added));
        assert_eq!(second.id, first.id);
        let versions = db.flows().versions(&local, &first.id).await.unwrap();
        let sources: Vec<&str> = versions
            .iter()
            .map(|version| version.source.as_str())
            .collect();
        assert_eq!(sources, ["b", "a"]);
        let rolled = db.flows().roll_to(&local, &first.id, 1).await.unwrap();
        assert_eq!(rolled.current, 1);
        assert_eq!(last_action(&db).await.0, "flow.rolled");
        // Back at the older text, the newer one is a change again.
        assert_eq!(deploy("b").await.0.current, 3);
        let missing = db.flows().roll_to(&local, &first.id, 9).await;
        assert!(matches!(missing, Err(Error::NotFound { .. })));
        assert!(is_forbidden(
            db.flows()
                .deploy(&actor(Role::Operator), text("x", "x"))
                .await,
            Role::Admin
        ));
        let found = db.flows().find(&local, "contoso", "leaver").await.unwrap();
        assert_eq!(found.unwrap().id, first.id);
        assert_eq!(db.flows().list(&local).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_text_made_from_another_version_is_refused() {
    for db in every_database().await {
        let deploy = async |source: &'static str, based_on| {
            let mut new = text("leaver", source);
            new.based_on = based_on;
            let deployed = db.flows().deploy(&Actor::local(), new).await;
            deployed.map(|(record, _)| record.current)
        };
        let stale = |result| matches!(result, Err(Error::Version { current: 2 }));
        assert_eq!(deploy("a", Some(0)).await.unwrap(), 1);
        assert_eq!(deploy("b", Some(1)).await.unwrap(), 2);
        assert!(stale(deploy("c", Some(1)).await));
        assert!(stale(deploy("c", Some(0)).await));
        assert!(stale(deploy("b", Some(1)).await));
        assert_eq!(deploy("c", Some(2)).await.unwrap(), 3);
        assert_eq!(deploy("d", None).await.unwrap(), 4);
    }
}

#[tokio::test]
async fn a_flow_is_switched_off_and_deleted_when_nothing_runs() {
    for db in every_database().await {
        let local = Actor::local();
        let id = flow(&db, "leaver").await;
        let off = db.flows().disable(&local, &id).await.unwrap();
        assert_eq!(off.disabled_at, Some(db.clock().now()));
        assert_eq!(last_action(&db).await.0, "flow.disabled");
        assert_eq!(
            db.flows().enable(&local, &id).await.unwrap().disabled_at,
            None
        );
        let run = begun(&db, new_run(&id, Some("me"))).await;
        let refused = db.flows().remove(&local, &id).await;
        assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
        let mut over = super::runs::step(&run, 1, 1, &[]);
        over.next = crate::Next::End {
            status: RunStatus::Cancelled,
            output: None,
            error: None,
        };
        db.runs().commit(over).await.unwrap();
        db.flows().remove(&local, &id).await.unwrap();
        assert_eq!(db.flows().find_by_id(&local, &id).await.unwrap(), None);
        for sql in [
            "SELECT COUNT(*) FROM runs",
            "SELECT COUNT(*) FROM journal",
            "SELECT COUNT(*) FROM flow_versions",
        ] {
            assert_eq!(peek(&db, sql).await[0].int(0), Ok(0), "{sql}");
        }
    }
}

#[tokio::test]
async fn a_text_that_is_run_once_has_no_name_and_goes_with_its_runs() {
    for db in every_database().await {
        let local = Actor::local();
        let operator = actor(Role::Operator);
        let deployed = flow(&db, "leaver").await;
        let keep = async |by| db.flows().keep_once(by, text("leaver", "once")).await;
        let kept = keep(&operator).await.unwrap();
        assert_eq!(
            (kept.name.as_str(), kept.origin),
            ("leaver", FlowOrigin::Once)
        );
        assert_eq!(last_action(&db).await.0, "flow.run_once");
        let again = keep(&operator).await.unwrap();
        assert_eq!(again.id, kept.id, "the same text is kept once");
        let viewer = actor(Role::Viewer);
        assert!(is_forbidden(keep(&viewer).await, Role::Operator));
        let listed = db.flows().list(&local).await.unwrap();
        let ids: Vec<_> = listed.iter().map(|listed| &listed.id).collect();
        assert_eq!(ids, [&deployed], "it is in no list");
        let digest = text("leaver", "once").digest;
        for name in ["leaver".to_owned(), format!("leaver~{digest}")] {
            let found = db.flows().find(&local, "contoso", &name).await.unwrap();
            assert!(
                found.is_none_or(|found| found.id == deployed),
                "{name} leads to it"
            );
        }
        let run = begun(&db, new_run(&kept.id, Some("me"))).await;
        let mut over = super::runs::step(&run, 1, 1, &[]);
        over.next = crate::Next::End {
            status: RunStatus::Cancelled,
            output: None,
            error: None,
        };
        db.runs().commit(over).await.unwrap();
        let is_kept = async || db.flows().find_by_id(&local, &kept.id).await.unwrap();
        db.clock.advance(SignedDuration::from_hours(2));
        db.runs().sweep(14, 100).await.unwrap();
        assert!(is_kept().await.is_some(), "a run of it is left");
        db.runs().remove(&local, &run).await.unwrap();
        keep(&operator).await.unwrap();
        db.runs().sweep(14, 100).await.unwrap();
        assert!(is_kept().await.is_some(), "it may be about to get a run");
        db.clock.advance(SignedDuration::from_hours(2));
        db.runs().sweep(14, 100).await.unwrap();
        assert!(is_kept().await.is_none());
        assert_eq!(db.flows().list(&local).await.unwrap().len(), 1);
    }
}

#[tokio::test]
async fn a_plain_secret_is_sealed_and_read_by_runs_only() {
    for db in every_database().await {
        let local = Actor::local();
        let value = json!({ "password": "fake-password-1" });
        let saved = db
            .secrets()
            .save(&local, &name("Smtp"), &value)
            .await
            .unwrap();
        assert_eq!(saved.version, 1);
        assert_eq!(
            last_action(&db).await,
            ("secret.saved".into(), "Smtp".into())
        );
        let rows = peek(&db, "SELECT sealed FROM secrets").await;
        let sealed = rows[0].bytes(0).unwrap();
        assert!(!sealed.windows(4).any(|window| window == b"fake"));
        assert_eq!(db.secrets().read(&name("smtp")).await.unwrap(), Some(value));
        let again = db
            .secrets()
            .save(&local, &name("smtp"), &json!("fake-2"))
            .await
            .unwrap();
        assert_eq!(again.version, 2);
        assert_eq!(
            db.secrets().list(&actor(Role::Viewer)).await.unwrap(),
            [again]
        );
        let wrong = db.secrets().save(&local, &name("n"), &json!(1)).await;
        assert!(matches!(wrong, Err(Error::Invalid { .. })));
        db.secrets().remove(&local, &name("SMTP")).await.unwrap();
        assert_eq!(db.secrets().read(&name("smtp")).await.unwrap(), None);
        assert!(is_forbidden(
            db.secrets()
                .save(&actor(Role::Operator), &name("x"), &json!("x"))
                .await,
            Role::Admin
        ));
    }
}

#[tokio::test]
async fn a_nominal_time_is_served_once() {
    for db in every_database().await {
        let id = flow(&db, "nightly").await;
        let now = db.clock().now();
        let at = |hours: i64| now + SignedDuration::from_hours(hours);
        db.schedules()
            .arm(&id, vec![("cron".to_owned(), Some(at(1)))])
            .await
            .unwrap();
        assert_eq!(db.schedules().due(None, 10).await.unwrap(), []);
        assert_eq!(
            db.schedules().next_due(jiff::Timestamp::MIN).await.unwrap(),
            Some(at(1))
        );
        db.clock.advance(SignedDuration::from_hours(3));
        let due = DueTrigger {
            flow: id.clone(),
            trigger: "cron".to_owned(),
            nominal: at(1),
        };
        assert_eq!(
            db.schedules().due(None, 10).await.unwrap(),
            std::slice::from_ref(&due)
        );
        let firing = || {
            let mut new = new_run(&id, None);
            new.trigger = Trigger::Schedule {
                trigger: "cron".to_owned(),
                nominal: at(2),
            };
            new.firing = Some(NewFiring::Time {
                trigger: "cron".to_owned(),
                due: at(1),
                nominal: at(2),
                missed: vec![at(1)],
                next: Some(at(4)),
            });
            new
        };
        let run = begun(&db, firing()).await;
        let second = db.runs().begin(firing()).await;
        assert!(matches!(second, Err(Error::Conflict { .. })), "{second:?}");
        db.schedules()
            .pass(due, vec![(at(1), FiringOutcome::Skipped)], None)
            .await
            .unwrap();
        let local = Actor::local();
        let firings = db.schedules().firings(&local, &id, 0).await.unwrap();
        let told: Vec<_> = firings
            .iter()
            .map(|firing| (firing.nominal, firing.outcome, firing.run.clone()))
            .collect();
        assert_eq!(
            told,
            [
                (at(2), FiringOutcome::Started, Some(run)),
                (at(1), FiringOutcome::Missed, None)
            ]
        );
        // A clock that goes back serves nothing twice; another definition has other triggers.
        db.clock.advance(SignedDuration::from_hours(-3));
        assert_eq!(db.schedules().due(None, 10).await.unwrap(), []);
        let triggers = vec![
            ("cron".to_owned(), Some(at(9))),
            ("every".to_owned(), Some(at(1))),
        ];
        db.schedules().arm(&id, triggers).await.unwrap();
        assert_eq!(
            db.schedules().of_flow(&local, &id).await.unwrap(),
            [
                ("cron".to_owned(), Some(at(4))),
                ("every".to_owned(), Some(at(1)))
            ]
        );
        db.schedules().arm(&id, Vec::new()).await.unwrap();
        assert_eq!(
            db.schedules().next_due(jiff::Timestamp::MIN).await.unwrap(),
            None
        );
    }
}

#[tokio::test]
async fn triggers_that_are_due_are_paged_through() {
    for db in every_database().await {
        let now = db.clock().now();
        let mut expected = Vec::new();
        for name in ["one", "other"] {
            let flow = flow(&db, name).await;
            let times = [
                ("a", now),
                ("b", now),
                ("c", now - SignedDuration::from_hours(1)),
            ];
            let armed = times.map(|(trigger, at)| (trigger.to_owned(), Some(at)));
            db.schedules().arm(&flow, armed.to_vec()).await.unwrap();
            expected.extend(times.map(|(trigger, nominal)| DueTrigger {
                flow: flow.clone(),
                trigger: trigger.to_owned(),
                nominal,
            }));
        }
        expected.sort_by_key(|due| (due.nominal, due.flow.to_string(), due.trigger.clone()));
        let mut found: Vec<DueTrigger> = Vec::new();
        for size in [2, 2, 2, 0] {
            let page = db.schedules().due(found.last(), 2).await.unwrap();
            assert_eq!(page.len(), size);
            found.extend(page);
        }
        assert_eq!(found, expected);
    }
}

#[tokio::test]
async fn what_a_trigger_gathers_is_taken_once() {
    for db in every_database().await {
        let id = flow(&db, "both").await;
        db.schedules()
            .arm(&id, vec![("on".to_owned(), None)])
            .await
            .unwrap();
        assert_eq!(
            db.schedules().gathered(&id, "on").await.unwrap(),
            Some((0, None))
        );
        let gather = async |revision, value| {
            let gathering = Gathering {
                flow: id.clone(),
                trigger: "on".to_owned(),
                revision,
                value,
            };
            db.schedules().gather(gathering).await.unwrap()
        };
        assert!(gather(0, json!(["a"])).await);
        assert!(!gather(0, json!(["b"])).await);
        assert_eq!(
            db.schedules().gathered(&id, "on").await.unwrap(),
            Some((1, Some(json!(["a"]))))
        );
        let firing = |revision| {
            let mut new = new_run(&id, None);
            new.firing = Some(NewFiring::Gathered {
                trigger: "on".to_owned(),
                revision,
                keys: vec!["event:a".to_owned(), "event:b".to_owned()],
            });
            new
        };
        let run = begun(&db, firing(1)).await;
        assert!(matches!(
            db.runs().begin(firing(1)).await,
            Err(Error::Conflict { .. })
        ));
        // Each of the events that it was started with is known as used.
        for key in ["event:a", "event:b"] {
            let found = db.runs().find_by_key(&id, key).await;
            assert_eq!(found, Ok(Some(run.clone())), "{key}");
        }
        assert_eq!(
            db.schedules().gathered(&id, "on").await.unwrap(),
            Some((2, None))
        );
    }
}

#[tokio::test]
async fn a_question_is_answered_once() {
    for db in every_database().await {
        let id = flow(&db, "deletion").await;
        let token = Approvals::new_token();
        let mut new = new_run(&id, Some("me"));
        new.first.approvals = vec![NewApproval {
            id: ApprovalId::random(),
            command: "/do/0/ask".to_owned(),
            token: token.clone(),
            title: "Delete Adele?".to_owned(),
            detail: json!({ "user": "adele@contoso.example" }),
            expires_at: Some(db.clock().now() + SignedDuration::from_hours(1)),
        }];
        let run = begun(&db, new).await;
        let rows = peek(&db, "SELECT token_hash FROM approvals").await;
        assert_ne!(rows[0].bytes(0).unwrap(), token.expose().as_bytes());
        assert_eq!(
            db.approvals().find_by_token("kwa_other").await.unwrap(),
            None
        );
        let found = db
            .approvals()
            .find_by_token(token.expose())
            .await
            .unwrap()
            .unwrap();
        assert_eq!((&found.run, found.decided_at), (&run, None));
        assert_eq!(
            db.approvals().list(&Actor::local()).await.unwrap(),
            std::slice::from_ref(&found)
        );
        assert_eq!(
            db.approvals().of_run(&run).await.unwrap(),
            std::slice::from_ref(&found)
        );
        let decide = || {
            let (db, found) = (db.store(), found.clone());
            async move {
                let approvals = db.approvals();
                approvals
                    .decide(&Actor::local(), &found, "approved", &json!("yes"))
                    .await
            }
        };
        decide().await.unwrap();
        assert_eq!(last_action(&db).await.0, "approval.decided");
        assert!(matches!(decide().await, Err(Error::Busy { .. })));
        assert_eq!(db.runs().letters(&run).await.unwrap().len(), 1);
        assert_eq!(db.approvals().list(&Actor::local()).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_question_whose_time_is_over_is_not_answered() {
    for db in every_database().await {
        let id = flow(&db, "deletion").await;
        let mut new = new_run(&id, Some("me"));
        let token = Approvals::new_token();
        new.first.approvals = vec![NewApproval {
            id: ApprovalId::random(),
            command: "/do/0/ask".to_owned(),
            token: token.clone(),
            title: "Delete Adele?".to_owned(),
            detail: json!({}),
            expires_at: Some(db.clock().now() + SignedDuration::from_hours(1)),
        }];
        let run = begun(&db, new).await;
        db.clock.advance(SignedDuration::from_hours(2));
        let found = db
            .approvals()
            .find_by_token(token.expose())
            .await
            .unwrap()
            .unwrap();
        let late = db
            .approvals()
            .decide(&Actor::local(), &found, "approved", &json!(1))
            .await;
        assert!(matches!(late, Err(Error::Busy { .. })));
        assert_eq!(db.runs().letters(&run).await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_title_that_lies_readable_in_its_row_is_sealed_at_the_next_start() {
    for db in [testing::sqlite_file().await, testing::postgres().await] {
        let id = flow(&db, "deletion").await;
        let mut new = new_run(&id, Some("me"));
        let approval = ApprovalId::random();
        new.first.approvals = vec![NewApproval {
            id: approval.clone(),
            command: "/do/0/ask".to_owned(),
            token: Approvals::new_token(),
            title: "Delete Adele?".to_owned(),
            detail: json!({ "details": 1 }),
            expires_at: None,
        }];
        begun(&db, new).await;
        let whole = db.approvals().find(&Actor::local(), &approval).await;
        let whole = whole.unwrap().unwrap();
        // As an older program left it.
        let row = approval.to_string();
        let place = crate::vault::Place {
            table: "approvals",
            column: "sealed",
            row: &row,
        };
        let vault = &db.inner.shared.vault;
        let sealed = vault.seal(place, json!({ "details": 1 }).to_string().as_bytes());
        let older = move |tx: &mut crate::Tx<'_>, _: &crate::Shared| {
            tx.execute(
                "UPDATE approvals SET title = 'Delete Adele?', sealed = $1",
                [sealed.clone().into()],
            )?;
            Ok(crate::Outcome::unaudited(()))
        };
        db.change(older).await.unwrap();
        let read = async |db: &Store| {
            let found = db.approvals().find(&Actor::local(), &approval).await;
            found.unwrap().unwrap()
        };
        assert_eq!(read(&db).await, whole);
        let db = db.reopen().await.unwrap();
        let rows = peek(&db, "SELECT title FROM approvals").await;
        assert_eq!(rows[0].text(0).unwrap(), "");
        assert_eq!(read(&db).await, whole);
    }
}

#[tokio::test]
async fn neither_the_list_nor_the_search_of_runs_knows_a_secret() {
    for db in every_database().await {
        let (local, secret) = (Actor::local(), "fake-secret-in-an-input");
        let name = crate::ConnectionName::parse("key").unwrap();
        db.secrets()
            .save(&local, &name, &json!(secret))
            .await
            .unwrap();
        let id = flow(&db, "leaver").await;
        let mut new = new_run(&id, Some("me"));
        let line =
            json!({ "event": { "kind": "started", "input": { "k": secret, "who": "adele" } } });
        new.first.lines = vec![crate::Line::Recorded(line)];
        new.first.next = crate::Next::End {
            status: RunStatus::Faulted,
            output: None,
            error: Some(json!({ "detail": format!("it was {secret}") })),
        };
        begun(&db, new).await;
        for (text, expected) in [(secret, 0), ("fake-sec", 0), ("adele", 1), ("it was", 1)] {
            let filter = crate::RunFilter {
                text: Some(text.to_owned()),
                ..crate::RunFilter::default()
            };
            let found = db.runs().list(&local, &filter).await.unwrap();
            assert_eq!(found.runs.len(), expected, "{text}");
        }
        let all = db.runs().list(&local, &crate::RunFilter::default()).await;
        let error = all.unwrap().runs[0].error.clone().unwrap();
        assert_eq!(error, json!({ "detail": "it was [redacted]" }));
    }
}
