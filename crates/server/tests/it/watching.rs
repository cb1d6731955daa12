//! Watching runs as they go on, and how the engine is seen from outside.

use serde_json::{Value, json};
use store::{Actor, Role, RunId, Trigger};

use crate::house::{House, Wishes, eventually};

const WAITS: &str = "document: {dsl: 1.0.3, namespace: people, name: waits, version: 1.0.0}
do:
  - first: {set: {a: 1}}
  - listens: {listen: {to: {one: {with: {type: contoso.go}}}}}
  - last: {set: {b: 2}}
";

async fn started(house: &House) -> RunId {
    let engine = &house.engine;
    let actor = Actor::local();
    engine
        .deploy(&actor, WAITS, engine::DryRun::No, None)
        .await
        .unwrap();
    let start = engine::Start {
        subject: engine::Subject::Deployed {
            namespace: "people".to_owned(),
            name: "waits".to_owned(),
            version: None,
        },
        input: Value::Null,
        trigger: Trigger::Manual,
        key: None,
    };
    engine.start(&actor, start).await.unwrap().run().clone()
}

async fn go(house: &House, recipients: u64) {
    let operator = house.key(Role::Operator).await;
    let event = json!({ "specversion": "1.0", "id": "1", "source": "test", "type": "contoso.go" });
    let sent = house
        .request("POST", "/api/v1/events")
        .key(&operator)
        .body("application/cloudevents+json", event.to_string())
        .send()
        .await;
    assert_eq!(sent.json()["recipients"], recipients, "{}", sent.text);
}

/// Reads on until an event of this name came; all events since.
async fn until(
    stream: &mut reqwest::Response,
    text: &mut String,
    name: &str,
) -> Vec<(String, Value)> {
    while !text.contains(&format!("event: {name}\n")) {
        let piece = stream.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&piece).unwrap());
    }
    let events = text.split_terminator("\n\n").filter_map(|event| {
        let (name, data) = event.strip_prefix("event: ")?.split_once("\ndata: ")?;
        Some((name.to_owned(), serde_json::from_str(data).unwrap()))
    });
    events.collect()
}

#[tokio::test]
async fn whoever_watches_sees_each_step_and_the_end() {
    let house = House::new().await;
    let run = started(&house).await;
    let viewer = house.key(Role::Viewer).await;
    let path = format!("/api/v1/runs/{run}/watch");
    let mut stream = house.request("GET", &path).key(&viewer).stream().await;
    assert_eq!(stream.status(), 200);
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    let events = until(&mut stream, &mut text, "step").await;
    assert_eq!(events[0].0, "run");
    assert_eq!(events[0].1["status"], "waiting");
    let steps = |events: &[(String, Value)]| -> Vec<(String, String)> {
        let steps = events.iter().filter(|(name, _)| name == "step");
        let told = |step: &Value, of: &str| step["step"][of].as_str().unwrap().to_owned();
        steps
            .map(|(_, step)| (told(step, "name"), told(step, "status")))
            .collect()
    };
    let told = |name: &str, status: &str| (name.to_owned(), status.to_owned());
    assert_eq!(
        steps(&events),
        [told("first", "completed"), told("listens", "waiting")]
    );
    text.clear();
    go(&house, 1).await;
    let events = until(&mut stream, &mut text, "end").await;
    assert_eq!(
        steps(&events),
        [told("listens", "completed"), told("last", "completed")]
    );
    let end = &events.last().unwrap().1;
    assert_eq!(
        (&end["run"]["status"], &end["output"]),
        (&json!("completed"), &json!({ "b": 2 }))
    );
    assert_eq!(stream.chunk().await.unwrap(), None);
    // whoever comes later is told all of it at once
    let late = house.request("GET", &path).key(&viewer).send().await;
    assert_eq!(late.text.matches("event: step").count(), 3, "{}", late.text);
    assert!(late.text.contains("event: end"), "{}", late.text);
}

/// What the next `list` says, and the runs that were told with it as id and status.
async fn listed(
    stream: &mut reqwest::Response,
    text: &mut String,
) -> (Vec<String>, Vec<(String, String)>) {
    text.clear();
    let events = until(stream, text, "list").await;
    let (last, told) = events.split_last().unwrap();
    assert_eq!(last.0, "list");
    let ids = last.1["ids"].as_array().unwrap().iter();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let told = told.iter().map(|(name, run)| {
        assert_eq!(name, "run");
        (word(&run["id"]), word(&run["status"]))
    });
    (ids.map(word).collect(), told.collect())
}

