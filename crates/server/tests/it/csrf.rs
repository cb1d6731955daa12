//! Pages of other sites change nothing and read nothing (G22).

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use axum::response::Response;
use serde_json::{Value, json};
use store::{Actor, Role};

use crate::house::{Answer, House, PASSWORD, api};

/// What a form or a page can send without being asked first, and what it can't.
const CONTENT_TYPES: [&str; 3] = [
    "application/json",
    "text/plain",
    "application/x-www-form-urlencoded",
];

/// Requests that don't come from our own page, or don't say so.
fn foreign(own: &str) -> [Vec<(&'static str, String)>; 12] {
    let of = |headers: &[(&'static str, &str)]| {
        headers
            .iter()
            .map(|(name, value)| (*name, (*value).to_owned()))
            .collect()
    };
    [
        of(&[]),
        of(&[("sec-fetch-site", "cross-site")]),
        of(&[("sec-fetch-site", "same-site")]),
        of(&[("sec-fetch-site", "cross-site"), ("origin", own)]),
        of(&[
            ("sec-fetch-site", "same-origin"),
            ("origin", "https://attacker.example"),
        ]),
        of(&[("origin", "https://attacker.example")]),
        of(&[("origin", "null")]),
        of(&[("origin", "http://localhost:1")]),
        of(&[("origin", "https://localhost")]),
        of(&[("origin", "http://localhost.attacker.example")]),
        of(&[("referer", own)]),
        of(&[("origin", own), ("origin", "https://attacker.example")]),
    ]
}

/// An administrator's browser, and how often it has tried.
struct Page {
    house: House,
    cookie: String,
    admin: String,
    tries: usize,
}

impl Page {
    async fn new() -> Page {
        let house = House::new().await;
        let admin = house.user("admin", Role::Admin).await;
        let cookie = house.session(&admin).await;
        Page {
            house,
            cookie,
            admin: admin.id.to_string(),
            tries: 0,
        }
    }

    /// Tries to make an API key.
    async fn attempt(&mut self, headers: &[(&str, &str)], content_type: &str) -> Answer {
        self.tries += 1;
        let body = json!({"name": format!("k{}", self.tries), "role": "admin"}).to_string();
        let mut request = self
            .house
            .request("POST", "/api/v1/keys")
            .cookie(&self.cookie)
            .body(content_type, body);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await
    }
}

#[tokio::test]
async fn only_our_own_pages_change_anything() {
    let mut page = Page::new().await;
    let own = page.house.url.clone();
    let loopback = own.replace("localhost", "127.0.0.1");
    for headers in &foreign(&own) {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        for content_type in CONTENT_TYPES {
            let answer = page.attempt(&headers, content_type).await;
            assert_eq!(answer.refusal(), "403 csrf", "{headers:?} {content_type}");
        }
    }
    assert!(
        page.house
            .store
            .keys()
            .list(&Actor::local())
            .await
            .unwrap()
            .is_empty()
    );
    for headers in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("origin", &own)],
        &[("origin", &loopback)],
        &[("sec-fetch-site", "same-origin"), ("origin", &own)],
    ] {
        assert_eq!(
            page.attempt(headers, "application/json").await.status,
            201,
            "{headers:?}"
        );
    }
}

/// What the victim's browser could be made to send to one address, and what our own page gets for it.
struct Attempt {
    operation: &'static str,
    method: &'static str,
    path: String,
    body: Value,
    own_page: u16,
}

impl Attempt {
    fn new(
        operation: &'static str,
        method: &'static str,
        path: impl Into<String>,
        body: Value,
        own_page: u16,
    ) -> Attempt {
        Attempt {
            operation,
            method,
            path: path.into(),
            body,
            own_page,
        }
    }

