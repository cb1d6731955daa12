//! Who gets into the portal and what each may do; forms of elsewhere; hostile names.

use super::browser::Page;
use super::client::{USER_READ_ALL, World};
use super::portal::CONSENT;

const GUEST: usize = 5;

#[tokio::test]
async fn the_portal_begins_with_the_page_that_was_asked_for() {
    let world = World::start().await;
    let admin = world.facts().admin.clone();
    let mut browser = world.browser();
    let asked = world.url("/portal/app-registrations?search=ledger");
    let page = browser.open(&asked).await;
    assert!(page.html.contains("<h1>Sign in</h1>"), "{}", page.html);
    let arrived = browser.sign_in(&asked, &admin.upn, &admin.password).await;
    let arrived = browser.follow(arrived).await;
    assert_eq!(arrived.url.as_str(), asked);
    assert_eq!(arrived.rows().len(), 1);
    // Signing out ends it; so does revoking the sessions.
    browser.click(&arrived, "Sign out").await;
    assert!(browser.open(&asked).await.html.contains("<h1>Sign in</h1>"));
    let (mut browser, _) = world.portal().await;
    let revoke = serde_json::json!({"user": admin.upn});
    world.control(reqwest::Method::POST, "revoke", revoke).await;
    assert!(browser.open(&asked).await.html.contains("<h1>Sign in</h1>"));
}

#[tokio::test]
async fn members_see_their_own_registrations_and_grant_nothing() {
    let world = World::start().await;
    let (member, other) = (world.user(3), world.user(4));
    let (mut browser, list) = world.portal_of(&member.upn, &member.password).await;
    assert!(list.rows().is_empty(), "{}", list.html);
    assert_eq!(list.find_link("All applications"), None);
    let overview = browser
        .register(&list, "Mine", "https://a.example/cb")
        .await;
    let permissions = browser.click(&overview, "API permissions").await;
    let permissions = browser
        .add_permissions(&permissions, "Delegated permissions", &[USER_READ_ALL])
        .await;
    let button = permissions.html.split(CONSENT).next().unwrap();
    assert!(button.ends_with("disabled>"), "{button}");
    let consent = permissions.form_of(CONSENT).action;
    let consent = permissions.url.join(&consent).unwrap();
    assert_eq!(browser.open(consent.as_str()).await.status, 403);
    let token = permissions.form_of("Remove permission").inputs;
    let refused = browser.post(consent.as_str(), &token).await;
    assert_eq!(refused.status, 403);
    assert!(refused.html.contains("needs a Global Administrator"));
    let withdraw = consent.join("withdraw").unwrap();
    assert_eq!(browser.post(withdraw.as_str(), &token).await.status, 403);
    let again = browser.open(permissions.url.as_str()).await;
    assert!(again.html.contains("Not granted for Contoso (SANDBOX)"));

    let (mut stranger, list) = world.portal_of(&other.upn, &other.password).await;
    assert_eq!(list.find_link("Mine"), None);
    for path in [
        "",
        "/authentication",
        "/certificates-and-secrets",
        "/delete",
    ] {
        let url = format!("{}{path}", overview.url);
        assert_eq!(stranger.open(&url).await.status, 403, "{path}");
    }
    let form = stranger
        .click(&list, "New registration")
        .await
        .form_of("Register");
    let url = format!("{}/delete", overview.url);
    assert_eq!(stranger.post(&url, &form.inputs).await.status, 403);
    let (mut admin, list) = world.portal().await;
    assert_eq!(admin.click(&list, "Mine").await.status, 200);
    assert_eq!(admin.open(&world.url("/portal/nowhere")).await.status, 404);
    let unknown = world.url("/portal/app-registrations/00000000-0000-0000-0000-000000000001");
    assert_eq!(admin.open(&unknown).await.status, 404);

    let guest = world.user(GUEST);
    let (_, page) = world.portal_of(&guest.upn, &guest.password).await;
    assert_eq!(page.status, 403, "{}", guest.upn);
    assert_eq!(page.find_link("New registration"), None);
}

