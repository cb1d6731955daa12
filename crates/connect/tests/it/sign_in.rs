//! `security.md` §3.2: what comes to the callback, and what must not come of it.

use connect::{Form, Proof, Timeouts};
use oauth::{Callback, Secret, State};
use serde_json::json;
use store::{Actor, Role};

use crate::endpoint::{Endpoint, Reply, token};
use crate::house::{Decision, Trip, house, name, ticket};

fn callback(query: &str) -> Callback {
    Callback::parse(query).unwrap()
}

#[tokio::test]
async fn a_person_signs_in_and_calls() {
    let house = house().await;
    let card = house.create(house.delegated("graph")).await;
    assert_eq!(card.state, State::NeverAuthorized);
    assert_eq!(
        card.redirect_uri.as_deref(),
        Some("http://localhost:8800/oauth/callback/microsoft-graph")
    );
    let back = house.authorize("graph", &house.user(1)).await.unwrap();
    assert_eq!(back.as_str(), "graph");
    let card = house.card("graph").await;
    assert_eq!(card.state, State::Ok);
    let token = card.token.unwrap();
    assert!(token.refresh_token && token.missing.is_empty(), "{token:?}");
    let identity = card.identity.unwrap();
    assert_eq!(
        (identity.kind.as_str(), identity.username),
        ("user", Some(house.user(1).upn))
    );
    let users = house.users("graph").await;
    assert!(users.request_id.is_some());
    assert_eq!(
        house
            .explain("graph")
            .await
            .last_authorization
            .unwrap()
            .result,
        "authorized"
    );
}

#[tokio::test]
async fn what_must_not_be_redeemed() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    house.create(house.delegated("other")).await;
    let client_id = house.facts().app.client_id.clone();
    let person = house.user(1);
    let fresh = || house.trip(&house.connector, "graph", &person, Decision::Accept);
    let send =
        async |trip: &Trip, path: &str, browser: Option<&Secret>, visitor: Option<&Actor>| {
            house
                .connector
                .callback(path, browser, visitor, callback(&trip.query))
                .await
                .map_err(|error| error.code())
        };

    for query in ["code=x", "code=x&state=", "code=x&state=unknown", ""] {
        let outcome = house
            .connector
            .callback("microsoft-graph", None, None, callback(query))
            .await;
        assert_eq!(
            outcome.unwrap_err().code(),
            "oauth.state_invalid",
            "{query}"
        );
    }
    let trip = fresh().await;
    assert_eq!(
        send(&trip, &trip.path, None, None).await,
        Err("oauth.session_mismatch")
    );
    // The state was spent by the wrong browser's attempt.
    assert_eq!(
        send(&trip, &trip.path, Some(&trip.browser), None).await,
        Err("oauth.state_invalid")
    );

    let trip = fresh().await;
    let other = Secret::new("another-browser");
    assert_eq!(
        send(&trip, &trip.path, Some(&other), None).await,
        Err("oauth.session_mismatch")
    );

    let trip = fresh().await;
    assert_eq!(
        send(&trip, "con_ofsomebodyelse", Some(&trip.browser), None).await,
        Err("oauth.connection_mismatch")
    );

    let trip = fresh().await;
    house
        .store
        .clock
        .advance(jiff::SignedDuration::from_mins(11));
    assert_eq!(
        send(&trip, &trip.path, Some(&trip.browser), None).await,
        Err("oauth.state_invalid")
    );

    let trip = fresh().await;
    let settings = Form {
        scope: Some("openid offline_access User.Read".to_owned()),
        ..Form::default()
    };
    house.change("graph", settings).await;
    assert_eq!(
        send(&trip, &trip.path, Some(&trip.browser), None).await,
        Err("oauth.connection_changed")
    );
    assert_eq!(
        house.token_requests(&client_id, "authorization_code").await,
        0
    );

    let trip = fresh().await;
    assert!(
        send(&trip, &trip.path, Some(&trip.browser), None)
            .await
            .is_ok()
    );
    assert_eq!(
        send(&trip, &trip.path, Some(&trip.browser), None).await,
        Err("oauth.state_invalid")
    );
    assert_eq!(
        house.token_requests(&client_id, "authorization_code").await,
        1
    );
}

