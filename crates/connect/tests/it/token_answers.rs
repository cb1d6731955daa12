//! What a token endpoint may answer, row by row (`security.md` §3.3): counted at the endpoint, told by its code, nothing lost.

use std::time::Duration;

use connect::Timeouts;
use futures_util::future::join_all;
use jiff::SignedDuration;
use oauth::{Secret, State};
use serde_json::{Value, json};
use store::Actor;

use crate::endpoint::{Endpoint, REFRESH, Reply, SECRET, json_reply, reply, token};

/// A refusal by the provider.
fn refusal(status: &str, error: &str) -> Reply {
    json_reply(status, "", &json!({ "error": error }))
}

fn code(told: &connect::Explanation) -> &str {
    &told.connection.diagnosis.as_ref().unwrap().code
}

/// A renewal that gets this answer each time: so many tries, the state and code told, and nothing lost.
async fn is_no_token_response(of: &str, answer: Reply, tries: usize) {
    let endpoint = Endpoint::signed_in().await;
    for _ in 0..tries {
        endpoint.says(answer.clone());
    }
    let (error, told) = endpoint.refused().await;
    assert_eq!(error.code(), "idp.unavailable", "{of}");
    assert_eq!(
        (told.state, code(&told)),
        (State::Degraded, "idp.bad_response"),
        "{of}"
    );
    assert_eq!(endpoint.asked().len(), 1 + tries, "{of}");
    assert_eq!(
        endpoint.stored().await,
        (Some(Secret::new(REFRESH)), 1),
        "{of}"
    );
    // it passes by itself, with the same refresh token
    endpoint.store.clock.advance(SignedDuration::from_mins(2));
    assert_eq!(
        endpoint.call().await.unwrap().token_generation,
        Some(2),
        "{of}"
    );
    assert_eq!(
        endpoint.asked()[1 + tries]["refresh_token"],
        REFRESH,
        "{of}"
    );
}

