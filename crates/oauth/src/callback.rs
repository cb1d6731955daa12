//! What comes back to the redirect URI (RFC 6749 §4.1.2, RFC 9207), read strictly where it matters and tolerantly elsewhere.
//!
//! Which connection a callback belongs to is the caller's business: it looks the pending authorization up by [`Callback::state`].

use std::fmt;

use url::form_urlencoded;

use crate::ProviderError;

/// The most bytes of a callback's query that are read.
const QUERY_LIMIT: usize = 32 * 1024;
/// The most bytes of an authorization code.
const CODE_LIMIT: usize = 8 * 1024;
/// Parameters that mean something here, and so must not come twice.
const KNOWN: [&str; 6] = [
    "code",
    "state",
    "iss",
    "error",
    "error_description",
    "error_uri",
];

/// A callback's parameters, none of the known ones repeated, and never both a code and an error.
#[derive(Clone, PartialEq, Eq)]
pub struct Callback {
    parameters: Vec<(String, String)>,
}

/// Why a callback was not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallbackError {
    /// There is no `state`, so nobody knows what it answers.
    #[error("the callback has no state")]
    StateMissing,
    /// It answers another authorization request.
    #[error("the callback's state is not that of this authorization")]
    StateMismatch,
    /// The shape is wrong.
    #[error("the callback is malformed: {detail}")]
    Malformed {
        /// What is wrong with it; never text of the callback.
        detail: &'static str,
    },
    /// It came too late.
    #[error("the authorization is older than ten minutes")]
    Expired,
    /// Another authorization server answered (a mix-up attack, or a wrong issuer in the settings).
    #[error("the callback's issuer is {}, expected {}", received.as_deref().unwrap_or("missing"), expected.as_deref().unwrap_or("none"))]
    IssuerMismatch {
        /// The issuer of the settings.
        expected: Option<String>,
        /// The callback's `iss`.
        received: Option<String>,
    },
    /// The provider said no.
    #[error("the provider refused: {0}")]
    Provider(Box<ProviderError>),
    /// Neither code nor error.
    #[error("the callback has neither a code nor an error")]
    NoCode,
    /// The ID token does not belong to this authorization.
    #[error("the ID token does not belong to this sign-in: {detail}")]
    IdToken {
        /// What is wrong with it.
        detail: &'static str,
    },
}

impl CallbackError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::StateMissing | Self::StateMismatch | Self::Expired => "oauth.state_invalid",
            Self::Malformed { .. } | Self::NoCode => "oauth.callback_invalid",
            Self::IssuerMismatch { .. } => "oauth.issuer_mismatch",
            Self::Provider(_) => "oauth.refused",
            Self::IdToken { .. } => "oauth.id_token_invalid",
        }
    }
}

impl Callback {
    /// Reads a callback's query, with or without its question mark, and without a trailing `#`.
    pub fn parse(query: &str) -> Result<Self, CallbackError> {
        if query.len() > QUERY_LIMIT {
            return Err(malformed("it is longer than 32 KiB"));
        }
        // Entra ends its redirects with a lone '#'
        let query = query.split('#').next().unwrap_or_default();
        let query = query.strip_prefix('?').unwrap_or(query);
        let parameters: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        for known in KNOWN {
            if parameters.iter().filter(|(name, _)| name == known).count() > 1 {
                return Err(malformed("a parameter comes twice"));
            }
        }
        let callback = Self { parameters };
        if callback.code().is_some() && callback.get("error").is_some() {
            return Err(malformed("it has both a code and an error"));
        }
        if let Some(code) = callback.code() {
            if code.len() > CODE_LIMIT {
                return Err(malformed("the code is longer than 8 KiB"));
            }
            if !code.bytes().all(|byte| (0x20..=0x7e).contains(&byte)) {
                return Err(malformed("the code has a character that codes never have"));
            }
        }
        Ok(callback)
    }

    /// The `state`, by which the pending authorization is found.
    pub fn state(&self) -> Option<&str> {
        self.get("state").filter(|state| !state.is_empty())
    }

    pub(crate) fn code(&self) -> Option<&str> {
        self.get("code")
    }

    pub(crate) fn issuer(&self) -> Option<&str> {
        self.get("iss")
    }

    /// The provider's error, if the callback brings one.
    pub fn error(&self) -> Option<ProviderError> {
        ProviderError::from_pairs(None, &self.parameters)
    }

    /// A parameter's value; of an unknown one that comes twice, the first.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.parameters
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Callback {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = self.parameters.iter().map(|(name, _)| name);
        formatter.debug_list().entries(names).finish()
    }
}

fn malformed(detail: &'static str) -> CallbackError {
    CallbackError::Malformed { detail }
}

#[cfg(test)]
mod tests;
