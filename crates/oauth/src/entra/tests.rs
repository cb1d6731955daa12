use std::collections::BTreeSet;

use super::*;

/// Every number of the project's table of Entra errors.
const DOCUMENTED: [u32; 74] = [
    7_000_215, 7_000_222, 7_000_218, 7_000_216, 700_025, 700_027, 700_024, 700_016, 7_000_112,
    90_002, 900_023, 50_059, 9_001_023, 50_194, 50_011, 500_113, 900_971, 50_105, 501_051,
    1_002_012, 70_011, 70_018, 70_019, 70_020, 28_000, 28_002, 28_003, 65_001, 65_004, 650_057,
    650_053, 650_052, 500_011, 90_094, 90_093, 90_095, 900_941, 54_005, 70_008, 70_000, 9_002_313,
    700_005, 501_481, 50_147, 501_491, 700_082, 700_084, 50_173, 70_043, 50_076, 50_079, 50_074,
    53_000, 53_001, 53_002, 53_003, 53_004, 50_058, 50_126, 50_034, 50_053, 50_055, 50_057, 50_013,
    500_131, 7_000_114, 500_133, 900_144, 90_014, 900_561, 70_003, 700_054, 90_055, 50_027,
];

fn error(code: u32) -> ProviderError {
    ProviderError {
        status: Some(400),
        error: "invalid_request".to_owned(),
        error_codes: vec![code],
        ..ProviderError::default()
    }
}

fn diagnosis(code: u32, access: Access, scope: &str) -> Diagnosis {
    diagnose_entra(&error(code), access, &Scope::parse(scope).unwrap())
}

#[test]
fn every_documented_number_has_one_row() {
    let documented: BTreeSet<u32> = DOCUMENTED.into_iter().collect();
    let listed: Vec<u32> = rows()
        .flat_map(|(codes, _)| codes.iter().copied())
        .collect();
    let known: BTreeSet<u32> = listed.iter().copied().collect();
    assert_eq!(listed.len(), known.len(), "a number stands in two rows");
    assert_eq!(known, documented);
    let codes: BTreeSet<&str> = rows().map(|(_, case)| case.code).collect();
    assert_eq!(codes.len(), rows().count(), "two rows have one code");
}

#[test]
fn the_words_are_sentences() {
    for (codes, case) in rows() {
        for text in [case.what, case.why, case.advice] {
            assert!(text.ends_with('.') && text.len() > 9, "{codes:?}: {text:?}");
            assert!(
                !text.contains("  ") && text.trim() == text,
                "{codes:?}: {text:?}"
            );
        }
        assert!(case.state != State::Ok, "{codes:?}");
    }
}

#[test]
fn who_and_what_to_do() {
    use Access::{AppOnly as App, Delegated as Code};
    let check = |code: u32, access: Access, expected: &str| {
        let seen = diagnosis(code, access, "https://graph.microsoft.com/.default");
        let line = format!(
            "{} {} {:?} {:?}",
            seen.code, seen.state, seen.who, seen.action
        );
        assert_eq!(line, expected, "{code}");
        assert_eq!(seen.provider, Some(error(code)));
    };
    check(
        7_000_215,
        App,
        "client_secret.wrong needs_secret You ReplaceSecret",
    );
    check(
        7_000_222,
        App,
        "client_secret.expired needs_secret AppOwner ReplaceSecret",
    );
    check(
        7_000_218,
        Code,
        "client_secret.missing needs_secret You ReplaceSecret",
    );
    check(
        90_002,
        App,
        "tenant.unknown needs_settings You ChangeTenant",
    );
    check(
        50_059,
        App,
        "tenant.missing needs_settings You ChangeTenant",
    );
    check(
        700_016,
        App,
        "client_id.unknown needs_settings You ChangeClientId",
    );
    check(
        50_011,
        Code,
        "redirect_uri.mismatch needs_settings AppOwner RegisterRedirectUri",
    );
    check(
        65_001,
        Code,
        "consent.missing needs_user SignedInPerson Reauthorize",
    );
    // an app can't consent for itself
    check(
        65_001,
        App,
        "consent.admin_needed needs_admin Administrator AdminConsent",
    );
    check(
        90_094,
        Code,
        "consent.admin_needed needs_admin Administrator AdminConsent",
    );
    check(
        650_057,
        Code,
        "permission.missing needs_settings AppOwner AddPermission",
    );
    check(
        50_173,
        Code,
        "session.revoked needs_user SignedInPerson Reauthorize",
    );
    check(
        53_003,
        Code,
        "policy.blocked needs_admin Administrator Retry",
    );
    check(700_024, App, "clock.skew needs_settings You FixClock");
    check(70_003, Code, "request.bug needs_settings You ReportBug");
    check(90_055, App, "provider.throttled waiting Nobody Wait");
}

