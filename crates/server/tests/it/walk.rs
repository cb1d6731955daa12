//! The whole way by REST, against the sandbox: both grants, from nothing to a list of users.

use serde_json::{Value, json};
use store::Role;

use crate::browser::{Browser, Page};
use crate::house::{Answer, House};

/// The fields of a connection to the sandbox's seeded app.
pub(crate) fn graph(house: &House, name: &str, change: &Value) -> Value {
    let facts = house.sandbox.as_ref().unwrap().facts();
    let mut body = json!({
        "name": name, "preset": "microsoft-graph", "cloud": "sandbox", "tenant": facts.tenant_id,
        "grant": "authorization_code", "scope": "User.Read User.Read.All offline_access",
        "client_id": facts.app.client_id, "client_secret": facts.app.client_secret,
    });
    for (name, value) in change.as_object().unwrap() {
        body[name] = value.clone();
    }
    body
}

/// Makes a connection and answers its card.
pub(crate) async fn create(house: &House, key: &str, body: &Value) -> Value {
    let answer = house
        .request("POST", "/api/v1/connections")
        .key(key)
        .json(body)
        .send()
        .await;
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

/// Begins a sign-in and answers the address for the browser.
pub(crate) async fn authorize(house: &House, key: &str, name: &str) -> String {
    let answer = house
        .request("POST", &format!("/api/v1/connections/{name}/authorize"))
        .key(key)
        .send()
        .await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    answer.json()["url"].as_str().unwrap().to_owned()
}

/// Signs the nth seeded user in, from the start address to the page that comes after the password.
pub(crate) async fn sign_in(
    house: &House,
    browser: &mut Browser,
    url: &str,
    number: usize,
) -> Page {
    let user = house.sandbox.as_ref().unwrap().facts().users[number].clone();
    let page = browser.open(url).await;
    browser
        .submit(&page, &[("login", &user.upn), ("password", &user.password)])
        .await
}

/// Accepts the consent page, if there is one.
pub(crate) async fn consent(browser: &mut Browser, page: Page, decision: &str) -> Page {
    if page.html.contains("name=\"decision\"") {
        browser.submit(&page, &[("decision", decision)]).await
    } else {
        page
    }
}

async fn call_users(house: &House, key: &str, name: &str) -> Answer {
    let body = json!({"method": "GET", "path": "/users", "query": {"$top": "5", "$select": "displayName,userPrincipalName"}});
    house
        .request("POST", &format!("/api/v1/connections/{name}/call"))
        .key(key)
        .json(&body)
        .send()
        .await
}

#[tokio::test]
async fn delegated() {
    let house = House::with_sandbox().await;
    let (admin, operator) = (
        house.key(Role::Admin).await,
        house.key(Role::Operator).await,
    );
    let card = create(&house, &admin, &graph(&house, "graph", &json!({}))).await;
    assert_eq!(
        (&card["state"], &card["type"]),
        (&json!("never_authorized"), &json!("oauth")),
        "{card}"
    );
    assert_eq!(
        card["redirect_uri"],
        format!("{}/oauth/callback/microsoft-graph", house.url)
    );
    serde_json::from_value::<server::schema::Card>(card).unwrap();

    let url = authorize(&house, &operator, "graph").await;
    assert!(
        url.starts_with(&format!("{}/oauth/start/", house.url)),
        "{url}"
    );
    let mut browser = Browser::new(&house);
    let page = sign_in(&house, &mut browser, &url, 1).await;
    let page = consent(&mut browser, page, "accept").await;
    let text = page.text();
    assert_eq!(page.status, 200, "{text}");
    for shown in [
        "graph is connected",
        "User.Read",
        "Granted",
        "Missing nothing",
        "Renewed by itself yes",
        "close this tab",
        "keyway call graph",
    ] {
        assert!(text.contains(shown), "{shown}: {text}");
    }
    assert!(
        !page.html.contains("eyJ") && !page.html.contains("<script"),
        "{}",
        page.html
    );

    let answer = call_users(&house, &operator, "graph").await;
    assert_eq!(answer.status, 200, "{}", answer.text);
    let answer = answer.json();
    assert_eq!(
        (
            &answer["status"],
            &answer["attempts"],
            &answer["token_generation"]
        ),
        (&json!(200), &json!(1), &json!(1)),
        "{answer}"
    );
    assert_eq!(answer["body"]["value"].as_array().unwrap().len(), 5);
    let shown = house
        .request("GET", "/api/v1/connections/graph")
        .key(&operator)
        .send()
        .await
        .json();
    assert_eq!(shown["state"], "ok");
    assert_eq!(shown["identity"]["kind"], "user");
    assert_eq!(shown["token"]["refresh_token"], true);
    serde_json::from_value::<server::schema::Card>(shown).unwrap();

    // the same users through the pass-through
    let proxied = house
        .request("GET", "/proxy/graph/v1.0/users?$top=5")
        .key(&operator)
        .send()
        .await;
    assert_eq!(proxied.status, 200, "{}", proxied.text);
    assert_eq!(proxied.json()["value"].as_array().unwrap().len(), 5);
}

#[tokio::test]
async fn app_only() {
    let house = House::with_sandbox().await;
    let (admin, operator) = (
        house.key(Role::Admin).await,
        house.key(Role::Operator).await,
    );
    let body = graph(
        &house,
        "daemon",
        &json!({"grant": "client_credentials", "scope": "https://graph.microsoft.com/.default"}),
    );
    let card = create(&house, &admin, &body).await;
    assert_eq!(
        (&card["state"], &card["token"]["generation"]),
        (&json!("ok"), &json!(1)),
        "proved at once: {card}"
    );
    assert_eq!(card["identity"]["kind"], "app");
    assert_eq!(card["token"]["granted_is_hint"], true);
    serde_json::from_value::<server::schema::Card>(card).unwrap();
    let answer = call_users(&house, &operator, "daemon").await.json();
    assert_eq!(
        answer["body"]["value"].as_array().unwrap().len(),
        5,
        "{answer}"
    );
    let refused = house
        .request("POST", "/api/v1/connections/daemon/authorize")
        .key(&operator)
        .send()
        .await;
    assert_eq!(refused.code(), "connection.not_authorizable");
    let tested = house
        .request("POST", "/api/v1/connections/daemon/test")
        .key(&operator)
        .send()
        .await;
    assert_eq!(
        (tested.status.as_u16(), &tested.json()["state"]),
        (200, &json!("ok")),
        "{}",
        tested.text
    );
}

#[tokio::test]
async fn a_wrong_secret_is_saved_and_explained() {
    let house = House::with_sandbox().await;
    let key = house.key(Role::Admin).await;
    let body = graph(
        &house,
        "wrong",
        &json!({"grant": "client_credentials", "scope": ".default", "client_secret": "not-the-secret"}),
    );
    let card = create(&house, &key, &body).await;
    assert_eq!(card["state"], "needs_secret", "{card}");
    assert_eq!(
        card["diagnosis"]["provider"]["error_codes"],
        json!([7_000_215])
    );
    let explained = house
        .request("GET", "/api/v1/connections/wrong/explain")
        .key(&key)
        .send()
        .await
        .json();
    assert_eq!(explained["raw"]["aadsts"], "AADSTS7000215", "{explained}");
    assert!(
        explained["raw"]["trace_id"].is_string()
            && explained["next"]
                .as_str()
                .unwrap()
                .contains("--client-secret-file"),
        "{explained}"
    );
    serde_json::from_value::<server::schema::Explanation>(explained.clone())
        .unwrap_or_else(|error| panic!("{error}: {explained}"));
    let call = call_users(&house, &key, "wrong").await;
    assert_eq!(call.refusal(), "409 connection.needs_secret");
    let problem = call.json();
    assert_eq!(
        (&problem["connection"], &problem["diagnosis"]["state"]),
        (&json!("wrong"), &json!("needs_secret")),
        "{problem}"
    );
    assert!(!call.text.contains("not-the-secret"));
}

#[tokio::test]
async fn a_change_of_where_the_secret_goes_wipes_it() {
    let house = House::with_sandbox().await;
    let key = house.key(Role::Admin).await;
    let body = graph(
        &house,
        "daemon",
        &json!({"grant": "client_credentials", "scope": ".default"}),
    );
    let card = create(&house, &key, &body).await;
    let patch = |version: &Value, change: Value| {
        let request = house
            .request("PATCH", "/api/v1/connections/daemon")
            .key(&key)
            .header("if-match", &format!("\"{version}\""))
            .json(&change);
        async { request.send().await }
    };
    let changed = patch(
        &card["version"],
        json!({"client_id": "00000000-0000-0000-0000-00000000abcd", "prove": false}),
    )
    .await;
    assert_eq!(changed.status, 200, "{}", changed.text);
    let changed = changed.json();
    assert!(
        changed["wiped"]
            .as_array()
            .unwrap()
            .contains(&json!("client_secret")),
        "{changed}"
    );
    assert_eq!(
        (
            &changed["connection"]["state"],
            &changed["connection"]["token"]
        ),
        (&json!("needs_secret"), &json!(null)),
        "{changed}"
    );
}
