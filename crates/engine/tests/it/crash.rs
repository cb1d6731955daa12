//! Killed at any time, and a database that goes away: nothing is lost, nothing is done twice, nobody is stranded.

use std::time::Duration;

use engine::{Company, Outcome, Resolution};
use flow::CommandId;
use jiff::SignedDuration;
use serde_json::json;
use store::{Actor, ParkedFor, RunStatus};

use crate::house::{houses, until};

const STEPS: &str = "do:\n  \
    - first: {call: http, with: {method: post, endpoint: 'UPSTREAM/first', body: {n: 1}}}\n  \
    - second: {call: http, with: {method: get, endpoint: 'UPSTREAM/held'}}\n  \
    - third: {call: http, with: {method: post, endpoint: 'UPSTREAM/third', body: {n: 3}}}\n  \
    - done: {set: {done: true}}\n";

#[tokio::test]
async fn a_killed_run_goes_on_where_it_stopped() {
    for mut house in houses().await {
        house.flow("steps", STEPS).await;
        let run = house.engine().start_run("steps", json!({})).await;
        until("the second call is under way", async || {
            house.upstream.seen("/held").len() == 1
        })
        .await;
        house.restart();
        until("it is made again", async || {
            house.upstream.seen("/held").len() == 2
        })
        .await;
        house.upstream.held.add_permits(2);
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "done": true }))
        );
        // What was recorded was not done again, and has a key of its own.
        let (first, third) = (house.upstream.seen("/first"), house.upstream.seen("/third"));
        assert_eq!((first.len(), third.len()), (1, 1));
        assert_eq!(first[0].key, Some(format!("{run}:/do/0/first")));
        assert_eq!(third[0].key, Some(format!("{run}:/do/2/third")));
        assert_eq!(house.record(&run).await.epoch, 2);
    }
}

#[tokio::test]
async fn a_call_whose_outcome_is_unknown_waits_for_a_person() {
    for mut house in houses().await {
        house
            .flow(
                "unknown",
                "do:\n  - pay: {call: http, with: {method: post, endpoint: 'UPSTREAM/held', body: {n: 1}}}\n",
            )
            .await;
        let pay = CommandId("/do/0/pay".to_owned());
        let local = Actor::local();
        let mut runs = Vec::new();
        for _ in 0..3 {
            runs.push(house.engine().start_run("unknown", json!({})).await);
        }
        until("all calls are under way", async || {
            house.upstream.seen("/held").len() == 3
        })
        .await;
        house.restart();
        for run in &runs {
            house.stands(run, RunStatus::Parked).await;
            let parked = house.record(run).await.parked;
            assert_eq!(parked[0].command, pay.0);
            assert!(matches!(parked[0].reason, ParkedFor::OutcomeUnknown { .. }));
        }
        // Nothing was sent again by itself.
        assert_eq!(house.upstream.seen("/held").len(), 3);
        house.upstream.held.add_permits(10);
        for (run, resolution) in runs.iter().zip([
            Resolution::SendAgain,
            Resolution::Completed(json!("paid")),
            Resolution::Failed("it was refused".to_owned()),
        ]) {
            house
                .engine()
                .resolve(&local, run, &pay, resolution)
                .await
                .unwrap();
        }
        assert_eq!(
            house.engine().ended(&runs[0]).await,
            Outcome::Completed(json!({ "held": true }))
        );
        assert_eq!(
            house.engine().ended(&runs[1]).await,
            Outcome::Completed(json!("paid"))
        );
        let Outcome::Faulted(error) = house.engine().ended(&runs[2]).await else {
            panic!("a person said that it failed")
        };
        assert_eq!(error["detail"], "it was refused");
        let sent = house.upstream.seen("/held");
        assert_eq!(sent.len(), 4);
        // The same key again, so that the other party may notice.
        assert_eq!(sent[3].key, Some(format!("{}:/do/0/pay", runs[0])));
    }
}

#[tokio::test]
async fn a_flow_may_say_what_an_unknown_outcome_means() {
    for mut house in houses().await {
        for (name, word) in [("again", "retry"), ("fails", "fail")] {
            let body = format!(
                "do:\n  - pay:\n      call: http\n      with: {{method: post, endpoint: 'UPSTREAM/held'}}\n      metadata: {{keyway: {{onOutcomeUnknown: {word}}}}}\n"
            );
            house.flow(name, &body).await;
        }
        let again = house.engine().start_run("again", json!({})).await;
        let fails = house.engine().start_run("fails", json!({})).await;
        until("both calls are under way", async || {
            house.upstream.seen("/held").len() == 2
        })
        .await;
        house.restart();
        let Outcome::Faulted(error) = house.engine().ended(&fails).await else {
            panic!("it may or may not have been made")
        };
        assert!(error["detail"].as_str().unwrap().contains("may or may not"));
        until("the other is made again", async || {
            house.upstream.seen("/held").len() == 3
        })
        .await;
        house.upstream.held.add_permits(3);
        assert_eq!(
            house.engine().ended(&again).await,
            Outcome::Completed(json!({ "held": true }))
        );
    }
}

