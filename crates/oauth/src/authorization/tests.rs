use super::*;
use crate::ProviderError;

fn now() -> Timestamp {
    "2026-03-01T12:00:00Z".parse().unwrap()
}

fn setup(scope: &str) -> AuthorizationSetup {
    AuthorizationSetup {
        authorization_endpoint: Url::parse("https://login.contoso.example/t/oauth2/v2.0/authorize")
            .unwrap(),
        client_id: ClientId::parse("client-1").unwrap(),
        redirect_uri: Url::parse("http://localhost:8800/oauth/callback/microsoft-graph").unwrap(),
        scope: Scope::parse(scope).unwrap(),
        issuer: None,
        iss_required: false,
        parameters: Vec::new(),
    }
}

fn entropy() -> Entropy {
    Entropy::new(std::array::from_fn(|index| {
        u8::try_from(index).unwrap_or(0)
    }))
}

fn parameters(url: &Url) -> Vec<(String, String)> {
    url.query_pairs().into_owned().collect()
}

#[test]
fn the_challenge_of_rfc_7636_appendix_b() {
    assert_eq!(
        code_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"),
        "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    );
}

#[test]
fn the_request() {
    let (authorization, url) =
        Authorization::begin(&setup("offline_access User.Read"), now(), entropy());
    let verifier = authorization.code_verifier.expose();
    assert_eq!(verifier.len(), 43);
    assert_eq!(authorization.state().expose().len(), 43);
    assert_ne!(verifier, authorization.state().expose());
    assert_eq!(authorization.nonce(), None);
    assert_eq!(
        authorization.expires_at().to_string(),
        "2026-03-01T12:10:00Z"
    );
    assert_eq!(
        url.as_str(),
        format!(
            "https://login.contoso.example/t/oauth2/v2.0/authorize?response_type=code&client_id=client-1\
             &redirect_uri=http%3A%2F%2Flocalhost%3A8800%2Foauth%2Fcallback%2Fmicrosoft-graph\
             &scope=offline_access+User.Read&state={}&code_challenge={}&code_challenge_method=S256",
            authorization.state().expose(),
            code_challenge(verifier),
        )
    );
    assert!(!url.as_str().contains(verifier));
}

#[test]
fn a_nonce_goes_with_openid() {
    let (authorization, url) =
        Authorization::begin(&setup("openid profile User.Read"), now(), entropy());
    let nonce = authorization.nonce().unwrap().to_owned();
    assert_eq!(nonce.len(), 43);
    assert!(parameters(&url).contains(&("nonce".to_owned(), nonce)));
    let (authorization, _) = Authorization::begin(&setup("OpenID"), now(), entropy());
    assert!(authorization.nonce().is_some());
}

#[test]
fn extra_parameters_never_replace_ours() {
    let mut setup = setup("");
    setup.authorization_endpoint = Url::parse(
        "https://login.contoso.example/authorize?tenant=x&state=fixed&client_id=other#part",
    )
    .unwrap();
    setup.parameters = [
        ("prompt", "select_account"),
        ("state", "x"),
        ("Redirect_URI", "https://attacker.example/"),
        ("code_challenge_method", "plain"),
        ("response_type", "token"),
        ("response_mode", "form_post"),
        ("request", "x"),
        ("request_uri", "x"),
        ("nonce", "x"),
        (" scope", "x"),
        ("resource", "x"),
        ("login_hint", "ann@contoso.example"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
    .to_vec();
    let (_, url) = Authorization::begin(&setup, now(), entropy());
    let names: Vec<String> = parameters(&url).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "tenant",
            "response_type",
            "client_id",
            "redirect_uri",
            "state",
            "code_challenge",
            "code_challenge_method",
            "prompt",
            "login_hint"
        ]
    );
    assert_eq!(url.fragment(), None);
    assert!(parameters(&url).contains(&("client_id".to_owned(), "client-1".to_owned())));
}

/// What accepting gives: the code, or the error's code.
fn outcome(setup: &AuthorizationSetup, query: &str, age: SignedDuration) -> String {
    let (authorization, _) = Authorization::begin(setup, now(), entropy());
    let query = query.replace("STATE", authorization.state().expose());
    let callback = Callback::parse(&query).unwrap();
    match authorization.accept(callback, now() + age) {
        Ok(code) => format!("code {}", code.code.expose()),
        Err(error) => error.code().to_owned(),
    }
}

#[test]
fn what_is_accepted() {
    let check = |query: &str, seconds: i64, expected: &str| {
        let age = SignedDuration::from_secs(seconds);
        assert_eq!(
            outcome(&setup("User.Read"), query, age),
            expected,
            "{query}"
        );
    };
    check("code=fake&state=STATE", 0, "code fake");
    check("code=fake&state=STATE&session_state=x#", 599, "code fake");
    check("code=fake&state=STATE", -30, "code fake");
    check("code=fake&state=STATE", 600, "oauth.state_invalid");
    check("code=fake", 0, "oauth.state_invalid");
    check("code=fake&state=", 0, "oauth.state_invalid");
    check("code=fake&state=other", 0, "oauth.state_invalid");
    check("code=fake&state=STATEx", 0, "oauth.state_invalid");
    check("state=STATE", 0, "oauth.callback_invalid");
    check("code=&state=STATE", 0, "oauth.callback_invalid");
    check("error=access_denied&state=STATE", 0, "oauth.refused");
    check(
        "error=access_denied&state=STATE",
        600,
        "oauth.state_invalid",
    );
    // without an issuer to compare with, one that comes is let pass
    check(
        "code=fake&state=STATE&iss=https://a.example",
        0,
        "code fake",
    );
}

#[test]
fn the_issuer() {
    let check = |issuer: Option<&str>, required: bool, received: &str, expected: &str| {
        let mut setup = setup("User.Read");
        setup.issuer = issuer.map(str::to_owned);
        setup.iss_required = required;
        let query = format!("code=fake&state=STATE{received}");
        assert_eq!(
            outcome(&setup, &query, SignedDuration::ZERO),
            expected,
            "{issuer:?} {required} {received}"
        );
    };
    let ours = Some("https://a.example/t");
    let mismatch = "oauth.issuer_mismatch";
    check(ours, true, "&iss=https%3A%2F%2Fa.example%2Ft", "code fake");
    check(ours, false, "&iss=https%3A%2F%2Fa.example%2Ft", "code fake");
    check(ours, false, "", "code fake");
    check(ours, true, "", mismatch);
    check(ours, false, "&iss=https%3A%2F%2Fb.example%2Ft", mismatch);
    check(ours, false, "&iss=https%3A%2F%2Fa.example%2Ft%2F", mismatch);
    check(ours, false, "&iss=HTTPS%3A%2F%2Fa.example%2Ft", mismatch);
    check(ours, false, "&iss=", mismatch);
    check(None, true, "", mismatch);
    check(None, true, "&iss=https%3A%2F%2Fa.example%2Ft", mismatch);

    // a refusal from the wrong issuer is not believed either
    let mut setup = setup("User.Read");
    setup.issuer = ours.map(str::to_owned);
    assert_eq!(
        outcome(
            &setup,
            "error=access_denied&state=STATE&iss=https%3A%2F%2Fb.example",
            SignedDuration::ZERO
        ),
        mismatch
    );
}

#[test]
fn a_refusal_is_read() {
    let (authorization, _) = Authorization::begin(&setup("User.Read"), now(), entropy());
    let state = authorization.state().expose().to_owned();
    let callback = Callback::parse(&format!(
        "error=access_denied&error_description=AADSTS65004%3a+User+declined.%0d%0aTrace+ID%3a+t-1&error_uri=https%3a%2f%2fx.example%2ferror%3fcode%3d65004&state={state}#"
    ))
    .unwrap();
    let error = authorization.accept(callback, now()).unwrap_err();
    let CallbackError::Provider(error) = error else {
        panic!("{error:?}");
    };
    assert_eq!(
        *error,
        ProviderError {
            error: "access_denied".to_owned(),
            error_description: Some("AADSTS65004: User declined. Trace ID: t-1".to_owned()),
            error_uri: Some("https://x.example/error?code=65004".to_owned()),
            trace_id: Some("t-1".to_owned()),
            ..ProviderError::default()
        }
    );
}

#[test]
fn it_comes_back_from_the_store_as_it_went() {
    let mut setup = setup("openid User.Read");
    setup.issuer = Some("https://a.example".to_owned());
    setup.iss_required = true;
    let (authorization, _) = Authorization::begin(&setup, now(), entropy());
    let sealed = authorization.to_sealable();
    let back = Authorization::from_sealed(&sealed).unwrap();
    assert_eq!(back.to_sealable(), sealed);
    assert_eq!(back.nonce(), authorization.nonce());
    let query = format!(
        "code=fake&state={}&iss=https://a.example",
        authorization.state().expose()
    );
    let code = back
        .accept(Callback::parse(&query).unwrap(), now())
        .unwrap();
    assert_eq!(code.code_verifier, authorization.code_verifier);
    assert_eq!(code.redirect_uri, setup.redirect_uri);
    assert!(Authorization::from_sealed("{}").is_err());
    assert!(Authorization::from_sealed("").is_err());
}

#[test]
fn debug_shows_no_secret() {
    let (authorization, _) = Authorization::begin(&setup("openid"), now(), entropy());
    let shown = format!("{authorization:?}");
    for secret in [
        authorization.state().expose(),
        authorization.code_verifier.expose(),
        authorization.nonce().unwrap(),
    ] {
        assert!(!shown.contains(secret));
    }
}

proptest::proptest! {
    #[test]
    fn any_entropy_makes_unreserved_characters(bytes in proptest::collection::vec(proptest::num::u8::ANY, 96)) {
        let entropy = Entropy::new(bytes.try_into().unwrap());
        let (authorization, url) = Authorization::begin(&setup("openid"), now(), entropy);
        for text in [authorization.state().expose(), authorization.code_verifier.expose(), authorization.nonce().unwrap()] {
            assert!(text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')));
        }
        assert!(parameters(&url).contains(&("state".to_owned(), authorization.state().expose().to_owned())));
    }
}
