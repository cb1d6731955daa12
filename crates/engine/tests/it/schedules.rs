//! Triggers by time: once per nominal time, whatever happens.

use jiff::SignedDuration;
use serde_json::json;
use store::{Actor, FiringOutcome, RunStatus};

use crate::house::{House, house, houses, until};

async fn firings(house: &House, name: &str) -> Vec<FiringOutcome> {
    let local = Actor::local();
    let flow = house
        .store
        .flows()
        .find(&local, "contoso", name)
        .await
        .unwrap()
        .unwrap();
    let firings = house
        .store
        .schedules()
        .firings(&local, &flow.id, 0)
        .await
        .unwrap();
    firings.iter().rev().map(|firing| firing.outcome).collect()
}

/// Waits until no run goes.
async fn ended(house: &House) {
    until("it ended", async || {
        house.store.runs().counts().await.unwrap().is_empty()
    })
    .await;
}

#[tokio::test]
async fn a_flow_starts_at_its_times() {
    for house in houses().await {
        house
            .flow(
                "hourly",
                "schedule: {every: {hours: 1}}\ndo:\n  - a: {set: '${ {got: .} }'}\n",
            )
            .await;
        for round in 1..=3 {
            house.pass(SignedDuration::from_hours(1));
            until("it fired", async || {
                firings(&house, "hourly").await.len() == round
            })
            .await;
        }
        let page = house
            .store
            .runs()
            .list(&Actor::local(), &store::RunFilter::default())
            .await
            .unwrap();
        assert_eq!(page.runs.len(), 3);
        ended(&house).await;
        let output = house
            .store
            .runs()
            .output(&Actor::local(), &page.runs[0].id)
            .await
            .unwrap();
        assert_eq!(output, Some(json!({ "got": {} })));
        // Off for half a day: one is made up for, the rest is said to be missed.
        house.pass(SignedDuration::from_hours(12));
        until("it caught up", async || {
            firings(&house, "hourly").await.len() == 15
        })
        .await;
        let outcomes = firings(&house, "hourly").await;
        let started = outcomes
            .iter()
            .filter(|outcome| **outcome == FiringOutcome::Started)
            .count();
        assert_eq!((started, outcomes[14]), (4, FiringOutcome::Started));
    }
}

#[tokio::test]
async fn a_time_is_skipped_while_the_last_run_goes() {
    for house in houses().await {
        house
            .flow(
                "long",
                "schedule: {every: {hours: 1}}\ndo:\n  - nap: {wait: {minutes: 90}}\n",
            )
            .await;
        for expected in [
            FiringOutcome::Started,
            FiringOutcome::Skipped,
            FiringOutcome::Started,
        ] {
            let before = firings(&house, "long").await.len();
            house.pass(SignedDuration::from_hours(1));
            until("it was dealt with", async || {
                firings(&house, "long").await.len() > before
            })
            .await;
            assert_eq!(firings(&house, "long").await[before], expected);
            if expected == FiringOutcome::Skipped {
                house.pass(SignedDuration::from_mins(30));
                ended(&house).await;
                house.store.clock.advance(SignedDuration::from_mins(-30));
            }
        }
    }
}

#[tokio::test]
async fn a_flow_starts_again_after_its_end_and_not_when_it_is_off() {
    for house in houses().await {
        let deployed = house
            .flow(
                "again",
                "schedule: {after: {minutes: 10}}\ndo:\n  - nap: {wait: {hours: 1}}\n",
            )
            .await;
        let flow = deployed.flow.unwrap().id;
        house.pass(SignedDuration::from_mins(10));
        until("it fired", async || {
            firings(&house, "again").await.len() == 1
        })
        .await;
        let page = house
            .store
            .runs()
            .list(&Actor::local(), &store::RunFilter::default())
            .await
            .unwrap();
        house.stands(&page.runs[0].id, RunStatus::Waiting).await;
        house.pass(SignedDuration::from_hours(1));
        ended(&house).await;
        let next = house
            .store
            .schedules()
            .next_due(jiff::Timestamp::MIN)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            next.duration_since(house.store.clock.now()),
            SignedDuration::from_mins(10)
        );
        house
            .engine()
            .disable(&Actor::local(), &flow)
            .await
            .unwrap();
        assert_eq!(
            house
                .store
                .schedules()
                .next_due(jiff::Timestamp::MIN)
                .await
                .unwrap(),
            None
        );
        let off = house
            .engine()
            .start(&Actor::local(), crate::house::start("again", json!({})))
            .await;
        assert!(matches!(off, Err(engine::Error::FlowDisabled { .. })));
    }
}

