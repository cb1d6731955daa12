//! First start, signing in and out, sessions and their ends, pages of other sites.

use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{Actor, Role};

use crate::house::{Answer, House, PASSWORD};

async fn sign_in(house: &House, username: &str, password: &str, from: &str) -> Answer {
    let body = json!({"username": username, "password": password});
    house
        .request("POST", "/api/v1/session")
        .header("x-forwarded-for", from)
        .json(&body)
        .send()
        .await
}

fn cookie(answer: &Answer) -> String {
    answer
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn the_setup_token_works_once() {
    let house = House::new().await;
    let needed = || {
        let request = house.request("GET", "/api/v1/setup");
        async { request.send().await.json()["needed"].clone() }
    };
    assert_eq!(needed().await, true);
    let token = server::setup_token(&house.store).await.unwrap().unwrap();
    let set_up = |token: &str, password: &str| {
        let body = json!({"token": token, "username": "ada", "password": password});
        let request = house.request("POST", "/api/v1/setup").json(&body);
        async { request.send().await }
    };
    assert_eq!(
        set_up("wrong", PASSWORD).await.refusal(),
        "403 setup.token_invalid /token"
    );
    assert_eq!(
        set_up(token.expose(), "short").await.refusal(),
        "400 user.password_invalid /password"
    );
    let done = set_up(token.expose(), PASSWORD).await;
    assert_eq!(done.status, 201, "{}", done.text);
    assert_eq!(
        (&done.json()["username"], &done.json()["role"]),
        (&json!("ada"), &json!("admin"))
    );
    let me = house
        .request("GET", "/api/v1/me")
        .cookie(&cookie(&done))
        .send()
        .await
        .json();
    assert_eq!(
        (&me["name"], &me["role"], &me["kind"]),
        (&json!("ada"), &json!("admin"), &json!("user"))
    );
    assert_eq!(
        set_up(token.expose(), PASSWORD).await.refusal(),
        "404 route.not_found"
    );
    assert_eq!(needed().await, false);
    assert!(server::setup_token(&house.store).await.unwrap().is_none());
    let audit = house
        .store
        .audit()
        .list(&Actor::local(), &store::AuditFilter::default())
        .await
        .unwrap();
    assert!(
        audit
            .iter()
            .all(|row| !row.detail.to_string().contains(token.expose()))
    );
}

#[tokio::test]
async fn a_session_begins_and_ends() {
    let house = House::new().await;
    house.user("ada", Role::Operator).await;
    let answer = sign_in(&house, "ada", PASSWORD, "192.0.2.1").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("keyway-session=")
            && set.contains("; HttpOnly")
            && set.contains("; SameSite=Lax")
            && set.contains("; Path=/"),
        "{set}"
    );
    assert!(!set.contains("Secure") && !set.contains("Domain"), "{set}");
    let first = cookie(&answer);
    let me = |cookie: String| {
        let request = house.request("GET", "/api/v1/me").cookie(&cookie);
        async { request.send().await }
    };
    assert_eq!(me(first.clone()).await.status, 200);
    // signing in again ends the session that the browser brought along
    let body = json!({"username": "ada", "password": PASSWORD});
    let again = house
        .request("POST", "/api/v1/session")
        .cookie(&first)
        .own_page()
        .json(&body)
        .send()
        .await;
    let second = cookie(&again);
    assert_ne!(first, second);
    assert_eq!(me(first).await.refusal(), "401 unauthenticated");
    let out = house
        .request("DELETE", "/api/v1/session")
        .cookie(&second)
        .own_page()
        .send()
        .await;
    assert_eq!(out.status, 204);
    assert!(
        out.header("set-cookie").starts_with("keyway-session=; ")
            && out.header("set-cookie").contains("Max-Age=0")
    );
    assert_eq!(me(second).await.refusal(), "401 unauthenticated");
}

#[tokio::test]
async fn a_session_ends_by_itself() {
    let house = House::new().await;
    let user = house.user("ada", Role::Viewer).await;
    let idle = house.session(&user).await;
    let busy = house.session(&user).await;
    let me = |cookie: &str| {
        let request = house.request("GET", "/api/v1/me").cookie(cookie);
        async { request.send().await.status.as_u16() }
    };
    for _ in 0..35 {
        house.clock.advance(SignedDuration::from_mins(20));
        assert_eq!(me(&busy).await, 200, "at {}", house.clock.now());
        // that it was seen is written behind the answer; what is written now is written after it
        house.key(Role::Viewer).await;
    }
    assert_eq!(me(&idle).await, 401, "30 minutes idle");
    house.clock.advance(SignedDuration::from_mins(21));
    assert_eq!(me(&busy).await, 401, "12 hours in all");
    // a disabled user is out at once
    let session = house.session(&user).await;
    let admin = house.key(Role::Admin).await;
    assert_eq!(me(&session).await, 200);
    let disabled = house
        .request("POST", &format!("/api/v1/users/{}/disable", user.id))
        .key(&admin)
        .send()
        .await;
    assert_eq!(disabled.status, 200, "{}", disabled.text);
    assert_eq!(me(&session).await, 401);
}

