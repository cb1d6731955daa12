//! Flows over HTTP: what deploying promises to two people who change the same one.

use serde_json::{Value, json};
use store::Role;

use crate::house::{Answer, House, eventually};

fn text(step: &str) -> String {
    format!(
        "document: {{dsl: '1.0.3', namespace: contoso, name: shared, version: '1.0.0'}}\ndo:\n  - {step}\n"
    )
}

async fn deploy(house: &House, key: &str, step: &str, based_on: Option<&str>) -> Answer {
    let body = json!({ "source": text(step) });
    let mut request = house.request("POST", "/api/v1/flows").key(key).json(&body);
    if let Some(version) = based_on {
        request = request.header("if-match", version);
    }
    request.send().await
}

#[tokio::test]
async fn a_text_made_from_another_version_is_refused() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    let first = deploy(&house, &key, "a: {wait: PT1S}", Some("\"0\"")).await;
    assert_eq!(
        (first.status.as_u16(), &first.json()["current"]),
        (201, &json!(1))
    );
    let second = deploy(&house, &key, "b: {wait: PT1S}", Some("\"1\"")).await;
    assert_eq!(second.json()["current"], json!(2));
    for stale in ["\"1\"", "\"0\""] {
        let late = deploy(&house, &key, "c: {wait: PT1S}", Some(stale)).await;
        assert_eq!(
            (late.status.as_u16(), late.code().as_str()),
            (409, "conflict.version")
        );
        assert!(
            late.json()["hint"].to_string().contains('2'),
            "{}",
            late.text
        );
    }
    let odd = deploy(&house, &key, "c: {wait: PT1S}", Some("two")).await;
    assert_eq!(odd.code(), "precondition.invalid");
    let shown = house
        .request("GET", "/api/v1/flows/contoso.shared")
        .key(&key);
    let shown: Value = shown.send().await.json();
    assert_eq!(shown["versions"].as_array().unwrap().len(), 2);
    for whatever in [None, Some("*")] {
        let step = format!("d{}: {{wait: PT1S}}", whatever.map_or(0, str::len));
        let deployed = deploy(&house, &key, &step, whatever).await;
        assert_eq!(deployed.status, 201, "{}", deployed.text);
    }
}

/// `security.md` §3.5, §3.6, §3.8: what can not run is not kept, and each finding has its line.
#[tokio::test]
async fn what_cannot_run_is_refused_with_its_line_and_not_kept() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    for (step, code) in [
        ("a: {set: {x: 1}, then: b}", "flow.reference"),
        ("a: {sett: {x: 1}}", "flow.schema"),
        ("a: {run: {shell: {command: ls}}}", "flow.feature_disabled"),
        ("a: {set: {x: '${ env }'}}", "expr.forbidden"),
        ("a: {set: {x: '${ .a | }'}}", "expr.syntax"),
        ("a: !!python/object x", "flow.parse"),
        ("\"a\\nb\": {set: {x: 1}}", "flow.schema"),
    ] {
        let refused = deploy(&house, &key, step, None).await;
        assert_eq!(refused.refusal(), "400 flow.invalid /source", "{step}");
        let finding = &refused.json()["findings"][0];
        assert_eq!(finding["code"], code, "{step}: {}", refused.text);
        assert_eq!(finding["line"], 3, "{step}: {}", refused.text);
        assert!(
            finding["column"].as_u64() > Some(4),
            "{step}: {}",
            refused.text
        );
    }
    let shown = house
        .request("GET", "/api/v1/flows/contoso.shared")
        .key(&key);
    assert_eq!(shown.send().await.refusal(), "404 flow.not_found");
}

#[tokio::test]
async fn a_flow_is_not_deleted_while_a_run_of_it_goes_on() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    deploy(&house, &key, "a: {wait: PT1H}", None).await;
    let path = "/api/v1/flows/contoso.shared";
    let post = async |path: &str| {
        let request = house.request("POST", path).key(&key);
        let answer = request.json(&json!({})).send().await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer
    };
    let delete = async || house.request("DELETE", path).key(&key).send().await;
    let run = post(&format!("{path}/runs")).await.json()["run"].clone();
    let refused = delete().await;
    assert_eq!(refused.refusal(), "409 conflict.busy");
    let detail = refused.json()["detail"].to_string();
    assert!(detail.contains("1 of its runs"), "{detail}");
    let run = run.as_str().unwrap();
    let shown = house.request("GET", path).key(&key).send().await.json();
    assert_eq!(shown["live_runs"], 1, "{shown}");
    post(&format!("/api/v1/runs/{run}/cancel")).await;
    eventually("the run is over", async || {
        let shown = house.request("GET", path).key(&key).send().await.json();
        (shown["live_runs"] == 0).then_some(())
    })
    .await;
    assert_eq!(delete().await.status, 204);
}

#[tokio::test]
async fn what_became_of_times_is_told() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    let source = text("a: {set: {x: 1}}") + "schedule: {every: {hours: 1}}\n";
    let body = json!({ "source": source });
    let deployed = house.request("POST", "/api/v1/flows").key(&key).json(&body);
    assert_eq!(deployed.send().await.status, 201);
    house.clock.advance(jiff::SignedDuration::from_mins(210));
    house.engine.look();
    let firings = eventually("three times have passed", async || {
        let shown = house
            .request("GET", "/api/v1/flows/contoso.shared")
            .key(&key);
        let firings = shown.send().await.json()["firings"].clone();
        (firings.as_array()?.len() == 3).then_some(firings)
    })
    .await;
    let outcomes: Vec<_> = (0..3).map(|at| firings[at]["outcome"].clone()).collect();
    assert_eq!(outcomes, ["started", "missed", "missed"]);
    assert!(firings[0]["run"].as_str().unwrap().starts_with("run_"));
    assert_eq!(firings[1]["run"], Value::Null);
}

#[tokio::test]
async fn what_a_trigger_gathers_is_told() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    let source = text("a: {wait: PT1S}")
        + "schedule: {on: {any: [{with: {type: com.contoso.u}}], until: '(map(.data) | add) > 5'}}\n";
    let body = json!({ "source": source });
    let deployed = house.request("POST", "/api/v1/flows").key(&key).json(&body);
    assert_eq!(deployed.send().await.status, 201);
    let shown = async || {
        let shown = house.request("GET", "/api/v1/flows/contoso.shared");
        let shown: Value = shown.key(&key).send().await.json();
        shown["schedules"][0].clone()
    };
    let before = shown().await;
    assert_eq!(
        (before.get("gathered"), before.get("trouble")),
        (None, None)
    );
    for (id, data) in [("1", json!(1)), ("2", json!(["x"]))] {
        let event = json!({ "specversion": "1.0", "id": id, "source": "/test", "type": "com.contoso.u", "data": data });
        let sent = house
            .request("POST", "/api/v1/events")
            .key(&key)
            .body("application/cloudevents+json", event.to_string())
            .send()
            .await;
        assert_eq!(
            sent.json(),
            json!({ "events": 1, "recipients": 0, "gathered": 1 })
        );
    }
    let after = shown().await;
    assert_eq!(
        (&after["gathered"], &after["trouble"]["code"]),
        (&json!(2), &json!("expr.raised")),
        "{after}"
    );
}
