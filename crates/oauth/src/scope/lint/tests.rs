use super::super::Scope;
use super::*;

const ENTRA: ScopeRule = ScopeRule::Entra;
const EXACT: ScopeRule = ScopeRule::Exact;
const CODE: Access = Access::Delegated;
const APP: Access = Access::AppOnly;
const GRAPH_DEFAULT: &str = "https://graph.microsoft.com/.default";

/// Lints, and compares the codes (an error has an exclamation mark) and the scope with all fixes.
fn check(rule: ScopeRule, access: Access, raw: &str, codes: &str, fix: Option<&str>) {
    let lints = lint(raw, rule, access);
    let seen: Vec<String> = lints
        .iter()
        .map(|lint| {
            let mark = match lint.severity {
                Severity::Error => "!",
                Severity::Warning => "",
            };
            format!("{}{mark}", lint.code.trim_start_matches("scope."))
        })
        .collect();
    assert_eq!(seen.join(" "), codes, "{raw:?}: {lints:#?}");
    let corrected = corrected_scope(raw, rule, access);
    assert_eq!(corrected.as_deref(), fix, "{raw:?}");
    if let Some(fix) = corrected {
        assert_eq!(
            lint(&fix, rule, access),
            [],
            "the fix of {raw:?} needs fixing"
        );
        Scope::parse(&fix).unwrap();
    }
}

#[test]
fn delegated_scopes_that_are_all_right() {
    for scope in [
        "offline_access user.read.all",
        "openid profile offline_access User.Read",
        "offline_access https://graph.microsoft.com/User.Read.All",
        "offline_access 00000003-0000-0000-c000-000000000000/User.Read",
        "offline_access https://graph.microsoft.com/.default",
        "offline_access https://127.0.0.1:8443/User.Read",
        "offline_access https://vault.contoso.example/user_impersonation",
        "offline_access Something.Quite.Different",
    ] {
        check(ENTRA, CODE, scope, "", None);
    }
}

