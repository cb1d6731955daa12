//! Texts that are run once: who may, and that nothing but the run is left.

use serde_json::{Value, json};
use store::{Actor, ConnectionName, Role};

use crate::house::{Answer, House};

const HELLO: &str = "document: {dsl: 1.0.3, namespace: people, name: hello, version: 1.0.0}
schedule: {every: PT1H}
do:
  - greet: {set: {hello: '${ .name }'}}
";
const READS: &str = "document: {dsl: 1.0.3, namespace: people, name: reads, version: 1.0.0}
use: {secrets: [key]}
do:
  - count: {input: {from: '{n: ($secrets.key | length)}'}, set: '${ . }'}
";

async fn run_once(house: &House, key: &str, source: &str) -> Answer {
    let body = json!({ "source": source, "input": { "name": "Ada" }, "wait_seconds": 20 });
    let request = house.request("POST", "/api/v1/runs").key(key).json(&body);
    request.send().await
}

async fn get(house: &House, key: &str, path: &str) -> Value {
    house.request("GET", path).key(key).send().await.json()
}

#[tokio::test]
async fn only_the_run_is_left() {
    let house = House::new().await;
    let operator = house.key(Role::Operator).await;
    let answer = run_once(&house, &operator, HELLO).await;
    assert_eq!(answer.status, 202, "{}", answer.text);
    let started = answer.json();
    assert_eq!(
        (&started["status"], &started["output"]),
        (&json!("completed"), &json!({ "hello": "Ada" }))
    );
    let flows = get(&house, &operator, "/api/v1/flows").await;
    assert_eq!(flows["items"], json!([]));
    let runs = get(&house, &operator, "/api/v1/runs").await;
    let run = &runs["items"][0];
    assert_eq!(
        (&run["flow"], &run["once"], &runs["items"][1]),
        (&json!("people.hello"), &json!(true), &Value::Null)
    );
    let due = house
        .store
        .schedules()
        .next_due(jiff::Timestamp::MIN)
        .await
        .unwrap();
    assert_eq!(due, None, "its schedule starts nothing");
    let path = "/api/v1/flows/people.hello";
    let found = house.request("GET", path).key(&operator).send().await;
    assert_eq!(found.refusal(), "404 flow.not_found");
    let again = format!("/api/v1/runs/{}/retry", run["id"].as_str().unwrap());
    let again = house.request("POST", &again).key(&operator);
    let again = again.json(&json!({ "from": "start" })).send().await;
    assert_eq!(again.status, 202, "{}", again.text);
    // A deployed flow of the same name is another one.
    let local = Actor::local();
    let deployed = house
        .engine
        .deploy(&local, HELLO, engine::DryRun::No, None)
        .await;
    assert_eq!(deployed.unwrap().deployment, engine::Deployment::Created);
    let of_name = get(&house, &operator, "/api/v1/runs?flow=people.hello").await;
    assert_eq!(of_name["items"], json!([]));
}

#[tokio::test]
async fn a_viewer_may_not_and_secrets_are_for_admins() {
    let house = House::new().await;
    let name = ConnectionName::parse("key").unwrap();
    let value = json!("fake-secret-of-a-test");
    let (secrets, local) = (house.store.secrets(), Actor::local());
    secrets.save(&local, &name, &value).await.unwrap();
    let viewer = house.key(Role::Viewer).await;
    let operator = house.key(Role::Operator).await;
    let admin = house.key(Role::Admin).await;
    let refused = run_once(&house, &viewer, HELLO).await;
    assert_eq!(refused.refusal(), "403 forbidden");
    let refused = run_once(&house, &operator, READS).await;
    assert_eq!(refused.refusal(), "403 flow.secret_forbidden");
    let invalid = run_once(&house, &operator, "do: []").await;
    assert_eq!(invalid.refusal(), "400 flow.invalid /source");
    let done = run_once(&house, &admin, READS).await.json();
    assert_eq!(done["output"], json!({ "n": 21 }));
    let runs = get(&house, &viewer, "/api/v1/runs").await;
    assert_eq!(runs["items"].as_array().unwrap().len(), 1, "{runs}");
}
