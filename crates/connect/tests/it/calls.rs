//! Calls: what may be sent, what comes back, and what never does.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use connect::{
    ApiRequest, ApiResponse, Body, CallError, Config, Connector, EgressPolicy, Form, FormSecret,
    Part, Proof, QueryKey, Redirects, ResponseBody, Timeouts,
};
use http::Method;
use serde_json::{Value, json};
use store::Actor;
use store::testing::TestStore;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::house::{house, name};
use crate::mock;

const TOKEN: &str = "fake-bearer-token-0123456789";

/// A connector without a sandbox, for APIs of our own making.
pub(crate) struct Plain {
    pub(crate) connector: Connector,
    pub(crate) store: TestStore,
}

pub(crate) async fn plain(allow: &[&str], timeouts: Timeouts) -> Plain {
    let store = store::testing::sqlite_memory().await;
    let mut config = Config::new(Url::parse("http://localhost:8800").unwrap());
    config.egress = EgressPolicy::parse(allow).unwrap();
    config.timeouts = timeouts;
    let connector = Connector::new(store.store(), config, TaskTracker::new()).unwrap();
    Plain { connector, store }
}

pub(crate) fn bearer(of: &str, base: SocketAddr) -> Form {
    Form {
        name: Some(of.to_owned()),
        kind: Some("bearer".to_owned()),
        token: Some(FormSecret::new(TOKEN)),
        base_url: Some(format!("http://{base}")),
        ..Form::default()
    }
}

impl Plain {
    /// What the connector takes for the time.
    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.store.clock.now()
    }

    pub(crate) async fn create(&self, form: Form) {
        self.connector
            .create(&Actor::local(), form, Proof::Now)
            .await
            .unwrap();
    }

    async fn call(&self, of: &str, request: ApiRequest) -> Result<ApiResponse, CallError> {
        self.connector
            .call(&Actor::local(), &name(of), request)
            .await
    }

    pub(crate) async fn get(&self, of: &str, target: &str) -> Result<ApiResponse, CallError> {
        self.call(of, ApiRequest::new(Method::GET, target)).await
    }

    pub(crate) async fn code(&self, of: &str, target: &str) -> &'static str {
        self.get(of, target).await.unwrap_err().code()
    }
}

async fn mocked() -> (Plain, SocketAddr) {
    let plain = plain(&["loopback"], Timeouts::default()).await;
    let api = mock::api().await;
    plain.create(bearer("api", api)).await;
    (plain, api)
}

