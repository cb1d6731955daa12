use super::*;
use crate::Action;

const CODE: Access = Access::Delegated;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn scope() -> Scope {
    Scope::parse("offline_access User.Read").unwrap()
}

fn refusal(word: &str) -> ProviderError {
    ProviderError {
        error: word.to_owned(),
        ..ProviderError::default()
    }
}

#[test]
fn words_of_the_standard() {
    let check = |word: &str, code: &str, state: State| {
        let seen = diagnose_oauth(&refusal(word), CODE, &scope());
        assert_eq!((seen.code.as_str(), seen.state), (code, state), "{word}");
        assert_eq!(seen.provider, Some(refusal(word)));
        assert!(!seen.advice.is_empty());
    };
    check("invalid_client", "client.refused", State::NeedsSecret);
    check("invalid_grant", "grant.invalid", State::NeedsUser);
    check(
        "unauthorized_client",
        "client.unauthorized",
        State::NeedsSettings,
    );
    check(
        "unsupported_grant_type",
        "grant.unsupported",
        State::NeedsSettings,
    );
    check(
        "unsupported_response_type",
        "response_type.unsupported",
        State::NeedsSettings,
    );
    check("invalid_scope", "scope.invalid", State::NeedsSettings);
    check("invalid_target", "resource.unknown", State::NeedsSettings);
    check("invalid_tenant", "tenant.unknown", State::NeedsSettings);
    check("access_denied", "consent.declined", State::NeedsUser);
    check("consent_required", "consent.missing", State::NeedsUser);
    check(
        "interaction_required",
        "session.interaction",
        State::NeedsUser,
    );
    check("login_required", "session.interaction", State::NeedsUser);
    check("invalid_request", "request.invalid", State::NeedsSettings);
    check("server_error", "provider.unavailable", State::Degraded);
    check(
        "temporarily_unavailable",
        "provider.unavailable",
        State::Degraded,
    );
    check("slow_down", "provider.throttled", State::Waiting);
    check("", "provider.refused", State::NeedsSettings);
    check("never_heard_of", "provider.refused", State::NeedsSettings);
}

#[test]
fn token_errors() {
    let check =
        |error: TokenError, rule: ScopeRule, code: &str, state: State, wait: Option<i64>| {
            let seen = diagnose_token_error(&error, rule, CODE, &scope(), now());
            assert_eq!((seen.code.as_str(), seen.state), (code, state), "{error:?}");
            let retry = seen.retry_at.map(|at| at.duration_since(now()).as_secs());
            assert_eq!(retry, wait, "{error:?}");
        };
    let exact = ScopeRule::Exact;
    let bad = TokenError::BadResponse {
        status: 200,
        detail: "it is empty",
    };
    check(bad, exact, "idp.bad_response", State::Degraded, None);
    let kind = TokenError::TokenType {
        token_type: "mac".to_owned(),
    };
    check(kind, exact, "idp.token_type", State::NeedsSettings, None);
    check(
        TokenError::Redirect { status: 302 },
        exact,
        "idp.redirect",
        State::NeedsSettings,
        None,
    );
    let busy = |status: u16, seconds: Option<i64>, codes: &[u32]| TokenError::Unavailable {
        status,
        retry_after: seconds.map(SignedDuration::from_secs),
        provider: Some(Box::new(ProviderError {
            error_codes: codes.to_vec(),
            ..refusal("temporarily_unavailable")
        })),
    };
    let (throttled, trouble) = ("provider.throttled", "provider.unavailable");
    check(
        busy(429, Some(7), &[]),
        exact,
        throttled,
        State::Waiting,
        Some(7),
    );
    check(
        busy(429, None, &[]),
        exact,
        throttled,
        State::Waiting,
        Some(60),
    );
    check(
        busy(503, Some(7), &[]),
        exact,
        throttled,
        State::Waiting,
        Some(7),
    );
    check(
        busy(400, None, &[90_055]),
        exact,
        throttled,
        State::Waiting,
        Some(60),
    );
    check(busy(503, None, &[]), exact, trouble, State::Degraded, None);
    // the rule says whose numbers they are
    let refused = || {
        TokenError::Refused(Box::new(ProviderError {
            error_codes: vec![7_000_222],
            ..refusal("invalid_client")
        }))
    };
    check(refused(), exact, "client.refused", State::NeedsSecret, None);
    check(
        refused(),
        ScopeRule::Entra,
        "client_secret.expired",
        State::NeedsSecret,
        None,
    );
}