#[tokio::test]
async fn two_callbacks_at_once_make_one_exchange() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    let trip = house
        .trip(&house.connector, "graph", &house.user(1), Decision::Accept)
        .await;
    let send = || {
        house
            .connector
            .callback(&trip.path, Some(&trip.browser), None, callback(&trip.query))
    };
    let (one, two) = tokio::join!(send(), send());
    assert_eq!(usize::from(one.is_ok()) + usize::from(two.is_ok()), 1);
    let client_id = house.facts().app.client_id.clone();
    assert_eq!(
        house.token_requests(&client_id, "authorization_code").await,
        1
    );
}

#[tokio::test]
async fn only_who_began_it_and_still_may_finishes_it() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    let users = house.store.users();
    let password = Secret::new("fake-password-for-tests");
    let ann = users
        .add(&house.actor, "ann", &password, Role::Operator)
        .await
        .unwrap();
    let other = users
        .add(&house.actor, "ben", &password, Role::Admin)
        .await
        .unwrap();
    let begin = async || {
        let started = house
            .connector
            .authorize(&ann.actor(), &name("graph"))
            .await
            .unwrap();
        let browser = Secret::new("browser-of-ann");
        let url = house
            .connector
            .start(&ticket(&started.url), &browser, Some(&ann.actor()))
            .await
            .unwrap();
        let state = url
            .query_pairs()
            .find(|(key, _)| key == "state")
            .unwrap()
            .1
            .into_owned();
        (browser, callback(&format!("code=fake-code&state={state}")))
    };
    for visitor in [Some(other.actor()), None] {
        let (browser, answer) = begin().await;
        let outcome = house
            .connector
            .callback("microsoft-graph", Some(&browser), visitor.as_ref(), answer)
            .await;
        assert_eq!(outcome.unwrap_err().code(), "oauth.session_mismatch");
    }

    // The link that a person began does nothing elsewhere, and stays what it is.
    let started = house
        .connector
        .authorize(&ann.actor(), &name("graph"))
        .await
        .unwrap();
    let ticket = ticket(&started.url);
    let browser = Secret::new("browser-of-ann");
    for visitor in [Some(other.actor()), Some(Actor::local()), None] {
        let refused = house
            .connector
            .start(&ticket, &browser, visitor.as_ref())
            .await
            .unwrap_err();
        assert_eq!(refused.code(), "oauth.session_missing");
        assert!(refused.to_string().contains("\"ann\""), "{refused}");
    }
    let at_ann = house
        .connector
        .start(&ticket, &browser, Some(&ann.actor()))
        .await;
    assert!(at_ann.is_ok());

    let (browser, answer) = begin().await;
    users.disable(&house.actor, &ann.id).await.unwrap();
    let outcome = house
        .connector
        .callback(
            "microsoft-graph",
            Some(&browser),
            Some(&ann.actor()),
            answer,
        )
        .await;
    assert_eq!(outcome.unwrap_err().code(), "forbidden");
    let client_id = house.facts().app.client_id.clone();
    assert_eq!(
        house.token_requests(&client_id, "authorization_code").await,
        0
    );
}

#[tokio::test]
async fn a_declined_consent_or_a_failed_exchange_keeps_the_old_tokens() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    let started = house
        .connector
        .authorize(&house.actor, &name("graph"))
        .await
        .unwrap();
    let browser = Secret::new("browser");
    let url = house
        .connector
        .start(&ticket(&started.url), &browser, None)
        .await
        .unwrap();
    let state = url
        .query_pairs()
        .find(|(key, _)| key == "state")
        .unwrap()
        .1
        .into_owned();
    let query =
        format!("error=access_denied&error_description=AADSTS65004%3A+declined&state={state}");
    let refused = house
        .connector
        .callback("microsoft-graph", Some(&browser), None, callback(&query))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), "oauth.refused");
    assert_eq!(refused.connection().unwrap().as_str(), "graph");
    assert!(refused.diagnosis().is_some());
    assert_eq!(house.card("graph").await.state, State::Ok);

    house
        .control("faults", json!({"route": "token", "status": 500}))
        .await;
    let failed = house.authorize("graph", &house.user(1)).await.unwrap_err();
    assert_eq!(failed.code(), "oauth.exchange_failed");
    assert_eq!(house.card("graph").await.state, State::Ok);
    house.users("graph").await;
    assert_eq!(house.card("graph").await.token.unwrap().generation, 1);
}

