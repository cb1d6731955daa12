//! Letters to runs: what wakes them, and events, of which a run hears once.

use jiff::SignedDuration;
use serde_json::{Value as Json, json};

use super::runs::{begun, claim, ended, flow, ids, new_run, step, waiting};
use super::*;
use crate::{Letter, NewFilter, NewListener, RunId, Unread};

#[tokio::test]
async fn a_letter_wakes_a_run_and_is_never_left_unread() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let run = begun(&db, new_run(&flow, Some("one"))).await;
        db.runs()
            .commit(waiting(step(&run, 1, 1, &[]), None))
            .await
            .unwrap();
        db.runs()
            .tell(
                &actor(Role::Operator),
                &run,
                "run.suspended",
                &json!("first"),
            )
            .await
            .unwrap();
        assert_eq!(
            last_action(&db).await,
            ("run.suspended".into(), run.to_string())
        );
        assert_eq!(ids(&claim(&db, "two").await), [&run]);
        let letters = db.runs().letters(&run).await.unwrap();
        assert_eq!(letters[0].body, json!("first"));
        // One more comes while the first is dealt with: the run is not let go of.
        let told = db
            .runs()
            .send(vec![Letter {
                to: run.clone(),
                listener: None,
                event: None,
                body: json!("second"),
            }])
            .await
            .unwrap();
        assert_eq!(told, std::slice::from_ref(&run));
        assert_eq!(
            db.runs().with_letters("two").await.unwrap(),
            std::slice::from_ref(&run)
        );
        let mut progress = waiting(step(&run, 2, 1, &["read"]), None);
        progress.read_until = Some(letters[0].seq);
        let committed = db.runs().commit(progress).await.unwrap();
        assert_eq!(committed.unread, Unread::Yes);
        let letters = db.runs().letters(&run).await.unwrap();
        assert_eq!(letters[0].body, json!("second"));
        let mut progress = ended(step(&run, 2, 2, &["read"]));
        progress.read_until = Some(letters[0].seq);
        db.runs().commit(progress).await.unwrap();
        let late = db
            .runs()
            .tell(&Actor::local(), &run, "run.cancelled", &json!("x"))
            .await;
        assert!(matches!(late, Err(Error::Busy { .. })), "{late:?}");
        let viewer = actor(Role::Viewer);
        let refused = db
            .runs()
            .tell(&viewer, &run, "run.cancelled", &json!("x"))
            .await;
        assert!(is_forbidden(refused, Role::Operator));
    }
}

#[tokio::test]
async fn an_event_reaches_those_who_still_listen() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let run = begun(&db, new_run(&flow, Some("one"))).await;
        let filter = |kind: Option<&str>, filter: Json| NewFilter {
            kind: kind.map(str::to_owned),
            filter,
        };
        let mut progress = waiting(step(&run, 1, 1, &[]), None);
        progress.listeners = vec![
            NewListener {
                command: "/do/0/a".to_owned(),
                filters: vec![
                    filter(Some("com.contoso.left"), json!(1)),
                    filter(Some("com.contoso.back"), json!(2)),
                ],
            },
            NewListener {
                command: "/do/1/b".to_owned(),
                filters: vec![filter(None, json!(3))],
            },
        ];
        db.runs().commit(progress).await.unwrap();
        let found = |kind: &'static str| {
            let db = db.store();
            async move {
                let mut found: Vec<i64> = db
                    .runs()
                    .listening(kind)
                    .await
                    .unwrap()
                    .iter()
                    .map(|listening| listening.filter.as_i64().unwrap())
                    .collect();
                found.sort_unstable();
                found
            }
        };
        assert_eq!(found("com.contoso.left").await, [1, 3]);
        assert_eq!(found("com-contoso-back").await, [2, 3]);
        assert_eq!(found("com.contoso.other").await, [3]);
        let letter = |command: &str| Letter {
            to: run.clone(),
            listener: Some(command.to_owned()),
            event: None,
            body: json!("event"),
        };
        let told = db.runs().send(vec![letter("/do/9/none")]).await.unwrap();
        assert_eq!(told, []);
        assert_eq!(claim(&db, "two").await.runs, []);
        let told = db.runs().send(vec![letter("/do/0/a")]).await.unwrap();
        assert_eq!(told, std::slice::from_ref(&run));
        assert_eq!(ids(&claim(&db, "two").await), [&run]);
        let mut progress = step(&run, 2, 1, &[]);
        progress.forgotten = vec!["/do/0/a".to_owned()];
        db.runs().commit(progress).await.unwrap();
        assert_eq!(found("com.contoso.left").await, [3]);
    }
}

