//! What `test` asks an API for, what it makes of the answer, and that it uses nothing up.

use connect::{Card, Form, Timeouts, Verdict};
use jiff::SignedDuration;
use oauth::State;
use serde_json::json;
use store::Actor;

use crate::calls::{Plain, bearer, plain};
use crate::endpoint::{Endpoint, json_reply};
use crate::house::{House, house, name};
use crate::mock;

async fn test(house: &House, of: &str) -> Card {
    let tested = house.connector.test(&house.actor, &name(of)).await;
    tested.unwrap()
}

async fn path(plain: &Plain, of: &str, path: &str) -> Result<Card, connect::Error> {
    let form = Form {
        probe_path: Some(path.to_owned()),
        ..Form::default()
    };
    plain
        .connector
        .change(&Actor::local(), &name(of), None, form)
        .await?;
    plain.connector.test(&Actor::local(), &name(of)).await
}

#[tokio::test]
async fn a_live_token_is_tried_and_not_renewed() {
    let house = house().await;
    house.create(house.app_only("graph")).await;
    house.create(house.delegated("person")).await;
    house.authorize("person", &house.user(1)).await.unwrap();
    let before = house.log().await.len();
    for (of, request, verdict) in [
        ("person", "GET /me?$select=id", Verdict::Accepted),
        ("graph", "GET /organization?$select=id", Verdict::Forbidden),
    ] {
        let generation = house.card(of).await.token.unwrap().generation;
        let card = test(&house, of).await;
        let tested = card.tested.unwrap();
        assert_eq!(
            (tested.request.as_str(), tested.verdict, card.state),
            (request, verdict, State::Ok),
            "{}",
            tested.message
        );
        assert_eq!(card.token.unwrap().generation, generation);
        // It is not among the failures of calls, and not on a card that was not asked to be tested.
        let told = house.explain(of).await;
        assert!(told.raw.last_call_failure.is_none() && told.connection.tested.is_none());
    }
    let log = house.log().await;
    let tokens = log[before..]
        .iter()
        .filter(|line| !line["grant_type"].is_null());
    assert_eq!(tokens.count(), 0, "a test uses no refresh token up");
    // Without a live token one is obtained, once.
    house.expire();
    let card = test(&house, "person").await;
    assert_eq!((card.token.unwrap().generation, card.state), (2, State::Ok));
}

#[tokio::test]
async fn a_refused_token_is_renewed_once() {
    let endpoint = Endpoint::signed_in().await;
    let test = async || {
        let (actor, of) = (Actor::local(), name("graph"));
        endpoint.connector.test(&actor, &of).await.unwrap()
    };
    endpoint.api_says(401);
    let card = test().await;
    assert_eq!(card.tested.unwrap().verdict, Verdict::Accepted);
    assert_eq!(endpoint.asked().len(), 2);
    endpoint.api_says(401);
    endpoint.api_says(401);
    let card = test().await;
    assert_eq!(card.tested.unwrap().verdict, Verdict::Refused);
    assert_eq!(endpoint.asked().len(), 3);
    let asked = endpoint.others();
    let asked: Vec<_> = asked
        .iter()
        .filter(|line| !line.contains("/authorize"))
        .collect();
    assert_eq!(asked, ["GET /"; 4]);
}

#[tokio::test]
async fn a_credential_that_does_not_renew_itself_is_judged_by_the_api() {
    let api = mock::api().await;
    let plain = plain(&["loopback"], Timeouts::default()).await;
    plain.create(bearer("api", api)).await;
    let card = path(&plain, "api", "/status/401").await.unwrap();
    assert_eq!(card.state, State::NeedsSecret);
    let diagnosis = card.diagnosis.unwrap();
    assert_eq!(diagnosis.code, "credential.refused");
    assert!(
        diagnosis.next.contains("--token-file"),
        "{}",
        diagnosis.next
    );
    assert_eq!(card.tested.unwrap().verdict, Verdict::Refused);
    for (answer, verdict) in [
        (404, Verdict::Unknown),
        (503, Verdict::Unknown),
        (403, Verdict::Forbidden),
        (200, Verdict::Accepted),
    ] {
        let card = path(&plain, "api", &format!("/status/{answer}")).await;
        let card = card.unwrap();
        let tested = card.tested.unwrap();
        assert_eq!((tested.status, tested.verdict), (Some(answer), verdict));
        let expected = match verdict {
            // It was refused before, and nothing was heard that says otherwise.
            Verdict::Unknown => State::NeedsSecret,
            _ => State::Ok,
        };
        assert_eq!(card.state, expected, "{answer}");
    }
    // A call that succeeds takes the refusal away, too.
    path(&plain, "api", "/status/401").await.unwrap();
    plain.get("api", "/status/204").await.unwrap();
    let card = plain.connector.card(&Actor::local(), &name("api")).await;
    assert_eq!(card.unwrap().state, State::Ok);
    for bad in [
        "status",
        "//evil.example/x",
        "/a b",
        "https://evil.example/",
    ] {
        let refused = path(&plain, "api", bad).await.unwrap_err();
        assert_eq!(refused.code(), "connection.probe_path_invalid", "{bad}");
        assert_eq!(refused.field(), Some("/probe_path"));
    }
    let card = path(&plain, "api", "").await.unwrap();
    assert_eq!(card.probe_path, None);
}

