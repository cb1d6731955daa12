//! The portal's pages for administrators: sign-ins and tokens, sessions, faults and clock,
//! requests.

use reqwest::Method;
use serde_json::json;

use super::browser::Page;
use super::client::{GRAPH_DEFAULT, World, text};

const PAGES: [&str; 4] = ["sign-ins", "sessions", "faults-and-clock", "requests"];

fn column(page: &Page, name: &str) -> Vec<String> {
    let rows = page.rows();
    rows.iter()
        .filter_map(|row| row.get(name).cloned())
        .collect()
}

#[tokio::test]
async fn members_see_none_of_it() {
    let world = World::start().await;
    let member = world.user(3);
    let (mut browser, list) = world.portal_of(&member.upn, &member.password).await;
    let token = browser.click(&list, "New registration").await;
    let token = token.form_of("Register").inputs;
    for page in PAGES {
        assert!(!list.html.contains(&format!("/portal/{page}")), "{page}");
        let refused = browser.open(&world.url(&format!("/portal/{page}"))).await;
        assert_eq!(refused.status, 403, "{page}");
    }
    let mut forged = token.clone();
    forged.push(("offset_seconds".to_owned(), "1000".to_owned()));
    forged.push(("user".to_owned(), world.user(0).id));
    for step in [
        "sessions/revoke",
        "faults-and-clock/clock",
        "faults-and-clock/add",
        "faults-and-clock/clear",
        "faults-and-clock/lifetime",
    ] {
        let url = world.url(&format!("/portal/{step}"));
        assert_eq!(browser.post(&url, &forged).await.status, 403, "{step}");
    }
    let (mut admin, list) = world.portal().await;
    let page = admin.click(&list, "Faults and clock").await;
    assert_eq!(page.value("Offset in seconds"), "0");
    let page = admin.click(&list, "Sessions").await;
    assert_eq!(column(&page, "Sessions revoked")[0], "never");
}

#[tokio::test]
async fn sign_ins_and_issued_tokens_are_shown_with_their_failures() {
    let world = World::start().await;
    let (mut admin, list) = world.portal().await;
    let (user, app) = (world.user(3), world.facts().app.clone());
    let url = world.authorization(&app.client_id, "User.Read offline_access");
    world.browser().sign_in(&url, &user.upn, "wrong <b>").await;
    world.delegated(&user, "User.Read offline_access").await;
    world
        .client_credentials(&app.client_id, "wrong", GRAPH_DEFAULT)
        .await;
    world.app_token().await;
    let page = admin.click(&list, "Sign-ins and tokens").await;
    assert_eq!(
        column(&page, "Type"),
        ["Token request", "Interactive", "Interactive", "Interactive"]
    );
    let status = column(&page, "Status");
    assert!(
        status[0].starts_with("Failure: AADSTS7000215"),
        "{status:?}"
    );
    assert_eq!(status[1], "Success");
    assert!(status[2].starts_with("Failure: AADSTS50126"), "{status:?}");
    assert_eq!(column(&page, "Application")[3], "Portal");
    assert_eq!(
        column(&page, "Grant type"),
        ["client_credentials", "authorization_code"]
    );
    let permissions = column(&page, "Permissions");
    assert_eq!(permissions[0], "User.Read.All");
    assert!(permissions[1].contains("User.Read"));
    // The fingerprint is the one of the request log.
    let log = world.log().await;
    let issued = log.last().unwrap()["token_fingerprint"].clone();
    assert_eq!(column(&page, "Fingerprint")[0], text(&issued));
    let page = admin.open(&format!("{}?search=50126", page.url)).await;
    assert_eq!(column(&page, "User"), [user.upn]);
}

#[tokio::test]
async fn revoking_sessions_kills_refresh_tokens() {
    let world = World::start().await;
    let (mut admin, list) = world.portal().await;
    let user = world.user(3);
    let tokens = world.delegated(&user, "User.Read offline_access").await;
    let refresh = text(&tokens["refresh_token"]);
    world.refresh(&refresh).await.ok();
    let page = admin.click(&list, "Sessions").await;
    let search = format!("{}?search={}", page.url, user.upn.to_uppercase());
    let page = admin.open(&search).await;
    assert_eq!(column(&page, "User principal name"), [user.upn.as_str()]);
    let page = admin.press(&page, "Revoke sessions", &[]).await;
    assert!(
        page.html
            .contains(&format!("The sessions of {} were revoked.", user.upn))
    );
    assert_eq!(world.refresh(&refresh).await.refusal().2, 50_173);
    let page = admin.open(&search).await;
    assert_ne!(column(&page, "Sessions revoked"), ["never"]);
    let none = admin.open(&format!("{}?search=nobody", page.url)).await;
    assert!(none.rows().is_empty() && none.html.contains("No user matches."));
}

