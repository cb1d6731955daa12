//! The counts by the hour, against rows that were put there one by one.

use jiff::{SignedDuration, Timestamp};

use super::runs::{begun, flow, new_run, step};
use super::*;
use crate::{CallCounts, CallRecord, ConnectionId, Next, RunCounts, RunStatus};

fn call(at: Timestamp, status: Option<u16>, code: Option<&str>) -> CallRecord {
    CallRecord {
        at,
        actor: "local".to_owned(),
        step: None,
        connection: ConnectionId::random(),
        method: "GET".to_owned(),
        host: "graph.contoso.example".to_owned(),
        path: "/users".to_owned(),
        status,
        code: code.map(str::to_owned),
        provider: None,
        duration: SignedDuration::from_millis(5),
        attempts: 1,
        token_generation: None,
        request_id: None,
        trail: None,
    }
}

#[tokio::test]
async fn every_run_and_call_counts_once_in_its_hour() {
    for db in every_database().await {
        let leaver = flow(&db, "leaver").await;
        let ended = async |status| {
            let run = begun(&db, new_run(&leaver, Some("one"))).await;
            let mut progress = step(&run, 1, 1, &[]);
            progress.next = Next::End {
                status,
                output: None,
                error: None,
            };
            db.runs().commit(progress).await.unwrap();
        };
        let now = db.clock.now();
        ended(RunStatus::Completed).await;
        ended(RunStatus::Faulted).await;
        db.clock.advance(SignedDuration::from_hours(2));
        ended(RunStatus::Completed).await;
        ended(RunStatus::Cancelled).await;
        begun(&db, new_run(&leaver, Some("one"))).await;
        let long_ago = now - SignedDuration::from_hours(72);
        db.calls()
            .record_many(vec![
                call(now, Some(200), None),
                call(now, Some(429), None),
                call(now, None, Some("upstream.throttled")),
                call(now, None, Some("upstream.unreachable")),
                call(now, Some(404), None),
                call(long_ago, Some(200), None),
            ])
            .await
            .unwrap();

        let hours = db.overview().hours(&Actor::local(), 24).await.unwrap();
        assert_eq!(hours.len(), 24);
        let steps = hours
            .windows(2)
            .map(|two| two[1].at.duration_since(two[0].at));
        assert!(
            steps
                .into_iter()
                .all(|step| step == SignedDuration::from_hours(1))
        );
        assert!(hours[23].at <= db.clock.now());
        assert!(db.clock.now() < hours[23].at + SignedDuration::from_hours(1));
        let runs = |started, completed, faulted, cancelled| RunCounts {
            started,
            completed,
            faulted,
            cancelled,
        };
        assert_eq!(hours[21].runs, runs(2, 1, 1, 0));
        assert_eq!(hours[22].runs, RunCounts::default());
        assert_eq!(hours[23].runs, runs(3, 1, 0, 1));
        let all = CallCounts {
            made: 5,
            throttled: 2,
            failed: 2,
        };
        assert_eq!(hours[21].calls, all);
        let quiet = hours
            .iter()
            .filter(|hour| hour.calls == CallCounts::default());
        assert_eq!(quiet.count(), 23);
    }
}
