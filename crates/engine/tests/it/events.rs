//! Events: from outside, between runs, to the run itself, and those that start flows.

use engine::{Delivered, Outcome};
use flow::CloudEvent;
use serde_json::{Value, json};
use store::{Actor, FlowId, NewVersion, RunFilter, RunId, RunStatus};

use crate::house::{House, houses, until};

fn event(kind: &str, id: &str, data: Value) -> CloudEvent {
    CloudEvent {
        specversion: "1.0".to_owned(),
        id: id.to_owned(),
        source: "https://contoso.example/hr".to_owned(),
        r#type: kind.to_owned(),
        time: None,
        subject: None,
        datacontenttype: None,
        dataschema: None,
        data: Some(data),
        extensions: indexmap::IndexMap::new(),
    }
}

/// How many runs hear it, and flows it starts.
async fn deliver(house: &House, event: CloudEvent) -> usize {
    delivered(house, event).await.recipients
}

async fn delivered(house: &House, event: CloudEvent) -> Delivered {
    let delivered = house.engine().deliver(&Actor::local(), event).await;
    delivered.unwrap()
}

#[tokio::test]
async fn an_event_wakes_who_listens_and_nobody_else() {
    for house in houses().await {
        let body = "do:\n  - hear:\n      listen:\n        to:\n          one:\n            with: {type: com.contoso.left, data: '${ .user == $workflow.input.user }'}\n";
        // Only its own attribute is in reach of a filter: the user is compared by correlation.
        let body = body.replace(", data: '${ .user == $workflow.input.user }'", "")
            + "            correlate:\n              user: {from: '${ .data.user }', expect: '${ .user }'}\n";
        house.flow("hear", &body).await;
        let adele = house
            .engine()
            .start_run("hear", json!({ "user": "adele" }))
            .await;
        let ben = house
            .engine()
            .start_run("hear", json!({ "user": "ben" }))
            .await;
        house.stands(&adele, RunStatus::Waiting).await;
        house.stands(&ben, RunStatus::Waiting).await;
        assert_eq!(
            deliver(
                &house,
                event("com.contoso.other", "1", json!({ "user": "adele" }))
            )
            .await,
            0
        );
        assert_eq!(
            deliver(
                &house,
                event("com.contoso.left", "2", json!({ "user": "carla" }))
            )
            .await,
            0
        );
        assert_eq!(
            deliver(
                &house,
                event("com.contoso.left", "3", json!({ "user": "adele" }))
            )
            .await,
            1
        );
        assert_eq!(
            house.engine().ended(&adele).await,
            Outcome::Completed(json!([{ "user": "adele" }]))
        );
        assert_eq!(house.record(&ben).await.status, RunStatus::Waiting);
        // Its listener is gone with it.
        assert_eq!(
            deliver(
                &house,
                event("com.contoso.left", "4", json!({ "user": "adele" }))
            )
            .await,
            0
        );
    }
}

#[tokio::test]
async fn a_run_tells_another_one_and_starts_flows() {
    for house in houses().await {
        house
            .flow(
                "hear",
                "do:\n  - hear: {listen: {to: {one: {with: {type: com.contoso.said}}}}}\n",
            )
            .await;
        house
            .flow(
                "started",
                "schedule: {on: {one: {with: {type: com.contoso.said}}}}\ndo:\n  - a: {set: '${ {got: .[0].data} }'}\n",
            )
            .await;
        house
            .flow(
                "say",
                "do:\n  - say: {emit: {event: {with: {source: 'https://contoso.example', type: com.contoso.said, data: {n: 7}}}}}\n",
            )
            .await;
        let hears = house.engine().start_run("hear", json!({})).await;
        house.stands(&hears, RunStatus::Waiting).await;
        let said = house.engine().run("say", json!({})).await;
        assert!(matches!(said.outcome, Outcome::Completed(_)));
        assert_eq!(
            house.engine().ended(&hears).await,
            Outcome::Completed(json!([{ "n": 7 }]))
        );
        let started = house
            .store
            .flows()
            .find(&Actor::local(), "contoso", "started")
            .await
            .unwrap()
            .unwrap();
        let filter = RunFilter {
            flow: Some(started.id),
            status: Some(RunStatus::Completed),
            ..RunFilter::default()
        };
        until("the flow was started", async || {
            house
                .store
                .runs()
                .list(&Actor::local(), &filter)
                .await
                .unwrap()
                .runs
                .len()
                == 1
        })
        .await;
        let page = house
            .store
            .runs()
            .list(&Actor::local(), &filter)
            .await
            .unwrap();
        let output = house
            .store
            .runs()
            .output(&Actor::local(), &page.runs[0].id)
            .await
            .unwrap();
        assert_eq!(output, Some(json!({ "got": { "n": 7 } })));
        let history = house
            .engine()
            .history(&Actor::local(), &said.run)
            .await
            .unwrap();
        assert_eq!(history.events.len(), 1);
        assert_eq!(history.events[0].data, Some(json!({ "n": 7 })));
    }
}

