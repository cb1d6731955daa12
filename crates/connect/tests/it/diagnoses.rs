//! Each failure of the list: provoked on the wire, explained, cured by what is printed.

use connect::{Explanation, Form, FormSecret};
use http::Method;
use jiff::SignedDuration;
use oauth::State;
use serde_json::json;

use crate::house::{Decision, House, PUBLIC_URL, Registered, connector, house, name};

const USER_READ_ALL_ROLE: &str = "df021288-bdef-4463-88db-98f22de89214";
const USER_READ_ALL_SCOPE: &str = "a154be20-db9c-4678-8ab7-66f6cc099a59";

/// What every explanation of a failure must say.
fn complete(explanation: &Explanation, state: State, code: &str) {
    let card = &explanation.connection;
    assert_eq!(explanation.state, state, "{explanation:#?}");
    assert_eq!(
        card.diagnosis.as_ref().unwrap().code,
        code,
        "{explanation:#?}"
    );
    for text in [
        &explanation.what,
        &explanation.why,
        &explanation.who,
        &explanation.next,
    ] {
        assert!(!text.is_empty(), "{explanation:#?}");
    }
}

fn by_provider(explanation: &Explanation, aadsts: &str) {
    let raw = &explanation.raw;
    assert_eq!(raw.aadsts.as_deref(), Some(aadsts), "{raw:#?}");
    assert!(
        raw.trace_id.as_ref().is_some_and(|id| id.len() >= 32),
        "{raw:#?}"
    );
    assert!(raw.correlation_id.is_some(), "{raw:#?}");
}

/// The commands of `next`, as they stand in backticks.
fn commands(explanation: &Explanation) -> Vec<&str> {
    explanation.next.split('`').skip(1).step_by(2).collect()
}

#[tokio::test]
async fn wrong_secret() {
    let house = house().await;
    let mut form = house.app_only("graph");
    form.client_secret = Some(FormSecret::new("fake-wrong-secret"));
    let card = house.create(form).await;
    assert_eq!(card.state, State::NeedsSecret);
    let told = house.explain("graph").await;
    complete(&told, State::NeedsSecret, "client_secret.wrong");
    by_provider(&told, "AADSTS7000215");
    assert_eq!(
        commands(&told),
        [
            "keyway connection change graph --client-secret-file FILE",
            "keyway connection test graph"
        ]
    );
    let cure = Form {
        client_secret: house.app_only("graph").client_secret,
        ..Form::default()
    };
    assert_eq!(house.change("graph", cure).await.card.state, State::Ok);
    house.users("graph").await;
}

#[tokio::test]
async fn secret_id_pasted() {
    let house = house().await;
    house.administration().await;
    let app = house.register(&[]).await;
    let mut form = app.used_by(house.app_only("graph"));
    form.client_secret = Some(FormSecret::new(app.secret_id.clone()));
    let card = house.create(form).await;
    assert!(
        card.warnings
            .iter()
            .any(|warning| warning.code == "secret.looks_like_id")
    );
    let told = house.explain("graph").await;
    complete(&told, State::NeedsSecret, "client_secret.is_id");
    by_provider(&told, "AADSTS7000215");
    assert_eq!(
        commands(&told)[0],
        "keyway connection change graph --client-secret-file FILE"
    );
}

#[tokio::test]
async fn unknown_tenant() {
    let house = house().await;
    for form in [house.app_only("app"), house.delegated("person")] {
        let of = form.name.clone().unwrap();
        let form = Form {
            tenant: Some("no-such-tenant.example".to_owned()),
            ..form
        };
        house.create(form).await;
        let told = house.explain(&of).await;
        complete(&told, State::NeedsSettings, "tenant.unknown");
        by_provider(&told, "AADSTS90002");
        assert_eq!(
            commands(&told)[0],
            format!("keyway connection change {of} --tenant TENANT --client-secret-file FILE")
        );
        let cure = Form {
            tenant: Some(house.facts().tenant_id.clone()),
            client_secret: house.app_only("x").client_secret,
            ..Form::default()
        };
        house.change(&of, cure).await;
    }
    house.authorize("person", &house.user(1)).await.unwrap();
    house.users("app").await;
    house.users("person").await;
}

