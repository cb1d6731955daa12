//! Calls in the name of whoever calls us: their token is exchanged, kept apart from everybody else's, and never stored.

use connect::{ApiRequest, ApiResponse, CallError, Form, FormSecret, Proof, ResponseBody};
use http::Method;
use jiff::SignedDuration;
use oauth::{Secret, State};
use serde_json::{Value, json};

use crate::house::{House, house, name};

/// The seeded API, which calls further, and what it calls with.
struct Middle {
    app_id: String,
    form: Form,
}

/// Gives the API a secret, lists it for the app that people use, and lets it read whoever calls, if `consent` says so.
async fn middle(house: &House, consent: Option<&str>) -> Middle {
    house.administration().await;
    let found = house
        .administer(
            Method::GET,
            "/v1.0/applications?$filter=displayName eq 'Contoso Ledger API'",
            Value::Null,
        )
        .await;
    let api = &found["value"][0];
    let (id, app_id) = (api["id"].as_str().unwrap(), api["appId"].as_str().unwrap());
    let scope = &api["api"]["oauth2PermissionScopes"][0]["id"];
    let added = house
        .administer(
            Method::POST,
            &format!("/v1.0/applications/{id}/addPassword"),
            json!({ "passwordCredential": { "displayName": "calls further" } }),
        )
        .await;
    let front = &house.facts().app.client_id;
    let app = house
        .administer(
            Method::GET,
            &format!("/v1.0/applications(appId='{front}')"),
            Value::Null,
        )
        .await;
    let mut required = app["requiredResourceAccess"].as_array().unwrap().clone();
    required.push(
        json!({ "resourceAppId": app_id, "resourceAccess": [{ "id": scope, "type": "Scope" }] }),
    );
    house
        .administer(
            Method::PATCH,
            &format!("/v1.0/applications/{}", app["id"].as_str().unwrap()),
            json!({ "requiredResourceAccess": required }),
        )
        .await;
    if let Some(names) = consent {
        let principal = |of: &str| format!("/v1.0/servicePrincipals(appId='{of}')");
        let client = house
            .administer(Method::GET, &principal(app_id), Value::Null)
            .await;
        let graph = "00000003-0000-0000-c000-000000000000";
        let resource = house
            .administer(Method::GET, &principal(graph), Value::Null)
            .await;
        house
            .administer(
                Method::POST,
                "/v1.0/oauth2PermissionGrants",
                json!({ "clientId": client["id"], "resourceId": resource["id"], "consentType": "AllPrincipals", "scope": names }),
            )
            .await;
    }
    let form = Form {
        grant: Some("on_behalf_of".to_owned()),
        client_id: Some(app_id.to_owned()),
        client_secret: Some(FormSecret::new(added["secretText"].as_str().unwrap())),
        scope: Some("https://graph.microsoft.com/User.Read".to_owned()),
        ..house.app_only("further")
    };
    Middle {
        app_id: app_id.to_owned(),
        form,
    }
}

/// A person's token for the API, as the app gets it that the person uses.
async fn token_of(house: &House, app_id: &str, person: usize) -> Secret {
    let of = format!("front-{person}");
    let form = Form {
        scope: Some(format!("offline_access api://{app_id}/Ledger.Read")),
        ..house.delegated(&of)
    };
    house.create(form).await;
    house.authorize(&of, &house.user(person)).await.unwrap();
    access_token(house, &of).await
}

async fn access_token(house: &House, of: &str) -> Secret {
    let id = store::ConnectionId::parse(&house.card(of).await.id).unwrap();
    let row = house.store.tokens().read(&id).await.unwrap();
    row.token.unwrap().access_token
}

async fn me(house: &House, token: Option<&Secret>) -> Result<ApiResponse, CallError> {
    let mut request = ApiRequest::new(Method::GET, "/me");
    request.on_behalf_of = token.cloned();
    house
        .connector
        .call(&house.actor, &name("further"), request)
        .await
}

/// Whom the API took the call for.
async fn who(house: &House, token: &Secret) -> String {
    match me(house, Some(token)).await.unwrap().body {
        ResponseBody::Json(body) => body["userPrincipalName"].as_str().unwrap().to_owned(),
        other => panic!("{other:?}"),
    }
}

async fn exchanges(house: &House, app_id: &str) -> usize {
    let grant = "urn:ietf:params:oauth:grant-type:jwt-bearer";
    house.token_requests(app_id, grant).await
}

