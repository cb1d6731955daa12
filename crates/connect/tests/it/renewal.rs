//! `connections.md` §3, counted at the token endpoint.

use std::sync::Arc;

use futures_util::future::join_all;
use jiff::SignedDuration;
use oauth::{Callback, State};
use serde_json::json;
use store::{ConnectionId, Leased};
use tokio_util::sync::CancellationToken;

use crate::house::{Decision, House, PUBLIC_URL, connector, house, name};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_calls_on_an_expired_token_renew_once() {
    let house = Arc::new(house().await);
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    let client_id = house.facts().app.client_id.clone();
    house.users("graph").await;
    assert_eq!(house.token_requests(&client_id, "refresh_token").await, 0);

    house.expire();
    let calls = (0..1_000).map(|_| {
        let house = Arc::clone(&house);
        async move {
            house
                .get("graph", "/v1.0/users?$top=1")
                .await
                .unwrap()
                .status
        }
    });
    let statuses = join_all(calls).await;
    assert!(statuses.iter().all(|status| *status == 200));
    assert_eq!(house.token_requests(&client_id, "refresh_token").await, 1);
    let card = house.card("graph").await;
    assert_eq!(card.token.unwrap().generation, 2);
    assert_eq!(card.state, State::Ok);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_on_one_postgresql_renew_once() {
    let store = store::testing::postgres().await;
    let house = House::on(store).await;
    let other = connector(
        &house.sandbox,
        house.store.again().await.unwrap(),
        PUBLIC_URL,
    );
    house.create(house.app_only("graph")).await;
    let client_id = house.facts().app.client_id.clone();
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        1
    );
    // A slow token endpoint makes sure that they meet.
    house
        .control(
            "faults",
            json!({"route": "token", "delay_ms": 300, "times": 10}),
        )
        .await;
    house.expire();
    let mut calls = Vec::new();
    for at in 0..200 {
        let connector = if at % 2 == 0 {
            &house.connector
        } else {
            &other
        };
        let connector = connector.clone();
        let actor = house.actor.clone();
        calls.push(async move {
            let request = connect::ApiRequest::new(http::Method::GET, "/v1.0/users?$top=1");
            connector
                .call(&actor, &name("graph"), request)
                .await
                .unwrap()
        });
    }
    let answers = join_all(calls).await;
    assert!(
        answers
            .iter()
            .all(|answer| answer.status == 200 && answer.token_generation == Some(2))
    );
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        2
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_refusals_renews_once() {
    let house = Arc::new(house().await);
    house.create(house.app_only("graph")).await;
    let client_id = house.facts().app.client_id.clone();
    // The sandbox's clock runs ahead: for it the token has ended, for us it is fresh.
    house
        .control("clock", json!({"offset_seconds": 7_200}))
        .await;
    let calls = (0..100).map(|_| {
        let house = Arc::clone(&house);
        async move { house.get("graph", "/v1.0/users?$top=1").await.unwrap() }
    });
    let answers = join_all(calls).await;
    assert!(answers.iter().all(|answer| answer.status == 200));
    assert!(answers.iter().any(|answer| answer.attempts == 2));
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        2
    );
}

#[tokio::test]
async fn an_api_that_refuses_every_token_causes_one_renewal() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    let client_id = house.facts().app.client_id.clone();
    house
        .control(
            "faults",
            json!({"route": "graph", "status": 401, "times": 50}),
        )
        .await;
    for call in 0..5 {
        let answer = house.get("graph", "/v1.0/users").await.unwrap();
        assert_eq!(answer.status, 401);
        // the first call had the token renewed, and says what the second refusal means; the others do not try that again
        let codes: Vec<_> = answer.trail.iter().map(|attempt| attempt.code).collect();
        let expected = if call == 0 {
            vec![None, Some("upstream.unauthorized")]
        } else {
            vec![None]
        };
        assert_eq!(codes, expected, "call {call}");
    }
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        2
    );
    let failure = house.explain("graph").await.raw.last_call_failure.unwrap();
    assert_eq!(failure.status, 401);
    assert!(failure.request_id.is_some());
}

