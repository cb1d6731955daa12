//! A client's certificate and private key, and the assertion that they sign (RFC 7523 §2.2, RFC 7521 §4.2).
//!
//! Reads PEM and PKCS#12; of the certificate it looks at the key and the dates. Chains and names are not looked at: a provider knows a
//! registered certificate by its thumbprint.

mod der;
mod pkcs12;

use std::fmt;

use aws_lc_rs::digest::{Digest, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::rsa::KeyPair;
use aws_lc_rs::signature::KeyPair as _;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::Serialize;
use url::Url;
use zeroize::Zeroizing;

use crate::{ClientId, Secret};

pub use pkcs12::PKCS12_LARGEST;

/// So long an assertion may be used; it is sent at once, and Entra allows ten minutes.
const LIFETIME: SignedDuration = SignedDuration::from_mins(5);
/// The shortest RSA key that RFC 7518 §3.3 allows, in bytes.
const SHORTEST_KEY: usize = 2048 / 8;

/// Why a text or file is no certificate with its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// No certificate: in PEM, no such block.
    #[error("there is no certificate in it")]
    NoCertificate,
    /// No private key: in PEM, no such block.
    #[error("there is no private key in it")]
    NoKey,
    /// More than one private key.
    #[error("there is more than one private key in it")]
    SeveralKeys,
    /// The key needs a password.
    #[error("the private key is encrypted with a password")]
    KeyEncrypted,
    /// Another kind of key than RSA.
    #[error("the key is not an RSA key; assertions are signed with PS256 or RS256, which take RSA")]
    NotRsa,
    /// A key that may be broken.
    #[error("the RSA key is shorter than 2048 bits")]
    KeyTooShort,
    /// A PEM block whose content is not what its first line says, or a file that is no PKCS#12.
    #[error("the {0} can't be read")]
    Unreadable(&'static str),
    /// No certificate belongs to the key.
    #[error("the private key does not belong to the certificate")]
    KeyMismatch,
    /// A PKCS#12 file that the password does not open.
    #[error("the password does not open the PKCS#12 file, or the file is damaged")]
    PasswordWrong,
    /// A PKCS#12 file with encryption that is not read here.
    #[error("the PKCS#12 file is protected in a way that is not read here")]
    Unsupported,
    /// A PKCS#12 file whose password takes longer to check than a server should be kept busy.
    #[error("the PKCS#12 file wants its password hashed in too many rounds")]
    TooCostly,
    /// A PKCS#12 file of more than [`PKCS12_LARGEST`].
    #[error("the PKCS#12 file is larger than 64 KiB")]
    TooLarge,
}

impl CertificateError {
    /// Stable code.
    pub fn code(self) -> &'static str {
        match self {
            Self::NoCertificate => "certificate.missing",
            Self::NoKey => "certificate.key_missing",
            Self::SeveralKeys => "certificate.several_keys",
            Self::KeyEncrypted => "certificate.key_encrypted",
            Self::NotRsa => "certificate.key_not_rsa",
            Self::KeyTooShort => "certificate.key_too_short",
            Self::Unreadable(_) => "certificate.unreadable",
            Self::KeyMismatch => "certificate.key_mismatch",
            Self::PasswordWrong => "certificate.password_wrong",
            Self::Unsupported => "certificate.protection_unsupported",
            Self::TooCostly => "certificate.too_many_rounds",
            Self::TooLarge => "certificate.too_large",
        }
    }

    /// What to do about it.
    pub fn hint(self) -> &'static str {
        match self {
            Self::NoCertificate => {
                "put the certificate (-----BEGIN CERTIFICATE-----) and its private key into one PEM file, one after the other; or give the .pfx that holds both"
            }
            Self::NoKey => {
                "append the private key (-----BEGIN PRIVATE KEY-----) to the PEM file, or export the .pfx with its private key; the .cer that is uploaded at the provider holds none"
            }
            Self::SeveralKeys => "keep only the private key of this certificate in the file",
            Self::KeyEncrypted => {
                "take the password off: openssl pkey -in app.key -out app-plain.key; Keyway seals the key itself"
            }
            Self::NotRsa | Self::KeyTooShort => {
                "make an RSA key of 2048 bits or more: openssl req -x509 -newkey rsa:2048 -nodes -days 365 -subj /CN=keyway -keyout app.key -out app.cer"
            }
            Self::Unreadable(_) => "copy the file again, whole, or export it anew",
            Self::KeyMismatch => {
                "put the private key that was made together with this certificate into the file"
            }
            Self::PasswordWrong => {
                "enter the password that the file was exported with; where it has none, leave the password empty"
            }
            Self::Unsupported | Self::TooCostly => {
                "export it anew with AES-256 and up to a million rounds, or make PEM of it: openssl pkcs12 -in app.pfx -nodes -out app.pem"
            }
            Self::TooLarge => {
                "export only this certificate and its private key, without other certificates"
            }
        }
    }
}