#[tokio::test]
async fn over_https_cookies_are_for_this_host_alone() {
    let house = House::configured(|config| {
        config.public_url = "https://keyway.contoso.example".parse().unwrap();
    })
    .await;
    house.user("ada", Role::Viewer).await;
    let answer = sign_in(&house, "ada", PASSWORD, "").await;
    let set = answer.header("set-cookie");
    assert!(
        set.starts_with("__Host-keyway-session=")
            && set.contains("; Secure")
            && set.contains("; Path=/")
            && !set.contains("Domain"),
        "{set}"
    );
    assert!(
        answer
            .header("strict-transport-security")
            .starts_with("max-age=")
    );
    assert_eq!(
        house
            .request("GET", "/api/v1/me")
            .cookie(&cookie(&answer))
            .send()
            .await
            .status,
        200
    );
    let renamed = cookie(&answer).replace("__Host-", "");
    assert_eq!(
        house
            .request("GET", "/api/v1/me")
            .cookie(&renamed)
            .send()
            .await
            .status,
        401
    );
}

#[tokio::test]
async fn every_failed_sign_in_looks_the_same() {
    let house =
        House::configured(|config| config.trusted_proxies.push("127.0.0.1".parse().unwrap())).await;
    let user = house.user("ada", Role::Viewer).await;
    house.user("locked", Role::Viewer).await;
    for _ in 0..100 {
        let _ = house
            .store
            .users()
            .verify("locked", &oauth::Secret::new("wrong"))
            .await;
    }
    house.user("gone", Role::Viewer).await;
    let gone = house
        .store
        .users()
        .find_by_name(&Actor::local(), "gone")
        .await
        .unwrap()
        .unwrap();
    house
        .store
        .users()
        .disable(&Actor::local(), &gone.id)
        .await
        .unwrap();
    let mut seen = Vec::new();
    let long = "x".repeat(2000);
    for (number, (username, password)) in [
        ("ada", "wrong"),
        ("nobody", PASSWORD),
        ("locked", PASSWORD),
        ("gone", PASSWORD),
        ("ada", &long),
        ("ada", ""),
        ("", ""),
    ]
    .into_iter()
    .enumerate()
    {
        let answer = sign_in(&house, username, password, &format!("192.0.2.{number}")).await;
        assert_eq!(answer.refusal(), "401 login.failed", "{username}");
        assert!(answer.headers.get("set-cookie").is_none());
        let mut problem = answer.json();
        problem["trace_id"] = Value::Null;
        seen.push(problem);
    }
    seen.dedup();
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(
        sign_in(&house, &user.name, PASSWORD, "192.0.2.99")
            .await
            .status,
        200
    );
}

#[tokio::test]
async fn three_sign_ins_a_minute_from_one_address() {
    let house = House::new().await;
    house.user("ada", Role::Viewer).await;
    // the header of nobody's proxy changes nothing
    for attempt in 0..3 {
        assert_eq!(
            sign_in(&house, "ada", "wrong", &format!("192.0.2.{attempt}"))
                .await
                .status,
            401
        );
    }
    let refused = sign_in(&house, "ada", PASSWORD, "192.0.2.77").await;
    assert_eq!(refused.refusal(), "429 login.throttled");
    let wait: i64 = refused.header("retry-after").parse().unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    house.clock.advance(SignedDuration::from_secs(wait));
    assert_eq!(sign_in(&house, "ada", PASSWORD, "").await.status, 200);
}

#[tokio::test]
async fn users_are_added_once_and_told_apart() {
    let house = House::new().await;
    let admin = house.key(Role::Admin).await;
    let add = |body: Value| {
        let request = house
            .request("POST", "/api/v1/users")
            .key(&admin)
            .json(&body);
        async { request.send().await }
    };
    let added = add(json!({"username": "ada", "password": PASSWORD, "role": "viewer"})).await;
    assert_eq!(added.status, 201, "{}", added.text);
    assert!(!added.text.contains(PASSWORD));
    assert_eq!(
        add(json!({"username": "ada", "password": PASSWORD, "role": "admin"}))
            .await
            .refusal(),
        "409 user.name_taken /username"
    );
    assert_eq!(
        add(json!({"username": "bob", "password": "short", "role": "admin"}))
            .await
            .refusal(),
        "400 user.password_invalid /password"
    );
    assert_eq!(
        add(json!({"username": "bob", "password": PASSWORD, "role": "admin", "is_owner": true}))
            .await
            .refusal(),
        "400 body.invalid /is_owner"
    );
    for name in ["", "a b", "<img>", "a\u{202e}b"] {
        let refused = add(json!({"username": name, "password": PASSWORD, "role": "viewer"})).await;
        assert_eq!(refused.refusal(), "400 user.invalid /username", "{name}");
    }
    let list = house
        .request("GET", "/api/v1/users")
        .key(&admin)
        .send()
        .await
        .json();
    assert_eq!(list["items"].as_array().unwrap().len(), 1);
    assert_eq!(list["items"][0]["username"], "ada");
    for action in ["user.", "key."] {
        let rows = house
            .request("GET", "/api/v1/audit?limit=1000")
            .key(&admin)
            .send()
            .await
            .json();
        let found = rows["items"]
            .as_array()
            .unwrap()
            .iter()
            .any(|row| row["action"].as_str().unwrap().starts_with(action));
        assert!(found, "{action}: {rows}");
    }
}
