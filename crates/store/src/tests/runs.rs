//! Runs: their journal, their owners, and the bugs that a journal has until it is tested for them.

use std::{
    pin::Pin,
    task::{Context, Waker},
};

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::*;
use crate::{
    Begun, Claimed, Committed, FlowId, Letter, Line, NewRun, NewVersion, Next, Parent, Progress,
    RunFilter, RunId, RunStatus, TableAnswer, TableOperation, Trigger, Unread,
};

type Commit<'a> = Pin<Box<dyn Future<Output = Result<Committed, Error>> + 'a>>;

pub(super) const LEASE: SignedDuration = SignedDuration::from_secs(10);

pub(super) fn text(name: &str, source: &str) -> NewVersion {
    NewVersion {
        namespace: "contoso".to_owned(),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        title: None,
        retention_days: None,
        based_on: None,
        digest: format!("digest of {source}"),
        source: source.to_owned(),
    }
}

pub(super) async fn flow(db: &Store, name: &str) -> FlowId {
    let (flow, _) = db
        .flows()
        .deploy(&Actor::local(), text(name, "do: []"))
        .await
        .unwrap();
    flow.id
}

pub(super) fn new_run(flow: &FlowId, owner: Option<&str>) -> NewRun {
    let id = RunId::random();
    let mut first = Progress::new(id.clone(), 1, 0);
    first.lines = vec![Line::Recorded(
        json!({ "kind": "started", "input": { "who": "Adele" } }),
    )];
    NewRun {
        id,
        flow: flow.clone(),
        version: 1,
        digest: "digest".to_owned(),
        semantics: 1,
        actor: "local".to_owned(),
        trigger: Trigger::Manual,
        parent: None,
        depth: 0,
        retry_of: None,
        key: None,
        owner: owner.map(str::to_owned),
        firing: None,
        first,
    }
}

pub(super) async fn begun(db: &Store, new: NewRun) -> RunId {
    let id = new.id.clone();
    match db.runs().begin(new).await.unwrap() {
        Begun::Now(_) => id,
        Begun::Before(other) => panic!("{other} was there before"),
    }
}

pub(super) fn step(run: &RunId, epoch: i64, position: i64, lines: &[&str]) -> Progress {
    let mut progress = Progress::new(run.clone(), epoch, position);
    progress.lines = lines
        .iter()
        .map(|line| Line::Recorded(json!(line)))
        .collect();
    progress
}

pub(super) fn waiting(mut progress: Progress, wake_at: Option<jiff::Timestamp>) -> Progress {
    progress.next = Next::Wait {
        status: RunStatus::Waiting,
        wake_at,
        parked: Vec::new(),
    };
    progress
}

pub(super) fn ended(mut progress: Progress) -> Progress {
    progress.next = Next::End {
        status: RunStatus::Completed,
        output: Some(json!({ "done": true })),
        error: None,
    };
    progress
}

pub(super) async fn journal(db: &Store, run: &RunId) -> Vec<Json> {
    db.runs().journal(run).await.unwrap()
}

pub(super) async fn claim(db: &Store, who: &str) -> Claimed {
    db.runs().beat(who, LEASE).await.unwrap();
    db.runs().claim(who, 100).await.unwrap()
}

pub(super) fn ids(claimed: &Claimed) -> Vec<&RunId> {
    claimed.runs.iter().map(|run| &run.id).collect()
}

fn is_fenced<T>(result: Result<T, Error>) -> bool {
    result.is_err_and(|error| matches!(error, Error::Fenced { .. }))
}

