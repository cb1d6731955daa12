//! Signing in by device code (RFC 8628): a person types a code elsewhere, whoever serves polls.

use connect::{Form, Proof, UserCode};
use jiff::SignedDuration;
use oauth::State;
use serde_json::json;
use store::{Actor, Role};

use crate::house::{Decision, House, connector, house, name};

/// Begins a sign-in; answers what the person is shown.
async fn begin(house: &House, of: &str) -> UserCode {
    let started = house
        .connector
        .authorize(&house.actor, &name(of))
        .await
        .unwrap();
    let code = started.device.unwrap();
    assert_eq!(started.url, code.verification_uri);
    code
}

/// Lets the time of a poll come, and polls.
async fn poll(house: &House, seconds: i64) {
    house
        .store
        .clock
        .advance(SignedDuration::from_secs(seconds));
    house.connector.poll_devices().await.unwrap();
}

/// How often the sandbox was polled.
async fn polls(house: &House) -> usize {
    let grant = "urn:ietf:params:oauth:grant-type:device_code";
    let client_id = house.facts().admin.client_id.clone();
    house.token_requests(&client_id, grant).await
}

async fn last(house: &House, of: &str) -> (&'static str, Option<String>) {
    let last = house.explain(of).await.last_authorization.unwrap();
    (last.result, last.code)
}

#[tokio::test]
async fn a_person_types_the_code_and_the_connection_works_and_renews() {
    let house = house().await;
    let card = house.create(house.by_device("graph")).await;
    assert_eq!(card.state, State::NeverAuthorized);
    assert_eq!(card.grant.as_deref(), Some("device_code"));
    assert_eq!(card.client_authentication.as_deref(), Some("none"));
    assert_eq!(card.redirect_uri, None);
    assert!(
        card.device_authorization_endpoint
            .unwrap()
            .ends_with("/oauth2/v2.0/devicecode")
    );
    assert_eq!(
        card.diagnosis.unwrap().command.as_deref(),
        Some("keyway connection authorize graph")
    );
    let code = begin(&house, "graph").await;
    assert_eq!((code.expires_in, code.interval), (900, 5));
    let pending = house.explain("graph").await.pending_authorization.unwrap();
    assert_eq!(
        pending.verification_uri.as_deref(),
        Some(code.verification_uri.as_str())
    );
    assert_eq!(pending.redirect_uri, None);

    // Never before its time.
    poll(&house, 4).await;
    assert_eq!(polls(&house).await, 0);
    poll(&house, 1).await;
    poll(&house, 5).await;
    assert_eq!(polls(&house).await, 2);
    assert_eq!(house.card("graph").await.state, State::NeverAuthorized);

    let person = house.user(1);
    let sloppy = code.user_code.to_lowercase();
    let page = house
        .type_code(&code.verification_uri, &sloppy, &person, Decision::Accept)
        .await;
    assert!(page.contains("You have signed in on your device"), "{page}");
    poll(&house, 5).await;
    assert_eq!(last(&house, "graph").await, ("authorized", None));
    let card = house.card("graph").await;
    assert_eq!(card.state, State::Ok);
    assert_eq!(card.authorized_by.as_deref(), Some(person.upn.as_str()));
    assert!(card.token.unwrap().refresh_token);
    let me = house.get("graph", "/me").await.unwrap();
    assert_eq!(me.status, 200);
    assert!(house.explain("graph").await.pending_authorization.is_none());

    house.expire();
    assert_eq!(house.get("graph", "/me").await.unwrap().status, 200);
    poll(&house, 60).await;
    assert_eq!(polls(&house).await, 3);
    let client_id = house.facts().admin.client_id.clone();
    assert_eq!(house.token_requests(&client_id, "refresh_token").await, 1);
}

#[tokio::test]
async fn a_confidential_client_proves_itself() {
    let house = house().await;
    let secret = house.app_only("graph").client_secret;
    let form = Form {
        client_id: Some(house.facts().app.client_id.clone()),
        client_secret: secret,
        scope: Some("offline_access User.Read".to_owned()),
        ..house.by_device("graph")
    };
    let card = house.create(form).await;
    assert_eq!(card.client_authentication.as_deref(), Some("automatic"));
    let code = begin(&house, "graph").await;
    let person = house.user(2);
    house
        .type_code(
            &code.verification_uri,
            &code.user_code,
            &person,
            Decision::Accept,
        )
        .await;
    poll(&house, 5).await;
    let card = house.card("graph").await;
    assert_eq!(card.state, State::Ok, "{:?}", card.diagnosis);
    assert_eq!(
        card.client_authentication_used.as_deref(),
        Some("client_secret_basic")
    );
}

#[tokio::test]
async fn what_ends_a_sign_in_is_told() {
    let house = house().await;
    house.create(house.by_device("graph")).await;
    let person = house.user(1);

    // Nobody types the code.
    begin(&house, "graph").await;
    poll(&house, 901).await;
    assert_eq!(
        last(&house, "graph").await,
        ("failed", Some("device.expired".to_owned()))
    );
    assert_eq!(house.card("graph").await.state, State::NeedsUser);
    assert_eq!(polls(&house).await, 0);

    // The person declines.
    let wanted = Form {
        scope: Some("offline_access User.ReadWrite".to_owned()),
        ..Form::default()
    };
    house.change("graph", wanted).await;
    let code = begin(&house, "graph").await;
    let page = house
        .type_code(
            &code.verification_uri,
            &code.user_code,
            &person,
            Decision::Cancel,
        )
        .await;
    assert!(page.contains("AADSTS65004"), "{page}");
    poll(&house, 5).await;
    assert_eq!(
        last(&house, "graph").await,
        ("failed", Some("consent.declined".to_owned()))
    );

    // A new one replaces the one before: its code is worth nothing here, whoever types it.
    let old = begin(&house, "graph").await;
    let new = begin(&house, "graph").await;
    assert_ne!(old.user_code, new.user_code);
    house
        .type_code(
            &old.verification_uri,
            &old.user_code,
            &person,
            Decision::Accept,
        )
        .await;
    poll(&house, 5).await;
    assert_ne!(house.card("graph").await.state, State::Ok);

    // A change in the meantime.
    let other = Form {
        scope: Some("offline_access User.Read".to_owned()),
        ..Form::default()
    };
    house.change("graph", other).await;
    poll(&house, 5).await;
    assert_eq!(
        last(&house, "graph").await,
        ("failed", Some("oauth.connection_changed".to_owned()))
    );
    assert!(house.explain("graph").await.pending_authorization.is_none());
}