#[tokio::test]
async fn a_run_is_told_of_an_event_once() {
    for db in every_database().await {
        let flow = flow(&db, "leaver").await;
        let mut runs = Vec::new();
        for _ in 0..2 {
            let run = begun(&db, new_run(&flow, Some("one"))).await;
            let mut progress = waiting(step(&run, 1, 1, &[]), None);
            let listener = |command: &str| NewListener {
                command: command.to_owned(),
                filters: vec![NewFilter {
                    kind: None,
                    filter: json!(1),
                }],
            };
            progress.listeners = vec![listener("a"), listener("b")];
            db.runs().commit(progress).await.unwrap();
            runs.push(run);
        }
        let (run, other) = (&runs[0], &runs[1]);
        let letter = |to: &RunId, command: &str, event: &str| Letter {
            to: to.clone(),
            listener: Some(command.to_owned()),
            event: Some(event.to_owned()),
            body: json!([command, event]),
        };
        let bodies = async |run: &RunId| -> Vec<Json> {
            let letters = db.runs().letters(run).await.unwrap();
            letters.into_iter().map(|letter| letter.body).collect()
        };
        // Who does not listen any more has not heard it.
        let late = db.runs().send(vec![letter(run, "gone", "e1")]).await;
        assert_eq!(late.unwrap(), []);
        // Both commands hear it in the commit that tells the run first, each once.
        let both = vec![
            letter(run, "a", "e1"),
            letter(run, "b", "e1"),
            letter(run, "a", "e1"),
        ];
        let told = db.runs().send(both.clone()).await.unwrap();
        assert_eq!(told, vec![run.clone(); 3]);
        let heard = [json!(["a", "e1"]), json!(["b", "e1"])];
        assert_eq!(bodies(run).await, heard);
        // Whoever sends it again is told the same; the run is not, also after it has read what came.
        assert_eq!(db.runs().send(both).await.unwrap().len(), 3);
        assert_eq!(bodies(run).await, heard);
        assert_eq!(ids(&claim(&db, "two").await), [run]);
        let mut progress = step(run, 2, 1, &["read"]);
        progress.read_until = Some(2);
        db.runs().commit(progress).await.unwrap();
        db.runs().send(vec![letter(run, "b", "e1")]).await.unwrap();
        assert_eq!(bodies(run).await, Vec::<Json>::new());
        // Another event, and another run, are.
        let mut publishing = step(run, 2, 2, &["publish"]);
        publishing.letters = vec![letter(other, "a", "e1"), letter(other, "a", "e2")];
        let committed = db.runs().commit(publishing).await.unwrap();
        assert_eq!(committed.told, vec![other.clone(); 2]);
        assert_eq!(
            bodies(other).await,
            [json!(["a", "e1"]), json!(["a", "e2"])]
        );
        // It is remembered for a while, and no longer than the run goes on.
        db.clock.advance(SignedDuration::from_hours(24 * 15));
        db.runs().sweep(30, 100).await.unwrap();
        db.runs().send(vec![letter(run, "b", "e1")]).await.unwrap();
        assert_eq!(bodies(run).await, [json!(["b", "e1"])]);
        let count = async |run: &RunId| {
            let sql = "SELECT COUNT(*) FROM heard WHERE run = $1";
            let rows = db.read(sql, [run.as_str().into()]).await.unwrap();
            rows[0].int(0).unwrap()
        };
        assert_eq!((count(run).await, count(other).await), (1, 0));
        db.runs()
            .commit(ended(step(run, 2, 3, &["end"])))
            .await
            .unwrap();
        assert_eq!(count(run).await, 0);
    }
}
