//! What people do with runs: suspend, resume, cancel, do again, decide.

use engine::{Decision, From, Outcome, Reply, Verdict};
use serde_json::json;
use store::{Actor, AuditFilter, Role, RunStatus, Trigger};

use crate::house::{House, houses, until};

async fn audited(house: &House, action: &str) -> usize {
    let filter = AuditFilter {
        action: Some(action.to_owned()),
        ..AuditFilter::default()
    };
    house
        .store
        .audit()
        .list(&Actor::local(), &filter)
        .await
        .unwrap()
        .len()
}

#[tokio::test]
async fn a_suspended_run_begins_nothing_until_it_is_resumed() {
    for house in houses().await {
        house
            .flow(
                "two",
                "do:\n  - one: {call: http, with: {method: get, endpoint: 'UPSTREAM/held'}}\n  - two: {call: http, with: {method: get, endpoint: 'UPSTREAM/two'}}\n",
            )
            .await;
        let local = Actor::local();
        let run = house.engine().start_run("two", json!({})).await;
        until("the first call is under way", async || {
            house.upstream.seen("/held").len() == 1
        })
        .await;
        house.engine().suspend(&local, &run).await.unwrap();
        house.upstream.held.add_permits(1);
        house.stands(&run, RunStatus::Suspended).await;
        assert_eq!(house.upstream.seen("/two").len(), 0);
        house.engine().resume(&local, &run).await.unwrap();
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "path": "/two" }))
        );
        assert_eq!(house.upstream.seen("/held").len(), 1);
        assert_eq!(
            (
                audited(&house, "run.suspended").await,
                audited(&house, "run.resumed").await
            ),
            (1, 1)
        );
    }
}

#[tokio::test]
async fn a_cancelled_run_ends_whether_it_waits_or_calls() {
    for house in houses().await {
        house
            .flow("naps", "do:\n  - nap: {wait: {hours: 1}}\n")
            .await;
        house
            .flow(
                "calls",
                "do:\n  - ask: {call: http, with: {method: get, endpoint: 'UPSTREAM/held'}}\n",
            )
            .await;
        let local = Actor::local();
        let naps = house.engine().start_run("naps", json!({})).await;
        house.stands(&naps, RunStatus::Waiting).await;
        let calls = house.engine().start_run("calls", json!({})).await;
        until("the call is under way", async || {
            house.upstream.seen("/held").len() == 1
        })
        .await;
        for run in [&naps, &calls] {
            house.engine().cancel(&local, run).await.unwrap();
            assert_eq!(house.engine().ended(run).await, Outcome::Cancelled);
            let late = house.engine().cancel(&local, run).await;
            assert!(
                matches!(late, Err(engine::Error::Store(store::Error::Busy { .. }))),
                "{late:?}"
            );
        }
        let missing = house.engine().cancel(&local, &store::RunId::random()).await;
        assert!(matches!(missing, Err(engine::Error::RunNotFound { .. })));
        let viewer = Actor {
            role: Role::Viewer,
            ..local
        };
        assert!(house.engine().cancel(&viewer, &naps).await.is_err());
        assert_eq!(audited(&house, "run.cancelled").await, 2);
    }
}

#[tokio::test]
async fn a_run_is_done_again_from_the_step_that_failed() {
    for house in houses().await {
        house
            .flow(
                "steps",
                "do:\n  - first: {call: http, with: {method: post, endpoint: 'UPSTREAM/first'}}\n  - flaky: {call: http, with: {method: post, endpoint: 'UPSTREAM/flaky'}}\n",
            )
            .await;
        *house.upstream.failures.lock().unwrap() = 1;
        let failed = house.engine().run("steps", json!({ "n": 1 })).await;
        let Outcome::Faulted(error) = failed.outcome else {
            panic!("{failed:?}")
        };
        assert_eq!(error["status"], 503);
        let local = Actor::local();
        let again = house
            .engine()
            .retry(&local, &failed.run, From::FailedStep)
            .await
            .unwrap();
        assert_eq!(
            house.engine().ended(&again).await,
            Outcome::Completed(json!({ "fine": true }))
        );
        let record = house.record(&again).await;
        assert_eq!(
            (record.retry_of, record.trigger),
            (Some(failed.run.clone()), Trigger::Retry)
        );
        let flaky = house.upstream.seen("/flaky");
        assert_eq!((house.upstream.seen("/first").len(), flaky.len()), (1, 2));
        assert_eq!(flaky[1].key, Some(format!("{again}:/do/1/flaky")));
        let whole = house
            .engine()
            .retry(&local, &failed.run, From::Start)
            .await
            .unwrap();
        assert!(matches!(
            house.engine().ended(&whole).await,
            Outcome::Completed(_)
        ));
        assert_eq!(house.upstream.seen("/first").len(), 2);
        let history = house.engine().history(&local, &whole).await.unwrap();
        assert_eq!(history.input, json!({ "n": 1 }));
        let refused = house.engine().retry(&local, &whole, From::FailedStep).await;
        assert!(matches!(refused, Err(engine::Error::NotNow { .. })));
        assert_eq!(audited(&house, "run.retried").await, 2);
    }
}