#[tokio::test]
async fn a_ticket_works_once() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    let started = house
        .connector
        .authorize(&house.actor, &name("graph"))
        .await
        .unwrap();
    let ticket = ticket(&started.url);
    let browser = Secret::new("browser");
    assert!(house.connector.start(&ticket, &browser, None).await.is_ok());
    let again = house
        .connector
        .start(&ticket, &browser, None)
        .await
        .unwrap_err();
    assert_eq!(again.code(), "oauth.ticket_invalid");
}

#[tokio::test]
async fn nobody_signs_in_where_nobody_is_asked() {
    let house = house().await;
    let card = house
        .connector
        .create(&house.actor, house.app_only("graph"), Proof::Later)
        .await
        .unwrap();
    assert_eq!(card.state, State::NeverAuthorized);
    assert_eq!(
        card.diagnosis.unwrap().command.as_deref(),
        Some("keyway connection test graph")
    );
    let error = house
        .connector
        .authorize(&house.actor, &name("graph"))
        .await
        .unwrap_err();
    assert_eq!(error.code(), "connection.not_authorizable");
}

#[tokio::test]
async fn an_administrators_return_is_not_taken_for_a_sign_in() {
    let house = house().await;
    let outcome = house
        .connector
        .callback(
            "microsoft-graph",
            None,
            None,
            callback("admin_consent=True&tenant=x"),
        )
        .await;
    assert_eq!(outcome.unwrap_err().code(), "oauth.admin_consented");
}

#[tokio::test]
async fn an_issuer_that_is_wrong_or_missing_though_promised_is_oauth_issuer_mismatch() {
    let endpoint = Endpoint::promising_its_issuer().await;
    let own = endpoint.origin();
    let other = own.replace("127.0.0.1", "localhost");
    for iss in [
        String::new(),
        "&iss=".to_owned(),
        "&iss=https://attacker.example".to_owned(),
        format!("&iss={other}"),
        format!("&iss={own}/"),
    ] {
        let (_, ended) = endpoint.comes_back_with(&iss).await;
        assert_eq!(
            ended.unwrap_err().code(),
            "oauth.issuer_mismatch",
            "{iss:?}"
        );
    }
    assert!(endpoint.asked().is_empty(), "no code was redeemed");
    endpoint.says(token(&json!({ "refresh_token": "fake" })));
    let (_, ended) = endpoint.comes_back_with(&format!("&iss={own}")).await;
    assert!(ended.is_ok(), "{ended:?}");
    assert_eq!(endpoint.asked().len(), 1);
}

#[tokio::test]
async fn an_exchange_that_times_out_spends_the_state_and_keeps_the_old_tokens() {
    let hasty = Timeouts {
        token: std::time::Duration::from_secs(1),
        ..Timeouts::default()
    };
    let endpoint = Endpoint::signed_in_waiting(hasty).await;
    let before = endpoint.stored().await;
    endpoint.says(Reply::Stalled(Vec::new()));
    let (_, ended) = endpoint.comes_back_with("").await;
    assert_eq!(ended.unwrap_err().code(), "oauth.exchange_failed");
    assert_eq!(endpoint.asked().len(), 2, "a code is sent once");
    assert_eq!(endpoint.stored().await, before);
    assert_eq!(endpoint.card().await.state, State::Ok);
    assert_eq!(endpoint.call().await.unwrap().token_generation, Some(1));
}
