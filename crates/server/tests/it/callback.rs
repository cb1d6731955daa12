//! What comes back from a provider, and what must not be believed of it (`security.md` §3.2).

use serde_json::{Value, json};
use store::{Actor, Role};
use url::Url;

use crate::browser::{Browser, Page};
use crate::house::House;
use crate::walk::{authorize, consent, create, graph, sign_in};

/// How often the sandbox's token endpoint was asked; the truth is counted outside.
pub(crate) async fn token_requests(house: &House) -> usize {
    let sandbox = house.sandbox.as_ref().unwrap();
    let authority = reqwest::Certificate::from_pem(sandbox.ca_pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder()
        .tls_certs_only([authority])
        .no_proxy()
        .build()
        .unwrap();
    let request = client
        .get(format!("{}/sandbox/log", sandbox.origin()))
        .bearer_auth(&sandbox.facts().control_token);
    let log = request.send().await.unwrap().text().await.unwrap();
    let rows = log
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    rows.filter(|row| row["path"].as_str().unwrap().ends_with("/token"))
        .count()
}

struct Trip {
    house: House,
    key: String,
    browser: Browser,
}

impl Trip {
    async fn new() -> Trip {
        let house = House::with_sandbox().await;
        let key = house.key(Role::Admin).await;
        create(&house, &key, &graph(&house, "graph", &json!({}))).await;
        let browser = Browser::new(&house);
        Trip {
            house,
            key,
            browser,
        }
    }

    /// Signs in, consents, and stops where the provider sends the browser back: the callback's address, not yet opened.
    async fn callback_url(&mut self) -> Url {
        let url = authorize(&self.house, &self.key, "graph").await;
        self.callback_of(&url).await
    }

    async fn callback_of(&mut self, url: &str) -> Url {
        // the server is not reached: the browser's last redirect is opened by hand
        let start = self.browser.open_once(url).await;
        let provider = start.headers["location"].to_str().unwrap().to_owned();
        let user = self.house.sandbox.as_ref().unwrap().facts().users[2].clone();
        let mut page = self.browser.open_once(&provider).await;
        // who has signed in before is sent back at once
        if page.html.contains("name=\"login\"") {
            let fields = [("login", user.upn.as_str()), ("password", &user.password)];
            page = self.browser.submit_once(&page, &fields).await;
        }
        if page.html.contains("name=\"decision\"") {
            page = self
                .browser
                .submit_once(&page, &[("decision", "accept")])
                .await;
        }
        Url::parse(page.headers["location"].to_str().unwrap()).unwrap()
    }

    async fn state(&self) -> String {
        let card = self
            .house
            .request("GET", "/api/v1/connections/graph")
            .key(&self.key)
            .send()
            .await
            .json();
        card["state"].as_str().unwrap().to_owned()
    }
}

#[track_caller]
pub(crate) fn refused(page: &Page, status: u16, code: &str) {
    let text = page.text();
    assert_eq!(page.status, status, "{text}");
    assert!(text.contains(code), "{code}: {text}");
    assert_eq!(page.headers["content-type"], "text/html; charset=utf-8");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.starts_with("default-src 'none'; style-src 'sha256-"),
        "{policy}"
    );
    // the one link that there may be leads to the connection's own page
    let links = page.html.matches("<a ").count();
    let back = page.html.matches("<a href=\"/connections/graph\">");
    assert_eq!(links, back.count(), "{}", page.html);
    for active in [
        "<script",
        "javascript:",
        "<img",
        "<form",
        " onload",
        " onerror",
        " onclick",
    ] {
        assert!(!page.html.contains(active), "{active}: {}", page.html);
    }
}

/// The callback's address with one parameter changed, or taken out.
fn with(url: &Url, name: &str, value: Option<&str>) -> String {
    let mut changed = url.clone();
    let pairs: Vec<(String, String)> = url
        .query_pairs()
        .into_owned()
        .filter(|(found, _)| found != name)
        .collect();
    let mut query = changed.query_pairs_mut();
    query.clear().extend_pairs(pairs);
    if let Some(value) = value {
        query.append_pair(name, value);
    }
    drop(query);
    changed.to_string()
}