#[tokio::test]
async fn a_flow_that_faults_starts_again_later_and_later() {
    for house in houses().await {
        house
            .flow(
                "again",
                "schedule: {after: {minutes: 10}}\ndo:\n  - a:\n      if: '${ .well != true }'\n      raise: {error: {type: 'https://contoso.example/wrong', status: 500}}\n",
            )
            .await;
        let pause = async || {
            let now = house.store.clock.now();
            let next = house.store.schedules().next_due(now).await.unwrap();
            next.map(|next| next.duration_since(now).as_mins())
        };
        assert_eq!(pause().await, Some(10));
        for (faults, expected) in [20, 40, 60, 60, 60].into_iter().enumerate() {
            house.pass(SignedDuration::from_mins(pause().await.unwrap()));
            until("it faulted", async || {
                firings(&house, "again").await.len() == faults + 1
                    && house.store.runs().counts().await.unwrap().is_empty()
            })
            .await;
            assert_eq!(pause().await, Some(expected));
        }
        house.store.clock.advance(SignedDuration::from_mins(1));
        let start = crate::house::start("again", json!({"well": true}));
        let run = house.engine().start(&Actor::local(), start).await.unwrap();
        house.stands(run.run(), RunStatus::Completed).await;
        assert_eq!(
            pause().await,
            Some(10),
            "one that ends well makes up for all"
        );
    }
}

#[tokio::test]
async fn times_that_wait_for_a_run_keep_no_other_flow_from_starting() {
    for house in houses().await {
        let body =
            "schedule: {every: {hours: 1}, cron: '0 * * * *'}\ndo:\n  - nap: {wait: {days: 9}}\n";
        let metadata = "version: '1.0.0', metadata: {keyway: {overlap: queue}}}";
        // More times than are looked at in one go, all but the first of each flow waiting.
        for number in 0..110 {
            let text = house.text(&format!("long-{number}"), body);
            let text = text.replace("version: '1.0.0'}", metadata);
            house.engine().deploy(&text).await;
        }
        for hours in 1..=2 {
            house.pass(SignedDuration::from_hours(hours));
        }
        until("they all go", async || {
            let counts = house.store.runs().counts().await.unwrap();
            counts == [(RunStatus::Waiting, 110)]
        })
        .await;
        house
            .flow(
                "short",
                "schedule: {every: {hours: 1}}\ndo:\n  - a: {set: {b: 1}}\n",
            )
            .await;
        house.pass(SignedDuration::from_hours(1));
        until("it fired", async || {
            !firings(&house, "short").await.is_empty()
        })
        .await;
        let waiting = house.store.schedules().due(None, 1_000).await.unwrap();
        assert!(waiting.len() > 200, "{} wait", waiting.len());
    }
}

/// A flow that naps for 90 minutes each hour, with a policy for what then overlaps.
fn naps(house: &House, name: &str, overlap: &str) -> String {
    let body = "schedule: {every: {hours: 1}}\ndo:\n  - nap: {wait: {minutes: 90}}\n";
    let metadata = format!("version: '1.0.0', metadata: {{keyway: {{overlap: {overlap}}}}}}}");
    house
        .text(name, body)
        .replace("version: '1.0.0'}", &metadata)
}