    async fn send(
        &self,
        page: &Page,
        headers: &[(&'static str, String)],
        content_type: &str,
    ) -> Answer {
        let mut request = page
            .house
            .request(self.method, &self.path)
            .cookie(&page.cookie)
            .header("if-match", "*")
            .body(content_type, self.body.to_string());
        for (name, value) in headers {
            request = request.header(name, value);
        }
        request.send().await
    }
}

/// A flow of one step.
fn flow(name: &str, step: &str) -> String {
    format!(
        "document: {{dsl: 1.0.3, namespace: contoso, name: {name}, version: 1.0.0}}\ndo:\n  - step: {{{step}}}\n"
    )
}

enum Wanted {
    Nothing,
    Run,
}

/// Deploys a flow of one step as a program does, perhaps starts it; the address of the run.
async fn run_of(page: &Page, key: &str, name: &str, step: &str, wanted: Wanted) -> String {
    let post = |path: String, body: Value| {
        page.house
            .request("POST", &path)
            .header("authorization", &format!("Bearer {key}"))
            .body("application/json", body.to_string())
    };
    let source = flow(name, step);
    let deployed = post("/api/v1/flows".to_owned(), json!({"source": source}));
    assert_eq!(deployed.send().await.status, 201, "{name}");
    let Wanted::Run = wanted else {
        return String::new();
    };
    let path = format!("/api/v1/flows/contoso.{name}/runs");
    let started = post(path, json!({})).send().await;
    assert_eq!(started.status, 202, "{}", started.text);
    let started: Value = serde_json::from_str(&started.text).unwrap();
    format!("/api/v1/runs/{}", started["run"].as_str().unwrap())
}

/// A text that would make a connection.
const PLANTED: &str = "{keyway: connections/1, connections: {from-text: {type: none, base_url: 'http://127.0.0.1:1'}}}";

/// Every unsafe address, in an order in which our own page can use them all.
#[expect(clippy::too_many_lines, reason = "a table")]
async fn attempts(page: &Page) -> Vec<Attempt> {
    let eve = page.house.user("eve", Role::Viewer).await;
    page.house.key(Role::Viewer).await;
    let keys = page.house.store.keys().list(&Actor::local()).await.unwrap();
    let key = keys.last().unwrap().id.to_string();
    let victim = "/api/v1/connections/victim";
    let program = page.house.key(Role::Admin).await;
    run_of(page, &program, "doomed", "set: {a: 1}", Wanted::Nothing).await;
    let waiting = run_of(page, &program, "waiting", "wait: {hours: 1}", Wanted::Run).await;
    let over = run_of(page, &program, "over", "set: {a: 1}", Wanted::Run).await;
    let asks = "call: approve, with: {title: Shall it go on?}";
    run_of(page, &program, "asking", asks, Wanted::Run).await;
    let approvals = page.house.store.approvals();
    let asked = approvals.list(&Actor::local()).await.unwrap();
    let asked = format!("/api/v1/approvals/{}", asked[0].id);
    let planted = json!({"name": "planted", "type": "none", "base_url": "http://127.0.0.1:1"});
    let call = json!({"method": "POST", "path": "/", "body": 1});
    let user = json!({"username": "planted", "password": PASSWORD, "role": "admin"});
    let wrong = json!({"username": "admin", "password": "wrong"});
    let setup = json!({"token": "kwsetup_wrong", "username": "planted", "password": PASSWORD});
    let mut attempts = vec![
        Attempt::new(
            "create_connection",
            "POST",
            "/api/v1/connections",
            planted,
            201,
        ),
        Attempt::new(
            "reserve_redirect_uri",
            "POST",
            "/api/v1/redirect-uris",
            json!({"name": "reserved"}),
            201,
        ),
        Attempt::new(
            "apply_connections",
            "POST",
            "/api/v1/connection-documents",
            json!({"documents": [{"name": "planted", "text": PLANTED}]}),
            200,
        ),
        Attempt::new("call", "POST", format!("{victim}/call"), call, 200),
        Attempt::new(
            "pages",
            "POST",
            format!("{victim}/pages"),
            json!({"path": "/"}),
            200,
        ),
        Attempt::new(
            "judge_calls",
            "POST",
            format!("{victim}/permissions"),
            json!({"calls": []}),
            400,
        ),
        Attempt::new(
            "batch",
            "POST",
            format!("{victim}/batch"),
            json!({"requests": [{"method": "GET", "path": "/"}]}),
            // Only Graph's connections make calls in batches.
            400,
        ),
        Attempt::new(
            "test_connection",
            "POST",
            format!("{victim}/test"),
            json!({}),
            200,
        ),
        Attempt::new(
            "authorize_connection",
            "POST",
            format!("{victim}/authorize"),
            json!({}),
            400,
        ),
        Attempt::new(
            "change_connection",
            "PATCH",
            victim,
            json!({"base_url": "http://127.0.0.1:2"}),
            200,
        ),
        // The victim has no client secret: our own page is told so.
        Attempt::new(
            "add_connection_secret",
            "POST",
            format!("{victim}/secrets"),
            json!({"client_secret": "visibly-fake"}),
            400,
        ),
        Attempt::new(
            "generate_connection_certificate",
            "POST",
            format!("{victim}/certificate"),
            json!({}),
            400,
        ),
        Attempt::new(
            "remove_connection_secret",
            "DELETE",
            format!("{victim}/secrets/older"),
            json!({}),
            400,
        ),
        Attempt::new("delete_connection", "DELETE", victim, json!({}), 200),
        Attempt::new(
            "create_key",
            "POST",
            "/api/v1/keys",
            json!({"name": "planted", "role": "admin"}),
            201,
        ),
        Attempt::new(
            "revoke_key",
            "DELETE",
            format!("/api/v1/keys/{key}"),
            json!({}),
            204,
        ),
        Attempt::new("create_user", "POST", "/api/v1/users", user, 201),
        Attempt::new(
            "disable_user",
            "POST",
            format!("/api/v1/users/{}/disable", eve.id),
            json!({}),
            200,
        ),
        Attempt::new(
            "save_secret",
            "PUT",
            "/api/v1/secrets/planted",
            json!({"value": "visibly-fake"}),
            200,
        ),
        Attempt::new(
            "delete_secret",
            "DELETE",
            "/api/v1/secrets/planted",
            json!({}),
            204,
        ),
        Attempt::new(
            "put_row",
            "PUT",
            "/api/v1/tables/planted/a",
            json!({"value": 1}),
            200,
        ),
        Attempt::new(
            "delete_row",
            "DELETE",
            "/api/v1/tables/planted/a",
            json!({}),
            204,
        ),
        // a CloudEvent has a media type of its own, which no form of another site can send
        Attempt::new("send_events", "POST", "/api/v1/events", json!({}), 415),
        Attempt::new(
            "deploy_flow",
            "POST",
            "/api/v1/flows",
            json!({"source": flow("planted", "set: {a: 1}")}),
            201,
        ),
        Attempt::new(
            "start_run",
            "POST",
            "/api/v1/flows/contoso.planted/runs",
            json!({}),
            202,
        ),
        Attempt::new(
            "run_once",
            "POST",
            "/api/v1/runs",
            json!({"source": "document: {dsl: 1.0.3, namespace: contoso, name: once, version: 1.0.0}\ndo: [{a: {set: {b: 1}}}]"}),
            202,
        ),
        Attempt::new(
            "roll_back_flow",
            "POST",
            "/api/v1/flows/contoso.planted/rollback",
            json!({"number": 1}),
            200,
        ),
        Attempt::new(
            "disable_flow",
            "POST",
            "/api/v1/flows/contoso.planted/disable",
            json!({}),
            200,
        ),
        Attempt::new(
            "enable_flow",
            "POST",
            "/api/v1/flows/contoso.planted/enable",
            json!({}),
            200,
        ),
        Attempt::new(
            "delete_flow",
            "DELETE",
            "/api/v1/flows/contoso.doomed",
            json!({}),
            204,
        ),
        Attempt::new(
            "suspend_run",
            "POST",
            format!("{waiting}/suspend"),
            json!({}),
            202,
        ),
        Attempt::new(
            "resume_run",
            "POST",
            format!("{waiting}/resume"),
            json!({}),
            202,
        ),
        Attempt::new(
            "resolve_run",
            "POST",
            format!("{waiting}/resolve"),
            json!({"command": "/do/0/step", "outcome": "failed"}),
            409,
        ),
        Attempt::new(
            "cancel_run",
            "POST",
            format!("{waiting}/cancel"),
            json!({}),
            202,
        ),
        Attempt::new(
            "retry_run",
            "POST",
            format!("{over}/retry"),
            json!({"from": "start"}),
            202,
        ),
        Attempt::new("delete_run", "DELETE", over, json!({}), 204),
        Attempt::new(
            "decide_approval",
            "POST",
            asked,
            json!({"decision": "approve"}),
            204,
        ),
    ];
    attempts.extend(of_the_installation());
    attempts.extend([
        Attempt::new("sign_in", "POST", "/api/v1/session", wrong, 401),
        Attempt::new("set_up", "POST", "/api/v1/setup", setup, 404),
        Attempt::new("sign_out", "DELETE", "/api/v1/session", json!({}), 204),
    ]);
    attempts
}

/// Webhooks, discovery and the encryption key. Nobody listens where the webhook points to.
fn of_the_installation() -> Vec<Attempt> {
    let webhook = "/api/v1/webhooks/planted";
    let nowhere = "http://127.0.0.1:1/";
    let of = |operation, method, path: &str, body, status| {
        Attempt::new(operation, method, format!("{webhook}{path}"), body, status)
    };
    vec![
        Attempt::new(
            "create_webhook",
            "POST",
            "/api/v1/webhooks",
            json!({"name": "planted", "url": nowhere}),
            201,
        ),
        of(
            "change_webhook",
            "PATCH",
            "",
            json!({"enabled": false}),
            200,
        ),
        of("rotate_webhook_secret", "POST", "/secret", json!({}), 200),
        of("test_webhook", "POST", "/test", json!({}), 200),
        of(
            "redeliver",
            "POST",
            "/deliveries/dlv_absent/redeliver",
            json!({}),
            404,
        ),
        of("delete_webhook", "DELETE", "", json!({}), 204),
        Attempt::new(
            "discover",
            "POST",
            "/api/v1/discovery",
            json!({"url": nowhere}),
            502,
        ),
        Attempt::new(
            "rotate_encryption_key",
            "POST",
            "/api/v1/encryption-keys/rotate",
            json!({}),
            202,
        ),
        Attempt::new(
            "change_retention",
            "PUT",
            "/api/v1/retention",
            json!({"run_days": 14, "call_days": 30}),
            200,
        ),
    ]
}

/// Everything that a request with the victim's cookie could have changed.
async fn state(page: &Page, called: &AtomicUsize) -> String {
    let (store, local) = (&page.house.store, Actor::local());
    let connections = store.connections().list(&local).await.unwrap();
    let filter = store::AuditFilter {
        actor: Some(page.admin.clone()),
        ..store::AuditFilter::default()
    };
    let runs = store
        .runs()
        .list(&local, &store::RunFilter::default())
        .await;
    let runs: Vec<String> = runs
        .unwrap()
        .runs
        .iter()
        .map(|run| run.id.to_string())
        .collect();
    format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?} {}",
        runs,
        store.webhooks().list(&local).await.unwrap(),
        store.approvals().list(&local).await.unwrap(),
        store.flows().list(&local).await.unwrap(),
        store.secrets().list(&local).await.unwrap(),
        store.tables().list(&local).await.unwrap(),
        connections,
        store.keys().list(&local).await.unwrap(),
        store.users().list(&local).await.unwrap(),
        store.audit().list(&local, &filter).await.unwrap(),
        called.load(Ordering::Relaxed),
    )
}

