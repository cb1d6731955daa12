//! Limits of the request line and headers, preconditions, and what every answer carries.

use serde_json::json;
use store::Role;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::{House, echo};

#[tokio::test]
async fn headers_have_limits() {
    let house = House::new().await;
    let raw = async |headers: String| {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let request = format!(
            "GET /healthz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        let status = answer[9..12].to_owned();
        if status != "200" {
            // Whoever refused it: there is a document, with its code and trace.
            let (head, document) = answer.split_once("\r\n\r\n").unwrap();
            assert!(
                head.contains("content-type: application/problem+json"),
                "{head}"
            );
            assert!(head.contains("keyway-version: "), "{head}");
            let document: serde_json::Value = serde_json::from_str(document).unwrap();
            assert_eq!(document["status"].to_string(), status);
            assert!(document["code"].as_str().unwrap().starts_with("request."));
            assert!(document["trace_id"].is_string());
        }
        status
    };
    let many = |count: usize| {
        let lines: Vec<String> = (2..count)
            .map(|number| format!("x-{number}: a\r\n"))
            .collect();
        lines.concat()
    };
    assert_eq!(raw(many(100)).await, "200");
    assert_eq!(raw(many(101)).await, "431");
    assert_eq!(raw(many(2_000)).await, "431");
    let large = |bytes: usize| format!("x-large: {}\r\n", "a".repeat(bytes));
    assert_eq!(raw(large(32 * 1024 - 100)).await, "200");
    assert_eq!(raw(large(32 * 1024 + 100)).await, "431");
    // two lengths, or a length and chunks, never reach a handler
    assert_eq!(
        raw("content-length: 1\r\ncontent-length: 2\r\n".to_owned()).await,
        "400"
    );
    assert_eq!(
        raw("transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".to_owned()).await,
        "400"
    );
    assert_eq!(raw("x-a: b\r\n c: d\r\n".to_owned()).await, "400");
}

/// What a proxy before us may have read as another request is never answered.
#[tokio::test]
async fn after_a_request_with_two_meanings_the_connection_is_closed() {
    let house = House::new().await;
    for lines in [
        "content-length: 5\r\ntransfer-encoding: chunked\r\n",
        "transfer-encoding: chunked\r\ncontent-length: 5\r\n",
    ] {
        let mut stream = TcpStream::connect(house.address).await.unwrap();
        let smuggled = "GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n";
        let request =
            format!("POST /healthz HTTP/1.1\r\nhost: localhost\r\n{lines}\r\n0\r\n\r\n{smuggled}");
        stream.write_all(request.as_bytes()).await.unwrap();
        // the end comes from the server: nothing here asked for it
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 4"), "{lines}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{lines}: {answer}");
    }
}

/// A frame of HTTP/2 (RFC 9113 §4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut bytes = length[1..].to_vec();
    bytes.extend([kind, flags]);
    bytes.extend(stream.to_be_bytes());
    bytes.extend(payload);
    bytes
}

/// The frames of each round.
type Flood<'a> = &'a dyn Fn(u32) -> Vec<u8>;

