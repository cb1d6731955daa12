//! The token endpoint: every refusal on the wire, and the three grants.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::client::{Answer, GRAPH_DEFAULT, REDIRECT, VERIFIER, World, claims, text};

const SOME_GUID: &str = "11111111-2222-4333-8444-555555555555";

#[tokio::test]
async fn the_shape_of_a_refusal() {
    let world = World::start().await;
    let url = world.tenant_url("/oauth2/v2.0/token");
    let app = world.facts().app.clone();
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", app.client_id.as_str()),
        ("client_secret", "wrong"),
        ("scope", GRAPH_DEFAULT),
    ];
    let answer = Answer::of(
        world
            .http
            .post(url)
            .header("client-request-id", SOME_GUID)
            .form(&form)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(answer.refusal(), (401, "invalid_client", 7_000_215));
    let names: Vec<&String> = answer.body.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "error",
            "error_description",
            "error_codes",
            "timestamp",
            "trace_id",
            "correlation_id",
            "error_uri"
        ]
    );
    assert_eq!(answer.body["correlation_id"], SOME_GUID);
    assert_eq!(
        answer.header("x-ms-request-id"),
        answer.body["trace_id"].as_str().unwrap()
    );
    assert_eq!(
        answer.header("content-type"),
        "application/json; charset=utf-8"
    );
    assert_eq!(answer.header("cache-control"), "no-store, no-cache");
    assert_eq!(
        (answer.header("pragma"), answer.header("expires")),
        ("no-cache", "-1")
    );
    let timestamp = text(&answer.body["timestamp"]);
    assert!(
        timestamp.len() == 20 && timestamp.ends_with('Z') && &timestamp[10..11] == " ",
        "{timestamp}"
    );
    let description = text(&answer.body["error_description"]);
    let expected = format!(
        "AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '{}'. Trace ID: {} Correlation ID: {SOME_GUID} Timestamp: {timestamp}",
        app.client_id,
        text(&answer.body["trace_id"]),
    );
    assert_eq!(description, expected);
}

#[tokio::test]
async fn refusals_of_the_request_itself() {
    let world = World::start().await;
    let app = world.facts().app.clone();
    let (id, secret) = (app.client_id.as_str(), app.client_secret.as_str());
    let good = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("scope", GRAPH_DEFAULT),
    ];
    let with = |changes: &[(&'static str, &'static str)]| {
        let mut form = good.to_vec();
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            if !value.is_empty() {
                form.push((name, value));
            }
        }
        form
    };
    for (changes, expected) in [
        (&[("grant_type", "")][..], (400, "invalid_request", 900_144)),
        (&[("client_id", "")], (400, "invalid_request", 900_144)),
        (&[("scope", "")], (400, "invalid_request", 90_014)),
        (
            &[("grant_type", "password")],
            (400, "unsupported_grant_type", 70_003),
        ),
        (
            &[("client_id", SOME_GUID)],
            (400, "unauthorized_client", 700_016),
        ),
        (&[("client_secret", "")], (401, "invalid_client", 7_000_216)),
        (
            &[("client_secret", "wrong")],
            (401, "invalid_client", 7_000_215),
        ),
        (
            &[("scope", "User.Read.All")],
            (400, "invalid_scope", 1_002_012),
        ),
        (
            &[("scope", "https://graph.microsoft.com/User.Read.All")],
            (400, "invalid_scope", 1_002_012),
        ),
        (&[("scope", "a,b")], (400, "invalid_scope", 70_011)),
        (
            &[(
                "scope",
                "https://graph.microsoft.com/.default https://graph.microsoft.com/.default",
            )],
            (400, "invalid_scope", 70_011),
        ),
        (
            &[(
                "scope",
                "https://graph.microsoft.com/.default https://elsewhere.example/.default",
            )],
            (400, "invalid_request", 28_000),
        ),
        (
            &[("scope", "https://elsewhere.example/.default")],
            (400, "invalid_resource", 500_011),
        ),
    ] {
        assert_eq!(
            world.token(&with(changes)).await.refusal(),
            expected,
            "{changes:?}"
        );
    }
    for (tenant, expected) in [
        ("elsewhere.example", (400, "invalid_request", 90_002)),
        (SOME_GUID, (400, "invalid_request", 90_002)),
        ("no_where", (400, "invalid_request", 900_023)),
        ("common", (400, "invalid_request", 50_059)),
        ("organizations", (400, "invalid_request", 50_059)),
    ] {
        assert_eq!(
            world.token_at(tenant, &good).await.refusal(),
            expected,
            "{tenant}"
        );
    }
    let url = world.tenant_url("/oauth2/v2.0/token");
    let get = Answer::of(world.http.get(url).send().await.unwrap()).await;
    assert_eq!(get.refusal(), (400, "invalid_request", 900_561));
    world.token_at("contoso.example", &good).await.ok();
}

