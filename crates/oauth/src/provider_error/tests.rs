use serde_json::json;

use super::*;
use crate::TokenError;

#[test]
fn entras_body() {
    let body = json!({
        "error": "invalid_grant", "suberror": "bad_token", "error_codes": [50173, 70000],
        "error_description": "AADSTS50173: The provided grant has expired. Trace ID: t-1 Correlation ID: c-1 Timestamp: 2026-03-01 12:00:00Z",
        "timestamp": "2026-03-01 12:00:00Z", "trace_id": "t-1", "correlation_id": "c-1",
        "error_uri": "https://login.contoso.example/error?code=50173", "claims": "{\"access_token\":{}}",
    });
    let error = ProviderError::from_json(Some(400), &body).unwrap();
    assert_eq!(error.error, "invalid_grant");
    assert_eq!(error.suberror.as_deref(), Some("bad_token"));
    assert_eq!(error.error_codes, [50_173, 70_000]);
    assert_eq!(error.aadsts(), Some(50_173));
    assert_eq!(error.timestamp.as_deref(), Some("2026-03-01 12:00:00Z"));
    assert_eq!(error.trace_id.as_deref(), Some("t-1"));
    assert_eq!(error.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(error.claims.as_deref(), Some("{\"access_token\":{}}"));
    assert!(
        error
            .to_string()
            .starts_with("invalid_grant: AADSTS50173: The provided")
    );
    let stored = serde_json::to_string(&error).unwrap();
    assert_eq!(
        serde_json::from_str::<ProviderError>(&stored).unwrap(),
        error
    );
}

#[test]
fn odd_members() {
    let check = |body: Value, expected: Option<&[u32]>| {
        let error = ProviderError::from_json(None, &body);
        assert_eq!(
            error.as_ref().map(|error| error.error_codes.as_slice()),
            expected,
            "{body}"
        );
    };
    check(json!({"error": "x"}), Some(&[]));
    check(
        json!({"error": "x", "error_codes": ["7000215", "a", -1, 1e20, null, 5]}),
        Some(&[7_000_215, 5]),
    );
    check(json!({"error": "x", "error_codes": "7000215"}), Some(&[]));
    check(
        json!({"error": "x", "suberror": 7, "claims": []}),
        Some(&[]),
    );
    check(json!({"error": ""}), None);
    check(json!({"error": "\u{1b}[2J"}), None);
    check(json!({"error": {"code": "x"}}), None);
    check(json!({"message": "x"}), None);
    check(json!(["error"]), None);
    let many: Vec<u32> = (0..100).collect();
    assert_eq!(
        ProviderError::from_json(None, &json!({"error": "x", "error_codes": many}))
            .unwrap()
            .error_codes
            .len(),
        CODES_LIMIT
    );
}

#[test]
fn the_number_of_the_cause() {
    let check = |codes: &[u32], uri: Option<&str>, text: Option<&str>, expected: Option<u32>| {
        let error = ProviderError {
            error: "x".to_owned(),
            error_codes: codes.to_vec(),
            error_uri: uri.map(str::to_owned),
            error_description: text.map(str::to_owned),
            ..ProviderError::default()
        };
        assert_eq!(error.aadsts(), expected);
    };
    check(&[7], Some("u?code=8"), Some("AADSTS9: x"), Some(7));
    check(&[], Some("u?code=8"), Some("AADSTS9: x"), Some(8));
    check(&[], Some("u?a=1&code=8"), None, Some(8));
    check(&[], Some("u?decode=8"), Some("AADSTS9: x"), Some(9));
    check(&[], None, Some("Error AADSTS9 x"), Some(9));
    check(&[], None, Some("AADSTS: none"), None);
    check(&[], None, Some("AADSTS99999999999999: too long"), None);
    check(&[], None, Some("AADSTS"), None);
    check(&[], None, None, None);
}

#[test]
fn ids_are_taken_out_of_a_redirects_description() {
    let text = "AADSTS65004: User declined to consent.\r\nTrace ID: t-1\r\nCorrelation ID: c-1\r\nTimestamp: 2026-03-01 12:00:00Z";
    let pairs = [("error", "access_denied"), ("error_description", text)]
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let error = ProviderError::from_pairs(None, &pairs).unwrap();
    assert_eq!(error.aadsts(), Some(65_004));
    assert_eq!(error.trace_id.as_deref(), Some("t-1"));
    assert_eq!(error.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(error.timestamp.as_deref(), Some("2026-03-01 12:00:00Z"));
    assert_eq!(
        error.error_description.as_deref(),
        Some(
            "AADSTS65004: User declined to consent. Trace ID: t-1 Correlation ID: c-1 Timestamp: 2026-03-01 12:00:00Z"
        )
    );
    let iso = [
        ("error", "x"),
        ("error_description", "Timestamp: 2026-03-01T12:00:00Z rest"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()));
    assert_eq!(
        ProviderError::from_pairs(None, &iso)
            .unwrap()
            .timestamp
            .as_deref(),
        Some("2026-03-01T12:00:00Z")
    );
}

#[test]
fn cleaning() {
    let check = |text: &str, expected: &str| assert_eq!(cleaned(text, 20), expected, "{text:?}");
    check("plain", "plain");
    check("  two\r\nlines\tand ", "two lines and");
    check("\u{1b}[31mred\u{1b}[0m", "red");
    check("\u{1b}]0;title\u{7}text", "text");
    check("\u{1b}]0;title\u{1b}\\text", "text");
    check("\u{9b}31mred", "red");
    check("a\u{1b}", "a");
    check("a\u{1b}cb", "ab");
    check("nul\0 bell\u{7} del\u{7f}", "nul bell del");
    check("\u{202e}gnp.exe\u{200b}", "gnp.exe");
    check("<img src=x>", "<img src=x>");
    check("exactly twenty bytes", "exactly twenty bytes");
    check("more than twenty bytes", "more than twenty…");
    check("ééééééééééé", "éééééééé…");
}

#[test]
fn display_says_what_there_is() {
    let check = |word: &str, codes: &[u32], text: Option<&str>, expected: &str| {
        let error = ProviderError {
            error: word.to_owned(),
            error_codes: codes.to_vec(),
            error_description: text.map(str::to_owned),
            ..ProviderError::default()
        };
        assert_eq!(error.to_string(), expected);
    };
    check("invalid_grant", &[], None, "invalid_grant");
    check("invalid_grant", &[7], None, "invalid_grant: AADSTS7");
    check(
        "invalid_grant",
        &[7],
        Some("AADSTS7: x"),
        "invalid_grant: AADSTS7: x",
    );
    check("", &[7], Some("AADSTS7: x"), "AADSTS7: x");
}

#[test]
fn an_error_from_elsewhere_is_cleaned() {
    let error = ProviderError {
        error: "a\u{1b}[31mb".to_owned(),
        error_description: Some("x".repeat(5000)),
        claims: Some("x".repeat(5000)),
        ..ProviderError::default()
    };
    let error = error.sanitized();
    assert_eq!(error.claims.map(|claims| claims.len()), Some(5000));
    assert_eq!(error.error, "ab");
    assert!(error.error_description.unwrap().len() <= DESCRIPTION_LIMIT);
}

#[test]
fn a_long_description_is_cut_to_two_kibibytes() {
    let body = json!({"error": "x", "error_description": "é".repeat(5000)});
    let text = ProviderError::from_json(None, &body)
        .unwrap()
        .error_description
        .unwrap();
    assert!(text.len() <= 2048 && text.ends_with('…'), "{}", text.len());
}

#[test]
fn an_echoed_secret_is_taken_out() {
    let body = json!({"error": "invalid_client", "error_description": "secret fake-canary of client fake-canary is wrong", "trace_id": "fake-canary"});
    let error = ProviderError::from_json(Some(401), &body).unwrap();
    let secret = Secret::new("fake-canary");
    let error = error.redacted(&[&secret, &Secret::new(""), &Secret::new("is")]);
    assert_eq!(
        error.error_description.as_deref(),
        Some("secret (redacted) of client (redacted) is wrong")
    );
    assert_eq!(error.trace_id.as_deref(), Some("(redacted)"));
    let busy = TokenError::Unavailable {
        status: 503,
        retry_after: None,
        provider: Some(Box::new(ProviderError {
            error: "fake-canary".to_owned(),
            ..ProviderError::default()
        })),
    };
    assert!(!format!("{:?}", busy.redacted(&[&secret])).contains("canary"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_cleaned_without_a_panic(text in "[\\PC\\u{0}-\\u{1f}\\u{7f}-\\u{9f}]{0,80}", limit in 4_usize..40) {
        let kept = cleaned(&text, limit);
        assert!(kept.len() <= limit);
        assert!(!kept.chars().any(|character| character.is_control() || is_invisible(character)));
    }
}