#[tokio::test]
async fn a_run_is_its_lines_in_order() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let run = begun(&db, new_run(&flow, Some("one"))).await;
        db.runs()
            .commit(step(&run, 1, 1, &["a", "b"]))
            .await
            .unwrap();
        let large = "x".repeat((1 << 20) + 1);
        db.runs()
            .commit(ended(step(&run, 1, 3, &[&large])))
            .await
            .unwrap();
        let lines = journal(&db, &run).await;
        assert_eq!(lines.len(), 4);
        assert_eq!(lines[0]["input"]["who"], "Adele");
        assert_eq!(lines[1..3], [json!("a"), json!("b")]);
        assert_eq!(lines[3], json!(large));
        let rows = peek(&db, "SELECT COUNT(*) FROM blobs").await;
        assert_eq!(rows[0].int(0), Ok(1));
        let found = db
            .runs()
            .find(&Actor::local(), &run)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(found.status, RunStatus::Completed);
        assert_eq!(found.ended_at, Some(db.clock().now()));
        assert_eq!((found.owner, found.epoch), (None, 1));
        assert_eq!(
            db.runs().output(&Actor::local(), &run).await.unwrap(),
            Some(json!({ "done": true }))
        );
        assert!(is_fenced(
            db.runs().commit(step(&run, 1, 4, &["late"])).await
        ));
    }
}

#[tokio::test]
async fn bodies_are_sealed_and_bound_to_their_place() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let one = begun(&db, new_run(&flow, Some("one"))).await;
        let rows = db
            .read(
                "SELECT sealed FROM journal WHERE run = $1",
                [one.as_str().into()],
            )
            .await
            .unwrap();
        let sealed = rows[0].bytes(0).unwrap();
        assert!(!sealed.windows(5).any(|window| window == b"Adele"));
        begun(&db, new_run(&flow, Some("one"))).await;
        tamper(
            &db,
            "UPDATE journal SET sealed = (SELECT sealed FROM journal WHERE run <> $1) WHERE run = $1",
            vec![one.as_str().into()],
        )
        .await;
        let opened = db.runs().journal(&one).await;
        assert!(matches!(opened, Err(Error::Unreadable { .. })));
    }
}

/// Bug 2 of `durability.md`: a lease by the machine's name let a node that came back renew the lease of its dead self.
#[tokio::test]
async fn a_killed_owner_is_not_revived_by_its_successor() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        db.runs().beat("node-1/first", LEASE).await.unwrap();
        let run = begun(&db, new_run(&flow, Some("node-1/first"))).await;
        // Killed, and back after two seconds under another name.
        db.clock.advance(SignedDuration::from_secs(2));
        assert_eq!(claim(&db, "node-1/second").await.runs, []);
        for _ in 0..4 {
            db.clock.advance(SignedDuration::from_secs(2));
            db.runs().beat("node-1/second", LEASE).await.unwrap();
        }
        let claimed = claim(&db, "node-1/second").await;
        assert_eq!(ids(&claimed), [&run]);
        assert_eq!((claimed.taken_over, claimed.runs[0].epoch), (1, 2));
        let owned = db.runs().owned("node-1/second").await.unwrap();
        assert_eq!(owned, std::slice::from_ref(&run));
        assert_eq!(db.runs().owned("node-1/first").await.unwrap(), []);
        // The dead one was only slow: what it still writes is refused.
        assert!(is_fenced(
            db.runs().commit(step(&run, 1, 1, &["ghost"])).await
        ));
        db.runs().commit(step(&run, 2, 1, &["heir"])).await.unwrap();
        assert_eq!(journal(&db, &run).await[1..], [json!("heir")]);
    }
}

#[test]
fn a_lease_without_fence_is_noticed() {
    let check = "tests::runs::two_owners_can_not_both_write";
    testing::notices(check, "lease-without-fence");
}

#[tokio::test]
async fn two_owners_can_not_both_write() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let run = begun(&db, new_run(&flow, Some("slow"))).await;
        db.runs().beat("slow", LEASE).await.unwrap();
        db.clock.advance(SignedDuration::from_secs(11));
        assert_eq!(ids(&claim(&db, "quick").await), [&run]);
        let mut late = step(&run, 1, 1, &["late"]);
        let other = begun(&db, new_run(&flow, Some("quick"))).await;
        late.letters = vec![Letter {
            to: other.clone(),
            listener: None,
            event: None,
            body: json!("late"),
        }];
        assert!(is_fenced(db.runs().commit(late).await));
        // Nothing of a refused step is kept.
        assert_eq!(journal(&db, &run).await.len(), 1);
        assert_eq!(db.runs().letters(&other).await.unwrap(), []);
        // The same place twice is refused too, by the right owner.
        db.runs().commit(step(&run, 2, 1, &["a"])).await.unwrap();
        assert!(is_fenced(db.runs().commit(step(&run, 2, 1, &["b"])).await));
        assert_eq!(journal(&db, &run).await[1..], [json!("a")]);
    }
}

