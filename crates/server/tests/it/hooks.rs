//! Hooks: who gets in, what a message becomes, what its sender is answered (`security.md` §3.7).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use serde_json::{Value, json};
use store::{Actor, ConnectionName, Role, RunFilter, RunStatus};

use crate::house::{Answer, House, Outgoing, Wishes};

/// Two signing secrets; the second is on its way out.
const SECRETS: [&str; 2] = [
    "visibly-fake-signing-secret-new",
    "visibly-fake-signing-secret-old",
];

/// A flow with a hook of every kind; what it does is up to the test.
fn flow(tasks: &str) -> String {
    format!(
        "document:
  dsl: 1.0.3
  namespace: people
  name: joiner
  version: 1.0.0
  metadata:
    keyway:
      webhooks:
        hr: {{authentication: {{signature: [hr-new, hr-old]}}}}
        operators: {{authentication: apiKey, methods: [POST, PUT]}}
        open: {{authentication: public}}
        asked: {{authentication: public, methods: [GET, DELETE]}}
        form: {{authentication: public, contentType: application/x-www-form-urlencoded}}
        words: {{authentication: public, contentType: text/plain}}
        answered: {{authentication: public, wait: PT20S}}
        brief: {{authentication: public, wait: PT0.05S}}
        graph: {{authentication: {{graphNotification: graph-state}}}}
use: {{secrets: [hr-new, hr-old, graph-state]}}
do:
{tasks}
"
    )
}

const DONE: &str = "  - done: {set: '${ . }'}";

async fn house(tasks: &str) -> House {
    let house = House::new().await;
    deploy(&house, &flow(tasks)).await;
    for (name, value) in [
        ("hr-new", whsec(SECRETS[0])),
        ("hr-old", whsec(SECRETS[1])),
        ("graph-state", "visibly-fake-state".to_owned()),
    ] {
        secret(&house, name, &json!(value)).await;
    }
    house
}

async fn deploy(house: &House, source: &str) -> Answer {
    let key = house.key(Role::Admin).await;
    let deployed = house
        .request("POST", "/api/v1/flows")
        .key(&key)
        .json(&json!({ "source": source }))
        .send()
        .await;
    assert!(deployed.status.is_success(), "{}", deployed.text);
    deployed
}

async fn secret(house: &House, name: &str, value: &Value) {
    let name = ConnectionName::parse(name).unwrap();
    let secrets = house.store.secrets();
    secrets.save(&Actor::local(), &name, value).await.unwrap();
}

fn whsec(secret: &str) -> String {
    format!("whsec_{}", STANDARD.encode(secret))
}

fn post(house: &House, hook: &str, body: impl Into<String>) -> Outgoing {
    house
        .request("POST", &format!("/hooks/people.joiner/{hook}"))
        .body("application/json", body.into())
}

/// A message as a sender of the standard signs it.
fn signed(house: &House, secret: &str, id: &str, body: &str) -> Outgoing {
    let at = house.clock.now().as_second().to_string();
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, format!("{id}.{at}.{body}").as_bytes());
    post(house, "hr", body)
        .header("webhook-id", id)
        .header("webhook-timestamp", &at)
        .header("webhook-signature", &format!("v1,{}", STANDARD.encode(tag)))
}

async fn runs(house: &House) -> Vec<store::Run> {
    let filter = RunFilter {
        limit: 1_000,
        ..RunFilter::default()
    };
    let found = house.store.runs().list(&Actor::local(), &filter).await;
    found.unwrap().runs
}

