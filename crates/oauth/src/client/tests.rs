use super::*;
use crate::AuthorizationCode;

fn client(authentication: ClientAuthentication) -> Client {
    Client {
        id: ClientId::parse("client-1").unwrap(),
        authentication,
        token_endpoint: Url::parse("https://login.contoso.example/t/oauth2/v2.0/token").unwrap(),
    }
}

fn body(request: &Request<Bytes>) -> &str {
    std::str::from_utf8(request.body()).unwrap()
}

#[test]
fn client_credentials_with_basic() {
    let client = client(ClientAuthentication::ClientSecretBasic(Secret::new(
        "fake-secret",
    )));
    let scope = Scope::parse("https://graph.microsoft.com/.default").unwrap();
    let request = client.token_request(&Grant::ClientCredentials, Some(&scope), &[]);
    assert_eq!(request.method(), Method::POST);
    assert_eq!(
        request.uri(),
        "https://login.contoso.example/t/oauth2/v2.0/token"
    );
    assert_eq!(
        request.headers()[CONTENT_TYPE],
        "application/x-www-form-urlencoded"
    );
    assert_eq!(request.headers()[ACCEPT], "application/json");
    // client-1:fake-secret
    assert_eq!(
        request.headers()[AUTHORIZATION],
        "Basic Y2xpZW50LTE6ZmFrZS1zZWNyZXQ="
    );
    assert!(request.headers()[AUTHORIZATION].is_sensitive());
    assert_eq!(
        body(&request),
        "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default"
    );
}

#[test]
fn authorization_code_with_post() {
    let code = AuthorizationCode {
        code: Secret::new("co/de"),
        code_verifier: Secret::new("verifier"),
        redirect_uri: Url::parse("http://localhost:8800/oauth/callback/microsoft-graph").unwrap(),
    };
    let scope = Scope::parse("offline_access User.Read").unwrap();
    let request = client(ClientAuthentication::ClientSecretPost(Secret::new("a b&c")))
        .token_request(&Grant::AuthorizationCode(&code), Some(&scope), &[]);
    assert_eq!(
        body(&request),
        "grant_type=authorization_code&code=co%2Fde\
         &redirect_uri=http%3A%2F%2Flocalhost%3A8800%2Foauth%2Fcallback%2Fmicrosoft-graph\
         &code_verifier=verifier&client_id=client-1&client_secret=a+b%26c&scope=offline_access+User.Read"
    );
    assert!(!request.headers().contains_key(AUTHORIZATION));
}

#[test]
fn a_public_client_refreshes_and_repeats_the_scope() {
    let token = Secret::new("0.fake-refresh");
    let scope = Scope::parse("offline_access User.Read").unwrap();
    let request = client(ClientAuthentication::None).token_request(
        &Grant::RefreshToken(&token),
        Some(&scope),
        &[],
    );
    assert_eq!(
        body(&request),
        "grant_type=refresh_token&refresh_token=0.fake-refresh&client_id=client-1&scope=offline_access+User.Read"
    );
}

#[test]
fn extra_parameters_never_replace_ours() {
    let extra = [
        "grant_type",
        "Client_Secret",
        "resource",
        "scope",
        "client_id",
        " code ",
        "audience",
    ]
    .map(|name| (name.to_owned(), "x".to_owned()));
    let request =
        client(ClientAuthentication::None).token_request(&Grant::ClientCredentials, None, &extra);
    assert_eq!(
        body(&request),
        "grant_type=client_credentials&client_id=client-1&audience=x"
    );
}

#[test]
fn an_empty_scope_is_left_out_and_a_fragment_too() {
    let mut client = client(ClientAuthentication::None);
    client.token_endpoint = Url::parse("https://id.contoso.example/token?x=1#part").unwrap();
    let request = client.token_request(
        &Grant::ClientCredentials,
        Some(&Scope::parse("").unwrap()),
        &[],
    );
    assert_eq!(
        body(&request),
        "grant_type=client_credentials&client_id=client-1"
    );
    assert_eq!(request.uri(), "https://id.contoso.example/token?x=1");
}

#[test]
fn the_basic_pair_is_form_encoded() {
    let check = |secret: &str, expected: &str| {
        let header = basic(&ClientId::parse("a:b").unwrap(), &Secret::new(secret));
        let coded = header
            .to_str()
            .unwrap()
            .strip_prefix("Basic ")
            .unwrap()
            .to_owned();
        let pair = String::from_utf8(STANDARD.decode(coded).unwrap()).unwrap();
        assert_eq!(pair, expected, "{secret:?}");
    };
    check("plain", "a%3Ab:plain");
    check("~.-_+/=%& :", "a%3Ab:%7E.-_%2B%2F%3D%25%26+%3A");
    check("Ключ", "a%3Ab:%D0%9A%D0%BB%D1%8E%D1%87");
}

#[test]
fn methods_to_try() {
    use AuthenticationMethod::{
        Automatic, ClientSecretBasic, ClientSecretPost, None as Public, PrivateKeyJwt,
        PrivateKeyJwtRs256,
    };
    let check = |method: AuthenticationMethod,
                 learned: Option<AuthenticationMethod>,
                 expected: &[AuthenticationMethod]| {
        assert_eq!(method.candidates(learned), expected);
    };
    check(Automatic, None, &[ClientSecretBasic, ClientSecretPost]);
    check(
        Automatic,
        Some(ClientSecretBasic),
        &[ClientSecretBasic, ClientSecretPost],
    );
    check(
        Automatic,
        Some(ClientSecretPost),
        &[ClientSecretPost, ClientSecretBasic],
    );
    check(
        ClientSecretBasic,
        Some(ClientSecretPost),
        &[ClientSecretBasic],
    );
    check(ClientSecretPost, None, &[ClientSecretPost]);
    check(Public, Some(ClientSecretPost), &[Public]);
    check(PrivateKeyJwt, None, &[PrivateKeyJwt, PrivateKeyJwtRs256]);
    check(
        PrivateKeyJwt,
        Some(PrivateKeyJwtRs256),
        &[PrivateKeyJwtRs256, PrivateKeyJwt],
    );
    check(PrivateKeyJwtRs256, None, &[PrivateKeyJwtRs256]);
}

