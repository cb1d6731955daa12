//! Metadata, keys, instance discovery, tokens verified by a library that is not ours.

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Value, json};

use super::client::{Answer, World, text};

async fn get(world: &World, path: &str) -> Answer {
    Answer::of(world.http.get(world.url(path)).send().await.unwrap()).await
}

#[tokio::test]
async fn configuration_by_guid_domain_and_common() {
    let world = World::start().await;
    let (origin, tenant) = (
        world.sandbox.origin().to_owned(),
        world.facts().tenant_id.clone(),
    );
    for name in [tenant.as_str(), "contoso.example"] {
        for path in [
            "/v2.0/.well-known/openid-configuration",
            "/.well-known/openid-configuration",
        ] {
            let answer = get(&world, &format!("/{name}{path}")).await;
            assert_eq!(answer.header("cache-control"), "max-age=86400, private");
            assert_eq!(answer.header("access-control-allow-origin"), "*");
            assert_eq!(answer.header("x-content-type-options"), "nosniff");
            let body = answer.ok();
            assert_eq!(body["issuer"], json!(format!("{origin}/{tenant}/v2.0")));
            assert_eq!(
                body["token_endpoint"],
                json!(format!("{origin}/{tenant}/oauth2/v2.0/token"))
            );
            assert!(body.get("code_challenge_methods_supported").is_none());
            assert_eq!(
                body.as_object().unwrap().keys().next().unwrap(),
                "token_endpoint"
            );
        }
    }
    let common = get(&world, "/common/v2.0/.well-known/openid-configuration")
        .await
        .ok();
    assert_eq!(
        common["issuer"],
        json!(format!("{origin}/{{tenantid}}/v2.0"))
    );
}

#[tokio::test]
async fn unknown_tenants_are_told() {
    let world = World::start().await;
    let unknown = get(
        &world,
        "/nowhere.example/v2.0/.well-known/openid-configuration",
    )
    .await;
    assert_eq!(unknown.refusal(), (400, "invalid_tenant", 90_002));
    let malformed = get(&world, "/no_where/v2.0/.well-known/openid-configuration").await;
    assert_eq!(malformed.refusal(), (400, "invalid_request", 900_023));
}

#[tokio::test]
async fn instance_discovery() {
    let world = World::start().await;
    let endpoint = world.tenant_url("/oauth2/v2.0/authorize");
    let body = get(
        &world,
        &format!("/common/discovery/instance?api-version=1.1&authorization_endpoint={endpoint}"),
    )
    .await
    .ok();
    let host = world.sandbox.origin().trim_start_matches("https://");
    assert_eq!(body["metadata"][0]["preferred_network"], json!(host));
    assert_eq!(
        body["tenant_discovery_endpoint"],
        json!(world.tenant_url("/v2.0/.well-known/openid-configuration"))
    );
    let unknown = get(
        &world,
        "/common/discovery/instance?authorization_endpoint=https://elsewhere.example/x/",
    )
    .await;
    assert_eq!(unknown.refusal(), (400, "invalid_instance", 50_049));
}

#[tokio::test]
async fn tokens_verify_with_the_published_keys() {
    let world = World::start().await;
    let keys = get(
        &world,
        &format!("/{}/discovery/v2.0/keys", world.facts().tenant_id),
    )
    .await
    .ok();
    let keys = keys["keys"].as_array().unwrap();
    assert!(keys.len() >= 2);
    assert_ne!(keys[0]["kid"], keys[1]["kid"]);
    let tokens = world
        .delegated(&world.user(1), "openid profile email User.Read")
        .await;
    let (client_id, origin) = (
        world.facts().app.client_id.clone(),
        world.sandbox.origin().to_owned(),
    );
    let tenant = world.facts().tenant_id.clone();
    for (name, audience, issuer) in [
        (
            "id_token",
            client_id.as_str(),
            format!("{origin}/{tenant}/v2.0"),
        ),
        (
            "access_token",
            "https://graph.microsoft.com",
            format!("{origin}/{tenant}/"),
        ),
    ] {
        let token = text(&tokens[name]);
        let header = jsonwebtoken::decode_header(&token).unwrap();
        let key = keys
            .iter()
            .find(|key| key["kid"] == json!(header.kid))
            .unwrap();
        let key = DecodingKey::from_rsa_components(
            key["n"].as_str().unwrap(),
            key["e"].as_str().unwrap(),
        )
        .unwrap();
        let mut validation = Validation::new(Algorithm::RS256);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[issuer]);
        validation.validate_nbf = true;
        let claims: Value = jsonwebtoken::decode(&token, &key, &validation)
            .unwrap()
            .claims;
        assert_eq!(claims["tid"], json!(tenant));
        assert_eq!(claims["oid"], json!(world.user(1).id));
    }
}

#[tokio::test]
async fn userinfo_logout_and_the_page_behind_error_uri() {
    let world = World::start().await;
    let token = world
        .delegated_token(&world.user(1), "openid User.Read")
        .await;
    let info = |token: String| {
        let request = world
            .http
            .get(world.url("/oidc/userinfo"))
            .bearer_auth(token);
        async { Answer::of(request.send().await.unwrap()).await }
    };
    let body = info(token).await.ok();
    assert_eq!(body["sub"].as_str().unwrap().len(), 43);
    assert!(body["given_name"].is_string());
    assert_eq!(info("x.y.z".to_owned()).await.status, 401);
    let page = get(&world, "/error?code=50011<b>").await;
    assert!(
        page.text.contains("AADSTS50011.") && !page.text.contains("<b>"),
        "{}",
        page.text
    );
    let mut browser = world.browser();
    let url = world.authorization(&world.facts().app.client_id, "User.Read");
    let user = world.user(1);
    browser
        .sign_in_and_accept(&url, &user.upn, &user.password)
        .await;
    assert!(
        browser.open(&url).await.location.is_some(),
        "still signed in"
    );
    let page =
        browser
            .open(&world.tenant_url(
                "/oauth2/v2.0/logout?post_logout_redirect_uri=https://elsewhere.example/",
            ))
            .await;
    assert_eq!(page.status, 200, "an unregistered address is not followed");
    assert!(browser.open(&url).await.location.is_none(), "signed out");
}