#[tokio::test]
async fn secrets_by_post_and_by_basic_encoded_and_raw() {
    let world = World::start().await;
    let app = world.facts().app.clone();
    let url = world.tenant_url("/oauth2/v2.0/token");
    let encode = |text: &str| {
        percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
    };
    for (id, secret) in [
        (app.client_id.clone(), app.client_secret.clone()),
        (encode(&app.client_id), encode(&app.client_secret)),
    ] {
        let header = format!("Basic {}", STANDARD.encode(format!("{id}:{secret}")));
        let form = [
            ("grant_type", "client_credentials"),
            ("scope", GRAPH_DEFAULT),
        ];
        let answer = Answer::of(
            world
                .http
                .post(&url)
                .header("authorization", header)
                .form(&form)
                .send()
                .await
                .unwrap(),
        )
        .await;
        answer.ok();
    }
    let header = format!(
        "Basic {}",
        STANDARD.encode(format!("{}:wrong", app.client_id))
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("scope", GRAPH_DEFAULT),
    ];
    let answer = Answer::of(
        world
            .http
            .post(&url)
            .header("authorization", header)
            .form(&form)
            .send()
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(answer.refusal(), (401, "invalid_client", 7_000_215));
}

#[tokio::test]
async fn client_credentials_bring_roles_and_the_audience_asked_for() {
    let world = World::start().await;
    let app = world.facts().app.clone();
    let origin = world.sandbox.origin().to_owned();
    for resource in [
        "https://graph.microsoft.com",
        "00000003-0000-0000-c000-000000000000",
        origin.as_str(),
    ] {
        let answer = world
            .client_credentials(
                &app.client_id,
                &app.client_secret,
                &format!("{resource}/.default"),
            )
            .await
            .ok();
        let names: Vec<&String> = answer.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            ["token_type", "expires_in", "ext_expires_in", "access_token"]
        );
        assert_eq!(answer["expires_in"], 3599);
        let claims = claims(&text(&answer["access_token"]));
        assert_eq!(claims["aud"], json!(resource));
        assert_eq!(claims["roles"], json!(["User.Read.All"]));
        assert_eq!(claims["idtyp"], "app");
        assert_eq!(claims["appid"], json!(app.client_id));
        assert_eq!(
            claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
            3599 + 300
        );
        assert_eq!(
            world
                .get(&text(&answer["access_token"]), "/users?$top=1")
                .await
                .status,
            200
        );
    }
}

#[tokio::test]
async fn secret_ids_expired_secrets_and_removed_secrets() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let app = world.register(&admin, &[], &[]).await;
    let try_secret = async |secret: &str| {
        world
            .client_credentials(&app.client_id, secret, GRAPH_DEFAULT)
            .await
    };
    assert_eq!(
        try_secret(&app.secret_id).await.refusal(),
        (401, "invalid_client", 7_000_215)
    );
    let path = format!("/applications/{}/addPassword", app.object_id);
    let past = world
        .post(
            &admin,
            &path,
            json!({"passwordCredential": {"endDateTime": "2020-01-01T00:00:00Z"}}),
        )
        .await
        .ok();
    assert_eq!(
        try_secret(&text(&past["secretText"])).await.refusal(),
        (401, "invalid_client", 7_000_222)
    );
    try_secret(&app.secret).await.ok();
    world.clock(3 * 366 * 86_400).await;
    assert_eq!(
        try_secret(&app.secret).await.refusal(),
        (401, "invalid_client", 7_000_222)
    );
    world.clock(0).await;
    let path = format!("/applications/{}/removePassword", app.object_id);
    assert_eq!(
        world
            .post(&admin, &path, json!({"keyId": app.secret_id}))
            .await
            .status,
        204
    );
    assert_eq!(
        try_secret(&app.secret).await.refusal(),
        (401, "invalid_client", 7_000_215)
    );
}

