//! Faults, clock, lifetimes, revocation, the request log.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Answer, World, text};

#[tokio::test]
async fn controls_need_their_token() {
    let world = World::start().await;
    for (method, path) in [
        (Method::POST, "faults"),
        (Method::DELETE, "faults"),
        (Method::POST, "clock"),
        (Method::POST, "revoke"),
        (Method::POST, "lifetimes"),
        (Method::GET, "log"),
    ] {
        for token in [
            None,
            Some("wrong"),
            Some(world.facts().app.client_secret.as_str()),
        ] {
            let mut request = world
                .http
                .request(method.clone(), world.url(&format!("/sandbox/{path}")));
            if let Some(token) = token {
                request = request.bearer_auth(token);
            }
            assert_eq!(
                request.send().await.unwrap().status(),
                401,
                "{method} {path}"
            );
        }
    }
    let senseless = [
        ("faults", json!({"route": "token"})),
        ("faults", json!({"route": "elsewhere", "status": 500})),
        ("clock", json!({})),
        ("lifetimes", json!({"access_seconds": 0})),
        ("clock", json!({"offset_seconds": i64::MAX})),
    ];
    for (path, body) in senseless {
        let request = world
            .http
            .post(world.url(&format!("/sandbox/{path}")))
            .bearer_auth(&world.facts().control_token)
            .json(&body);
        assert_eq!(request.send().await.unwrap().status(), 400, "{path} {body}");
    }
    let nobody = world
        .http
        .post(world.url("/sandbox/revoke"))
        .bearer_auth(&world.facts().control_token)
        .json(&json!({"user": "nobody@contoso.example"}));
    assert_eq!(nobody.send().await.unwrap().status(), 404);
}

#[tokio::test]
async fn throttling_of_the_token_endpoint_has_its_real_shape() {
    let world = World::start().await;
    let app = world.facts().app.clone();
    world
        .fault(json!({"route": "token", "status": 429, "retry_after": 7, "times": 2}))
        .await;
    world.fault(json!({"route": "token", "status": 503, "retry_after": "Wed, 21 Oct 2026 07:28:00 GMT"})).await;
    for _ in 0..2 {
        let answer = world
            .client_credentials(
                &app.client_id,
                &app.client_secret,
                super::client::GRAPH_DEFAULT,
            )
            .await;
        assert_eq!(answer.refusal(), (429, "temporarily_unavailable", 90_055));
        assert_eq!(answer.header("retry-after"), "7");
    }
    let answer = world
        .client_credentials(
            &app.client_id,
            &app.client_secret,
            super::client::GRAPH_DEFAULT,
        )
        .await;
    assert_eq!(answer.refusal(), (503, "temporarily_unavailable", 90_033));
    assert_eq!(
        answer.header("retry-after"),
        "Wed, 21 Oct 2026 07:28:00 GMT"
    );
    world.app_token().await;
    world
        .fault(json!({"route": "token", "body": "Too Many Requests", "retry_after": 2.128}))
        .await;
    let answer = world
        .client_credentials(
            &app.client_id,
            &app.client_secret,
            super::client::GRAPH_DEFAULT,
        )
        .await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.text.as_str(),
            answer.header("retry-after")
        ),
        (429, "Too Many Requests", "2.128")
    );
}

#[tokio::test]
async fn faults_of_graph_match_and_can_be_cleared() {
    let world = World::start().await;
    let token = world.app_token().await;
    world.fault(json!({"route": "graph", "match": "GET /v1.0/users?", "status": 429, "retry_after": 1, "times": 5})).await;
    assert_eq!(
        world
            .get(&token, "/users/nobody@contoso.example")
            .await
            .status,
        404,
        "not matched"
    );
    let answer = world.get(&token, "/users?$top=1").await;
    assert_eq!(
        (answer.graph_refusal().0, answer.graph_refusal().1),
        (429, "TooManyRequests")
    );
    assert_eq!(answer.header("retry-after"), "1");
    assert!(!answer.header("request-id").is_empty());
    let facts = world.facts();
    let scope = format!(
        "Tenant_Application/ReadWrite/{}/{}",
        facts.app.client_id, facts.tenant_id
    );
    assert_eq!(answer.header("x-ms-throttle-scope"), scope);
    world.control(Method::DELETE, "faults", Value::Null).await;
    assert_eq!(world.get(&token, "/users?$top=1").await.status, 200);
    world.fault(json!({"route": "graph", "status": 401})).await;
    let answer = world.get(&token, "/users?$top=1").await;
    assert_eq!(answer.graph_refusal().1, "InvalidAuthenticationToken");
    assert!(
        answer
            .header("www-authenticate")
            .starts_with("Bearer realm=\"\"")
    );
    world
        .fault(json!({"route": "graph", "status": 200, "body": {"value": []}}))
        .await;
    assert_eq!(world.get(&token, "/users").await.ok(), json!({"value": []}));
}

#[tokio::test]
async fn a_fault_of_delay_alone_answers_late_but_well() {
    let world = World::start().await;
    world
        .fault(json!({"route": "token", "delay_ms": 120}))
        .await;
    world.app_token().await;
    let log = world.log().await;
    assert!(
        log[0]["duration_us"].as_u64().unwrap() >= 120_000,
        "{}",
        log[0]
    );
    assert_eq!(log[0]["status"], 200);
}