#[tokio::test]
async fn a_state_that_is_not_ours_is_refused() {
    let mut trip = Trip::new().await;
    let before = token_requests(&trip.house).await;
    let good = trip.callback_url().await;
    for url in [
        with(&good, "state", None),
        with(&good, "state", Some("")),
        with(&good, "state", Some("unknown")),
        with(&good, "state", Some(&"x".repeat(4000))),
    ] {
        refused(&trip.browser.open(&url).await, 400, "oauth.state_invalid");
    }
    assert_eq!(token_requests(&trip.house).await, before);
    // the true one still works, once
    let page = trip.browser.open(good.as_str()).await;
    assert_eq!(page.status, 200, "{}", page.text());
    refused(
        &trip.browser.open(good.as_str()).await,
        400,
        "oauth.state_invalid",
    );
    assert_eq!(token_requests(&trip.house).await, before + 1);
    assert_eq!(trip.state().await, "ok");
}

#[tokio::test]
async fn a_state_grows_old() {
    let mut trip = Trip::new().await;
    let good = trip.callback_url().await;
    trip.house
        .clock
        .advance(jiff::SignedDuration::from_secs(601));
    refused(
        &trip.browser.open(good.as_str()).await,
        400,
        "oauth.state_invalid",
    );
    assert_eq!(token_requests(&trip.house).await, 0);
    let ticket = authorize(&trip.house, &trip.key, "graph").await;
    trip.house
        .clock
        .advance(jiff::SignedDuration::from_secs(601));
    refused(
        &trip.browser.open(&ticket).await,
        400,
        "oauth.ticket_invalid",
    );
}

#[tokio::test]
async fn another_browser_or_another_person_is_refused() {
    let mut trip = Trip::new().await;
    let good = trip.callback_url().await;
    let mut other = Browser::new(&trip.house);
    refused(
        &other.open(good.as_str()).await,
        400,
        "oauth.session_mismatch",
    );
    // the state is spent by that, for everybody
    refused(
        &trip.browser.open(good.as_str()).await,
        400,
        "oauth.state_invalid",
    );
    // a ticket opened by one person, finished in the browser of another who is signed in to Keyway
    let ada = trip.house.user("ada", Role::Operator).await;
    let eve = trip.house.user("eve", Role::Operator).await;
    let session = trip.house.session(&ada).await;
    let begun = trip
        .house
        .request("POST", "/api/v1/connections/graph/authorize")
        .cookie(&session)
        .own_page()
        .send()
        .await;
    let url = begun.json()["url"].as_str().unwrap().to_owned();
    let of_eve = trip.house.session(&eve).await;
    let home = trip.house.url.clone();
    // nobody, and somebody else: neither gets to the provider, and the link stays good for the person who began it
    let mut stranger = Browser::new(&trip.house);
    refused(&stranger.open(&url).await, 403, "oauth.session_missing");
    trip.browser.keep(&home, &of_eve);
    let page = trip.browser.open(&url).await;
    refused(&page, 403, "oauth.session_missing");
    assert!(
        page.text().contains("\"ada\"") && page.text().contains("then open the link again"),
        "{}",
        page.text()
    );
    trip.browser.keep(&home, &session);
    let good = trip.callback_of(&url).await;
    trip.browser.keep(&home, &of_eve);
    refused(
        &trip.browser.open(good.as_str()).await,
        400,
        "oauth.session_mismatch",
    );
    assert_eq!(token_requests(&trip.house).await, 0);
    // a ticket works once
    refused(&trip.browser.open(&url).await, 400, "oauth.ticket_invalid");
}

#[tokio::test]
async fn a_connections_callback_is_its_own() {
    let mut trip = Trip::new().await;
    let good = trip.callback_url().await;
    let (_, id) = (
        0,
        trip.house
            .request("GET", "/api/v1/connections/graph")
            .key(&trip.key)
            .send()
            .await
            .json()["id"]
            .clone(),
    );
    let foreign = good
        .as_str()
        .replace("/microsoft-graph?", &format!("/{}?", id.as_str().unwrap()));
    refused(
        &trip.browser.open(&foreign).await,
        400,
        "oauth.connection_mismatch",
    );
    assert_eq!(token_requests(&trip.house).await, 0);
}

