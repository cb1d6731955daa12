use serde_json::json;

use super::*;

fn jwt(claims: &Value) -> Secret {
    let coded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    Secret::new(format!(
        "{}.{}.c2ln",
        coded(&json!({"alg": "RS256"})),
        coded(claims)
    ))
}

#[test]
fn a_person() {
    let token = jwt(&json!({
        "aud": "https://graph.microsoft.com", "idtyp": "user", "scp": "User.Read", "appid": "client-1", "name": "Ann Example",
        "oid": "o-1", "sub": "s-1", "tid": "t-1", "upn": "ann@contoso.example",
    }));
    let expected = Hints {
        name: Some("Ann Example".to_owned()),
        subject: Some("s-1".to_owned()),
        object_id: Some("o-1".to_owned()),
        username: Some("ann@contoso.example".to_owned()),
        tenant: Some("t-1".to_owned()),
        audience: Some("https://graph.microsoft.com".to_owned()),
        app_id: Some("client-1".to_owned()),
        roles: Vec::new(),
        is_app: false,
    };
    assert_eq!(Hints::from_jwt(&token), Some(expected));
}

#[test]
fn an_app() {
    let token = jwt(&json!({
        "aud": ["00000003-0000-0000-c000-000000000000"], "idtyp": "app", "roles": ["User.Read.All", 7, "Group.Read.All"],
        "app_displayname": "Demo app", "azp": "client-1", "oid": "o-1", "sub": "o-1", "tid": "t-1",
    }));
    let hints = Hints::from_jwt(&token).unwrap();
    assert!(hints.is_app);
    assert_eq!(hints.name.as_deref(), Some("Demo app"));
    assert_eq!(hints.app_id.as_deref(), Some("client-1"));
    assert_eq!(hints.roles, ["User.Read.All", "Group.Read.All"]);
    assert_eq!(
        hints.audience.as_deref(),
        Some("00000003-0000-0000-c000-000000000000")
    );
    assert_eq!(hints.username, None);
}

#[test]
fn app_or_person() {
    let check = |claims: Value, expected: bool| {
        assert_eq!(
            Hints::from_jwt(&jwt(&claims)).unwrap().is_app,
            expected,
            "{claims}"
        );
    };
    check(json!({"idtyp": "app", "upn": "x"}), true);
    check(json!({"idtyp": "user", "oid": "o", "sub": "o"}), false);
    check(json!({"oid": "o", "sub": "o"}), true);
    check(json!({"oid": "o", "sub": "o", "scp": "x"}), false);
    check(json!({"oid": "o", "sub": "s"}), false);
    check(json!({"sub": "s"}), false);
}

#[test]
fn what_is_no_jwt() {
    for text in [
        "",
        "opaque",
        "a.b",
        "a.b.c",
        "a.b.c.d.e",
        "..",
        "e30.W10.x",
        "e30.%%%.x",
    ] {
        assert_eq!(Hints::from_jwt(&Secret::new(text)), None, "{text}");
    }
    assert_eq!(
        Hints::from_jwt(&Secret::new("e30.e30=.x")),
        Some(Hints::default())
    );
}

#[test]
fn hostile_claims_are_cleaned() {
    let token = jwt(
        &json!({"name": "\u{1b}[31mAnn\u{202e}", "upn": "x".repeat(5000), "oid": 7, "roles": "One"}),
    );
    let hints = Hints::from_jwt(&token).unwrap();
    assert_eq!(hints.name.as_deref(), Some("Ann"));
    assert!(hints.username.unwrap().len() <= CLAIM_LIMIT);
    assert_eq!(hints.object_id, None);
    assert_eq!(hints.roles, ["One"]);
}

#[test]
fn id_tokens() {
    let client = ClientId::parse("client-1").unwrap();
    let check = |claims: Value, nonce: Option<&str>, expected: bool| {
        let outcome = check_id_token(&jwt(&claims), nonce, &client);
        assert_eq!(outcome.is_ok(), expected, "{claims}: {outcome:?}");
        if let Err(error) = outcome {
            assert_eq!(error.code(), "oauth.id_token_invalid");
        }
    };
    check(json!({"aud": "client-1", "nonce": "n"}), Some("n"), true);
    check(
        json!({"aud": ["x", "client-1"], "nonce": "n"}),
        Some("n"),
        true,
    );
    check(json!({"aud": "client-1"}), None, true);
    check(json!({"aud": "client-1", "nonce": "m"}), Some("n"), false);
    check(json!({"aud": "client-1", "nonce": 7}), Some("7"), false);
    check(json!({"aud": "client-1"}), Some("n"), false);
    check(json!({"aud": "other", "nonce": "n"}), Some("n"), false);
    check(json!({"nonce": "n"}), Some("n"), false);
    assert!(check_id_token(&Secret::new("opaque"), None, &client).is_err());
}

proptest::proptest! {
    #[test]
    fn any_token_is_looked_into_without_a_panic(token in "[A-Za-z0-9_.=-]{0,80}", claims in ".{0,60}") {
        let _ = Hints::from_jwt(&Secret::new(token));
        let _ = Hints::from_jwt(&Secret::new(format!("a.{}.b", URL_SAFE_NO_PAD.encode(claims))));
    }
}