#[test]
fn the_next_method_is_tried_where_the_form_may_be_at_fault() {
    use AuthenticationMethod::{Automatic, PrivateKeyJwt};
    let check = |method: AuthenticationMethod, error: &str, codes: &[u32], expected: bool| {
        let refusal = ProviderError {
            error: error.to_owned(),
            error_codes: codes.to_vec(),
            ..ProviderError::default()
        };
        assert_eq!(method.may_go_on(&refusal), expected, "{method} {refusal:?}");
    };
    check(Automatic, "invalid_client", &[], true);
    check(Automatic, "invalid_client", &[7_000_215], true);
    check(Automatic, "invalid_grant", &[], false);
    check(PrivateKeyJwt, "invalid_client", &[], true);
    check(PrivateKeyJwt, "invalid_client", &[50_027], true);
    check(PrivateKeyJwt, "invalid_client", &[700_027], false);
    check(PrivateKeyJwt, "invalid_request", &[], false);
}

#[test]
fn an_assertion_goes_into_the_body() {
    let client = Client {
        id: ClientId::parse("client").unwrap(),
        authentication: ClientAuthentication::PrivateKeyJwt(Secret::new("fake.assertion.here")),
        token_endpoint: Url::parse("https://login.contoso.example/token").unwrap(),
    };
    let request = client.token_request(&Grant::ClientCredentials, None, &[]);
    assert!(!request.headers().contains_key(AUTHORIZATION));
    let body = std::str::from_utf8(request.body()).unwrap();
    assert_eq!(
        body,
        "grant_type=client_credentials&client_id=client\
         &client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer\
         &client_assertion=fake.assertion.here"
    );
}

#[test]
fn a_secret_is_needed_where_one_is_sent() {
    let secret = Secret::new("fake");
    for method in [
        AuthenticationMethod::Automatic,
        AuthenticationMethod::ClientSecretBasic,
        AuthenticationMethod::ClientSecretPost,
        AuthenticationMethod::PrivateKeyJwt,
        AuthenticationMethod::PrivateKeyJwtRs256,
    ] {
        assert_eq!(
            ClientAuthentication::new(method, None),
            Err(MissingSecret { method })
        );
        assert_eq!(
            ClientAuthentication::new(method, Some(&Secret::new(""))),
            Err(MissingSecret { method })
        );
        assert!(ClientAuthentication::new(method, Some(&secret)).is_ok());
    }
    assert_eq!(
        ClientAuthentication::new(AuthenticationMethod::None, Some(&secret)),
        Ok(ClientAuthentication::None)
    );
}

#[test]
fn methods_are_stored_under_their_standard_names() {
    for method in [
        AuthenticationMethod::Automatic,
        AuthenticationMethod::ClientSecretBasic,
        AuthenticationMethod::ClientSecretPost,
        AuthenticationMethod::PrivateKeyJwt,
        AuthenticationMethod::PrivateKeyJwtRs256,
        AuthenticationMethod::None,
    ] {
        assert_eq!(
            serde_json::to_value(method).unwrap(),
            serde_json::Value::from(method.as_str())
        );
    }
}

#[test]
fn client_ids() {
    let check = |text: &str, expected: Result<(), ClientIdError>| {
        assert_eq!(ClientId::parse(text).map(|_| ()), expected, "{text:?}");
    };
    check("0f9a3c1e-1111-2222-3333-444455556666", Ok(()));
    check("an id with blanks", Ok(()));
    check("", Err(ClientIdError::Empty));
    check(" id", Err(ClientIdError::WhiteSpace));
    check("id\n", Err(ClientIdError::WhiteSpace));
    check("i\u{200b}d", Err(ClientIdError::Character));
    check("i\0d", Err(ClientIdError::Character));
    check(&"x".repeat(512), Ok(()));
    check(&"x".repeat(513), Err(ClientIdError::TooLong));
    assert!(serde_json::from_str::<ClientId>(r#"" ""#).is_err());
}

proptest::proptest! {
    /// What a server does per RFC 6749 §2.3.1: base64, split at the first colon, form-decode both.
    #[test]
    fn a_server_reads_back_id_and_secret(id in "[ -~]{1,40}", secret in "\\PC{1,80}") {
        let Ok(id) = ClientId::parse(&id) else { return Ok(()) };
        let header = basic(&id, &Secret::new(secret.clone()));
        let pair = STANDARD.decode(header.to_str().unwrap().strip_prefix("Basic ").unwrap()).unwrap();
        let pair = String::from_utf8(pair).unwrap();
        let (left, right) = pair.split_once(':').unwrap();
        let decoded = |text: &str| form_urlencoded::parse(format!("v={text}").as_bytes()).next().unwrap().1.into_owned();
        proptest::prop_assert_eq!(decoded(left), id.as_str());
        proptest::prop_assert_eq!(decoded(right), secret);
    }
}