#[tokio::test]
async fn odd_callbacks_are_refused() {
    let mut trip = Trip::new().await;
    for (change, value, code) in [
        ("error", "access_denied", "oauth.callback_invalid"),
        ("code", "a", "oauth.callback_invalid"),
        ("state", "b", "oauth.callback_invalid"),
    ] {
        let good = trip.callback_url().await;
        let mut odd = good.clone();
        odd.query_pairs_mut().append_pair(change, value);
        let odd = odd.to_string();
        refused(&trip.browser.open(&odd).await, 400, code);
    }
    let good = trip.callback_url().await;
    let long = with(&good, "code", Some(&"x".repeat(10 * 1024)));
    refused(
        &trip.browser.open(&long).await,
        400,
        "oauth.callback_invalid",
    );
    let endless = with(&good, "session_state", Some(&"x".repeat(40 * 1024)));
    refused(
        &trip.browser.open(&endless).await,
        400,
        "oauth.callback_invalid",
    );
    let posted = trip
        .house
        .request("POST", "/oauth/callback/microsoft-graph")
        .body("application/x-www-form-urlencoded", "code=a&state=b")
        .send()
        .await;
    assert_eq!(posted.status, 400);
    assert!(
        posted.text.contains("oauth.callback_invalid"),
        "{}",
        posted.text
    );
    let head = trip
        .house
        .request(
            "HEAD",
            good.as_str()
                .split_once("/oauth")
                .map(|(_, rest)| format!("/oauth{rest}"))
                .unwrap()
                .as_str(),
        )
        .send()
        .await;
    assert_eq!(head.status, 405, "a look at a link spends nothing");
    assert_eq!(trip.browser.open(good.as_str()).await.status, 200);
}

#[tokio::test]
async fn a_refusal_is_shown_as_text_with_the_way_on() {
    let mut trip = Trip::new().await;
    let url = authorize(&trip.house, &trip.key, "graph").await;
    let start = trip.browser.open_once(&url).await;
    let provider = Url::parse(start.headers["location"].to_str().unwrap()).unwrap();
    let state = provider
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    let hostile = "AADSTS65004: User declined <script>alert(1)</script> \u{1b}[31m";
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("error", "access_denied"),
            ("error_description", hostile),
            ("state", &state),
        ])
        .finish();
    let page = trip
        .browser
        .open(&format!(
            "{}/oauth/callback/microsoft-graph?{query}",
            trip.house.url
        ))
        .await;
    refused(&page, 400, "access_denied");
    let text = page.text();
    for shown in [
        "The sign-in did not succeed",
        "graph",
        "Who can cure it",
        "<script>alert(1)</script>",
        "keyway connection",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(!page.html.contains('\u{1b}'));
    assert_eq!(token_requests(&trip.house).await, 0);
}

#[tokio::test]
async fn a_refused_sign_in_leaves_the_tokens_alone() {
    let mut trip = Trip::new().await;
    let good = trip.callback_url().await;
    assert_eq!(trip.browser.open(good.as_str()).await.status, 200);
    let url = authorize(&trip.house, &trip.key, "graph").await;
    let provider = trip.browser.open_once(&url).await.headers["location"]
        .to_str()
        .unwrap()
        .to_owned();
    let state = Url::parse(&provider)
        .unwrap()
        .query_pairs()
        .find(|(name, _)| name == "state")
        .unwrap()
        .1
        .into_owned();
    // a code that the provider never gave
    let forged = format!(
        "{}/oauth/callback/microsoft-graph?code=forged&state={state}",
        trip.house.url
    );
    let page = trip.browser.open(&forged).await;
    refused(&page, 502, "oauth.exchange_failed");
    let card = trip
        .house
        .request("GET", "/api/v1/connections/graph")
        .key(&trip.key)
        .send()
        .await
        .json();
    assert_eq!(card["token"]["generation"], 1, "{card}");
    let body = json!({"method": "GET", "path": "/me"});
    let call = trip
        .house
        .request("POST", "/api/v1/connections/graph/call")
        .key(&trip.key)
        .json(&body)
        .send()
        .await;
    assert_eq!(call.json()["status"], 200, "{}", call.text);
}

