//! Calls as JSON, the call log, metrics.

use serde_json::{Value, json};
use store::{Actor, CallFilter, Role};

use crate::house::{Answer, House, api, echo};
use axum::body::Body;
use axum::response::Response;

async fn call(house: &House, key: &str, body: &Value) -> Answer {
    house
        .request("POST", "/api/v1/connections/echo/call")
        .key(key)
        .json(body)
        .send()
        .await
}

#[tokio::test]
async fn a_call_says_what_was_sent_and_what_came_back() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    house
        .plain_connection("echo", &format!("{}/base", echo().await))
        .await;
    let answer = call(
        &house,
        &key,
        &json!({
            "method": "POST", "path": "/users?a=1", "query": {"$top": "5", "b": ["2", "3"]},
            "headers": {"X-Own": "yes"}, "body": {"name": null, "list": [1, 2]},
        }),
    )
    .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(
        (
            &answer["status"],
            &answer["body_encoding"],
            &answer["attempts"]
        ),
        (&json!(200), &json!("json"), &json!(1))
    );
    assert_eq!(answer["request_id"], "echo-1");
    assert!(answer["headers"]["set-cookie"].is_null());
    let sent = &answer["body"];
    assert_eq!(sent["method"], "POST");
    assert_eq!(sent["target"], "/base/users?a=1&$top=5&b=2&b=3");
    assert_eq!(sent["body"], r#"{"name":null,"list":[1,2]}"#);
    let headers = sent["headers"].as_array().unwrap();
    assert!(
        headers.contains(&json!(["x-own", "yes"]))
            && headers.contains(&json!(["content-type", "application/json"])),
        "{sent}"
    );
    let (mine, ours) = (key.as_str(), sent.to_string());
    assert!(
        !ours.contains(mine) && !ours.contains("authorization"),
        "the caller's key stays here: {ours}"
    );
}

#[tokio::test]
async fn bodies_of_every_kind() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    house.plain_connection("echo", &echo().await).await;
    for (body, content_type, sent) in [
        (
            json!({"form": {"a": "b c", "d": ["e", "f"]}}),
            "application/x-www-form-urlencoded",
            "a=b+c&d=e&d=f",
        ),
        (
            json!({"text": "<a/>", "headers": {"Content-Type": "application/xml"}}),
            "application/xml",
            "<a/>",
        ),
        (
            json!({"text": "hello"}),
            "text/plain; charset=utf-8",
            "hello",
        ),
        (
            json!({"bytes": "aGVsbG8="}),
            "application/octet-stream",
            "hello",
        ),
        (json!({"body": null}), "application/json", "null"),
    ] {
        let mut request = json!({"method": "PUT", "path": "/x"});
        for (name, value) in body.as_object().unwrap() {
            request[name] = value.clone();
        }
        let answer = call(&house, &key, &request).await.json();
        assert_eq!(answer["body"]["body"], sent, "{body}: {answer}");
        assert!(
            answer["body"]["headers"]
                .as_array()
                .unwrap()
                .contains(&json!(["content-type", content_type])),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn an_answer_of_any_status_is_an_answer() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    let url = api(async |request: axum::extract::Request| {
        let status: u16 = request.uri().path()[1..].parse().unwrap();
        let body = if status == 204 {
            Body::empty()
        } else {
            Body::from(vec![0xff_u8, 0xfe, 0x00])
        };
        Response::builder()
            .status(status)
            .header("content-type", "image/png")
            .body(body)
            .unwrap()
    })
    .await;
    house.plain_connection("echo", &url).await;
    for status in [200, 404, 500] {
        let answer = call(
            &house,
            &key,
            &json!({"method": "GET", "path": format!("/{status}")}),
        )
        .await;
        assert_eq!(answer.status, 200);
        let answer = answer.json();
        assert_eq!(
            (&answer["status"], &answer["body_encoding"], &answer["body"]),
            (&json!(status), &json!("base64"), &json!("//4A"))
        );
    }
    let empty = call(&house, &key, &json!({"method": "GET", "path": "/204"}))
        .await
        .json();
    assert_eq!(
        (&empty["body_encoding"], &empty["body"]),
        (&json!("empty"), &json!(null))
    );
}

#[tokio::test]
async fn refused_calls_say_why() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    house.plain_connection("echo", &echo().await).await;
    for (body, expected) in [
        (
            json!({"method": "GET", "path": "https://attacker.example/x"}),
            "400 connection.origin_forbidden",
        ),
        (
            json!({"method": "GET", "path": "http://169.254.169.254/latest"}),
            "400 connection.origin_forbidden",
        ),
        (
            json!({"method": "GET", "path": "//attacker.example/x"}),
            "400 connection.origin_forbidden",
        ),
        (
            json!({"method": "GET", "path": "/x", "headers": {"Authorization": "Bearer x"}}),
            "400 header.forbidden",
        ),
        (
            json!({"method": "GET", "path": "/x", "headers": {"Host": "x"}}),
            "400 header.forbidden",
        ),
        (
            json!({"method": "GET", "path": "/x", "headers": {"X": "a\r\nY: b"}}),
            "400 header.forbidden",
        ),
        (json!({"method": "GET"}), "400 body.invalid"),
        (
            json!({"method": "CONNECT", "path": "/x"}),
            "400 body.invalid /method",
        ),
        (
            json!({"method": "GET", "path": "/x", "text": "a", "bytes": "YQ=="}),
            "400 body.invalid",
        ),
    ] {
        let answer = call(&house, &key, &body).await;
        let refusal = answer.refusal();
        assert!(
            refusal.starts_with(expected),
            "{body}: {refusal}: {}",
            answer.text
        );
    }
    let gone = house
        .request("POST", "/api/v1/connections/absent/call")
        .key(&key)
        .json(&json!({"method": "GET", "path": "/x"}))
        .send()
        .await;
    assert_eq!(gone.refusal(), "404 connection.not_found");
}