#[tokio::test]
async fn no_token_response_is_idp_bad_response_tried_thrice() {
    let good = json!({ "access_token": "fake", "token_type": "Bearer" }).to_string();
    let utf_16: Vec<u8> = good.bytes().flat_map(|byte| [byte, 0]).collect();
    let json_type = "content-type: application/json\r\n";
    let rows = [
        (
            "html",
            reply("200 OK", "content-type: text/html\r\n", "<h1>Hello</h1>"),
        ),
        ("empty", reply("200 OK", json_type, "")),
        ("cut", reply("200 OK", json_type, r#"{"access_token":"#)),
        ("array", reply("200 OK", json_type, "[]")),
        ("bom", reply("200 OK", json_type, format!("\u{feff}{good}"))),
        ("utf-16", reply("200 OK", json_type, utf_16)),
        (
            "wrong type",
            reply("200 OK", "content-type: text/plain\r\n", good),
        ),
    ];
    join_all(rows.map(|(of, answer)| is_no_token_response(of, answer, 3))).await;
}

#[tokio::test]
async fn no_access_token_is_idp_bad_response() {
    let rows = [
        ("missing", token(&json!({ "access_token": null })), 3),
        ("empty", token(&json!({ "access_token": "" })), 3),
        (
            "1 MB",
            // more than 64 KiB is not read on, and not asked for again
            token(&json!({ "access_token": "x".repeat(1_000_000) })),
            1,
        ),
        (
            "newline",
            token(&json!({ "access_token": "fake\ntoken" })),
            3,
        ),
    ];
    join_all(rows.map(|(of, answer, tries)| is_no_token_response(of, answer, tries))).await;
}

#[tokio::test]
async fn token_type_is_bearer_in_any_case_else_idp_token_type() {
    for kind in [Value::Null, json!("bearer"), json!("BEARER")] {
        let endpoint = Endpoint::signed_in().await;
        endpoint.expire();
        endpoint.says(token(&json!({ "token_type": kind })));
        assert_eq!(
            endpoint.call().await.unwrap().token_generation,
            Some(2),
            "{kind}"
        );
    }
    for kind in ["mac", "DPoP"] {
        let endpoint = Endpoint::signed_in().await;
        endpoint.says(token(&json!({ "token_type": kind })));
        let (error, told) = endpoint.refused().await;
        assert_eq!(error.code(), "connection.needs_settings", "{kind}");
        assert_eq!(code(&told), "idp.token_type", "{kind}");
        assert_eq!(endpoint.asked().len(), 2, "{kind}: asked once");
        assert_eq!(endpoint.stored().await.1, 1, "{kind}");
    }
}

#[tokio::test]
async fn expires_in_in_every_shape() {
    for (given, seconds, assumed) in [
        (json!("3599"), 3_599, false),
        (json!(3599.9), 3_599, false),
        (json!(1e18), 86_400, false),
        (Value::Null, 300, true),
    ] {
        let endpoint = Endpoint::signed_in().await;
        endpoint.expire();
        endpoint.says(token(&json!({ "expires_in": given })));
        endpoint.call().await.unwrap();
        let held = endpoint.card().await.token.unwrap();
        assert_eq!(
            (held.expires_in, held.expires_in_assumed),
            (seconds, assumed),
            "{given}"
        );
    }
}

/// A token that has ended as it comes is used for the call that asked for it, and the next call asks again: no loop.
#[tokio::test]
async fn a_life_of_nothing_is_expired_without_a_loop() {
    for life in [json!(0), json!(-1)] {
        let endpoint = Endpoint::app_only(Timeouts::default()).await;
        for calls in 1..=3 {
            endpoint.says(token(&json!({ "expires_in": life })));
            assert_eq!(endpoint.call().await.unwrap().status, 200);
            assert_eq!(endpoint.asked().len(), calls, "{life}");
        }
    }
}

/// Five minutes are a guess: where the API says earlier that the token has ended, it is renewed then.
#[tokio::test]
async fn a_life_that_was_not_told_ends_by_a_401() {
    let endpoint = Endpoint::app_only(Timeouts::default()).await;
    endpoint.says(token(&json!({ "expires_in": null })));
    assert_eq!(endpoint.call().await.unwrap().attempts, 1);
    endpoint.api_says(401);
    let answer = endpoint.call().await.unwrap();
    assert_eq!(
        (answer.status, answer.attempts, answer.token_generation),
        (200, 2, Some(2))
    );
    assert_eq!(endpoint.asked().len(), 2);
}

#[tokio::test]
async fn a_refresh_token_that_is_not_replaced_is_kept() {
    let endpoint = Endpoint::signed_in().await;
    for next in [
        Value::Null,
        json!(REFRESH),
        json!("fake-refresh-2"),
        Value::Null,
    ] {
        endpoint.says(token(&json!({ "refresh_token": next })));
        endpoint.expire();
        assert_eq!(endpoint.call().await.unwrap().status, 200);
    }
    let asked = endpoint.asked();
    let sent = asked
        .iter()
        .skip(1)
        .map(|form| form["refresh_token"].as_str());
    let expected = [REFRESH, REFRESH, REFRESH, "fake-refresh-2"];
    assert_eq!(sent.collect::<Vec<_>>(), expected);
    assert_eq!(
        endpoint.stored().await,
        (Some(Secret::new("fake-refresh-2")), 5)
    );
}

#[tokio::test]
async fn a_narrower_scope_is_stored_and_told_as_scope_reduced() {
    let endpoint = Endpoint::signed_in().await;
    endpoint.expire();
    endpoint.says(token(&json!({ "scope": "read" })));
    endpoint.call().await.unwrap();
    let card = endpoint.card().await;
    let held = card.token.unwrap();
    assert_eq!(
        (card.state, held.granted, held.missing),
        (
            State::Ok,
            // a refresh token came, so this was granted too
            vec!["read".to_owned(), "offline_access".to_owned()],
            vec!["write".to_owned()]
        )
    );
    let reduced = card
        .warnings
        .iter()
        .find(|warning| warning.code == "scope.reduced");
    assert!(reduced.unwrap().message.contains("write"), "{reduced:?}");
}

#[tokio::test]
async fn an_app_whose_answer_has_no_scope_has_what_it_asked_for() {
    let endpoint = Endpoint::app_only(Timeouts::default()).await;
    endpoint.says(token(&json!({})));
    endpoint.call().await.unwrap();
    let card = endpoint.card().await;
    let held = card.token.unwrap();
    let asked = ["read", "write"];
    assert_eq!(held.granted, asked, "RFC 6749 §5.1");
    assert!(!held.granted_is_hint && held.missing == ["offline_access"]);
}

/// How often the connection's change of state was noted since this was asked.
async fn changes_of_state(endpoint: &Endpoint) -> usize {
    let events = endpoint.store.events().claim(100).await.unwrap();
    for event in &events {
        endpoint.store.events().settle(&event.id).await.unwrap();
    }
    let changes = events
        .iter()
        .filter(|event| event.r#type == store::EventType::ConnectionState);
    changes.count()
}

#[tokio::test]
async fn invalid_grant_is_needs_user_told_once_and_the_credential_is_kept() {
    let endpoint = Endpoint::signed_in().await;
    changes_of_state(&endpoint).await;
    endpoint.says(refusal("400 Bad Request", "invalid_grant"));
    let (error, told) = endpoint.refused().await;
    assert_eq!(
        (error.code(), code(&told)),
        ("connection.needs_user", "grant.invalid")
    );
    for _ in 0..20 {
        assert_eq!(
            endpoint.call().await.unwrap_err().code(),
            "connection.needs_user"
        );
    }
    assert_eq!(endpoint.asked().len(), 2, "no loop");
    assert_eq!(endpoint.stored().await, (Some(Secret::new(REFRESH)), 1));
    assert_eq!(changes_of_state(&endpoint).await, 1);
}

#[tokio::test]
async fn invalid_client_is_needs_secret_and_names_the_value() {
    for (number, code_of, said) in [
        (7_000_215, "client_secret.wrong", "Value"),
        (7_000_222, "client_secret.expired", "expired"),
    ] {
        let house = crate::house::house().await;
        let body = json!({ "error": "invalid_client", "error_description": format!("AADSTS{number}: No."), "error_codes": [number] });
        let fault = json!({ "route": "token", "status": 401, "times": 2, "body": body });
        house.control("faults", fault).await;
        let card = house.create(house.app_only("graph")).await;
        assert_eq!(card.state, State::NeedsSecret);
        let told = house.explain("graph").await;
        assert_eq!(code(&told), code_of);
        let words = [told.what, told.why, told.next].join(" ");
        assert!(words.contains(said), "{words}");
    }
}

#[tokio::test]
async fn interaction_required_carries_its_claims_into_the_next_sign_in() {
    let endpoint = Endpoint::signed_in().await;
    let claims = r#"{"access_token":{"capolids":{"essential":true,"values":["fake-policy"]}}}"#;
    let body = json!({ "error": "interaction_required", "claims": claims });
    endpoint.says(json_reply("400 Bad Request", "", &body));
    let (error, told) = endpoint.refused().await;
    assert_eq!(
        (error.code(), code(&told)),
        ("connection.needs_user", "session.interaction")
    );
    assert_eq!(endpoint.sign_in().await["claims"], claims);
    assert_eq!(endpoint.card().await.state, State::Ok);
    assert!(
        !endpoint.sign_in().await.contains_key("claims"),
        "it was answered"
    );
}

#[tokio::test]
async fn retry_after_is_honoured_up_to_an_hour() {
    for status in ["429 Too Many Requests", "503 Service Unavailable"] {
        for (given, least, most) in [
            ("7", 7, 8),
            ("7.5", 7, 9),
            ("0", 1, 1),
            ("-7", 1, 1),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 1, 1),
            ("99999999", 3_600, 3_605),
            ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600, 3_605),
        ] {
            let endpoint = Endpoint::signed_in().await;
            let line = format!("retry-after: {given}\r\n");
            endpoint.says(json_reply(status, &line, &json!({})));
            let (error, told) = endpoint.refused().await;
            assert_eq!(
                (error.code(), told.state),
                ("idp.throttled", State::Waiting),
                "{status} {given}"
            );
            let wait = told
                .raw
                .retry_at
                .unwrap()
                .duration_since(endpoint.store.clock.now());
            assert!(
                (least..=most).contains(&wait.as_secs()),
                "{status} {given}: {wait}"
            );
            assert_eq!(endpoint.asked().len(), 2, "{status} {given}");
        }
    }
}

/// A provider that says "again at once" without end is asked ever more seldom.
#[tokio::test]
async fn a_retry_after_of_nothing_is_not_taken_at_its_word() {
    for given in ["0", "-7", "Sun, 06 Nov 1994 08:49:37 GMT"] {
        let endpoint = Endpoint::signed_in().await;
        let line = format!("retry-after: {given}\r\n");
        for _ in 0..200 {
            endpoint.says(json_reply("429 Too Many Requests", &line, &json!({})));
        }
        endpoint.refused().await;
        for _ in 0..30 {
            endpoint.call().await.unwrap_err();
        }
        assert_eq!(endpoint.asked().len(), 2, "{given}: once for all calls");
        for _ in 0..600 {
            endpoint.store.clock.advance(SignedDuration::from_secs(1));
            endpoint.call().await.unwrap_err();
        }
        let asked = endpoint.asked().len() - 1;
        assert!((8..=20).contains(&asked), "{given}: {asked} in ten minutes");
    }
}

/// What nobody can wait out is not told as something to wait for, whatever the status says.
#[tokio::test]
async fn a_terminal_error_is_not_hidden_behind_a_status_to_retry() {
    for (status, error, code_of) in [
        (
            "429 Too Many Requests",
            "invalid_grant",
            "connection.needs_user",
        ),
        (
            "503 Service Unavailable",
            "invalid_grant",
            "connection.needs_user",
        ),
        (
            "503 Service Unavailable",
            "invalid_client",
            "connection.needs_secret",
        ),
    ] {
        let endpoint = Endpoint::signed_in().await;
        let body = json!({ "error": error });
        endpoint.says(json_reply(status, "retry-after: 5\r\n", &body));
        assert_eq!(
            endpoint.refused().await.0.code(),
            code_of,
            "{status} {error}"
        );
        assert_eq!(endpoint.asked().len(), 2);
    }
}

#[tokio::test]
async fn a_redirect_is_refused_as_idp_redirect_and_nothing_is_sent_on() {
    for status in [
        "301 Moved",
        "302 Found",
        "303 See Other",
        "307 Temporary",
        "308 Permanent",
    ] {
        let endpoint = Endpoint::signed_in().await;
        let line = format!("location: http://{}/elsewhere\r\n", endpoint.address);
        let before = endpoint.others();
        endpoint.says(reply(status, &line, ""));
        let (error, told) = endpoint.refused().await;
        assert_eq!(error.code(), "connection.needs_settings", "{status}");
        assert_eq!(code(&told), "idp.redirect", "{status}");
        assert_eq!(
            endpoint.others(),
            before,
            "{status}: the other address was asked"
        );
        assert_eq!(endpoint.asked().len(), 2, "{status}");
    }
}

/// The deadline is 30 s; here it is four, and what happens at its end is the same.
#[tokio::test]
async fn no_answer_in_time_leaves_the_intent_open() {
    assert_eq!(Timeouts::default().token, Duration::from_secs(30));
    let head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n";
    let dripping = [&head[..], &[b' '; 100]].concat();
    let pause = Duration::from_millis(40);
    let rows = [
        ("never", Reply::Stalled(Vec::new()), "provider.timeout"),
        (
            "head only",
            Reply::Stalled(head.to_vec()),
            "provider.timeout",
        ),
        (
            "byte by byte",
            Reply::Dripping(dripping, pause),
            "provider.timeout",
        ),
        (
            "reset after headers",
            Reply::Broken(head.to_vec()),
            "idp.bad_response",
        ),
    ];
    let each = rows.map(async |(of, answer, code_of)| {
        // three tries with their pauses fit, and a stalled one ends soon
        let timeouts = Timeouts {
            token: Duration::from_secs(4),
            ..Timeouts::default()
        };
        let endpoint = Endpoint::signed_in_waiting(timeouts).await;
        for _ in 0..3 {
            endpoint.says(answer.clone());
        }
        let (error, told) = endpoint.refused().await;
        let failed = (error.code(), told.state);
        assert_eq!(failed, ("idp.unavailable", State::Degraded), "{of}");
        assert_eq!(code(&told), code_of, "{of}");
        let kept = endpoint.stored().await;
        assert_eq!(kept, (Some(Secret::new(REFRESH)), 1), "{of}");
        let open = endpoint.intent_is_open().await;
        assert!(open, "{of}: whether it was carried out is not known");
    });
    join_all(each).await;
}

#[tokio::test]
async fn what_a_provider_says_is_cleaned_and_repeats_no_secret() {
    let endpoint = Endpoint::signed_in().await;
    let said =
        format!("<script>alert(1)</script> \u{1b}[31mred\u{1b}[0m the secret {SECRET} is wrong");
    let body = json!({ "error": "invalid_request", "error_description": said });
    endpoint.says(json_reply("400 Bad Request", "", &body));
    let (error, told) = endpoint.refused().await;
    assert_eq!(
        code(&told),
        "request.invalid",
        "judged by `error`, not by the text"
    );
    let shown = serde_json::to_string(&told).unwrap() + &error.to_string();
    let words = told.raw.provider.unwrap().error_description.unwrap();
    assert!(
        words.contains("<script>alert(1)</script>"),
        "verbatim, to be shown as text: {words}"
    );
    assert!(
        !shown.contains("\\u001b") && !words.contains('\u{1b}'),
        "{shown}"
    );
    assert!(!shown.contains(SECRET), "{shown}");
    // nor does the text decide anything: the same words under another error are another state
    let other = Endpoint::signed_in().await;
    other.says(json_reply(
        "400 Bad Request",
        "",
        &json!({ "error": "invalid_grant", "error_description": "invalid_client AADSTS7000215" }),
    ));
    assert_eq!(other.refused().await.0.code(), "connection.needs_user");
    let audit = store::AuditFilter::default();
    let rows = endpoint
        .store
        .audit()
        .list(&Actor::local(), &audit)
        .await
        .unwrap();
    assert!(!format!("{rows:?}").contains(SECRET));
}