#[tokio::test]
async fn whoever_watches_a_list_sees_runs_come_change_and_go() {
    let house = House::new().await;
    let first = started(&house).await.to_string();
    let viewer = house.key(Role::Viewer).await;
    let watched = async |query: &str| {
        let path = format!("/api/v1/runs/watch{query}");
        house.request("GET", &path).key(&viewer).stream().await
    };
    let waiting = |id: &str| (id.to_owned(), "waiting".to_owned());
    let mut text = String::new();
    let mut all = watched("?flow=people.waits").await;
    assert_eq!(all.headers()["content-type"], "text/event-stream");
    assert_eq!(
        listed(&mut all, &mut text).await,
        (vec![first.clone()], vec![waiting(&first)])
    );
    let mut few = watched("?status=waiting&limit=1").await;
    listed(&mut few, &mut text).await;
    house.clock.advance(jiff::SignedDuration::from_secs(1));
    let second = started(&house).await.to_string();
    assert_eq!(
        listed(&mut few, &mut text).await,
        (vec![second.clone()], vec![waiting(&second)])
    );
    let (ids, told) = listed(&mut all, &mut text).await;
    assert_eq!(ids, [second.clone(), first.clone()]);
    assert!(told.iter().all(|(id, _)| *id == second), "{told:?}");
    // one message ends both: the list of those that wait is empty, in the other they stay where they are
    go(&house, 2).await;
    let mut ids = vec![second.clone()];
    while !ids.is_empty() {
        (ids, _) = listed(&mut few, &mut text).await;
    }
    text.clear();
    let mut ended = std::collections::BTreeSet::new();
    while ended.len() < 2 {
        let events = until(&mut all, &mut text, "run").await;
        text.clear();
        for (name, run) in events {
            assert_eq!(name, "run", "the order is the same");
            if run["status"] == "completed" {
                ended.insert(run["id"].to_string());
            }
        }
    }
    // nobody watches for longer than five minutes without asking anew
    house.clock.advance(jiff::SignedDuration::from_mins(5));
    for stream in [few, all] {
        let rest = stream.text().await.unwrap();
        assert_eq!(rest, "event: again\ndata: {}\n\n");
    }
}

#[tokio::test]
async fn nobody_watches_a_run_for_longer_than_five_minutes_without_asking_anew() {
    let house = House::new().await;
    let run = started(&house).await;
    let viewer = house.key(Role::Viewer).await;
    let path = format!("/api/v1/runs/{run}/watch");
    let mut stream = house.request("GET", &path).key(&viewer).stream().await;
    until(&mut stream, &mut String::new(), "step").await;
    house.clock.advance(jiff::SignedDuration::from_mins(5));
    let rest = stream.text().await.unwrap();
    assert!(rest.ends_with("event: again\ndata: {}\n\n"), "{rest}");
    assert!(!rest.contains("event: end"), "{rest}");
}

#[tokio::test]
async fn only_who_may_see_a_run_may_watch_it() {
    let house = House::new().await;
    let viewer = house.key(Role::Viewer).await;
    let nobody = house
        .request("GET", "/api/v1/runs/run_x/watch")
        .send()
        .await;
    assert_eq!(nobody.refusal(), "401 unauthenticated");
    let unknown = house
        .request("GET", "/api/v1/runs/run_x/watch")
        .key(&viewer)
        .send()
        .await;
    assert_eq!(unknown.refusal(), "404 run.not_found");
    let none = format!("/api/v1/runs/{}/watch", RunId::random());
    let none = house.request("GET", &none).key(&viewer).send().await;
    assert_eq!(none.refusal(), "404 run.not_found");
}

#[tokio::test]
async fn a_stream_does_not_hold_the_server_up() {
    let house = House::new().await;
    let run = started(&house).await;
    let viewer = house.key(Role::Viewer).await;
    let path = format!("/api/v1/runs/{run}/watch");
    let mut stream = house.request("GET", &path).key(&viewer).stream().await;
    let mut text = String::new();
    until(&mut stream, &mut text, "step").await;
    let closed = house.close();
    let rest = stream.text().await.unwrap();
    assert!(!rest.contains("event: end"), "{rest}");
    closed.await;
}

#[tokio::test]
async fn runs_are_counted_and_a_stuck_engine_is_not_ready() {
    let house = House::with(Wishes {
        engine: Some(Box::new(|config| config.concurrency = 1)),
        ..Wishes::default()
    })
    .await;
    let run = started(&house).await;
    go(&house, 1).await;
    let actor = Actor::local();
    house
        .engine
        .wait(&actor, &run, std::time::Duration::from_secs(20))
        .await
        .unwrap();
    started(&house).await;
    eventually("the runs are counted as they are", async || {
        let metrics = house.request("GET", "/metrics").send().await.text;
        let wanted = [
            "keyway_runs_total{status=\"completed\"}",
            "keyway_runs{status=\"waiting\"} 1",
            "keyway_runs{status=\"parked\"} 0",
            "keyway_runs_live ",
            "keyway_runs_queue_age_seconds 0",
        ];
        wanted
            .iter()
            .all(|line| metrics.contains(line))
            .then_some(())
    })
    .await;
    assert_eq!(house.request("GET", "/readyz").send().await.status, 200);
}

#[tokio::test]
async fn a_server_whose_runs_wait_for_too_long_is_not_ready() {
    let house = House::with(Wishes {
        engine: Some(Box::new(|config| config.concurrency = 0)),
        ..Wishes::default()
    })
    .await;
    started(&house).await;
    assert_eq!(house.request("GET", "/readyz").send().await.text, "ready\n");
    house.clock.advance(jiff::SignedDuration::from_secs(31));
    house.engine.look();
    while !house.engine.is_crowded() {
        tokio::task::yield_now().await;
    }
    let refused = house.request("GET", "/readyz").send().await;
    assert_eq!(refused.refusal(), "503 engine.unwell");
    assert_eq!(refused.header("retry-after"), "5");
}
