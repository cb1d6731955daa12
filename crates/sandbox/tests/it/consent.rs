//! Consent of users and administrators.

use serde_json::json;

use super::client::{
    App, GRAPH_DEFAULT, OFFLINE_ACCESS, REDIRECT, USER_READ, USER_READ_ALL, USER_READ_ALL_ROLE,
    World, claims, text,
};

async fn registered(world: &World, scopes: &[&str], roles: &[&str]) -> (String, App) {
    let admin = world.admin_token().await;
    let app = world.register(&admin, scopes, roles).await;
    (admin, app)
}

#[tokio::test]
async fn a_user_consents_once_for_himself() {
    let world = World::start().await;
    let (_, app) = registered(&world, &[USER_READ], &[]).await;
    let user = world.user(1);
    let url = world.authorization(&app.client_id, "openid profile offline_access User.Read");
    let mut browser = world.browser();
    let page = browser.sign_in(&url, &user.upn, &user.password).await;
    assert!(
        page.html.contains("Permissions requested") && page.html.contains("Test app"),
        "{}",
        page.html
    );
    assert!(
        page.html
            .contains("Maintain access to data you have given it access to")
    );
    assert!(
        !page.html.contains("on behalf of your organization"),
        "a user cannot speak for all"
    );
    let page = browser.decide(&page, "accept").await;
    let tokens = world
        .redeem(&app.client_id, &app.secret, &page.parameter("code"))
        .await
        .ok();
    assert_eq!(
        tokens["scope"],
        "profile openid email https://graph.microsoft.com/User.Read"
    );
    assert!(tokens["refresh_token"].is_string());
    assert!(
        browser.open(&url).await.find_parameter("code").is_some(),
        "not asked again"
    );
    let other = world.user(2);
    let page = world
        .browser()
        .sign_in(&url, &other.upn, &other.password)
        .await;
    assert!(
        page.html.contains("Permissions requested"),
        "another user is asked"
    );
}

#[tokio::test]
async fn declining_is_65004() {
    let world = World::start().await;
    let (_, app) = registered(&world, &[USER_READ], &[]).await;
    let user = world.user(1);
    let mut browser = world.browser();
    let page = browser
        .sign_in(
            &world.authorization(&app.client_id, "User.Read"),
            &user.upn,
            &user.password,
        )
        .await;
    let page = browser.decide(&page, "cancel").await;
    assert_eq!(
        page.redirected_refusal(),
        ("access_denied".to_owned(), 65_004)
    );
    assert_eq!(page.parameter("state"), "st/ate");
}

#[tokio::test]
async fn what_needs_an_administrator_is_90094_until_one_consents() {
    let world = World::start().await;
    let (_, app) = registered(&world, &[USER_READ_ALL, OFFLINE_ACCESS], &[]).await;
    let user = world.user(1);
    let url = world.authorization(&app.client_id, "offline_access User.Read.All");
    let mut browser = world.browser();
    let page = browser.sign_in(&url, &user.upn, &user.password).await;
    assert!(page.html.contains("Need admin approval"), "{}", page.html);
    assert_eq!(page.aadsts(), 90_094);
    let form = page.form();
    let forged = world.http.post(world.tenant_url("/consent")).form(&[
        ("context", form.inputs[0].1.as_str()),
        ("decision", "accept"),
    ]);
    let location = forged.send().await.unwrap().headers()["location"]
        .to_str()
        .unwrap()
        .to_owned();
    assert!(
        location.contains("access_denied"),
        "this page has no accept: {location}"
    );
    let back = browser.decide(&page, "cancel").await;
    assert_eq!(
        back.redirected_refusal(),
        ("access_denied".to_owned(), 90_094)
    );

    let admin = world.user(0);
    let mut administrator = world.browser();
    let page = administrator
        .sign_in(&url, &admin.upn, &admin.password)
        .await;
    assert!(
        page.html.contains("on behalf of your organization"),
        "{}",
        page.html
    );
    let form = page.form();
    let page = administrator
        .submit(
            &page,
            &form,
            &[("organization", "true")],
            Some(("decision", "accept")),
        )
        .await;
    assert!(page.find_parameter("code").is_some());
    assert!(
        browser.open(&url).await.find_parameter("code").is_some(),
        "now the user needs nobody"
    );
}

