use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rsa::{KeyPair, KeySize};
use jsonwebtoken::{DecodingKey, Validation};
use rcgen::{CertificateParams, PKCS_ECDSA_P256_SHA256, PKCS_RSA_SHA256};
use serde_json::Value;

use super::*;

/// The vector: made by `openssl req -x509 -newkey rsa:2048 -nodes -set_serial 1`, its thumbprints by `openssl x509 -fingerprint`.
const VECTOR: &str = include_str!("vector.pem");

/// A fresh RSA key and its certificate, both PEM.
fn pair() -> (String, String) {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let der = pair.as_der().unwrap();
    let key = rcgen::KeyPair::try_from(der.as_ref()).unwrap();
    assert_eq!(key.algorithm(), &PKCS_RSA_SHA256);
    let mut params = CertificateParams::default();
    params.not_before = rcgen::date_time_ymd(2026, 1, 2);
    params.not_after = rcgen::date_time_ymd(2051, 3, 4);
    let certificate = params.self_signed(&key).unwrap();
    (certificate.pem(), key.serialize_pem())
}

fn read(text: &str) -> Result<ClientCertificate, CertificateError> {
    ClientCertificate::from_pem(&Secret::new(text))
}

#[test]
fn a_vector_made_elsewhere() {
    let read = read(VECTOR).unwrap();
    let certificate = read.certificate();
    assert_eq!(
        certificate.thumbprint(),
        "04200150F96293C682289A763992B8052BA173C9"
    );
    assert_eq!(
        certificate.thumbprint_sha256(),
        "A27A2C41F64443B88886A9687EA4D9EAA3F4484EC1AA3710A7817120BDD16436"
    );
    assert_eq!(certificate.not_before().to_string(), "2026-11-29T05:57:25Z");
    assert_eq!(certificate.not_after().to_string(), "2051-07-21T05:57:25Z");
    assert_eq!(&Certificate::from_pem(VECTOR).unwrap(), certificate);
    assert_eq!(
        format!("{read:?}"),
        "ClientCertificate(04200150F96293C682289A763992B8052BA173C9)"
    );
}

#[test]
fn assertions_are_what_rfc_7523_asks_for() {
    let read = read(VECTOR).unwrap();
    let client_id = ClientId::parse("11111111-2222-3333-4444-555555555555").unwrap();
    let endpoint = Url::parse("https://login.contoso.example/t/oauth2/v2.0/token").unwrap();
    let now: Timestamp = "2026-11-29T10:00:00Z".parse().unwrap();
    let key = DecodingKey::from_rsa_der(&read.certificate().public_key);
    let (_, other) = pair();
    let other =
        aws_lc_rs::rsa::KeyPair::from_pkcs8(&blocks(&other).next().unwrap().decoded().unwrap())
            .unwrap();
    let other = DecodingKey::from_rsa_der(other.public_key().as_ref());
    for (form, algorithm) in [
        (AssertionForm::Ps256, Algorithm::PS256),
        (AssertionForm::Rs256, Algorithm::RS256),
    ] {
        let make = |entropy: u8| {
            read.assertion(form, &client_id, &endpoint, now, [entropy; 16])
                .unwrap()
        };
        let assertion = make(7);
        let mut rules = Validation::new(algorithm);
        rules.validate_exp = false;
        rules.set_audience(&[endpoint.as_str()]);
        rules.set_issuer(&[client_id.as_str()]);
        rules.set_required_spec_claims(&["exp", "nbf", "iss", "sub", "aud"]);
        let decoded = jsonwebtoken::decode::<Value>(assertion.expose(), &key, &rules).unwrap();
        let claims = decoded.claims;
        assert_eq!(claims["sub"], client_id.as_str());
        assert_eq!(claims["jti"], "BwcHBwcHBwcHBwcHBwcHBw");
        assert_eq!(claims["nbf"], now.as_second());
        assert_eq!(claims["exp"], now.as_second() + 300);
        assert_eq!(decoded.header.typ.as_deref(), Some("JWT"));
        let sha1 = URL_SAFE_NO_PAD.encode(read.certificate().sha1());
        let sha256 = URL_SAFE_NO_PAD.encode(read.certificate().sha256());
        let named = (decoded.header.x5t, decoded.header.x5t_s256);
        assert_eq!(
            named,
            match form {
                AssertionForm::Ps256 => (None, Some(sha256)),
                AssertionForm::Rs256 => (Some(sha1), None),
            }
        );
        assert!(jsonwebtoken::decode::<Value>(assertion.expose(), &other, &rules).is_err());
        assert_ne!(assertion.expose(), make(8).expose());
    }
}