#[tokio::test]
async fn an_app_without_a_service_principal() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let made = world
        .post(
            &admin,
            "/applications",
            json!({"displayName": "No principal"}),
        )
        .await
        .ok();
    let secret = world
        .post(
            &admin,
            &format!(
                "/applications(appId='{}')/addPassword",
                text(&made["appId"])
            ),
            json!({}),
        )
        .await
        .ok();
    let answer = world
        .client_credentials(
            &text(&made["appId"]),
            &text(&secret["secretText"]),
            GRAPH_DEFAULT,
        )
        .await;
    assert_eq!(answer.refusal(), (401, "unauthorized_client", 7_000_229));
}

#[tokio::test]
async fn authorization_code_refusals() {
    let world = World::start().await;
    let app = world.facts().app.clone();
    let user = world.user(1);
    let code = world.code(&user, "offline_access openid User.Read").await;
    let good = [
        ("grant_type", "authorization_code"),
        ("client_id", app.client_id.as_str()),
        ("client_secret", app.client_secret.as_str()),
        ("code", code.as_str()),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    let with = |name: &'static str, value: &'static str| {
        let mut form: Vec<(&str, &str)> = good
            .iter()
            .copied()
            .filter(|(known, _)| *known != name)
            .collect();
        if !value.is_empty() {
            form.push((name, value));
        }
        form
    };
    for (name, value, expected) in [
        ("code", "", (400, "invalid_request", 900_144)),
        ("redirect_uri", "", (400, "invalid_request", 900_144)),
        ("client_secret", "", (401, "invalid_client", 7_000_218)),
        ("client_secret", "wrong", (401, "invalid_client", 7_000_215)),
        ("code", "not-a-code", (400, "invalid_grant", 9_002_313)),
        (
            "code_verifier",
            "another-verifier-another-verifier-another-verifier",
            (400, "invalid_grant", 501_481),
        ),
        ("code_verifier", "", (400, "invalid_grant", 501_481)),
        ("code_verifier", "short", (400, "invalid_request", 501_491)),
        (
            "redirect_uri",
            "http://localhost:8801/oauth/callback/microsoft-graph",
            (400, "invalid_client", 500_112),
        ),
        (
            "scope",
            "User.Read Mail.Read",
            (400, "invalid_grant", 65_001),
        ),
        ("scope", "user.real.all", (400, "invalid_client", 650_053)),
    ] {
        assert_eq!(
            world.token(&with(name, value)).await.refusal(),
            expected,
            "{name}={value}"
        );
    }
    let consent = world.token(&with("scope", "Mail.Read")).await;
    assert_eq!(consent.body["suberror"], "consent_required");
    let tokens = world.token(&good).await.ok();
    assert_eq!(tokens["token_type"], "Bearer");
    assert!((3600..=5400).contains(&tokens["expires_in"].as_i64().unwrap()));
    assert_eq!(
        world.token(&good).await.refusal(),
        (400, "invalid_grant", 54_005)
    );
    let late = world.code(&user, "User.Read").await;
    world.clock(601).await;
    assert_eq!(
        world
            .redeem(&app.client_id, &app.client_secret, &late)
            .await
            .refusal(),
        (400, "invalid_grant", 70_008)
    );
}

#[tokio::test]
async fn codes_and_refresh_tokens_belong_to_one_client() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let other = world.register(&admin, &[], &[]).await;
    let user = world.user(1);
    let code = world.code(&user, "offline_access User.Read").await;
    assert_eq!(
        world
            .redeem(&other.client_id, &other.secret, &code)
            .await
            .refusal(),
        (400, "invalid_grant", 70_000)
    );
    let tokens = world.delegated(&user, "offline_access User.Read").await;
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", other.client_id.as_str()),
        ("client_secret", &other.secret),
        ("refresh_token", &text(&tokens["refresh_token"])),
    ];
    assert_eq!(
        world.token(&form).await.refusal(),
        (400, "invalid_grant", 70_000)
    );
}

#[tokio::test]
async fn refresh_tokens_rotate_and_the_old_one_stays_valid() {
    let world = World::start().await;
    let first = world
        .delegated(&world.user(1), "offline_access openid User.Read")
        .await;
    let old = text(&first["refresh_token"]);
    let second = world.refresh(&old).await.ok();
    let new = text(&second["refresh_token"]);
    assert_ne!(old, new);
    assert_ne!(first["access_token"], second["access_token"]);
    assert!(second["id_token"].is_string());
    world.refresh(&old).await.ok();
    world.refresh(&new).await.ok();
    assert_eq!(
        world.refresh("1.sandbox-refresh.x").await.refusal(),
        (400, "invalid_grant", 9_002_313)
    );
    assert_eq!(
        world.refresh("").await.refusal(),
        (400, "invalid_request", 900_144)
    );
    world.clock(91 * 86_400).await;
    let dead = world.refresh(&new).await;
    assert_eq!(dead.refusal(), (400, "invalid_grant", 700_082));
    assert_eq!(dead.body["suberror"], "bad_token");
}

