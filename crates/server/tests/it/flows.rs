//! Flows over HTTP: what deploying promises to two people who change the same one.

use serde_json::{Value, json};
use store::Role;

use crate::house::{Answer, House};

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
