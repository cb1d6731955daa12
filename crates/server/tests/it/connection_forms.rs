//! What a form may say, what is stored of it with a warning, and what goes with a connection (`security.md` §3.1).

use serde_json::{Value, json};
use store::Role;

use crate::bad_input::{create, generic};
use crate::house::{Answer, House, eventually};

/// The codes of the warnings on a card.
fn warnings(answer: &Answer) -> Vec<String> {
    let card = answer.json();
    let warnings = card["warnings"].as_array().unwrap();
    let code = |warning: &Value| warning["code"].as_str().unwrap().to_owned();
    warnings.iter().map(code).collect()
}

/// A connection to Graph with this grant and scope.
async fn with_scope(house: &House, key: &str, name: &str, grant: &str, scope: &str) -> Answer {
    let body = json!({
        "name": name, "preset": "microsoft-graph", "tenant": "contoso.example", "grant": grant, "scope": scope,
        "client_id": "00000000-0000-0000-0000-000000000001", "client_secret": "not-a-real-secret", "prove": false,
    });
    create(house, key, &body).await
}

/// Whose access, the scope, the code, and the form that is told.
#[rustfmt::skip]
const REFUSED: &[(&str, &str, &str, &str)] = &[
    ("authorization_code", "", "scope.empty", "offline_access User.Read"),
    ("client_credentials", " ", "scope.empty", "https://graph.microsoft.com/.default"),
    ("authorization_code", "offline_access,User.Read", "scope.separator", "offline_access User.Read"),
    ("authorization_code", "offline_access\nUser.Read", "scope.separator", "offline_access User.Read"),
    ("authorization_code", "offline_access User.R\u{435}ad", "scope.non_ascii", ""),
    ("authorization_code", "offline_access User\u{200b}.Read", "scope.non_ascii", "offline_access User.Read"),
    ("client_credentials", "https://graph.microsoft.com/.default User.Read", "scope.default_mixed", "https://graph.microsoft.com/.default"),
    ("authorization_code", "offline_access .default User.Read", "scope.default_mixed", "offline_access User.Read"),
];

#[tokio::test]
async fn scopes_that_are_refused_with_the_correct_form() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    for (grant, scope, code, form) in REFUSED {
        let answer = with_scope(&house, &key, "refused", grant, scope).await;
        let text = &answer.text;
        assert_eq!(
            answer.refusal(),
            format!("400 {code} /scope"),
            "{scope:?}: {text}"
        );
        let problem = answer.json();
        let hint = problem["hint"].as_str().unwrap_or_default();
        assert!(
            hint.ends_with(form) && hint.is_empty() == form.is_empty(),
            "{scope:?}: {hint}"
        );
    }
}

#[tokio::test]
async fn scopes_that_are_warned_of() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    for (name, scope, code) in [
        (
            "again",
            "offline_access User.Read User.Read",
            "scope.duplicate",
        ),
        (
            "alike",
            "offline_access User.Read user.read",
            "scope.duplicate",
        ),
        ("short", "User.Read", "scope.no_refresh"),
    ] {
        let answer = with_scope(&house, &key, name, "authorization_code", scope).await;
        assert_eq!(answer.status, 201, "{}", answer.text);
        assert_eq!(warnings(&answer), [code], "{scope}: {}", answer.text);
    }
    // told to whoever types it, also in a change; what is stored holds the name once
    let request = house.request("GET", "/api/v1/connections/again").key(&key);
    let shown = request.send().await;
    assert_eq!(shown.json()["scope"], "offline_access User.Read");
    assert!(warnings(&shown).is_empty(), "{}", shown.text);
    let change = json!({"scope": "Mail.Read offline_access Mail.Read", "prove": false});
    let request = house
        .request("PATCH", "/api/v1/connections/again")
        .key(&key);
    let changed = request.header("if-match", "*").json(&change).send().await;
    let told = "names Mail.Read more than once";
    assert!(changed.text.contains(told), "{}", changed.text);
}

