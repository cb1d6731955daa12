use super::*;

const NOW: &str = "2026-03-01T12:00:00Z";

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

fn response(status: u16, content_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::builder().status(status);
    if !content_type.is_empty() {
        response = response.header(CONTENT_TYPE, content_type);
    }
    response.body(body.into()).unwrap()
}

fn json(status: u16, body: &str) -> Response<Bytes> {
    response(status, "application/json; charset=utf-8", body.to_owned())
}

/// An answer that is all right but for the members given.
fn with(members: &str) -> Result<TokenSet, TokenError> {
    token_response(
        &json(
            200,
            &format!(r#"{{"access_token":"fake-token",{members}}}"#),
        ),
        now(),
    )
}

#[test]
fn an_ordinary_answer() {
    let body = r#"{"token_type":"Bearer","scope":"profile openid email https://graph.microsoft.com/User.Read",
        "expires_in":3599,"ext_expires_in":3599,"access_token":"fake.access.token","refresh_token":"0.fake-refresh","id_token":"fake.id.token"}"#;
    let set = token_response(&json(200, body), now()).unwrap();
    assert_eq!(set.access_token, Secret::new("fake.access.token"));
    assert_eq!(set.refresh_token, Some(Secret::new("0.fake-refresh")));
    assert_eq!(set.id_token, Some(Secret::new("fake.id.token")));
    assert_eq!(
        set.scope.unwrap().to_string(),
        "profile openid email https://graph.microsoft.com/User.Read"
    );
    assert_eq!(set.received_at, now());
    assert_eq!(set.expires_at.to_string(), "2026-03-01T12:59:59Z");
    assert!(!set.expires_in_assumed);
}

#[test]
fn answers_that_are_no_token_response() {
    let check = |content_type: &str, body: &[u8], expected: &'static str| {
        let answer = token_response(&response(200, content_type, body.to_vec()), now());
        assert_eq!(
            answer,
            Err(TokenError::BadResponse {
                status: 200,
                detail: expected
            }),
            "{:?}",
            String::from_utf8_lossy(body)
        );
    };
    let good = br#"{"access_token":"fake","token_type":"Bearer"}"#;
    let utf_16: Vec<u8> = good.iter().flat_map(|byte| [*byte, 0]).collect();
    let with_bom = [b"\xef\xbb\xbf".as_slice(), good].concat();
    let json = "application/json";
    check(json, b"", "it is empty");
    check(json, b"<!doctype html><p>hello</p>", "it is not valid JSON");
    check(
        "text/html",
        b"<!doctype html><p>hello</p>",
        "its content type is not JSON",
    );
    check("text/html", good, "its content type is not JSON");
    check("text/plain", good, "its content type is not JSON");
    check(json, b"{\"access_token\":\"fake\"", "it is not valid JSON");
    check(
        json,
        b"[{\"access_token\":\"fake\"}]",
        "it is not a JSON object",
    );
    check(json, b"\"fake\"", "it is not a JSON object");
    check(json, b"null", "it is not a JSON object");
    check(json, &with_bom, "it is not valid JSON");
    check(json, &utf_16, "it is not valid JSON");
    check(
        json,
        b"{\"access_token\":\"\xff\xfe\"}",
        "it is not valid JSON",
    );
    check(
        json,
        format!("{}1{}", "[".repeat(200), "]".repeat(200)).as_bytes(),
        "it is not valid JSON",
    );
    check(json, b"{\"expires_in\":1e400}", "it is not valid JSON");
    check(json, b"{}", "it has no access_token");
    check(
        json,
        b"{\"access_token\":null,\"token_type\":\"Bearer\"}",
        "it has no access_token",
    );
    check(
        json,
        b"{\"access_token\":[\"fake\"]}",
        "its access_token is not a text",
    );
    check(
        json,
        b"{\"access_token\":\"fake\",\"token_type\":7}",
        "its token_type is not a text",
    );
    check(
        json,
        b"{\"access_token\":\"fake\",\"refresh_token\":7}",
        "its refresh_token is not a token",
    );
    check(
        json,
        b"{\"access_token\":\"fake\",\"refresh_token\":\"a\\nb\"}",
        "its refresh_token is not a token",
    );
    let strange = "its access_token is empty or has a character that tokens never have";
    for token in [
        "",
        "a\\nb",
        "a\\r\\nX-Header: 1",
        "a b",
        "a\\u0000",
        "\\u00e9",
        " ",
    ] {
        check(
            json,
            format!(r#"{{"access_token":"{token}","token_type":"Bearer"}}"#).as_bytes(),
            strange,
        );
    }
}

