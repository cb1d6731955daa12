//! The ready-made providers: each from sign-in through a call to a renewal, against scripted answers over HTTP in their manner.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use connect::{Form, FormSecret, Proof};
use oauth::{Callback, Secret, State as Standing};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::house::{House, house, name, ticket};

/// A token request: its path and its form.
type Asked = (String, BTreeMap<String, String>);

/// A provider that answers as it was told, and an API that shows whose token came.
#[derive(Clone, Default)]
struct Script {
    /// Answers of the token endpoint, in order: content type and body.
    answers: Arc<Mutex<Vec<(&'static str, String)>>>,
    asked: Arc<Mutex<Vec<Asked>>>,
    /// Tokens that the API refuses.
    dead: Arc<Mutex<Vec<String>>>,
}

impl Script {
    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new()
            .fallback(answer)
            .with_state((self.clone(), address));
        TaskTracker::new().spawn(async move { axum::serve(listener, router).await });
        address
    }

    fn json(&self, answer: &Value) -> &Self {
        self.put("application/json", answer.to_string())
    }

    fn put(&self, media: &'static str, body: String) -> &Self {
        self.answers.lock().unwrap().push((media, body));
        self
    }

    fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    fn kill(&self, token: &str) {
        self.dead.lock().unwrap().push(token.to_owned());
    }
}

async fn answer(
    State((script, address)): State<(Script, SocketAddr)>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let path = uri.path();
    if path.contains("/.well-known/") {
        let issuer = path.split("/.well-known/").next().unwrap();
        return axum::Json(json!({
            "issuer": format!("http://{address}{issuer}"),
            "authorization_endpoint": format!("http://{address}{issuer}/v1/authorize"),
            "token_endpoint": format!("http://{address}{issuer}/v1/token"),
            "authorization_response_iss_parameter_supported": true,
        }))
        .into_response();
    }
    if let Some(bearer) = headers.get(header::AUTHORIZATION) {
        let token = bearer.to_str().unwrap().trim_start_matches("Bearer ");
        if !token.starts_with("Basic ") {
            let dead = script.dead.lock().unwrap().iter().any(|dead| dead == token);
            let status = if dead {
                StatusCode::UNAUTHORIZED
            } else {
                StatusCode::OK
            };
            return (status, axum::Json(json!({ "path": path, "token": token }))).into_response();
        }
    }
    if body.is_empty() {
        return "a page of sign-in".into_response();
    }
    let form = url::form_urlencoded::parse(&body).into_owned().collect();
    script.asked.lock().unwrap().push((path.to_owned(), form));
    let (media, text) = script.answers.lock().unwrap().remove(0);
    ([(header::CONTENT_TYPE, media)], text).into_response()
}

/// A house, a provider at work, and where it is.
async fn at_work() -> (House, Script, String) {
    let script = Script::default();
    let address = script.start().await;
    (house().await, script, format!("http://{address}"))
}

/// Makes a connection without proving it.
async fn make(house: &House, form: Form) -> connect::Card {
    house
        .connector
        .create(&house.actor, form, Proof::Later)
        .await
        .unwrap()
}

/// A person signs in; answers the authorization request's parameters.
async fn sign_in(house: &House, of: &str) -> BTreeMap<String, String> {
    let started = house
        .connector
        .authorize(&house.actor, &name(of))
        .await
        .unwrap();
    let browser = Secret::new("browser-nonce");
    let sent = house
        .connector
        .start(&ticket(&started.url), &browser, None)
        .await
        .unwrap();
    let asked: BTreeMap<String, String> = sent.query_pairs().into_owned().collect();
    let mut issuer = sent.clone();
    issuer.set_query(None);
    issuer.set_path(sent.path().trim_end_matches("/v1/authorize"));
    let callback = Url::parse(&asked["redirect_uri"]).unwrap();
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    query.append_pair("code", "fake-code");
    query.append_pair("state", &asked["state"]);
    query.append_pair("iss", issuer.as_str());
    house
        .connector
        .callback(
            callback.path().rsplit('/').next().unwrap(),
            Some(&browser),
            None,
            Callback::parse(&query.finish()).unwrap(),
        )
        .await
        .unwrap();
    asked
}