#[test]
fn scopes_are_suggested() {
    use Access::{AppOnly, Delegated};
    let check =
        |code: u32, access: Access, scope: &str, expected: &str, suggestion: Option<&str>| {
            let seen = diagnosis(code, access, scope);
            assert_eq!(seen.code, expected);
            let suggestion = suggestion.map(str::to_owned);
            assert_eq!(
                seen.action,
                Action::ChangeScope { suggestion },
                "{code} {scope}"
            );
        };
    let graph = Some("https://graph.microsoft.com/.default");
    check(
        1_002_012,
        AppOnly,
        "User.Read.All",
        "scope.not_default",
        graph,
    );
    check(
        70_011,
        Delegated,
        "offline_access,User.Read",
        "scope.invalid",
        Some("offline_access User.Read"),
    );
    check(
        650_053,
        Delegated,
        "offline_access user.real.all",
        "scope.unknown",
        Some("offline_access User.Read.All"),
    );
    check(
        650_053,
        Delegated,
        "offline_access Strange.Thing.Here",
        "scope.unknown",
        None,
    );
    check(
        28_000,
        Delegated,
        "offline_access User.Read https://vault.contoso.example/a",
        "scope.several_resources",
        Some("offline_access User.Read"),
    );
    // what is missing is the scope, if there is none
    check(90_014, AppOnly, "", "scope.empty", graph);
    check(900_144, AppOnly, "", "scope.empty", graph);
}

#[test]
fn an_unknown_number_falls_back_to_the_word() {
    let mut error = error(1);
    error.error = "invalid_grant".to_owned();
    let scope = Scope::default();
    let seen = diagnose_entra(&error, Access::Delegated, &scope);
    assert_eq!(
        (seen.code.as_str(), seen.state),
        ("grant.invalid", State::NeedsUser)
    );
    // a known number behind an unknown one still counts
    error.error_codes = vec![1, 50_173];
    let seen = diagnose_entra(&error, Access::Delegated, &scope);
    assert_eq!(seen.code, "session.revoked");
    // so does one that is in the text only, as in a callback
    error.error_codes = Vec::new();
    error.error_description = Some("AADSTS65004: User declined.".to_owned());
    let seen = diagnose_entra(&error, Access::Delegated, &scope);
    assert_eq!(seen.code, "consent.declined");
}

#[test]
fn an_error_page() {
    let html = r"<!doctype html><html><head><title>Sign in</title></head><body><h1>Sorry</h1>
        <p>AADSTS50011: The redirect URI &#39;http://localhost/x&#39; specified in the request does not match &amp; is wrong.</p>
        <dl><dt>Request Id</dt><dd>r-1</dd><dt>Correlation Id:</dt><dd>c-1</dd><dt>Timestamp:</dt><dd>2026-03-01 12:00:00Z</dd></dl></body></html>";
    let error = error_page(html).unwrap();
    assert_eq!(error.error_codes, [50_011]);
    assert_eq!(
        error.error_description.as_deref(),
        Some(
            "AADSTS50011: The redirect URI 'http://localhost/x' specified in the request does not match & is wrong."
        )
    );
    assert_eq!(error.trace_id.as_deref(), Some("r-1"));
    assert_eq!(error.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(error.timestamp.as_deref(), Some("2026-03-01 12:00:00Z"));
    let seen = diagnose_entra(&error, Access::Delegated, &Scope::default());
    assert_eq!(seen.code, "redirect_uri.mismatch");
}

#[test]
fn other_forms_of_the_page() {
    let check = |html: &str, code: Option<u32>, trace: Option<&str>, time: Option<&str>| {
        let error = error_page(html);
        let error = error.as_ref();
        assert_eq!(error.and_then(ProviderError::aadsts), code, "{html}");
        assert_eq!(error.and_then(|error| error.trace_id.as_deref()), trace);
        assert_eq!(error.and_then(|error| error.timestamp.as_deref()), time);
    };
    check(
        "Message: AADSTS90002: Tenant not found. Trace ID: t-1 Correlation ID: c-1 Timestamp: 2026-03-01T12:00:00Z",
        Some(90_002),
        Some("t-1"),
        Some("2026-03-01T12:00:00Z"),
    );
    check(
        r#"<script>$Config={"message":"AADSTS700016: Application with identifier \u0027x\u0027 was not found"}</script><b>Request Id:</b> r-2"#,
        Some(700_016),
        Some("r-2"),
        None,
    );
    check("<p>Error AADSTS50011, see below</p>", None, None, None);
    check("<form>Sign in</form>", None, None, None);
    check("", None, None, None);
    check("AADSTS", None, None, None);
}

proptest::proptest! {
    #[test]
    fn any_page_is_read_without_a_panic(html in "(\\PC|AADSTS|50011|: |Request Id|Timestamp|2026-03-01|<|>|&#39;){0,30}") {
        let _ = error_page(&html);
    }
}
