//! Certificates of registrations, and the client assertions that they sign.

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE, URL_SAFE_NO_PAD};
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::{Browser, Page};
use super::client::{Answer, CHALLENGE, GRAPH_DEFAULT, REDIRECT, VERIFIER, World, claims, text};

const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const FILE_LABEL: &str =
    "Upload a certificate (public key) with one of the following file types: .cer, .pem, .crt";

/// A key with its certificate, as an app's owner makes them.
struct Identity {
    pair: KeyPair,
    certificate: rcgen::Certificate,
    key_pem: String,
}

/// The algorithm of an assertion.
#[derive(Clone, Copy)]
enum Algorithm {
    Rs256,
    Ps256,
}

impl Identity {
    fn new() -> Identity {
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let private = pair.as_der().unwrap();
        let private = rustls::pki_types::PrivatePkcs8KeyDer::from(private.as_ref());
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&private, &rcgen::PKCS_RSA_SHA256)
            .unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2020, 1, 1);
        params.not_after = rcgen::date_time_ymd(2060, 1, 1);
        let certificate = params.self_signed(&key).unwrap();
        Identity {
            pair,
            certificate,
            key_pem: key.serialize_pem(),
        }
    }

    fn sha1(&self) -> Vec<u8> {
        let kind = &aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY;
        let digest = aws_lc_rs::digest::digest(kind, self.certificate.der());
        digest.as_ref().to_vec()
    }

    fn sha256(&self) -> Vec<u8> {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, self.certificate.der());
        digest.as_ref().to_vec()
    }

    fn thumbprint(&self) -> String {
        let hex = |byte: &u8| format!("{byte:02X}");
        self.sha1().iter().map(hex).collect()
    }

    fn header(&self, algorithm: Algorithm) -> Value {
        match algorithm {
            Algorithm::Rs256 => {
                json!({"typ": "JWT", "alg": "RS256", "x5t": URL_SAFE_NO_PAD.encode(self.sha1())})
            }
            // Some clients pad.
            Algorithm::Ps256 => {
                json!({"typ": "JWT", "alg": "PS256", "x5t#S256": URL_SAFE.encode(self.sha256())})
            }
        }
    }

    fn sign(&self, header: &Value, claims: &Value, algorithm: Algorithm) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let message = format!("{}.{}", encode(header), encode(claims));
        let mut signature = vec![0; self.pair.public_modulus_len()];
        let encoding: &'static dyn aws_lc_rs::signature::RsaEncoding = match algorithm {
            Algorithm::Rs256 => &RSA_PKCS1_SHA256,
            Algorithm::Ps256 => &RSA_PSS_SHA256,
        };
        let random = SystemRandom::new();
        self.pair
            .sign(encoding, &random, message.as_bytes(), &mut signature)
            .unwrap();
        format!("{message}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A good assertion for the tenant's token endpoint.
    async fn assertion(&self, world: &World, client_id: &str, algorithm: Algorithm) -> String {
        let claims = good_claims(world, client_id, world.now().await);
        self.sign(&self.header(algorithm), &claims, algorithm)
    }
}

fn good_claims(world: &World, client_id: &str, now: i64) -> Value {
    json!({
        "iss": client_id,
        "sub": client_id,
        "aud": world.tenant_url("/oauth2/v2.0/token"),
        "jti": "an id",
        "nbf": now,
        "exp": now + 600,
    })
}

impl World {
    /// The sandbox's time without an offset.
    async fn now(&self) -> i64 {
        let order = json!({"offset_seconds": 0});
        let answer = self.control(Method::POST, "clock", order).await;
        let now: jiff::Timestamp = text(&answer.body["now"]).parse().unwrap();
        now.as_second()
    }

    async fn with_assertion(&self, client_id: &str, assertion: &str) -> Answer {
        self.token(&[
            ("grant_type", "client_credentials"),
            ("client_id", client_id),
            ("client_assertion_type", TYPE),
            ("client_assertion", assertion),
            ("scope", GRAPH_DEFAULT),
        ])
        .await
    }
}

