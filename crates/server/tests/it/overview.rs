//! What the first page of the console and a flow's page ask for beyond lists.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use store::{Actor, CallFilter, CallRecord, ConnectionId, Role};

use crate::house::House;

const HOOKED: &str = "document:
  dsl: 1.0.3
  namespace: people
  name: joiner
  version: 1.0.0
  metadata:
    keyway:
      webhooks:
        hr: {authentication: {signature: [hr-webhook, hr-webhook-old]}, wait: PT20S}
        open: {authentication: public}
use: {secrets: [hr-webhook, hr-webhook-old]}
input: {schema: {document: {type: object, required: [alias], properties: {alias: {type: string}}}}}
do:
  - answer: {set: {done: true}}
";

async fn deploy(house: &House) {
    let actor = Actor::local();
    let deployed = house
        .engine
        .deploy(&actor, HOOKED, engine::DryRun::No, None);
    deployed.await.unwrap();
}

async fn get(house: &House, path: &str) -> Value {
    let key = house.key(Role::Viewer).await;
    let answer = house.request("GET", path).key(&key).send().await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()
}

#[tokio::test]
async fn a_flow_tells_how_it_is_started() {
    let house = House::new().await;
    deploy(&house).await;
    let flow = get(&house, "/api/v1/flows/people.joiner").await;
    assert_eq!(
        flow["hooks"],
        json!([
            {"name": "hr", "url": format!("{}/hooks/people.joiner/hr", house.url), "methods": ["POST"], "content_type": "application/json",
             "authentication": "signature", "secrets": ["hr-webhook", "hr-webhook-old"], "wait_seconds": 20},
            {"name": "open", "url": format!("{}/hooks/people.joiner/open", house.url), "methods": ["POST"], "content_type": "application/json",
             "authentication": "public", "secrets": [], "wait_seconds": null},
        ])
    );
    assert_eq!(flow["input_schema"]["required"], json!(["alias"]));
}

#[tokio::test]
async fn the_last_day_is_told_by_the_hour() {
    let house = House::new().await;
    deploy(&house).await;
    let key = house.key(Role::Operator).await;
    for (input, status) in [
        (json!({"alias": "ada"}), "completed"),
        (json!({}), "faulted"),
    ] {
        let body = json!({"input": input, "wait_seconds": 20});
        let started = house
            .request("POST", "/api/v1/flows/people.joiner/runs")
            .key(&key)
            .json(&body)
            .send()
            .await;
        assert_eq!(started.json()["status"], status, "{}", started.text);
    }
    let overview = get(&house, "/api/v1/overview").await;
    let hours = overview["items"].as_array().unwrap();
    assert_eq!(hours.len(), 24);
    assert_eq!(
        hours[23]["runs"],
        json!({"started": 2, "completed": 1, "faulted": 1, "cancelled": 0})
    );
    let about = get(&house, "/api/v1/about").await;
    assert_eq!(about["database"], "SQLite");
    assert_eq!(about["public_url"], house.url);
    assert_eq!(about["version"], env!("CARGO_PKG_VERSION"));
}

fn call(at: Timestamp) -> CallRecord {
    CallRecord {
        at,
        actor: "local".to_owned(),
        step: None,
        connection: ConnectionId::random(),
        method: "GET".to_owned(),
        host: "graph.contoso.example".to_owned(),
        path: "/users".to_owned(),
        status: Some(200),
        code: None,
        provider: None,
        duration: SignedDuration::from_millis(5),
        attempts: 1,
        token_generation: None,
        request_id: None,
        trail: None,
    }
}

#[tokio::test]
async fn what_is_older_than_it_is_kept_goes() {
    let house = House::new().await;
    let usual = json!({"run_days": 14, "call_days": 30});
    assert_eq!(get(&house, "/api/v1/retention").await, usual);
    let admin = house.key(Role::Admin).await;
    let put = async |body: Value| {
        let request = house.request("PUT", "/api/v1/retention").key(&admin);
        request.json(&body).send().await
    };
    let beyond = put(json!({"run_days": 7, "call_days": 0})).await;
    assert_eq!(beyond.refusal(), "400 body.invalid /call_days");
    let changed = put(json!({"run_days": 7, "call_days": 1})).await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let now = house.clock.now();
    let older = now - SignedDuration::from_hours(25);
    let calls = house.store.calls();
    let recorded = calls.record_many(vec![call(now), call(older)]).await;
    recorded.unwrap();
    server::look_through(&house.app).await.unwrap();
    let filter = CallFilter::default();
    let kept = calls.list(&Actor::local(), &filter).await.unwrap();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].record.at, now);
}