#[tokio::test]
async fn a_moved_clock_expires_tokens() {
    let world = World::start().await;
    let token = world.app_token().await;
    assert_eq!(world.get(&token, "/users?$top=1").await.status, 200);
    world.clock(3600).await;
    let answer = world.get(&token, "/users?$top=1").await;
    assert_eq!(
        answer.graph_refusal(),
        (
            401,
            "InvalidAuthenticationToken",
            "Lifetime validation failed, the token is expired."
        )
    );
    let fresh = world.app_token().await;
    assert_eq!(world.get(&fresh, "/users?$top=1").await.status, 200);
    world.clock(0).await;
    assert_eq!(world.get(&token, "/users?$top=1").await.status, 200);
}

#[tokio::test]
async fn lifetimes_hold_for_both_kinds_of_token() {
    let world = World::start().await;
    world
        .control(Method::POST, "lifetimes", json!({"access_seconds": 42}))
        .await;
    let app = world.facts().app.clone();
    let answer = world
        .client_credentials(
            &app.client_id,
            &app.client_secret,
            super::client::GRAPH_DEFAULT,
        )
        .await
        .ok();
    assert_eq!(answer["expires_in"], 42);
    assert_eq!(
        world.delegated(&world.user(1), "User.Read").await["expires_in"],
        42
    );
    world
        .control(Method::POST, "lifetimes", json!({"access_seconds": null}))
        .await;
    let answer = world
        .client_credentials(
            &app.client_id,
            &app.client_secret,
            super::client::GRAPH_DEFAULT,
        )
        .await
        .ok();
    assert_eq!(answer["expires_in"], 3599);
}

#[tokio::test]
async fn the_log_has_exactly_its_fields() {
    let world = World::start().await;
    let app = world.facts().app.clone();
    let user = world.user(1);
    let delegated = world.delegated(&user, "User.Read").await;
    let token = text(&delegated["access_token"]);
    let answer = world.get(&token, "/me?$select=id").await;
    let request_id = answer.header("request-id").to_owned();
    world.get("", "/users").await;
    world
        .client_credentials(&app.client_id, "wrong", super::client::GRAPH_DEFAULT)
        .await;
    let log = world.log().await;
    for (index, line) in log.iter().enumerate() {
        let names: Vec<&String> = line.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            [
                "seq",
                "time",
                "method",
                "path",
                "status",
                "client_id",
                "grant_type",
                "user",
                "request_id",
                "duration_us",
                "token_fingerprint"
            ]
        );
        assert_eq!(line["seq"], json!(index + 1));
        assert!(!text(&line["path"]).contains('?') && !text(&line["path"]).starts_with("/sandbox"));
    }
    let found = |path: &str| {
        log.iter()
            .find(|line| text(&line["path"]).ends_with(path))
            .unwrap()
    };
    let redeemed = found("/oauth2/v2.0/token");
    assert_eq!(
        (
            &redeemed["grant_type"],
            &redeemed["client_id"],
            &redeemed["user"]
        ),
        (
            &json!("authorization_code"),
            &json!(app.client_id),
            &json!(user.upn)
        )
    );
    let me = found("/v1.0/me");
    assert_eq!(
        (&me["client_id"], &me["user"], &me["request_id"]),
        (&json!(app.client_id), &json!(user.upn), &json!(request_id))
    );
    assert_eq!(
        me["token_fingerprint"], redeemed["token_fingerprint"],
        "the token can be followed"
    );
    assert!(me["token_fingerprint"].is_string());
    let anonymous = found("/v1.0/users");
    assert_eq!(
        (
            &anonymous["status"],
            &anonymous["client_id"],
            &anonymous["token_fingerprint"]
        ),
        (&json!(401), &Value::Null, &Value::Null)
    );
    let wrong = log.last().unwrap();
    assert_eq!(
        (&wrong["status"], &wrong["grant_type"], &wrong["user"]),
        (&json!(401), &json!("client_credentials"), &Value::Null)
    );
    let request = world
        .http
        .get(world.url(&format!("/sandbox/log?after={}", log.len() - 1)))
        .bearer_auth(&world.facts().control_token);
    assert_eq!(
        Answer::of(request.send().await.unwrap())
            .await
            .text
            .lines()
            .count(),
        1
    );
}

#[tokio::test]
async fn a_caller_who_went_away_is_in_the_log() {
    let world = World::start().await;
    let app = world.facts().app.clone();
    world
        .fault(json!({"route": "token", "delay_ms": 60_000}))
        .await;
    let url = world.tenant_url("/oauth2/v2.0/token");
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", app.client_id.as_str()),
    ];
    let impatient = world
        .http
        .post(url)
        .form(&form)
        .timeout(std::time::Duration::from_millis(200));
    assert!(impatient.send().await.unwrap_err().is_timeout());
    // The sandbox learns of it a moment later.
    let learned = async {
        loop {
            if let Some(line) = world.log().await.pop() {
                break line;
            }
            tokio::task::yield_now().await;
        }
    };
    let line = tokio::time::timeout(std::time::Duration::from_secs(30), learned)
        .await
        .expect("the request is in the log");
    assert_eq!(
        (&line["status"], &line["client_id"]),
        (&json!(499), &json!(app.client_id))
    );
}