#[tokio::test]
async fn a_retry_of_the_flow_s_own_waits_as_long_as_it_is_asked_to() {
    for house in houses().await {
        house
            .flow(
                "tries",
                "do:\n  - t:\n      try:\n        - flaky: {call: http, with: {method: get, endpoint: 'UPSTREAM/flaky'}}\n      catch:\n        errors: {with: {status: 503}}\n        retry: {delay: {milliseconds: 1}, limit: {attempt: {count: 3}}}\n",
            )
            .await;
        *house.upstream.failures.lock().unwrap() = 2;
        let run = house.engine().start_run("tries", json!({})).await;
        for attempts in 1..=2 {
            house.stands(&run, RunStatus::Waiting).await;
            assert_eq!(house.upstream.seen("/flaky").len(), attempts);
            // The upstream asks for a second.
            house.pass(jiff::SignedDuration::from_secs(1));
            until("it tries again", async || {
                house.upstream.seen("/flaky").len() > attempts
            })
            .await;
        }
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "fine": true }))
        );
    }
}

#[tokio::test]
async fn a_person_decides_by_a_link_that_works_once() {
    for house in houses().await {
        house
            .flow(
                "ask",
                "do:\n  - both:\n      fork:\n        branches:\n          - ask: {call: approve, with: {title: Delete Adele?, details: {user: adele}}}\n          - mail: {listen: {to: {one: {with: {type: keyway.approval.requested}}}}}\n",
            )
            .await;
        let run = house.engine().start_run("ask", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        let history = house.engine().history(&Actor::local(), &run).await.unwrap();
        assert_eq!(history.waits_for[0].kind, "approve");
        let mail = history
            .steps
            .iter()
            .find(|step| step.name == "mail")
            .unwrap();
        let link = mail.output.as_ref().unwrap()[0]["link"]
            .as_str()
            .unwrap()
            .to_owned();
        let token = link.rsplit('/').next().unwrap();
        let asked = house
            .store
            .approvals()
            .find_by_token(token)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((asked.title.as_str(), &asked.run), ("Delete Adele?", &run));
        let decision = || Decision {
            approved: Verdict::Approved,
            by: Some("Ben".to_owned()),
            comment: None,
        };
        house
            .engine()
            .decide(&Actor::local(), &asked, decision())
            .await
            .unwrap();
        let Outcome::Completed(output) = house.engine().ended(&run).await else {
            panic!("it was approved")
        };
        assert_eq!(
            (output[0]["approved"].clone(), output[0]["by"].clone()),
            (json!(true), json!("Ben"))
        );
        assert!(
            house
                .engine()
                .decide(&Actor::local(), &asked, decision())
                .await
                .is_err()
        );
    }
}

#[tokio::test]
async fn a_caller_is_answered_while_the_run_goes_on() {
    for house in houses().await {
        house
            .flow(
                "hook",
                "do:\n  - say: {call: respond, with: {status: 202, headers: {x-ticket: '7'}, body: '${ {got: .n} }'}}\n  - nap: {wait: {hours: 1}}\n",
            )
            .await;
        let answer = house.engine().run("hook", json!({ "n": 1 })).await;
        let expected = Reply {
            status: 202,
            headers: vec![("x-ticket".to_owned(), "7".to_owned())],
            body: json!({ "got": 1 }),
        };
        assert_eq!(answer.outcome, Outcome::Replied(expected));
        house.stands(&answer.run, RunStatus::Waiting).await;
        let body = "do:\n  - say: {call: respond, with: {status: 204, body: '${ .said }'}}\n";
        house.flow("nothing", body).await;
        let answer = house.engine().run("nothing", json!({})).await;
        assert!(
            matches!(&answer.outcome, Outcome::Replied(reply) if reply.status == 204),
            "{answer:?}"
        );
        let answer = house
            .engine()
            .run("nothing", json!({ "said": "gone" }))
            .await;
        let Outcome::Faulted(fault) = answer.outcome else {
            panic!("{answer:?}")
        };
        assert_eq!(fault["code"], "function.invalid");
        let detail = fault["detail"].as_str().unwrap();
        assert!(detail.contains("status 204 has no body"), "{detail}");
    }
}