impl Browser {
    /// Uploads a file from an app's page of secrets.
    async fn upload(&mut self, secrets: &Page, file: &[u8]) -> Page {
        let page = self.click(secrets, "Upload certificate").await;
        assert!(page.html.contains(FILE_LABEL));
        let form = page.form_of("Add");
        let part = reqwest::multipart::Part::bytes(file.to_vec()).file_name("app.cer");
        let mut body = reqwest::multipart::Form::new()
            .text("description", "the first")
            .part("file", part);
        for (name, value) in form.inputs {
            if name == "token" {
                body = body.text(name, value);
            }
        }
        let answer = self.post_file(page.url.as_str(), body).await;
        self.follow(answer).await
    }
}

/// An app registered in the portal with a certificate: its page of secrets and its client id.
async fn registered(
    world: &World,
    browser: &mut Browser,
    list: &Page,
    file: &[u8],
) -> (Page, String) {
    let overview = browser
        .register(list, "App with a certificate", REDIRECT)
        .await;
    let secrets = browser.click(&overview, "Certificates & secrets").await;
    assert!(secrets.html.contains("No certificates have been added"));
    let secrets = browser.upload(&secrets, file).await;
    assert_eq!(secrets.status, 200, "{}", secrets.html);
    let client_id = overview.value("Application (client) ID");
    assert_eq!(
        world.with_assertion(&client_id, "x").await.refusal().2,
        50_027
    );
    (secrets, client_id)
}

#[tokio::test]
async fn an_uploaded_certificate_proves_the_client() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let identity = Identity::new();
    let pem = identity.certificate.pem();
    let (secrets, client_id) = registered(&world, &mut browser, &list, pem.as_bytes()).await;
    let row = &secrets.rows()[0];
    assert_eq!(row["Thumbprint"], identity.thumbprint());
    assert_eq!(
        (row["Start date"].as_str(), row["Expires"].as_str()),
        ("2020-01-01", "2060-01-01")
    );
    assert_eq!(row["Description"], "the first");
    for algorithm in [Algorithm::Rs256, Algorithm::Ps256] {
        let assertion = identity.assertion(&world, &client_id, algorithm).await;
        let answer = world.with_assertion(&client_id, &assertion).await.ok();
        assert_eq!(claims(&text(&answer["access_token"]))["appidacr"], "2");
    }

    // The same for a person's tokens.
    let user = world.user(3);
    let url = world.authorization(&client_id, "User.Read offline_access");
    let arrival = world
        .browser()
        .sign_in_and_accept(&url, &user.upn, &user.password)
        .await;
    assert!(url.contains(CHALLENGE));
    let assertion = identity
        .assertion(&world, &client_id, Algorithm::Ps256)
        .await;
    let proof = [
        ("client_id", client_id.as_str()),
        ("client_assertion_type", TYPE),
        ("client_assertion", &assertion),
    ];
    let code = arrival.parameter("code");
    let mut form = vec![
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", REDIRECT),
        ("code_verifier", VERIFIER),
    ];
    form.extend(proof);
    let tokens = world.token(&form).await.ok();
    assert_eq!(claims(&text(&tokens["access_token"]))["appidacr"], "2");
    let refresh = text(&tokens["refresh_token"]);
    let mut form = vec![("grant_type", "refresh_token"), ("refresh_token", &refresh)];
    form.extend(proof);
    world.token(&form).await.ok();

    // Deleted, it proves nothing any more.
    let page = browser.press(&secrets, "Delete", &[]).await;
    assert!(
        page.html.contains("The certificate was deleted."),
        "{}",
        page.html
    );
    let refused = world.with_assertion(&client_id, &assertion).await;
    assert_eq!(refused.refusal(), (401, "invalid_client", 700_027));
}