#[tokio::test]
async fn an_event_for_the_run_itself_is_kept_until_it_listens() {
    for house in houses().await {
        house
            .flow(
                "late",
                "do:\n  - nap: {wait: {hours: 1}}\n  - hear: {listen: {to: {one: {with: {type: com.contoso.note}}}}}\n",
            )
            .await;
        let run = house.engine().start_run("late", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        let mut note = event("com.contoso.note", "1", json!("early"));
        note.subject = Some(run.to_string());
        assert_eq!(deliver(&house, note).await, 1);
        house.stands(&run, RunStatus::Waiting).await;
        house.pass(jiff::SignedDuration::from_hours(1));
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!(["early"]))
        );
    }
}

#[tokio::test]
async fn a_flow_starts_when_all_events_have_come() {
    for house in houses().await {
        house
            .flow(
                "both",
                "schedule:\n  on:\n    all:\n      - with: {type: com.contoso.a}\n      - with: {type: com.contoso.b}\ndo:\n  - a: {set: '${ {got: map(.data)} }'}\n",
            )
            .await;
        for (kind, id, started) in [
            ("a", "1", 0),
            ("a", "2", 0),
            ("b", "3", 1),
            ("b", "4", 0),
            ("a", "5", 1),
        ] {
            let count = deliver(&house, event(&format!("com.contoso.{kind}"), id, json!(id))).await;
            assert_eq!(count, started, "{id}");
        }
        let filter = RunFilter {
            status: Some(RunStatus::Completed),
            ..RunFilter::default()
        };
        let page = house
            .store
            .runs()
            .list(&Actor::local(), &filter)
            .await
            .unwrap();
        let mut outputs = Vec::new();
        for run in &page.runs {
            outputs.push(
                house
                    .store
                    .runs()
                    .output(&Actor::local(), &run.id)
                    .await
                    .unwrap()
                    .unwrap(),
            );
        }
        outputs.sort_by_key(ToString::to_string);
        assert_eq!(
            outputs,
            [json!({ "got": ["1", "3"] }), json!({ "got": ["4", "5"] })]
        );
    }
}

/// The data of the events that each run so far was started with, sorted.
async fn inputs(house: &House) -> Vec<Value> {
    let runs = house.store.runs();
    let page = runs.list(&Actor::local(), &RunFilter::default()).await;
    let mut inputs = Vec::new();
    for run in &page.unwrap().runs {
        let history = house.engine().history(&Actor::local(), &run.id).await;
        if let Value::Array(events) = history.unwrap().input {
            inputs.push(events.iter().map(|event| event["data"].clone()).collect());
        }
    }
    inputs.sort_by_key(ToString::to_string);
    inputs
}

#[tokio::test]
async fn an_event_that_comes_again_starts_nothing_again() {
    for mut house in houses().await {
        for (name, on) in [
            ("one", "{one: {with: {type: com.contoso.a}}}"),
            ("any", "{any: [{with: {type: com.contoso.a}}]}"),
        ] {
            let body = format!("schedule: {{on: {on}}}\ndo:\n  - a: {{set: {{done: true}}}}\n");
            house.flow(name, &body).await;
        }
        let again = event("com.contoso.a", "1", json!(1));
        assert_eq!(deliver(&house, again.clone()).await, 2);
        // Whoever sends it again, not knowing whether it arrived, is told the same.
        assert_eq!(deliver(&house, again.clone()).await, 2);
        house.restart();
        assert_eq!(deliver(&house, again.clone()).await, 2);
        assert_eq!(inputs(&house).await, [json!([1]), json!([1])]);
        // The same id from elsewhere is another event.
        let elsewhere = CloudEvent {
            source: "https://contoso.example/sales".to_owned(),
            ..again
        };
        assert_eq!(deliver(&house, elsewhere).await, 2);
        assert_eq!(inputs(&house).await.len(), 4);
    }
}

