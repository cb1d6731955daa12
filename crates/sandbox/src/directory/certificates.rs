//! Certificates of app registrations (`keyCredential`): read from a file, known by thumbprint,
//! and what they say about a signature. Chains, names and purposes are not looked at, as Entra
//! does not look at them either for a registered certificate.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PSS_2048_8192_SHA256, RsaParameters, UnparsedPublicKey,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Application;
use crate::guid::Guid;
use crate::{der, seal};

const SEQUENCE: u8 = 0x30;
const INTEGER: u8 = 0x02;
const VERSION: u8 = 0xa0;

/// A certificate with which an app signs client assertions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct CertificateCredential {
    /// The Certificate ID.
    pub(crate) key_id: Guid,
    pub(crate) display_name: Option<String>,
    pub(crate) start: Timestamp,
    pub(crate) end: Timestamp,
    /// DER, base64.
    certificate: String,
}

/// What is not a certificate that can be registered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CertificateFault {
    /// It is no X.509 certificate with an RSA key.
    Unreadable,
    /// It holds a private key, which is nobody's business here.
    PrivateKey,
}

/// How an assertion is signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SignatureAlgorithm {
    Rs256,
    Ps256,
}

/// The parts of a certificate that are looked at.
struct Parts<'a> {
    start: Timestamp,
    end: Timestamp,
    public_key: &'a [u8],
}

impl CertificateCredential {
    /// Reads a file: PEM, base64 or DER.
    pub(crate) fn read(
        file: &[u8],
        display_name: Option<String>,
    ) -> Result<CertificateCredential, CertificateFault> {
        let certificate = to_der(file)?;
        let parts = parts(&certificate).ok_or(CertificateFault::Unreadable)?;
        Ok(CertificateCredential {
            key_id: Guid::random(),
            display_name,
            start: parts.start,
            end: parts.end,
            certificate: STANDARD.encode(&certificate),
        })
    }

    fn bytes(&self) -> Vec<u8> {
        STANDARD.decode(&self.certificate).unwrap_or_default()
    }

    /// SHA-1 of the certificate, `x5t` of an assertion.
    pub(crate) fn sha1(&self) -> Vec<u8> {
        let digest = digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.bytes());
        digest.as_ref().to_vec()
    }

    /// SHA-256 of the certificate, `x5t#S256` of an assertion.
    pub(crate) fn sha256(&self) -> Vec<u8> {
        seal::sha256(&self.bytes()).to_vec()
    }

    /// The thumbprint as people compare it.
    pub(crate) fn thumbprint(&self) -> String {
        hex(&self.sha1())
    }

    /// Whether its key made this signature.
    pub(crate) fn verifies(
        &self,
        algorithm: SignatureAlgorithm,
        message: &[u8],
        signature: &[u8],
    ) -> bool {
        let rules: &'static RsaParameters = match algorithm {
            SignatureAlgorithm::Rs256 => &RSA_PKCS1_2048_8192_SHA256,
            SignatureAlgorithm::Ps256 => &RSA_PSS_2048_8192_SHA256,
        };
        let bytes = self.bytes();
        parts(&bytes).is_some_and(|parts| {
            UnparsedPublicKey::new(rules, parts.public_key)
                .verify(message, signature)
                .is_ok()
        })
    }
}

impl Application {
    /// Removes the certificate of this Certificate ID; false if there is none.
    pub(crate) fn remove_certificate(&mut self, key_id: Guid) -> bool {
        let before = self.certificates.len();
        self.certificates.retain(|known| known.key_id != key_id);
        self.certificates.len() < before
    }
}

/// Bytes as upper-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02X}");
        text
    })
}

fn to_der(file: &[u8]) -> Result<Vec<u8>, CertificateFault> {
    const BEGIN: &str = "-----BEGIN CERTIFICATE-----";
    let Ok(text) = std::str::from_utf8(file) else {
        return Ok(file.to_vec());
    };
    if text.contains("PRIVATE KEY-----") {
        return Err(CertificateFault::PrivateKey);
    }
    let body = match text.split_once(BEGIN) {
        Some((_, rest)) => rest.split("-----END").next().unwrap_or_default(),
        None => text,
    };
    let body: String = body.split_whitespace().collect();
    STANDARD
        .decode(body)
        .map_err(|_| CertificateFault::Unreadable)
}