#[tokio::test]
async fn files_that_are_no_certificate_are_refused() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let overview = browser.register(&list, "App", "").await;
    let secrets = browser.click(&overview, "Certificates & secrets").await;
    let identity = Identity::new();
    let both = format!("{}{}", identity.certificate.pem(), identity.key_pem);
    for (file, words) in [
        (b"".as_slice(), "The file is not a certificate"),
        (b"<script>", "The file is not a certificate"),
        (
            &identity.certificate.der()[1..],
            "The file is not a certificate",
        ),
        (both.as_bytes(), "The file contains a private key"),
    ] {
        let page = browser.upload(&secrets, file).await;
        assert_eq!(page.status, 400);
        assert!(page.html.contains(words), "{words}: {}", page.html);
    }
    let der = identity.certificate.der().to_vec();
    let page = browser.upload(&secrets, &der).await;
    assert_eq!(page.rows()[0]["Thumbprint"], identity.thumbprint());
}

/// What is said to an assertion: status, error, code and words.
type Said = (u16, String, i64, String);

async fn say(world: &World, client_id: &str, assertion: &str) -> Said {
    let answer = world.with_assertion(client_id, assertion).await;
    let (status, error, code) = answer.refusal();
    let words = answer.body["error_description"].as_str();
    let words = words.unwrap_or_default().to_owned();
    (status, error.to_owned(), code, words)
}

#[tokio::test]
async fn assertions_of_unknown_keys_are_refused() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let (identity, other) = (Identity::new(), Identity::new());
    let pem = identity.certificate.pem();
    let (_, client_id) = registered(&world, &mut browser, &list, pem.as_bytes()).await;
    let good = good_claims(&world, &client_id, world.now().await);
    let header = identity.header(Algorithm::Rs256);
    let check = async |header: &Value, signer: &Identity| {
        let assertion = signer.sign(header, &good, Algorithm::Rs256);
        say(&world, &client_id, &assertion).await
    };
    let unknown = check(&other.header(Algorithm::Rs256), &other).await;
    assert_eq!((unknown.0, unknown.1.as_str()), (401, "invalid_client"));
    let reason = format!(
        "AADSTS700027: Client assertion contains an invalid signature. [Reason - The key was not found., Thumbprint of key used by client: '{}'",
        other.thumbprint()
    );
    assert!(unknown.3.starts_with(&reason), "{}", unknown.3);
    let forged = check(&header, &other).await;
    assert_eq!(forged.2, 700_027);
    let reason = "did not match the expected signature value";
    assert!(forged.3.contains(reason), "{}", forged.3);
    // The header promises another algorithm than the one that signed.
    let other_algorithm = identity.header(Algorithm::Ps256);
    assert_eq!(check(&other_algorithm, &identity).await.2, 700_027);
    for header in [
        json!({"alg": "RS256", "typ": "JWT"}),
        json!({"alg": "none", "x5t": header["x5t"]}),
        json!({"alg": "HS256", "x5t": header["x5t"]}),
    ] {
        assert_eq!(check(&header, &identity).await.2, 50_027, "{header}");
    }
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", client_id.as_str()),
        ("client_assertion", "a.b.c"),
        ("scope", GRAPH_DEFAULT),
    ];
    let untyped = world.token(&form).await;
    assert_eq!(untyped.refusal(), (400, "invalid_request", 900_144));
}

#[tokio::test]
async fn claims_of_assertions_are_checked() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let identity = Identity::new();
    let pem = identity.certificate.pem();
    let (_, client_id) = registered(&world, &mut browser, &list, pem.as_bytes()).await;
    let now = world.now().await;
    let good = good_claims(&world, &client_id, now);
    let header = identity.header(Algorithm::Rs256);
    let with = async |name: &str, value: &Value| {
        let mut claims = good.clone();
        claims[name] = value.clone();
        let assertion = identity.sign(&header, &claims, Algorithm::Rs256);
        say(&world, &client_id, &assertion).await
    };
    let real = "https://login.microsoftonline.com/common/oauth2/v2.0/token";
    let common = world.url("/common/oauth2/v2.0/token");
    for (name, value, code) in [
        (
            "iss",
            json!("00000000-0000-0000-0000-000000000001"),
            700_021,
        ),
        ("sub", json!("another"), 700_021),
        ("aud", json!(real), 700_023),
        ("aud", json!(common), 700_023),
        ("aud", Value::Null, 700_023),
        ("exp", json!(now - 3600), 700_024),
        ("exp", Value::Null, 700_024),
        ("nbf", json!(now + 3600), 700_024),
        ("jti", Value::Null, 50_027),
        ("jti", json!(""), 50_027),
    ] {
        let said = with(name, &value).await;
        assert_eq!(said.2, code, "{name} {value}: {}", said.3);
    }
    let by_domain = world.url("/contoso.example/oauth2/v2.0/token");
    let half: Value = serde_json::from_str(&format!("{}.5", now + 1800)).unwrap();
    for (name, value) in [
        ("aud", json!(by_domain)),
        ("aud", json!([world.tenant_url("/v2.0")])),
        ("exp", half),
        ("nbf", Value::Null),
    ] {
        let said = with(name, &value).await;
        assert_eq!(said.0, 200, "{name} {value}: {}", said.3);
    }
}

