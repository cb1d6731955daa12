//! Device codes: what the app gets, what the person sees, and Entra's numbers for what goes wrong.

use serde_json::{Value, json};

use super::client::{Answer, World, text};

const GRANT: &str = "urn:ietf:params:oauth:grant-type:device_code";

async fn begin(world: &World, form: &[(&str, &str)]) -> Answer {
    let url = world.tenant_url("/oauth2/v2.0/devicecode");
    Answer::of(world.http.post(url).form(form).send().await.unwrap()).await
}

async fn poll(world: &World, client_id: &str, device_code: &str) -> Answer {
    world
        .token(&[
            ("grant_type", GRANT),
            ("client_id", client_id),
            ("device_code", device_code),
        ])
        .await
}

/// Types a code; answers the page after it.
async fn type_code(world: &World, code: &str) -> (super::browser::Browser, super::browser::Page) {
    let mut browser = world.browser();
    let url = world.url("/devicelogin");
    let page = browser.open(&url).await;
    assert_eq!(page.form().action, "/devicelogin");
    let page = browser
        .post(&url, &[("user_code".to_owned(), code.to_owned())])
        .await;
    (browser, page)
}

#[tokio::test]
async fn a_code_is_typed_and_the_app_gets_its_token() {
    let world = World::start().await;
    let client_id = world.facts().admin.client_id.clone();
    let scope = ("scope", "openid offline_access User.Read");
    let begun = begin(&world, &[("client_id", &client_id), scope])
        .await
        .ok();
    let (user_code, device_code) = (text(&begun["user_code"]), text(&begun["device_code"]));
    assert_eq!(user_code.len(), 9);
    assert_eq!(
        (&begun["expires_in"], &begun["interval"]),
        (&json!(900), &json!(5))
    );
    assert!(text(&begun["message"]).contains(&user_code));
    assert_eq!(text(&begun["verification_uri"]), world.url("/devicelogin"));
    assert_eq!(begun.get("verification_uri_complete"), None);

    let waits = poll(&world, &client_id, &device_code).await;
    assert_eq!(waits.refusal(), (400, "authorization_pending", 70_016));
    let (mut browser, page) = type_code(&world, &user_code).await;
    let person = world.user(1);
    let fields = [
        ("login", person.upn.as_str()),
        ("password", &person.password),
    ];
    let done = browser.submit(&page, &page.form(), &fields, None).await;
    assert!(
        done.html.contains("You have signed in on your device"),
        "{}",
        done.html
    );
    // Typed once is typed.
    let (_, again) = type_code(&world, &user_code).await;
    assert_eq!(again.aadsts(), 70_018);

    let token: Value = poll(&world, &client_id, &device_code).await.ok();
    assert!(token["refresh_token"].is_string() && token["id_token"].is_string());
    let me = world.get(&text(&token["access_token"]), "/me").await.ok();
    assert_eq!(text(&me["userPrincipalName"]), person.upn);
    let spent = poll(&world, &client_id, &device_code).await;
    assert_eq!(spent.refusal(), (400, "bad_verification_code", 70_018));
}

#[tokio::test]
async fn what_goes_wrong_has_its_number() {
    let world = World::start().await;
    let client_id = world.facts().admin.client_id.clone();
    for (form, refusal) in [
        (
            vec![("scope", "User.Read")],
            (400, "invalid_request", 900_144),
        ),
        (
            vec![("client_id", client_id.as_str())],
            (400, "invalid_request", 900_144),
        ),
        (
            vec![
                ("client_id", "00000000-0000-4000-8000-000000000000"),
                ("scope", "User.Read"),
            ],
            (400, "unauthorized_client", 700_016),
        ),
    ] {
        assert_eq!(begin(&world, &form).await.refusal(), refusal);
    }
    let scope = ("scope", "User.Read");
    let begun = begin(&world, &[("client_id", &client_id), scope])
        .await
        .ok();
    let device_code = text(&begun["device_code"]);
    // A confidential app's code is not for a client without proof, and nobody polls for another's.
    let app = world.facts().app.client_id.clone();
    let unproved = poll(&world, &app, &device_code).await;
    assert_eq!(unproved.refusal(), (401, "invalid_client", 7_000_218));
    let secret = world.facts().app.client_secret.clone();
    let foreign = world
        .token(&[
            ("grant_type", "device_code"),
            ("client_id", &app),
            ("client_secret", &secret),
            ("code", &device_code),
        ])
        .await;
    assert_eq!(foreign.refusal(), (400, "bad_verification_code", 70_018));
    let (_, unknown) = type_code(&world, "BCDFGHJKL").await;
    assert_eq!(unknown.aadsts(), 70_018);
    world.clock(901).await;
    let (_, late) = type_code(&world, &text(&begun["user_code"])).await;
    assert_eq!(late.aadsts(), 70_019);
    let ended = poll(&world, &client_id, &device_code).await;
    assert_eq!(ended.refusal(), (400, "expired_token", 70_020));
}