#[tokio::test]
async fn whoever_begins_must_still_be_allowed_at_the_end() {
    let mut trip = Trip::new().await;
    let ada = trip.house.user("ada", Role::Operator).await;
    let session = trip.house.session(&ada).await;
    let begun = trip
        .house
        .request("POST", "/api/v1/connections/graph/authorize")
        .cookie(&session)
        .own_page()
        .send()
        .await;
    let url = begun.json()["url"].as_str().unwrap().to_owned();
    let home = trip.house.url.clone();
    trip.browser.keep(&home, &session);
    let good = trip.callback_of(&url).await;
    trip.house
        .store
        .users()
        .disable(&Actor::local(), &ada.id)
        .await
        .unwrap();
    refused(&trip.browser.open(good.as_str()).await, 403, "forbidden");
    assert_eq!(token_requests(&trip.house).await, 0);
}

#[tokio::test]
async fn two_callbacks_at_once_are_one_exchange() {
    let mut trip = Trip::new().await;
    let good = trip.callback_url().await;
    let mut twin = trip.browser.twin();
    let (one, other) = tokio::join!(trip.browser.open(good.as_str()), twin.open(good.as_str()));
    let mut statuses = [one.status, other.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 400], "{} {}", one.text(), other.text());
    assert_eq!(token_requests(&trip.house).await, 1);
}

#[tokio::test]
async fn where_to_return_is_not_for_the_link_to_say() {
    let mut trip = Trip::new().await;
    for target in [
        "https://attacker.example/",
        "//attacker.example",
        "\\\\attacker.example",
        "javascript:alert(1)",
    ] {
        let good = trip.callback_url().await;
        let page = trip
            .browser
            .open(&with(&good, "return_to", Some(target)))
            .await;
        assert_eq!(page.status, 200, "{}", page.text());
        assert!(
            !page.html.contains("attacker")
                && !page.html.contains("javascript:")
                && !page.html.contains("<a "),
            "{}",
            page.html
        );
    }
}

#[tokio::test]
async fn an_administrator_coming_back_is_thanked() {
    let house = House::new().await;
    let mut browser = Browser::new(&house);
    let page = browser
        .open(&format!(
            "{}/oauth/callback/microsoft-graph?admin_consent=True&tenant=contoso.example",
            house.url
        ))
        .await;
    assert_eq!(page.status, 200, "{}", page.text());
    assert!(page.text().contains("Consent was given"), "{}", page.text());
}

#[tokio::test]
async fn the_browser_is_marked_once_for_two_tabs() {
    let trip = Trip::new().await;
    let mut browser = trip.browser;
    let house = trip.house;
    let first = authorize(&house, &trip.key, "graph").await;
    create(&house, &trip.key, &graph(&house, "second", &json!({}))).await;
    let second = authorize(&house, &trip.key, "second").await;
    let marked = browser.open_once(&first).await;
    let set = marked.headers["set-cookie"].to_str().unwrap();
    assert!(
        set.starts_with("keyway-browser=")
            && set.contains("; HttpOnly")
            && set.contains("; SameSite=Lax")
            && set.contains("; Max-Age=600"),
        "{set}"
    );
    let again = browser.open_once(&second).await;
    assert_eq!(
        set,
        again.headers["set-cookie"].to_str().unwrap(),
        "both tabs come home"
    );
    // a mark of a shape that is not ours is replaced
    let mut odd = Browser::new(&house);
    odd.keep(&house.url, "keyway-browser=chosen-by-somebody");
    let third = authorize(&house, &trip.key, "graph").await;
    let page = odd.open_once(&third).await;
    assert!(
        !page.headers["set-cookie"]
            .to_str()
            .unwrap()
            .contains("chosen")
    );
    let page = sign_in(
        &house,
        &mut odd,
        &authorize(&house, &trip.key, "second").await,
        3,
    )
    .await;
    assert_eq!(consent(&mut odd, page, "accept").await.status, 200);
}