#[tokio::test]
async fn expired_certificates_prove_nothing() {
    let world = World::start().await;
    let (mut browser, list) = world.portal().await;
    let identity = Identity::new();
    let pem = identity.certificate.pem();
    let (secrets, client_id) = registered(&world, &mut browser, &list, pem.as_bytes()).await;
    let years = 36 * 366 * 86_400;
    let then = world.now().await + years;
    world.clock(years).await;
    let claims = good_claims(&world, &client_id, then);
    let assertion = identity.sign(
        &identity.header(Algorithm::Rs256),
        &claims,
        Algorithm::Rs256,
    );
    let refused = world.with_assertion(&client_id, &assertion).await;
    assert_eq!(refused.refusal().2, 700_027);
    assert!(
        refused
            .text
            .contains("The key used is expired., Thumbprint"),
        "{}",
        refused.text
    );
    assert!(
        refused
            .text
            .contains("Found key 'Start=01/01/2020 00:00:00, End=01/01/2060 00:00:00'")
    );
    let page = browser.open(secrets.url.as_str()).await;
    assert_eq!(page.rows()[0]["Expires"], "2060-01-01 Expired");
}

#[tokio::test]
async fn graph_sets_and_shows_certificates() {
    let world = World::start().await;
    let admin = world.admin_token().await;
    let app = world.register(&admin, &[], &[]).await;
    let identity = Identity::new();
    let path = format!("/applications/{}", app.object_id);
    let key = json!({
        "displayName": "by Graph",
        "type": "AsymmetricX509Cert",
        "usage": "Verify",
        "key": STANDARD.encode(identity.certificate.der()),
    });
    let set = async |keys: Value| {
        let body = json!({ "keyCredentials": keys });
        world.graph(&admin, Method::PATCH, &path, Some(body)).await
    };
    assert_eq!(set(json!([key])).await.status, 204);
    let shown = world.get(&admin, &path).await.ok()["keyCredentials"].clone();
    assert_eq!(shown[0]["displayName"], "by Graph");
    assert_eq!(
        shown[0]["customKeyIdentifier"],
        STANDARD.encode(identity.sha1())
    );
    assert_eq!(shown[0]["endDateTime"], "2060-01-01T00:00:00Z");
    assert_eq!(shown[0]["key"], Value::Null);
    let assertion = identity
        .assertion(&world, &app.client_id, Algorithm::Ps256)
        .await;
    world.with_assertion(&app.client_id, &assertion).await.ok();
    // What is sent back without its key stays.
    assert_eq!(set(shown.clone()).await.status, 204);
    world.with_assertion(&app.client_id, &assertion).await.ok();
    for senseless in [
        json!([{"key": "AAAA"}]),
        json!([{"keyId": app.secret_id}]),
        json!([{"usage": "Sign", "key": key["key"]}]),
        json!("none"),
    ] {
        assert_eq!(set(senseless.clone()).await.status, 400, "{senseless}");
    }
    assert_eq!(set(json!([])).await.status, 204);
    let refused = world.with_assertion(&app.client_id, &assertion).await;
    assert_eq!(refused.refusal().2, 700_027);
}