#[test]
fn a_chain_and_its_order_do_not_matter() {
    let (certificate, key) = pair();
    let (other, _) = pair();
    let thumbprint = Certificate::from_pem(&certificate).unwrap().thumbprint();
    for text in [
        format!("{certificate}{key}"),
        format!("Bag Attributes\n    friendlyName: keyway\n{key}\n{other}{certificate}"),
        format!("{certificate}{other}{key}").replace('\n', "\r\n"),
    ] {
        let read = read(&text).unwrap();
        assert_eq!(read.certificate().thumbprint(), thumbprint);
        assert_eq!(
            read.certificate().not_after().to_string(),
            "2051-03-04T00:00:00Z"
        );
        // What is sealed is the pair alone, and reads as the same.
        let sealed = read.pem();
        assert_eq!(sealed.expose().matches("-----BEGIN CERTIFICATE").count(), 1);
        let again = ClientCertificate::from_pem(sealed).unwrap();
        assert_eq!(again.certificate(), read.certificate());
    }
}

#[test]
fn what_is_no_certificate_with_its_key() {
    let (certificate, key) = pair();
    let (other, other_key) = pair();
    let ec = rcgen::KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).unwrap();
    let ec_certificate = CertificateParams::default().self_signed(&ec).unwrap().pem();
    let ec = ec.serialize_pem();
    let short = include_str!("short.pem");
    let encrypted =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n";
    let old = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMIIB\n-----END RSA PRIVATE KEY-----\n";
    let sec1 = "-----BEGIN EC PRIVATE KEY-----\nMIIB\n-----END EC PRIVATE KEY-----\n";
    let cut = key.replacen("MII", "MIJ", 1);
    let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    let check = |text: String, code: &str| {
        let error = read(&text).unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(!error.hint().is_empty() && !error.to_string().is_empty());
    };
    check(String::new(), "certificate.missing");
    check(key.clone(), "certificate.missing");
    check(certificate.clone(), "certificate.key_missing");
    check(
        format!("{certificate}{key}{other_key}"),
        "certificate.several_keys",
    );
    check(
        format!("{certificate}{encrypted}"),
        "certificate.key_encrypted",
    );
    check(format!("{certificate}{old}"), "certificate.key_encrypted");
    check(format!("{ec_certificate}{ec}"), "certificate.key_not_rsa");
    check(format!("{certificate}{sec1}"), "certificate.key_not_rsa");
    check(format!("{ec_certificate}{key}"), "certificate.key_not_rsa");
    check(short.to_owned(), "certificate.key_too_short");
    check(format!("{certificate}{cut}"), "certificate.unreadable");
    check(format!("{broken}{key}"), "certificate.unreadable");
    check(format!("{other}{key}"), "certificate.key_mismatch");
}

#[test]
fn damaged_certificates_never_panic() {
    let der = blocks(VECTOR)
        .find(|block| block.label == CERTIFICATE)
        .unwrap()
        .decoded()
        .unwrap();
    assert!(der::certificate(&der).is_some());
    for length in 0..der.len() {
        assert!(der::certificate(&der[..length]).is_none(), "{length}");
        let mut changed = der.to_vec();
        changed[length] ^= 0xff;
        std::hint::black_box(der::certificate(&changed));
    }
}