#[tokio::test]
async fn calls_are_logged_in_batches() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    house.plain_connection("echo", &echo().await).await;
    let calls = 20;
    for number in 0..calls {
        let path = format!("/users/{number}?$select=secret");
        assert_eq!(
            call(&house, &key, &json!({"method": "GET", "path": path}))
                .await
                .status,
            200
        );
        assert_eq!(
            house
                .request("GET", &format!("/proxy/echo/things/{number}?x=secret"))
                .key(&key)
                .send()
                .await
                .status,
            200
        );
    }
    call(
        &house,
        &key,
        &json!({"method": "GET", "path": "https://attacker.example/x"}),
    )
    .await;
    // the writer ends, with everything written, when the server does
    let store = house.close().await;
    let all = CallFilter {
        limit: 1000,
        ..CallFilter::default()
    };
    let rows = store.calls().list(&Actor::local(), &all).await.unwrap();
    assert_eq!(rows.len(), 2 * calls + 1);
    assert!(
        rows.iter()
            .all(|row| !row.record.path.contains('?') && row.record.actor.starts_with("key_"))
    );
    let refused = rows.iter().find(|row| row.record.status.is_none()).unwrap();
    assert_eq!(
        refused.record.code.as_deref(),
        Some("connection.origin_forbidden")
    );
}

#[tokio::test]
async fn a_call_is_in_the_log_as_soon_as_it_has_ended() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    house.plain_connection("echo", &echo().await).await;
    let logged = async || {
        let log = house.request("GET", "/api/v1/calls").key(&key);
        log.send().await.json()["items"].as_array().unwrap().len()
    };
    assert_eq!(logged().await, 0, "nothing to wait for");
    for before in 0..5 {
        call(&house, &key, &json!({"method": "GET", "path": "/x"})).await;
        assert_eq!(logged().await, 2 * before + 1);
        let passed = house.request("GET", "/proxy/echo/x").key(&key);
        assert_eq!(passed.send().await.status, 200);
        assert_eq!(logged().await, 2 * before + 2);
    }
}

#[tokio::test]
async fn the_log_tells_each_try_of_a_call_that_got_no_answer() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    // Bound and not listening: nobody else gets the port, and nobody answers.
    let held = tokio::net::TcpSocket::new_v4().unwrap();
    held.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = format!("http://{}", held.local_addr().unwrap());
    house.plain_connection("nobody", &nobody).await;
    let path = "/api/v1/connections/nobody/call";
    let call = house.request("POST", path).key(&key);
    let call = call.json(&json!({"method": "GET", "path": "/x", "retry": {"attempts": 2}}));
    assert_eq!(call.send().await.refusal(), "502 upstream.unreachable");
    let log = house.request("GET", "/api/v1/calls").key(&key);
    let row = log.send().await.json()["items"][0].clone();
    assert_eq!(
        (&row["attempts"], &row["code"]),
        (&json!(2), &json!("upstream.unreachable"))
    );
    let told: Vec<_> = row["trail"]
        .as_array()
        .unwrap()
        .iter()
        .map(|each| {
            (
                each["why"].as_str().unwrap(),
                each["code"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("called", "upstream.unreachable"),
            ("network", "upstream.unreachable")
        ]
    );
}

#[tokio::test]
async fn the_log_is_read_newest_first_and_by_connection() {
    let house = House::new().await;
    let key = house.key(Role::Viewer).await;
    for name in ["one", "two"] {
        house.plain_connection(name, "http://127.0.0.1:9").await;
    }
    let mut records = Vec::new();
    for (at, name) in [(1, "one"), (2, "two"), (3, "one")] {
        let name = store::ConnectionName::parse(name).unwrap();
        let found = house.store.connections().find(&Actor::local(), &name).await;
        records.push(store::CallRecord {
            at: jiff::Timestamp::from_second(at).unwrap(),
            actor: "local".to_owned(),
            step: None,
            connection: found.unwrap().unwrap().id,
            method: "GET".to_owned(),
            host: "127.0.0.1:9".to_owned(),
            path: format!("/{at}"),
            status: Some(200),
            code: None,
            provider: None,
            duration: jiff::SignedDuration::from_millis(at),
            attempts: 2,
            token_generation: Some(7),
            request_id: Some("fake-request".to_owned()),
            trail: None,
        });
    }
    house.store.calls().record_many(records).await.unwrap();
    let get = async |query: &str| {
        let path = format!("/api/v1/calls{query}");
        house.request("GET", &path).key(&key).send().await
    };
    let paths = async |query: &str| {
        let list = get(query).await.json();
        let paths: Vec<String> = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| row["path"].as_str().unwrap().to_owned())
            .collect();
        (paths.join(" "), list["next"].clone())
    };
    assert_eq!(paths("").await, ("/3 /2 /1".to_owned(), Value::Null));
    assert_eq!(paths("?connection=ONE").await.0, "/3 /1");
    let (first, next) = paths("?limit=2").await;
    assert_eq!(first, "/3 /2");
    let rest = paths(&format!("?limit=2&before={}", next.as_str().unwrap())).await;
    assert_eq!(rest, ("/1".to_owned(), Value::Null));
    let row = get("?limit=1").await.json()["items"][0].clone();
    assert_eq!(
        (&row["took_ms"], &row["attempts"], &row["token_generation"]),
        (&json!(3), &json!(2), &json!(7))
    );
    for (query, refusal) in [
        ("?limit=0", "400 query.invalid limit"),
        ("?limit=1001", "400 query.invalid limit"),
        ("?before=yesterday", "400 query.invalid before"),
        ("?connection=absent", "404 connection.not_found"),
        ("?run=absent", "400 query.invalid run"),
        ("?host=x", "400 query.unknown host"),
    ] {
        assert_eq!(get(query).await.refusal(), refusal, "{query}");
    }
    assert_eq!(get("?limit=1000").await.status, 200);
}

