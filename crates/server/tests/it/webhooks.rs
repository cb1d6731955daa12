//! Events of the installation, told to webhooks and flows: what arrives is counted and checked at the receiver.

use std::sync::{Arc, Mutex};

use aws_lc_rs::hmac;
use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderMap;
use jiff::SignedDuration;
use oauth::State;
use serde_json::{Value, json};
use store::{Actor, Role, Standing};

use crate::house::{Answer, House, api, eventually};

/// A receiver that keeps what it was sent and answers the statuses that it was given, the last one again and again.
#[derive(Clone)]
struct Receiver {
    messages: Arc<Mutex<Vec<(HeaderMap, String)>>>,
    url: String,
}

impl Receiver {
    async fn answering(statuses: &[u16]) -> Receiver {
        let messages: Arc<Mutex<Vec<(HeaderMap, String)>>> = Arc::default();
        let (kept, statuses) = (Arc::clone(&messages), statuses.to_vec());
        let url = api(move |request: Request| {
            let (kept, statuses) = (Arc::clone(&kept), statuses.clone());
            async move {
                let (parts, body) = request.into_parts();
                let body = axum::body::to_bytes(body, 1 << 20).await.unwrap();
                let mut kept = kept.lock().unwrap();
                let status = statuses[kept.len().min(statuses.len() - 1)];
                kept.push((parts.headers, String::from_utf8(body.to_vec()).unwrap()));
                Response::builder()
                    .status(status)
                    .body(Body::empty())
                    .unwrap()
            }
        })
        .await;
        Receiver {
            messages,
            url: format!("{url}/keyway"),
        }
    }

    /// Waits until so many messages have come.
    async fn after(&self, count: usize) -> Vec<(HeaderMap, String)> {
        eventually("the messages arrive", async || {
            let messages = self.messages.lock().unwrap().clone();
            (messages.len() >= count).then_some(messages)
        })
        .await
    }
}

/// Whether one of the signatures of a message was made with a secret (Standard Webhooks).
fn is_signed(secret: &str, (headers, body): &(HeaderMap, String)) -> bool {
    let header = |name: &str| headers[name].to_str().unwrap();
    let key = STANDARD
        .decode(secret.strip_prefix("whsec_").unwrap())
        .unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let content = format!(
        "{}.{}.{body}",
        header("webhook-id"),
        header("webhook-timestamp")
    );
    let expected = STANDARD.encode(hmac::sign(&key, content.as_bytes()));
    header("webhook-signature")
        .split(' ')
        .any(|one| one == format!("v1,{expected}"))
}

struct Admin<'a> {
    house: &'a House,
    key: String,
}

impl Admin<'_> {
    async fn of(house: &House) -> Admin<'_> {
        let key = house.key(Role::Admin).await;
        Admin { house, key }
    }

    async fn send(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let request = self.house.request(method, path).key(&self.key);
        let request = request.header("if-match", "*");
        match body {
            Some(body) => request.json(body).send().await,
            None => request.send().await,
        }
    }

    async fn webhook(&self, name: &str, url: &str, types: &[&str]) -> String {
        let body = json!({ "name": name, "url": url, "types": types });
        let answer = self.send("POST", "/api/v1/webhooks", Some(&body)).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        answer.json()["secret"].as_str().unwrap().to_owned()
    }

    async fn deliveries(&self, name: &str) -> Vec<Value> {
        let path = format!("/api/v1/webhooks/{name}/deliveries");
        let answer = self.send("GET", &path, None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()["items"].as_array().unwrap().clone()
    }

    /// Waits until the newest delivery is as a test wants it.
    async fn settled(&self, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        eventually("the newest delivery is as wanted", async || {
            let newest = self.deliveries(name).await.into_iter().next();
            newest.filter(|newest| wanted(newest))
        })
        .await
    }
}