#[tokio::test]
async fn a_sole_process_takes_over_at_once() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        db.runs().beat("killed", LEASE).await.unwrap();
        let run = begun(&db, new_run(&flow, Some("killed"))).await;
        assert!(!db.runs().anyone_lapsed("next").await.unwrap());
        db.runs().evict_others("next").await.unwrap();
        assert!(db.runs().anyone_lapsed("next").await.unwrap());
        assert_eq!(ids(&claim(&db, "next").await), [&run]);
        assert!(!db.runs().anyone_lapsed("next").await.unwrap());
    }
}

/// Bug 1 of `durability.md`: branches that held a connection while nobody polled them locked all others out.
#[tokio::test]
async fn commits_that_nobody_polls_lock_nobody_out() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let mut runs = Vec::new();
        for _ in 0..16 {
            runs.push(begun(&db, new_run(&flow, Some("one"))).await);
        }
        let handle = db.runs();
        let mut asleep: Vec<Commit<'_>> = Vec::new();
        for branch in 0..10 {
            for run in &runs {
                let line = format!("branch {branch}");
                asleep.push(Box::pin(handle.commit(step(run, 1, 1 + branch, &[&line]))));
            }
        }
        let mut context = Context::from_waker(Waker::noop());
        // A quick writer may have answered some already.
        asleep.retain_mut(|commit| commit.as_mut().poll(&mut context).is_pending());
        // Nobody looks at the others any more, and still others get their turn.
        let other = begun(&db, new_run(&flow, Some("one"))).await;
        assert_eq!(journal(&db, &other).await.len(), 1);
        for commit in asleep {
            commit.await.unwrap();
        }
        assert_eq!(journal(&db, &runs[0]).await.len(), 11);
    }
}

#[tokio::test]
async fn a_run_sleeps_until_its_time_and_is_due_once() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let run = begun(&db, new_run(&flow, Some("one"))).await;
        let wake_at = db.clock().now() + SignedDuration::from_mins(5);
        let committed = db
            .runs()
            .commit(waiting(step(&run, 1, 1, &["zz"]), Some(wake_at)))
            .await
            .unwrap();
        assert_eq!(committed.unread, Unread::No);
        assert_eq!(db.runs().next_due().await.unwrap(), Some(wake_at));
        assert_eq!(claim(&db, "one").await.runs, []);
        db.clock.advance(SignedDuration::from_mins(6));
        let claimed = claim(&db, "one").await;
        assert_eq!(ids(&claimed), [&run]);
        assert_eq!(claimed.oldest, SignedDuration::from_mins(1));
        assert_eq!(claimed.runs[0].epoch, 2);
        assert_eq!(claim(&db, "two").await.runs, []);
        assert_eq!(db.runs().next_due().await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_child_is_started_once_and_a_key_starts_one_run() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let parent = begun(&db, new_run(&flow, Some("one"))).await;
        let child = |of: &RunId| {
            let mut child = new_run(&flow, None);
            child.trigger = Trigger::Run;
            child.depth = 1;
            child.parent = Some(Parent {
                run: of.clone(),
                command: "/do/0/sub".to_owned(),
            });
            child
        };
        for position in 1..3 {
            let mut progress = step(&parent, 1, position, &["x"]);
            progress.children = vec![child(&parent)];
            db.runs().commit(progress).await.unwrap();
        }
        let filter = RunFilter {
            parent: Some(parent.clone()),
            ..RunFilter::default()
        };
        let page = db.runs().list(&Actor::local(), &filter).await.unwrap();
        assert_eq!(page.runs.len(), 1);
        assert_eq!(
            (page.runs[0].depth, page.runs[0].status),
            (1, RunStatus::Pending)
        );
        assert_eq!(claim(&db, "two").await.runs.len(), 1);

        let mut first = new_run(&flow, Some("one"));
        first.key = Some("message-1".to_owned());
        let mut again = new_run(&flow, Some("one"));
        again.key = Some("message-1".to_owned());
        let first = begun(&db, first).await;
        let repeated = db.runs().begin(again).await.unwrap();
        assert_eq!(repeated, Begun::Before(first.clone()));
        assert_eq!(
            db.runs().find_by_key(&flow, "message-1").await.unwrap(),
            Some(first)
        );
        let missing = db.runs().begin(new_run(&FlowId::random(), None)).await;
        assert!(matches!(missing, Err(Error::NotFound { .. })));
    }
}