#[tokio::test]
async fn a_stale_token_is_used_and_renewed_behind() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    let client_id = house.facts().app.client_id.clone();
    let life = house.card("graph").await.token.unwrap().expires_in;
    house
        .store
        .clock
        .advance(SignedDuration::from_secs(life - 60));
    let answer = house.get("graph", "/v1.0/users?$top=1").await.unwrap();
    assert_eq!((answer.status, answer.token_generation), (200, Some(1)));
    // The renewal goes on behind the answer: wait for it through the next caller who needs it.
    house.store.clock.advance(SignedDuration::from_secs(120));
    let answer = house.get("graph", "/v1.0/users?$top=1").await.unwrap();
    assert_eq!((answer.status, answer.token_generation), (200, Some(2)));
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        2
    );
}

#[tokio::test]
async fn a_cancelled_caller_does_not_cancel_the_renewal() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    let client_id = house.facts().app.client_id.clone();
    house
        .control("faults", json!({"route": "token", "delay_ms": 400}))
        .await;
    house.expire();
    let call = house.get("graph", "/v1.0/users");
    let cut = tokio::time::timeout(std::time::Duration::from_millis(100), call).await;
    assert!(cut.is_err());
    let answer = house.get("graph", "/v1.0/users?$top=1").await.unwrap();
    assert_eq!(answer.token_generation, Some(2));
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        2
    );
}

async fn id(house: &House) -> ConnectionId {
    ConnectionId::parse(&house.card("graph").await.id).unwrap()
}

#[tokio::test]
async fn after_a_crash_with_an_open_intent_the_old_token_is_tried_once() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    let client_id = house.facts().app.client_id.clone();
    let id = id(&house).await;
    // A process took the lease, wrote its intent, and was never seen again.
    let leased = house
        .store
        .tokens()
        .lease(&id, "dead-process", SignedDuration::from_secs(40))
        .await
        .unwrap();
    assert!(matches!(leased, Leased::Acquired(_)));
    house.expire();
    // Entra takes the old token: nothing was lost.
    let answer = house.get("graph", "/v1.0/users?$top=1").await.unwrap();
    assert_eq!((answer.status, answer.token_generation), (200, Some(2)));
    assert_eq!(house.token_requests(&client_id, "refresh_token").await, 1);
    assert!(
        house
            .store
            .tokens()
            .read(&id)
            .await
            .unwrap()
            .intent
            .is_none()
    );
}

#[tokio::test]
async fn after_a_crash_a_refused_old_token_is_told_as_unknown_outcome() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    let client_id = house.facts().app.client_id.clone();
    let id = id(&house).await;
    house
        .store
        .tokens()
        .lease(&id, "dead-process", SignedDuration::from_secs(40))
        .await
        .unwrap();
    house.expire();
    let refusal = json!({"error": "invalid_grant", "error_description": "fake: reused", "error_codes": [70000]});
    house
        .control(
            "faults",
            json!({"route": "token", "status": 400, "body": refusal, "times": 5}),
        )
        .await;
    let error = house.get("graph", "/v1.0/users").await.unwrap_err();
    assert_eq!(error.code(), "connection.needs_user");
    assert_eq!(error.diagnosis().unwrap().code, "token.renewal_unknown");
    assert_eq!(house.token_requests(&client_id, "refresh_token").await, 1);
    // Nothing was cleared: the token row still holds what it held.
    let row = house.store.tokens().read(&id).await.unwrap();
    assert!(row.token.unwrap().refresh_token.is_some());
    assert_eq!(house.card("graph").await.state, State::NeedsUser);
}

