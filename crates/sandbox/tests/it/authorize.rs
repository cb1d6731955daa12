//! The authorization endpoint: what is a page, what is a redirect, what is asked.

use serde_json::json;
use url::Url;

use super::client::{CHALLENGE, REDIRECT, World, text};

/// The parameters of a good request, with some replaced or (empty) left out.
fn request(world: &World, changes: &[(&str, &str)]) -> String {
    let client_id = world.facts().app.client_id.clone();
    let mut parameters = vec![
        ("client_id", client_id.as_str()),
        ("response_type", "code"),
        ("redirect_uri", REDIRECT),
        ("scope", "User.Read"),
        ("state", "st/ate"),
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "S256"),
    ];
    for (name, value) in changes {
        parameters.retain(|(known, _)| known != name);
        if !value.is_empty() {
            parameters.push((name, value));
        }
    }
    world.authorize_url(&parameters)
}

#[tokio::test]
async fn a_code_comes_back_with_the_state_and_a_lone_hash() {
    let world = World::start().await;
    let user = world.user(1);
    let url = request(&world, &[("client_info", "1")]);
    let page = world
        .browser()
        .sign_in_and_accept(&url, &user.upn, &user.password)
        .await;
    let location = page.location.clone().unwrap();
    assert!(
        location.starts_with(&format!("{REDIRECT}?code=")),
        "{location}"
    );
    assert!(location.ends_with('#'));
    assert_eq!(page.parameter("state"), "st/ate");
    assert_eq!(page.parameter("session_state").len(), 36);
    assert!(!page.parameter("client_info").is_empty());
}

#[tokio::test]
async fn what_is_shown_as_a_page_and_never_redirected() {
    let world = World::start().await;
    let mut browser = world.browser();
    for (changes, code) in [
        (
            &[("redirect_uri", "https://elsewhere.example/cb")][..],
            50_011,
        ),
        (
            &[(
                "redirect_uri",
                "http://localhost:8800/oauth/callback/Microsoft-Graph",
            )],
            50_011,
        ),
        (&[("client_id", "")], 900_144),
        (&[("response_type", "")], 900_144),
        (&[("scope", "")], 900_144),
        (
            &[("client_id", "11111111-2222-4333-8444-555555555555")],
            700_016,
        ),
        (&[("client_id", "not a guid")], 700_016),
    ] {
        let page = browser.open(&request(&world, changes)).await;
        assert_eq!((page.status, page.aadsts()), (400, code), "{changes:?}");
        assert!(page.location.is_none());
    }
    for (tenant, code) in [
        ("elsewhere.example", 90_002),
        ("no_where", 900_023),
        ("common", 50_194),
        ("organizations", 50_194),
    ] {
        let url = request(&world, &[]).replace(&world.facts().tenant_id, tenant);
        assert_eq!(browser.open(&url).await.aadsts(), code, "{tenant}");
    }
    let admin = world.admin_token().await;
    let made = world
        .post(
            &admin,
            "/applications",
            json!({"displayName": "No address"}),
        )
        .await
        .ok();
    let page = browser
        .open(&request(&world, &[("client_id", &text(&made["appId"]))]))
        .await;
    assert_eq!(page.aadsts(), 500_113);
}

#[tokio::test]
async fn texts_on_the_page_name_what_is_wrong() {
    let world = World::start().await;
    let page = world
        .browser()
        .open(&request(
            &world,
            &[("redirect_uri", "https://elsewhere.example/cb?<x>")],
        ))
        .await;
    let client_id = &world.facts().app.client_id;
    assert!(page.html.contains(&format!("The redirect URI &#39;https://elsewhere.example/cb?&lt;x&gt;&#39; specified in the request does not match the redirect URIs configured for the application &#39;{client_id}&#39;.")), "{}", page.html);
}

#[tokio::test]
async fn what_is_redirected_as_an_error() {
    let world = World::start().await;
    let mut browser = world.browser();
    for (changes, error, code) in [
        (&[("scope", "user.real.all")][..], "invalid_client", 650_053),
        (&[("scope", "User.Read\nopenid")], "invalid_client", 650_053),
        (&[("scope", "User.Read,openid")], "invalid_scope", 70_011),
        (
            &[("scope", "https://graph.microsoft.com/.default User.Read")],
            "invalid_scope",
            70_011,
        ),
        (
            &[("scope", "https://elsewhere.example/.default")],
            "invalid_resource",
            500_011,
        ),
        (
            &[("response_type", "token")],
            "unsupported_response_type",
            70_005,
        ),
        (
            &[("response_type", "id_token")],
            "unsupported_response_type",
            700_054,
        ),
        (&[("response_mode", "odd")], "invalid_request", 70_007),
        (&[("prompt", "odd")], "invalid_request", 90_023),
        (&[("code_challenge", "short")], "invalid_request", 50_147),
        (
            &[("code_challenge_method", "S512")],
            "invalid_request",
            50_149,
        ),
        (&[("prompt", "none")], "login_required", 50_058),
    ] {
        let page = browser.open(&request(&world, changes)).await;
        assert_eq!(
            page.redirected_refusal(),
            (error.to_owned(), code),
            "{changes:?}"
        );
        assert_eq!(page.parameter("state"), "st/ate");
        assert_eq!(page.status, 302);
    }
}

