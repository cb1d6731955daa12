//! What a run does by itself: steps, timers, branches, children, tables.

use engine::Outcome;
use jiff::SignedDuration;
use serde_json::json;
use store::{Actor, RunStatus};

use crate::house::{house, houses, until};

#[tokio::test]
async fn a_flow_without_outside_effects_ends_in_its_first_commit() {
    for house in houses().await {
        house
            .flow(
                "greet",
                "do:\n  - hello: {set: {text: '${ \"Hello \" + .name }'}}\n",
            )
            .await;
        let answer = house
            .engine()
            .run("greet", json!({ "name": "Adele" }))
            .await;
        assert_eq!(
            answer.outcome,
            Outcome::Completed(json!({ "text": "Hello Adele" }))
        );
        let run = house.record(&answer.run).await;
        assert_eq!(
            (run.status, run.epoch, run.owner),
            (RunStatus::Completed, 1, None)
        );
        assert_eq!(
            house.store.runs().journal(&answer.run).await.unwrap().len(),
            1
        );
        let history = house
            .engine()
            .history(&Actor::local(), &answer.run)
            .await
            .unwrap();
        assert_eq!(history.steps[0].name, "hello");
        assert_eq!(
            history.steps[0].output,
            Some(json!({ "text": "Hello Adele" }))
        );
    }
}

#[tokio::test]
async fn a_run_that_sleeps_is_a_row_and_goes_on_in_time() {
    for house in houses().await {
        house
            .flow(
                "nap",
                "do:\n  - rest: {wait: {hours: 2}}\n  - done: {set: {rested: true}}\n",
            )
            .await;
        let run = house.engine().start_run("nap", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        until("nothing is in memory", async || house.engine().live() == 0).await;
        let wake_at = house.record(&run).await.wake_at.unwrap();
        assert_eq!(
            wake_at.duration_since(house.store.clock.now()),
            SignedDuration::from_hours(2)
        );
        house.pass(SignedDuration::from_mins(119));
        assert_eq!(house.record(&run).await.status, RunStatus::Waiting);
        house.pass(SignedDuration::from_mins(1));
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "rested": true }))
        );
    }
}

#[tokio::test]
async fn branches_of_a_fork_are_under_way_at_once() {
    let house = house().await;
    let call = |name: &str| {
        format!(
            "          - {name}: {{call: http, with: {{method: get, endpoint: 'UPSTREAM/held'}}}}\n"
        )
    };
    let body = format!(
        "do:\n  - both:\n      fork:\n        branches:\n{}{}",
        call("one"),
        call("two")
    );
    house.flow("both", &body).await;
    let run = house.engine().start_run("both", json!({})).await;
    // Neither is answered before both have been asked.
    until("both calls are there", async || {
        house.upstream.seen("/held").len() == 2
    })
    .await;
    house.upstream.held.add_permits(2);
    assert_eq!(
        house.engine().ended(&run).await,
        Outcome::Completed(json!([{ "held": true }, { "held": true }]))
    );
}

#[tokio::test]
async fn a_timeout_ends_a_call_that_hangs() {
    let house = house().await;
    house
        .flow(
            "slow",
            "do:\n  - ask:\n      call: http\n      with: {method: get, endpoint: 'UPSTREAM/held'}\n      timeout: {after: {seconds: 30}}\n",
        )
        .await;
    let run = house.engine().start_run("slow", json!({})).await;
    until("the call is there", async || {
        house.upstream.seen("/held").len() == 1
    })
    .await;
    house.pass(SignedDuration::from_secs(31));
    let Outcome::Faulted(error) = house.engine().ended(&run).await else {
        panic!("it should have timed out")
    };
    assert_eq!(
        (error["status"].clone(), error["instance"].clone()),
        (json!(408), json!("/do/0/ask"))
    );
}

#[tokio::test]
async fn a_flow_runs_another_one_and_takes_its_output_or_its_error() {
    for house in houses().await {
        house
            .flow(
                "child",
                "do:\n  - nap: {wait: {hours: 1}}\n  - sum: {set: '${ {sum: (.a + 1)} }'}\n",
            )
            .await;
        house
            .flow(
                "parent",
                "do:\n  - sub: {run: {workflow: {namespace: contoso, name: child, version: '1.0.0', input: {a: 41}}}}\n",
            )
            .await;
        let run = house.engine().start_run("parent", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        let filter = store::RunFilter {
            parent: Some(run.clone()),
            ..store::RunFilter::default()
        };
        until("the child sleeps", async || {
            let page = house
                .store
                .runs()
                .list(&Actor::local(), &filter)
                .await
                .unwrap();
            page.runs.len() == 1 && page.runs[0].status == RunStatus::Waiting
        })
        .await;
        house.pass(SignedDuration::from_hours(1));
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!({ "sum": 42 }))
        );
        house
            .flow("bad", "do:\n  - no: {raise: {error: {type: 'https://contoso.example/no', status: 418, title: No}}}\n")
            .await;
        house
            .flow("calls-bad", "do:\n  - sub: {run: {workflow: {namespace: contoso, name: bad, version: latest}}}\n")
            .await;
        let Outcome::Faulted(error) = house.engine().run("calls-bad", json!({})).await.outcome
        else {
            panic!("the child's error is the parent's")
        };
        assert_eq!(
            (error["status"].clone(), error["instance"].clone()),
            (json!(418), json!("/do/0/sub"))
        );
    }
}