#[tokio::test]
async fn a_table_changes_in_the_commit_of_the_step() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let run = begun(&db, new_run(&flow, Some("one"))).await;
        let put = |version: Option<i64>, value: i64| TableOperation::Put {
            table: "people".to_owned(),
            key: "adele".to_owned(),
            value: json!({ "n": value }),
            version,
        };
        let line = |operation: TableOperation| Line::Table {
            operation,
            line: std::sync::Arc::new(|answer| match answer {
                TableAnswer::Row(Some(row)) => json!({ "version": row.version }),
                other => json!(format!("{other:?}")),
            }),
        };
        let mut progress = step(&run, 1, 1, &["before"]);
        progress.lines.push(line(put(Some(0), 1)));
        let committed = db.runs().commit(progress).await.unwrap();
        assert!(matches!(&committed.tables[..], [TableAnswer::Row(Some(row))] if row.version == 1));
        assert_eq!(journal(&db, &run).await[2], json!({ "version": 1 }));
        let mut progress = step(&run, 1, 3, &[]);
        progress.lines.push(line(put(Some(0), 2)));
        let committed = db.runs().commit(progress).await.unwrap();
        assert_eq!(committed.tables, [TableAnswer::Conflict { current: 1 }]);
        // A refused step leaves the table alone.
        let mut progress = step(&run, 7, 4, &[]);
        progress.lines.push(line(put(None, 3)));
        assert!(is_fenced(db.runs().commit(progress).await));
        let local = Actor::local();
        let operate = async |operation| {
            let answer = db.tables().operate(&local, operation).await;
            answer.unwrap()
        };
        let get = TableOperation::Get {
            table: "people".to_owned(),
            key: "adele".to_owned(),
        };
        let answer = operate(get).await;
        let TableAnswer::Row(Some(row)) = answer else {
            panic!("{answer:?}")
        };
        assert_eq!(
            (row.value, row.updated_by),
            (json!({ "n": 1 }), run.to_string())
        );
        for key in ["b1", "b2", "c"] {
            let operation = TableOperation::Put {
                table: "people".to_owned(),
                key: key.to_owned(),
                value: json!(key),
                version: None,
            };
            operate(operation).await;
        }
        assert_eq!(
            last_action(&db).await,
            ("table.put".into(), "people".into())
        );
        let list = |prefix: &str, after: Option<&str>, limit| TableOperation::List {
            table: "people".to_owned(),
            prefix: prefix.to_owned(),
            after: after.map(str::to_owned),
            limit,
        };
        let keys = |answer: TableAnswer| match answer {
            TableAnswer::Rows(rows) => rows.into_iter().map(|row| row.key).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        };
        assert_eq!(keys(operate(list("b", None, 0)).await), ["b1", "b2"]);
        assert_eq!(keys(operate(list("", Some("b1"), 1)).await), ["b2"]);
        assert_eq!(
            db.tables().list(&local).await.unwrap(),
            [("people".to_owned(), 4)]
        );
    }
}