#[tokio::test]
async fn a_flood_of_http2_frames_ends_its_connection_and_no_other() {
    const HEADERS: u8 = 1;
    const RST_STREAM: u8 = 3;
    const SETTINGS: u8 = 4;
    const CONTINUATION: u8 = 9;
    // GET http /, from the static table of HPACK
    let get = [0x82, 0x86, 0x84];
    let house = House::new().await;
    let resets = |number: u32| {
        let stream = 2 * number + 1;
        let reset = frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes());
        [frame(HEADERS, 0x5, stream, &get), reset].concat()
    };
    let endless = |number: u32| match number {
        0 => frame(HEADERS, 0, 1, &get),
        _ => frame(CONTINUATION, 0, 1, &[]),
    };
    let floods: [(&str, Flood<'_>); 2] = [("resets", &resets), ("headers without end", &endless)];
    for (of, flood) in floods {
        let stream = TcpStream::connect(house.address).await.unwrap();
        let (mut reader, mut writer) = stream.into_split();
        let sending = async {
            let mut opening = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
            opening.extend(frame(SETTINGS, 0, 0, &[]));
            writer.write_all(&opening).await.unwrap();
            for number in 0..200_000 {
                if writer.write_all(&flood(number)).await.is_err() {
                    break;
                }
            }
            writer
        };
        // it ends by the server, with an answer or without, while this end stays open
        let ended = async {
            let mut answer = Vec::new();
            drop(reader.read_to_end(&mut answer).await);
        };
        let both = async { tokio::join!(sending, ended) };
        let minute = std::time::Duration::from_mins(1);
        let ended = tokio::time::timeout(minute, both).await;
        assert!(ended.is_ok(), "{of}: the connection is still there");
        assert_eq!(
            house.request("GET", "/healthz").send().await.status,
            200,
            "{of}"
        );
    }
}

#[tokio::test]
async fn a_change_names_its_version() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    house.plain_connection("echo", &echo().await).await;
    let path = "/api/v1/connections/echo";
    let shown = house.request("GET", path).key(&key).send().await;
    let (etag, version) = (
        shown.header("etag").to_owned(),
        shown.json()["version"].clone(),
    );
    assert_eq!(etag, format!("\"{version}\""));
    let change = |if_match: Option<&str>| {
        let mut request = house
            .request("PATCH", path)
            .key(&key)
            .json(&json!({"name": "echo"}));
        if let Some(value) = if_match {
            request = request.header("if-match", value);
        }
        async { request.send().await }
    };
    assert_eq!(
        change(None).await.refusal(),
        "428 precondition.required If-Match"
    );
    for bad in ["3", "W/\"3\"", "\"x\"", "\"3\", \"4\"", ""] {
        assert_eq!(
            change(Some(bad)).await.refusal(),
            "400 precondition.invalid If-Match",
            "{bad}"
        );
    }
    assert_eq!(change(Some("\"999\"")).await.code(), "conflict.version");
    assert_eq!(change(Some("\"999\"")).await.status, 409);
    // of two editors who read the same version, one wins
    let rename = |name: &str| {
        let request = house
            .request("PATCH", path)
            .key(&key)
            .header("if-match", &etag)
            .json(&json!({"name": name}));
        async { request.send().await }
    };
    let (one, other) = tokio::join!(rename("one"), rename("two"));
    let mut statuses = [one.status.as_u16(), other.status.as_u16()];
    statuses.sort_unstable();
    assert!(
        statuses == [200, 409] || statuses == [200, 404],
        "{statuses:?}"
    );
    let won = if one.status == 200 { one } else { other };
    assert_eq!(won.json()["wiped"], json!([]));
    let path = format!(
        "/api/v1/connections/{}",
        won.json()["connection"]["name"].as_str().unwrap()
    );
    let delete = |if_match: &str| {
        let request = house
            .request("DELETE", &path)
            .key(&key)
            .header("if-match", if_match);
        async { request.send().await }
    };
    assert_eq!(delete(&etag).await.code(), "conflict.version");
    assert_eq!(delete(won.header("etag")).await.status, 200);
    assert_eq!(
        house.request("GET", &path).key(&key).send().await.refusal(),
        "404 connection.not_found"
    );
}

#[tokio::test]
async fn every_answer_has_its_headers() {
    let house = House::new().await;
    let key = house.key(Role::Viewer).await;
    for (path, status) in [
        ("/healthz", 200),
        ("/api/v1/me", 200),
        ("/api/v1/connections/absent", 404),
        ("/", 200),
        ("/api/nowhere", 404),
        ("/oauth/start/x", 400),
    ] {
        let answer = house.request("GET", path).key(&key).send().await;
        assert_eq!(answer.status, status, "{path}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "no-referrer");
        assert_eq!(answer.header("cache-control"), "no-store");
        assert_eq!(answer.header("x-frame-options"), "DENY");
        assert_eq!(answer.header("keyway-version"), env!("CARGO_PKG_VERSION"));
        let policy = answer.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert!(answer.headers.get("server").is_none());
    }
}

#[tokio::test]
async fn links_follow_the_public_url_not_the_host_header() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    let body = json!({"name": "later"});
    let request = house
        .request("POST", "/api/v1/redirect-uris")
        .key(&key)
        .header("host", "attacker.example")
        .header("x-forwarded-host", "attacker.example");
    let answer = request.json(&body).send().await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    let uri = answer.json()["redirect_uri"].as_str().unwrap().to_owned();
    assert!(
        uri.starts_with(&format!("{}/oauth/callback/con_", house.url)),
        "{uri}"
    );
}