pub(crate) fn json_of(answer: &ApiResponse) -> &Value {
    match &answer.body {
        ResponseBody::Json(value) => value,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_echo_of_our_secret_is_redacted() {
    let (plain, api) = mocked().await;
    let answer = plain.get("api", "/echo").await.unwrap();
    assert_eq!(
        json_of(&answer)["headers"]["authorization"],
        "Bearer [redacted]"
    );
    assert!(
        answer
            .headers
            .contains(&("x-echo".to_owned(), "Bearer [redacted]".to_owned()))
    );
    assert!(!format!("{answer:?}").contains(TOKEN));
    assert_eq!(answer.request_id.as_deref(), Some("mock-request-1"));
    assert_eq!(answer.host, api.to_string());
    // The token did arrive: without it there is nothing to echo.
    assert_eq!(json_of(&answer)["method"], "GET");

    let base = Form {
        kind: None,
        token: None,
        ..bearer("basic", api)
    };
    let secret = || Some(FormSecret::new("fake-password-1"));
    plain
        .create(Form {
            username: Some("ann".to_owned()),
            password: secret(),
            ..base.clone()
        })
        .await;
    let headers = BTreeMap::from([("X-Api-Key".to_owned(), FormSecret::new("fake-api-key-1"))]);
    plain
        .create(Form {
            name: Some("keyed".to_owned()),
            headers: Some(headers),
            ..base.clone()
        })
        .await;
    let key = QueryKey {
        name: "key".to_owned(),
        value: Some(FormSecret::new("fake+query/key=1")),
    };
    plain
        .create(Form {
            name: Some("query".to_owned()),
            query_key: Some(key),
            ..base.clone()
        })
        .await;
    plain
        .create(Form {
            name: Some("open".to_owned()),
            kind: Some("none".to_owned()),
            ..base
        })
        .await;
    let basic = plain.get("basic", "/echo").await.unwrap();
    assert_eq!(
        json_of(&basic)["headers"]["authorization"],
        "Basic [redacted]"
    );
    let keyed = plain.get("keyed", "/echo").await.unwrap();
    assert_eq!(json_of(&keyed)["headers"]["x-api-key"], "[redacted]");
    let query = plain.get("query", "/echo?a=1").await.unwrap();
    assert_eq!(json_of(&query)["uri"], "/echo?a=1&key=[redacted]");
    assert_eq!(query.path, "/echo");
    let open = plain.get("open", "/echo").await.unwrap();
    assert!(json_of(&open)["headers"].get("authorization").is_none());
}

#[tokio::test]
async fn bodies_methods_and_headers() {
    let (plain, _) = mocked().await;
    let send = async |method: Method, body: Body| {
        let mut request = ApiRequest::new(method, "/echo");
        request.body = body;
        request.query = vec![("q".to_owned(), "a b".to_owned())];
        request.headers = vec![("X-One".to_owned(), "1".to_owned())];
        let answer = plain.call("api", request).await.unwrap();
        json_of(&answer).clone()
    };
    let form = vec![
        ("a".to_owned(), "1 & 2".to_owned()),
        ("a".to_owned(), "3".to_owned()),
    ];
    let text = Body::Text {
        content_type: None,
        text: "hé".to_owned(),
    };
    let bytes = Body::Bytes {
        content_type: Some("text/csv".to_owned()),
        bytes: vec![b'x'].into(),
    };
    for (method, body, content_type, expected) in [
        (
            Method::POST,
            Body::Json(json!([1, {"a": null}])),
            "application/json",
            r#"[1,{"a":null}]"#,
        ),
        (
            Method::PUT,
            Body::Form(form),
            "application/x-www-form-urlencoded",
            "a=1+%26+2&a=3",
        ),
        (Method::PATCH, text, "text/plain; charset=utf-8", "hé"),
        (
            Method::from_bytes(b"PROPFIND").unwrap(),
            bytes,
            "text/csv",
            "x",
        ),
    ] {
        let got = send(method.clone(), body).await;
        assert_eq!(got["method"], method.as_str());
        assert_eq!(got["uri"], "/echo?q=a%20b");
        assert_eq!(got["headers"]["content-type"], content_type);
        assert_eq!(got["headers"]["x-one"], "1");
        assert_eq!(got["body"], expected);
    }
    for (header, value) in [
        ("Authorization", "Bearer other"),
        ("Cookie", "a=b"),
        ("Host", "evil.example"),
        ("Content-Length", "0"),
        ("Transfer-Encoding", "chunked"),
        ("Proxy-Authorization", "x"),
        ("X-One\r\nX-Two", "1"),
        ("X-One", "1\r\nHost: evil.example"),
        ("X One", "1"),
        ("", "1"),
    ] {
        let mut request = ApiRequest::new(Method::GET, "/echo");
        request.headers = vec![(header.to_owned(), value.to_owned())];
        let error = plain.call("api", request).await.unwrap_err();
        assert_eq!(error.code(), "header.forbidden", "{header}: {value}");
    }
    let cookie = plain.get("api", "/cookie").await.unwrap();
    assert_eq!(cookie.body, ResponseBody::Text("fine".to_owned()));
    assert!(cookie.headers.iter().all(|(name, _)| name != "set-cookie"));
    assert_eq!(
        plain.get("api", "/status/204").await.unwrap().body,
        ResponseBody::Empty
    );
}

#[tokio::test]
async fn xml_is_text_and_a_form_may_hold_files() {
    let (plain, _) = mocked().await;
    let send = async |body: Body| {
        let mut request = ApiRequest::new(Method::POST, "/echo");
        request.body = body;
        let answer = plain.call("api", request).await.unwrap();
        json_of(&answer).clone()
    };
    let xml = Body::Text {
        content_type: Some("application/xml".to_owned()),
        text: "<a b=\"1\"/>".to_owned(),
    };
    let got = send(xml).await;
    assert_eq!(got["headers"]["content-type"], "application/xml");
    assert_eq!(got["body"], "<a b=\"1\"/>");
    let part = |name: &str, filename: Option<&str>, content: &'static str| Part {
        name: name.to_owned(),
        filename: filename.map(str::to_owned),
        content_type: None,
        content: content.into(),
    };
    let parts = vec![
        part("note", None, "hello"),
        part("file", Some("a.txt"), "--x"),
    ];
    let got = send(Body::Multipart(parts.clone())).await;
    let boundary = got["headers"]["content-type"]
        .as_str()
        .and_then(|kind| kind.strip_prefix("multipart/form-data; boundary="))
        .unwrap();
    let body = got["body"].as_str().unwrap();
    assert_eq!(
        body.matches(&format!("--{boundary}")).count(),
        3,
        "two parts and the end: {body}"
    );
    assert!(body.contains("name=\"file\"; filename=\"a.txt\""), "{body}");
    let length = got["headers"]["content-length"].as_str().unwrap();
    assert_eq!(length, body.len().to_string());
    let mut request = ApiRequest::new(Method::POST, "/echo");
    request.body = Body::Multipart(parts);
    request.headers = vec![("content-type".to_owned(), "multipart/form-data".to_owned())];
    let error = plain.call("api", request).await.unwrap_err();
    assert_eq!(
        error.code(),
        "header.forbidden",
        "the boundary is not the caller's"
    );
}

#[tokio::test]
async fn redirects_are_followed_when_asked_and_never_carry_the_credential_away() {
    let (plain, _) = mocked().await;
    let other = mock::api().await;
    let follow = |target: String| {
        let mut request = ApiRequest::new(Method::GET, target);
        request.redirects = Redirects::Follow;
        plain.call("api", request)
    };
    let shown = plain.get("api", "/to/302/echo").await.unwrap();
    assert_eq!(shown.status, 302);
    let followed = follow("/to/302/to/307/echo".to_owned()).await.unwrap();
    assert_eq!(
        json_of(&followed)["headers"]["authorization"],
        "Bearer [redacted]"
    );
    for status in [301, 302, 303, 307, 308] {
        let error = follow(format!("/to/{status}/http://{other}/echo"))
            .await
            .unwrap_err();
        assert_eq!(error.code(), "upstream.redirect_blocked", "{status}");
        let text = error.to_string();
        assert!(
            text.contains(&other.to_string()) && !text.contains("/echo"),
            "{text}"
        );
    }
    let error = follow("/loop".to_owned()).await.unwrap_err();
    assert_eq!(error.code(), "upstream.redirect_blocked");
    let mut post = ApiRequest::new(Method::POST, "/to/307/echo");
    post.redirects = Redirects::Follow;
    post.body = Body::Json(json!({"a": 1}));
    assert_eq!(
        json_of(&plain.call("api", post.clone()).await.unwrap())["body"],
        r#"{"a":1}"#
    );
    post.target = "/to/303/echo".to_owned();
    let seen = plain.call("api", post).await.unwrap();
    assert_eq!(
        (&json_of(&seen)["method"], &json_of(&seen)["body"]),
        (&json!("GET"), &json!(""))
    );
}

#[tokio::test]
async fn a_call_may_have_a_timeout_of_its_own() {
    let timeouts = Timeouts {
        first_byte: Duration::from_millis(300),
        total: Duration::from_millis(600),
        ..Timeouts::default()
    };
    let hasty = plain(&["loopback"], timeouts).await;
    hasty.create(bearer("api", mock::api().await)).await;
    let slow = |milliseconds: Option<u64>| {
        let mut request = ApiRequest::new(Method::GET, "/after/900");
        request.timeout = milliseconds.map(Duration::from_millis);
        hasty.call("api", request)
    };
    let usual = slow(None).await.unwrap_err();
    assert_eq!(usual.code(), "upstream.timeout");
    assert!(usual.hint().unwrap().contains("--timeout"), "{usual}");
    assert_eq!(slow(Some(20_000)).await.unwrap().status, 200);
    let shorter = slow(Some(100)).await.unwrap_err();
    assert_eq!(shorter.code(), "upstream.timeout");
    assert!(shorter.to_string().contains("within 1 s"), "{shorter}");
    // The same for a call without a connection.
    let mut request = ApiRequest::new(
        Method::GET,
        format!("http://{}/after/900", mock::api().await),
    );
    let unnamed = connect::Unnamed::new(connect::Policy::None);
    let usual = hasty
        .connector
        .call_unnamed(&unnamed, request.clone())
        .await;
    assert_eq!(usual.unwrap_err().code(), "upstream.timeout");
    request.timeout = Some(Duration::from_secs(20));
    let answer = hasty
        .connector
        .call_unnamed(&unnamed, request)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn answers_that_are_too_large_damaged_or_never_come() {
    let timeouts = Timeouts {
        first_byte: Duration::from_millis(300),
        ..Timeouts::default()
    };
    let api = mock::api().await;
    let hasty = plain(&["loopback"], timeouts).await;
    hasty.create(bearer("api", api)).await;
    assert_eq!(hasty.code("api", "/never").await, "upstream.timeout");
    assert_eq!(hasty.code("api", "/after/900").await, "upstream.timeout");
    let plain = plain(&["loopback"], Timeouts::default()).await;
    plain.create(bearer("api", api)).await;
    let limit = 16 * 1024 * 1024;
    let whole = plain.get("api", &format!("/big/{limit}")).await.unwrap();
    assert!(matches!(whole.body, ResponseBody::Text(text) if text.len() == limit));
    assert_eq!(
        plain.code("api", &format!("/big/{}", limit + 1)).await,
        "upstream.too_large"
    );
    for encoding in ["gzip", "zstd"] {
        let bomb = format!("/bomb/{encoding}");
        assert_eq!(plain.code("api", &bomb).await, "upstream.too_large");
        let packed = plain.get("api", &format!("/packed/{encoding}")).await;
        assert_eq!(json_of(&packed.unwrap()), &json!({"packed": true}));
    }
    for (of, answer) in [
        (
            "short",
            &b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort"[..],
        ),
        (
            "chunks",
            b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nxx",
        ),
        ("noise", b"SSH-2.0-OpenSSH\r\n"),
        (
            "gzip",
            b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 4\r\n\r\nnope",
        ),
    ] {
        let address = mock::raw(answer).await;
        plain.create(bearer(of, address)).await;
        assert_eq!(plain.code(of, "/x").await, "upstream.malformed", "{of}");
    }
    let (closed, _kept) = mock::nobody();
    plain.create(bearer("closed", closed)).await;
    assert_eq!(plain.code("closed", "/x").await, "upstream.unreachable");
}

#[tokio::test]
async fn an_untrusted_server_is_refused_by_name() {
    let house = house().await;
    let form = Form {
        base_url: Some(house.sandbox.origin().to_owned()),
        ..bearer("bare", "127.0.0.1:1".parse().unwrap())
    };
    house.create(form.clone()).await;
    let error = house.get("bare", "/v1.0/users").await.unwrap_err();
    assert_eq!(error.code(), "tls.unknown_issuer");
    let form = Form {
        name: Some("trusted".to_owned()),
        ca_certificate: Some(house.sandbox.ca_pem().to_owned()),
        ..form
    };
    house.create(form).await;
    assert_eq!(
        house.get("trusted", "/v1.0/users").await.unwrap().status,
        401
    );
}

#[tokio::test]
async fn origins_are_judged_before_scheme_and_address() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    for target in [
        "http://169.254.169.254/latest",
        "ftp://10.0.0.1/",
        "https://evil.example/",
        "https://localhost:1/v1.0/users",
    ] {
        let error = house.get("graph", target).await.unwrap_err();
        assert_eq!(error.code(), "connection.origin_forbidden", "{target}");
    }
    let error = house
        .get("graph", "https://graph.microsoft.com/v1.0/users")
        .await
        .unwrap_err();
    assert_eq!(error.code(), "connection.origin_forbidden");
    assert!(
        error
            .to_string()
            .contains("this connection speaks to the sandbox: use /v1.0/users"),
        "{error}"
    );
    let absolute = format!("{}/v1.0/users?$top=1", house.sandbox.origin());
    assert_eq!(house.get("graph", &absolute).await.unwrap().status, 200);
}

#[tokio::test]
async fn an_allowed_origin_on_a_forbidden_address_is_refused_when_connecting() {
    // Saved while it was allowed, used after the operator closed it.
    let store = store::testing::sqlite_memory().await;
    let api = mock::api().await;
    let with = |allow: &[&str]| {
        let mut config = Config::new(Url::parse("http://localhost:8800").unwrap());
        config.egress = EgressPolicy::parse(allow).unwrap();
        Connector::new(store.store(), config, TaskTracker::new()).unwrap()
    };
    let open = with(&["loopback"]);
    open.create(&Actor::local(), bearer("api", api), Proof::Now)
        .await
        .unwrap();
    let named = Form {
        base_url: Some(format!("https://localhost:{}", api.port())),
        ..bearer("named", api)
    };
    open.create(&Actor::local(), named, Proof::Now)
        .await
        .unwrap();
    let closed = with(&[]);
    for of in ["api", "named"] {
        let error = closed
            .call(
                &Actor::local(),
                &name(of),
                ApiRequest::new(Method::GET, "/echo"),
            )
            .await
            .unwrap_err();
        assert_eq!(error.code(), "egress.address_forbidden", "{of}");
        let hint = error.hint().unwrap();
        // said once: the text tells what happened, the hint what to do
        assert!(!error.to_string().contains("KEYWAY_EGRESS"), "{error}");
        assert!(
            hint.contains("egress.allow")
                && hint.contains("KEYWAY_EGRESS_ALLOW=")
                && hint.contains(&api.port().to_string()),
            "{hint}"
        );
    }
}

#[tokio::test]
async fn unknown_names_are_not_found() {
    let plain = plain(&[], Timeouts::default()).await;
    assert_eq!(plain.code("nobody", "/x").await, "connection.not_found");
}

#[tokio::test]
async fn a_crowd_waits_in_line() {
    let crowd = mock::Crowd::default();
    let plain = plain(&["loopback"], Timeouts::default()).await;
    plain
        .create(bearer("api", mock::api_counting(crowd.clone()).await))
        .await;
    let calls = (0..600).map(|_| plain.get("api", "/crowd"));
    let answers = futures_util::future::join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.as_ref().unwrap().status == 200)
    );
    let most = crowd.most.load(std::sync::atomic::Ordering::SeqCst);
    assert!((2..=256).contains(&most), "{most}");
}

