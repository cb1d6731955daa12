//! API keys and the local token: what opens, what does not, until when.

use jiff::SignedDuration;
use serde_json::{Value, json};
use store::{Actor, Role};

use crate::house::House;

#[tokio::test]
async fn a_local_token_works_from_this_machine_alone() {
    let token = "local-token-of-a-test-0123456789abcdef";
    let house =
        House::configured(move |config| config.local_token = Some(oauth::Secret::new(token))).await;
    let me = house.request("GET", "/api/v1/me").key(token).send().await;
    assert_eq!(
        me.json(),
        json!({"id": "local", "name": "local", "role": "admin", "kind": "local"})
    );
    assert_eq!(
        house.request("GET", "/metrics").send().await.status,
        200,
        "a peer on this machine"
    );
    let proxied = House::configured(move |config| {
        config.local_token = Some(oauth::Secret::new(token));
        config.trusted_proxies.push("127.0.0.1".parse().unwrap());
    })
    .await;
    // a command beside the proxy is told from what the proxy passes on
    let me = proxied.request("GET", "/api/v1/me").key(token).send().await;
    assert_eq!(me.status, 200, "{}", me.text);
    assert_eq!(
        proxied.request("GET", "/metrics").send().await.refusal(),
        "401 unauthenticated"
    );
    // and nothing that any proxy has passed on is local, known or not
    for house in [&house, &proxied] {
        for (name, value) in [
            ("x-forwarded-for", "203.0.113.7"),
            ("x-forwarded-for", ""),
            ("forwarded", "for=203.0.113.7"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "keyway.contoso.example"),
            ("x-real-ip", "203.0.113.7"),
        ] {
            let passed_on = |path: &str| house.request("GET", path).header(name, value);
            assert_eq!(
                passed_on("/metrics").send().await.refusal(),
                "401 unauthenticated",
                "{name}"
            );
            assert_eq!(
                passed_on("/api/v1/me").key(token).send().await.refusal(),
                "401 unauthenticated",
                "{name}"
            );
        }
    }
}

#[tokio::test]
async fn a_credential_that_is_not_good_is_not_made_good_by_another() {
    let house = House::new().await;
    let admin = house.user("admin", Role::Admin).await;
    let cookie = house.session(&admin).await;
    for bad in [
        "Bearer kw_wrong",
        "Bearer ",
        "Bearer",
        "Basic YTpi",
        "kw_x",
        "",
    ] {
        let answer = house
            .request("GET", "/api/v1/me")
            .cookie(&cookie)
            .header("authorization", bad)
            .send()
            .await;
        assert_eq!(answer.refusal(), "401 unauthenticated", "{bad}");
        assert!(answer.header("www-authenticate").starts_with("Bearer"));
    }
    let key = house.key(Role::Viewer).await;
    let twice = house
        .request("GET", "/api/v1/me")
        .key(&key)
        .key(&key)
        .send()
        .await;
    assert_eq!(twice.refusal(), "401 unauthenticated");
}

#[tokio::test]
async fn a_key_stops_working_when_it_is_revoked_or_over() {
    let house = House::new().await;
    let admin = house.key(Role::Admin).await;
    let me = |key: String| {
        let request = house.request("GET", "/api/v1/me").key(&key);
        async { request.send().await.status.as_u16() }
    };
    // revoked through this server: at once, although it was used just now
    let made = house
        .request("POST", "/api/v1/keys")
        .key(&admin)
        .json(&json!({"name": "ci", "role": "viewer"}))
        .send()
        .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let made = made.json();
    let (id, key) = (
        made["id"].as_str().unwrap(),
        made["token"].as_str().unwrap().to_owned(),
    );
    assert!(key.starts_with("kw_"));
    assert_eq!(me(key.clone()).await, 200);
    let listed = house
        .request("GET", "/api/v1/keys")
        .key(&admin)
        .send()
        .await;
    assert!(
        !listed.text.contains("kw_") && listed.text.contains(id),
        "{}",
        listed.text
    );
    assert_eq!(
        house
            .request("DELETE", &format!("/api/v1/keys/{id}"))
            .key(&admin)
            .send()
            .await
            .status,
        204
    );
    assert_eq!(me(key).await, 401);
    // revoked by another process: within a second
    let (other, key) = house
        .store
        .keys()
        .create(&Actor::local(), "other", Role::Viewer, None)
        .await
        .unwrap();
    let key = key.expose().to_owned();
    assert_eq!(me(key.clone()).await, 200);
    house
        .store
        .keys()
        .revoke(&Actor::local(), &other.id)
        .await
        .unwrap();
    assert_eq!(
        me(key.clone()).await,
        200,
        "memory may be believed for a moment"
    );
    house.clock.advance(SignedDuration::from_secs(1));
    assert_eq!(me(key).await, 401);
    // over: to the second, memory or not
    let end = house.clock.now() + SignedDuration::from_secs(1);
    let (_, key) = house
        .store
        .keys()
        .create(&Actor::local(), "short", Role::Viewer, Some(end))
        .await
        .unwrap();
    let key = key.expose().to_owned();
    assert_eq!(me(key.clone()).await, 200);
    house.clock.advance(SignedDuration::from_millis(999));
    assert_eq!(me(key.clone()).await, 200);
    house.clock.advance(SignedDuration::from_millis(1));
    assert_eq!(me(key).await, 401);
}

#[tokio::test]
async fn a_key_has_an_end() {
    let house = House::new().await;
    let admin = house.key(Role::Admin).await;
    let make = |body: Value| {
        let request = house
            .request("POST", "/api/v1/keys")
            .key(&admin)
            .json(&body);
        async { request.send().await }
    };
    let days = |answer: Value| {
        let end: jiff::Timestamp = answer["expires_at"].as_str().unwrap().parse().unwrap();
        end.duration_since(house.clock.now()).as_hours() / 24
    };
    assert_eq!(
        days(make(json!({"name": "a", "role": "viewer"})).await.json()),
        90
    );
    assert_eq!(
        days(
            make(json!({"name": "b", "role": "viewer", "expires_in_days": 1}))
                .await
                .json()
        ),
        1
    );
    for bad in [json!(0), json!(367), json!(4_000_000_000_u32)] {
        let answer = make(json!({"name": "c", "role": "viewer", "expires_in_days": bad})).await;
        assert_eq!(answer.refusal(), "400 body.invalid /expires_in_days");
    }
    assert_eq!(
        make(json!({"name": "d", "role": "owner"})).await.refusal(),
        "400 body.invalid /role"
    );
}