async fn token_of(house: &House, of: &str, path: &str) -> (String, String) {
    let answer = house.get(of, path).await.unwrap();
    let connect::ResponseBody::Json(body) = answer.body else {
        panic!("no JSON");
    };
    // The token is ours, so it was taken out of the answer: the generation says which it was.
    assert_eq!(answer.status, 200, "{body}");
    (
        body["path"].as_str().unwrap().to_owned(),
        answer.token_generation.unwrap().to_string(),
    )
}

fn form(preset: &str, origin: &str) -> Form {
    Form {
        name: Some(preset.to_owned()),
        preset: Some(preset.to_owned()),
        cloud: Some(origin.to_owned()),
        grant: Some("authorization_code".to_owned()),
        client_id: Some("fake-client-id".to_owned()),
        client_secret: Some(FormSecret::new("fake-client-secret")),
        client_authentication: Some("client_secret_post".to_owned()),
        ..Form::default()
    }
}

#[tokio::test]
async fn known_providers_share_a_redirect_uri_and_need_no_addresses() {
    let house = house().await;
    for (preset, token, base) in [
        (
            "github",
            "https://github.com/login/oauth/access_token",
            Some("https://api.github.com/"),
        ),
        (
            "google",
            "https://oauth2.googleapis.com/token",
            Some("https://www.googleapis.com/"),
        ),
        (
            "salesforce",
            "https://login.salesforce.com/services/oauth2/token",
            None,
        ),
    ] {
        let mut wanted = form(preset, "");
        wanted.cloud = None;
        let card = make(&house, wanted).await;
        assert_eq!(
            (card.preset.as_str(), card.token_endpoint.as_deref()),
            (preset, Some(token))
        );
        assert_eq!(card.base_url.as_deref(), base);
        let shared = format!("http://localhost:8800/oauth/callback/{preset}");
        assert_eq!(card.redirect_uri, Some(shared.clone()));
        let listed = house.connector.presets();
        let listed = listed.iter().find(|listed| listed.name == preset).unwrap();
        assert_eq!(listed.redirect_uri, Some(shared));
        assert!(card.warnings.is_empty(), "{:?}", card.warnings);
        // A new scope leaves preset and addresses as they are.
        let changed = house
            .change(
                preset,
                Form {
                    scope: Some("a".to_owned()),
                    prove: Some(false),
                    ..Form::default()
                },
            )
            .await;
        assert_eq!(
            (
                changed.card.preset.as_str(),
                changed.card.token_endpoint.as_deref()
            ),
            (preset, Some(token))
        );
        assert!(changed.wiped.is_empty());
    }
    let mut own = form("github", "https://github.contoso.example");
    own.name = Some("enterprise".to_owned());
    let card = make(&house, own).await;
    assert_eq!(
        card.base_url.as_deref(),
        Some("https://github.contoso.example/api/v3")
    );
    assert!(
        card.redirect_uri.unwrap().ends_with(&card.id),
        "an origin that nobody vouches for"
    );
}