#[tokio::test]
async fn a_token_endpoint_on_another_site_is_confirmed_and_shown_beside_the_other() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    let foreign = json!({
        "name": "mixed", "grant": "authorization_code",
        "authorization_endpoint": "https://login.contoso.example/authorize", "token_endpoint": "https://id.fabrikam.example/token",
    });
    let refused = create(&house, &key, &generic(&foreign)).await;
    assert_eq!(
        refused.refusal(),
        "400 connection.token_endpoint_foreign /token_endpoint"
    );
    for shown in [
        "https://login.contoso.example/authorize",
        "https://id.fabrikam.example/token",
        "confirm_foreign_token_endpoint",
    ] {
        assert!(refused.text.contains(shown), "{shown}: {}", refused.text);
    }
    let mut confirmed = generic(&foreign);
    confirmed["confirm_foreign_token_endpoint"] = json!(true);
    let made = create(&house, &key, &confirmed).await;
    assert_eq!(made.status, 201, "{}", made.text);
    let warning = made.json()["warnings"][0].clone();
    assert_eq!(warning["code"], "endpoint.foreign");
    let said = warning["message"].to_string();
    assert!(
        said.contains("login.contoso.example") && said.contains("id.fabrikam.example"),
        "{said}"
    );
}

#[tokio::test]
async fn a_name_is_no_address_and_a_connection_may_have_its_own_authorization() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    let emoji = create(&house, &key, &generic(&json!({"name": "crm\u{1f600}"}))).await;
    assert_eq!(emoji.refusal(), "400 connection.name_invalid /name");
    let body = json!({
        "name": "con_mine", "type": "headers", "base_url": "https://api.contoso.example",
        "headers": {"Authorization": "ApiKey not-a-real-secret"},
    });
    let made = create(&house, &key, &body).await;
    assert_eq!(made.status, 201, "{}", made.text);
    assert!(!made.text.contains("not-a-real-secret"));
    let id = made.json()["id"].as_str().unwrap().to_owned();
    assert!(id.starts_with("con_") && !id.contains("mine"), "{id}");
}

/// A flow with one call through the connection `crm`.
const CALLING: &str = "document: {dsl: '1.0.3', namespace: contoso, name: calling, version: '1.0.0'}\ndo:\n  - ask: {call: http, with: {method: get, endpoint: {uri: /x, authentication: {bearer: {use: crm}}}}}\nuse: {secrets: [crm]}\n";

#[tokio::test]
async fn a_connection_in_use_is_deleted_by_force_alone_and_runs_say_that_it_is_gone() {
    let house = House::new().await;
    let key = house.key(Role::Admin).await;
    house.plain_connection("crm", "http://127.0.0.1:1").await;
    let post = async |path: &str, body: Value| {
        let answer = house
            .request("POST", path)
            .key(&key)
            .json(&body)
            .send()
            .await;
        assert!(answer.status.is_success(), "{}", answer.text);
        answer.json()
    };
    post("/api/v1/flows", json!({"source": CALLING})).await;
    let delete = async |query: &str| {
        let path = format!("/api/v1/connections/crm{query}");
        house
            .request("DELETE", &path)
            .key(&key)
            .header("if-match", "*")
            .send()
            .await
    };
    let refused = delete("").await;
    assert_eq!(refused.refusal(), "409 connection.in_use");
    assert!(
        refused.text.contains("contoso.calling") && refused.text.contains("force"),
        "{}",
        refused.text
    );
    assert_eq!(delete("?force=true").await.status, 200);
    let run = post("/api/v1/flows/contoso.calling/runs", json!({})).await;
    let path = format!("/api/v1/runs/{}", run["run"].as_str().unwrap());
    let over = eventually("the run is over", async || {
        let shown = house.request("GET", &path).key(&key).send().await;
        shown
            .text
            .contains("connection.not_found")
            .then_some(shown.json())
    })
    .await;
    assert_eq!(over["status"], "faulted", "{over}");
}
