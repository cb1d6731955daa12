//! Refusals and exports in the audit log, and that nobody can flood it.

use jiff::SignedDuration;
use serde_json::{Value, json};
use store::Role;

use crate::house::{House, echo};

/// The rows of one action, oldest first, as an administrator reads them.
async fn rows(house: &House, admin: &str, action: &str) -> Vec<Value> {
    let path = format!("/api/v1/audit?action={action}");
    let answer = house.request("GET", &path).key(admin).send().await;
    let mut rows = answer.json()["items"].as_array().unwrap().clone();
    rows.reverse();
    rows
}

#[tokio::test]
async fn who_lacks_the_role_is_in_the_audit_log_once_a_minute() {
    let house = House::new().await;
    let (viewer, admin) = (house.key(Role::Viewer).await, house.key(Role::Admin).await);
    let ask = async |path: &str| {
        let answer = house
            .request("POST", path)
            .key(&viewer)
            .json(&json!({}))
            .send()
            .await;
        assert_eq!(answer.refusal(), "403 forbidden");
    };
    for _ in 0..5 {
        ask("/api/v1/keys").await;
    }
    // The proxy takes another way to the same refusal.
    let pass = async || {
        let request = house.request("GET", "/proxy/any/x?secret=1");
        let answer = request.key(&viewer).send().await;
        assert_eq!(answer.refusal(), "403 forbidden");
    };
    pass().await;
    let found = rows(&house, &admin, "forbidden").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["subject"], "/api/v1/keys");
    assert_eq!(
        found[0]["detail"],
        json!({ "method": "POST", "needs": "admin", "has": "viewer" })
    );
    assert!(found[0]["actor"].as_str().unwrap().starts_with("key_"));
    house.store.clock.advance(SignedDuration::from_secs(61));
    pass().await;
    let found = rows(&house, &admin, "forbidden").await;
    assert_eq!(
        (
            found.len(),
            &found[1]["subject"],
            &found[1]["detail"]["further_refusals_before"]
        ),
        (2, &json!("/proxy/any/x"), &json!(5))
    );
}

#[tokio::test]
async fn addresses_that_are_refused_are_in_the_audit_log() {
    let house = House::new().await;
    let (operator, admin) = (
        house.key(Role::Operator).await,
        house.key(Role::Admin).await,
    );
    house.plain_connection("echo", &echo().await).await;
    let elsewhere =
        json!({ "method": "GET", "path": "https://elsewhere.example/steal?token=fake" });
    for path in ["call", "pages"] {
        let mut body = elsewhere.clone();
        if path == "pages" {
            body = json!({ "path": body["path"] });
        }
        let path = format!("/api/v1/connections/echo/{path}");
        let answer = house
            .request("POST", &path)
            .key(&operator)
            .json(&body)
            .send()
            .await;
        assert!(
            answer.refusal().ends_with("connection.origin_forbidden"),
            "{}",
            answer.text
        );
    }
    let found = rows(&house, &admin, "connection.origin_forbidden").await;
    assert_eq!(found.len(), 1, "{found:?}");
    let told = found[0]["detail"].to_string();
    assert!(
        told.contains("https://elsewhere.example") && !told.contains("fake"),
        "{told}"
    );
    assert!(found[0]["subject"].as_str().unwrap().starts_with("con_"));
    let inside = json!({ "name": "inside", "type": "none", "base_url": "https://10.0.0.1/" });
    let answer = house
        .request("POST", "/api/v1/connections")
        .key(&admin)
        .json(&inside)
        .send()
        .await;
    assert_eq!(answer.refusal(), "400 egress.address_forbidden /base_url");
    let found = rows(&house, &admin, "egress.address_forbidden").await;
    assert_eq!((found.len(), &found[0]["subject"]), (1, &json!("inside")));
}

#[tokio::test]
async fn every_export_is_in_the_audit_log() {
    let house = House::new().await;
    let (viewer, admin) = (house.key(Role::Viewer).await, house.key(Role::Admin).await);
    let url = echo().await;
    house.plain_connection("one", &url).await;
    house.plain_connection("two", &url).await;
    for query in ["", "?names=two"] {
        let path = format!("/api/v1/connection-documents{query}");
        let answer = house.request("GET", &path).key(&viewer).send().await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }
    let found = rows(&house, &admin, "connection.exported").await;
    let details: Vec<&Value> = found.iter().map(|row| &row["detail"]).collect();
    assert_eq!(
        details,
        [
            &json!({ "count": 2, "names": ["one", "two"] }),
            &json!({ "count": 1, "names": ["two"] })
        ]
    );
    assert_eq!(found[0]["subject"], "connections");
    assert!(found[1]["subject"].as_str().unwrap().starts_with("con_"));
}