#[tokio::test]
async fn a_start_settles_what_a_crash_left_open() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    let client_id = house.facts().app.client_id.clone();
    let id = id(&house).await;
    let tokens = house.store.tokens();
    let leased = tokens.lease(&id, "dead-process", SignedDuration::from_secs(40));
    assert!(matches!(leased.await.unwrap(), Leased::Acquired(_)));
    house.connector.settle_renewals(CancellationToken::new());
    // As long as its lease lasts, the other one may be alive.
    house.store.clock.advance(SignedDuration::from_secs(41));
    let settled = async {
        while tokens.read(&id).await.unwrap().generation < 2 {
            tokio::task::yield_now().await;
        }
    };
    let patience = std::time::Duration::from_secs(20);
    tokio::time::timeout(patience, settled).await.unwrap();
    assert!(tokens.read(&id).await.unwrap().intent.is_none());
    assert_eq!(house.token_requests(&client_id, "refresh_token").await, 1);
}

/// G3: a grant that was refused for good is asked for once more in an hour at most, whoever calls.
#[tokio::test]
async fn a_refused_grant_is_sent_again_once_an_hour() {
    let house = house().await;
    house.create(house.delegated("graph")).await;
    let user = house.user(1);
    house.authorize("graph", &user).await.unwrap();
    let client_id = house.facts().app.client_id.clone();
    house.control("revoke", json!({"user": user.upn})).await;
    house.expire();
    let error = house.get("graph", "/v1.0/users").await.unwrap_err();
    assert_eq!(error.code(), "connection.needs_user");
    let first = house.token_requests(&client_id, "refresh_token").await;
    assert_eq!(first, 1);
    for _ in 0..60 {
        house.store.clock.advance(SignedDuration::from_mins(1));
        let error = house.get("graph", "/v1.0/users").await.unwrap_err();
        assert_eq!(error.code(), "connection.needs_user");
        let refused = house.connector.test(&house.actor, &name("graph")).await;
        assert_eq!(refused.unwrap().state, State::NeedsUser);
    }
    let again = house.token_requests(&client_id, "refresh_token").await - first;
    println!(
        "figure {}",
        json!({"id": "G3.terminal", "name": "token requests in the hour after a grant was refused for good", "goal": "≤ 1",
            "measured": again, "unit": "requests", "passed": again <= 1})
    );
    assert!(again <= 1, "{again} requests");
    // A person's sign-in ends it at once.
    house.authorize("graph", &user).await.unwrap();
    assert_eq!(house.users("graph").await.status, 200);
}

#[tokio::test]
async fn the_loser_of_a_race_reads_again_and_clears_nothing() {
    let house = Arc::new(house().await);
    house.create(house.delegated("graph")).await;
    house.authorize("graph", &house.user(1)).await.unwrap();
    let id = id(&house).await;
    let refusal = json!({"error": "invalid_grant", "error_description": "fake: revoked", "error_codes": [50173]});
    house.expire();
    // All of the person's way but its end: only that has to happen while the refusal is on its way.
    let person = house.user(1);
    let trip = house
        .trip(&house.connector, "graph", &person, Decision::Accept)
        .await;
    house
        .control("faults", json!({"route": "token", "match": "refresh_token", "status": 400, "delay_ms": 3000, "body": refusal}))
        .await;
    let losing = tokio::join!(house.get("graph", "/v1.0/users?$top=1"), async {
        // While the refusal is on its way, the same person signs in again.
        loop {
            if house
                .store
                .tokens()
                .read(&id)
                .await
                .unwrap()
                .lease
                .is_some()
            {
                break;
            }
            tokio::task::yield_now().await;
        }
        let callback = Callback::parse(&trip.query).unwrap();
        house
            .connector
            .callback(&trip.path, Some(&trip.browser), None, callback)
            .await
            .unwrap()
    });
    let answer = losing.0.unwrap();
    assert_eq!((answer.status, answer.token_generation), (200, Some(2)));
    assert_eq!(house.card("graph").await.state, State::Ok);
}