#[tokio::test]
async fn a_time_waits_for_the_end_of_the_last_run() {
    for house in houses().await {
        house.engine().deploy(&naps(&house, "long", "queue")).await;
        let begun = house.store.clock.now();
        house.pass(SignedDuration::from_hours(1));
        until("it fired", async || {
            firings(&house, "long").await.len() == 1
        })
        .await;
        // The second time comes while the first run goes: it is still due.
        house.pass(SignedDuration::from_hours(1));
        until("the first run goes", async || {
            house.store.runs().counts().await.unwrap() == [(RunStatus::Waiting, 1)]
        })
        .await;
        let due = house.store.schedules().due(None, 10).await.unwrap();
        assert_eq!(due[0].nominal, begun + SignedDuration::from_hours(2));
        house.pass(SignedDuration::from_mins(30));
        until("the second time fires", async || {
            firings(&house, "long").await.len() == 2
        })
        .await;
        assert_eq!(firings(&house, "long").await, [FiringOutcome::Started; 2]);
        let page = house
            .store
            .runs()
            .list(&Actor::local(), &store::RunFilter::default())
            .await;
        let runs = page.unwrap().runs;
        let nominal: Vec<_> = runs
            .iter()
            .map(|run| match &run.trigger {
                store::Trigger::Schedule { nominal, .. } => *nominal,
                other => panic!("{other:?}"),
            })
            .collect();
        let hours = |hours| begun + SignedDuration::from_hours(hours);
        assert_eq!(nominal, [hours(2), hours(1)]);
        assert_eq!(
            runs[1].ended_at,
            Some(begun + SignedDuration::from_mins(150))
        );
    }
}

#[tokio::test]
async fn times_start_side_by_side_where_a_flow_says_so() {
    let house = house().await;
    house
        .engine()
        .deploy(&naps(&house, "long", "parallel"))
        .await;
    for round in 1..=2 {
        house.pass(SignedDuration::from_hours(1));
        until("it fired", async || {
            firings(&house, "long").await.len() == round
        })
        .await;
    }
    assert_eq!(firings(&house, "long").await, [FiringOutcome::Started; 2]);
    until("both go", async || {
        house.store.runs().counts().await.unwrap() == [(RunStatus::Waiting, 2)]
    })
    .await;
}

/// Many schedules at the same moment: each starts once, and no more go at once than there is room for.
#[tokio::test]
async fn midnight_is_no_stampede() {
    const FLOWS: usize = 300;
    let mut house = house().await;
    house.take_engine().stop().await;
    house.start_engine(|config| config.concurrency = 8);
    for number in 0..FLOWS {
        let body = format!(
            "schedule: {{cron: '0 0 * * *'}}\ndo:\n  - ask: {{call: http, with: {{method: get, endpoint: 'UPSTREAM/midnight/{number}'}}}}\n"
        );
        house.flow(&format!("midnight-{number}"), &body).await;
    }
    house.pass(SignedDuration::from_hours(24));
    until("all have run", async || {
        assert!(house.engine().live() <= 8);
        let due = house.store.schedules().due(None, 1).await.unwrap();
        due.is_empty() && house.store.runs().counts().await.unwrap().is_empty()
    })
    .await;
    for number in 0..FLOWS {
        let path = format!("/midnight/{number}");
        assert_eq!(house.upstream.seen(&path).len(), 1, "{path}");
    }
}

/// A text that an older Keyway took and this one does not: its time is told as missed, and it is not tried for ever.
#[tokio::test]
async fn a_flow_that_cannot_be_read_any_more_misses_its_time() {
    let house = house().await;
    let flow = house
        .flow(
            "odd",
            "schedule: {every: {hours: 1}}\ndo:\n  - a: {set: {x: 1}}\n",
        )
        .await
        .flow
        .unwrap();
    let old = store::NewVersion {
        namespace: flow.namespace,
        name: flow.name,
        version: "1.0.0".to_owned(),
        title: None,
        retention_days: None,
        digest: "of-an-old-text".to_owned(),
        source: "do: []".to_owned(),
        based_on: None,
    };
    let flows = house.store.flows();
    flows.deploy(&Actor::local(), old).await.unwrap();
    house.pass(SignedDuration::from_hours(1));
    until("its time is over", async || {
        firings(&house, "odd").await == [FiringOutcome::Missed]
    })
    .await;
    assert_eq!(
        house
            .store
            .schedules()
            .next_due(jiff::Timestamp::MIN)
            .await
            .unwrap(),
        None
    );
    assert_eq!(house.store.runs().counts().await.unwrap(), []);
}