#[tokio::test]
async fn faults_clock_and_lifetimes_are_set_by_form() {
    let world = World::start().await;
    let (mut admin, list) = world.portal().await;
    let app = world.facts().app.clone();
    let page = admin.click(&list, "Faults and clock").await;
    for (button, fields) in [
        ("Add fault", vec![("route", "token")]),
        ("Add fault", vec![("route", "token"), ("status", "99")]),
        ("Add fault", vec![("route", "graph"), ("status", "many")]),
        ("Add fault", vec![("route", "elsewhere"), ("status", "500")]),
        ("Set clock", vec![("offset_seconds", "99999999999")]),
        ("Set clock", vec![("offset_seconds", "")]),
        ("Set lifetime", vec![("access_seconds", "0")]),
    ] {
        let refused = admin.press(&page, button, &fields).await;
        assert_eq!(refused.status, 400, "{button} {fields:?}");
        assert!(refused.html.contains("role=\"alert\""));
    }
    let fields = [
        ("route", "token"),
        ("match", "client_credentials"),
        ("retry_after", "2.128"),
        ("body", "{\"slow\": \"<down>\"}"),
        ("times", "2"),
    ];
    let page = admin.press(&page, "Add fault", &fields).await;
    assert_eq!(column(&page, "Times left"), ["2"]);
    assert_eq!(column(&page, "Match"), ["client_credentials"]);
    assert!(page.html.contains("&lt;down&gt;"));
    let ask = async || {
        world
            .client_credentials(&app.client_id, &app.client_secret, GRAPH_DEFAULT)
            .await
    };
    let answer = ask().await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("retry-after")),
        (429, "2.128")
    );
    assert_eq!(answer.body, json!({"slow": "<down>"}));
    let page = admin.open(page.url.as_str()).await;
    assert_eq!(column(&page, "Times left"), ["1"]);
    let page = admin.press(&page, "Remove all faults", &[]).await;
    assert!(page.rows().is_empty());

    let page = admin
        .press(&page, "Set lifetime", &[("access_seconds", "77")])
        .await;
    assert_eq!(page.value("Access token lifetime in seconds"), "77");
    let answer = ask().await.ok();
    assert_eq!(answer["expires_in"], 77);
    let token = text(&answer["access_token"]);
    let page = admin
        .press(&page, "Set clock", &[("offset_seconds", "78")])
        .await;
    assert_eq!(page.value("Offset in seconds"), "78");
    let answer = world.get(&token, "/users").await;
    assert_eq!(answer.graph_refusal().0, 401);
    let page = admin.press(&page, "Reset clock", &[]).await;
    assert_eq!(page.value("Offset in seconds"), "0");
    world.get(&token, "/users").await.ok();
    admin
        .press(&page, "Set lifetime", &[("access_seconds", "")])
        .await;
    assert_eq!(ask().await.ok()["expires_in"], 3599);
}

#[tokio::test]
async fn requests_are_inspected_and_searched() {
    let world = World::start().await;
    let (mut admin, list) = world.portal().await;
    let token = world.app_token().await;
    world.get(&token, "/users/nobody%3Cscript%3E").await;
    world.get(&token, "/users?$top=1").await.ok();
    let page = admin.click(&list, "Requests").await;
    assert_eq!(column(&page, "Number"), ["4", "3", "2", "1"]);
    assert!(page.html.contains("/v1.0/users/nobody%3Cscript%3E"));
    let failures = admin.open(&format!("{}?failures=true", page.url)).await;
    assert_eq!(column(&failures, "Status"), ["404"]);
    let found = admin
        .open(&format!("{}?search=CLIENT_CREDENTIALS", page.url))
        .await;
    assert_eq!(column(&found, "Number"), ["2"]);
    let one = admin.click(&found, "2").await;
    let log = world
        .control(Method::GET, "log?after=1", json!(null))
        .await
        .text;
    let line: serde_json::Value = serde_json::from_str(log.lines().next().unwrap()).unwrap();
    assert_eq!(one.value("Request ID"), text(&line["request_id"]));
    assert!(
        one.html
            .contains(line["token_fingerprint"].as_str().unwrap())
    );
    assert!(one.html.contains(&world.facts().app.client_id));
    for number in ["0", "5", "x"] {
        let missing = admin.open(&format!("{}/{number}", page.url)).await;
        assert_eq!(missing.status, 404, "{number}");
    }
}

#[tokio::test]
async fn hostile_words_are_text_on_these_pages_too() {
    const HOSTILE: &str = "<script>alert(1)</script>";
    let world = World::start().await;
    let (mut admin, list) = world.portal().await;
    admin.register(&list, HOSTILE, "").await;
    let user = world.user(3);
    let url = world.authorization(&world.facts().app.client_id, "User.Read");
    world.browser().sign_in(&url, HOSTILE, &user.password).await;
    world.client_credentials(HOSTILE, HOSTILE, HOSTILE).await;
    let page = admin.click(&list, "Faults and clock").await;
    let fields = [("route", "graph"), ("match", HOSTILE), ("body", HOSTILE)];
    admin.press(&page, "Add fault", &fields).await;
    for address in [
        "sign-ins",
        "sign-ins?search=%3Cscript%3E",
        "sessions?search=%3Cscript%3E",
        "faults-and-clock",
        "requests?search=%3Cscript%3E",
    ] {
        let page = admin.open(&world.url(&format!("/portal/{address}"))).await;
        assert!(!page.html.contains("<script"), "{address}");
        assert!(page.html.contains("&lt;script&gt;"), "{address}");
    }
}
