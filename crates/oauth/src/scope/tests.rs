use super::*;

#[test]
fn parsing() {
    let check = |text: &str, expected: Result<&str, (char, usize)>| {
        let scope = Scope::parse(text);
        let seen = scope.as_ref().map(ToString::to_string);
        assert_eq!(
            seen.as_deref()
                .map_err(|error| (error.character, error.position)),
            expected,
            "{text:?}"
        );
    };
    check("User.Read", Ok("User.Read"));
    check(
        "offline_access user.read.all",
        Ok("offline_access user.read.all"),
    );
    check("  b   a  b ", Ok("b a"));
    check("", Ok(""));
    check(
        "https://graph.microsoft.com/User.Read",
        Ok("https://graph.microsoft.com/User.Read"),
    );
    check("a,b", Ok("a,b"));
    check("a\nb", Err(('\n', 2)));
    check("a\tb", Err(('\t', 2)));
    check("\"a\"", Err(('"', 1)));
    check("a\\b", Err(('\\', 2)));
    check("aé", Err(('é', 2)));
    check("a\u{200b}", Err(('\u{200b}', 2)));
}

#[test]
fn a_scope_is_stored_as_its_text() {
    let scope = Scope::parse("b a").unwrap();
    assert_eq!(serde_json::to_string(&scope).unwrap(), r#""b a""#);
    assert_eq!(serde_json::from_str::<Scope>(r#""b a""#).unwrap(), scope);
    assert!(serde_json::from_str::<Scope>(r#""b\na""#).is_err());
    assert!(scope.contains("a") && !scope.contains("A"));
}

/// Compares, with "-" for an answer without scope, and gives granted and missing.
fn compared(rule: ScopeRule, requested: &str, granted: &str, refresh: bool) -> (String, String) {
    let requested = Scope::parse(requested).unwrap();
    let granted = (granted != "-").then(|| Scope::parse(granted).unwrap());
    let comparison = compare(rule, &requested, granted.as_ref(), refresh);
    assert_eq!(comparison.requested.join(" "), requested.to_string());
    (comparison.granted.join(" "), comparison.missing.join(" "))
}

#[test]
fn by_the_standards_rule() {
    let check = |requested: &str, granted: &str, refresh: bool, expected: (&str, &str)| {
        let seen = compared(ScopeRule::Exact, requested, granted, refresh);
        assert_eq!(
            (seen.0.as_str(), seen.1.as_str()),
            expected,
            "{requested} / {granted}"
        );
    };
    check("a b", "b a", false, ("b a", ""));
    check("a b", "a", false, ("a", "b"));
    check("a", "A", false, ("A", "a"));
    check("a", "a c", false, ("a c", ""));
    check("a b", "-", false, ("a b", ""));
    check("a offline_access", "-", true, ("a offline_access", ""));
    check("a offline_access", "-", false, ("a", "offline_access"));
    check("a offline_access", "a", true, ("a offline_access", ""));
    check("openid a", "a", true, ("a", "openid"));
    check(
        "https://x.example/a",
        "a",
        false,
        ("a", "https://x.example/a"),
    );
}

#[test]
fn by_entras_rule() {
    let check = |requested: &str, granted: &str, refresh: bool, expected: (&str, &str)| {
        let seen = compared(ScopeRule::Entra, requested, granted, refresh);
        assert_eq!(
            (seen.0.as_str(), seen.1.as_str()),
            expected,
            "{requested} / {granted}"
        );
    };
    let all = "profile openid email https://graph.microsoft.com/User.Read https://graph.microsoft.com/User.Read.All";
    check(
        "offline_access user.read.all",
        all,
        true,
        (
            "profile openid email User.Read User.Read.All offline_access",
            "",
        ),
    );
    check(
        "offline_access user.read.all",
        "profile openid email https://graph.microsoft.com/User.Read",
        false,
        (
            "profile openid email User.Read",
            "offline_access user.read.all",
        ),
    );
    // Graph's own address, its application id, a sovereign cloud's and a declared cloud's are all Graph
    check(
        "https://graph.microsoft.com/User.Read",
        "https://127.0.0.1:8443/User.Read",
        false,
        ("User.Read", ""),
    );
    check(
        "User.Read",
        "https://localhost:8443/User.Read",
        false,
        ("User.Read", ""),
    );
    check(
        "https://localhost:8443/user.read",
        "https://localhost:8443/User.Read",
        false,
        ("User.Read", ""),
    );
    check(
        "00000003-0000-0000-c000-000000000000/User.Read",
        "https://graph.microsoft.us/User.Read",
        false,
        ("User.Read", ""),
    );
    // .default has no "missing"
    check(
        "https://graph.microsoft.com/.default offline_access",
        "https://graph.microsoft.com/User.Read",
        true,
        ("User.Read offline_access", ""),
    );
    check("https://graph.microsoft.com/.default", "-", false, ("", ""));
    check(
        "https://management.contoso.example//.default",
        "https://management.contoso.example/user_impersonation",
        false,
        ("user_impersonation", ""),
    );
    // another resource keeps its own names and lists no OpenID ones
    check(
        "openid https://vault.contoso.example/user_impersonation",
        "https://vault.contoso.example/user_impersonation",
        false,
        ("user_impersonation", ""),
    );
    check(
        "https://vault.contoso.example/user_impersonation",
        "https://files.contoso.example/user_impersonation",
        false,
        (
            "https://files.contoso.example/user_impersonation",
            "https://vault.contoso.example/user_impersonation",
        ),
    );
    check("openid profile", "User.Read", false, ("User.Read", ""));
}

proptest::proptest! {
    #[test]
    fn a_scope_comes_back_as_it_went(names in proptest::collection::vec("[!#-\\[\\]-~]{1,12}", 0..8)) {
        let scope = Scope::parse(&names.join(" ")).unwrap();
        proptest::prop_assert_eq!(&Scope::parse(&scope.to_string()).unwrap(), &scope);
        for name in &names {
            assert!(scope.contains(name));
        }
        for rule in [ScopeRule::Exact, ScopeRule::Entra] {
            assert!(compare(rule, &scope, Some(&scope), true).missing.is_empty());
        }
    }

    #[test]
    fn any_text_is_parsed_without_a_panic(text in ".{0,60}") {
        let _ = Scope::parse(&text);
    }
}