#[tokio::test]
async fn flows_start_each_other_sixteen_deep() {
    let house = house().await;
    house
        .flow(
            "deep",
            "do:\n  - sub: {run: {workflow: {namespace: contoso, name: deep, version: latest}}}\n",
        )
        .await;
    let Outcome::Faulted(error) = house.engine().run("deep", json!({})).await.outcome else {
        panic!("it can't go on for ever")
    };
    assert_eq!(error["code"], "flow.limit");
    let detail = "flow contoso.deep was not begun: flows may start each other 16 deep";
    assert_eq!(error["detail"], detail);
    let page = house
        .store
        .runs()
        .list(&Actor::local(), &store::RunFilter::default())
        .await
        .unwrap();
    assert_eq!(page.runs.len(), 17);
}

#[tokio::test]
async fn tables_are_changed_by_steps_and_conflicts_are_faults() {
    for house in houses().await {
        house
            .flow(
                "count",
                "do:\n  \
                 - put: {call: table-put, with: {table: people, key: adele, value: {n: 1}, version: 0}}\n  \
                 - get: {call: table-get, with: {table: people, key: adele}}\n  \
                 - again:\n      try:\n        - put: {call: table-put, with: {table: people, key: adele, value: 2, version: 0}}\n      \
                 catch: {as: why, do: [{say: {set: {status: '${ $why.status }'}}}]}\n  \
                 - list: {call: table-list, with: {table: people}}\n",
            )
            .await;
        let output = house.engine().output("count", json!({})).await;
        assert_eq!(
            output["items"],
            json!([{ "key": "adele", "value": { "n": 1 }, "version": 1 }])
        );
        house
            .flow(
                "clean",
                "do:\n  - gone: {call: table-delete, with: {table: people, key: adele}}\n",
            )
            .await;
        assert_eq!(
            house.engine().output("clean", json!({})).await,
            json!({ "deleted": true })
        );
        assert_eq!(
            house.engine().output("clean", json!({})).await,
            json!({ "deleted": false })
        );
    }
}

#[tokio::test]
async fn a_key_starts_one_run() {
    for house in houses().await {
        house.flow("once", "do:\n  - a: {set: {a: 1}}\n").await;
        let mut start = crate::house::start("once", json!({}));
        start.key = Some("message-1".to_owned());
        let first = house.engine().begin(start.clone()).await;
        let second = house.engine().begin(start).await;
        assert!(matches!(first, engine::Started::Now(_)));
        assert_eq!(second, engine::Started::Before(first.run().clone()));
    }
}

#[tokio::test]
async fn a_run_stays_on_the_version_that_it_began_with() {
    let house = house().await;
    house
        .flow(
            "change",
            "do:\n  - nap: {wait: {hours: 1}}\n  - a: {set: {version: 1}}\n",
        )
        .await;
    let run = house.engine().start_run("change", json!({})).await;
    house.stands(&run, RunStatus::Waiting).await;
    let deployed = house
        .flow("change", "do:\n  - a: {set: {version: 2}}\n")
        .await;
    assert_eq!(deployed.deployment, engine::Deployment::Added);
    assert!(
        deployed
            .diff
            .iter()
            .any(|line| line.starts_with('-') && line.contains("nap"))
    );
    assert_eq!(
        house.engine().output("change", json!({})).await,
        json!({ "version": 2 })
    );
    house.pass(SignedDuration::from_hours(1));
    assert_eq!(
        house.engine().ended(&run).await,
        Outcome::Completed(json!({ "version": 1 }))
    );
}

#[tokio::test]
async fn a_version_that_stands_for_another_text_is_warned_of() {
    let house = house().await;
    let codes = async |version: &str, body: &str| {
        let source = format!(
            "document:\n  dsl: '1.0.3'\n  namespace: contoso\n  name: child\n  version: '{version}'\n{body}"
        );
        let deployed = house.engine().deploy(&source).await;
        let warnings = deployed.warnings.into_iter();
        warnings
            .map(|warning| (warning.code, warning.line, warning.pointer))
            .collect::<Vec<_>>()
    };
    let one = "do:\n  - a: {set: {n: 1}}\n";
    let two = "do:\n  - a: {set: {n: 2}}\n";
    assert_eq!(codes("1.0.0", one).await, []);
    assert_eq!(codes("1.0.0", one).await, []);
    assert_eq!(codes("1.0.0", &format!("# a remark\n{one}")).await, []);
    let reused = [("flow.version_reused", 5, "/document/version".to_owned())];
    assert_eq!(codes("1.0.0", two).await, reused);
    assert_eq!(codes("1.1.0", one).await, []);
    // It was another text's before, and is not the current one's.
    assert_eq!(codes("1.0.0", one).await, reused);
}
