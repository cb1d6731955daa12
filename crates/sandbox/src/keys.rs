//! The keys of one data directory: token signing, sealing, the control token and the
//! seeded client secret. Random, made once, reused ever after; never derived from the seed.
//!
//! Signing is done here with keys parsed once; what is signed is the business of
//! `entra::tokens`. TLS certificates live in `tls`.

use std::path::Path;

use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    KeyPair as _, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use rcgen::PKCS_RSA_SHA256;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::Error;
use crate::der;
use crate::files::{self, Readers};
use crate::seal::{Sealer, random_bytes, random_text};

const FILE: &str = "keys.json";

/// `keys.json`: 0600, base64 throughout.
#[derive(Serialize, Deserialize)]
struct Stored {
    control_token: String,
    client_secret: String,
    sealing: String,
    signing: Vec<StoredSigningKey>,
}

#[derive(Serialize, Deserialize)]
struct StoredSigningKey {
    private_key: String,
    certificate: String,
}

/// All the keys of a sandbox.
pub(crate) struct Keys {
    /// What callers of `/sandbox/*` must present.
    pub(crate) control_token: String,
    /// The secret of the seeded confidential client.
    pub(crate) client_secret: String,
    /// Seals codes, refresh tokens, forms and sessions.
    pub(crate) sealer: Sealer,
    signing: Vec<SigningKey>,
}

struct SigningKey {
    id: String,
    pair: RsaKeyPair,
    public: ParsedPublicKey,
    jwk: Value,
}

impl Keys {
    /// Loads the keys of a data directory, making them first if it has none.
    pub(crate) fn open_or_create(directory: &Path) -> Result<Keys, Error> {
        let path = directory.join(FILE);
        let text = files::read(&path).map_err(|source| Error::file(&path, source))?;
        let stored: Stored = if let Some(text) = text {
            serde_json::from_str(&text)
                .map_err(|error| Error::unreadable(&path, error.to_string()))?
        } else {
            let stored = Stored::generate().map_err(Error::Key)?;
            let text = serde_json::to_vec_pretty(&stored).expect("plain structs serialize");
            files::write(&path, &text, Readers::Owner)
                .map_err(|source| Error::file(&path, source))?;
            stored
        };
        stored
            .parse()
            .map_err(|detail| Error::unreadable(&path, detail))
    }

    /// Signs a JSON Web Token with RS256; `header` gets `alg`, `kid` and `x5t`.
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let key = &self.signing[0];
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": key.id, "kid": key.id});
        let mut text = URL_SAFE_NO_PAD.encode(header.to_string());
        text.push('.');
        text.push_str(&URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut signature = vec![0; key.pair.public_modulus_len()];
        key.pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                text.as_bytes(),
                &mut signature,
            )
            .expect("a checked RSA key signs");
        text.push('.');
        text.push_str(&URL_SAFE_NO_PAD.encode(signature));
        text
    }

    /// The claims of a token that one of our keys signed; `None` for any other text.
    pub(crate) fn verify(&self, token: &str) -> Option<Value> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
        if header["alg"] != "RS256" {
            return None;
        }
        let key = self.signing.iter().find(|key| header["kid"] == key.id)?;
        let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
        key.public.verify_sig(message.as_bytes(), &signature).ok()?;
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()
    }

    /// The public keys as JSON Web Keys; `issuer` is added to each as Entra does.
    pub(crate) fn jwks(&self, issuer: &str) -> Value {
        let keys: Vec<Value> = self
            .signing
            .iter()
            .map(|key| {
                let mut jwk = key.jwk.clone();
                jwk["issuer"] = issuer.into();
                jwk
            })
            .collect();
        json!({ "keys": keys })
    }
}