/// What may be shown of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    der: Vec<u8>,
    public_key: Vec<u8>,
    not_before: Timestamp,
    not_after: Timestamp,
}

impl Certificate {
    /// Reads the first certificate of a PEM text.
    pub fn from_pem(text: &str) -> Result<Self, CertificateError> {
        let block = blocks(text)
            .find(|block| block.label == CERTIFICATE)
            .ok_or(CertificateError::NoCertificate)?;
        Self::from_block(&block)
    }

    fn from_block(block: &Block<'_>) -> Result<Self, CertificateError> {
        let unreadable = CertificateError::Unreadable("certificate");
        let der = block.decoded().ok_or(unreadable)?;
        let parts = der::certificate(&der).ok_or(unreadable)?;
        Ok(Self {
            public_key: parts.rsa_key.ok_or(CertificateError::NotRsa)?.to_vec(),
            not_before: parts.not_before,
            not_after: parts.not_after,
            der: der.to_vec(),
        })
    }

    /// SHA-1 of the certificate in hexadecimal: the thumbprint that Entra's portal shows.
    pub fn thumbprint(&self) -> String {
        hexadecimal(&self.sha1())
    }

    /// SHA-256 of the certificate in hexadecimal.
    pub fn thumbprint_sha256(&self) -> String {
        hexadecimal(&self.sha256())
    }

    /// The certificate alone as PEM (RFC 7468): what is registered at a provider.
    pub fn to_pem(&self) -> String {
        pem(CERTIFICATE, &self.der)
    }

    /// From when on it holds.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Until when it holds.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    fn sha1(&self) -> Digest {
        digest(&SHA1_FOR_LEGACY_USE_ONLY, &self.der)
    }

    fn sha256(&self) -> Digest {
        digest(&SHA256, &self.der)
    }
}

/// How an assertion is signed and how it names its certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionForm {
    /// PS256, named by `x5t#S256`: what Entra recommends.
    Ps256,
    /// RS256, named by `x5t`: for servers that know nothing newer.
    Rs256,
}

/// A certificate with its private key.
pub struct ClientCertificate {
    certificate: Certificate,
    key: EncodingKey,
    pem: Secret,
}

impl ClientCertificate {
    /// Reads a private key and the certificate that belongs to it, whatever else of a chain is there.
    pub fn from_pem(text: &Secret) -> Result<Self, CertificateError> {
        let text = text.expose();
        if !blocks(text).any(|block| block.label == CERTIFICATE) {
            return Err(CertificateError::NoCertificate);
        }
        let key = only_key(text)?;
        let pair = key_pair(&key)?;
        let mut refused = CertificateError::KeyMismatch;
        for block in blocks(text).filter(|block| block.label == CERTIFICATE) {
            match Certificate::from_block(&block) {
                Ok(certificate) if certificate.public_key == pair.public_key().as_ref() => {
                    let pem = Secret::new(format!("{}\n{}\n", block.whole, key.whole));
                    let key = EncodingKey::from_rsa_pem(key.whole.as_bytes())
                        .map_err(|_| CertificateError::Unreadable("private key"))?;
                    return Ok(Self {
                        certificate,
                        key,
                        pem,
                    });
                }
                Ok(_) => {}
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// Reads a PKCS#12 file: its one private key and the certificate that belongs to it. Takes up to seconds where the file
    /// wants many rounds of hashing.
    pub fn from_pkcs12(file: &[u8], password: &Secret) -> Result<Self, CertificateError> {
        let contents = pkcs12::open(file, password.expose())?;
        let blocks = contents
            .certificates
            .iter()
            .map(|der| (CERTIFICATE, der))
            .chain(contents.keys.iter().map(|der| ("PRIVATE KEY", der)));
        let text = blocks.fold(Zeroizing::new(String::new()), |mut text, (label, der)| {
            let block = Zeroizing::new(pem(label, der));
            text.push_str(&block);
            text
        });
        Self::from_pem(&Secret::new(text.as_str()))
    }

    /// What may be shown of it.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Certificate and key alone, to be sealed.
    pub fn pem(&self) -> &Secret {
        &self.pem
    }

    /// Makes a client assertion for one token request; `entropy` makes it unlike every other (`jti`).
    pub fn assertion(
        &self,
        form: AssertionForm,
        client_id: &ClientId,
        token_endpoint: &Url,
        now: Timestamp,
        entropy: [u8; 16],
    ) -> Result<Secret, CertificateError> {
        let mut header = match form {
            AssertionForm::Ps256 => Header::new(Algorithm::PS256),
            AssertionForm::Rs256 => Header::new(Algorithm::RS256),
        };
        match form {
            AssertionForm::Ps256 => {
                header.x5t_s256 = Some(URL_SAFE_NO_PAD.encode(self.certificate.sha256()));
            }
            AssertionForm::Rs256 => {
                header.x5t = Some(URL_SAFE_NO_PAD.encode(self.certificate.sha1()));
            }
        }
        let claims = Claims {
            iss: client_id.as_str(),
            sub: client_id.as_str(),
            aud: token_endpoint.as_str(),
            jti: URL_SAFE_NO_PAD.encode(entropy),
            iat: now.as_second(),
            nbf: now.as_second(),
            exp: now.as_second().saturating_add(LIFETIME.as_secs()),
        };
        jsonwebtoken::encode(&header, &claims, &self.key)
            .map(Secret::new)
            .map_err(|_| CertificateError::Unreadable("private key"))
    }
}

impl fmt::Debug for ClientCertificate {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "ClientCertificate({})",
            self.certificate.thumbprint()
        )
    }
}

/// The claims of RFC 7523 §3.
#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    jti: String,
    iat: i64,
    nbf: i64,
    exp: i64,
}

