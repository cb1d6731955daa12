//! Token responses (RFC 6749 §5): reading them with tolerance where providers differ and none where it would hurt.
//!
//! Tokens are opaque here. Nothing in this file looks inside one.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use url::form_urlencoded;

use crate::{ProviderError, Scope, Secret, State, retry_after};

/// The most bytes of a token answer that are read.
pub const TOKEN_RESPONSE_LIMIT: usize = 64 * 1024;
/// What is assumed when an answer has no `expires_in`.
const ASSUMED_LIFE: SignedDuration = SignedDuration::from_mins(5);
/// The longest life that is believed.
const LONGEST_LIFE: SignedDuration = SignedDuration::from_hours(24);
/// The longest time before its end in which a token is renewed ahead.
const LONGEST_STALE: SignedDuration = SignedDuration::from_mins(5);

/// What a token endpoint gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenSet {
    /// The token that calls carry.
    pub access_token: Secret,
    /// The token that renews; none means: keep the one you have.
    pub refresh_token: Option<Secret>,
    /// Who signed in, if `openid` was asked.
    pub id_token: Option<Secret>,
    /// What was granted, if the answer says so.
    pub scope: Option<Scope>,
    /// When the answer came.
    pub received_at: Timestamp,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// Whether the answer had no usable `expires_in`, so that five minutes are assumed.
    pub expires_in_assumed: bool,
}

impl TokenSet {
    /// Judges the access token at `now`.
    pub fn freshness(&self, now: Timestamp) -> Freshness {
        freshness(self.received_at, self.expires_at, now)
    }
}

/// How far an access token is from its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and renew behind.
    Stale,
    /// Renew it first.
    Expired,
}

/// Judges a token by its two times: stale in the last tenth of its life, but no earlier than five minutes before the end.
pub fn freshness(received_at: Timestamp, expires_at: Timestamp, now: Timestamp) -> Freshness {
    if now >= expires_at {
        return Freshness::Expired;
    }
    let margin = (expires_at.duration_since(received_at) / 10).min(LONGEST_STALE);
    if expires_at.duration_since(now) <= margin {
        Freshness::Stale
    } else {
        Freshness::Fresh
    }
}

/// Why there is no token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// The answer is no token response at all.
    #[error(
        "the token endpoint answered {status} with something that is no token response: {detail}"
    )]
    BadResponse {
        /// HTTP status.
        status: u16,
        /// What is wrong with it; never text of the answer.
        detail: &'static str,
    },
    /// The token is of a type that Keyway can't use.
    #[error("the token endpoint gave a token of type {token_type:?}; only \"Bearer\" can be used")]
    TokenType {
        /// The type, as given.
        token_type: String,
    },
    /// Credentials are never sent on to another address.
    #[error(
        "the token endpoint answered {status}, a redirect, which is never followed with credentials"
    )]
    Redirect {
        /// HTTP status.
        status: u16,
    },
    /// The provider said no.
    #[error("the token endpoint refused: {0}")]
    Refused(Box<ProviderError>),
    /// The provider can't answer now.
    #[error("the token endpoint can't answer now (status {status})")]
    Unavailable {
        /// HTTP status.
        status: u16,
        /// How long it asks to wait.
        retry_after: Option<SignedDuration>,
        /// What it says, if it says anything.
        provider: Option<Box<ProviderError>>,
    },
}

/// What helps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Try again later.
    Retry,
    /// A person signs in again.
    Reauthorize,
    /// The client id, secret or certificate is corrected.
    FixClient,
    /// Scope, tenant or a URL is corrected.
    FixSettings,
    /// An administrator of the tenant acts.
    AskAdmin,
}

impl TokenError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadResponse { .. } => "idp.bad_response",
            Self::TokenType { .. } => "idp.token_type",
            Self::Redirect { .. } => "idp.redirect",
            Self::Refused(_) => "idp.refused",
            Self::Unavailable { .. } => "idp.unavailable",
        }
    }

    /// What helps against this error.
    pub fn remedy(&self) -> Remedy {
        match self {
            Self::BadResponse { .. } | Self::Unavailable { .. } => Remedy::Retry,
            Self::TokenType { .. } | Self::Redirect { .. } => Remedy::FixSettings,
            Self::Refused(error) => match crate::diagnosis::state_of(error) {
                State::NeedsUser | State::NeverAuthorized => Remedy::Reauthorize,
                State::NeedsAdmin => Remedy::AskAdmin,
                State::NeedsSecret => Remedy::FixClient,
                State::Waiting | State::Degraded | State::Renewing => Remedy::Retry,
                State::NeedsSettings | State::Ok | State::Unreadable => Remedy::FixSettings,
            },
        }
    }

    /// The provider's own error, where there is one.
    pub fn provider(&self) -> Option<&ProviderError> {
        match self {
            Self::Refused(error) => Some(error),
            Self::Unavailable { provider, .. } => provider.as_deref(),
            _ => None,
        }
    }
}

/// Reads a token endpoint's answer that came at `now`.
pub fn token_response(response: &Response<Bytes>, now: Timestamp) -> Result<TokenSet, TokenError> {
    todo!("{response:?} {now}")
}