/// The commands of a run that listen for items.
async fn listens(house: &House, run: &RunId) -> Vec<String> {
    let listening = house.store.runs().listening("com.contoso.item").await;
    let listening = listening.unwrap().into_iter();
    let of_run = listening.filter(|listening| listening.run == *run);
    of_run.map(|listening| listening.command).collect()
}

#[test]
fn an_event_that_is_heard_twice_is_noticed() {
    let check = "events::an_event_that_comes_again_is_heard_once";
    store::testing::notices(check, "event-heard-twice");
}

#[tokio::test]
async fn an_event_that_comes_again_is_heard_once() {
    for mut house in houses().await {
        let until_over = "{any: [{with: {type: com.contoso.item}}], until: {one: {with: {type: com.contoso.over}}}}";
        let body = format!(
            "do:\n  - both:\n      fork:\n        branches:\n          - a: {{listen: {{to: {until_over}}}}}\n          - b: {{listen: {{to: {until_over}}}}}\n"
        );
        house.flow("lot", &body).await;
        let each = "do:\n  - each:\n      for: {each: n, in: '${ [1, 2] }'}\n      do:\n        - hear: {listen: {to: {one: {with: {type: com.contoso.item}}}}, export: {as: '${ {heard: (($context.heard? // []) + .)} }'}}\n  - all: {set: '${ $context }'}\n";
        house.flow("each", each).await;
        let item = |id: &str| event("com.contoso.item", id, json!(id));
        let lot = house.engine().start_run("lot", json!({})).await;
        let each = house.engine().start_run("each", json!({})).await;
        for run in [&lot, &each] {
            house.stands(run, RunStatus::Waiting).await;
        }
        let first = listens(&house, &each).await;
        assert_eq!(deliver(&house, item("1")).await, 2);
        until("the second turn listens", async || {
            let now = listens(&house, &each).await;
            !now.is_empty() && now != first
        })
        .await;
        // Whoever sends it again, not knowing whether it arrived, is told the same; the runs are not told again.
        assert_eq!(deliver(&house, item("1")).await, 2);
        house.restart();
        assert_eq!(deliver(&house, item("1")).await, 2);
        assert_eq!(deliver(&house, item("2")).await, 2);
        // The same id from elsewhere is another event.
        let elsewhere = CloudEvent {
            source: "https://contoso.example/sales".to_owned(),
            ..item("1")
        };
        assert_eq!(
            house.engine().ended(&each).await,
            Outcome::Completed(json!({ "heard": ["1", "2"] })),
            "the second turn of the loop has not heard the first event"
        );
        assert_eq!(deliver(&house, elsewhere).await, 1);
        assert_eq!(
            deliver(&house, event("com.contoso.over", "3", json!(3))).await,
            1
        );
        let heard = json!(["1", "2", "1"]);
        assert_eq!(
            house.engine().ended(&lot).await,
            Outcome::Completed(json!([heard, heard])),
            "both branches have heard each event once"
        );
    }
}

