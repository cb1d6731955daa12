//! Assertions as grants (RFC 7523 §2.1): the client signs for whom it asks, and is given a token without a person or a code.
//!
//! Signed with RS256, the one algorithm that all servers of this grant take; who signed is known by issuer and key id.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;

use crate::certificate::{CertificateError, private_key};
use crate::{Scope, Secret};

/// So long an assertion may be used; it is sent at once, and Salesforce takes none that lives longer.
const LIFETIME: SignedDuration = SignedDuration::from_mins(3);

/// A private key that signs assertions.
pub struct SigningKey {
    key: EncodingKey,
    pem: Secret,
}

impl SigningKey {
    /// Reads the one RSA private key of a PEM text; certificates beside it are passed over.
    pub fn from_pem(text: &Secret) -> Result<Self, CertificateError> {
        let pem = private_key(text)?;
        let key = EncodingKey::from_rsa_pem(pem.expose().as_bytes())
            .map_err(|_| CertificateError::Unreadable("private key"))?;
        Ok(Self { key, pem })
    }

    /// The key alone, to be sealed.
    pub fn pem(&self) -> &Secret {
        &self.pem
    }

    /// Signs an assertion for one token request; `entropy` makes it unlike every other (`jti`).
    pub fn assertion(
        &self,
        claims: &AssertionClaims<'_>,
        now: Timestamp,
        entropy: [u8; 16],
    ) -> Result<Secret, CertificateError> {
        let mut header = Header::new(Algorithm::RS256);
        header.kid = claims.key_id.map(str::to_owned);
        let claims = Claims {
            iss: claims.issuer,
            sub: claims.subject,
            aud: claims.audience,
            scope: claims
                .scope
                .filter(|scope| !scope.is_empty())
                .map(ToString::to_string),
            jti: URL_SAFE_NO_PAD.encode(entropy),
            iat: now.as_second(),
            exp: now.as_second().saturating_add(LIFETIME.as_secs()),
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map(Secret::new)
            .map_err(|_| CertificateError::Unreadable("private key"))
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SigningKey(…)")
    }
}

/// What an assertion says (RFC 7523 §3).
#[derive(Debug, Clone, Copy)]
pub struct AssertionClaims<'a> {
    /// Who signs.
    pub issuer: &'a str,
    /// For whom a token is asked; some servers want none where the issuer asks for itself.
    pub subject: Option<&'a str>,
    /// For which server it is meant.
    pub audience: &'a str,
    /// What is asked for, where the server reads it here and not in the request's own parameter.
    pub scope: Option<&'a Scope>,
    /// Which of the issuer's keys signs.
    pub key_id: Option<&'a str>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<&'a str>,
    aud: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    jti: String,
    iat: i64,
    exp: i64,
}

#[cfg(test)]
mod tests {
    use jsonwebtoken::{DecodingKey, Validation};
    use serde_json::Value;

    use super::*;

    fn pem() -> (Secret, Vec<u8>) {
        use aws_lc_rs::encoding::AsDer as _;
        use aws_lc_rs::rsa::{KeyPair, KeySize};
        use aws_lc_rs::signature::KeyPair as _;
        use base64::engine::general_purpose::STANDARD;
        let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
        let der = pair.as_der().unwrap();
        let text = format!(
            "-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----\n",
            STANDARD.encode(der.as_ref())
        );
        (Secret::new(text), pair.public_key().as_ref().to_vec())
    }

    #[test]
    fn an_assertion_says_who_asks_for_whom() {
        let (pem, public) = pem();
        let key = SigningKey::from_pem(&pem).unwrap();
        assert_eq!(format!("{key:?}"), "SigningKey(…)");
        let now: Timestamp = "2026-03-01T12:00:00Z".parse().unwrap();
        let scope = Scope::parse("a b").unwrap();
        let claims = AssertionClaims {
            issuer: "robot@contoso.example",
            subject: Some("ada@contoso.example"),
            audience: "https://login.contoso.example/token",
            scope: Some(&scope),
            key_id: Some("key-1"),
        };
        let text = key.assertion(&claims, now, [7; 16]).unwrap();
        let mut rules = Validation::new(Algorithm::RS256);
        rules.validate_exp = false;
        rules.set_audience(&[claims.audience]);
        let decoding = DecodingKey::from_rsa_der(&public);
        let read = jsonwebtoken::decode::<Value>(text.expose(), &decoding, &rules).unwrap();
        assert_eq!(read.header.kid.as_deref(), Some("key-1"));
        let at = now.as_second();
        assert_eq!(
            read.claims,
            serde_json::json!({
                "iss": "robot@contoso.example", "sub": "ada@contoso.example", "aud": claims.audience, "scope": "a b",
                "jti": "BwcHBwcHBwcHBwcHBwcHBw", "iat": at, "exp": at + 180,
            })
        );
        let bare = AssertionClaims {
            subject: None,
            scope: None,
            key_id: None,
            ..claims
        };
        let text = key.assertion(&bare, now, [8; 16]).unwrap();
        let read = jsonwebtoken::decode::<Value>(text.expose(), &decoding, &rules).unwrap();
        let mut names: Vec<&String> = read.claims.as_object().unwrap().keys().collect();
        names.sort_unstable();
        assert_eq!(names, ["aud", "exp", "iat", "iss", "jti"]);
    }

    #[test]
    fn what_is_no_key() {
        let read =
            |text: &str| SigningKey::from_pem(&Secret::new(text)).map_err(CertificateError::code);
        assert_eq!(read("nothing").unwrap_err(), "certificate.key_missing");
        let (pem, _) = pem();
        let twice = format!("{0}{0}", pem.expose());
        assert_eq!(read(&twice).unwrap_err(), "certificate.several_keys");
        let locked = pem.expose().replace("PRIVATE KEY", "ENCRYPTED PRIVATE KEY");
        assert_eq!(read(&locked).unwrap_err(), "certificate.key_encrypted");
    }
}