#[tokio::test]
async fn forms_of_elsewhere_change_nothing() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let (mut other, others) = world.portal().await;
    let page = browser.click(&list, "New registration").await;
    let form = page.form_of("Register");
    let foreign = other
        .click(&others, "New registration")
        .await
        .form_of("Register");
    let url = page.url.to_string();
    let fill = |inputs: &[(String, String)]| {
        let tokens = inputs.iter().filter(|(name, _)| name == "token");
        let mut inputs: Vec<_> = tokens.cloned().collect();
        inputs.push(("name".to_owned(), "Forged".to_owned()));
        inputs.push(("audience".to_owned(), "AzureADMyOrg".to_owned()));
        inputs
    };
    assert_eq!(browser.post(&url, &fill(&[])).await.status, 403, "no token");
    assert_eq!(
        browser.post(&url, &fill(&foreign.inputs)).await.status,
        403,
        "another session's token"
    );
    for (name, value) in [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("sec-fetch-site", "none"),
        ("origin", "https://evil.example"),
        ("origin", "https://localhost:8800"),
        ("origin", "null"),
    ] {
        browser.form_headers = vec![(name, value.to_owned())];
        let refused = browser.post(&url, &fill(&form.inputs)).await;
        assert_eq!(refused.status, 403, "{name}: {value}");
        assert!(refused.html.contains("Nothing was changed"));
    }
    let found = browser.open(list.url.as_str()).await;
    assert_eq!(found.find_link("Forged"), None);
    browser.form_headers = vec![
        ("sec-fetch-site", "same-origin".to_owned()),
        ("origin", world.sandbox.origin().to_owned()),
    ];
    let made = browser.post(&url, &fill(&form.inputs)).await;
    assert_eq!(made.status, 303, "{}", made.html);
}

#[tokio::test]
async fn hostile_names_are_text_on_every_page() {
    const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror='x'>&amp;";
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let overview = browser.register(&list, HOSTILE, "").await;
    let address = overview.url.to_string();
    let fields = [("description", HOSTILE), ("expires", "180")];
    let adding = browser
        .open(&format!("{address}/certificates-and-secrets/new"))
        .await;
    let check = |page: &Page| {
        assert!(
            !page.html.contains("<script") && !page.html.contains("<img"),
            "{}",
            page.url
        );
        assert!(
            page.html.contains("&lt;script&gt;"),
            "{}: {}",
            page.url,
            page.html
        );
    };
    check(&browser.press(&adding, "Add", &fields).await);
    check(&overview);
    let search = url::Url::parse_with_params(list.url.as_str(), [("search", HOSTILE)]).unwrap();
    check(&browser.open(search.as_str()).await);
    for path in [
        "",
        "/endpoints",
        "/delete",
        "/authentication",
        "/certificates-and-secrets",
        "/certificates-and-secrets/new",
        "/api-permissions",
        "/api-permissions/consent",
        "/api-permissions/add",
        "/api-permissions/add/00000003-0000-0000-c000-000000000000",
        "/api-permissions/add/00000003-0000-0000-c000-000000000000/delegated?search=%3Cscript%3E",
    ] {
        check(&browser.open(&format!("{address}{path}")).await);
    }
    let authentication = browser.open(&format!("{address}/authentication")).await;
    let fields = [("platform", "web"), ("redirect_uri", HOSTILE)];
    check(&browser.press(&authentication, "Add URI", &fields).await);
    let unknown = world.url("/portal/app-registrations/%3Cscript%3E");
    check(&browser.open(&unknown).await);
    check(&browser.register(&list, HOSTILE, HOSTILE).await);
}

#[tokio::test]
async fn pages_carry_a_strict_policy_and_stay_out_of_caches_and_log() {
    let world = World::start().await;
    let (_, list) = world.portal().await;
    let before = world.log().await;
    assert!(
        before
            .iter()
            .all(|line| !line["path"].as_str().unwrap().starts_with("/portal"))
    );
    assert_eq!(before.len(), 1, "the sign-in form alone: {before:?}");
    let style = world
        .http
        .get(world.url("/portal/style.css"))
        .send()
        .await
        .unwrap();
    assert_eq!(style.headers()["content-type"], "text/css; charset=utf-8");
    assert!(!list.html.contains("style=\"") && !list.html.contains("<style"));
    assert!(
        list.html
            .contains("<link rel=\"stylesheet\" href=\"/portal/style.css\">")
    );
    let policy = list.headers["content-security-policy"].to_str().unwrap();
    assert_eq!(
        policy,
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    );
    assert_eq!(list.headers["cache-control"], "no-store, no-cache");
    assert_eq!(list.headers["x-frame-options"], "DENY");
    assert_eq!(list.headers["x-content-type-options"], "nosniff");
}