#[tokio::test]
async fn prompt_none_without_consent() {
    let world = World::start().await;
    let (_, app) = registered(&world, &[USER_READ], &[]).await;
    let user = world.user(1);
    let mut browser = world.browser();
    browser
        .sign_in_and_accept(
            &world.authorization(&world.facts().app.client_id, "User.Read"),
            &user.upn,
            &user.password,
        )
        .await;
    let url = format!(
        "{}&prompt=none",
        world.authorization(&app.client_id, "User.Read")
    );
    assert_eq!(
        browser.open(&url).await.redirected_refusal(),
        ("consent_required".to_owned(), 65_001)
    );
}

#[tokio::test]
async fn admin_consent_grants_the_whole_registration() {
    let world = World::start().await;
    let (_, app) = registered(
        &world,
        &[USER_READ, USER_READ_ALL, OFFLINE_ACCESS],
        &[USER_READ_ALL_ROLE],
    )
    .await;
    let url = world.tenant_url(&format!(
        "/adminconsent?client_id={}&redirect_uri={REDIRECT}&state=s1",
        app.client_id
    ));
    let before = world
        .client_credentials(&app.client_id, &app.secret, GRAPH_DEFAULT)
        .await
        .ok();
    assert!(
        claims(&text(&before["access_token"]))
            .get("roles")
            .is_none()
    );
    assert_eq!(
        world
            .get(&text(&before["access_token"]), "/users")
            .await
            .graph_refusal()
            .0,
        403
    );

    let user = world.user(1);
    let page = world
        .browser()
        .sign_in(&url, &user.upn, &user.password)
        .await;
    assert_eq!(page.aadsts(), 90_093, "only for administrators");
    let admin = world.user(0);
    let mut browser = world.browser();
    let page = browser.sign_in(&url, &admin.upn, &admin.password).await;
    assert!(
        page.html.contains("for your organization")
            && page.html.contains("without a signed-in user"),
        "{}",
        page.html
    );
    let refused = browser.decide(&page, "cancel").await;
    assert_eq!(
        refused.redirected_refusal(),
        ("access_denied".to_owned(), 65_004)
    );
    assert_eq!(
        (
            refused.parameter("admin_consent"),
            refused.parameter("state")
        ),
        ("True".to_owned(), "s1".to_owned())
    );
    let page = browser.open(&url).await;
    let page = browser.decide(&page, "accept").await;
    assert_eq!(page.parameter("tenant"), world.facts().tenant_id);
    assert_eq!(
        (page.parameter("admin_consent"), page.parameter("state")),
        ("True".to_owned(), "s1".to_owned())
    );

    let after = world
        .client_credentials(&app.client_id, &app.secret, GRAPH_DEFAULT)
        .await
        .ok();
    assert_eq!(
        claims(&text(&after["access_token"]))["roles"],
        json!(["User.Read.All"])
    );
    assert_eq!(
        world
            .get(&text(&after["access_token"]), "/users")
            .await
            .status,
        200
    );
    let url = world.authorization(
        &app.client_id,
        "openid offline_access https://graph.microsoft.com/.default",
    );
    let page = world
        .browser()
        .sign_in(&url, &user.upn, &user.password)
        .await;
    let tokens = world
        .redeem(&app.client_id, &app.secret, &page.parameter("code"))
        .await
        .ok();
    assert_eq!(
        claims(&text(&tokens["access_token"]))["scp"],
        "User.Read User.Read.All email openid profile"
    );
}