#[tokio::test]
async fn without_offline_access_there_is_no_refresh_token() {
    let world = World::start().await;
    let tokens = world.delegated(&world.user(1), "User.Read").await;
    assert!(tokens.get("refresh_token").is_none());
    assert!(tokens.get("id_token").is_none());
}

#[tokio::test]
async fn claims_of_delegated_and_id_tokens() {
    let world = World::start().await;
    let user = world.user(0);
    let url = format!(
        "{}&nonce=n1&client_info=1",
        world.authorization(&world.facts().app.client_id, "openid profile User.Read")
    );
    let page = world
        .browser()
        .sign_in_and_accept(&url, &user.upn, &user.password)
        .await;
    let app = world.facts().app.clone();
    let tokens = world
        .redeem(&app.client_id, &app.client_secret, &page.parameter("code"))
        .await
        .ok();
    assert!(tokens["client_info"].is_string());
    let access = claims(&text(&tokens["access_token"]));
    for (name, value) in [
        ("idtyp", json!("user")),
        ("ver", json!("1.0")),
        ("appid", json!(app.client_id)),
        ("appidacr", json!("1")),
        ("oid", json!(user.id)),
        ("upn", json!(user.upn)),
    ] {
        assert_eq!(access[name], value, "{name}");
    }
    assert!(
        access["wids"]
            .as_array()
            .unwrap()
            .contains(&json!("62e90394-69f5-4237-9190-012177145e10"))
    );
    let id = claims(&text(&tokens["id_token"]));
    for (name, value) in [
        ("nonce", json!("n1")),
        ("aud", json!(app.client_id)),
        ("preferred_username", json!(user.upn)),
        ("ver", json!("2.0")),
        ("sub", access["sub"].clone()),
    ] {
        assert_eq!(id[name], value, "{name}");
    }
}

#[tokio::test]
async fn revoked_grants_are_50173_until_the_next_sign_in() {
    let world = World::start().await;
    let user = world.user(1);
    let before = text(&world.delegated(&user, "offline_access User.Read").await["refresh_token"]);
    let other = text(
        &world
            .delegated(&world.user(2), "offline_access User.Read")
            .await["refresh_token"],
    );
    let mut browser = world.browser();
    let url = world.authorization(&world.facts().app.client_id, "User.Read");
    browser
        .sign_in_and_accept(&url, &user.upn, &user.password)
        .await;
    world
        .control(reqwest::Method::POST, "revoke", json!({"user": user.upn}))
        .await;
    let dead = world.refresh(&before).await;
    assert_eq!(dead.refusal(), (400, "invalid_grant", 50_173));
    assert_eq!(dead.body["suberror"], "bad_token");
    assert!(text(&dead.body["error_description"]).contains("TokensValidFrom"));
    world.refresh(&other).await.ok();
    assert!(
        browser.open(&url).await.location.is_none(),
        "the session is gone, too"
    );
    let after = text(&world.delegated(&user, "offline_access User.Read").await["refresh_token"]);
    world.refresh(&after).await.ok();
    let token = world.delegated_token(&user, "User.Read").await;
    let answer = world
        .graph(
            &token,
            reqwest::Method::POST,
            "/me/revokeSignInSessions",
            None,
        )
        .await;
    assert_eq!(answer.graph_refusal().0, 403, "User.Read is not enough");
}

/// What says that a client understands claims challenges.
const UNDERSTANDS: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;