#[tokio::test]
async fn a_call_tells_every_time_that_it_was_sent() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    let seen = std::sync::Arc::new(std::sync::atomic::AtomicU16::new(0));
    let url = api(move |_: axum::extract::Request| {
        let at = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        async move {
            Response::builder()
                .status(if at % 3 < 2 { 503 } else { 200 })
                .header("retry-after", "0")
                .header("request-id", format!("fake-{at}"))
                .body(Body::empty())
                .unwrap()
        }
    })
    .await;
    house.plain_connection("echo", &url).await;
    let answer = call(
        &house,
        &key,
        &json!({"method": "GET", "path": "/x?a=secret"}),
    )
    .await
    .json();
    assert_eq!(
        (&answer["status"], &answer["attempts"]),
        (&json!(200), &json!(3))
    );
    let trail = answer["trail"].as_array().unwrap();
    let told: Vec<String> = trail
        .iter()
        .map(|each| format!("{} {} {}", each["why"], each["status"], each["request_id"]))
        .collect();
    assert_eq!(
        told,
        [
            r#""called" 503 "fake-0""#,
            r#""unavailable" 503 "fake-1""#,
            r#""unavailable" 200 "fake-2""#
        ]
    );
    let log = house.request("GET", "/api/v1/calls").key(&key);
    let row = log.send().await.json()["items"][0].clone();
    assert_eq!(row["trail"], answer["trail"], "the log tells it afterwards");
    assert!(!answer["trail"].to_string().contains("secret"));
    for seconds in [0, 3_601] {
        let body = json!({"method": "GET", "path": "/x", "timeout": seconds});
        let refused = call(&house, &key, &body).await;
        assert_eq!(refused.refusal(), "400 body.invalid /timeout");
    }
    let once = json!({"method": "GET", "path": "/x", "timeout": 3600, "retry": {"attempts": 1}});
    let answer = call(&house, &key, &once).await.json();
    assert_eq!(
        (&answer["status"], &answer["attempts"]),
        (&json!(503), &json!(1))
    );
    // nobody says a word of trying again: an API that asks for an hour is not called meanwhile
    let url = api(async |_: axum::extract::Request| {
        Response::builder()
            .status(429)
            .header("retry-after", "3600")
            .body(Body::empty())
            .unwrap()
    })
    .await;
    house.plain_connection("busy", &url).await;
    let busy = async || {
        house
            .request("POST", "/api/v1/connections/busy/call")
            .key(&key)
            .json(&json!({"method": "GET", "path": "/x"}))
            .send()
            .await
    };
    assert_eq!(busy().await.json()["status"], 429);
    let refused = busy().await;
    assert_eq!(refused.refusal(), "503 upstream.throttled");
    let seconds: u64 = refused.header("retry-after").parse().unwrap();
    assert!((3_500..=3_600).contains(&seconds), "{seconds}");
}

#[tokio::test]
async fn metrics_count_requests_by_route() {
    let house = House::new().await;
    house
        .request("GET", "/api/v1/connections/some-name")
        .send()
        .await;
    let metrics = house.request("GET", "/metrics").send().await;
    assert_eq!(
        metrics.header("content-type"),
        "text/plain; version=0.0.4; charset=utf-8"
    );
    let line = r#"keyway_http_requests_total{route="/api/v1/connections/{name}",status="401"}"#;
    assert!(metrics.text.contains(line), "{}", metrics.text);
    assert!(!metrics.text.contains("some-name"), "names are not labels");
}