#[tokio::test]
async fn a_restart_goes_on_and_trouble_is_waited_out() {
    let house = house().await;
    house.create(house.by_device("graph")).await;
    let code = begin(&house, "graph").await;
    let fault = |status: u16, body: serde_json::Value| {
        let order =
            json!({ "route": "token", "match": "device_code", "status": status, "body": body });
        house.control("faults", order)
    };
    fault(400, json!({ "error": "slow_down" })).await;
    poll(&house, 5).await;
    poll(&house, 9).await;
    assert_eq!(polls(&house).await, 1);
    fault(503, json!("busy")).await;
    poll(&house, 1).await;
    assert_eq!(polls(&house).await, 2);
    let pending = house.explain("graph").await.pending_authorization;
    assert!(pending.is_some());

    let person = house.user(1);
    house
        .type_code(
            &code.verification_uri,
            &code.user_code,
            &person,
            Decision::Accept,
        )
        .await;
    // Another process, with the same store.
    let restarted = connector(&house.sandbox, house.store.store(), "http://localhost:8800");
    house.store.clock.advance(SignedDuration::from_secs(20));
    let (one, other) = tokio::join!(restarted.poll_devices(), house.connector.poll_devices());
    one.unwrap();
    other.unwrap();
    assert_eq!(polls(&house).await, 3);
    assert_eq!(house.card("graph").await.state, State::Ok);
}

#[tokio::test]
async fn whoever_lost_the_role_meanwhile_gets_nothing() {
    let house = house().await;
    house.create(house.by_device("graph")).await;
    let secret = oauth::Secret::new("not-a-real-password");
    let user = house
        .store
        .users()
        .add(&house.actor, "adele", &secret, Role::Operator)
        .await
        .unwrap();
    let actor = Actor {
        id: user.id.to_string(),
        name: "adele".to_owned(),
        role: Role::Operator,
    };
    let viewer = Actor {
        role: Role::Viewer,
        ..actor.clone()
    };
    let graph = name("graph");
    let refused = house.connector.authorize(&viewer, &graph).await;
    assert_eq!(refused.unwrap_err().code(), "forbidden");
    let started = house.connector.authorize(&actor, &graph).await.unwrap();
    let code = started.device.unwrap();
    let disabled = house.store.users().disable(&house.actor, &user.id).await;
    disabled.unwrap();
    house
        .type_code(
            &code.verification_uri,
            &code.user_code,
            &house.user(1),
            Decision::Accept,
        )
        .await;
    poll(&house, 5).await;
    assert_eq!(
        last(&house, "graph").await,
        ("failed", Some("forbidden".to_owned()))
    );
    assert_eq!(house.card("graph").await.state, State::NeverAuthorized);
}

#[tokio::test]
async fn a_provider_that_gives_no_code_is_explained() {
    let house = house().await;
    let wrong = Form {
        client_id: Some("00000000-0000-4000-8000-000000000000".to_owned()),
        ..house.by_device("graph")
    };
    house.create(wrong).await;
    let refused = house
        .connector
        .authorize(&house.actor, &name("graph"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "oauth.refused");
    assert_eq!(refused.diagnosis().unwrap().code, "client_id.unknown");
    assert_eq!(house.card("graph").await.state, State::NeedsSettings);

    let generic = Form {
        preset: None,
        cloud: None,
        tenant: None,
        token_endpoint: Some("https://login.contoso.example/token".to_owned()),
        ..house.by_device("typed")
    };
    let code = async |form: Form| {
        let created = house.connector.create(&house.actor, form, Proof::Later);
        created.await.map_err(|error| error.code())
    };
    assert_eq!(
        code(generic.clone()).await.unwrap_err(),
        "connection.device_authorization_endpoint_missing"
    );
    let foreign = Form {
        device_authorization_endpoint: Some("https://evil.example/device".to_owned()),
        ..generic.clone()
    };
    assert_eq!(
        code(foreign).await.unwrap_err(),
        "connection.token_endpoint_foreign"
    );
    let typed = Form {
        grant: None,
        device_authorization_endpoint: Some("https://login.contoso.example/device".to_owned()),
        ..generic
    };
    let card = code(typed).await.unwrap();
    assert_eq!(card.grant.as_deref(), Some("device_code"));

    // Where codes come from decides where a secret is sent.
    let moved = Form {
        device_authorization_endpoint: Some("https://id.contoso.example/device".to_owned()),
        prove: Some(false),
        ..Form::default()
    };
    let changed = house.change("typed", moved).await;
    assert_eq!(
        changed.card.device_authorization_endpoint.as_deref(),
        Some("https://id.contoso.example/device")
    );
    assert_eq!(changed.card.version, 2);
}
