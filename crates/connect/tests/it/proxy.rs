//! The streaming pass-through.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use connect::{ProxyRequest, ProxyResponse, StreamBody, Timeouts};
use http::{HeaderMap, HeaderValue, Method, header};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Frame;
use serde_json::{Value, json};
use store::Actor;

use crate::calls::{bearer, plain};
use crate::house::{House, house, name};
use crate::mock;

fn request(method: Method, target: &str) -> ProxyRequest {
    ProxyRequest {
        method,
        path_and_query: target.to_owned(),
        headers: HeaderMap::new(),
        body: StreamBody::empty(),
    }
}

async fn body(answer: ProxyResponse) -> Bytes {
    answer.body.collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn what_belongs_to_the_hop_or_the_caller_is_taken_off() {
    let plain = plain(&["loopback"], Timeouts::default()).await;
    plain.create(bearer("api", mock::api().await)).await;
    let mut sent = request(Method::POST, "/echo/a%20b?x=1&y=%2F");
    for (header, value) in [
        ("authorization", "Bearer kw_fake-api-key"),
        ("cookie", "session=fake"),
        ("connection", "x-hop, keep-alive"),
        ("x-hop", "1"),
        ("proxy-authorization", "fake"),
        ("te", "trailers"),
        ("x-stays", "yes"),
        ("content-type", "text/plain"),
    ] {
        sent.headers.insert(header, HeaderValue::from_static(value));
    }
    sent.body = StreamBody::new(Full::new(Bytes::from_static(b"hello")));
    let answer = plain
        .connector
        .forward(&Actor::local(), &name("api"), sent)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["x-echo"], "[redacted]");
    assert_eq!(answer.request_id.as_deref(), Some("mock-request-1"));
    let seen: Value = serde_json::from_slice(&body(answer).await).unwrap();
    assert_eq!(seen["uri"], "/echo/a%20b?x=1&y=%2F");
    assert_eq!(
        (&seen["method"], &seen["body"]),
        (&json!("POST"), &json!("hello"))
    );
    let headers = &seen["headers"];
    let stars = "*".repeat("fake-bearer-token-0123456789".len());
    assert_eq!(headers["authorization"], format!("Bearer {stars}"));
    assert_eq!(
        (&headers["x-stays"], &headers["content-length"]),
        (&json!("yes"), &json!("5"))
    );
    for gone in ["cookie", "x-hop", "proxy-authorization", "te"] {
        assert!(headers.get(gone).is_none(), "{gone}");
    }
    let answer = plain
        .connector
        .forward(
            &Actor::local(),
            &name("api"),
            request(Method::GET, "/cookie"),
        )
        .await
        .unwrap();
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    for target in [
        "//evil.example/",
        "https://evil.example/",
        "/../x",
        "/%2e%2e/x",
    ] {
        let outcome = plain
            .connector
            .forward(&Actor::local(), &name("api"), request(Method::GET, target))
            .await;
        assert!(outcome.is_err(), "{target}");
    }
}

#[tokio::test]
async fn large_answers_stream_through() {
    let plain = plain(&["loopback"], Timeouts::default()).await;
    plain.create(bearer("api", mock::api().await)).await;
    let size = 64 * 1024 * 1024;
    let target = format!("/big/{size}");
    let mut answer = plain
        .connector
        .forward(&Actor::local(), &name("api"), request(Method::GET, &target))
        .await
        .unwrap();
    let mut seen = 0;
    while let Some(frame) = answer.body.frame().await {
        seen += frame.unwrap().into_data().map_or(0, |data| data.len());
    }
    assert_eq!(seen, size);
}