#[tokio::test]
async fn github_answers_in_form_encoding_and_its_tokens_do_not_end() {
    let (house, script, origin) = at_work().await;
    script.put(
        "application/x-www-form-urlencoded; charset=utf-8",
        "access_token=gho_fake1&scope=repo%2Cread%3Auser&token_type=bearer".to_owned(),
    );
    let mut wanted = form("github", &origin);
    wanted.scope = Some("repo read:user".to_owned());
    make(&house, wanted).await;
    let asked = sign_in(&house, "github").await;
    assert_eq!(asked["scope"], "repo read:user");
    let card = house.card("github").await;
    assert_eq!(card.state, Standing::Ok);
    let token = card.token.unwrap();
    assert_eq!(token.granted, ["repo", "read:user"]);
    assert_eq!(card.warnings[0].code, "token.no_expiry");
    // A year later it still works, and nobody asked for another.
    house
        .store
        .clock
        .advance(jiff::SignedDuration::from_hours(24 * 365));
    assert_eq!(
        token_of(&house, "github", "/user").await,
        ("/api/v3/user".to_owned(), "1".to_owned())
    );
    assert_eq!(script.asked().len(), 1);
    // Until the API refuses it: then somebody must sign in.
    script.kill("gho_fake1");
    assert_eq!(house.get("github", "/user").await.unwrap().status, 401);
    assert_eq!(house.card("github").await.state, Standing::NeedsUser);
    script.json(&json!({ "error": "bad_verification_code", "error_description": "The code passed is incorrect or expired." }));
    let started = house
        .connector
        .authorize(&house.actor, &name("github"))
        .await
        .unwrap();
    assert!(started.diagnosis.is_none());
    // An app whose tokens expire has refresh tokens like any other.
    script.answers.lock().unwrap().clear();
    script
        .json(&json!({ "access_token": "ghu_fake2", "expires_in": 28800, "refresh_token": "ghr_fake2", "token_type": "bearer" }))
        .json(&json!({ "access_token": "ghu_fake3", "expires_in": 28800, "refresh_token": "ghr_fake3", "token_type": "bearer" }));
    sign_in(&house, "github").await;
    house
        .store
        .clock
        .advance(jiff::SignedDuration::from_hours(9));
    assert_eq!(token_of(&house, "github", "/user").await.1, "3");
    let (path, renewal) = script.asked().pop().unwrap();
    assert_eq!(path, "/login/oauth/access_token");
    assert_eq!(
        (
            renewal["grant_type"].as_str(),
            renewal["refresh_token"].as_str()
        ),
        ("refresh_token", "ghr_fake2")
    );
}

#[tokio::test]
async fn google_is_asked_for_offline_access() {
    let (house, script, origin) = at_work().await;
    script
        .json(&json!({ "access_token": "ya29.fake1", "expires_in": 3599, "refresh_token": "1//fake", "token_type": "Bearer" }))
        .json(&json!({ "access_token": "ya29.fake2", "expires_in": 3599, "token_type": "Bearer" }));
    let mut wanted = form("google", &origin);
    wanted.scope = Some("https://www.googleapis.com/auth/drive.readonly".to_owned());
    wanted.authorize_parameters = Some([("prompt".to_owned(), "select_account".to_owned())].into());
    make(&house, wanted).await;
    let asked = sign_in(&house, "google").await;
    // What was typed wins over what the provider usually needs.
    assert_eq!(
        (asked["access_type"].as_str(), asked["prompt"].as_str()),
        ("offline", "select_account")
    );
    assert_eq!(
        token_of(&house, "google", "/drive/v3/files").await,
        ("/drive/v3/files".to_owned(), "1".to_owned())
    );
    house.expire();
    assert_eq!(token_of(&house, "google", "/drive/v3/files").await.1, "2");
    assert_eq!(script.asked()[1].1["refresh_token"], "1//fake");
}

