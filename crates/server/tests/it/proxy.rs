//! The pass-through: what goes on, what stays, and that nothing is collected on the way.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use bytes::Bytes;
use futures_util::StreamExt;
use http_body_util::BodyExt;
use serde_json::{Value, json};
use store::Role;
use tokio::sync::mpsc;

use crate::house::{House, api, echo};

#[tokio::test]
async fn the_key_is_taken_off_and_the_credential_put_on() {
    let house = House::new().await;
    let admin = house.key(Role::Admin).await;
    let key = house.key(Role::Operator).await;
    let body = json!({"name": "crm", "type": "headers", "base_url": echo().await, "headers": {"X-Api-Key": "not-a-real-secret"}});
    let made = house
        .request("POST", "/api/v1/connections")
        .key(&admin)
        .json(&body)
        .send()
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let request = house
        .request("PATCH", "/proxy/crm/a%2Fb/c?x=1&y=%20")
        .key(&key)
        .cookie("keyway-session=abc; other=1");
    let answer = request
        .header("x-own", "yes")
        .header("connection", "x-hop")
        .header("x-hop", "1")
        .header("te", "trailers")
        .body("text/plain", "hello")
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let sent = answer.json();
    assert_eq!(
        (&sent["method"], &sent["target"], &sent["body"]),
        (
            &json!("PATCH"),
            &json!("/a%2Fb/c?x=1&y=%20"),
            &json!("hello")
        )
    );
    let headers: Vec<(String, String)> = serde_json::from_value(sent["headers"].clone()).unwrap();
    let value = |name: &str| {
        headers
            .iter()
            .find(|(found, _)| found == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(
        (
            value("x-own"),
            value("content-type"),
            value("content-length")
        ),
        (Some("yes"), Some("text/plain"), Some("5"))
    );
    let stars = "*".repeat("not-a-real-secret".len());
    assert_eq!(
        value("x-api-key"),
        Some(&*stars),
        "it was there, and is told to nobody"
    );
    for gone in ["authorization", "cookie", "x-hop", "te", "x-forwarded-for"] {
        assert_eq!(value(gone), None, "{gone}");
    }
    assert!(!sent.to_string().contains(&key));
    // what an API answers is data here, never a page of ours
    assert!(answer.headers.get("set-cookie").is_none());
    assert!(
        answer
            .header("content-security-policy")
            .starts_with("sandbox")
    );
    assert_eq!(answer.header("content-disposition"), "attachment");
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert_eq!(answer.header("request-id"), "echo-1");
}

#[tokio::test]
async fn statuses_and_methods_pass() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    let url = api(async |request: Request| {
        let status = request.uri().path()[1..].parse::<u16>().unwrap_or(200);
        Response::builder()
            .status(status)
            .header("x-method", request.method().as_str())
            .header("location", "https://attacker.example/")
            .body(Body::empty())
            .unwrap()
    })
    .await;
    house.plain_connection("echo", &url).await;
    for (method, status) in [
        ("GET", 200),
        ("DELETE", 204),
        ("GET", 302),
        ("PUT", 404),
        ("OPTIONS", 200),
        ("PURGE", 207),
        ("POST", 500),
        ("GET", 503),
        ("HEAD", 200),
    ] {
        let answer = house
            .request(method, &format!("/proxy/echo/{status}"))
            .key(&key)
            .send()
            .await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("x-method")),
            (status, method)
        );
    }
}

#[tokio::test]
async fn large_bodies_stream_both_ways() {
    const PIECE: usize = 64 * 1024;
    const PIECES: usize = 512;
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    // answers each piece as it comes, so nothing may be collected anywhere on the way
    let url = api(async |request: Request| {
        let body = request.into_body().into_data_stream();
        Response::new(Body::from_stream(body))
    })
    .await;
    house.plain_connection("echo", &url).await;
    let (sender, receiver) = mpsc::channel::<Result<Bytes, std::io::Error>>(1);
    let body = futures_util::stream::unfold(receiver, async |mut receiver| {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    let request = house
        .request("POST", "/proxy/echo/mirror")
        .key(&key)
        .body("application/octet-stream", reqwest::Body::wrap_stream(body));
    let chunk = |number: usize| Bytes::from(vec![u8::try_from(number % 251).unwrap(); PIECE]);
    // the first piece comes back before the second is sent
    sender.send(Ok(chunk(0))).await.unwrap();
    let response = request.stream().await;
    assert_eq!(response.status(), 200);
    let mut answer = response.bytes_stream();
    let mut seen = 0_usize;
    for number in 0..PIECES {
        if number > 0 {
            sender.send(Ok(chunk(number))).await.unwrap();
        }
        while seen < (number + 1) * PIECE {
            let bytes = answer.next().await.unwrap().unwrap();
            let expected = |at: usize| u8::try_from(at / PIECE % 251).unwrap();
            assert!(
                bytes
                    .iter()
                    .enumerate()
                    .all(|(index, byte)| *byte == expected(seen + index))
            );
            seen += bytes.len();
        }
    }
    drop(sender);
    assert!(answer.next().await.is_none());
    assert_eq!(
        seen,
        PIECE * PIECES,
        "32 MiB each way, the API's own limit does not hold here"
    );
}

#[tokio::test]
async fn an_answer_without_end_is_passed_on_as_it_comes() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    let url = api(async |_: Request| {
        let events = futures_util::stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(
            b"data: 1\n\n",
        ))]);
        let endless = events.chain(futures_util::stream::pending());
        Response::builder()
            .header("content-type", "text/event-stream")
            .body(Body::from_stream(endless))
            .unwrap()
    })
    .await;
    house.plain_connection("echo", &url).await;
    let response = house
        .request("GET", "/proxy/echo/events")
        .key(&key)
        .stream()
        .await;
    let first = response.bytes_stream().next().await.unwrap().unwrap();
    assert_eq!(first, "data: 1\n\n");
}

#[tokio::test]
async fn failures_are_problems() {
    let house = House::new().await;
    let key = house.key(Role::Operator).await;
    // Bound and kept: nobody listens there, nor will anybody else.
    let kept = tokio::net::TcpSocket::new_v4().unwrap();
    kept.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let nobody = format!("http://{}", kept.local_addr().unwrap());
    house.plain_connection("echo", &nobody).await;
    let answer = house.request("GET", "/proxy/echo/x").key(&key).send().await;
    assert_eq!(answer.status, 502, "{}", answer.text);
    assert!(answer.code().starts_with("upstream."));
    assert_eq!(answer.json()["connection"], "echo");
    let admin = house.user("admin", Role::Admin).await;
    let session = house.session(&admin).await;
    let by_cookie = house
        .request("GET", "/proxy/echo/x")
        .cookie(&session)
        .own_page()
        .send()
        .await;
    assert_eq!(by_cookie.refusal(), "401 unauthenticated");
}

#[tokio::test]
async fn the_same_router_serves_this_process() {
    let house = House::new().await;
    house.plain_connection("echo", &echo().await).await;
    let inside = server::router_as(house.app.clone(), store::Actor::local());
    let request = http::Request::get("/proxy/echo/x")
        .body(Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(inside, request).await.unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap()["target"],
        "/x"
    );
}