#[tokio::test]
async fn a_connection_is_used_again_whatever_the_answer_was() {
    let plain = plain(&["loopback"], Timeouts::default()).await;
    let (api, opened) = mock::api_counting_connections().await;
    plain.create(bearer("api", api)).await;
    let send = async |method: Method, target: &str| {
        let sent = request(method, target);
        plain
            .connector
            .forward(&Actor::local(), &name("api"), sent)
            .await
            .unwrap()
    };
    for (method, target) in [
        (Method::GET, "/echo"),
        (Method::HEAD, "/echo"),
        (Method::DELETE, "/status/204"),
        (Method::GET, "/big/300000"),
        (Method::POST, "/status/404"),
        (Method::GET, "/status/304"),
        (Method::GET, "/echo"),
    ] {
        body(send(method, target).await).await;
    }
    assert_eq!(opened.load(Ordering::SeqCst), 1);
    // an answer that is not read to its end takes its connection with it
    drop(send(Method::GET, "/big/30000000").await);
    body(send(Method::GET, "/echo").await).await;
    assert_eq!(opened.load(Ordering::SeqCst), 2);
    // two at once are two connections, and both are kept
    let (one, two) = tokio::join!(send(Method::GET, "/echo"), send(Method::GET, "/echo"));
    body(one).await;
    body(two).await;
    let (one, two) = tokio::join!(send(Method::GET, "/echo"), send(Method::GET, "/echo"));
    body(one).await;
    body(two).await;
    assert_eq!(opened.load(Ordering::SeqCst), 3);
    plain.connector.tidy();
    body(send(Method::GET, "/echo").await).await;
    assert_eq!(opened.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn a_connection_that_the_other_side_ended_costs_no_request() {
    let plain = plain(&["loopback"], Timeouts::default()).await;
    // it promises to keep the connection and hangs up after each answer
    let api = mock::raw(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine").await;
    plain.create(bearer("api", api)).await;
    for _ in 0..5 {
        let mut sent = request(Method::POST, "/x");
        sent.body = StreamBody::new(Full::new(Bytes::from_static(b"hello")));
        let answer = plain
            .connector
            .forward(&Actor::local(), &name("api"), sent)
            .await
            .unwrap();
        assert_eq!(body(answer).await, "fine");
    }
}

#[tokio::test]
async fn what_an_api_does_wrong_has_its_code() {
    let timeouts = Timeouts {
        first_byte: std::time::Duration::from_millis(200),
        ..Timeouts::default()
    };
    let hasty = plain(&["loopback"], timeouts).await;
    let patient = plain(&["loopback"], Timeouts::default()).await;
    let (nobody, _kept) = mock::nobody();
    patient.create(bearer("nobody", nobody)).await;
    patient.create(bearer("silent", mock::raw(b"").await)).await;
    patient
        .create(bearer("odd", mock::raw(b"what?\r\n\r\n").await))
        .await;
    hasty.create(bearer("slow", mock::api().await)).await;
    for (house, api, code) in [
        (&patient, "nobody", "upstream.unreachable"),
        (&patient, "silent", "upstream.unreachable"),
        (&patient, "odd", "upstream.malformed"),
        (&hasty, "slow", "upstream.timeout"),
    ] {
        let sent = request(Method::GET, "/never");
        let outcome = house
            .connector
            .forward(&Actor::local(), &name(api), sent)
            .await;
        assert_eq!(outcome.err().unwrap().code(), code, "{api}");
    }
}

#[tokio::test]
async fn a_body_that_echoes_our_secret_is_passed_without_it_and_as_long() {
    const TOKEN: &str = "Bearer fake-bearer-token-0123456789";
    let plain = plain(&["loopback"], Timeouts::default()).await;
    plain.create(bearer("api", mock::api().await)).await;
    let mut sent = request(Method::GET, "/echo");
    sent.headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("gzip, br"),
    );
    let answer = plain
        .connector
        .forward(&Actor::local(), &name("api"), sent)
        .await
        .unwrap();
    let length = answer.headers[header::CONTENT_LENGTH]
        .to_str()
        .unwrap()
        .to_owned();
    let bytes = body(answer).await;
    assert_eq!(bytes.len().to_string(), length);
    let seen: Value = serde_json::from_slice(&bytes).unwrap();
    let stars = format!("Bearer {}", "*".repeat(TOKEN.len() - 7));
    assert_eq!(seen["headers"]["authorization"], stars);
    assert_eq!(
        seen["headers"]["accept-encoding"], "identity",
        "what is compressed can't be looked into"
    );
}

#[tokio::test]
async fn a_body_that_is_still_coming_is_waited_for() {
    let timeouts = Timeouts {
        first_byte: std::time::Duration::from_secs(1),
        ..Timeouts::default()
    };
    let plain = plain(&["loopback"], timeouts).await;
    plain.create(bearer("api", mock::api().await)).await;
    let mut sent = request(Method::POST, "/echo");
    // A sender of five pieces, one each 400 ms, needs longer than an API may take to answer.
    let clock = tokio::time::interval(std::time::Duration::from_millis(400));
    let pieces = futures_util::stream::unfold((clock, 5), |(mut clock, left)| async move {
        clock.tick().await;
        let piece = Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"x")));
        (left > 0).then_some((piece, (clock, left - 1)))
    });
    sent.body = StreamBody::new(http_body_util::StreamBody::new(pieces));
    let answer = plain
        .connector
        .forward(&Actor::local(), &name("api"), sent)
        .await
        .unwrap();
    let seen: Value = serde_json::from_slice(&body(answer).await).unwrap();
    assert_eq!(seen["body"], "xxxxx");
}

async fn forward(house: &House, method: Method, body: StreamBody) -> ProxyResponse {
    let mut sent = request(method, "/v1.0/users?$top=1");
    sent.body = body;
    house
        .connector
        .forward(&house.actor, &name("graph"), sent)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_refused_token_is_renewed_once_and_the_request_sent_again() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    let client_id = house.facts().app.client_id.clone();
    let answer = forward(&house, Method::GET, StreamBody::empty()).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.attempts,
            answer.token_generation
        ),
        (200, 1, Some(1))
    );
    house
        .control("clock", json!({"offset_seconds": 108_000}))
        .await;
    let answer = forward(&house, Method::GET, StreamBody::empty()).await;
    assert_eq!(
        (
            answer.status.as_u16(),
            answer.attempts,
            answer.token_generation
        ),
        (200, 2, Some(2))
    );
    let page: Value = serde_json::from_slice(&body(answer).await).unwrap();
    assert_eq!(page["value"].as_array().unwrap().len(), 1);
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        2
    );
}

#[tokio::test]
async fn a_changed_or_deleted_connection_is_noticed_at_once() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    assert_eq!(
        forward(&house, Method::GET, StreamBody::empty())
            .await
            .status,
        200
    );
    let other = connect::Form {
        client_secret: Some(connect::FormSecret::new("fake-wrong-secret")),
        client_id: Some("00000000-1111-2222-3333-444444444444".to_owned()),
        ..connect::Form::default()
    };
    house.change("graph", other).await;
    let refused = house
        .connector
        .forward(
            &house.actor,
            &name("graph"),
            request(Method::GET, "/v1.0/users"),
        )
        .await;
    assert_eq!(refused.err().unwrap().code(), "connection.needs_settings");
    house
        .connector
        .remove(&house.actor, &name("graph"), None)
        .await
        .unwrap();
    let refused = house
        .connector
        .forward(
            &house.actor,
            &name("graph"),
            request(Method::GET, "/v1.0/users"),
        )
        .await;
    assert_eq!(refused.err().unwrap().code(), "connection.not_found");
}
