//! Two live secrets of one client, certificates made in here, claims challenges, and revocation on delete. Requests are
//! counted at the sandbox, and at a provider of our own for what Entra does not offer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::http::StatusCode;
use axum::response::IntoResponse as _;
use axum::{Form as Posted, Json, Router, routing::get, routing::post};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connect::{Card, Form, FormSecret, NewCertificate, NewSecret, Revocation, Which};
use http::Method;
use jiff::SignedDuration;
use oauth::State;
use serde_json::{Value, json};
use store::{Clock, ConnectionName};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;

use crate::house::{House, Registered, house, name};

/// A house in the sandbox's time with the seeded app, and a connection of it.
async fn registered() -> (House, Registered) {
    let house = house().await;
    let clock = &house.store.clock;
    clock.advance(Clock::system().now().duration_since(clock.now()));
    house.administration().await;
    let client_id = house.facts().app.client_id.clone();
    let target = format!("/v1.0/applications(appId='{client_id}')");
    let found = house.get("administration", &target).await.unwrap();
    let connect::ResponseBody::Json(found) = found.body else {
        panic!("{found:?}");
    };
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let app = Registered {
        id: text(&found["id"]),
        secret: house.facts().app.client_secret.clone(),
        secret_id: text(&found["passwordCredentials"][0]["keyId"]),
        client_id,
    };
    house.create(house.app_only("graph")).await;
    (house, app)
}

async fn another(house: &House, app: &Registered) -> (String, String) {
    let target = format!("/v1.0/applications/{}/addPassword", app.id);
    let body = json!({ "passwordCredential": { "displayName": "next" } });
    let made = house.administer(Method::POST, &target, body).await;
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (text("secretText"), text("keyId"))
}

async fn forget(house: &House, app: &Registered, key_id: &str) {
    let target = format!("/v1.0/applications/{}/removePassword", app.id);
    house
        .administer(Method::POST, &target, json!({ "keyId": key_id }))
        .await;
}

fn secret(text: &str) -> NewSecret {
    NewSecret {
        client_secret: Some(FormSecret::new(text)),
        secret_expires_at: Some("2059-11-28".to_owned()),
        ..NewSecret::default()
    }
}

async fn add(house: &House, new: NewSecret) -> Card {
    let added = house
        .connector
        .add_secret(&house.actor, &name("graph"), new)
        .await;
    added.unwrap()
}

/// Has the token renewed; answers how many requests that took, and the card.
async fn renewed(house: &House, app: &Registered) -> (usize, Card) {
    let grant = "client_credentials";
    let before = house.token_requests(&app.client_id, grant).await;
    // The same failing request is not repeated within a minute.
    house.store.clock.advance(SignedDuration::from_secs(61));
    let card = house.card("graph").await;
    if card.state == State::Ok && card.secrets.len() == 1 {
        // With one secret a live token is renewed only after the API refused it.
        let fault = json!({ "route": "graph", "match": "/organization", "status": 401 });
        house.control("faults", fault).await;
    }
    let tested = house.connector.test(&house.actor, &name("graph")).await;
    let after = house.token_requests(&app.client_id, grant).await;
    (after - before, tested.unwrap())
}

fn kinds(card: &Card) -> Vec<(Which, &'static str)> {
    let secrets = card.secrets.iter();
    secrets.map(|secret| (secret.which, secret.kind)).collect()
}

#[tokio::test]
async fn a_secret_is_rotated_in_place() {
    let (house, app) = registered().await;
    let (next, _) = another(&house, &app).await;
    let card = add(&house, secret(&next)).await;
    let both = [
        (Which::Newest, "client_secret"),
        (Which::Older, "client_secret"),
    ];
    assert_eq!(kinds(&card), both);
    assert_eq!(card.state, State::Ok, "{card:#?}");
    assert_eq!(
        card.secrets[0].expires_at.unwrap().to_string(),
        "2059-11-28T00:00:00Z"
    );
    // The newest is taken: one request.
    let (requests, card) = renewed(&house, &app).await;
    assert_eq!((requests, card.secrets[0].refused_at), (1, None));
    // The old one is deleted at the provider, and nobody notices.
    forget(&house, &app, &app.secret_id).await;
    let (requests, card) = renewed(&house, &app).await;
    assert_eq!((requests, card.state), (1, State::Ok));
    let removed = house
        .connector
        .remove_secret(&house.actor, &name("graph"), Which::Older)
        .await
        .unwrap();
    assert_eq!(kinds(&removed), both[..1]);
    assert_eq!(removed.state, State::Ok);
}