const CERTIFICATE: &str = "CERTIFICATE";

/// A PEM block (RFC 7468).
struct Block<'a> {
    label: &'a str,
    whole: &'a str,
    body: &'a str,
}

impl Block<'_> {
    fn decoded(&self) -> Option<Zeroizing<Vec<u8>>> {
        let body: Zeroizing<String> = Zeroizing::new(self.body.split_whitespace().collect());
        STANDARD.decode(body.as_bytes()).ok().map(Zeroizing::new)
    }
}

/// The PEM blocks of a text; what stands between them (OpenSSL's "Bag Attributes") is passed over.
fn blocks(text: &str) -> impl Iterator<Item = Block<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = &rest[rest.find("-----BEGIN ")?..];
        let (label, body) = begin.strip_prefix("-----BEGIN ")?.split_once("-----")?;
        let end = format!("-----END {label}-----");
        let at = body.find(&end)?;
        let whole = &begin[..begin.len() - body.len() + at + end.len()];
        rest = &begin[whole.len()..];
        Some(Block {
            label,
            whole,
            body: &body[..at],
        })
    })
}

/// A PEM block of these bytes.
fn pem(label: &str, der: &[u8]) -> String {
    let body = Zeroizing::new(STANDARD.encode(der));
    let lines: Zeroizing<Vec<String>> = Zeroizing::new(
        (0..body.len())
            .step_by(64)
            .map(|at| body[at..body.len().min(at + 64)].to_owned())
            .collect(),
    );
    let lines = Zeroizing::new(lines.join("\n"));
    format!(
        "-----BEGIN {label}-----\n{}\n-----END {label}-----\n",
        *lines
    )
}

/// The one private key of a text.
fn only_key(text: &str) -> Result<Block<'_>, CertificateError> {
    let mut keys = blocks(text).filter(|block| block.label.ends_with("PRIVATE KEY"));
    let key = keys.next().ok_or(CertificateError::NoKey)?;
    if keys.next().is_some() {
        return Err(CertificateError::SeveralKeys);
    }
    Ok(key)
}

/// The one private key of a text, in PEM, if it is an RSA key that may sign.
pub(crate) fn private_key(text: &Secret) -> Result<Secret, CertificateError> {
    let key = only_key(text.expose())?;
    key_pair(&key)?;
    Ok(Secret::new(format!("{}\n", key.whole)))
}

fn key_pair(block: &Block<'_>) -> Result<KeyPair, CertificateError> {
    // "Proc-Type: 4,ENCRYPTED" is how OpenSSL marked them before PKCS#8.
    if block.label.starts_with("ENCRYPTED") || block.body.contains("ENCRYPTED") {
        return Err(CertificateError::KeyEncrypted);
    }
    let unreadable = CertificateError::Unreadable("private key");
    let der = block.decoded().ok_or(unreadable)?;
    let pair = match block.label {
        "RSA PRIVATE KEY" => KeyPair::from_der(&der),
        "PRIVATE KEY" if !der::is_rsa_pkcs8(&der).ok_or(unreadable)? => {
            return Err(CertificateError::NotRsa);
        }
        "PRIVATE KEY" => KeyPair::from_pkcs8(&der),
        _ => return Err(CertificateError::NotRsa),
    };
    // The library refuses short keys itself, without saying that it was the length.
    let pair = pair.map_err(|_| match der::rsa_modulus_length(&der) {
        Some(length) if length < SHORTEST_KEY => CertificateError::KeyTooShort,
        _ => unreadable,
    })?;
    if pair.public_modulus_len() < SHORTEST_KEY {
        return Err(CertificateError::KeyTooShort);
    }
    Ok(pair)
}

fn hexadecimal(digest: &Digest) -> String {
    use std::fmt::Write as _;
    digest
        .as_ref()
        .iter()
        .fold(String::new(), |mut text, byte| {
            write!(text, "{byte:02X}").expect("writing to a string cannot fail");
            text
        })
}

#[cfg(test)]
mod tests;
