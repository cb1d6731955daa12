//! Token responses (RFC 6749 §5): reading them with tolerance where providers differ and none where it would hurt.
//!
//! Tokens are opaque here. Nothing in this file looks inside one.

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderMap, Response};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use url::{Url, form_urlencoded};

use crate::provider_error::cleaned;
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
    /// Where the API of this account is, where the provider says so with each token (Salesforce).
    pub instance_url: Option<Url>,
    /// When the answer came.
    pub received_at: Timestamp,
    /// When the access token ends.
    pub expires_at: Timestamp,
    /// Whether the answer had no usable `expires_in`, so that five minutes are assumed.
    pub expires_in_assumed: bool,
}

impl TokenSet {
    /// The same as a token that is used until it is refused: nobody said when it ends, and there is nothing to renew it with.
    #[must_use]
    pub fn unending(mut self) -> Self {
        self.expires_at = Timestamp::MAX;
        self
    }

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

    /// Takes echoed secrets out of the provider's words.
    #[must_use]
    pub fn redacted(self, secrets: &[&Secret]) -> Self {
        match self {
            Self::Refused(error) => Self::Refused(Box::new(error.redacted(secrets))),
            Self::Unavailable {
                status,
                retry_after,
                provider,
            } => Self::Unavailable {
                status,
                retry_after,
                provider: provider.map(|error| Box::new(error.redacted(secrets))),
            },
            other => other,
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
///
/// An `error` word decides before the HTTP status does: a refusal is never hidden behind a status that says "try again".
pub fn token_response(response: &Response<Bytes>, now: Timestamp) -> Result<TokenSet, TokenError> {
    let answer = answer(response);
    if let Some(error) = refusal(response, answer.as_ref().ok(), now) {
        return Err(error);
    }
    let status = response.status().as_u16();
    match answer {
        Ok(object) => token_set(status, &object, now),
        Err(detail) => Err(TokenError::BadResponse { status, detail }),
    }
}

/// Reads a revocation endpoint's answer (RFC 7009 §2.2): after 200 the token is of no use, whether it was before or not.
pub fn revocation_response(response: &Response<Bytes>, now: Timestamp) -> Result<(), TokenError> {
    if response.status() == http::StatusCode::OK {
        return Ok(());
    }
    let answer = answer(response);
    Err(
        refusal(response, answer.as_ref().ok(), now).unwrap_or_else(|| TokenError::BadResponse {
            status: response.status().as_u16(),
            detail: "only 200 says that a token was revoked",
        }),
    )
}

/// Why an answer of an OAuth endpoint holds nothing that was asked for; none if it may.
pub(crate) fn refusal(
    response: &Response<Bytes>,
    answer: Option<&Map<String, Value>>,
    now: Timestamp,
) -> Option<TokenError> {
    let status = response.status().as_u16();
    if response.status().is_redirection() {
        return Some(TokenError::Redirect { status });
    }
    let error = answer.and_then(|object| ProviderError::from_object(Some(status), object));
    let busy = matches!(status, 408 | 429 | 500..=599);
    match error {
        Some(error) if !is_passing(&error, busy) => Some(TokenError::Refused(Box::new(error))),
        Some(error) => Some(unavailable(response, now, Some(Box::new(error)))),
        None if busy => Some(unavailable(response, now, None)),
        // RFC 6749 §5.2 keeps this status for a client that failed to prove itself; some servers send nothing else
        None if status == 401 => Some(TokenError::Refused(Box::new(ProviderError {
            status: Some(status),
            error: "invalid_client".to_owned(),
            ..ProviderError::default()
        }))),
        None if answer.is_some() && !response.status().is_success() => {
            Some(TokenError::BadResponse {
                status,
                detail: "an error without an error word",
            })
        }
        None => None,
    }
}

fn unavailable(
    response: &Response<Bytes>,
    now: Timestamp,
    provider: Option<Box<ProviderError>>,
) -> TokenError {
    TokenError::Unavailable {
        status: response.status().as_u16(),
        retry_after: response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| retry_after(value, now)),
        provider,
    }
}

/// Tells whether an error passes by itself. With a status that says "try again", all but the definitive words do.
fn is_passing(error: &ProviderError, busy: bool) -> bool {
    const PASSING: [&str; 3] = ["temporarily_unavailable", "server_error", "slow_down"];
    const DEFINITIVE: [&str; 15] = [
        "authorization_declined",
        "authorization_pending",
        "bad_verification_code",
        "expired_token",
        "invalid_grant",
        "invalid_client",
        "unauthorized_client",
        "invalid_scope",
        "unsupported_grant_type",
        "interaction_required",
        "consent_required",
        "login_required",
        "access_denied",
        "invalid_resource",
        "invalid_tenant",
    ];
    let word = error.error.as_str();
    PASSING.contains(&word)
        || error.error_codes.contains(&crate::entra::THROTTLED)
        || (busy && !DEFINITIVE.contains(&word))
}

/// The answer as an object, whether it is JSON or, as GitHub sends it, form-encoded.
pub(crate) fn answer(response: &Response<Bytes>) -> Result<Map<String, Value>, &'static str> {
    let body = response.body();
    if body.len() > TOKEN_RESPONSE_LIMIT {
        return Err("it is longer than 64 KiB");
    }
    if body.is_empty() {
        return Err("it is empty");
    }
    match media_type(response.headers()).as_deref() {
        Some("application/x-www-form-urlencoded") => Ok(form_urlencoded::parse(body)
            .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
            .collect()),
        // a refusal is worth reading whatever its label; a token is not
        Some(media)
            if media != "application/json"
                && !media.ends_with("+json")
                && response.status().is_success() =>
        {
            Err("its content type is not JSON")
        }
        _ => match serde_json::from_slice(body) {
            Ok(Value::Object(object)) => Ok(object),
            Ok(_) => Err("it is not a JSON object"),
            Err(_) => Err("it is not valid JSON"),
        },
    }
}

fn media_type(headers: &HeaderMap) -> Option<String> {
    let value = headers.get(CONTENT_TYPE)?;
    let text = String::from_utf8_lossy(value.as_bytes());
    let media = text.split(';').next().unwrap_or_default();
    Some(media.trim().to_ascii_lowercase())
}

fn token_set(
    status: u16,
    object: &Map<String, Value>,
    now: Timestamp,
) -> Result<TokenSet, TokenError> {
    let bad = |detail| TokenError::BadResponse { status, detail };
    let access_token = match object.get("access_token") {
        Some(Value::String(token)) => token,
        Some(Value::Null) | None => return Err(bad("it has no access_token")),
        Some(_) => return Err(bad("its access_token is not a text")),
    };
    if !is_token(access_token) {
        return Err(bad(
            "its access_token is empty or has a character that tokens never have",
        ));
    }
    match object.get("token_type") {
        // required by the standard, left out by some providers, and nothing but bearer is ever meant then
        Some(Value::Null) | None => {}
        Some(Value::String(kind)) if kind.eq_ignore_ascii_case("bearer") => {}
        Some(Value::String(kind)) => {
            let token_type = cleaned(kind, 64);
            return Err(TokenError::TokenType { token_type });
        }
        Some(_) => return Err(bad("its token_type is not a text")),
    }
    let refresh_token = match object.get("refresh_token") {
        Some(Value::Null) | None => None,
        Some(Value::String(token)) if token.is_empty() => None,
        Some(Value::String(token)) if is_token(token) => Some(Secret::new(token.as_str())),
        Some(_) => return Err(bad("its refresh_token is not a token")),
    };
    let life = object.get("expires_in").and_then(life);
    Ok(TokenSet {
        access_token: Secret::new(access_token.as_str()),
        refresh_token,
        id_token: object
            .get("id_token")
            .and_then(Value::as_str)
            .filter(|token| is_token(token))
            .map(Secret::new),
        scope: object.get("scope").and_then(granted),
        instance_url: object
            .get("instance_url")
            .and_then(|value| Url::parse(value.as_str()?).ok()),
        received_at: now,
        expires_at: now
            .saturating_add(life.unwrap_or(ASSUMED_LIFE))
            .unwrap_or(Timestamp::MAX),
        expires_in_assumed: life.is_none(),
    })
}

/// Visible ASCII (RFC 6749 appendix A.12) without the space, so that a token can't break out of its header.
fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// `expires_in` as a number or as text; zero and less mean that the token has already ended.
fn life(value: &Value) -> Option<SignedDuration> {
    let seconds = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => text.trim().parse().ok()?,
        _ => return None,
    };
    if seconds.is_nan() {
        return None;
    }
    let longest = LONGEST_LIFE.as_secs_f64();
    Some(SignedDuration::from_secs_f64(
        seconds.clamp(0.0, longest).trunc(),
    ))
}

/// `scope` as text or as an array; GitHub separates with commas. One that can't be read counts as not said.
fn granted(value: &Value) -> Option<Scope> {
    let text = match value {
        Value::String(text) if text.contains(' ') => text.clone(),
        Value::String(text) => text.replace(',', " "),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .collect::<Vec<_>>()
            .join(" "),
        _ => return None,
    };
    Scope::parse(&text).ok().filter(|scope| !scope.is_empty())
}

#[cfg(test)]
mod tests;