/// The values of an attribute, in the order of the page.
fn attributes(html: &str, name: &str) -> Vec<String> {
    let start = format!(" {name}=\"");
    let values = html.split(&start).skip(1);
    values
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}

/// What somebody needs who does not see the page, or uses the keyboard alone.
fn check_structure(page: &Page) {
    let (html, url) = (&page.html, &page.url);
    let mut ids = attributes(html, "id");
    ids.sort();
    let count = ids.len();
    ids.dedup();
    assert_eq!(ids.len(), count, "{url}: an id occurs twice");
    for reference in ["for", "aria-describedby"] {
        for id in attributes(html, reference) {
            assert!(ids.contains(&id), "{url}: {reference}={id} leads nowhere");
        }
    }
    let labelled = attributes(html, "for");
    for kind in ["<input ", "<select ", "<textarea "] {
        for field in html.split(kind).skip(1) {
            let tag = field.split('>').next().unwrap();
            let hidden = tag.contains("type=\"hidden\"");
            // Radio buttons and checkboxes stand inside their labels.
            let inside = tag.contains("type=\"radio\"") || tag.contains("type=\"checkbox\"");
            let id = attributes(&format!(" {tag}"), "id");
            let by_id = id.first().is_some_and(|id| labelled.contains(id));
            let named = tag.contains("aria-label=\"");
            assert!(hidden || inside || by_id || named, "{url}: {tag}");
        }
    }
    let levels: Vec<u8> = html
        .split("<h")
        .skip(1)
        .filter_map(|rest| Some(rest.as_bytes()[0]).filter(u8::is_ascii_digit))
        .collect();
    assert_eq!(
        html.split("<h1>").count(),
        2,
        "{url}: one heading of the page"
    );
    assert_eq!(levels[0], b'1', "{url}: {levels:?}");
    let steps = levels.windows(2).all(|pair| pair[1] <= pair[0] + 1);
    assert!(steps, "{url}: {levels:?}");
    for needed in [
        "<html lang=\"en\">",
        "– SANDBOX portal</title>",
        "<strong>SANDBOX</strong>",
        "aria-label=\"Breadcrumb\"",
        "<a class=\"skip\" href=\"#content\">",
    ] {
        assert!(html.contains(needed), "{url}: {needed}");
    }
}

#[tokio::test]
async fn every_page_has_labels_headings_in_order_and_a_way_back() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    world.app_token().await;
    let uris = "https://a.example/1\nhttps://a.example/2";
    let overview = browser.register(&list, "App", uris).await;
    let app = overview.url.path().to_owned();
    for _ in 0..2 {
        let adding = browser
            .open(&world.url(&format!("{app}/certificates-and-secrets/new")))
            .await;
        let secrets = browser.press(&adding, "Add", &[("expires", "90")]).await;
        check_structure(&secrets);
    }
    let graph = "api-permissions/add/00000003-0000-0000-c000-000000000000";
    let of_app = [
        "",
        "/endpoints",
        "/delete",
        "/authentication",
        "/certificates-and-secrets/new",
        "/certificates-and-secrets/upload",
        "/api-permissions",
        "/api-permissions/consent",
        "/api-permissions/add",
    ];
    let mut paths: Vec<String> = of_app.iter().map(|path| format!("{app}{path}")).collect();
    paths.extend(["", "/delegated", "/application"].map(|kind| format!("{app}/{graph}{kind}")));
    paths.extend(
        [
            "app-registrations",
            "app-registrations/new",
            "sign-ins",
            "sessions",
            "faults-and-clock",
            "requests",
            "requests/1",
        ]
        .map(|page| format!("/portal/{page}")),
    );
    for path in paths {
        let page = browser.open(&world.url(&path)).await;
        assert_eq!(page.status, 200, "{path}");
        check_structure(&page);
    }
    let missing = browser.open(&world.url("/portal/nowhere")).await;
    assert_eq!(missing.status, 404);
    check_structure(&missing);
}