/// What a refused token is explained by.
async fn refusal(house: &House, token: &Secret) -> String {
    match me(house, Some(token)).await.unwrap_err() {
        CallError::AssertionRefused { diagnosis, .. } => diagnosis.code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn each_caller_is_called_for_and_nobody_else() {
    let house = house().await;
    let Middle { app_id, form } = middle(&house, Some("User.Read")).await;
    let card = house.create(form).await;
    assert_eq!(card.grant.as_deref(), Some("on_behalf_of"));
    assert_eq!(card.state, State::Ok, "{:?}", card.diagnosis);
    assert!(card.warnings.is_empty(), "{:?}", card.warnings);
    let (one, other) = (
        token_of(&house, &app_id, 1).await,
        token_of(&house, &app_id, 2).await,
    );
    let people = [house.user(1).upn, house.user(2).upn];
    for _ in 0..2 {
        assert_eq!([who(&house, &one).await, who(&house, &other).await], people);
    }
    assert_eq!(exchanges(&house, &app_id).await, 2, "one for each of them");
    // Many at once ask once.
    let third = token_of(&house, &app_id, 3).await;
    let calls = (0..20).map(|_| who(&house, &third));
    let seen = futures_util::future::join_all(calls).await;
    assert!(seen.iter().all(|upn| *upn == house.user(3).upn));
    assert_eq!(exchanges(&house, &app_id).await, 3);
    // Nothing of it is stored.
    let id = store::ConnectionId::parse(&house.card("further").await.id).unwrap();
    assert_eq!(house.store.tokens().read(&id).await.unwrap().token, None);
    // A changed connection knows nobody any more.
    let scope = Form {
        scope: Some("openid https://graph.microsoft.com/User.Read".to_owned()),
        ..Form::default()
    };
    house.change("further", scope).await;
    assert_eq!(who(&house, &one).await, people[0]);
    assert_eq!(exchanges(&house, &app_id).await, 4);
}

#[tokio::test]
async fn a_token_that_is_not_good_is_refused_to_its_bearer_alone() {
    let house = house().await;
    let Middle { app_id, form } = middle(&house, Some("User.Read")).await;
    house.create(form).await;
    let good = token_of(&house, &app_id, 1).await;
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    house.create(house.app_only("robot")).await;
    let forged = Secret::new(format!("{}AAAA", good.expose()));
    let cases = [
        forged,
        access_token(&house, "graph").await,
        access_token(&house, "robot").await,
        Secret::new("no token at all"),
    ];
    for token in &cases {
        assert_eq!(refusal(&house, token).await, "assertion.invalid");
    }
    let before = exchanges(&house, &app_id).await;
    assert_eq!(refusal(&house, &cases[0]).await, "assertion.invalid");
    assert_eq!(
        exchanges(&house, &app_id).await,
        before,
        "the same again is not asked for a minute"
    );
    assert_eq!(house.card("further").await.state, State::Ok);
    assert_eq!(who(&house, &good).await, house.user(1).upn);
    let missing = me(&house, None).await.unwrap_err();
    assert_eq!(missing.code(), "call.assertion_missing");
    let mut unused = ApiRequest::new(Method::GET, "/me");
    unused.on_behalf_of = Some(good);
    let refused = house
        .connector
        .call(&house.actor, &name("graph"), unused)
        .await;
    assert_eq!(refused.unwrap_err().code(), "call.assertion_unused");
    // An ended token is told apart by the provider.
    house
        .control("clock", json!({ "offset_seconds": 7200 }))
        .await;
    let ended = token_of(&house, &app_id, 4).await;
    house
        .control("clock", json!({ "offset_seconds": 14_400 }))
        .await;
    assert_eq!(refusal(&house, &ended).await, "assertion.invalid");
}

#[tokio::test]
async fn what_is_missing_is_told_to_whom_it_concerns() {
    let house = house().await;
    let Middle { app_id, form } = middle(&house, None).await;
    house.create(form.clone()).await;
    let token = token_of(&house, &app_id, 1).await;
    // Nobody consented that the API reads them: their affair, and the connection stands.
    assert_eq!(refusal(&house, &token).await, "consent.missing");
    assert_eq!(house.card("further").await.state, State::Ok);
    // A wrong secret is the connection's.
    let wrong = Form {
        client_secret: Some(FormSecret::new("visibly-fake-wrong-secret")),
        ..Form::default()
    };
    house.change("further", wrong).await;
    let failed = me(&house, Some(&token)).await.unwrap_err();
    assert_eq!(failed.code(), "connection.needs_secret");
    assert_eq!(house.card("further").await.state, State::NeedsSecret);
    let nobody = house
        .connector
        .authorize(&house.actor, &name("further"))
        .await;
    assert_eq!(nobody.unwrap_err().code(), "connection.not_authorizable");
}

#[tokio::test]
async fn what_was_exchanged_ends_and_is_exchanged_anew() {
    let house = house().await;
    let Middle { app_id, form } = middle(&house, Some("User.Read")).await;
    house.create(form).await;
    let token = token_of(&house, &app_id, 1).await;
    who(&house, &token).await;
    house.expire();
    who(&house, &token).await;
    assert_eq!(exchanges(&house, &app_id).await, 2);
}

#[tokio::test]
async fn token_exchange_has_settings_of_its_own() {
    let house = house().await;
    let form = Form {
        preset: None,
        cloud: None,
        tenant: None,
        grant: Some("token_exchange".to_owned()),
        token_endpoint: Some("https://login.contoso.example/token".to_owned()),
        audience: Some("ledger".to_owned()),
        ..house.app_only("exchange")
    };
    let card = house
        .connector
        .create(&house.actor, form, Proof::Now)
        .await
        .unwrap();
    assert_eq!(card.grant.as_deref(), Some("token_exchange"));
    assert_eq!(card.state, State::Ok);
    let changed = house
        .change(
            "exchange",
            Form {
                audience: Some("books".to_owned()),
                ..Form::default()
            },
        )
        .await;
    assert_eq!(changed.wiped, ["client_secret"]);
}

/// What concerns the client is one affair for all who call: asked once, and again when it is time.
#[tokio::test]
async fn what_concerns_the_client_is_not_asked_again_for_each_caller() {
    let house = house().await;
    let Middle { app_id, form } = middle(&house, Some("User.Read")).await;
    house.create(form.clone()).await;
    let (one, other) = (
        token_of(&house, &app_id, 1).await,
        token_of(&house, &app_id, 2).await,
    );
    let wrong = Form {
        client_secret: Some(FormSecret::new("visibly-fake-wrong-secret")),
        ..Form::default()
    };
    house.change("further", wrong).await;
    let ways = 2; // in the header, then in the body
    for _ in 0..10 {
        for token in [&one, &other] {
            let failed = me(&house, Some(token)).await.unwrap_err();
            assert_eq!(failed.code(), "connection.needs_secret");
        }
    }
    assert_eq!(exchanges(&house, &app_id).await, ways);
    house.store.clock.advance(SignedDuration::from_secs(61));
    let calls = (0..10).map(|at| me(&house, Some(if at % 2 == 0 { &one } else { &other })));
    for failed in futures_util::future::join_all(calls).await {
        assert_eq!(failed.unwrap_err().code(), "connection.needs_secret");
    }
    assert_eq!(
        exchanges(&house, &app_id).await,
        2 * ways,
        "one tries for all, at most once a minute"
    );
    // A new secret is tried at once.
    let right = Form {
        client_secret: form.client_secret.clone(),
        ..Form::default()
    };
    house.change("further", right).await;
    assert_eq!(who(&house, &one).await, house.user(1).upn);
    assert_eq!(house.card("further").await.state, State::Ok);
}

#[tokio::test]
async fn a_provider_that_asks_to_wait_is_waited_for_by_all_callers() {
    let house = house().await;
    let Middle { app_id, form } = middle(&house, Some("User.Read")).await;
    house.create(form).await;
    let (one, other) = (
        token_of(&house, &app_id, 1).await,
        token_of(&house, &app_id, 2).await,
    );
    let fault = json!({ "route": "token", "match": "jwt-bearer", "status": 429, "retry_after": 600, "times": 100 });
    house.control("faults", fault).await;
    for _ in 0..10 {
        for token in [&one, &other] {
            let failed = me(&house, Some(token)).await.unwrap_err();
            assert_eq!(failed.code(), "idp.throttled");
            assert!(failed.retry_at().is_some());
        }
    }
    assert_eq!(exchanges(&house, &app_id).await, 1);
    assert_eq!(house.card("further").await.state, State::Waiting);
    house.store.clock.advance(SignedDuration::from_secs(590));
    me(&house, Some(&one)).await.unwrap_err();
    assert_eq!(exchanges(&house, &app_id).await, 1, "not before its time");
    house.store.clock.advance(SignedDuration::from_secs(20));
    me(&house, Some(&one)).await.unwrap_err();
    assert_eq!(exchanges(&house, &app_id).await, 2);
}