#[tokio::test]
async fn who_understands_challenges_has_long_lived_tokens_and_is_challenged() {
    let world = World::start().await;
    let user = world.user(1);
    let first = world.delegated(&user, "offline_access User.Read").await;
    let plain = text(&first["access_token"]);
    assert!(claims(&plain)["xms_cc"].is_null());
    let app = world.facts().app.clone();
    let refresh_token = text(&first["refresh_token"]);
    let form = [
        ("grant_type", "refresh_token"),
        ("client_id", &app.client_id),
        ("client_secret", &app.client_secret),
        ("refresh_token", &refresh_token),
        ("claims", UNDERSTANDS),
    ];
    let answer = world.token(&form).await.ok();
    assert!((72_000..=100_800).contains(&answer["expires_in"].as_i64().unwrap()));
    let long = text(&answer["access_token"]);
    assert_eq!(claims(&long)["xms_cc"], json!(["cp1"]));
    world.get(&long, "/me").await.ok();
    // With a lifetime that was ordered it has that one.
    let order = json!({"access_seconds": 600});
    world
        .control(reqwest::Method::POST, "lifetimes", order)
        .await;
    assert_eq!(world.token(&form).await.ok()["expires_in"], 600);
    world
        .control(reqwest::Method::POST, "revoke", json!({"user": user.upn}))
        .await;
    let refused = world.get(&long, "/me").await;
    assert_eq!(refused.graph_refusal().0, 401);
    assert!(
        text(&refused.body["error"]["message"]).contains("TokenIssuedBeforeRevocationTimestamp")
    );
    let header = refused.headers["www-authenticate"].to_str().unwrap();
    let encoded = header
        .split_once("error=\"insufficient_claims\", claims=\"")
        .unwrap();
    let demand = STANDARD.decode(encoded.1.trim_end_matches('"')).unwrap();
    let demand: serde_json::Value = serde_json::from_slice(&demand).unwrap();
    assert_eq!(demand["access_token"]["nbf"]["essential"], true);
    // Who does not understand them keeps his token to its end.
    world.get(&plain, "/me").await.ok();
    world.clock(5_401).await;
    let ended = world.get(&plain, "/me").await;
    assert_eq!(ended.graph_refusal().0, 401);
    let header = ended.headers["www-authenticate"].to_str().unwrap();
    assert!(!header.contains("claims"), "{header}");
    world.clock(0).await;
    // Signed in again, all is well.
    let again = world.delegated(&user, "offline_access User.Read").await;
    let refresh_token = text(&again["refresh_token"]);
    let mut form = form;
    form[3].1 = &refresh_token;
    let renewed = text(&world.token(&form).await.ok()["access_token"]);
    world.get(&renewed, "/me").await.ok();
}

#[tokio::test]
async fn public_clients_present_no_secret() {
    let world = World::start().await;
    let admin = world.facts().admin.clone();
    let url = world.authorize_url(&[
        ("client_id", &admin.client_id),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost:99/"),
        ("scope", "User.Read"),
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ]);
    let page = world
        .browser()
        .sign_in_and_accept(&url, &admin.upn, &admin.password)
        .await;
    let code = page.parameter("code");
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("client_id", admin.client_id.as_str()),
        ("code", &code),
        ("redirect_uri", "http://localhost:99/"),
        ("code_verifier", VERIFIER),
        ("client_secret", "x"),
    ];
    assert_eq!(
        world.token(&form).await.refusal(),
        (401, "invalid_client", 700_025)
    );
    form.pop();
    let tokens = world.token(&form).await.ok();
    assert_eq!(claims(&text(&tokens["access_token"]))["appidacr"], "0");
}

#[tokio::test]
async fn scopes_by_the_form_asked_for() {
    let world = World::start().await;
    let user = world.user(1);
    let origin = world.sandbox.origin().to_owned();
    for (scope, audience) in [
        ("user.read.all".to_owned(), "https://graph.microsoft.com"),
        (
            "https://graph.microsoft.com/User.Read.All".to_owned(),
            "https://graph.microsoft.com",
        ),
        (
            "00000003-0000-0000-c000-000000000000/User.Read.All".to_owned(),
            "00000003-0000-0000-c000-000000000000",
        ),
        (format!("{origin}/User.Read.All"), origin.as_str()),
    ] {
        let tokens = world.delegated(&user, &scope).await;
        assert_eq!(
            claims(&text(&tokens["access_token"]))["aud"],
            json!(audience),
            "{scope}"
        );
        let words: Vec<String> = text(&tokens["scope"])
            .split(' ')
            .map(str::to_owned)
            .collect();
        assert_eq!(&words[..3], ["profile", "openid", "email"]);
        assert!(
            words.contains(&format!("{audience}/User.Read.All")),
            "{words:?}"
        );
        let me: Value = world.get(&text(&tokens["access_token"]), "/me").await.ok();
        assert_eq!(me["id"], json!(user.id));
    }
}