#[tokio::test]
async fn the_same_failing_token_request_is_sent_once_a_minute() {
    let house = house().await;
    let mut form = house.app_only("graph");
    form.client_secret = Some(connect::FormSecret::new("fake-wrong-secret"));
    form.client_authentication = Some("client_secret_post".to_owned());
    house.create(form).await;
    let client_id = house.facts().app.client_id.clone();
    for _ in 0..5 {
        let error = house.get("graph", "/v1.0/users").await.unwrap_err();
        assert_eq!(error.code(), "connection.needs_secret");
    }
    house
        .connector
        .test(&house.actor, &name("graph"))
        .await
        .unwrap();
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        1
    );
    house.store.clock.advance(SignedDuration::from_secs(61));
    house.get("graph", "/v1.0/users").await.unwrap_err();
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        2
    );
}

#[tokio::test]
async fn trouble_that_passes_is_waited_out_and_a_live_token_is_served() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    let client_id = house.facts().app.client_id.clone();
    let life = house.card("graph").await.token.unwrap().expires_in;
    house
        .control(
            "faults",
            json!({"route": "token", "status": 503, "times": 3}),
        )
        .await;
    house
        .store
        .clock
        .advance(SignedDuration::from_secs(life - 60));
    // Stale: the call is answered with the token that lives, the renewal fails behind it.
    assert_eq!(house.users("graph").await.token_generation, Some(1));
    house.store.clock.advance(SignedDuration::from_secs(61));
    let mut tries = 0;
    let answer = loop {
        match house.get("graph", "/v1.0/users?$top=1").await {
            Ok(answer) => break answer,
            Err(error) => {
                assert_eq!(error.code(), "idp.unavailable", "{error}");
                assert_eq!(house.card("graph").await.state, State::Degraded);
                let at = error.retry_at().unwrap();
                let wait = at.duration_since(house.store.clock.now());
                assert!(wait <= SignedDuration::from_secs(76), "{wait}");
                house.store.clock.advance(wait);
            }
        }
        tries += 1;
        assert!(tries < 5);
    };
    assert_eq!(answer.token_generation, Some(2));
    assert_eq!(house.card("graph").await.state, State::Ok);
    assert!(house.token_requests(&client_id, "client_credentials").await <= 5);
}

#[tokio::test]
async fn automatic_client_authentication_learns_what_works() {
    let house = house().await;
    house
        .control(
            "faults",
            json!({"route": "token", "status": 401, "body": {"error": "invalid_client", "error_description": "fake: no header here"}}),
        )
        .await;
    let card = house.create(house.app_only("graph")).await;
    assert_eq!(card.state, State::Ok);
    assert_eq!(card.client_authentication.as_deref(), Some("automatic"));
    assert_eq!(
        card.client_authentication_used.as_deref(),
        Some("client_secret_post")
    );
    house.expire();
    house.users("graph").await;
    let client_id = house.facts().app.client_id.clone();
    assert_eq!(
        house.token_requests(&client_id, "client_credentials").await,
        3
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_by_another_process_is_noticed() {
    let house = House::on(store::testing::postgres().await).await;
    let other = connector(
        &house.sandbox,
        house.store.again().await.unwrap(),
        PUBLIC_URL,
    );
    house.create(house.app_only("graph")).await;
    let call = async || {
        let request = connect::ApiRequest::new(http::Method::GET, "/v1.0/users?$top=1");
        other.call(&house.actor, &name("graph"), request).await
    };
    assert_eq!(call().await.unwrap().status, 200);
    // Wiped here: the other process may believe its memory for a second, not for ever.
    let moved = connect::Form {
        client_id: Some("other-client".to_owned()),
        ..connect::Form::default()
    };
    house.change("graph", moved).await;
    let noticed = async {
        loop {
            if let Err(error) = call().await {
                break error.code();
            }
        }
    };
    let code = tokio::time::timeout(std::time::Duration::from_secs(10), noticed).await;
    assert_eq!(code, Ok("connection.needs_secret"));
}
