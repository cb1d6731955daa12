use super::*;

#[test]
fn what_is_refused() {
    let check = |query: &str, expected: Option<&str>| {
        let error = Callback::parse(query).err();
        assert_eq!(
            error.as_ref().map(CallbackError::code),
            expected,
            "{query:.60}: {error:?}"
        );
    };
    let invalid = Some("oauth.callback_invalid");
    check("code=a&state=b", None);
    check("?code=a&state=b&session_state=c#", None);
    check("state=b&error=access_denied&error_description=no", None);
    check("", None);
    check("code=a&code=b&state=c", invalid);
    check("code=a&state=b&state=b", invalid);
    check("code=a&state=b&iss=c&iss=d", invalid);
    check("error=a&error=b&state=c", invalid);
    check("code=a&error=b&state=c", invalid);
    check("code=&error=b&state=c", invalid);
    check("c%6fde=a&code=b&state=c", invalid);
    check("state=b&x=1&x=2&utm=3", None);
    check(&format!("state=b&code={}", "x".repeat(8 * 1024)), None);
    check(
        &format!("state=b&code={}", "x".repeat(8 * 1024 + 1)),
        invalid,
    );
    check(&format!("state=b&code={}", "x".repeat(10 * 1024)), invalid);
    check(&format!("state=b&x={}", "x".repeat(32 * 1024)), invalid);
    check("state=b&code=a%0d%0ab", invalid);
    check("state=b&code=%ff", invalid);
    check("state=b&code=%zz%", None);
}

#[test]
fn what_is_read() {
    let callback = Callback::parse("?code=a%2Fb&state=s+t&x=1&x=2#junk=1&state=z").unwrap();
    assert_eq!(callback.code(), Some("a/b"));
    assert_eq!(callback.state(), Some("s t"));
    assert_eq!(callback.get("x"), Some("1"));
    assert_eq!(callback.get("junk"), None);
    assert_eq!(callback.error(), None);
    assert_eq!(Callback::parse("state=&code=a").unwrap().state(), None);
}

#[test]
fn debug_shows_names_only() {
    let callback = Callback::parse("code=canary&state=canary").unwrap();
    assert_eq!(format!("{callback:?}"), r#"["code", "state"]"#);
}

#[test]
fn an_issuer_mismatch_names_both() {
    let error = CallbackError::IssuerMismatch {
        expected: Some("https://a.example".to_owned()),
        received: None,
    };
    assert_eq!(
        error.to_string(),
        "the callback's issuer is missing, expected https://a.example"
    );
}

proptest::proptest! {
    #[test]
    fn any_query_is_read_without_a_panic(query in "(\\PC|%[0-9a-f]{2}|&|=|code|state|error|iss|#){0,40}") {
        if let Ok(callback) = Callback::parse(&query) {
            let _ = (callback.state(), callback.error(), format!("{callback:?}"));
            assert!(callback.code().is_none() || callback.get("error").is_none());
        }
    }
}