#[tokio::test]
async fn no_unsafe_route_does_anything_for_a_foreign_page() {
    let page = Page::new().await;
    let called = Arc::new(AtomicUsize::new(0));
    let counted = called.clone();
    let upstream = api(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Response::new(Body::from(r#"{"value":[]}"#)) }
    })
    .await;
    page.house.plain_connection("victim", &upstream).await;
    let attempts = attempts(&page).await;
    let openapi: Value = serde_json::from_str(&server::openapi()).unwrap();
    let paths = openapi["paths"].as_object().unwrap().values();
    let unsafe_operations: BTreeSet<&str> = paths
        .flat_map(|item| item.as_object().unwrap())
        .filter(|(method, _)| *method != "get")
        .map(|(_, operation)| operation["operationId"].as_str().unwrap())
        .collect();
    let tried = attempts.iter().map(|attempt| attempt.operation).collect();
    assert_eq!(
        unsafe_operations, tried,
        "every unsafe route has its attempt"
    );

    let before = state(&page, &called).await;
    let foreign = foreign(&page.house.url);
    for attempt in &attempts {
        // signing in and setting up need no cookie: what is no browser may ask, and is told that it is wrong
        let open = ["sign_in", "set_up"].contains(&attempt.operation);
        for headers in &foreign {
            for content_type in CONTENT_TYPES {
                let answer = attempt.send(&page, headers, content_type).await;
                let said = headers.iter().any(|(name, _)| *name != "referer");
                let at = format!("{} {headers:?} {content_type}", attempt.operation);
                if said || !open {
                    assert_eq!(answer.refusal(), "403 csrf", "{at}");
                }
                assert!(answer.status.is_client_error(), "{at}: {}", answer.status);
                assert!(answer.headers.get("set-cookie").is_none(), "{at}");
            }
        }
    }
    assert_eq!(state(&page, &called).await, before);

    // the same requests from our own page do what they say
    page.house.clock.advance(jiff::SignedDuration::from_mins(2));
    for attempt in &attempts {
        let own = [("origin", page.house.url.clone())];
        let answer = attempt.send(&page, &own, "application/json").await;
        assert_eq!(
            answer.status, attempt.own_page,
            "{}: {}",
            attempt.operation, answer.text
        );
    }
    assert_ne!(state(&page, &called).await, before);
    assert_eq!(
        called.load(Ordering::Relaxed),
        3,
        "a call, one page, and what a test asks"
    );
}

#[tokio::test]
async fn no_page_of_another_site_reads_an_answer() {
    let page = Page::new().await;
    for method in ["GET", "OPTIONS"] {
        let request = page
            .house
            .request(method, "/api/v1/me")
            .cookie(&page.cookie);
        let answer = request
            .header("origin", "https://attacker.example")
            .send()
            .await;
        let allowed = answer
            .headers
            .keys()
            .find(|name| name.as_str().starts_with("access-control-"));
        assert!(allowed.is_none(), "{allowed:?}");
    }
}