async fn stand(house: &House, name: &str, state: State) {
    let name = store::ConnectionName::parse(name).unwrap();
    let connections = house.store.connections();
    let found = connections.find(&Actor::local(), &name).await.unwrap();
    let standing = Standing::new(state, house.clock.now());
    connections
        .standing(&Actor::system(), &found.unwrap().id, standing)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_change_of_state_reaches_a_webhook_signed() {
    let house = House::new().await;
    let admin = Admin::of(&house).await;
    let receiver = Receiver::answering(&[204]).await;
    let secret = admin.webhook("ops", &receiver.url, &[]).await;
    house.plain_connection("crm", &receiver.url).await;
    stand(&house, "crm", State::NeedsUser).await;
    let messages = receiver.after(1).await;
    assert!(is_signed(&secret, &messages[0]));
    assert!(!is_signed("whsec_AAAA", &messages[0]));
    let event: Value = serde_json::from_str(&messages[0].1).unwrap();
    assert_eq!(event["specversion"], "1.0");
    assert_eq!(event["type"], "dev.keyway.connection.state");
    assert_eq!(event["source"], format!("{}/", house.url));
    assert_eq!(event["subject"], "crm");
    assert_eq!(event["data"]["from"], "ok");
    assert_eq!(event["data"]["to"], "needs_user");
    assert_eq!(messages[0].0["webhook-id"], event["id"].as_str().unwrap());
    let delivery = admin
        .settled("ops", |newest| newest["status"] == "delivered")
        .await;
    assert_eq!(delivery["attempts"][0]["status"], 204);
    assert_eq!(delivery["next_attempt_at"], Value::Null);
    assert_eq!(receiver.after(1).await.len(), 1);
}

#[tokio::test]
async fn what_is_not_taken_is_sent_again_with_the_same_id_and_a_new_time() {
    let house = House::new().await;
    let admin = Admin::of(&house).await;
    let receiver = Receiver::answering(&[500, 302, 200]).await;
    let secret = admin.webhook("ops", &receiver.url, &[]).await;
    house.plain_connection("crm", &receiver.url).await;
    stand(&house, "crm", State::NeedsSecret).await;
    for (tries, wait) in [(1, 5), (2, 300)] {
        let waiting = admin
            .settled("ops", |newest| {
                newest["attempts"].as_array().unwrap().len() == tries
            })
            .await;
        assert_eq!(waiting["status"], "pending");
        assert_eq!(receiver.after(tries).await.len(), tries);
        house.clock.advance(SignedDuration::from_secs(wait));
    }
    let messages = receiver.after(3).await;
    let delivery = admin
        .settled("ops", |newest| newest["status"] == "delivered")
        .await;
    let statuses: Vec<&Value> = delivery["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["status"])
        .collect();
    assert_eq!(statuses, [500, 302, 200]);
    for message in &messages {
        assert!(is_signed(&secret, message));
        assert_eq!(message.0["webhook-id"], messages[0].0["webhook-id"]);
        assert_eq!(message.1, messages[0].1);
    }
    assert_ne!(
        messages[0].0["webhook-timestamp"],
        messages[2].0["webhook-timestamp"]
    );
}

#[tokio::test]
async fn a_rotated_secret_overlaps_and_a_receiver_that_is_gone_is_left_alone() {
    let house = House::new().await;
    let admin = Admin::of(&house).await;
    let receiver = Receiver::answering(&[200, 200, 410]).await;
    let before = admin.webhook("ops", &receiver.url, &[]).await;
    let rotated = admin
        .send("POST", "/api/v1/webhooks/ops/secret", None)
        .await;
    let after = rotated.json()["secret"].as_str().unwrap().to_owned();
    assert_ne!(before, after);
    let test = async || {
        let answer = admin.send("POST", "/api/v1/webhooks/ops/test", None).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        answer.json()
    };
    let tested = test().await;
    assert_eq!(tested["status"], "delivered");
    assert_eq!(tested["type"], "dev.keyway.webhook.test");
    let messages = receiver.after(1).await;
    assert!(is_signed(&before, &messages[0]) && is_signed(&after, &messages[0]));
    house.clock.advance(SignedDuration::from_hours(24));
    test().await;
    let messages = receiver.after(2).await;
    assert!(!is_signed(&before, &messages[1]) && is_signed(&after, &messages[1]));
    let tested = test().await;
    assert_eq!(tested["status"], "failed");
    let shown = admin.send("GET", "/api/v1/webhooks/ops", None).await.json();
    assert_eq!(shown["enabled"], false);
    assert_eq!(shown["disabled_why"], "the receiver answered 410 Gone");
    assert!(shown.get("secret").is_none());
    // A person switches it on again and has the event sent once more.
    let change = json!({ "enabled": true });
    let changed = admin
        .send("PATCH", "/api/v1/webhooks/ops", Some(&change))
        .await;
    assert_eq!(changed.json()["enabled"], true);
    let id = tested["id"].as_str().unwrap();
    let path = format!("/api/v1/webhooks/ops/deliveries/{id}/redeliver");
    let again = admin.send("POST", &path, None).await.json();
    assert_eq!(again["attempts"].as_array().unwrap().len(), 2);
    assert_eq!(again["event"], tested["event"]);
    assert_eq!(receiver.after(4).await.len(), 4);
}

#[tokio::test]
async fn webhooks_are_refused_clearly() {
    let house = House::new().await;
    let admin = Admin::of(&house).await;
    let receiver = Receiver::answering(&[200]).await;
    admin.webhook("ops", &receiver.url, &[]).await;
    for (body, expected) in [
        (
            json!({ "name": "a b", "url": receiver.url }),
            "400 webhook.name_invalid /name",
        ),
        (
            json!({ "name": "OPS", "url": receiver.url }),
            "409 webhook.name_taken /name",
        ),
        (
            json!({ "name": "x", "url": "javascript:alert(1)" }),
            "400 webhook.url_invalid /url",
        ),
        (
            json!({ "name": "x", "url": "https://169.254.169.254/" }),
            "400 egress.address_forbidden /url",
        ),
        (
            json!({ "name": "x", "url": receiver.url, "types": ["dev.keyway.nonsense"] }),
            "400 webhook.type_unknown /types/0",
        ),
        (
            json!({ "name": "x", "url": receiver.url, "secret": "whsec_x" }),
            "400 body.invalid /secret",
        ),
    ] {
        let answer = admin.send("POST", "/api/v1/webhooks", Some(&body)).await;
        assert_eq!(answer.refusal(), expected, "{body}");
    }
    for (method, path, expected) in [
        (
            "GET",
            "/api/v1/webhooks/absent",
            "404 webhook.endpoint_not_found",
        ),
        (
            "GET",
            "/api/v1/webhooks/ops/deliveries?limit=0",
            "400 query.invalid limit",
        ),
        (
            "GET",
            "/api/v1/webhooks/ops/deliveries?status=lost",
            "400 query.invalid status",
        ),
        (
            "POST",
            "/api/v1/webhooks/ops/deliveries/dlv_x/redeliver",
            "404 webhook.delivery_not_found",
        ),
    ] {
        let answer = admin.send(method, path, None).await;
        assert_eq!(answer.refusal(), expected, "{path}");
    }
}

const HEALER: &str = "document: {dsl: 1.0.3, namespace: ops, name: healer, version: 1.0.0}
schedule: {on: {one: {with: {type: dev.keyway.connection.state, subject: crm}}}}
do:
  - keep: {set: '${ .[0].data // .[0] }'}
";

#[tokio::test]
async fn a_change_of_state_starts_a_flow() {
    let house = House::new().await;
    let engine = &house.engine;
    let deployed = engine
        .deploy(&Actor::local(), HEALER, engine::DryRun::No, None)
        .await;
    deployed.unwrap();
    let receiver = Receiver::answering(&[200]).await;
    for name in ["crm", "other"] {
        house.plain_connection(name, &receiver.url).await;
        stand(&house, name, State::NeedsAdmin).await;
    }
    let runs = house.store.runs();
    let output = eventually("a run ends with its output", async || {
        let filter = store::RunFilter {
            limit: 10,
            ..store::RunFilter::default()
        };
        let found = runs.list(&Actor::local(), &filter).await.unwrap().runs;
        let mut outputs = Vec::new();
        for run in &found {
            outputs.extend(runs.output(&Actor::local(), &run.id).await.unwrap());
        }
        assert!(outputs.is_empty() || found.len() == 1);
        outputs.pop()
    })
    .await;
    assert_eq!(output["to"], "needs_admin");
    assert_eq!(output["connection"]["name"], "crm");
}

#[tokio::test]
async fn a_secret_that_ends_soon_is_told_once_for_each_of_its_last_days() {
    let house = House::new().await;
    let admin = Admin::of(&house).await;
    let receiver = Receiver::answering(&[200]).await;
    let wanted = ["dev.keyway.connection.secret_expiring"];
    admin.webhook("ops", &receiver.url, &wanted).await;
    let end = house.clock.now() + SignedDuration::from_hours(24 * 40);
    let body = json!({
        "name": "crm", "type": "bearer", "token": "fake-token-value", "base_url": receiver.url,
        "secret_expires_at": end.to_string(),
    });
    let made = admin.send("POST", "/api/v1/connections", Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let mut told = Vec::new();
    for days in [40, 30, 29, 14, 7, 1, 0] {
        let left = SignedDuration::from_hours(24 * days);
        let wait = end.duration_since(house.clock.now()) - left;
        house.clock.advance(wait);
        for _ in 0..2 {
            server::look_through(&house.app).await.unwrap();
        }
        for delivery in admin.deliveries("ops").await.iter().rev().skip(told.len()) {
            told.push(delivery["data"]["days"].as_i64().unwrap());
        }
    }
    assert_eq!(told, [30, 14, 7, 1, 0]);
    let messages = receiver.after(5).await;
    let event: Value = serde_json::from_str(&messages[0].1).unwrap();
    assert_eq!(event["data"]["kind"], "secret");
    assert_eq!(event["data"]["connection"]["name"], "crm");
}

#[tokio::test]
async fn the_encryption_key_is_rotated_while_connections_are_used() {
    let house = House::new().await;
    let admin = Admin::of(&house).await;
    let receiver = Receiver::answering(&[200]).await;
    let body = json!({
        "name": "crm", "type": "bearer", "token": "fake-token-value", "base_url": receiver.url,
    });
    let made = admin.send("POST", "/api/v1/connections", Some(&body)).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let before = admin.send("GET", "/api/v1/encryption-keys", None).await;
    let before = before.json()["items"][0]["id"].clone();
    let rotated = admin
        .send("POST", "/api/v1/encryption-keys/rotate", None)
        .await;
    assert_eq!(rotated.status, 202, "{}", rotated.text);
    let keys = eventually("the old key is retired", async || {
        let call = json!({ "method": "GET", "path": "/x" });
        let called = admin
            .send("POST", "/api/v1/connections/crm/call", Some(&call))
            .await;
        assert_eq!(called.status, 200, "{}", called.text);
        let keys = admin.send("GET", "/api/v1/encryption-keys", None).await;
        let keys = keys.json();
        keys["items"][1]["retired_at"].is_string().then_some(keys)
    })
    .await;
    assert_eq!(keys["remaining"], 0);
    assert_eq!(keys["items"][0]["seals"], true);
    assert_eq!(keys["items"][1]["id"], before);
    assert_eq!(keys["items"][1]["rows"], 0);
    let sent = receiver.after(1).await;
    assert_eq!(sent[0].0["authorization"], "Bearer fake-token-value");
}