#[tokio::test]
async fn a_resource_that_the_registration_does_not_list() {
    let world = World::start().await;
    let token = world.app_token().await;
    let _ = token;
    let admin = world.admin_token().await;
    let apps = world
        .get(
            &admin,
            "/applications?$filter=displayName eq 'Contoso Ledger API'",
        )
        .await
        .ok();
    let uri = text(&apps["value"][0]["identifierUris"][0]);
    for scope in [format!("{uri}/Ledger.Read"), format!("{uri}/.default")] {
        let page = world
            .browser()
            .open(&request(&world, &[("scope", &scope)]))
            .await;
        assert_eq!(
            page.redirected_refusal(),
            ("invalid_client".to_owned(), 650_057),
            "{scope}"
        );
    }
}

#[tokio::test]
async fn wrong_passwords_and_unknown_users_stay_on_the_page() {
    let world = World::start().await;
    let user = world.user(1);
    let url = request(&world, &[]);
    let mut browser = world.browser();
    let page = browser.sign_in(&url, &user.upn, "Sandbox-wrong").await;
    assert_eq!((page.status, page.aadsts()), (200, 50_126));
    let page = browser
        .submit(
            &page,
            &page.form(),
            &[("login", "nobody@contoso.example"), ("password", "x")],
            None,
        )
        .await;
    assert_eq!(page.aadsts(), 50_034);
    let form = page.form();
    assert!(
        form.inputs
            .contains(&("login".to_owned(), "nobody@contoso.example".to_owned()))
    );
    let page = browser
        .submit(
            &page,
            &form,
            &[
                ("login", &user.upn.to_uppercase()),
                ("password", &user.password),
            ],
            None,
        )
        .await;
    assert!(
        page.location.is_some(),
        "the third time it is right: {}",
        page.html
    );
}

#[tokio::test]
async fn forms_of_others_are_refused() {
    let world = World::start().await;
    let user = world.user(1);
    let mut browser = world.browser();
    let page = browser.open(&request(&world, &[])).await;
    let form = page.form();
    let forged = [
        ("context", "1.sandbox-form.AAAA"),
        ("login", user.upn.as_str()),
        ("password", user.password.as_str()),
    ];
    assert_eq!(
        browser.submit(&page, &form, &forged, None).await.aadsts(),
        50_012
    );
    let context = form
        .inputs
        .iter()
        .find(|(name, _)| name == "context")
        .unwrap()
        .1
        .clone();
    let consent = world
        .http
        .post(world.tenant_url("/consent"))
        .form(&[("context", context.as_str()), ("decision", "accept")]);
    assert!(
        consent
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap()
            .contains("AADSTS50012"),
        "a sign-in form is no consent"
    );
    let foreign = world
        .http
        .post(world.tenant_url("/login"))
        .header("sec-fetch-site", "cross-site")
        .form(&[("context", context.as_str())]);
    assert_eq!(foreign.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn answers_by_fragment_and_form_post() {
    let world = World::start().await;
    let user = world.user(1);
    let url = request(&world, &[("response_mode", "fragment")]);
    let page = world
        .browser()
        .sign_in_and_accept(&url, &user.upn, &user.password)
        .await;
    let location: Url = page.location.unwrap().parse().unwrap();
    assert!(location.fragment().unwrap().starts_with("code="));
    assert!(location.query().is_none());
    let url = request(
        &world,
        &[("response_mode", "form_post"), ("state", "a\"><script>")],
    );
    let page = world
        .browser()
        .sign_in(&url, &user.upn, &user.password)
        .await;
    let form = page.form();
    assert_eq!(form.action, REDIRECT);
    assert!(
        form.inputs
            .contains(&("state".to_owned(), "a\"><script>".to_owned()))
    );
    assert!(form.inputs.iter().any(|(name, _)| name == "code"));
}

#[tokio::test]
async fn prompts_and_hints() {
    let world = World::start().await;
    let (one, two) = (world.user(1), world.user(2));
    let mut browser = world.browser();
    browser
        .sign_in_and_accept(&request(&world, &[]), &one.upn, &one.password)
        .await;
    assert!(
        browser.open(&request(&world, &[])).await.location.is_some(),
        "signed in already"
    );
    assert!(
        browser
            .open(&request(&world, &[("prompt", "none")]))
            .await
            .find_parameter("code")
            .is_some()
    );
    assert!(
        browser
            .open(&request(&world, &[("prompt", "login")]))
            .await
            .location
            .is_none()
    );
    let hinted = browser
        .open(&request(&world, &[("login_hint", &two.upn)]))
        .await;
    assert!(
        hinted
            .form()
            .inputs
            .contains(&("login".to_owned(), two.upn.clone())),
        "another user is asked for"
    );
    let page = browser
        .open(&request(
            &world,
            &[("prompt", "select_account"), ("login_hint", &two.upn)],
        ))
        .await;
    let forms = page.forms();
    assert!(
        forms[0]
            .inputs
            .contains(&("login".to_owned(), String::new())),
        "no hint"
    );
    let account = &forms[1].buttons[0];
    assert_eq!(account.0, "account");
    let page = browser
        .submit(&page, &forms[1], &[], Some((&account.0, &account.1)))
        .await;
    assert!(page.find_parameter("code").is_some());
    let page = browser
        .open(&request(&world, &[("prompt", "consent")]))
        .await;
    assert!(page.html.contains("Permissions requested"), "{}", page.html);
}

#[tokio::test]
async fn redirect_uri_may_be_left_out() {
    let world = World::start().await;
    let user = world.user(1);
    let page = world
        .browser()
        .sign_in_and_accept(
            &request(&world, &[("redirect_uri", "")]),
            &user.upn,
            &user.password,
        )
        .await;
    assert!(
        page.location
            .unwrap()
            .starts_with("http://localhost/oauth/callback/microsoft-graph?code=")
    );
}