#[test]
fn the_size_limit() {
    let answer = |length: usize| {
        let frame = r#"{"access_token":""}"#.len();
        let token = "x".repeat(length - frame);
        token_response(
            &json(200, &format!(r#"{{"access_token":"{token}"}}"#)),
            now(),
        )
    };
    assert!(answer(TOKEN_RESPONSE_LIMIT - 1).is_ok());
    assert!(answer(TOKEN_RESPONSE_LIMIT).is_ok());
    let too_long = Err(TokenError::BadResponse {
        status: 200,
        detail: "it is longer than 64 KiB",
    });
    assert_eq!(answer(TOKEN_RESPONSE_LIMIT + 1), too_long);
    assert_eq!(answer(1024 * 1024), too_long);
}

#[test]
fn token_types() {
    for kind in ["Bearer", "bearer", "BEARER"] {
        assert!(with(&format!(r#""token_type":"{kind}""#)).is_ok(), "{kind}");
    }
    assert!(with(r#""token_type":null"#).is_ok());
    assert!(with(r#""scope":"a""#).is_ok(), "left out");
    for kind in ["mac", "DPoP", "", "Bearer "] {
        let error = with(&format!(r#""token_type":"{kind}""#)).unwrap_err();
        assert_eq!(error.code(), "idp.token_type", "{kind:?}");
    }
}

#[test]
fn lives() {
    let check = |member: &str, seconds: i64, assumed: bool| {
        let set = with(member).unwrap();
        let life = set.expires_at.duration_since(set.received_at).as_secs();
        assert_eq!(
            (life, set.expires_in_assumed),
            (seconds, assumed),
            "{member}"
        );
    };
    check(r#""expires_in":3599"#, 3599, false);
    check(r#""expires_in":"3599""#, 3599, false);
    check(r#""expires_in":" 3599 ""#, 3599, false);
    check(r#""expires_in":3599.9"#, 3599, false);
    check(r#""expires_in":"3599.9""#, 3599, false);
    check(r#""expires_in":0"#, 0, false);
    check(r#""expires_in":-1"#, 0, false);
    check(r#""expires_in":"-1""#, 0, false);
    check(r#""expires_in":86400"#, 86_400, false);
    check(r#""expires_in":86401"#, 86_400, false);
    check(r#""expires_in":1e18"#, 86_400, false);
    check(r#""expires_in":1e308"#, 86_400, false);
    check(r#""expires_in":18446744073709551615"#, 86_400, false);
    check(r#""expires_in":"inf""#, 86_400, false);
    check(r#""expires_in":"nan""#, 300, true);
    check(r#""expires_in":"soon""#, 300, true);
    check(r#""expires_in":null"#, 300, true);
    check(r#""expires_in":true"#, 300, true);
    check(r#""expires_in":[3599]"#, 300, true);
    check(r#""token_type":"Bearer""#, 300, true);
}

#[test]
fn a_life_at_the_end_of_time_is_cut() {
    let answer = json(200, r#"{"access_token":"fake","expires_in":3600}"#);
    assert_eq!(
        token_response(&answer, Timestamp::MAX).unwrap().expires_at,
        Timestamp::MAX
    );
}

#[test]
fn refresh_tokens_that_are_not_there() {
    for member in [
        r#""refresh_token":null"#,
        r#""refresh_token":"""#,
        r#""scope":"a""#,
    ] {
        assert_eq!(with(member).unwrap().refresh_token, None, "{member}");
    }
}

#[test]
fn granted_scopes() {
    let check = |member: &str, expected: Option<&str>| {
        let scope = with(member).unwrap().scope.map(|scope| scope.to_string());
        assert_eq!(scope.as_deref(), expected, "{member}");
    };
    check(r#""scope":"a b a""#, Some("a b"));
    check(r#""scope":"repo,gist""#, Some("repo gist"));
    check(r#""scope":["a","b"]"#, Some("a b"));
    check(r#""scope":"""#, None);
    check(r#""scope":null"#, None);
    check(r#""scope":7"#, None);
    check(r#""scope":"a\nb""#, None);
}

#[test]
fn a_form_encoded_answer() {
    let form = "application/x-www-form-urlencoded; charset=utf-8";
    let set = token_response(
        &response(
            200,
            form,
            "access_token=fake&scope=repo%2Cgist&token_type=bearer",
        ),
        now(),
    )
    .unwrap();
    assert_eq!(set.access_token, Secret::new("fake"));
    assert_eq!(set.scope.unwrap().to_string(), "repo gist");
    assert!(set.expires_in_assumed);

    let error = token_response(
        &response(
            200,
            form,
            "error=bad_verification_code&error_description=The+code+is+wrong.",
        ),
        now(),
    )
    .unwrap_err();
    let refusal = error.provider().unwrap();
    assert_eq!(
        (refusal.error.as_str(), refusal.error_description.as_deref()),
        ("bad_verification_code", Some("The code is wrong."))
    );
}

#[test]
fn other_json_types() {
    let body = r#"{"access_token":"fake"}"#;
    for content_type in [
        "",
        "APPLICATION/JSON",
        "application/problem+json",
        "application/json;x=y",
    ] {
        assert!(
            token_response(&response(200, content_type, body), now()).is_ok(),
            "{content_type}"
        );
    }
}

#[test]
fn redirects_are_refused() {
    for status in [301, 302, 303, 307, 308] {
        let answer = json(status, r#"{"access_token":"fake"}"#);
        assert_eq!(
            token_response(&answer, now()),
            Err(TokenError::Redirect { status })
        );
    }
}

#[test]
fn refusals() {
    let check = |status: u16, body: &str, expected: Remedy| {
        let error = token_response(&json(status, body), now()).unwrap_err();
        assert_eq!(
            (error.code(), error.remedy()),
            ("idp.refused", expected),
            "{status} {body}"
        );
        assert_eq!(error.provider().unwrap().status, Some(status));
    };
    check(400, r#"{"error":"invalid_grant"}"#, Remedy::Reauthorize);
    check(401, r#"{"error":"invalid_client"}"#, Remedy::FixClient);
    check(400, r#"{"error":"invalid_scope"}"#, Remedy::FixSettings);
    check(
        400,
        r#"{"error":"unauthorized_client"}"#,
        Remedy::FixSettings,
    );
    check(
        400,
        r#"{"error":"interaction_required","claims":"{}"}"#,
        Remedy::Reauthorize,
    );
    check(
        400,
        r#"{"error":"something_new","access_token":"fake"}"#,
        Remedy::FixSettings,
    );
    // a number of Entra's is finer than the word
    check(
        400,
        r#"{"error":"invalid_grant","error_codes":[53003]}"#,
        Remedy::AskAdmin,
    );
    // an error inside a 200 is one
    check(200, r#"{"error":"invalid_grant"}"#, Remedy::Reauthorize);
    check(
        200,
        r#"{"error":"invalid_grant","access_token":"fake"}"#,
        Remedy::Reauthorize,
    );
    // what is definitive is not hidden behind a status that says "try again"
    check(503, r#"{"error":"invalid_grant"}"#, Remedy::Reauthorize);
    check(429, r#"{"error":"invalid_client"}"#, Remedy::FixClient);
    // this status alone says that the client did not prove itself
    check(401, "<h1>Unauthorized</h1>", Remedy::FixClient);
    check(401, "", Remedy::FixClient);
}

#[test]
fn a_refusal_is_read_whatever_its_label() {
    let answer = response(400, "text/html", r#"{"error":"invalid_grant"}"#);
    assert_eq!(
        token_response(&answer, now()).unwrap_err().code(),
        "idp.refused"
    );
}

#[test]
fn a_provider_that_cannot_answer_now() {
    let check = |status: u16, retry: Option<&str>, body: &str, wait: Option<i64>| {
        let mut answer = json(status, body);
        if let Some(retry) = retry {
            answer
                .headers_mut()
                .insert(RETRY_AFTER, retry.parse().unwrap());
        }
        match token_response(&answer, now()).unwrap_err() {
            TokenError::Unavailable {
                status: seen,
                retry_after,
                ..
            } => {
                assert_eq!(
                    (seen, retry_after.map(|wait| wait.as_secs())),
                    (status, wait),
                    "{body}"
                );
            }
            other => panic!("{status} {body}: {other:?}"),
        }
    };
    check(429, Some("60"), "Too Many Requests", Some(60));
    check(429, None, "Too Many Requests", None);
    check(
        429,
        Some("2.128"),
        r#"{"error":"temporarily_unavailable"}"#,
        Some(2),
    );
    check(429, Some("-1"), "", Some(0));
    check(429, Some("99999999"), "", Some(3600));
    check(
        503,
        Some("Sun, 01 Mar 2026 12:00:30 GMT"),
        "<html>",
        Some(30),
    );
    check(503, Some("whenever"), "<html>", None);
    check(500, None, r#"{"error":"server_error"}"#, None);
    check(500, None, r#"{"error":"invalid_request"}"#, None);
    check(502, None, "", None);
    check(408, None, "", None);
    check(400, None, r#"{"error":"temporarily_unavailable"}"#, None);
    check(200, None, r#"{"error":"server_error"}"#, None);
    check(
        400,
        None,
        r#"{"error":"invalid_request","error_codes":[90055]}"#,
        None,
    );
    check(503, None, &"x".repeat(TOKEN_RESPONSE_LIMIT + 1), None);
}

#[test]
fn an_error_without_an_error_word() {
    for (status, body) in [
        (400, "Too Many Requests"),
        (404, "<html>"),
        (400, r#"{"error":{"code":7}}"#),
        (400, r#"{"error":""}"#),
        (403, "{}"),
    ] {
        let error = token_response(&json(status, body), now()).unwrap_err();
        assert_eq!(
            (error.code(), error.remedy()),
            ("idp.bad_response", Remedy::Retry),
            "{status} {body}"
        );
    }
}

#[test]
fn the_answer_is_never_quoted() {
    for body in [
        r#"{"access_token":"fake canary","token_type":"Bearer"}"#,
        r#"{"access_token":"canary"#,
        "canary",
    ] {
        let error = token_response(&json(200, body), now()).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
    }
    let set = with(r#""refresh_token":"canary""#).unwrap();
    assert!(!format!("{set:?}").contains("canary"));
}

#[test]
fn fresh_stale_expired() {
    let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
    let check = |life: i64, age: i64, expected: Freshness| {
        assert_eq!(
            freshness(at(0), at(life), at(age)),
            expected,
            "life {life}, age {age}"
        );
    };
    // an hour: the last five minutes
    check(3600, 0, Freshness::Fresh);
    check(3600, 3299, Freshness::Fresh);
    check(3600, 3300, Freshness::Stale);
    check(3600, 3599, Freshness::Stale);
    check(3600, 3600, Freshness::Expired);
    check(3600, 99_999, Freshness::Expired);
    // five minutes: the last tenth
    check(300, 269, Freshness::Fresh);
    check(300, 270, Freshness::Stale);
    check(300, 300, Freshness::Expired);
    // no life at all, and a clock that went back
    check(0, 0, Freshness::Expired);
    check(3600, -50, Freshness::Fresh);
    let set = with(r#""expires_in":3600"#).unwrap();
    assert_eq!(set.freshness(now()), Freshness::Fresh);
}

proptest::proptest! {
    #[test]
    fn any_bytes_are_read_without_a_panic(
        status in 100_u16..600,
        content_type in proptest::option::of("application/json|text/html|application/x-www-form-urlencoded|[ -~]{0,20}"),
        retry in proptest::option::of("[ -~]{0,30}"),
        body in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
    ) {
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = http::StatusCode::from_u16(status).unwrap();
        if let Some(value) = content_type { response.headers_mut().insert(CONTENT_TYPE, value.parse().unwrap()); }
        if let Some(value) = retry { response.headers_mut().insert(RETRY_AFTER, value.parse().unwrap()); }
        if let Err(error) = token_response(&response, now()) {
            assert!(!error.code().is_empty());
            let _ = error.remedy();
        }
    }

    #[test]
    fn any_members_are_read_without_a_panic(
        access in ".{0,20}", kind in ".{0,10}", expires in proptest::num::f64::ANY, scope in ".{0,40}", error in proptest::option::of(".{0,20}"),
    ) {
        let body = serde_json::json!({"access_token": access, "token_type": kind, "expires_in": expires, "scope": scope, "error": error});
        if let Ok(set) = token_response(&json(200, &body.to_string()), now()) {
            assert!(set.access_token.expose().bytes().all(|byte| byte.is_ascii_graphic()));
            assert!(set.expires_at >= set.received_at);
            assert!(set.expires_at.duration_since(set.received_at) <= LONGEST_LIFE);
        }
    }
}