#[tokio::test]
async fn the_older_secret_serves_while_the_newest_is_refused() {
    let (house, app) = registered().await;
    let card = add(&house, secret("fake-secret-that-nobody-knows")).await;
    assert_eq!(card.state, State::Ok, "{card:#?}");
    assert!(card.secrets[0].refused_at.is_some());
    let codes: Vec<&str> = card.warnings.iter().map(|one| one.code.as_str()).collect();
    assert!(codes.contains(&"secret.newest_refused"), "{codes:?}");
    // Header and body with the newest, then the older one.
    let (requests, card) = renewed(&house, &app).await;
    assert_eq!((requests, card.state), (3, State::Ok));
    let full = house
        .connector
        .add_secret(&house.actor, &name("graph"), secret("third"))
        .await;
    assert_eq!(full.unwrap_err().code(), "secret.two_already");
    // Neither is taken: told is what is wrong with the newest.
    forget(&house, &app, &app.secret_id).await;
    let (requests, card) = renewed(&house, &app).await;
    assert_eq!((requests, card.state), (4, State::NeedsSecret));
    assert_eq!(card.diagnosis.unwrap().code, "client_secret.wrong");
    let removed = house
        .connector
        .remove_secret(&house.actor, &name("graph"), Which::Newest)
        .await
        .unwrap();
    assert_eq!(kinds(&removed), [(Which::Newest, "client_secret")]);
    let alone = house
        .connector
        .remove_secret(&house.actor, &name("graph"), Which::Newest)
        .await;
    assert_eq!(alone.unwrap_err().code(), "secret.only_one");
    // A change replaces whatever there is.
    let (next, _) = another(&house, &app).await;
    add(&house, secret("fake-wrong")).await;
    let changed = house
        .change(
            "graph",
            Form {
                client_secret: Some(FormSecret::new(next)),
                ..Form::default()
            },
        )
        .await;
    assert_eq!(kinds(&changed.card), [(Which::Newest, "client_secret")]);
    assert_eq!(changed.card.state, State::Ok);
}

#[tokio::test]
async fn a_certificate_is_made_in_here_and_takes_over_once_it_is_registered() {
    let (house, app) = registered().await;
    let made = house
        .connector
        .generate_certificate(&house.actor, &name("graph"), NewCertificate::default())
        .await
        .unwrap();
    assert!(made.pem.starts_with("-----BEGIN CERTIFICATE-----"));
    assert!(!made.pem.contains("PRIVATE"));
    // Not registered yet: the secret goes on being used.
    let (_, card) = renewed(&house, &app).await;
    assert_eq!(card.state, State::Ok, "{card:#?}");
    let both = [
        (Which::Newest, "certificate"),
        (Which::Older, "client_secret"),
    ];
    assert_eq!(kinds(&card), both);
    assert!(card.secrets[0].refused_at.is_some());
    let certificate = card.secrets[0].certificate.as_ref().unwrap();
    assert_eq!(certificate.thumbprint, made.card.thumbprint);
    let der: String = made
        .pem
        .lines()
        .filter(|line| !line.contains("---"))
        .collect();
    assert!(STANDARD.decode(&der).is_ok());
    let key = json!({
        "displayName": "keyway", "type": "AsymmetricX509Cert", "usage": "Verify", "key": der,
    });
    let target = format!("/v1.0/applications/{}", app.id);
    house
        .administer(Method::PATCH, &target, json!({ "keyCredentials": [key] }))
        .await;
    let (requests, card) = renewed(&house, &app).await;
    assert_eq!((requests, card.state), (1, State::Ok), "{card:#?}");
    assert_eq!(card.secrets[0].refused_at, None);
    let again = house
        .connector
        .certificate(&house.actor, &name("graph"), Which::Newest)
        .await
        .unwrap();
    assert_eq!(again.pem, made.pem);
    let none = house
        .connector
        .certificate(&house.actor, &name("graph"), Which::Older)
        .await;
    assert_eq!(none.unwrap_err().code(), "certificate.not_found");
    let text = serde_json::to_string(&card).unwrap();
    assert!(!text.contains("PRIVATE"));
}

