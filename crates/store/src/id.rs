//! Identifiers with a visible prefix, random bytes, and the names that people give to things.
//!
//! An identifier never comes from a name, and a name never becomes a path or SQL text.

use std::fmt;

use oauth::Secret;
use serde::{Deserialize, Serialize};

use crate::Error;

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
/// 128 bits are 26 characters of five bits.
const RANDOM_CHARACTERS: usize = 26;

/// Fills an array from the system's generator.
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0_u8; N];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random generator works");
    bytes
}

/// 256 random bits as URL-safe text behind a prefix: tickets, session tokens, API keys.
pub(crate) fn random_token(prefix: &str) -> Secret {
    use base64::Engine as _;
    let random = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(random_bytes::<32>());
    Secret::new(format!("{prefix}{random}"))
}

fn random_text() -> String {
    text_of(u128::from_be_bytes(random_bytes()))
}

fn text_of(mut bits: u128) -> String {
    let mut text = String::with_capacity(RANDOM_CHARACTERS);
    for _ in 0..RANDOM_CHARACTERS {
        text.push(char::from(ALPHABET[(bits & 31) as usize]));
        bits >>= 5;
    }
    text
}

fn is_random_text(text: &str) -> bool {
    text.len() == RANDOM_CHARACTERS && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

macro_rules! identifiers {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// What every identifier of this kind begins with.
            pub const PREFIX: &'static str = $prefix;

            /// A new random identifier of 128 bits.
            pub fn random() -> Self {
                Self(format!("{}{}", $prefix, random_text()))
            }

            /// Reads an identifier, checking prefix, length and alphabet.
            pub fn parse(text: &str) -> Result<Self, Error> {
                match text.strip_prefix($prefix) {
                    Some(random) if is_random_text(random) => Ok(Self(text.to_owned())),
                    _ => Err(Error::Invalid {
                        what: stringify!($name),
                        why: format!("it must be {} and {} characters of a-z and 2-7", $prefix, RANDOM_CHARACTERS),
                    }),
                }
            }

            /// The identifier as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl TryFrom<String> for $name {
            type Error = Error;
            fn try_from(text: String) -> Result<Self, Error> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }
    )*};
}

identifiers! {
    /// Names one connection for ever.
    ConnectionId = "con_";
    /// Names one account.
    UserId = "usr_";
    /// Names one API key (it is not the key).
    ApiKeyId = "key_";
    /// Names one signed-in session (it is not its token).
    SessionId = "ses_";
    /// Names one row of the audit log.
    AuditId = "aud_";
    /// Names one row of the call log.
    CallId = "cal_";
    /// Names one trip to an authorization endpoint (it is not its state).
    AuthorizationId = "auth_";
    /// Names one flow, all its versions, for ever.
    FlowId = "flow_";
    /// Names one run of a flow.
    RunId = "run_";
    /// Names one question that a run asks a person (it is not its token).
    ApprovalId = "app_";
    /// Names one event of the installation.
    EventId = "evt_";
    /// Names one webhook, for ever.
    WebhookId = "whk_";
    /// Names one event on its way to one webhook.
    DeliveryId = "dlv_";
}

impl CallId {
    /// Identifiers that lie side by side in an index, for rows that are written together: 108 random bits for all of
    /// them, counted in the last 20. Spread over the whole index, each row of a batch would cost a page of its own.
    pub(crate) fn series() -> impl Iterator<Item = CallId> {
        let shared = u128::from_be_bytes(random_bytes()) >> 20;
        (0_u128..1 << 20).map(move |number| {
            CallId(format!(
                "{}{}",
                Self::PREFIX,
                text_of(shared | number << 108)
            ))
        })
    }
}

/// A connection's name as a person typed it: 1 to 64 of letters, digits, `.`, `_` and `-`; unique ignoring case.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ConnectionName(String);

impl ConnectionName {
    /// Reads a name, refusing everything that could be mistaken on a screen, in a URL or in a shell.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let first = text
            .bytes()
            .next()
            .is_some_and(|byte| byte.is_ascii_alphanumeric());
        let rest = text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte));
        if first && rest && text.len() <= 64 {
            return Ok(Self(text.to_owned()));
        }
        Err(Error::Invalid {
            what: "name",
            why: "a connection's name has 1 to 64 letters, digits, '.', '_' or '-', and begins with a letter or digit".to_owned(),
        })
    }

    /// The name as it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two names that differ only in case have in common.
    pub fn key(&self) -> String {
        self.0.to_ascii_lowercase()
    }
}

impl fmt::Display for ConnectionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for ConnectionName {
    type Error = Error;
    fn try_from(text: String) -> Result<Self, Error> {
        Self::parse(&text)
    }
}

impl From<ConnectionName> for String {
    fn from(name: ConnectionName) -> String {
        name.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_random_and_parse_back() {
        let one = ConnectionId::random();
        let two = ConnectionId::random();
        assert_ne!(one, two);
        assert_eq!(one.as_str().len(), 4 + RANDOM_CHARACTERS);
        assert_eq!(ConnectionId::parse(one.as_str()), Ok(one));
    }

    #[test]
    fn identifiers_of_another_kind_or_shape_are_refused() {
        let user = UserId::random();
        for text in [
            user.as_str(),
            "con_",
            "con_AAAAAAAAAAAAAAAAAAAAAAAAAA",
            "con_../../etc/passwd",
            "",
        ] {
            assert!(ConnectionId::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn names_are_what_people_and_urls_can_both_read() {
        for good in ["g", "graph", "Graph.prod_2-x", "0", &"a".repeat(64)] {
            assert!(ConnectionName::parse(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "-x",
            ".x",
            "_x",
            "a b",
            "a/b",
            "../x",
            "é",
            "a\u{202e}b",
            "<img onerror>",
            "a\n",
            &"a".repeat(65),
        ] {
            assert!(ConnectionName::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_key_of_a_name_ignores_case() {
        let one = ConnectionName::parse("Graph").unwrap();
        let two = ConnectionName::parse("gRAPH").unwrap();
        assert_ne!(one, two);
        assert_eq!(one.key(), two.key());
    }
}
