//! Default deny: every route × every actor against the committed table (G15).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{Actor, Role};

use crate::house::{House, echo};

/// Who asks, in the order of the table's columns.
const ACTORS: [&str; 8] = [
    "anonymous",
    "viewer",
    "operator",
    "admin",
    "disabled",
    "session",
    "expired",
    "revoked",
];

/// Method, route, how the route is filled in, body, and the status for each actor.
///
/// `session` is an administrator's session in a browser; all other roles are
/// API keys; `disabled` is the session of a user who was disabled. What an
/// actor may do fails further on here (404, 400, 428), so that every cell can
/// be tried against one server; the walks show that it works.
#[rustfmt::skip]
const TABLE: &[(&str, &str, &str, &str, [u16; 8])] = &[
    //                                                                                    anon view oper admi disa sess expi revo
    ("GET",    "/healthz", "", "",                                                       [200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/readyz", "", "",                                                        [200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/metrics", "", "",                                                       [401, 200, 200, 200, 401, 200, 401, 401]),
    ("GET",    "/oauth/start/{ticket}", "/oauth/start/unknown", "",                      [400, 400, 400, 400, 400, 400, 400, 400]),
    ("GET",    "/oauth/callback/{path}", "/oauth/callback/microsoft-graph?state=a", "",  [400, 400, 400, 400, 400, 400, 400, 400]),
    ("POST",   "/oauth/callback/{path}", "/oauth/callback/microsoft-graph", "",          [400, 400, 400, 400, 400, 400, 400, 400]),
    ("GET",    "/approve/{token}", "/approve/kwa_unknown", "",                           [404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST",   "/approve/{token}", "/approve/kwa_unknown", "",                           [403, 403, 403, 403, 404, 404, 403, 403]),
    ("ANY",    "/hooks/{*path}", "/hooks/people.absent/hook", "",                        [404, 404, 404, 404, 404, 404, 404, 404]),
    ("GET",    "/api/v1/setup", "", "",                                                  [200, 200, 200, 200, 200, 200, 200, 200]),
    ("GET",    "/api/v1/presets", "", "",                                                [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/discovery", "", r#"{"url":"nothing"}"#,                           [401, 403, 403, 400, 401, 400, 401, 401]),
    ("GET",    "/api/v1/presets/microsoft-graph/permissions", "", "",                    [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/connections/{name}/permissions", "/api/v1/connections/absent/permissions", r#"{"calls":[]}"#, [401, 404, 404, 404, 401, 404, 401, 401]),
    ("POST",   "/api/v1/setup", "", r#"{"token":"a","username":"b","password":"c"}"#,    [404, 404, 404, 404, 404, 404, 404, 404]),
    ("POST",   "/api/v1/session", "", r#"{"username":"nobody","password":"nothing"}"#,   [401, 401, 401, 401, 401, 401, 401, 401]),
    ("DELETE", "/api/v1/session", "", "",                                                [401, 204, 204, 204, 401, 204, 401, 401]),
    ("GET",    "/api/v1/me", "", "",                                                     [401, 200, 200, 200, 401, 200, 401, 401]),
    ("GET",    "/api/v1/openapi.json", "", "",                                           [401, 200, 200, 200, 401, 200, 401, 401]),
    ("GET",    "/api/v1/connections", "", "",                                            [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/connections", "", "{}",                                          [401, 403, 403, 400, 401, 400, 401, 401]),
    ("GET",    "/api/v1/connections/{name}", "/api/v1/connections/echo", "",             [401, 200, 200, 200, 401, 200, 401, 401]),
    ("PATCH",  "/api/v1/connections/{name}", "/api/v1/connections/echo", "{}",           [401, 403, 403, 428, 401, 428, 401, 401]),
    ("DELETE", "/api/v1/connections/{name}", "/api/v1/connections/echo", "",             [401, 403, 403, 428, 401, 428, 401, 401]),
    ("GET",    "/api/v1/connection-documents", "", "",                                   [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/connection-documents", "", "{}",                                 [401, 403, 403, 400, 401, 400, 401, 401]),
    ("POST", "/api/v1/connections/{name}/secrets", "/api/v1/connections/echo/secrets", "{}", [401, 403, 403, 400, 401, 400, 401, 401]),
    ("DELETE", "/api/v1/connections/{name}/secrets/{which}", "/api/v1/connections/echo/secrets/x", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/connections/{name}/certificate", "/api/v1/connections/echo/certificate", "{}", [401, 403, 403, 400, 401, 400, 401, 401]),
    ("GET", "/api/v1/connections/{name}/secrets/{which}/certificate", "/api/v1/connections/echo/secrets/newest/certificate", "", [401, 404, 404, 404, 401, 404, 401, 401]),
    ("POST",   "/api/v1/connections/{name}/authorize", "/api/v1/connections/absent/authorize", "", [401, 403, 404, 404, 401, 404, 401, 401]),
    ("POST",   "/api/v1/connections/{name}/test", "/api/v1/connections/absent/test", "", [401, 403, 404, 404, 401, 404, 401, 401]),
    ("GET",    "/api/v1/connections/{name}/explain", "/api/v1/connections/echo/explain", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("GET",    "/api/v1/connections/{name}/redirect-uri", "/api/v1/connections/echo/redirect-uri", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/connections/{name}/call", "/api/v1/connections/echo/call", r#"{"method":"GET","path":"/x"}"#, [401, 403, 200, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/connections/{name}/pages", "/api/v1/connections/echo/pages", r#"{"path":"/x","items":"/headers"}"#, [401, 403, 200, 200, 401, 200, 401, 401]),
    // Only Graph's connections make calls in batches: whoever may call is told so.
    ("POST",   "/api/v1/connections/{name}/batch", "/api/v1/connections/echo/batch", r#"{"requests":[{"method":"GET","path":"/x"}]}"#, [401, 403, 400, 400, 401, 400, 401, 401]),
    ("GET",    "/api/v1/calls", "",  "",                                                   [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/redirect-uris", "", r#"{"name":"../x"}"#,                        [401, 403, 403, 400, 401, 400, 401, 401]),
    ("GET",    "/api/v1/keys", "", "",                                                   [401, 403, 403, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/keys", "", "{}",                                                 [401, 403, 403, 400, 401, 400, 401, 401]),
    ("DELETE", "/api/v1/keys/{id}", "/api/v1/keys/key_absent", "",                       [401, 403, 403, 404, 401, 404, 401, 401]),
    ("GET",    "/api/v1/users", "", "",                                                  [401, 403, 403, 200, 401, 200, 401, 401]),
    ("POST",   "/api/v1/users", "", "{}",                                                [401, 403, 403, 400, 401, 400, 401, 401]),
    ("POST",   "/api/v1/users/{id}/disable", "/api/v1/users/usr_absent/disable", "",     [401, 403, 403, 404, 401, 404, 401, 401]),
    ("GET",    "/api/v1/audit", "", "",                                                  [401, 403, 403, 200, 401, 200, 401, 401]),
    ("GET", "/api/v1/flows", "", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST", "/api/v1/flows", "", "{}", [401, 403, 403, 400, 401, 400, 401, 401]),
    ("GET", "/api/v1/flows/{flow}", "/api/v1/flows/contoso.absent", "", [401, 404, 404, 404, 401, 404, 401, 401]),
    ("DELETE", "/api/v1/flows/{flow}", "/api/v1/flows/contoso.absent", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("GET", "/api/v1/flows/{flow}/source", "/api/v1/flows/contoso.absent/source", "", [401, 404, 404, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/flows/{flow}/enable", "/api/v1/flows/contoso.absent/enable", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/flows/{flow}/disable", "/api/v1/flows/contoso.absent/disable", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/flows/{flow}/rollback", "/api/v1/flows/contoso.absent/rollback", r#"{"number":1}"#, [401, 403, 403, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/flows/{flow}/runs", "/api/v1/flows/contoso.absent/runs", "{}", [401, 403, 404, 404, 401, 404, 401, 401]),
    ("GET", "/api/v1/runs", "", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST", "/api/v1/runs", "", "{}", [401, 403, 400, 400, 401, 400, 401, 401]),
    ("GET", "/api/v1/runs/{run}", "/api/v1/runs/run_absent", "", [401, 404, 404, 404, 401, 404, 401, 401]),
    ("GET", "/api/v1/runs/watch", "/api/v1/runs/watch?status=none", "", [401, 400, 400, 400, 401, 400, 401, 401]),
    ("GET", "/api/v1/runs/{run}/watch", "/api/v1/runs/run_absent/watch", "", [401, 404, 404, 404, 401, 404, 401, 401]),
    ("GET", "/api/v1/overview", "", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("GET", "/api/v1/retention", "", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("PUT", "/api/v1/retention", "", "{}", [401, 403, 403, 400, 401, 400, 401, 401]),
    ("GET", "/api/v1/about", "", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("GET", "/api/v1/approvals", "/api/v1/approvals", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("POST", "/api/v1/approvals/{approval}", "/api/v1/approvals/app_absent", r#"{"decision":"approve"}"#, [401, 403, 404, 404, 401, 404, 401, 401]),
    ("DELETE", "/api/v1/runs/{run}", "/api/v1/runs/run_absent", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/runs/{run}/cancel", "/api/v1/runs/run_absent/cancel", "", [401, 403, 404, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/runs/{run}/suspend", "/api/v1/runs/run_absent/suspend", "", [401, 403, 404, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/runs/{run}/resume", "/api/v1/runs/run_absent/resume", "", [401, 403, 404, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/runs/{run}/retry", "/api/v1/runs/run_absent/retry", r#"{"from":"start"}"#, [401, 403, 404, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/runs/{run}/resolve", "/api/v1/runs/run_absent/resolve", r#"{"command":"/do/0/x","outcome":"failed"}"#, [401, 403, 404, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/events", "", "{}", [401, 403, 415, 415, 401, 415, 401, 401]),
    ("GET", "/api/v1/secrets", "", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("PUT", "/api/v1/secrets/{name}", "/api/v1/secrets/hr", "{}", [401, 403, 403, 400, 401, 400, 401, 401]),
    ("DELETE", "/api/v1/secrets/{name}", "/api/v1/secrets/absent", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("GET", "/api/v1/tables", "", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("GET", "/api/v1/tables/{table}", "/api/v1/tables/absent", "", [401, 200, 200, 200, 401, 200, 401, 401]),
    ("GET", "/api/v1/tables/{table}/{key}", "/api/v1/tables/absent/key", "", [401, 404, 404, 404, 401, 404, 401, 401]),
    ("PUT", "/api/v1/tables/{table}/{key}", "/api/v1/tables/t/key", r#"{"value":1}"#, [401, 403, 428, 428, 401, 428, 401, 401]),
    ("DELETE", "/api/v1/tables/{table}/{key}", "/api/v1/tables/t/key", "", [401, 403, 428, 428, 401, 428, 401, 401]),
    ("GET", "/api/v1/encryption-keys", "", "", [401, 403, 403, 200, 401, 200, 401, 401]),
    ("POST", "/api/v1/encryption-keys/rotate", "", "", [401, 403, 403, 202, 401, 202, 401, 401]),
    ("GET", "/api/v1/webhooks", "", "", [401, 403, 403, 200, 401, 200, 401, 401]),
    ("POST", "/api/v1/webhooks", "", "{}", [401, 403, 403, 400, 401, 400, 401, 401]),
    ("GET", "/api/v1/webhooks/{name}", "/api/v1/webhooks/absent", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("PATCH", "/api/v1/webhooks/{name}", "/api/v1/webhooks/absent", "{}", [401, 403, 403, 428, 401, 428, 401, 401]),
    ("DELETE", "/api/v1/webhooks/{name}", "/api/v1/webhooks/absent", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/webhooks/{name}/secret", "/api/v1/webhooks/absent/secret", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/webhooks/{name}/test", "/api/v1/webhooks/absent/test", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("GET", "/api/v1/webhooks/{name}/deliveries", "/api/v1/webhooks/absent/deliveries", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("POST", "/api/v1/webhooks/{name}/deliveries/{id}/redeliver", "/api/v1/webhooks/absent/deliveries/dlv_absent/redeliver", "", [401, 403, 403, 404, 401, 404, 401, 401]),
    ("ANY",    "/proxy/{name}", "/proxy/echo", "",                                       [401, 403, 200, 200, 401, 401, 401, 401]),
    ("ANY",    "/proxy/{name}/", "/proxy/echo/", "",                                     [401, 403, 200, 200, 401, 401, 401, 401]),
    ("ANY",    "/proxy/{name}/{*path}", "/proxy/echo/x", "",                             [401, 403, 200, 200, 401, 401, 401, 401]),
];

/// What anybody may reach without a credential, beside `POST /api/v1/session`, whose 401 is a failed sign-in;
/// adding a line here is a decision.
const OPEN: [&str; 10] = [
    "GET /healthz",
    "GET /readyz",
    "GET /oauth/start/{ticket}",
    "GET /oauth/callback/{path}",
    "POST /oauth/callback/{path}",
    "GET /approve/{token}",
    "POST /approve/{token}",
    "ANY /hooks/{*path}",
    "GET /api/v1/setup",
    "POST /api/v1/setup",
];

async fn credentials(house: &House) -> [Vec<(&'static str, String)>; 8] {
    let bearer = |key: &str| vec![("authorization", format!("Bearer {key}"))];
    let page = |cookie: String| {
        vec![
            ("cookie", cookie),
            ("sec-fetch-site", "same-origin".to_owned()),
        ]
    };
    let actor = Actor::local();
    let disabled = house.user("disabled", Role::Admin).await;
    let of_disabled = house.session(&disabled).await;
    house
        .store
        .users()
        .disable(&actor, &disabled.id)
        .await
        .unwrap();
    let soon = house.clock.now() + SignedDuration::from_secs(60);
    let (_, expired) = house
        .store
        .keys()
        .create(&actor, "expired", Role::Admin, Some(soon))
        .await
        .unwrap();
    let (key, revoked) = house
        .store
        .keys()
        .create(&actor, "revoked", Role::Admin, None)
        .await
        .unwrap();
    house.store.keys().revoke(&actor, &key.id).await.unwrap();
    house.clock.advance(SignedDuration::from_secs(61));
    let admin = house.user("admin", Role::Admin).await;
    [
        vec![],
        bearer(&house.key(Role::Viewer).await),
        bearer(&house.key(Role::Operator).await),
        bearer(&house.key(Role::Admin).await),
        page(of_disabled),
        page(house.session(&admin).await),
        bearer(expired.expose()),
        bearer(revoked.expose()),
    ]
}

#[tokio::test]
async fn every_route_answers_every_actor_as_the_table_says() {
    // behind a proxy on this machine nobody counts as local, and each request has an address of its own
    let house =
        House::configured(|config| config.trusted_proxies.push("127.0.0.1".parse().unwrap())).await;
    house.plain_connection("echo", &echo().await).await;
    let mut credentials = credentials(&house).await;
    let admin = house
        .store
        .users()
        .find_by_name(&Actor::local(), "admin")
        .await
        .unwrap()
        .unwrap();
    let mut address = 0_u32;
    let mut wrong = Vec::new();
    for (method, route, filled, body, expected) in TABLE {
        let methods: &[&str] = if *method == "ANY" {
            &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        } else {
            &[method]
        };
        for method in methods {
            for (column, actor) in ACTORS.iter().enumerate() {
                if (*method, *route, *actor) == ("DELETE", "/api/v1/session", "session") {
                    credentials[column][0].1 = house.session(&admin).await;
                }
                let path = if filled.is_empty() { route } else { filled };
                address += 1;
                let mut request = house.request(method, path).header(
                    "x-forwarded-for",
                    &format!(
                        "192.0.2.7, 10.{}.{}.{}",
                        address >> 16,
                        address >> 8 & 255,
                        address & 255
                    ),
                );
                for (name, value) in &credentials[column] {
                    request = request.header(name, value);
                }
                if !body.is_empty() {
                    request = request.body("application/json", *body);
                }
                let answer = request.send().await;
                if answer.status != expected[column] {
                    wrong.push(format!(
                        "{method} {path} as {actor}: {} instead of {}: {}",
                        answer.status, expected[column], answer.text
                    ));
                }
                if (*method, *route, *actor) == ("DELETE", "/api/v1/session", "session") {
                    credentials[column][0].1 = house.session(&admin).await;
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} of {address} cells:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[tokio::test]
async fn a_role_that_is_not_enough_is_told_which_is() {
    let house = House::new().await;
    let key = house.key(Role::Viewer).await;
    for (path, role) in [
        ("/api/v1/keys", "admin"),
        ("/api/v1/connections/absent/test", "operator"),
    ] {
        let request = house.request("POST", path).key(&key);
        let answer = request
            .json(&json!({"name": "ci", "role": "viewer"}))
            .send()
            .await;
        assert_eq!(answer.refusal(), "403 forbidden", "{path}");
        let problem = answer.json();
        for member in ["detail", "hint"] {
            let said = problem[member].as_str().unwrap();
            assert!(said.contains(&format!("the role {role}")), "{path}: {said}");
        }
    }
}

#[test]
fn no_route_without_an_entry() {
    let table: BTreeSet<String> = TABLE
        .iter()
        .map(|(method, route, ..)| format!("{method} {route}"))
        .collect();
    let openapi: Value = serde_json::from_str(&server::openapi()).unwrap();
    let mut routes = BTreeSet::new();
    for (path, item) in openapi["paths"].as_object().unwrap() {
        routes.extend(
            item.as_object()
                .unwrap()
                .keys()
                .map(|method| format!("{} {path}", method.to_uppercase())),
        );
    }
    let documented = routes.len();
    // what is registered without documentation stands as `.route("…"` in a source
    let paths: BTreeSet<&str> = TABLE.iter().map(|(_, route, ..)| *route).collect();
    let mut registered = 0;
    for source in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        for rest in source.split(".route(").skip(1) {
            let path = rest
                .trim_start()
                .strip_prefix('"')
                .expect("a route is a literal")
                .split('"')
                .next()
                .unwrap();
            assert!(paths.contains(path), "{path} has no entry");
            registered += 1;
        }
    }
    assert!(
        documented >= 19 && registered >= 9,
        "{documented} {registered}"
    );
    let missing: Vec<&String> = routes.difference(&table).collect();
    assert!(missing.is_empty(), "without an entry: {missing:?}");
    let open: Vec<String> = TABLE
        .iter()
        .filter(|row| row.4[0] != 401)
        .map(|row| format!("{} {}", row.0, row.1))
        .collect();
    assert_eq!(open, OPEN);
}

fn sources(folder: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(sources(&path));
        } else {
            found.push(fs::read_to_string(path).unwrap());
        }
    }
    found
}

#[tokio::test]
async fn other_methods_and_unknown_paths_are_problems() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    for (_, route, ..) in TABLE.iter().filter(|row| row.0 != "ANY") {
        let known: Vec<&str> = TABLE
            .iter()
            .filter(|row| row.1 == *route)
            .map(|row| row.0)
            .collect();
        for method in ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if known.contains(&method) {
                continue;
            }
            let answer = house
                .request(method, &route.replace(['{', '}'], ""))
                .key(&key)
                .send()
                .await;
            assert_eq!(
                answer.refusal(),
                "405 route.method_not_allowed",
                "{method} {route}"
            );
            assert!(!answer.header("allow").is_empty(), "{method} {route}");
        }
    }
    for path in [
        "/api",
        "/api/v1",
        "/api/v1/",
        "/api/v2/me",
        "/api/v1/me/",
        "/proxy",
        "/oauth",
        "/metrics/more",
        "/api/v1/connections/%2e%2e%2fx/explain/more",
        "/assets/nothing.js",
        "/.env",
    ] {
        for key in [Some(&key), None] {
            let mut request = house.request("GET", path);
            if let Some(key) = key {
                request = request.key(key);
            }
            assert_eq!(
                request.send().await.refusal(),
                "404 route.not_found",
                "{path}"
            );
        }
    }
}

#[tokio::test]
async fn what_is_anothers_and_what_never_was_look_alike() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    for (path, code) in [
        ("/api/v1/connections/NAME", "connection.not_found"),
        ("/api/v1/connections/NAME/explain", "connection.not_found"),
        (
            "/api/v1/connections/NAME/redirect-uri",
            "connection.not_found",
        ),
        ("/proxy/NAME/users", "connection.not_found"),
    ] {
        let mut seen = BTreeSet::new();
        for name in [
            "absent",
            "-bad",
            "a%20b",
            "%00",
            "%2e%2e%2fetc",
            "%252e%252e%252fetc",
            "..%5c..%5cetc",
            "absent.",
            "absent...",
            "%ff",
            "con_aaaaaaaaaaaaaaaaaaaaaaaaaa",
            &"x".repeat(300),
            "%3Cimg%20src=x%3E",
        ] {
            let answer = house
                .request("GET", &path.replace("NAME", name))
                .key(&key)
                .send()
                .await;
            assert_eq!(answer.refusal(), format!("404 {code}"), "{path} {name}");
            let mut problem = answer.json();
            for varying in ["detail", "trace_id"] {
                problem[varying] = json!(null);
            }
            seen.insert(problem.to_string());
        }
        assert_eq!(seen.len(), 1, "{seen:?}");
    }
}

#[tokio::test]
async fn nothing_from_the_wire_is_a_caller_inside_this_process() {
    let house = House::new().await;
    let inside = server::router_as(house.app.clone(), Actor::local());
    let request = http::Request::get("/api/v1/me")
        .body(axum::body::Body::empty())
        .unwrap();
    let answer = tower::ServiceExt::oneshot(inside, request).await.unwrap();
    assert_eq!(answer.status(), 200);
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
        .await
        .unwrap();
    assert_eq!(
        serde_json::from_slice::<Value>(&body).unwrap()["id"],
        "local"
    );
    let outside = server::router(house.app.clone());
    let mut request = http::Request::get("/api/v1/me")
        .body(axum::body::Body::empty())
        .unwrap();
    request.extensions_mut().insert(Actor::local());
    assert_eq!(
        tower::ServiceExt::oneshot(outside, request)
            .await
            .unwrap()
            .status(),
        401
    );
}
