//! Values that must not be seen: secrets, and the entropy that makes new ones.
//!
//! Deliberately without `Display` and `Serialize`: whoever wants the text says [`Secret::expose`], which is easy to find.

use std::fmt;

use serde::{Deserialize, Deserializer};
use zeroize::{Zeroize, Zeroizing};

use crate::is_guid;

/// A text that is never printed, compares in constant time and is wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(Zeroizing::new(text.into()))
    }

    /// Shows the text, to whoever sends or seals it.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Tells whether there is no text.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tells whether the text has the shape of a GUID: in Entra's portal that is the Secret ID, not the secret's Value.
    pub fn looks_like_id(&self) -> bool {
        is_guid(self.0.trim())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        aws_lc_rs::constant_time::verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes())
            .is_ok()
    }
}

impl Eq for Secret {}

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::new)
    }
}

/// Ninety-six random bytes from the caller: enough for one trip to the authorization endpoint.
pub struct Entropy([u8; 96]);

impl Entropy {
    /// Takes bytes from a cryptographic random number generator.
    pub fn new(bytes: [u8; 96]) -> Self {
        Self(bytes)
    }

    /// Cuts the bytes into the three values of an authorization: `state`, `code_verifier`, `nonce`.
    pub(crate) fn parts(&self) -> [&[u8]; 3] {
        let (state, rest) = self.0.split_at(32);
        let (verifier, nonce) = rest.split_at(32);
        [state, verifier, nonce]
    }
}

impl Drop for Entropy {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl fmt::Debug for Entropy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Entropy(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_shows_nothing() {
        assert_eq!(
            format!("{:?}", Secret::new("not-a-real-secret")),
            "Secret(…)"
        );
        assert_eq!(format!("{:?}", Entropy::new([7; 96])), "Entropy(…)");
    }

    #[test]
    fn equality() {
        assert_eq!(Secret::new("a"), Secret::new("a"));
        assert_ne!(Secret::new("a"), Secret::new("b"));
        assert_ne!(Secret::new("a"), Secret::new("ab"));
    }

    #[test]
    fn a_guid_looks_like_an_id() {
        let check = |text: &str, expected: bool| {
            assert_eq!(Secret::new(text).looks_like_id(), expected, "{text}");
        };
        check("0f9a3c1e-1111-2222-3333-444455556666", true);
        check(" 0F9A3C1E-1111-2222-3333-444455556666\n", true);
        check("0f9a3c1e-1111-2222-3333-44445555666", false);
        check("0f9a3c1e-1111-2222-3333-44445555666g", false);
        check("fake~secret-1-2-3-4", false);
        check("", false);
    }
}