fn demand() -> Value {
    json!({ "access_token": { "nbf": { "essential": true, "value": "1780315200" } } })
}

/// The claims that token requests of a grant asked for, in order.
async fn claims(house: &House, grant: &str) -> Vec<String> {
    let log = house.log().await;
    let asked = log.iter().filter(|line| line["grant_type"] == grant);
    asked
        .filter_map(|line| line["claims"].as_str().map(str::to_owned))
        .collect()
}

/// What says, with every token request, that challenges are understood.
const UNDERSTOOD: &str = r#"{"access_token":{"xms_cc":{"values":["cp1"]}}}"#;
const MERGED: &str = r#"{"access_token":{"nbf":{"essential":true,"value":"1780315200"},"xms_cc":{"values":["cp1"]}}}"#;

#[tokio::test]
async fn a_claims_challenge_is_answered_by_one_renewal_with_its_claims() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    house.create(house.delegated("person")).await;
    house.authorize("person", &house.user(0)).await.unwrap();
    for (of, grant, path) in [
        ("graph", "client_credentials", "/users"),
        ("person", "refresh_token", "/me"),
    ] {
        house.get(of, path).await.unwrap();
        let fault = json!({ "route": "graph", "challenge": demand() });
        house.control("faults", fault).await;
        let answer = house.get(of, path).await.unwrap();
        assert_eq!(answer.status, 200, "{answer:?}");
        let asked = claims(&house, grant).await;
        assert_eq!(asked.last().unwrap(), MERGED, "{grant}");
        assert_eq!(house.card(of).await.state, State::Ok);
        // It was answered: the next renewal asks for nothing special.
        house.expire();
        house.get(of, path).await.unwrap();
        assert_eq!(
            claims(&house, grant).await,
            [asked, vec![UNDERSTOOD.to_owned()]].concat()
        );
    }
}

#[tokio::test]
async fn a_challenge_that_only_a_person_can_answer_goes_into_the_next_sign_in() {
    let house = house().await;
    house.create(house.delegated("person")).await;
    house.authorize("person", &house.user(0)).await.unwrap();
    let fault = json!({ "route": "graph", "challenge": demand() });
    house.control("faults", fault).await;
    let refusal = json!({ "error": "invalid_grant", "error_codes": [50173] });
    let fault = json!({ "route": "token", "status": 400, "body": refusal });
    house.control("faults", fault).await;
    let answer = house.get("person", "/me").await.unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(house.card("person").await.state, State::NeedsUser);
    let started = house
        .connector
        .authorize(&house.actor, &name("person"))
        .await
        .unwrap();
    let ticket = crate::house::ticket(&started.url);
    let page = house
        .connector
        .start(&ticket, &oauth::Secret::new("fake-browser"), None)
        .await
        .unwrap();
    let asked = page.query_pairs().find(|(name, _)| name == "claims");
    assert_eq!(asked.unwrap().1, MERGED);
    // Once somebody has signed in it is over.
    house.authorize("person", &house.user(0)).await.unwrap();
    assert_eq!(house.card("person").await.state, State::Ok);
    house.get("person", "/me").await.unwrap();
    house.expire();
    house.get("person", "/me").await.unwrap();
    let asked = claims(&house, "refresh_token").await;
    assert_eq!(asked, [MERGED, UNDERSTOOD], "once, and not again");
}