#[tokio::test]
async fn a_connection_calls_no_more_at_once_than_it_may() {
    let crowd = mock::Crowd::default();
    let plain = plain(&["loopback"], Timeouts::default()).await;
    let api = mock::api_counting(crowd.clone()).await;
    let form = |concurrency| Form {
        concurrency: Some(concurrency),
        ..bearer("api", api)
    };
    for wrong in [0, 1_001] {
        let error = plain
            .connector
            .create(&Actor::local(), form(wrong), Proof::Later)
            .await
            .unwrap_err();
        assert_eq!(error.code(), "connection.concurrency_invalid");
        assert_eq!(error.field(), Some("/concurrency"));
    }
    plain.create(form(3)).await;
    let most = async || {
        crowd.most.store(0, std::sync::atomic::Ordering::SeqCst);
        let calls = (0..60).map(|_| plain.get("api", "/crowd"));
        for answer in futures_util::future::join_all(calls).await {
            assert_eq!(answer.unwrap().status, 200);
        }
        crowd.most.load(std::sync::atomic::Ordering::SeqCst)
    };
    assert_eq!(most().await, 3);
    let change = Form {
        concurrency: Some(1),
        ..Form::default()
    };
    let card = plain
        .connector
        .change(&Actor::local(), &name("api"), None, change)
        .await
        .unwrap()
        .card;
    assert_eq!(card.concurrency, Some(1));
    assert_eq!(most().await, 1, "from the next call on");
}