/// Whoever waits for the recovery does not have to call.
#[tokio::test]
async fn a_provider_in_trouble_is_asked_again_by_itself_when_it_is_time() {
    let endpoint = Endpoint::signed_in().await;
    let throttled = json_reply("429 Too Many Requests", "retry-after: 30\r\n", &json!({}));
    endpoint.says(throttled.clone()).says(throttled);
    let (_, told) = endpoint.refused().await;
    assert_eq!(told.state, State::Waiting);
    assert!(
        told.next.starts_with("nothing has to be done"),
        "{}",
        told.next
    );
    endpoint.connector.try_troubled().await.unwrap();
    assert_eq!(endpoint.asked().len(), 2, "not before its time");
    endpoint.store.clock.advance(SignedDuration::from_secs(40));
    endpoint.connector.try_troubled().await.unwrap();
    assert_eq!(endpoint.asked().len(), 3);
    assert_eq!(endpoint.card().await.state, State::Waiting);
    endpoint.store.clock.advance(SignedDuration::from_secs(60));
    endpoint.connector.try_troubled().await.unwrap();
    assert_eq!(endpoint.asked().len(), 4);
    assert_eq!(endpoint.card().await.state, State::Ok);
    endpoint.connector.try_troubled().await.unwrap();
    assert_eq!(endpoint.asked().len(), 4, "all is well");
}

/// After a day of it only a call asks: perhaps nobody needs the connection any more.
#[tokio::test]
async fn nobody_is_asked_for_ever() {
    let endpoint = Endpoint::signed_in().await;
    for _ in 0..9 {
        endpoint.says(json_reply("503 Service Unavailable", "", &json!({})));
    }
    endpoint.refused().await;
    assert_eq!(endpoint.card().await.state, State::Degraded);
    let asked = endpoint.asked().len();
    endpoint.store.clock.advance(SignedDuration::from_hours(25));
    endpoint.connector.try_troubled().await.unwrap();
    assert_eq!(endpoint.asked().len(), asked);
    endpoint.call().await.unwrap_err();
    assert!(endpoint.asked().len() > asked);
}

/// Secrets that can't be unsealed are an event with its time as soon as somebody meets them, and over when they are readable.
#[tokio::test]
async fn an_unreadable_credential_is_noted_by_whoever_meets_it() {
    let api = mock::api().await;
    for by_call in [true, false] {
        let plain = plain(&["loopback"], Timeouts::default()).await;
        plain.create(bearer("api", api)).await;
        plain.create(bearer("other", api)).await;
        plain.store.exchange_secrets("api", "other").await;
        plain.store.clock.advance(SignedDuration::from_hours(1));
        let card = if by_call {
            let refused = plain.code("api", "/status/200").await;
            assert_eq!(refused, "connection.unreadable");
            plain.connector.card(&Actor::local(), &name("api")).await
        } else {
            plain.connector.test(&Actor::local(), &name("api")).await
        };
        let card = card.unwrap();
        let code = card.diagnosis.map(|diagnosis| diagnosis.code);
        assert_eq!(
            (card.state, code.as_deref()),
            (State::Unreadable, Some("secret.unreadable"))
        );
        assert_eq!(card.state_since, plain.now());
        assert_eq!(changes(&plain).await, 1);
        plain.code("api", "/status/200").await;
        assert_eq!(changes(&plain).await, 1, "told once");
        plain.store.exchange_secrets("api", "other").await;
        plain.get("api", "/status/200").await.unwrap();
        let card = plain.connector.card(&Actor::local(), &name("api")).await;
        let card = card.unwrap();
        assert_eq!((card.state, card.diagnosis.is_none()), (State::Ok, true));
        assert_eq!(changes(&plain).await, 2);
    }
}

/// Audit rows of changed states.
async fn changes(plain: &Plain) -> usize {
    let rows = plain
        .store
        .audit()
        .list(&Actor::local(), &store::AuditFilter::default())
        .await
        .unwrap();
    rows.iter()
        .filter(|row| row.action == "connection.state_changed")
        .count()
}