#[tokio::test]
async fn redirect_mismatch() {
    let house = house().await;
    house.administration().await;
    let app = house.register(&[(USER_READ_ALL_SCOPE, "Scope")]).await;
    // An installation behind a path: its redirect URI is not the registered one.
    let behind = connector(
        &house.sandbox,
        house.store.store(),
        "http://localhost:8800/keyway",
    );
    let form = app.used_by(house.delegated("graph"));
    let card = behind
        .create(&house.actor, form, connect::Proof::Now)
        .await
        .unwrap();
    let uri = card.redirect_uri.clone().unwrap();
    assert_eq!(
        uri,
        "http://localhost:8800/keyway/oauth/callback/microsoft-graph"
    );
    let told = behind.explain(&house.actor, &name("graph")).await.unwrap();
    complete(&told, State::NeedsSettings, "redirect_uri.mismatch");
    by_provider(&told, "AADSTS50011");
    assert_eq!(
        commands(&told),
        [uri.as_str(), "keyway connection authorize graph"]
    );
    let started = behind
        .authorize(&house.actor, &name("graph"))
        .await
        .unwrap();
    assert_eq!(started.diagnosis.unwrap().code, "redirect_uri.mismatch");
    let target = format!("/v1.0/applications/{}", app.id);
    house
        .administer(
            Method::PATCH,
            &target,
            json!({"web": {"redirectUris": [uri]}}),
        )
        .await;
    house.consent(told_link(&house, &app).as_str()).await;
    house
        .authorize_with(&behind, "graph", &house.user(1), Decision::Accept)
        .await
        .unwrap();
    house.users("graph").await;
}

/// The admin-consent page of a test's app, at a redirect URI that it has.
fn told_link(house: &House, app: &Registered) -> String {
    format!(
        "{}/{}/adminconsent?client_id={}",
        house.sandbox.origin(),
        house.facts().tenant_id,
        app.client_id
    )
}

#[tokio::test]
async fn consent_missing() {
    let house = house().await;
    house.administration().await;
    let app = house.register(&[(USER_READ_ALL_SCOPE, "Scope")]).await;
    house.create(app.used_by(house.delegated("graph"))).await;
    let refused = house.authorize("graph", &house.user(1)).await.unwrap_err();
    assert_eq!(refused.code(), "oauth.refused");
    let told = house.explain("graph").await;
    assert!(
        matches!(told.state, State::NeedsAdmin | State::NeedsUser),
        "{told:#?}"
    );
    assert_eq!(told.last_authorization.as_ref().unwrap().result, "failed");
    let link = told
        .link
        .clone()
        .unwrap_or_else(|| panic!("no link in {told:#?}"));
    assert_eq!(commands(&told), ["keyway connection authorize graph"]);
    let back = house.consent(&link).await;
    assert!(
        back.query().unwrap().contains("admin_consent=True"),
        "{back}"
    );
    house.authorize("graph", &house.user(1)).await.unwrap();
    house.users("graph").await;
}

#[tokio::test]
async fn consent_declined_by_the_person() {
    const USER_READ: &str = "e1fe6dd8-ba31-4d61-89e7-88639da4683d";
    let house = house().await;
    house.administration().await;
    let app = house.register(&[(USER_READ, "Scope")]).await;
    let form = Form {
        scope: Some("openid offline_access User.Read".to_owned()),
        ..app.used_by(house.delegated("graph"))
    };
    house.create(form).await;
    let person = house.user(1);
    let refused = house
        .authorize_with(&house.connector, "graph", &person, Decision::Cancel)
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "oauth.refused");
    let told = house.explain("graph").await;
    assert_eq!(told.raw.aadsts.as_deref(), Some("AADSTS65004"), "{told:#?}");
    assert_eq!(commands(&told), ["keyway connection authorize graph"]);
    house.authorize("graph", &person).await.unwrap();
    let me = house.get("graph", "/me").await.unwrap();
    assert_eq!(me.status, 200);
}

#[tokio::test]
async fn named_scope_in_client_credentials() {
    let house = house().await;
    let mut form = house.app_only("graph");
    form.scope = Some("https://graph.microsoft.com/User.Read.All".to_owned());
    let card = house.create(form).await;
    assert!(
        card.warnings
            .iter()
            .any(|warning| warning.code == "scope.not_default"),
        "{:?}",
        card.warnings
    );
    let told = house.explain("graph").await;
    complete(&told, State::NeedsSettings, "scope.not_default");
    by_provider(&told, "AADSTS1002012");
    assert_eq!(
        commands(&told),
        [
            "keyway connection change graph --scope \"https://graph.microsoft.com/.default\"",
            "keyway connection test graph"
        ]
    );
    let cure = Form {
        scope: Some("https://graph.microsoft.com/.default".to_owned()),
        ..Form::default()
    };
    let changed = house.change("graph", cure).await;
    assert_eq!(changed.card.state, State::Ok);
    assert!(
        changed.wiped.is_empty(),
        "a scope moves no secret: {:?}",
        changed.wiped
    );
    house.users("graph").await;
}

#[tokio::test]
async fn offline_access_missing() {
    let house = house().await;
    let mut form = house.delegated("graph");
    form.scope = Some("User.Read.All".to_owned());
    let card = house.create(form).await;
    assert!(
        card.warnings
            .iter()
            .any(|warning| warning.code == "scope.no_refresh")
    );
    house.authorize("graph", &house.user(1)).await.unwrap();
    house.users("graph").await;
    let expected = [
        "keyway connection change graph --scope \"offline_access User.Read.All\"",
        "keyway connection authorize graph",
    ];
    let told = house.explain("graph").await;
    assert_eq!(told.state, State::Ok);
    assert_eq!(commands(&told), expected, "{told:#?}");
    house.expire();
    let error = house.get("graph", "/v1.0/users").await.unwrap_err();
    assert_eq!(error.code(), "connection.needs_user");
    let told = house.explain("graph").await;
    complete(&told, State::NeedsUser, "token.no_refresh");
    assert_eq!(commands(&told), expected, "{told:#?}");
    let cure = Form {
        scope: Some("User.Read.All offline_access".to_owned()),
        ..Form::default()
    };
    assert!(house.change("graph", cure).await.wiped.is_empty());
    house.authorize("graph", &house.user(1)).await.unwrap();
    assert!(house.card("graph").await.token.unwrap().refresh_token);
    house.users("graph").await;
}

