//! A provider that says no (`security.md` §3.2): the page that a person meets, and a connection that stays as it was.

use serde_json::{Value, json};
use store::Role;
use url::Url;

use crate::browser::{Browser, Page};
use crate::callback::{refused, token_requests};
use crate::house::House;
use crate::walk::{authorize, consent, create, graph, sign_in};

/// A house with the connection `graph`, somebody who has signed in to it, and the browser of that person.
struct Connected {
    house: House,
    key: String,
    browser: Browser,
}

impl Connected {
    async fn new() -> Connected {
        let house = House::with_sandbox().await;
        let key = house.key(Role::Admin).await;
        create(&house, &key, &graph(&house, "graph", &json!({}))).await;
        let mut browser = Browser::new(&house);
        let url = authorize(&house, &key, "graph").await;
        let page = sign_in(&house, &mut browser, &url, 2).await;
        let page = consent(&mut browser, page, "accept").await;
        assert_eq!(page.status, 200, "{}", page.text());
        Connected {
            house,
            key,
            browser,
        }
    }

    async fn card(&self) -> Value {
        let asked = self.house.request("GET", "/api/v1/connections/graph");
        asked.key(&self.key).send().await.json()
    }

    /// Begins a sign-in and comes back with these parameters in the place of a code.
    async fn comes_back_with(&mut self, parameters: &[(&str, &str)]) -> Page {
        let url = authorize(&self.house, &self.key, "graph").await;
        let start = self.browser.open_once(&url).await;
        let provider = Url::parse(start.headers["location"].to_str().unwrap()).unwrap();
        let state = provider.query_pairs().find(|(name, _)| name == "state");
        let query = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(parameters)
            .append_pair("state", &state.unwrap().1)
            .finish();
        let callback = format!("{}/oauth/callback/microsoft-graph?{query}", self.house.url);
        self.browser.open(&callback).await
    }
}

/// What of a card must not move by a sign-in that was refused.
fn settled(card: &Value) -> [&Value; 4] {
    [
        &card["state"],
        &card["version"],
        &card["diagnosis"],
        &card["token"]["generation"],
    ]
}

#[tokio::test]
async fn each_refusal_is_told_with_the_providers_code_and_changes_nothing() {
    let mut connected = Connected::new().await;
    let before = connected.card().await;
    assert_eq!(before["state"], "ok");
    let asked = token_requests(&connected.house).await;
    for (error, description, shown) in [
        (
            "access_denied",
            "AADSTS65004: User declined.",
            "AADSTS65004",
        ),
        ("access_denied", "AADSTS65001: No consent.", "AADSTS65001"),
        (
            "access_denied",
            "AADSTS90094: Admin consent is needed.",
            "AADSTS90094",
        ),
        (
            "consent_required",
            "AADSTS65001: No consent.",
            "consent_required",
        ),
        (
            "interaction_required",
            "AADSTS50076: A second factor.",
            "AADSTS50076",
        ),
        (
            "server_error",
            "AADSTS90033: A transient error.",
            "server_error",
        ),
        ("temporarily_unavailable", "", "temporarily_unavailable"),
        ("<b>odd</b>", "<img src=x>", "<b>odd</b>"),
    ] {
        let said = [("error", error), ("error_description", description)];
        let page = connected.comes_back_with(&said).await;
        refused(&page, 400, shown);
        assert!(
            page.html.contains("<a href=\"/connections/graph\">"),
            "{error}: {}",
            page.html
        );
        assert!(
            !page.html.contains("<b>") && !page.html.contains("<img"),
            "{}",
            page.html
        );
        let after = connected.card().await;
        assert_eq!(settled(&after), settled(&before), "{error}");
    }
    assert_eq!(token_requests(&connected.house).await, asked);
}

#[tokio::test]
async fn an_unfit_exchange_spends_the_state_and_keeps_the_old_tokens() {
    let mut connected = Connected::new().await;
    let before = connected.card().await;
    let first = connected
        .comes_back_with(&[("code", "a-code-that-nobody-gave")])
        .await;
    refused(&first, 502, "oauth.exchange_failed");
    let again = connected.browser.open(first.url.as_str()).await;
    refused(&again, 400, "oauth.state_invalid");
    let after = connected.card().await;
    assert_eq!(settled(&after), settled(&before));
}

#[tokio::test]
async fn the_page_of_a_success_holds_no_token_and_is_not_kept() {
    let mut connected = Connected::new().await;
    let url = authorize(&connected.house, &connected.key, "graph").await;
    let mut page = connected.browser.open(&url).await;
    page = consent(&mut connected.browser, page, "accept").await;
    let text = page.text();
    assert_eq!(page.status, 200, "{text}");
    assert!(text.contains("graph is connected"), "{text}");
    assert_eq!(page.headers["cache-control"], "no-store");
    assert_eq!(page.headers["referrer-policy"], "no-referrer");
    let sandbox = connected.house.sandbox.as_ref().unwrap();
    let secret = &sandbox.facts().app.client_secret;
    for kept_back in ["eyJ", "code=", "state=", secret.as_str()] {
        assert!(!page.html.contains(kept_back), "{kept_back}: {}", page.html);
    }
}
