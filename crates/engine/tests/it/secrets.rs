//! Plain secrets that are changed while runs go on: what a run read comes back the same, what it reads next is what holds then.

use serde_json::{Value, json};
use store::{Actor, ConnectionName, RunStatus};

use crate::house::{House, houses};

/// Reads the secret, waits, and reads it again; the lengths tell which value it was.
const READS: &str = "use: {secrets: [key]}
do:
  - first:
      input: {from: '{n: ($secrets.key | length)}'}
      set: {first: '${ .n }'}
      export: {as: '${ . }'}
  - hear: {listen: {to: {one: {with: {type: contoso.go}}}}}
  - second:
      input: {from: '{n: ($secrets.key | length)}'}
      set: {first: '${ $context.first }', second: '${ .n }'}
  - call:
      call: http
      with:
        method: get
        endpoint: {uri: 'UPSTREAM/echo', authentication: {bearer: {token: '${ $secrets.key }'}}}
      output: {as: '$task.input'}
";
const OLD: &str = "fake-old-value";
const NEW: &str = "fake-newer-value-of-it";

async fn store_secret(house: &House, value: &str) {
    let name = ConnectionName::parse("key").unwrap();
    let secrets = house.store.secrets();
    secrets
        .save(&Actor::local(), &name, &json!(value))
        .await
        .unwrap();
}

async fn go(house: &House) {
    let event = json!({ "id": "1", "source": "test", "type": "contoso.go" });
    let event = flow::CloudEvent::from_structured(event).unwrap();
    let delivered = house
        .engine()
        .deliver(&Actor::local(), event)
        .await
        .unwrap();
    assert_eq!(delivered.recipients, 1);
}

#[tokio::test]
async fn a_secret_that_is_changed_does_not_change_what_a_run_did() {
    for mut house in houses().await {
        store_secret(&house, OLD).await;
        house.flow("reads", READS).await;
        let run = house.engine().start_run("reads", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        store_secret(&house, NEW).await;
        house.restart();
        let local = Actor::local();
        let history = house.engine().history(&local, &run).await.unwrap();
        assert_eq!(
            history.steps[0].output,
            Some(json!({ "first": OLD.len() })),
            "what it did before is told as it was"
        );
        go(&house).await;
        let output = match house.engine().ended(&run).await {
            engine::Outcome::Completed(output) => output,
            other => panic!("{other:?}"),
        };
        assert_eq!(output, json!({ "first": OLD.len(), "second": NEW.len() }));
        let seen = house.upstream.seen("/echo");
        let sent = format!("Bearer {NEW}");
        assert_eq!(seen[0].authorization.as_deref(), Some(sent.as_str()));
        // Played again after one more change, and after the secret is gone.
        store_secret(&house, "fake").await;
        let again = house.engine().history(&local, &run).await.unwrap();
        assert_eq!(again.steps[0].output, history.steps[0].output);
        assert_eq!(again.output, Some(output));
        let name = ConnectionName::parse("key").unwrap();
        house.store.secrets().remove(&local, &name).await.unwrap();
        let gone = house.engine().history(&local, &run).await.unwrap();
        assert_eq!(json!(gone.steps), json!(again.steps));
        let told = json!(gone.steps).to_string();
        assert!(!told.contains(OLD) && !told.contains(NEW), "{told}");
    }
}

#[tokio::test]
async fn what_was_read_is_sealed_and_not_searched() {
    for house in houses().await {
        store_secret(&house, OLD).await;
        house.flow("reads", READS).await;
        let run = house.engine().start_run("reads", json!({})).await;
        house.stands(&run, RunStatus::Waiting).await;
        let lines = house.store.runs().journal(&run).await.unwrap();
        let recorded = lines
            .iter()
            .filter(|line| line["event"]["kind"] == "secrets");
        let recorded: Vec<&Value> = recorded.map(|line| &line["event"]["values"]).collect();
        assert_eq!(recorded, [&json!({ "key": OLD })]);
        let filter = store::RunFilter {
            text: Some(OLD.to_owned()),
            ..store::RunFilter::default()
        };
        let found = house.store.runs().list(&Actor::local(), &filter).await;
        assert_eq!(found.unwrap().runs.len(), 0);
    }
}