#[tokio::test]
async fn runs_are_listed_paged_and_searched() {
    for db in every_database().await {
        let (one, two) = (flow(&db, "one").await, flow(&db, "two").await);
        let mut stored = Vec::new();
        for number in 0..5 {
            let mut new = new_run(if number % 2 == 0 { &one } else { &two }, Some("me"));
            new.first.lines = vec![Line::Recorded(
                json!({ "input": format!("Person {number}") }),
            )];
            stored.push(begun(&db, new).await);
            db.clock.advance(SignedDuration::from_secs(1));
        }
        let mut progress = step(&stored[0], 1, 1, &[]);
        progress.next = Next::End {
            status: RunStatus::Faulted,
            output: None,
            error: Some(json!({ "title": "Out of Licences" })),
        };
        db.runs().commit(progress).await.unwrap();
        let list = |filter: RunFilter| {
            let db = db.store();
            async move { db.runs().list(&actor(Role::Viewer), &filter).await.unwrap() }
        };
        let first = list(RunFilter {
            limit: 2,
            ..RunFilter::default()
        })
        .await;
        assert_eq!(
            first.runs.iter().map(|run| &run.id).collect::<Vec<_>>(),
            [&stored[4], &stored[3]]
        );
        let rest = list(RunFilter {
            before: first.next,
            ..RunFilter::default()
        })
        .await;
        assert_eq!(rest.runs.len(), 3);
        assert_eq!(rest.next, None);
        let of_one = list(RunFilter {
            flow: Some(one.clone()),
            ..RunFilter::default()
        })
        .await;
        assert_eq!(of_one.runs.len(), 3);
        let faulted = list(RunFilter {
            status: Some(RunStatus::Faulted),
            ..RunFilter::default()
        })
        .await;
        assert_eq!(
            faulted.runs[0].error,
            Some(json!({ "title": "Out of Licences" }))
        );
        for (text, expected) in [
            ("person 3", vec![&stored[3]]),
            ("licences", vec![&stored[0]]),
            ("nobody", vec![]),
        ] {
            let found = list(RunFilter {
                text: Some(text.to_owned()),
                ..RunFilter::default()
            })
            .await;
            assert_eq!(
                found.runs.iter().map(|run| &run.id).collect::<Vec<_>>(),
                expected,
                "{text}"
            );
        }
        let counts = db.runs().counts().await.unwrap();
        assert_eq!(counts, [(RunStatus::Running, 4)]);
        assert_eq!(db.runs().live(&one).await.unwrap(), 2);
    }
}

#[tokio::test]
async fn finished_runs_go_when_their_time_is_over() {
    for db in every_database().await {
        let usual = flow(&db, "usual").await;
        let mut short = text("short", "do: [x]");
        short.retention_days = Some(1);
        let (short, _) = db.flows().deploy(&Actor::local(), short).await.unwrap();
        let mut over = Vec::new();
        for flow in [&usual, &short.id] {
            let run = begun(&db, new_run(flow, Some("me"))).await;
            let large = "x".repeat((1 << 20) + 1);
            db.runs()
                .commit(ended(step(&run, 1, 1, &[&large])))
                .await
                .unwrap();
            over.push(run);
        }
        let live = begun(&db, new_run(&short.id, Some("me"))).await;
        db.clock.advance(SignedDuration::from_hours(25));
        assert_eq!(db.runs().sweep(14, 100).await.unwrap(), 1);
        assert_eq!(db.runs().sweep(14, 100).await.unwrap(), 0);
        let local = Actor::local();
        assert!(db.runs().find(&local, &over[1]).await.unwrap().is_none());
        assert!(db.runs().find(&local, &live).await.unwrap().is_some());
        db.clock.advance(SignedDuration::from_hours(14 * 24));
        assert_eq!(db.runs().sweep(14, 100).await.unwrap(), 1);
        for sql in [
            "SELECT COUNT(*) FROM blobs",
            "SELECT COUNT(*) FROM runs WHERE ended_at IS NOT NULL",
        ] {
            assert_eq!(peek(&db, sql).await[0].int(0), Ok(0), "{sql}");
        }
        let refused = db.runs().remove(&local, &live).await;
        assert!(matches!(refused, Err(Error::Busy { .. })));
        db.runs()
            .commit(ended(step(&live, 1, 1, &[])))
            .await
            .unwrap();
        db.runs().remove(&local, &live).await.unwrap();
        assert_eq!(last_action(&db).await.0, "run.removed");
        assert_eq!(
            peek(&db, "SELECT COUNT(*) FROM journal").await[0].int(0),
            Ok(0)
        );
    }
}