#[tokio::test]
async fn the_second_version_grants_what_scope_says() {
    let world = World::start().await;
    let (_, app) = registered(&world, &[USER_READ, USER_READ_ALL], &[USER_READ_ALL_ROLE]).await;
    let admin = world.user(0);
    let go = async |scope: &str| {
        let url = world.tenant_url(&format!(
            "/v2.0/adminconsent?client_id={}&redirect_uri={REDIRECT}&state=s1&scope={scope}",
            app.client_id
        ));
        let mut browser = world.browser();
        let page = browser.sign_in(&url, &admin.upn, &admin.password).await;
        browser.decide(&page, "accept").await
    };
    let page = go("https://graph.microsoft.com/User.Read").await;
    assert_eq!(
        page.parameter("scope"),
        "https://graph.microsoft.com/User.Read"
    );
    let token = world
        .client_credentials(&app.client_id, &app.secret, GRAPH_DEFAULT)
        .await
        .ok();
    assert!(
        claims(&text(&token["access_token"])).get("roles").is_none(),
        "named scopes bring no application permission"
    );
    go(GRAPH_DEFAULT).await;
    let token = world
        .client_credentials(&app.client_id, &app.secret, GRAPH_DEFAULT)
        .await
        .ok();
    assert_eq!(
        claims(&text(&token["access_token"]))["roles"],
        json!(["User.Read.All"])
    );
}

#[tokio::test]
async fn a_custom_api_has_its_own_tokens() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let apis = world
        .get(
            &admin,
            "/applications?$filter=displayName eq 'Contoso Ledger API'",
        )
        .await
        .ok();
    let api = &apis["value"][0];
    let (api_id, uri) = (text(&api["appId"]), text(&api["identifierUris"][0]));
    let scope_id = text(&api["api"]["oauth2PermissionScopes"][0]["id"]);
    let app = world.register(&admin, &[USER_READ], &[]).await;
    let access = json!([
        {"resourceAppId": super::client::GRAPH, "resourceAccess": [{"id": USER_READ, "type": "Scope"}]},
        {"resourceAppId": api_id, "resourceAccess": [{"id": scope_id, "type": "Scope"}]},
    ]);
    let patched = world
        .graph(
            &admin,
            reqwest::Method::PATCH,
            &format!("/applications/{}", app.object_id),
            Some(json!({"requiredResourceAccess": access})),
        )
        .await;
    assert_eq!(patched.status, 204);
    let user = world.user(1);
    let scope = format!("offline_access User.Read {uri}/ledger.read");
    let page = world
        .browser()
        .sign_in_and_accept(
            &world.authorization(&app.client_id, &scope),
            &user.upn,
            &user.password,
        )
        .await;
    let several = world
        .token(&[
            ("grant_type", "authorization_code"),
            ("client_id", &app.client_id),
            ("client_secret", &app.secret),
            ("code", &page.parameter("code")),
            ("redirect_uri", REDIRECT),
            ("code_verifier", super::client::VERIFIER),
            ("scope", &scope),
        ])
        .await;
    assert_eq!(several.refusal(), (400, "invalid_request", 28_000));
    let first = world
        .redeem(&app.client_id, &app.secret, &page.parameter("code"))
        .await
        .ok();
    assert_eq!(
        claims(&text(&first["access_token"]))["aud"],
        "https://graph.microsoft.com",
        "the first resource"
    );
    let second = world
        .token(&[
            ("grant_type", "refresh_token"),
            ("client_id", &app.client_id),
            ("client_secret", &app.secret),
            ("refresh_token", &text(&first["refresh_token"])),
            ("scope", &format!("{uri}/Ledger.Read")),
        ])
        .await
        .ok();
    let token = claims(&text(&second["access_token"]));
    assert_eq!(
        (
            text(&token["aud"]),
            text(&token["ver"]),
            text(&token["scp"])
        ),
        (api_id, "2.0".to_owned(), "Ledger.Read".to_owned())
    );
    assert_eq!(
        world
            .get(&text(&second["access_token"]), "/me")
            .await
            .graph_refusal(),
        (
            401,
            "InvalidAuthenticationToken",
            "Access token validation failure. Invalid audience."
        )
    );
}
