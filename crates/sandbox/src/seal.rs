//! Randomness, digests and the sealing of what a client may hold but not read:
//! authorization codes, refresh tokens, form contexts and session cookies.
//!
//! Sealed values are stateless (AES-256-GCM under a key of the data directory), so that a
//! million refresh tokens cost nothing. It knows nothing of what is sealed.

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Fresh random bytes.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's randomness is available");
    bytes
}

/// Random text of the alphabet A–Z a–z 0–9 - _.
pub(crate) fn random_text<const N: usize>() -> String {
    URL_SAFE_NO_PAD.encode(random_bytes::<N>())
}

/// A random integer in `low..=high`.
pub(crate) fn random_between(low: i64, high: i64) -> i64 {
    let span = u64::try_from(high - low + 1).unwrap_or(1);
    let value = u64::from_be_bytes(random_bytes()) % span;
    low + i64::try_from(value).unwrap_or(0)
}

/// SHA-256 of some bytes.
pub(crate) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(digest(&SHA256, bytes).as_ref());
    out
}

/// SHA-256 as base64url text.
pub(crate) fn sha256_text(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(sha256(bytes))
}

/// Compares without telling by its duration where the difference is.
pub(crate) fn equal(left: &str, right: &str) -> bool {
    // Digests first, so that lengths may differ.
    aws_lc_rs::constant_time::verify_slices_are_equal(
        &sha256(left.as_bytes()),
        &sha256(right.as_bytes()),
    )
    .is_ok()
}

/// What a sealed value is for; a value sealed for one purpose opens for no other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Purpose {
    /// An authorization code.
    Code,
    /// A refresh token.
    Refresh,
    /// The hidden field of a page.
    Form,
    /// The session cookie.
    Session,
    /// The token of a portal form.
    PortalForm,
    /// What the portal says once, on the next page.
    PortalNotice,
}

impl Purpose {
    fn prefix(self) -> &'static str {
        match self {
            Purpose::Code => "1.sandbox-code.",
            Purpose::Refresh => "1.sandbox-refresh.",
            Purpose::Form => "1.sandbox-form.",
            Purpose::Session => "1.sandbox-session.",
            Purpose::PortalForm => "1.sandbox-portal-form.",
            Purpose::PortalNotice => "1.sandbox-portal-notice.",
        }
    }
}

/// Seals and opens values.
pub(crate) struct Sealer {
    key: RandomizedNonceKey,
}

impl Sealer {
    /// A sealer with the given 256-bit key.
    pub(crate) fn new(key: &[u8; 32]) -> Sealer {
        Sealer {
            key: RandomizedNonceKey::new(&AES_256_GCM, key).expect("32 bytes are an AES-256 key"),
        }
    }

    /// Seals a value into opaque text.
    pub(crate) fn seal<T: Serialize>(&self, purpose: Purpose, value: &T) -> String {
        let mut data = serde_json::to_vec(value).expect("plain structs serialize");
        let aad = Aad::from(purpose.prefix().as_bytes());
        let nonce = self
            .key
            .seal_in_place_append_tag(aad, &mut data)
            .expect("a small message is sealed");
        let mut sealed = nonce.as_ref().to_vec();
        sealed.append(&mut data);
        format!("{}{}", purpose.prefix(), URL_SAFE_NO_PAD.encode(sealed))
    }

    /// Opens what `seal` made for the same purpose; anything else is `None`.
    pub(crate) fn open<T: DeserializeOwned>(&self, purpose: Purpose, text: &str) -> Option<T> {
        let sealed = URL_SAFE_NO_PAD
            .decode(text.strip_prefix(purpose.prefix())?)
            .ok()?;
        let (nonce, data) = sealed.split_at_checked(12)?;
        let nonce = aws_lc_rs::aead::Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut data = data.to_vec();
        let aad = Aad::from(purpose.prefix().as_bytes());
        let plain = self.key.open_in_place(nonce, aad, &mut data).ok()?;
        serde_json::from_slice(plain).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_for_its_purpose_and_key() {
        let sealer = Sealer::new(&[7; 32]);
        let text = sealer.seal(Purpose::Code, &42);
        assert_eq!(sealer.open::<i32>(Purpose::Code, &text), Some(42));
        let as_refresh = text.replace("code", "refresh");
        assert_eq!(sealer.open::<i32>(Purpose::Refresh, &as_refresh), None);
        assert_eq!(
            Sealer::new(&[8; 32]).open::<i32>(Purpose::Code, &text),
            None
        );
        assert_eq!(
            sealer.open::<i32>(Purpose::Code, &text[..text.len() - 1]),
            None
        );
        assert_eq!(sealer.open::<i32>(Purpose::Code, "1.sandbox-code."), None);
    }
}