fn parts(certificate: &[u8]) -> Option<Parts<'_>> {
    let (certificate, rest) = der::value(certificate, SEQUENCE)?;
    if !rest.is_empty() {
        return None;
    }
    let (signed, _) = der::value(certificate.content, SEQUENCE)?;
    let fields = match der::value(signed.content, VERSION) {
        Some((_, rest)) => rest,
        None => signed.content,
    };
    let (_serial, fields) = der::value(fields, INTEGER)?;
    let (_algorithm, fields) = der::value(fields, SEQUENCE)?;
    let (_issuer, fields) = der::value(fields, SEQUENCE)?;
    let (validity, fields) = der::value(fields, SEQUENCE)?;
    let (_subject, fields) = der::value(fields, SEQUENCE)?;
    let (public_key, _) = der::value(fields, SEQUENCE)?;
    let (start, rest) = der::next(validity.content)?;
    let (end, _) = der::next(rest)?;
    // Says whether it is a key that this can verify with.
    aws_lc_rs::signature::ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, public_key.whole)
        .ok()?;
    Some(Parts {
        start: moment(start)?,
        end: moment(end)?,
        public_key: public_key.whole,
    })
}

/// `UTCTime` or `GeneralizedTime`, in the form that certificates have (RFC 5280).
fn moment(time: der::Element<'_>) -> Option<Timestamp> {
    let text = std::str::from_utf8(time.content).ok()?.strip_suffix('Z')?;
    let text = match time.tag {
        0x17 if text.len() == 12 => {
            let century = if *text >= *"50" { "19" } else { "20" };
            format!("{century}{text}")
        }
        0x18 if text.len() == 14 => text.to_owned(),
        _ => return None,
    };
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (date, clock) = text.split_at(8);
    format!(
        "{}-{}-{}T{}:{}:{}Z",
        &date[..4],
        &date[4..6],
        &date[6..],
        &clock[..2],
        &clock[2..4],
        &clock[4..]
    )
    .parse()
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn generated() -> (rcgen::KeyPair, rcgen::Certificate) {
        use aws_lc_rs::encoding::AsDer as _;
        let pair = aws_lc_rs::rsa::KeyPair::generate(aws_lc_rs::rsa::KeySize::Rsa2048).unwrap();
        let private = pair.as_der().unwrap();
        let private = rustls::pki_types::PrivatePkcs8KeyDer::from(private.as_ref());
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&private, &rcgen::PKCS_RSA_SHA256)
            .unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.not_before = rcgen::date_time_ymd(2026, 1, 2);
        params.not_after = rcgen::date_time_ymd(2051, 3, 4);
        let certificate = params.self_signed(&key).unwrap();
        (key, certificate)
    }

    #[test]
    fn certificates_are_read_as_pem_base64_and_der() {
        let (key, certificate) = generated();
        let read = |file: &[u8]| CertificateCredential::read(file, None);
        let pem = read(certificate.pem().as_bytes()).unwrap();
        let der = read(certificate.der()).unwrap();
        let base64 = read(STANDARD.encode(certificate.der()).as_bytes()).unwrap();
        assert_eq!(pem.thumbprint(), der.thumbprint());
        assert_eq!(pem.sha256(), base64.sha256());
        assert_eq!(pem.start.to_string(), "2026-01-02T00:00:00Z");
        assert_eq!(pem.end.to_string(), "2051-03-04T00:00:00Z");
        let both = format!("{}{}", certificate.pem(), key.serialize_pem());
        assert_eq!(
            read(both.as_bytes()).unwrap_err(),
            CertificateFault::PrivateKey
        );
        let der = certificate.der();
        for broken in [
            &der[..der.len() - 1],
            &[&der[..], &[0]].concat(),
            b"",
            b"x",
            b"MAA=",
        ] {
            assert_eq!(read(broken).unwrap_err(), CertificateFault::Unreadable);
        }
    }
}