#[tokio::test]
async fn session_revoked() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    house.users("graph").await;
    house
        .control("revoke", json!({"user": house.user(1).upn}))
        .await;
    house.expire();
    let error = house.get("graph", "/v1.0/users").await.unwrap_err();
    assert_eq!(error.code(), "connection.needs_user");
    let told = house.explain("graph").await;
    complete(&told, State::NeedsUser, "session.revoked");
    by_provider(&told, "AADSTS50173");
    assert_eq!(commands(&told), ["keyway connection authorize graph"]);
    house.authorize("graph", &house.user(1)).await.unwrap();
    house.users("graph").await;
    assert_eq!(house.explain("graph").await.state, State::Ok);
}

#[tokio::test]
async fn application_permission_not_consented() {
    let house = house().await;
    house.administration().await;
    let app = house.register(&[(USER_READ_ALL_ROLE, "Role")]).await;
    let card = house.create(app.used_by(house.app_only("graph"))).await;
    assert_eq!(card.state, State::NeedsAdmin);
    let told = house.explain("graph").await;
    complete(&told, State::NeedsAdmin, "application.no_roles");
    // The token is issued all the same, and Graph says no.
    let answer = house.get("graph", "/v1.0/users").await.unwrap();
    assert_eq!(answer.status, 403);
    let told = house.explain("graph").await;
    let failure = told.raw.last_call_failure.clone().unwrap();
    assert_eq!(failure.code.as_deref(), Some("Authorization_RequestDenied"));
    assert!(failure.request_id.is_some());
    assert_eq!(commands(&told), ["keyway connection test graph"]);
    house.consent(told.link.as_deref().unwrap()).await;
    let card = house
        .connector
        .test(&house.actor, &name("graph"))
        .await
        .unwrap();
    assert_eq!(card.state, State::Ok);
    assert_eq!(card.token.unwrap().granted, ["User.Read.All"]);
    house.users("graph").await;
    assert!(house.explain("graph").await.raw.last_call_failure.is_none());
}

#[tokio::test]
async fn throttled_at_the_token_endpoint() {
    let house = house().await;
    let body = "Too Many Requests";
    house
        .control(
            "faults",
            json!({"route": "token", "status": 429, "retry_after": 120, "body": body}),
        )
        .await;
    let card = house.create(house.app_only("graph")).await;
    assert_eq!(card.state, State::Waiting);
    let told = house.explain("graph").await;
    complete(&told, State::Waiting, "provider.throttled");
    assert_eq!(commands(&told), ["keyway connection test graph"]);
    let until = told.raw.retry_at.unwrap();
    let wait = until.duration_since(house.store.clock.now()).as_secs();
    assert!(
        (120..=125).contains(&wait),
        "{wait} s: as asked, and a little jitter"
    );
    assert_eq!(
        house.get("graph", "/v1.0/users").await.unwrap_err().code(),
        "idp.throttled"
    );
    let client_id = house.facts().app.client_id.clone();
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        1
    );
    house.store.clock.advance(SignedDuration::from_secs(125));
    house.users("graph").await;
    assert_eq!(house.card("graph").await.state, State::Ok);
}

#[tokio::test]
async fn an_unknown_client_is_told_before_anybody_signs_in() {
    let house = house().await;
    let mut form = house.delegated("graph");
    form.client_id = Some("00000000-1111-2222-3333-444444444444".to_owned());
    house.create(form).await;
    let told = house.explain("graph").await;
    assert_eq!(told.state, State::NeedsSettings, "{told:#?}");
    by_provider(&told, "AADSTS700016");
    assert_eq!(
        commands(&told)[0],
        "keyway connection change graph --client-id CLIENT_ID --client-secret-file FILE"
    );
}

#[tokio::test]
async fn a_sign_in_that_never_came_back_is_told() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    let told = house.explain("graph").await;
    complete(&told, State::NeverAuthorized, "authorization.never");
    house
        .trip(&house.connector, "graph", &house.user(1), Decision::Accept)
        .await;
    let told = house.explain("graph").await;
    assert!(told.pending_authorization.is_some());
    assert_eq!(
        told.connection.redirect_uri.as_deref().unwrap(),
        format!("{PUBLIC_URL}/oauth/callback/microsoft-graph")
    );
    assert_eq!(
        commands(&told),
        ["keyway connection authorize graph"],
        "{told:#?}"
    );
}