/// Bug 2 of `durability.md`, as a whole: a second process takes over what the first one held, once its lease has lapsed.
#[tokio::test]
async fn another_process_takes_over_when_the_lease_lapses() {
    for mut house in houses().await {
        house.take_engine().stop().await;
        house.start_engine(|config| config.company = Company::Others);
        house.flow("steps", STEPS).await;
        let run = house.engine().start_run("steps", json!({})).await;
        until("the second call is under way", async || {
            house.upstream.seen("/held").len() == 1
        })
        .await;
        let other = house.other();
        until("the other one lives", async || {
            !house.store.runs().anyone_lapsed("nobody").await.unwrap()
        })
        .await;
        house.take_engine().kill();
        assert_eq!(house.record(&run).await.epoch, 1);
        house.store.clock.advance(SignedDuration::from_secs(10));
        house.store.clock.advance(SignedDuration::from_secs(10));
        other.look();
        until("the call is made again", async || {
            house.upstream.seen("/held").len() == 2
        })
        .await;
        house.upstream.held.add_permits(2);
        assert_eq!(
            other.ended(&run).await,
            Outcome::Completed(json!({ "done": true }))
        );
        assert_eq!(house.upstream.seen("/first").len(), 1);
    }
}

#[test]
fn a_step_that_is_done_before_it_is_stored_is_noticed() {
    let check = "crash::nothing_is_done_before_what_leads_to_it_is_stored";
    store::testing::notices(check, "apply-before-append");
}

#[tokio::test]
async fn nothing_is_done_before_what_leads_to_it_is_stored() {
    for house in houses().await {
        house
            .flow(
                "two",
                "do:\n  - one: {call: http, with: {method: get, endpoint: 'UPSTREAM/held'}}\n  - two: {call: http, with: {method: post, endpoint: 'UPSTREAM/two'}}\n",
            )
            .await;
        house.store.refuse_writes();
        let start = crate::house::start("two", json!({}));
        let refused = house.engine().start(&Actor::local(), start).await;
        assert!(refused.is_err());
        assert_eq!(house.upstream.seen("/held").len(), 0);
        house.store.allow_writes();
        let run = house.engine().start_run("two", json!({})).await;
        until("the first call is under way", async || {
            house.upstream.seen("/held").len() == 1
        })
        .await;
        house.store.refuse_writes();
        house.upstream.held.add_permits(1);
        until("the result can't be stored", async || {
            let failing = house.engine().health().failing;
            failing.is_some_and(|(what, _)| what.starts_with("commit"))
        })
        .await;
        // What is sent without leave would come a moment later.
        for _ in 0..40 {
            assert_eq!(house.upstream.seen("/two").len(), 0);
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        house.store.allow_writes();
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "path": "/two" }))
        );
        assert_eq!(
            (
                house.upstream.seen("/held").len(),
                house.upstream.seen("/two").len()
            ),
            (1, 1)
        );
    }
}

/// Bug 3 of `durability.md`: a database that was away while a run was let go of left it owned for ever.
#[tokio::test]
async fn a_result_and_a_release_outlast_a_database_that_is_away() {
    for house in houses().await {
        house
            .flow(
                "away",
                "do:\n  - ask: {call: http, with: {method: post, endpoint: 'UPSTREAM/held'}}\n  - nap: {wait: {hours: 1}}\n  - done: {set: {done: true}}\n",
            )
            .await;
        let run = house.engine().start_run("away", json!({})).await;
        until("the call is under way", async || {
            house.upstream.seen("/held").len() == 1
        })
        .await;
        house.store.refuse_writes();
        house.upstream.held.add_permits(1);
        until("somebody is told", async || {
            house.engine().health().failing.is_some()
        })
        .await;
        assert!(house.engine().health().is_alarming());
        house.store.allow_writes();
        house.stands(&run, RunStatus::Waiting).await;
        house.pass(SignedDuration::from_hours(1));
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "done": true }))
        );
        assert_eq!(house.upstream.seen("/held").len(), 1);
        until("all is well", async || {
            !house.engine().health().is_alarming()
        })
        .await;
    }
}

/// Bug 4 of `durability.md`: a claim that failed was swallowed, and nothing ever said so.
#[tokio::test]
async fn a_claim_that_fails_is_an_alarm_and_is_made_again() {
    for house in houses().await {
        house
            .flow(
                "nap",
                "do:\n  - nap: {wait: {hours: 1}}\n  - done: {set: {done: true}}\n",
            )
            .await;
        let run = house.engine().start_run("nap", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        house.store.refuse_writes();
        house.pass(SignedDuration::from_hours(1));
        until("somebody is told", async || {
            let failing = house.engine().health().failing;
            failing.is_some_and(|(what, _)| what.starts_with("claim") || what.starts_with("beat"))
        })
        .await;
        house.store.allow_writes();
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "done": true }))
        );
        until("all is well", async || {
            !house.engine().health().is_alarming()
        })
        .await;
    }
}

#[tokio::test]
async fn a_process_that_is_stopped_finishes_calls_and_leaves_the_rest_to_the_next() {
    for mut house in houses().await {
        house.flow("steps", STEPS).await;
        let run = house.engine().start_run("steps", json!({})).await;
        until("the second call is under way", async || {
            house.upstream.seen("/held").len() == 1
        })
        .await;
        let engine = house.take_engine();
        house.upstream.held.add_permits(1);
        engine.stop().await;
        let left = house.record(&run).await;
        assert!(
            left.owner.is_none() || left.status == RunStatus::Completed,
            "{left:?}"
        );
        house.start_engine(|_| {});
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "done": true }))
        );
        for path in ["/first", "/held", "/third"] {
            assert_eq!(house.upstream.seen(path).len(), 1, "{path}");
        }
    }
}