/// The claims of an assertion, which nobody verified.
fn claims(assertion: &str) -> Value {
    let part = assertion.split('.').nth(1).unwrap();
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

fn rsa_key() -> String {
    use aws_lc_rs::encoding::AsDer as _;
    let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
    let key = rcgen::KeyPair::try_from(pair.as_der().unwrap().as_ref()).unwrap();
    key.serialize_pem()
}

#[tokio::test]
async fn a_google_service_account_signs_for_whom_it_asks() {
    let (house, script, origin) = at_work().await;
    for token in ["ya29.fake1", "ya29.fake2"] {
        script.json(&json!({ "access_token": token, "expires_in": 3599, "token_type": "Bearer" }));
    }
    let account = json!({
        "type": "service_account", "client_email": "robot@contoso.example", "private_key_id": "key-1", "private_key": rsa_key(),
        "token_uri": "https://evil.example/token",
    });
    let wanted = Form {
        grant: Some("jwt_bearer".to_owned()),
        client_id: None,
        client_secret: None,
        client_authentication: None,
        private_key: Some(FormSecret::new(account.to_string())),
        subject: Some("ada@contoso.example".to_owned()),
        scope: Some("https://www.googleapis.com/auth/admin.directory.user.readonly".to_owned()),
        ..form("google", &origin)
    };
    let card = house.create(wanted).await;
    assert_eq!(card.state, Standing::Ok, "{:?}", card.diagnosis);
    assert_eq!(card.client_id.as_deref(), Some("robot@contoso.example"));
    let says = card.assertion.unwrap();
    assert_eq!(
        (says.key_id.as_deref(), says.subject.as_deref()),
        (Some("key-1"), Some("ada@contoso.example"))
    );
    assert_eq!(token_of(&house, "google", "/users").await.1, "1");
    house.expire();
    assert_eq!(token_of(&house, "google", "/users").await.1, "2");
    let asked = script.asked();
    assert_eq!(asked.len(), 2);
    for (path, fields) in &asked {
        assert_eq!(path, "/token");
        let names: Vec<&str> = fields.keys().map(String::as_str).collect();
        assert_eq!(
            names,
            ["assertion", "grant_type"],
            "who it is and what it wants are in the assertion"
        );
        assert_eq!(
            fields["grant_type"],
            "urn:ietf:params:oauth:grant-type:jwt-bearer"
        );
        let said = claims(&fields["assertion"]);
        assert_eq!(said["iss"], "robot@contoso.example");
        assert_eq!(said["sub"], "ada@contoso.example");
        assert_eq!(said["aud"], format!("{origin}/token"));
        assert_eq!(
            said["scope"],
            "https://www.googleapis.com/auth/admin.directory.user.readonly"
        );
    }
    assert_ne!(asked[0].1["assertion"], asked[1].1["assertion"]);

    // Another subject is another identity: key and token go.
    let changed = house
        .change(
            "google",
            Form {
                subject: Some("bob@contoso.example".to_owned()),
                prove: Some(false),
                ..Form::default()
            },
        )
        .await;
    assert_eq!(changed.wiped, ["private_key", "access_token"]);
    assert_eq!(changed.card.state, Standing::NeedsSecret);
    let cure = changed.card.diagnosis.unwrap();
    assert_eq!(cure.code, "private_key.missing");
    assert_eq!(
        cure.command.as_deref(),
        Some("keyway connection change google --private-key-file FILE")
    );
    for broken in ["{}", "{\"client_email\":\"a\"}", "no key at all"] {
        let change = Form {
            private_key: Some(FormSecret::new(broken)),
            ..Form::default()
        };
        let refused = house
            .connector
            .change(&house.actor, &name("google"), None, change)
            .await;
        assert_eq!(
            refused.unwrap_err().code(),
            "certificate.key_missing",
            "{broken}"
        );
    }
}

#[tokio::test]
async fn salesforce_says_with_the_token_where_its_api_is() {
    let (house, script, origin) = at_work().await;
    let elsewhere = Script::default();
    let instance = format!("http://{}", elsewhere.start().await);
    script
        .json(&json!({ "access_token": "00D!fake1", "refresh_token": "5Aep!fake", "instance_url": instance, "token_type": "Bearer" }))
        .json(&json!({ "access_token": "00D!fake2", "instance_url": "https://evil.example", "token_type": "Bearer" }));
    let mut wanted = form("salesforce", &origin);
    wanted.scope = Some("api refresh_token".to_owned());
    let card = make(&house, wanted).await;
    assert_eq!(card.base_url, None);
    sign_in(&house, "salesforce").await;
    let card = house.card("salesforce").await;
    assert_eq!(
        card.base_url.as_deref(),
        Some(format!("{instance}/").as_str())
    );
    assert_eq!(card.origins, std::slice::from_ref(&instance));
    assert_eq!(card.warnings[0].code, "token.lifetime_assumed");
    let path = "/services/data/v60.0/sobjects";
    assert_eq!(
        token_of(&house, "salesforce", path).await,
        (path.to_owned(), "1".to_owned())
    );
    // Without a word on its life it is renewed after five minutes; another address does not move the connection.
    house
        .store
        .clock
        .advance(jiff::SignedDuration::from_mins(6));
    assert_eq!(token_of(&house, "salesforce", path).await.1, "2");
    assert_eq!(house.card("salesforce").await.base_url, card.base_url);
    assert_eq!(script.asked()[1].1["refresh_token"], "5Aep!fake");
}

#[tokio::test]
async fn an_instance_elsewhere_is_not_called() {
    let (house, script, origin) = at_work().await;
    for told in [
        "https://evil.example",
        "http://169.254.169.254",
        "javascript:alert(1)",
    ] {
        script.json(&json!({ "access_token": "00D!fake", "refresh_token": "r", "instance_url": told, "token_type": "Bearer" }));
    }
    make(&house, form("salesforce", &origin)).await;
    for _ in 0..3 {
        sign_in(&house, "salesforce").await;
        let card = house.card("salesforce").await;
        assert_eq!(card.base_url, None);
        assert!(
            card.warnings
                .iter()
                .any(|warning| warning.code == "instance.unknown")
        );
    }
    assert!(house.get("salesforce", "/services/data").await.is_err());
}

#[tokio::test]
async fn a_salesforce_robot_names_the_login_host_as_its_audience() {
    let (house, script, origin) = at_work().await;
    script.json(
        &json!({ "access_token": "00D!fake", "instance_url": origin, "token_type": "Bearer" }),
    );
    let wanted = Form {
        grant: Some("jwt_bearer".to_owned()),
        client_secret: None,
        client_authentication: None,
        private_key: Some(FormSecret::new(rsa_key())),
        subject: Some("robot@contoso.example".to_owned()),
        scope: Some("api".to_owned()),
        ..form("salesforce", &origin)
    };
    let card = house.create(wanted).await;
    assert_eq!(card.state, Standing::Ok, "{:?}", card.diagnosis);
    let (_, fields) = script.asked().remove(0);
    let said = claims(&fields["assertion"]);
    assert_eq!(
        (said["aud"].as_str(), said["iss"].as_str()),
        (Some(origin.as_str()), Some("fake-client-id"))
    );
    assert_eq!((said.get("scope"), fields["scope"].as_str()), (None, "api"));
    assert_eq!(
        house.card("salesforce").await.base_url,
        Some(format!("{origin}/"))
    );
}

#[tokio::test]
async fn okta_and_keycloak_are_found_by_their_issuers() {
    let (house, script, origin) = at_work().await;
    for (preset, issuer, full, base) in [
        ("okta", String::new(), "/oauth2/default", "/api/v1"),
        (
            "okta",
            "/oauth2/people".to_owned(),
            "/oauth2/people",
            "/api/v1",
        ),
        (
            "keycloak",
            "/realms/people".to_owned(),
            "/realms/people",
            "/admin/realms/people",
        ),
    ] {
        script
            .json(&json!({ "access_token": "fake1", "expires_in": 300, "refresh_token": "fake-r1", "token_type": "Bearer" }))
            .json(&json!({ "access_token": "fake2", "expires_in": 300, "refresh_token": "fake-r2", "token_type": "Bearer" }))
            .json(&json!({ "access_token": "fake3", "expires_in": 300, "refresh_token": "fake-r3", "token_type": "Bearer" }));
        let wanted = Form {
            cloud: None,
            issuer: Some(format!("{origin}{issuer}")),
            scope: Some("openid offline_access".to_owned()),
            ..form(preset, &origin)
        };
        let card = make(&house, wanted).await;
        assert_eq!(card.preset, preset);
        assert_eq!(card.issuer, Some(format!("{origin}{full}")));
        assert_eq!(
            card.token_endpoint,
            Some(format!("{origin}{full}/v1/token"))
        );
        assert_eq!(card.base_url, Some(format!("{origin}{base}")));
        assert!(card.redirect_uri.unwrap().ends_with(&card.id));
        sign_in(&house, preset).await;
        assert_eq!(
            token_of(&house, preset, "/users").await,
            (format!("{base}/users"), "1".to_owned())
        );
        for generation in ["2", "3"] {
            house
                .store
                .clock
                .advance(jiff::SignedDuration::from_mins(6));
            assert_eq!(token_of(&house, preset, "/users").await.1, generation);
        }
        assert_eq!(script.asked().last().unwrap().1["refresh_token"], "fake-r2");
        // A new scope keeps preset, issuer and addresses.
        let change = Form {
            scope: Some("openid".to_owned()),
            prove: Some(false),
            ..Form::default()
        };
        let changed = house.change(preset, change).await;
        assert_eq!(
            (changed.card.preset.as_str(), changed.card.issuer),
            (preset, card.issuer)
        );
        house
            .connector
            .remove(&house.actor, &name(preset), None)
            .await
            .unwrap();
    }
    let lost = Form {
        cloud: None,
        ..form("okta", &origin)
    };
    let refused = house
        .connector
        .create(&house.actor, lost, Proof::Later)
        .await;
    assert_eq!(refused.unwrap_err().code(), "connection.issuer_missing");
}

#[tokio::test]
async fn a_callers_token_is_exchanged_as_rfc_8693_has_it() {
    let (house, script, origin) = at_work().await;
    for token in ["fake-a1", "fake-b1", "fake-a2"] {
        script.json(&json!({ "access_token": token, "issued_token_type": "urn:ietf:params:oauth:token-type:access_token", "expires_in": 300, "token_type": "Bearer" }));
    }
    let wanted = Form {
        preset: None,
        cloud: None,
        grant: Some("token_exchange".to_owned()),
        token_endpoint: Some(format!("{origin}/token")),
        base_url: Some(format!("{origin}/api")),
        scope: Some("read".to_owned()),
        audience: Some("ledger".to_owned()),
        ..form("exchange", &origin)
    };
    assert_eq!(house.create(wanted).await.state, Standing::Ok);
    let call = async |token: &str| {
        let mut request = connect::ApiRequest::new(http::Method::GET, "/books");
        request.on_behalf_of = Some(Secret::new(token));
        let answer = house
            .connector
            .call(&house.actor, &name("exchange"), request)
            .await;
        answer.unwrap().status
    };
    for caller in ["caller-a", "caller-b", "caller-a"] {
        assert_eq!(call(caller).await, 200);
    }
    let asked = script.asked();
    assert_eq!(asked.len(), 2, "one for each caller");
    let (_, first) = &asked[0];
    let expected = [
        ("audience", "ledger"),
        ("client_id", "fake-client-id"),
        ("client_secret", "fake-client-secret"),
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        (
            "requested_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
        ("scope", "read"),
        ("subject_token", "caller-a"),
        (
            "subject_token_type",
            "urn:ietf:params:oauth:token-type:access_token",
        ),
    ];
    let seen: Vec<(&str, &str)> = first
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(seen, expected);
    // What the API refuses is exchanged once more, for that caller alone.
    script.kill("fake-a1");
    assert_eq!(call("caller-a").await, 200);
    assert_eq!(script.asked()[2].1["subject_token"], "caller-a");
}

/// Google and Salesforce have no issuer here, and revoke all the same; GitHub has no such endpoint.
#[tokio::test]
async fn a_preset_knows_where_its_tokens_are_revoked() {
    for (preset, path) in [
        ("google", Some("/revoke")),
        ("salesforce", Some("/services/oauth2/revoke")),
        ("github", None),
    ] {
        let (house, script, origin) = at_work().await;
        script
            .json(&json!({ "access_token": "fake-access", "refresh_token": "fake-refresh", "token_type": "Bearer" }))
            .json(&json!({}));
        let mut wanted = form(preset, &origin);
        wanted.scope = Some("read".to_owned());
        make(&house, wanted).await;
        sign_in(&house, preset).await;
        let removed = house
            .connector
            .remove(&house.actor, &name(preset), None)
            .await
            .unwrap();
        let asked = script.asked();
        if let Some(path) = path {
            assert_eq!(removed, connect::Revocation::Revoked, "{preset}");
            let (at, fields) = asked.last().unwrap();
            assert_eq!(
                (at.as_str(), fields["token"].as_str()),
                (path, "fake-refresh")
            );
        } else {
            assert_eq!(removed, connect::Revocation::NotOffered);
            assert_eq!(asked.len(), 1);
        }
    }
}