/// The output of the only run, once it is over.
async fn output(house: &House) -> Value {
    let run = runs(house).await.remove(0);
    let outcome = house
        .engine
        .wait(&Actor::local(), &run.id, Duration::from_secs(20))
        .await;
    match outcome.unwrap() {
        engine::Outcome::Completed(output) => output,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_signed_message_starts_a_run_once() {
    let house = house(DONE).await;
    let first = signed(&house, SECRETS[0], "msg_1", r#"{"name":"Ada"}"#)
        .send()
        .await;
    assert_eq!(first.status, 202, "{}", first.text);
    assert_eq!(first.json()["status"], "accepted");
    let again = signed(&house, SECRETS[0], "msg_1", r#"{"name":"Ada"}"#)
        .send()
        .await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["status"]),
        (200, &json!("duplicate"))
    );
    assert_eq!(again.json()["run"], first.json()["run"]);
    assert_eq!(runs(&house).await.len(), 1);
    let input = output(&house).await;
    assert_eq!(input["hook"], "hr");
    assert_eq!(input["id"], "msg_1");
    assert_eq!(input["method"], "POST");
    assert_eq!(input["body"], json!({ "name": "Ada" }));
    assert_eq!(input["headers"]["webhook-id"], "msg_1");
    assert_eq!(input["headers"]["webhook-signature"], Value::Null);
    // the secret that is on its way out still signs
    let old = signed(&house, SECRETS[1], "msg_2", "{}").send().await;
    assert_eq!(old.status, 202, "{}", old.text);
}

#[tokio::test]
async fn what_is_not_signed_starts_nothing() {
    let house = house(DONE).await;
    let forged = [
        post(&house, "hr", "{}"),
        signed(&house, "another-secret-of-24-bytes", "msg_1", "{}"),
        signed(&house, SECRETS[0], "msg_1", "{}").header("webhook-id", "msg_2"),
        signed(&house, SECRETS[0], "msg_1", "{}").header("webhook-signature", "v1,AAAA"),
        signed(&house, SECRETS[0], "msg.1", "{}"),
    ];
    for forged in forged {
        let refused = forged.send().await;
        assert_eq!(
            refused.refusal(),
            "401 webhook.signature",
            "{}",
            refused.text
        );
    }
    let late = signed(&house, SECRETS[0], "msg_3", "{}");
    house.clock.advance(jiff::SignedDuration::from_secs(301));
    assert_eq!(late.send().await.refusal(), "401 webhook.signature");
    assert_eq!(runs(&house).await, []);
    let metrics = house.request("GET", "/metrics").send().await.text;
    let counted = r#"keyway_hook_messages_total{outcome="webhook.signature"}"#;
    assert!(metrics.contains(counted), "{metrics}");
}

#[tokio::test]
async fn without_a_usable_secret_nobody_gets_in() {
    let house = House::new().await;
    deploy(&house, &flow(DONE)).await;
    let refused = signed(&house, SECRETS[0], "msg_1", "{}").send().await;
    assert_eq!(refused.refusal(), "401 webhook.signature");
    secret(&house, "hr-new", &json!("not a signing secret")).await;
    secret(&house, "hr-old", &json!({ "no": "text" })).await;
    let refused = signed(&house, "not a signing secret", "msg_1", "{}")
        .send()
        .await;
    assert_eq!(refused.refusal(), "401 webhook.signature");
    let graph = r#"{"value":[{"clientState":""}]}"#;
    let refused = post(&house, "graph", graph).send().await;
    assert_eq!(refused.refusal(), "401 webhook.signature");
    assert_eq!(runs(&house).await, []);
}

#[tokio::test]
async fn a_key_of_an_operator_opens_its_hook() {
    let house = house(DONE).await;
    assert_eq!(
        post(&house, "operators", "{}").send().await.refusal(),
        "401 unauthenticated"
    );
    let viewer = house.key(Role::Viewer).await;
    let refused = post(&house, "operators", "{}").key(&viewer).send().await;
    assert_eq!(refused.refusal(), "403 forbidden");
    let admin = house.user("ada", Role::Admin).await;
    let session = house.session(&admin).await;
    let refused = post(&house, "operators", "{}")
        .cookie(&session)
        .own_page()
        .send()
        .await;
    assert_eq!(refused.refusal(), "401 unauthenticated");
    let operator = house.key(Role::Operator).await;
    let taken = post(&house, "operators", "{}").key(&operator).send().await;
    assert_eq!(taken.status, 202, "{}", taken.text);
    for (status, said) in [(202, "accepted"), (200, "duplicate")] {
        let taken = post(&house, "operators", "{}")
            .key(&operator)
            .header("idempotency-key", "7")
            .send()
            .await;
        assert_eq!(
            (taken.status.as_u16(), taken.json()["status"].as_str()),
            (status, Some(said))
        );
    }
    let repeated = post(&house, "operators", "{}")
        .key(&operator)
        .header("webhook-id", "");
    assert_eq!(
        repeated.send().await.refusal(),
        "400 request.invalid webhook-id"
    );
    assert!(
        runs(&house)
            .await
            .iter()
            .all(|run| run.actor.starts_with("key_"))
    );
}

#[tokio::test]
async fn a_public_hook_is_warned_of_when_it_is_deployed() {
    let house = House::new().await;
    let deployed = deploy(&house, &flow(DONE)).await;
    let warnings = deployed.json()["warnings"].to_string();
    assert!(warnings.contains("flow.webhook_public"), "{warnings}");
    assert_eq!(post(&house, "open", "{}").send().await.status, 202);
}

#[tokio::test]
async fn addresses_that_lead_nowhere() {
    let house = house(DONE).await;
    for path in [
        "/hooks/",
        "/hooks/people.joiner",
        "/hooks/people.joiner/",
        "/hooks/people.joiner/nothing",
        "/hooks/people.joiner/open/",
        "/hooks/people.joiner/op%65n",
        "/hooks/people.leaver/open",
        "/hooks/joiner/open",
        "/hooks/people.joiner/../open",
    ] {
        let refused = house
            .request("POST", path)
            .body("application/json", "{}")
            .send()
            .await;
        let nowhere = ["404 webhook.not_found", "404 route.not_found"];
        assert!(
            nowhere.contains(&refused.refusal().as_str()),
            "{path}: {}",
            refused.text
        );
    }
    let unknown = post(&house, "nothing", "{}").send().await.json();
    let admin = house.key(Role::Admin).await;
    let disabled = house
        .request("POST", "/api/v1/flows/people.joiner/disable")
        .key(&admin)
        .send()
        .await;
    assert!(disabled.status.is_success(), "{}", disabled.text);
    let disabled = post(&house, "open", "{}").send().await.json();
    for same in ["status", "code", "title", "detail"] {
        assert_eq!(unknown[same], disabled[same]);
    }
    assert_eq!(runs(&house).await, []);
}

#[tokio::test]
async fn a_hook_knows_its_methods_only() {
    let house = house(DONE).await;
    for method in ["GET", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"] {
        let refused = house
            .request(method, "/hooks/people.joiner/open")
            .send()
            .await;
        assert_eq!(
            refused.refusal(),
            "405 route.method_not_allowed",
            "{method}"
        );
        assert_eq!(refused.header("allow"), "POST");
    }
    let head = house
        .request("HEAD", "/hooks/people.joiner/open")
        .send()
        .await;
    assert_eq!(head.status, 405);
    let asked = house
        .request("GET", "/hooks/people.joiner/asked?who=a&who=b&why=c")
        .send()
        .await;
    assert_eq!(asked.status, 202, "{}", asked.text);
    let input = output(&house).await;
    assert_eq!(input["query"], json!({ "who": ["a", "b"], "why": "c" }));
    assert_eq!(input["body"], Value::Null);
}

#[tokio::test]
async fn bodies_are_what_the_flow_says_they_are() {
    let house = house(DONE).await;
    let refusal = async |hook: &str, content_type: &str, body: &str| {
        let path = format!("/hooks/people.joiner/{hook}");
        let request = house
            .request("POST", &path)
            .body(content_type, body.to_owned());
        request.send().await.refusal()
    };
    let media_type = "415 webhook.media_type Content-Type";
    assert_eq!(
        refusal("open", "application/json", "").await,
        "400 body.invalid"
    );
    assert_eq!(
        refusal("open", "application/json", "a=1").await,
        "400 body.invalid"
    );
    let multipart = "--x\r\nContent-Disposition: form-data; name=\"f\"; filename=\"/etc/passwd\"\r\n\r\n{}\r\n--x--\r\n";
    assert_eq!(
        refusal("open", "application/json", multipart).await,
        "400 body.invalid"
    );
    assert_eq!(
        refusal("open", "multipart/form-data; boundary=x", "{}").await,
        media_type
    );
    assert_eq!(refusal("open", "text/plain", "{}").await, media_type);
    assert_eq!(
        refusal("open", "application/json; charset=utf-16", "{}").await,
        media_type
    );
    assert_eq!(refusal("form", "application/json", "{}").await, media_type);
    let bare = house
        .request("POST", "/hooks/people.joiner/open")
        .send()
        .await;
    assert_eq!(bare.refusal(), media_type);
    for encoding in ["gzip", "br", "identity"] {
        let refused = post(&house, "open", "{}")
            .header("content-encoding", encoding)
            .send()
            .await;
        assert_eq!(refused.refusal(), "415 webhook.encoding Content-Encoding");
    }
    assert_eq!(runs(&house).await, []);
    let words = house
        .request("POST", "/hooks/people.joiner/words")
        .body("text/plain", "${ .x }");
    assert_eq!(words.send().await.status, 202);
    assert_eq!(output(&house).await["body"], "${ .x }");
}

#[tokio::test]
async fn a_message_has_one_mebibyte_at_most() {
    let house = house(DONE).await;
    let limit = 1024 * 1024;
    let fits = format!("\"{}\"", "a".repeat(limit - 2));
    assert_eq!(post(&house, "open", fits.clone()).send().await.status, 202);
    let refused = post(&house, "open", fits + " ").send().await;
    assert_eq!(refused.refusal(), "413 body.too_large");
    // without a length, too
    let pieces = (0..17).map(move |_| Ok::<_, std::io::Error>(vec![b' '; limit / 16]));
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let refused = house
        .request("POST", "/hooks/people.joiner/open")
        .body("application/json", stream)
        .send()
        .await;
    assert_eq!(refused.refusal(), "413 body.too_large");
    assert_eq!(runs(&house).await.len(), 1);
}

#[tokio::test]
async fn graph_shakes_hands_and_proves_itself_by_client_state() {
    let house = house(DONE).await;
    let path = "/hooks/people.joiner/graph?validationToken=";
    let token = "Validation%3A+Testing+%3Cscript%3Ealert(1)%3C%2Fscript%3E";
    let echoed = house
        .request("POST", &format!("{path}{token}"))
        .send()
        .await;
    assert_eq!(echoed.status, 200);
    assert_eq!(echoed.text, "Validation: Testing <script>alert(1)</script>");
    assert_eq!(echoed.header("content-type"), "text/plain; charset=utf-8");
    assert_eq!(echoed.header("x-content-type-options"), "nosniff");
    assert!(
        echoed
            .header("content-security-policy")
            .contains("default-src 'none'")
    );
    let long = "a".repeat(1024);
    assert_eq!(
        house
            .request("POST", &format!("{path}{long}"))
            .send()
            .await
            .text,
        long
    );
    for wrong in [
        format!("{long}a"),
        String::new(),
        "a&validationToken=b".to_owned(),
    ] {
        let refused = house
            .request("POST", &format!("{path}{wrong}"))
            .send()
            .await;
        assert_eq!(
            refused.refusal(),
            "400 webhook.validation_token validationToken"
        );
    }
    let strange = r#"{"value":[{"clientState":"visibly-fake-state"},{"clientState":"x"}]}"#;
    assert_eq!(
        post(&house, "graph", strange).send().await.refusal(),
        "401 webhook.signature"
    );
    let known = r#"{"value":[{"clientState":"visibly-fake-state","resource":"users/7"}]}"#;
    assert_eq!(post(&house, "graph", known).send().await.status, 202);
    assert_eq!(
        output(&house).await["body"],
        json!({ "value": [{ "resource": "users/7" }] })
    );
    // other hooks shake no hands
    let open = "/hooks/people.joiner/open?validationToken=x";
    assert_eq!(house.request("POST", open).send().await.status, 415);
}

#[tokio::test]
async fn whoever_waits_gets_the_output() {
    let house = house(DONE).await;
    let answered = post(&house, "answered", r#"{"a":1}"#).send().await;
    assert_eq!(answered.status, 200, "{}", answered.text);
    assert_eq!(answered.json()["body"], json!({ "a": 1 }));
    assert!(
        answered
            .header("content-security-policy")
            .starts_with("sandbox")
    );
    assert_eq!(runs(&house).await[0].status, RunStatus::Completed);
}

#[tokio::test]
async fn whoever_waits_gets_what_the_flow_responds() {
    let respond = "  - say: {call: respond, with: {status: 201, headers: {x-ticket: '7', set-cookie: a=b}, body: {ok: true}}}\n  - stay: {wait: PT1H}";
    let house = house(respond).await;
    let answered = post(&house, "answered", "{}").send().await;
    assert_eq!(answered.status, 201, "{}", answered.text);
    assert_eq!(answered.json(), json!({ "ok": true }));
    assert_eq!(answered.header("x-ticket"), "7");
    assert_eq!(answered.header("set-cookie"), "");
}

#[tokio::test]
async fn whoever_waited_long_enough_gets_the_run() {
    let house = house("  - stay: {wait: PT1H}").await;
    let answered = post(&house, "brief", "{}")
        .header("webhook-id", "a")
        .send()
        .await;
    assert_eq!(answered.status, 202, "{}", answered.text);
    assert_eq!(answered.json()["run"], runs(&house).await[0].id.to_string());
    let again = post(&house, "brief", "{}")
        .header("webhook-id", "a")
        .send()
        .await;
    assert_eq!(
        (again.status.as_u16(), &again.json()["status"]),
        (200, &json!("duplicate"))
    );
}

#[tokio::test]
async fn what_went_wrong_inside_stays_inside() {
    let fails = "  - fails: {raise: {error: {type: https://contoso.example/x, status: 400, detail: visibly-fake-detail}}}";
    let house = house(fails).await;
    let answered = post(&house, "answered", "{}").send().await;
    assert_eq!(answered.refusal(), "500 webhook.run_failed");
    assert!(
        !answered.text.contains("visibly-fake-detail"),
        "{}",
        answered.text
    );
    assert!(answered.text.contains(runs(&house).await[0].id.as_str()));
}

#[tokio::test]
async fn a_storm_is_told_to_slow_down() {
    let house = House::configured(|config| config.limits.public_hook_messages_per_second = 3).await;
    deploy(&house, &flow(DONE)).await;
    for _ in 0..3 {
        assert_eq!(post(&house, "open", "{}").send().await.status, 202);
    }
    let refused = post(&house, "open", "{}").send().await;
    assert_eq!(refused.refusal(), "429 webhook.too_many");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(post(&house, "form", "").send().await.status, 415);
    house.clock.advance(jiff::SignedDuration::from_secs(1));
    assert_eq!(post(&house, "open", "{}").send().await.status, 202);
    assert_eq!(runs(&house).await.len(), 4);
}

#[tokio::test]
async fn when_runs_wait_for_a_place_no_more_is_taken() {
    let house = House::with(Wishes {
        engine: Some(Box::new(|config| config.concurrency = 0)),
        ..Wishes::default()
    })
    .await;
    deploy(&house, &flow(DONE)).await;
    // the first one is stored, and waits
    assert_eq!(post(&house, "open", "{}").send().await.status, 202);
    house.clock.advance(jiff::SignedDuration::from_secs(31));
    house.engine.look();
    while !house.engine.is_crowded() {
        tokio::task::yield_now().await;
    }
    let refused = post(&house, "open", "{}").send().await;
    assert_eq!(refused.refusal(), "503 run.crowded");
    assert_eq!(refused.header("retry-after"), "1");
    assert_eq!(runs(&house).await.len(), 1);
}

#[tokio::test]
async fn a_sender_who_goes_away_does_not_take_the_run_along() {
    let put = "  - put: {call: table-put, with: {table: t, key: k, value: 1}}";
    let house = house(put).await;
    let start = engine::Start {
        subject: engine::Subject::Deployed {
            namespace: "people".to_owned(),
            name: "joiner".to_owned(),
            version: None,
        },
        input: Value::Null,
        trigger: store::Trigger::Manual,
        key: None,
    };
    // warm, so that the next start comes as far as its commit at once
    let actor = Actor::local();
    house.engine.start(&actor, start.clone()).await.unwrap();
    let gone = house.engine.start(&actor, start).now_or_never();
    assert!(gone.is_none(), "it was answered at once: {gone:?}");
    loop {
        let runs = runs(&house).await;
        if runs.len() == 2 && runs.iter().all(|run| run.status == RunStatus::Completed) {
            break;
        }
        tokio::task::yield_now().await;
    }
}