#[test]
fn delegated_scopes_that_need_advice() {
    check(
        ENTRA,
        CODE,
        "https://graph.microsoft.com/User.Read",
        "no_refresh",
        Some("offline_access https://graph.microsoft.com/User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access user.real.all",
        "unknown",
        Some("offline_access User.Read.All"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access https://graph.microsoft.com/Users.Read",
        "unknown",
        Some("offline_access https://graph.microsoft.com/User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access,user.read.all",
        "separator!",
        Some("offline_access user.read.all"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access\nUser.Read\n",
        "separator!",
        Some("offline_access User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access;\tUser.Read",
        "separator!",
        Some("offline_access User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access%20User.Read",
        "separator!",
        Some("offline_access User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access\u{a0}User.Read",
        "separator!",
        Some("offline_access User.Read"),
    );
}

#[test]
fn delegated_scopes_that_say_too_much_or_too_little() {
    check(
        ENTRA,
        CODE,
        "offline_access User.Read user.read https://graph.microsoft.com/USER.READ",
        "duplicate",
        Some("offline_access User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "User.Read,User.Read,Mail.Raed",
        "separator! duplicate unknown no_refresh",
        Some("offline_access User.Read Mail.Read"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access https://graph.microsoft.com/.default User.Read",
        "default_mixed!",
        Some("offline_access User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access https://graph.microsoft.com/.default https://vault.contoso.example/.default",
        "default_mixed!",
        Some("offline_access https://graph.microsoft.com/.default"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access User.Read https://vault.contoso.example/user_impersonation",
        "several_resources!",
        Some("offline_access User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "offline_access https://vault.contoso.example/a https://files.contoso.example/b https://vault.contoso.example/c",
        "several_resources!",
        Some("offline_access https://vault.contoso.example/a https://vault.contoso.example/c"),
    );
    check(ENTRA, CODE, " ", "empty!", Some("offline_access User.Read"));
    check(
        ENTRA,
        CODE,
        ",",
        "separator! empty!",
        Some("offline_access User.Read"),
    );
}

#[test]
fn app_only_scopes() {
    check(ENTRA, APP, GRAPH_DEFAULT, "", None);
    check(
        ENTRA,
        APP,
        "https://vault.contoso.example//.default",
        "",
        None,
    );
    check(
        ENTRA,
        APP,
        "offline_access user.read.all",
        "not_default!",
        Some(GRAPH_DEFAULT),
    );
    check(
        ENTRA,
        APP,
        "https://graph.microsoft.com/User.Read",
        "not_default!",
        Some(GRAPH_DEFAULT),
    );
    check(
        ENTRA,
        APP,
        "api://fake-app/read openid",
        "not_default!",
        Some("api://fake-app/.default"),
    );
    check(ENTRA, APP, ".default", "not_default", Some(GRAPH_DEFAULT));
    check(
        ENTRA,
        APP,
        "https://graph.microsoft.com/.default User.Read",
        "default_mixed!",
        Some(GRAPH_DEFAULT),
    );
    check(
        ENTRA,
        APP,
        "offline_access .default",
        "default_mixed!",
        Some(GRAPH_DEFAULT),
    );
    check(ENTRA, APP, "", "empty!", Some(GRAPH_DEFAULT));
    check(
        ENTRA,
        APP,
        "user.read.all,offline_access",
        "separator! not_default!",
        Some(GRAPH_DEFAULT),
    );
}

#[test]
fn characters_that_no_scope_has() {
    check(
        ENTRA,
        CODE,
        "offline_access User\u{200b}.Read",
        "non_ascii!",
        Some("offline_access User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "“offline_access User.Read”",
        "non_ascii!",
        Some("offline_access User.Read"),
    );
    check(
        ENTRA,
        CODE,
        "\"offline_access User.Read\"",
        "character!",
        Some("offline_access User.Read"),
    );
    // a Cyrillic letter can't be corrected by a machine
    check(ENTRA, CODE, "offline_access User.Rеad", "non_ascii!", None);
}

#[test]
fn other_providers() {
    check(EXACT, CODE, "read write", "", None);
    check(
        EXACT,
        CODE,
        "openid profile",
        "no_refresh",
        Some("offline_access openid profile"),
    );
    check(EXACT, CODE, "repo,gist", "separator", Some("repo gist"));
    check(EXACT, CODE, "a\nb", "separator!", Some("a b"));
    check(EXACT, CODE, "a A a", "duplicate", Some("a A"));
    check(EXACT, CODE, "a%20b", "", None);
    check(EXACT, APP, "read offline_access", "", None);
    check(EXACT, CODE, "", "empty", None);
}

#[test]
fn distances() {
    let check = |left: &str, right: &str, expected: usize| {
        let letters = |text: &str| text.chars().collect::<Vec<char>>();
        assert_eq!(
            distance(&letters(left), &letters(right)),
            expected,
            "{left} {right}"
        );
    };
    check("", "", 0);
    check("", "abc", 3);
    check("abc", "", 3);
    check("user.real.all", "user.read.all", 1);
    check("raed", "read", 1);
    check("kitten", "sitting", 3);
}

#[test]
fn the_list_is_sorted_and_known_to_itself() {
    let names: Vec<&str> = crate::graph::names().collect();
    assert!(names.is_sorted());
    for name in names {
        assert_eq!(suggestion(name), None, "{name}");
        assert_eq!(suggestion(&name.to_uppercase()), None, "{name}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config::with_cases(64))]
    #[test]
    fn any_text_is_linted_without_a_panic_and_the_fix_parses(raw in "([ -~]|\\PC|,|\n|\\.default|offline_access |User\\.Read|https://){0,30}") {
        for rule in [ENTRA, EXACT] {
            for access in [CODE, APP] {
                if let Some(fix) = corrected_scope(&raw, rule, access)
                    && !lint(&raw, rule, access).iter().any(|lint| lint.fix.is_none())
                {
                    assert!(Scope::parse(&fix).is_ok(), "{fix:?}");
                }
            }
        }
    }
}

/// The console lints while somebody types; its tests hold it to the same file.
#[test]
fn the_console_says_the_same() {
    let cases: Vec<serde_json::Value> = serde_json::from_str(include_str!(
        "../../../../../console/tests/scope-cases.json"
    ))
    .unwrap();
    assert!(cases.len() > 200);
    for case in &cases {
        let rule = match case["rule"].as_str().unwrap() {
            "entra" => ENTRA,
            "exact" => EXACT,
            other => panic!("{other}"),
        };
        let access = match case["grant"].as_str().unwrap() {
            "authorization_code" => CODE,
            "client_credentials" => APP,
            other => panic!("{other}"),
        };
        let seen: Vec<serde_json::Value> = lint(case["raw"].as_str().unwrap(), rule, access)
            .into_iter()
            .map(|lint| {
                let severity = match lint.severity {
                    Severity::Error => "error",
                    Severity::Warning => "warning",
                };
                serde_json::json!({"code": lint.code, "severity": severity, "message": lint.message, "fix": lint.fix})
            })
            .collect();
        assert_eq!(case["lints"], serde_json::Value::from(seen), "{case}");
    }
}