impl Stored {
    fn generate() -> Result<Stored, String> {
        // RSA keys take a while: the two are made side by side.
        let (first, second) = std::thread::scope(|scope| {
            let second = scope.spawn(StoredSigningKey::generate);
            let first = StoredSigningKey::generate();
            let second = second
                .join()
                .unwrap_or_else(|_| Err("key generation stopped".to_owned()));
            (first, second)
        });
        Ok(Stored {
            control_token: format!("sandbox-control-{}", random_text::<24>()),
            client_secret: secret_value(),
            sealing: STANDARD.encode(random_bytes::<32>()),
            signing: vec![first?, second?],
        })
    }

    fn parse(self) -> Result<Keys, String> {
        let sealing = STANDARD
            .decode(&self.sealing)
            .ok()
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or("the sealing key is not 32 bytes of base64")?;
        let signing: Vec<SigningKey> = self
            .signing
            .iter()
            .map(StoredSigningKey::parse)
            .collect::<Result<_, _>>()?;
        if signing.len() < 2 {
            return Err("there are fewer than two signing keys".to_owned());
        }
        Ok(Keys {
            control_token: self.control_token,
            client_secret: self.client_secret,
            sealer: Sealer::new(&sealing),
            signing,
        })
    }
}

impl StoredSigningKey {
    fn generate() -> Result<StoredSigningKey, String> {
        let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|error| error.to_string())?;
        let private = pair.as_der().map_err(|error| error.to_string())?;
        let private = PrivatePkcs8KeyDer::from(private.as_ref());
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&private, &PKCS_RSA_SHA256)
            .map_err(|error| error.to_string())?;
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params
            .distinguished_name
            .push(rcgen::DnType::CommonName, "SANDBOX token signing");
        let certificate = params
            .self_signed(&key)
            .map_err(|error| error.to_string())?;
        Ok(StoredSigningKey {
            private_key: STANDARD.encode(private.secret_pkcs8_der()),
            certificate: STANDARD.encode(certificate.der()),
        })
    }

    fn parse(&self) -> Result<SigningKey, String> {
        let private = STANDARD
            .decode(&self.private_key)
            .map_err(|error| error.to_string())?;
        let certificate = STANDARD
            .decode(&self.certificate)
            .map_err(|error| error.to_string())?;
        let pair = RsaKeyPair::from_pkcs8(&private).map_err(|error| error.to_string())?;
        let der = pair.public_key().as_ref().to_vec();
        let (modulus, exponent) = rsa_public_parts(&der).ok_or("the signing key is not RSA")?;
        let public = ParsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, &der)
            .map_err(|error| error.to_string())?;
        let thumbprint =
            aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &certificate);
        let id = URL_SAFE_NO_PAD.encode(thumbprint);
        let jwk = json!({
            "kty": "RSA",
            "use": "sig",
            "kid": id,
            "x5t": id,
            "n": URL_SAFE_NO_PAD.encode(modulus),
            "e": URL_SAFE_NO_PAD.encode(exponent),
            "x5c": [self.certificate],
        });
        Ok(SigningKey {
            id,
            pair,
            public,
            jwk,
        })
    }
}

/// Modulus and exponent of an `RSAPublicKey` (RFC 8017, DER), without leading zeros.
fn rsa_public_parts(der: &[u8]) -> Option<(&[u8], &[u8])> {
    let (sequence, rest) = der::value(der, 0x30)?;
    if !rest.is_empty() {
        return None;
    }
    let (modulus, rest) = der::value(sequence.content, 0x02)?;
    let (exponent, _) = der::value(rest, 0x02)?;
    Some((
        without_zero(modulus.content),
        without_zero(exponent.content),
    ))
}

fn without_zero(bytes: &[u8]) -> &[u8] {
    bytes.strip_prefix(&[0]).unwrap_or(bytes)
}

/// A client secret's Value: visibly fake, with the punctuation that real ones have.
pub(crate) fn secret_value() -> String {
    let hint = random_text::<6>().replace(['-', '_'], "x");
    let tail = random_text::<18>().replace(['-', '_'], "x");
    format!(
        "{}8Q~SANDBOX.{}-{}_{}",
        &hint[..3],
        &tail[..8],
        &tail[8..16],
        &tail[16..]
    )
}