#[test]
fn what_is_known_is_said() {
    let said = |error: TokenError| {
        let seen = diagnose_token_error(&error, ScopeRule::Exact, CODE, &scope(), now());
        format!("{} {}", seen.what, seen.why)
    };
    let bad = said(TokenError::BadResponse {
        status: 200,
        detail: "it is empty",
    });
    assert!(bad.contains("HTTP status 200: it is empty."), "{bad}");
    let kind = said(TokenError::TokenType {
        token_type: "mac".to_owned(),
    });
    assert!(kind.contains("\"mac\""), "{kind}");
    let redirect = said(TokenError::Redirect { status: 302 });
    assert!(redirect.contains("(HTTP status 302)."), "{redirect}");
}

#[test]
fn callback_errors() {
    let check = |error: CallbackError, code: &str, action: Action| {
        let seen = diagnose_callback(&error, ScopeRule::Entra, CODE, &scope());
        assert_eq!(
            (seen.code.as_str(), seen.action),
            (code, action),
            "{error:?}"
        );
    };
    let again = || Action::Reauthorize;
    check(CallbackError::StateMissing, "oauth.state_invalid", again());
    check(CallbackError::StateMismatch, "oauth.state_invalid", again());
    check(CallbackError::Expired, "oauth.state_invalid", again());
    check(CallbackError::NoCode, "oauth.callback_invalid", again());
    check(
        CallbackError::Malformed { detail: "x" },
        "oauth.callback_invalid",
        again(),
    );
    check(
        CallbackError::IdToken { detail: "x" },
        "oauth.id_token_invalid",
        again(),
    );
    let mismatch = CallbackError::IssuerMismatch {
        expected: Some("https://a.example".to_owned()),
        received: None,
    };
    let why = diagnose_callback(&mismatch, ScopeRule::Exact, CODE, &scope()).why;
    assert!(
        why.starts_with("Expected issuer: https://a.example; received: none. "),
        "{why}"
    );
    check(mismatch, "oauth.issuer_mismatch", Action::ChangeEndpoint);
    let needs_admin = ProviderError {
        error_description: Some("AADSTS90094: Admin consent is required.".to_owned()),
        ..refusal("access_denied")
    };
    check(
        CallbackError::Provider(Box::new(needs_admin)),
        "consent.admin_needed",
        Action::AdminConsent,
    );
}

#[test]
fn findings() {
    let check = |finding: Finding, expected: &str| {
        let seen = diagnose_finding(finding, ScopeRule::Entra, &scope());
        let line = format!(
            "{} {} {:?} {:?}",
            seen.code, seen.state, seen.who, seen.action
        );
        assert_eq!(line, expected);
    };
    check(
        Finding::NeverAuthorized,
        "authorization.never never_authorized SignedInPerson Reauthorize",
    );
    check(
        Finding::AuthorizationAbandoned,
        "authorization.abandoned never_authorized SignedInPerson Reauthorize",
    );
    check(
        Finding::NoRoles,
        "application.no_roles needs_admin Administrator AdminConsent",
    );
    check(
        Finding::RenewalOutcomeUnknown,
        "token.renewal_unknown needs_user SignedInPerson Reauthorize",
    );
    check(
        Finding::SecretMissing,
        "client_secret.missing needs_secret You ReplaceSecret",
    );
    check(
        Finding::CertificateMissing,
        "client_certificate.missing needs_secret You ReplaceSecret",
    );
    check(
        Finding::SecretIsId,
        "client_secret.is_id needs_secret You ReplaceSecret",
    );
    check(
        Finding::Unreadable,
        "secret.unreadable unreadable You ReplaceSecret",
    );
}

#[test]
fn a_missing_refresh_token() {
    let check = |scope: &str, who: Who, action: Action| {
        let scope = Scope::parse(scope).unwrap();
        let seen = diagnose_finding(Finding::NoRefreshToken, ScopeRule::Entra, &scope);
        assert_eq!(
            (seen.code.as_str(), seen.who, seen.action),
            ("token.no_refresh", who, action),
            "{scope}"
        );
    };
    let suggestion = Some("offline_access User.Read".to_owned());
    check("User.Read", Who::You, Action::ChangeScope { suggestion });
    // asked for, and still not given: the scope is not to blame
    check(
        "offline_access User.Read",
        Who::SignedInPerson,
        Action::Reauthorize,
    );
}

#[test]
fn a_diagnosis_is_stored_and_read_back() {
    let mut error = refusal("invalid_scope");
    error.trace_id = Some("t-1".to_owned());
    let seen = diagnose_oauth(&error, CODE, &scope()).with_retry_at(now());
    let stored = serde_json::to_string(&seen).unwrap();
    assert_eq!(serde_json::from_str::<Diagnosis>(&stored).unwrap(), seen);
    // one from before there was advice is read too
    let mut old: serde_json::Value = serde_json::from_str(&stored).unwrap();
    old.as_object_mut().unwrap().remove("advice");
    assert_eq!(serde_json::from_value::<Diagnosis>(old).unwrap().advice, "");
}