/// Entra sends challenges to nobody who has not announced that he understands them: at the authorization endpoint, and with
/// every token request.
#[tokio::test]
async fn a_revocation_is_known_at_the_next_call_and_not_at_the_tokens_end() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    house.create(house.delegated("person")).await;
    house.authorize("person", &house.user(1)).await.unwrap();
    for grant in ["client_credentials", "authorization_code"] {
        assert_eq!(claims(&house, grant).await, [UNDERSTOOD], "{grant}");
    }
    let token = house.card("person").await.token.unwrap();
    let life = token.expires_at.duration_since(token.received_at);
    assert!(life > SignedDuration::from_hours(19), "{life}");
    assert_eq!(house.get("person", "/me").await.unwrap().status, 200);
    let user = house.user(1);
    house.control("revoke", json!({ "user": user.upn })).await;
    assert_eq!(house.get("person", "/me").await.unwrap().status, 401);
    let card = house.card("person").await;
    assert_eq!(card.state, State::NeedsUser, "{card:?}");
    let started = house
        .connector
        .authorize(&house.actor, &name("person"))
        .await
        .unwrap();
    let ticket = crate::house::ticket(&started.url);
    let page = house
        .connector
        .start(&ticket, &oauth::Secret::new("fake-browser"), None)
        .await
        .unwrap();
    let asked = page.query_pairs().find(|(name, _)| name == "claims");
    let asked: Value = serde_json::from_str(&asked.unwrap().1).unwrap();
    assert_eq!(asked["access_token"]["nbf"]["essential"], true);
    assert_eq!(asked["access_token"]["xms_cc"]["values"], json!(["cp1"]));
    house.authorize("person", &user).await.unwrap();
    assert_eq!(house.card("person").await.state, State::Ok);
    assert_eq!(house.get("person", "/me").await.unwrap().status, 200);
}

/// A provider with metadata that offers revocation, or not; answers what it was asked to revoke.
async fn provider(answers: Option<StatusCode>) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&asked);
    let origin = format!("http://{address}");
    let mut metadata = json!({
        "issuer": origin,
        "authorization_endpoint": format!("{origin}/authorize"),
        "token_endpoint": format!("{origin}/token"),
    });
    if answers.is_some() {
        metadata["revocation_endpoint"] = json!(format!("{origin}/revoke"));
    }
    let token =
        json!({ "access_token": "fake-access", "token_type": "Bearer", "expires_in": 3600 });
    let revoke = async move |Posted(form): Posted<Vec<(String, String)>>| {
        let token = form.iter().find(|(name, _)| name == "token").unwrap();
        kept.lock().unwrap().push(token.1.clone());
        answers.unwrap_or(StatusCode::NOT_FOUND).into_response()
    };
    let router = Router::new()
        .route(
            "/.well-known/openid-configuration",
            get(async move || Json(metadata)),
        )
        .route("/token", post(async move || Json(token)))
        .route("/revoke", post(revoke));
    TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
    (address, asked)
}

#[tokio::test]
async fn a_deleted_connections_token_is_revoked_where_that_is_offered() {
    let house = house().await;
    for (answers, count) in [
        (Some(StatusCode::OK), 1),
        (Some(StatusCode::SERVICE_UNAVAILABLE), 1),
        (None, 0),
    ] {
        let (address, asked) = provider(answers).await;
        let form = Form {
            name: Some("op".to_owned()),
            preset: Some("oidc".to_owned()),
            issuer: Some(format!("http://{address}")),
            grant: Some("client_credentials".to_owned()),
            client_id: Some("client".to_owned()),
            client_secret: Some(FormSecret::new("fake-client-secret")),
            base_url: Some(format!("http://{address}")),
            ..Form::default()
        };
        let card = house.create(form).await;
        assert_eq!(card.state, State::Ok, "{card:#?}");
        let removed = remove(&house, &name("op")).await;
        match answers {
            Some(StatusCode::OK) => assert_eq!(removed, Revocation::Revoked),
            Some(_) => assert!(matches!(removed, Revocation::Failed { .. }), "{removed:?}"),
            None => assert_eq!(removed, Revocation::NotOffered),
        }
        assert_eq!(*asked.lock().unwrap(), vec!["fake-access"; count]);
        let gone = house.connector.card(&house.actor, &name("op")).await;
        assert_eq!(gone.unwrap_err().code(), "connection.not_found");
    }
    house.create(house.app_only("graph")).await;
    // Entra offers none.
    assert_eq!(remove(&house, &name("graph")).await, Revocation::NotOffered);
}

async fn remove(house: &House, of: &ConnectionName) -> Revocation {
    let removed = house.connector.remove(&house.actor, of, None).await;
    removed.unwrap()
}