#[tokio::test]
async fn an_event_for_a_run_itself_is_kept_once() {
    for house in houses().await {
        let listen = "  - hear: {listen: {to: {any: [{with: {type: com.contoso.note}}], until: {one: {with: {type: com.contoso.over}}}}}}\n";
        house
            .flow(
                "late",
                &format!("do:\n  - nap: {{wait: {{hours: 1}}}}\n{listen}"),
            )
            .await;
        let run = house.engine().start_run("late", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        let to_run = |kind: &str, id: &str| CloudEvent {
            subject: Some(run.to_string()),
            ..event(kind, id, json!(id))
        };
        for id in ["1", "1", "2", "1"] {
            assert_eq!(deliver(&house, to_run("com.contoso.note", id)).await, 1);
        }
        assert_eq!(deliver(&house, to_run("com.contoso.over", "3")).await, 1);
        house.pass(jiff::SignedDuration::from_hours(1));
        assert_eq!(
            house.engine().ended(&run).await,
            Outcome::Completed(json!(["1", "2"]))
        );
    }
}

#[tokio::test]
async fn an_event_that_comes_again_is_gathered_once() {
    for mut house in houses().await {
        house
            .flow(
                "lot",
                "schedule:\n  on:\n    any:\n      - with: {type: com.contoso.item}\n    until:\n      one: {with: {type: com.contoso.over}}\ndo:\n  - a: {set: {done: true}}\n",
            )
            .await;
        let item = |id: &str| event("com.contoso.item", id, json!(id));
        let over = |id: &str| event("com.contoso.over", id, json!(id));
        for (event, started) in [
            (item("1"), 0),
            (item("1"), 0),
            (item("2"), 0),
            (over("3"), 1),
        ] {
            assert_eq!(deliver(&house, event).await, started);
        }
        house.restart();
        // All that began the first lot is used, also what ended it.
        for event in [item("1"), over("3"), item("2")] {
            assert_eq!(deliver(&house, event).await, 0);
        }
        assert_eq!(deliver(&house, item("4")).await, 0);
        assert_eq!(deliver(&house, over("5")).await, 1);
        assert_eq!(inputs(&house).await, [json!(["1", "2"]), json!(["4"])]);
    }
}

#[tokio::test]
async fn all_that_a_step_publishes_is_gathered_in_its_order() {
    for house in houses().await {
        house
            .flow(
                "both",
                "schedule:\n  on:\n    all:\n      - with: {type: com.contoso.a}\n      - with: {type: com.contoso.b}\ndo:\n  - a: {set: {done: true}}\n",
            )
            .await;
        let emit = |n: usize, kind: &str| {
            format!(
                "  - e{n}: {{emit: {{event: {{with: {{source: 'https://contoso.example', type: com.contoso.{kind}, data: {n}}}}}}}}}\n"
            )
        };
        let kinds = ["a", "b", "b", "a", "b"];
        let tasks: String = kinds
            .iter()
            .enumerate()
            .map(|(n, kind)| emit(n, kind))
            .collect();
        house.flow("say", &format!("do:\n{tasks}")).await;
        let said = house.engine().run("say", json!({})).await;
        assert!(matches!(said.outcome, Outcome::Completed(_)));
        // In one commit: two lots are full, and the last event waits for another.
        assert_eq!(inputs(&house).await, [json!([0, 1]), json!([2, 3])]);
        assert_eq!(
            deliver(&house, event("com.contoso.a", "5", json!(5))).await,
            1
        );
        let all = [json!([0, 1]), json!([2, 3]), json!([4, 5])];
        assert_eq!(inputs(&house).await, all);
    }
}

#[tokio::test]
async fn branches_of_one_run_hear_each_other() {
    for house in houses().await {
        house
            .flow(
                "talk",
                "do:\n  - both:\n      fork:\n        branches:\n          - hear: {listen: {to: {one: {with: {type: com.contoso.hi}}}}}\n          - say: {emit: {event: {with: {source: 'https://contoso.example', type: com.contoso.hi, data: hi}}}}\n",
            )
            .await;
        let output = house.engine().output("talk", json!({})).await;
        assert_eq!(output[0], json!(["hi"]));
    }
}

/// A flow that hears what it says comes to an end, and people see why.
#[tokio::test]
async fn flows_that_events_start_are_cut_sixteen_deep() {
    for house in houses().await {
        house
            .flow(
                "echo",
                "schedule: {on: {one: {with: {type: com.contoso.echo}}}}\ndo:\n  - say: {emit: {event: {with: {source: 'https://contoso.example', type: com.contoso.echo}}}}\n",
            )
            .await;
        deliver(&house, event("com.contoso.echo", "1", json!({}))).await;
        let filter = RunFilter {
            limit: 100,
            ..RunFilter::default()
        };
        let runs = async || {
            let page = house.store.runs().list(&Actor::local(), &filter).await;
            page.unwrap().runs
        };
        until("one has failed and all have ended", async || {
            let runs = runs().await;
            runs.iter().any(|run| run.status == RunStatus::Faulted)
                && runs.iter().all(|run| run.status.is_over())
        })
        .await;
        let runs = runs().await;
        assert_eq!(runs.len(), 18);
        let failed: Vec<_> = runs
            .iter()
            .filter(|run| run.status != RunStatus::Completed)
            .collect();
        let [failed] = failed.as_slice() else {
            panic!("{failed:?}")
        };
        assert_eq!(failed.error.as_ref().unwrap()["code"], "flow.limit");
        assert!(
            house
                .engine()
                .history(&Actor::local(), &failed.id)
                .await
                .is_ok()
        );
        // Who looks for what goes on finds nothing.
        assert_eq!(house.store.runs().counts().await.unwrap(), []);
    }
}

/// Puts a text into the store that was accepted once.
async fn stored_before(house: &House, name: &str, body: &str) -> FlowId {
    let source = house.text(name, body);
    assert!(flow::Flow::parse(&source).is_err(), "{source}");
    let read = flow::Flow::parse_stored(&source).unwrap();
    let new = NewVersion {
        namespace: "contoso".to_owned(),
        name: name.to_owned(),
        version: "1.0.0".to_owned(),
        title: None,
        retention_days: None,
        digest: read.digest,
        source,
        based_on: None,
    };
    let deployed = house.store.flows().deploy(&Actor::local(), new).await;
    let (record, _) = deployed.unwrap();
    // Enabling arms its triggers.
    let engine = house.engine();
    engine.disable(&Actor::local(), &record.id).await.unwrap();
    engine.enable(&Actor::local(), &record.id).await.unwrap();
    record.id
}

#[tokio::test]
async fn an_until_that_may_run_for_long_is_never_evaluated_here() {
    for mut house in houses().await {
        let hostile = [
            "def f(x): f(x|x); f(.)",
            "def f: [f]; f",
            "[range(1000000000)] | length > 0",
            "reduce range(1000000000) as $x (.; [., .])",
            "repeat(.)",
        ];
        let mut flows = Vec::new();
        for (at, source) in hostile.iter().enumerate() {
            let body = format!(
                "schedule: {{on: {{any: [{{with: {{type: com.contoso.u}}}}], until: '{source}'}}}}\ndo:\n  - a: {{set: {{done: true}}}}\n"
            );
            flows.push(stored_before(&house, &format!("hostile-{at}"), &body).await);
        }
        for round in 1..=2 {
            let id = round.to_string();
            let got = delivered(&house, event("com.contoso.u", &id, json!({}))).await;
            let kept = Delivered {
                recipients: 0,
                gathered: hostile.len(),
            };
            assert_eq!(got, kept);
            for flow in &flows {
                let waiting = house.engine().waiting(&Actor::local(), flow, "on").await;
                let waiting = waiting.unwrap().unwrap();
                assert_eq!(waiting.events, round);
                assert_eq!(waiting.trouble.unwrap().code, "expr.heavy_filter");
            }
            house.restart();
        }
    }
}

#[tokio::test]
async fn an_until_that_fails_is_told_until_it_works() {
    for house in houses().await {
        let body = |until: &str| {
            format!(
                "schedule: {{on: {{any: [{{with: {{type: com.contoso.u}}}}], until: '{until}'}}}}\ndo:\n  - a: {{set: {{done: true}}}}\n"
            )
        };
        let deployed = house.flow("sum", &body("(map(.data.n) | add) > 5")).await;
        let flow = deployed.flow.unwrap().id;
        let waiting = async || {
            let waiting = house.engine().waiting(&Actor::local(), &flow, "on").await;
            waiting.unwrap()
        };
        assert_eq!(waiting().await, None);
        let n = |id: &str, n: Value| event("com.contoso.u", id, json!({ "n": n }));
        deliver(&house, n("1", json!(1))).await;
        assert_eq!(waiting().await.unwrap().trouble, None);
        assert_eq!(deliver(&house, n("2", json!([9]))).await, 0);
        let told = waiting().await.unwrap();
        let trouble = told.trouble.unwrap();
        assert_eq!((told.events, trouble.code.as_str()), (2, "expr.raised"));
        assert!(
            trouble.detail.contains("can't be evaluated"),
            "{}",
            trouble.detail
        );
        house.flow("sum", &body("length > 2")).await;
        assert_eq!(deliver(&house, n("3", json!(1))).await, 1);
        assert_eq!(waiting().await, None);
    }
}

#[tokio::test]
async fn a_trigger_that_is_full_says_so() {
    for house in houses().await {
        let deployed = house
            .flow(
                "never",
                "schedule: {on: {any: [{with: {type: com.contoso.u}}], until: 'false'}}\ndo:\n  - a: {set: {done: true}}\n",
            )
            .await;
        let flow = deployed.flow.unwrap().id;
        let full: Vec<_> = (0..10_000)
            .map(|n| json!([0, event("com.contoso.u", &format!("old-{n}"), json!(1))]))
            .collect();
        let gathering = store::Gathering {
            flow: flow.clone(),
            trigger: "on".to_owned(),
            revision: 0,
            // As it was stored before anything but the events was.
            value: json!({ "events": full, "over": [] }),
        };
        assert!(house.store.schedules().gather(gathering).await.unwrap());
        let got = delivered(&house, event("com.contoso.u", "1", json!(1))).await;
        assert_eq!(got, Delivered::default(), "it is gone, and that is said");
        let waiting = house.engine().waiting(&Actor::local(), &flow, "on").await;
        let waiting = waiting.unwrap().unwrap();
        assert_eq!(waiting.events, 10_000);
        assert_eq!(waiting.trouble.unwrap().code, "event.queue_full");
    }
}

#[tokio::test]
async fn what_a_trigger_gathers_belongs_together() {
    for mut house in houses().await {
        house
            .flow(
                "paid",
                "schedule:\n  on:\n    all:\n      - with: {type: com.contoso.order}\n        correlate: {order: {from: .data.order}}\n      - with: {type: com.contoso.paid}\n        correlate: {order: {from: .data.order}}\ndo:\n  - a: {set: {done: true}}\n",
            )
            .await;
        let about = |kind: &str, id: &str, order: Value| {
            let data = json!({ "order": order, "id": id });
            event(&format!("com.contoso.{kind}"), id, data)
        };
        let (kept, gone) = (
            Delivered {
                recipients: 0,
                gathered: 1,
            },
            Delivered::default(),
        );
        // What names no order fits none.
        assert_eq!(
            delivered(&house, about("order", "0", json!(null))).await,
            gone
        );
        assert_eq!(delivered(&house, about("order", "1", json!(1))).await, kept);
        house.restart();
        assert_eq!(delivered(&house, about("paid", "2", json!(2))).await, gone);
        assert_eq!(delivered(&house, about("order", "3", json!(2))).await, gone);
        assert_eq!(delivered(&house, about("order", "1", json!(1))).await, kept);
        assert_eq!(deliver(&house, about("paid", "4", json!(1))).await, 1);
        // The next pair is another order's.
        assert_eq!(delivered(&house, about("paid", "5", json!(2))).await, kept);
        assert_eq!(deliver(&house, about("order", "6", json!(2))).await, 1);
        let pairs: Vec<_> = inputs(&house)
            .await
            .into_iter()
            .map(|events| json!([events[0]["id"], events[1]["id"]]))
            .collect();
        assert_eq!(pairs, [json!(["1", "4"]), json!(["5", "6"])]);
    }
}

#[tokio::test]
async fn a_trigger_expects_what_is_written() {
    for house in houses().await {
        let body = |expect: &str| {
            format!(
                "schedule: {{on: {{one: {{with: {{type: com.contoso.c}}, correlate: {{c: {{from: .data.c, expect: {expect}}}}}}}}}}}\ndo:\n  - a: {{set: {{done: true}}}}\n"
            )
        };
        house.flow("constant", &body("want")).await;
        stored_before(&house, "light", &body("'${ \"want\" }'")).await;
        stored_before(&house, "heavy", &body("'${ [range(3)] | \"want\" }'")).await;
        let c = |id: &str, c: &str| event("com.contoso.c", id, json!({ "c": c }));
        assert_eq!(deliver(&house, c("1", "other")).await, 0);
        assert_eq!(deliver(&house, c("2", "want")).await, 2);
    }
}

#[tokio::test]
async fn what_ends_a_lot_is_not_in_it() {
    for house in houses().await {
        house
            .flow(
                "lot",
                "schedule: {on: {any: [], until: {one: {with: {type: com.contoso.over}}}}}\ndo:\n  - a: {set: {done: true}}\n",
            )
            .await;
        assert_eq!(
            deliver(&house, event("com.contoso.item", "1", json!(1))).await,
            0
        );
        assert_eq!(
            deliver(&house, event("com.contoso.over", "2", json!(2))).await,
            1
        );
        assert_eq!(inputs(&house).await, [json!([1])]);
    }
}
