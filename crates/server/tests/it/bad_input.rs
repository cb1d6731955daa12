//! Bad input (`security.md` §3.1, §3.9): each row with its code, nothing stored, never a 500.

use serde_json::{Value, json};
use store::{Actor, Role};

use crate::house::{Answer, House};

pub(crate) async fn create(house: &House, key: &str, body: &Value) -> Answer {
    house
        .request("POST", "/api/v1/connections")
        .key(key)
        .json(body)
        .send()
        .await
}

/// A connection that would do, with some fields changed.
pub(crate) fn generic(change: &Value) -> Value {
    let mut body = json!({
        "name": "crm", "type": "oauth", "grant": "client_credentials", "prove": false,
        "token_endpoint": "https://login.contoso.example/token", "client_id": "app-1", "client_secret": "not-a-real-secret",
        "base_url": "https://api.contoso.example/v1",
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

#[tokio::test]
async fn urls_of_a_connection() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    let long = format!("https://api.contoso.example/{}", "x".repeat(2048));
    for (field, url, expected) in [
        (
            "base_url",
            "http://api.contoso.example",
            "connection.url_invalid",
        ),
        ("base_url", "javascript:alert(1)", "connection.url_invalid"),
        ("base_url", "file:///etc/passwd", "connection.url_invalid"),
        (
            "base_url",
            "https://user:pass@api.contoso.example",
            "connection.url_invalid",
        ),
        (
            "base_url",
            "https://api.contoso.example/#a",
            "connection.url_invalid",
        ),
        ("base_url", "https://", "connection.url_invalid"),
        (
            "base_url",
            "https://api.contoso.example/a b",
            "connection.url_invalid",
        ),
        (
            "base_url",
            "https://api.contoso.example/\n",
            "connection.url_invalid",
        ),
        (
            "base_url",
            "https://api.contoso.example/\u{0}",
            "connection.url_invalid",
        ),
        ("base_url", &long, "connection.url_invalid"),
        (
            "token_endpoint",
            "javascript:alert(1)",
            "connection.url_invalid",
        ),
        (
            "token_endpoint",
            "http://login.contoso.example/token",
            "connection.url_invalid",
        ),
        (
            "base_url",
            "https://10.0.0.1/v1",
            "egress.address_forbidden",
        ),
        (
            "base_url",
            "https://169.254.169.254/latest",
            "egress.address_forbidden",
        ),
        (
            "base_url",
            "https://[::ffff:10.0.0.1]/",
            "egress.address_forbidden",
        ),
        (
            "token_endpoint",
            "https://192.168.1.1/token",
            "egress.address_forbidden",
        ),
    ] {
        let answer = create(&house, &key, &generic(&json!({field: url}))).await;
        assert_eq!(
            answer.refusal(),
            format!("400 {expected} /{field}"),
            "{url:?}: {}",
            answer.text
        );
    }
    let refused = create(
        &house,
        &key,
        &generic(&json!({"base_url": "https://10.0.0.1/v1"})),
    )
    .await;
    assert!(
        refused.json()["hint"]
            .as_str()
            .unwrap()
            .contains("10.0.0.1"),
        "{}",
        refused.text
    );
    assert!(
        house
            .store
            .connections()
            .list(&Actor::local())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn fields_of_a_connection() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    for (change, expected) in [
        (json!({"name": ""}), "400 connection.name_invalid /name"),
        (
            json!({"name": "x".repeat(300)}),
            "400 connection.name_invalid /name",
        ),
        (json!({"name": "../x"}), "400 connection.name_invalid /name"),
        (
            json!({"name": "<img onerror>"}),
            "400 connection.name_invalid /name",
        ),
        (
            json!({"name": "a\u{202e}b"}),
            "400 connection.name_invalid /name",
        ),
        (
            json!({"client_secret": " not-a-real-secret"}),
            "400 secret.whitespace /client_secret",
        ),
        (
            json!({"client_secret": "not-a-real-secret\r\n"}),
            "400 secret.whitespace /client_secret",
        ),
    ] {
        let answer = create(&house, &key, &generic(&change)).await;
        assert_eq!(answer.refusal(), expected, "{change}: {}", answer.text);
        assert!(
            !answer.text.contains("not-a-real-secret"),
            "{}",
            answer.text
        );
    }
    for header in [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Cookie",
        "Proxy-Authorization",
        "Bad Name",
        "X-A\r\nX-B",
    ] {
        let body = json!({"name": "h", "type": "headers", "base_url": "https://api.contoso.example", "headers": {header: "v"}, "prove": false});
        let answer = create(&house, &key, &body).await;
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (400, "header.forbidden"),
            "{header}: {}",
            answer.text
        );
    }
    assert!(
        house
            .store
            .connections()
            .list(&Actor::local())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn what_may_be_meant_is_stored_with_a_warning() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    assert_eq!(create(&house, &key, &generic(&json!({}))).await.status, 201);
    assert_eq!(
        create(&house, &key, &generic(&json!({"name": "CRM"})))
            .await
            .refusal(),
        "409 connection.name_taken /name"
    );
    // where nobody says what a scope looks like, a comma may be meant
    let listed = generic(&json!({"name": "commas", "scope": "a,b"}));
    let warned = create(&house, &key, &listed).await;
    assert!(warned.text.contains("scope.separator"), "{}", warned.text);
    let entra = json!({
        "name": "graph", "preset": "microsoft-graph", "tenant": "contoso.example", "grant": "authorization_code",
        "client_id": "00000000-0000-0000-0000-000000000001", "client_secret": "not-a-real-secret",
        "scope": "User.Read,offline_access", "prove": false,
    });
    let refused = create(&house, &key, &entra).await;
    assert_eq!(
        refused.refusal(),
        "400 scope.separator /scope",
        "{}",
        refused.text
    );
    assert!(
        refused.text.contains("User.Read offline_access"),
        "{}",
        refused.text
    );
    let secret_id = generic(
        &json!({"name": "pasted", "client_secret": "00000000-0000-0000-0000-000000000001"}),
    );
    let warned = create(&house, &key, &secret_id).await;
    assert_eq!(warned.status, 201, "{}", warned.text);
    assert!(
        warned.text.contains("secret.looks_like_id"),
        "{}",
        warned.text
    );
}

#[rustfmt::skip]
const BODIES: &[(&str, &str)] = &[
    (r"", ""),
    (r"{", ""),
    (r"[]", ""),
    (r#""text""#, ""),
    (r#"["crm","generic"]"#, ""),
    (r#"{"name":"a","query_key":["key","value"]}"#, " /query_key"),
    (r#"{"name":"a","nmae":"b"}"#, " /nmae"),
    (r#"{"name":["a"]}"#, " /name"),
    (r#"{"name":{"$ne":null}}"#, " /name/$ne"),
    (r#"{"name":"a","name":"b"}"#, " /name"),
    (r#"{"name":null}"#, " /name"),
    (r#"{"name":1e400}"#, " /name"),
    (r#"{"name":"a","origins":["https://a.example",7]}"#, " /origins/1"),
    (r#"{"name":"a","headers":{"X-A":"b","X-A":"c"}}"#, " /headers/X-A"),
    (r#"{"name":"a","id":"con_x"}"#, " /id"),
    (r#"{"name":"a","state":"ok"}"#, " /state"),
    ("{\"name\":\"\u{0}", " /name"),
];

#[tokio::test]
async fn bodies() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    for (body, field) in BODIES {
        let answer = house
            .request("POST", "/api/v1/connections")
            .key(&key)
            .body("application/json", *body)
            .send()
            .await;
        assert_eq!(
            answer.refusal(),
            format!("400 body.invalid{field}"),
            "{body}: {}",
            answer.text
        );
    }
    let latin = house
        .request("POST", "/api/v1/connections")
        .key(&key)
        .body("application/json", b"{\"name\":\"\xe9\"}".to_vec())
        .send()
        .await;
    assert_eq!(latin.refusal(), "400 body.invalid /name");
    for media_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "application/json; charset=utf-16",
        "multipart/form-data; boundary=x",
    ] {
        let answer = house
            .request("POST", "/api/v1/connections")
            .key(&key)
            .body(media_type, "{}")
            .send()
            .await;
        assert_eq!(
            answer.refusal(),
            "415 body.media_type Content-Type",
            "{media_type}"
        );
    }
    // the limit, on its right side: one byte below, at, above; declared and chunked
    let padded = |length: usize| {
        let mut body = br#"{"name":"../x"}"#.to_vec();
        body.resize(length, b' ');
        body
    };
    for (length, expected) in [
        ((1 << 20) - 1, "400 connection.name_invalid /name"),
        (1 << 20, "400 connection.name_invalid /name"),
        ((1 << 20) + 1, "413 body.too_large"),
    ] {
        let send = |body: reqwest::Body| {
            let request = house
                .request("POST", "/api/v1/redirect-uris")
                .key(&key)
                .body("application/json", body);
            async { request.send().await.refusal() }
        };
        assert_eq!(send(padded(length).into()).await, expected, "{length}");
        let pieces: Vec<Result<Vec<u8>, std::io::Error>> = padded(length)
            .chunks(60_000)
            .map(|piece| Ok(piece.to_vec()))
            .collect();
        assert_eq!(
            send(reqwest::Body::wrap_stream(futures_util::stream::iter(
                pieces
            )))
            .await,
            expected,
            "{length} in chunks"
        );
    }
}

#[rustfmt::skip]
const QUERIES: &[(&str, &str)] = &[
    ("/api/v1/connections?limit=1", "400 query.unknown limit"),
    ("/api/v1/me?x", "400 query.unknown x"),
    ("/api/v1/audit?limt=1", "400 query.unknown limt"),
    ("/api/v1/audit?limit=-1", "400 query.invalid limit"),
    ("/api/v1/audit?limit=0", "400 query.invalid limit"),
    ("/api/v1/audit?limit=1001", "400 query.invalid limit"),
    ("/api/v1/audit?limit=1e9", "400 query.invalid limit"),
    ("/api/v1/audit?limit=99999999999999999999", "400 query.invalid limit"),
    ("/api/v1/audit?limit=1&limit=2", "400 query.invalid limit"),
    ("/api/v1/audit?before=x", "400 query.invalid before"),
    ("/api/v1/audit?before=-3", "400 query.invalid before"),
    ("/api/v1/audit?since=yesterday", "400 query.invalid since"),
    ("/api/v1/audit?actor=%00", "400 query.invalid actor"),
    ("/api/v1/audit?actor=%ff", "400 query.invalid actor"),
];

#[tokio::test]
async fn queries_and_paths() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    let get = |path: &str| {
        let request = house.request("GET", path).key(&key);
        async { request.send().await }
    };
    for (path, expected) in QUERIES {
        assert_eq!(get(path).await.refusal(), *expected, "{path}");
    }
    let secret = house.key(Role::Viewer).await;
    for path in [
        "/api/v1/me?api_key=",
        "/api/v1/audit?actor=",
        "/proxy/x/y?access_token=",
        "/nowhere?k=",
    ] {
        let answer = get(&format!("{path}{secret}")).await;
        assert_eq!(answer.refusal(), "400 key.in_query", "{path}");
        assert!(!answer.text.contains(&secret));
    }
    let long = |length: usize| format!("/api/v1/me?{}", "x".repeat(length - "/api/v1/me?".len()));
    assert_eq!(get(&long(8192)).await.code(), "query.unknown");
    assert_eq!(get(&long(8193)).await.refusal(), "414 request.uri_too_long");
}
