//! One trip to the authorization endpoint (RFC 6749 §4.1.1, PKCE of RFC 7636, `iss` of RFC 9207).
//!
//! PKCE with S256 is always used, also with a client secret and also where metadata does not mention it (Entra's does not).
//! There is no implicit flow, no `plain` challenge and no other `response_mode` than the query.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use url::Url;
use zeroize::Zeroizing;

use crate::{AuthorizationCode, Callback, CallbackError, ClientId, Entropy, Scope, Secret};

/// How long a person has to come back.
const LIFE: SignedDuration = SignedDuration::from_mins(10);

/// What an authorization request is made from.
#[derive(Debug, Clone)]
pub struct AuthorizationSetup {
    /// Where the person is sent.
    pub authorization_endpoint: Url,
    /// For whom.
    pub client_id: ClientId,
    /// Where the answer goes.
    pub redirect_uri: Url,
    /// What is asked.
    pub scope: Scope,
    /// Who must answer, if that is known.
    pub issuer: Option<String>,
    /// Whether the provider promises `iss` in its answers, so that a missing one is an attack.
    pub iss_required: bool,
    /// Further parameters; those that Keyway sets itself are left out.
    pub parameters: Vec<(String, String)>,
}

/// A trip that has begun. It is accepted once: [`Authorization::accept`] consumes it.
#[derive(Clone)]
pub struct Authorization {
    state: Secret,
    code_verifier: Secret,
    nonce: Option<Secret>,
    redirect_uri: Url,
    scope: Scope,
    issuer: Option<String>,
    iss_required: bool,
    begun_at: Timestamp,
    expires_at: Timestamp,
}

/// The form in which a trip is sealed into the store: written with `T` = `&str`, read with `T` = [`Secret`].
#[derive(Serialize, Deserialize)]
struct Record<T> {
    state: T,
    code_verifier: T,
    nonce: Option<T>,
    redirect_uri: Url,
    scope: Scope,
    issuer: Option<String>,
    iss_required: bool,
    begun_at: Timestamp,
    expires_at: Timestamp,
}

/// A sealed authorization that is none.
#[derive(Debug, thiserror::Error)]
#[error("the stored authorization can't be read")]
pub struct Unsealable(#[source] pub(crate) serde_json::Error);

/// Tells whether Keyway sets this authorization request parameter itself, so that an extra one of that name is left out.
///
/// `request` and `request_uri` (RFC 9101) could replace all the others; `response_mode` would send the code elsewhere.
pub fn is_reserved_authorization_parameter(name: &str) -> bool {
    const RESERVED: [&str; 13] = [
        "response_type",
        "response_mode",
        "client_id",
        "client_secret",
        "redirect_uri",
        "scope",
        "state",
        "nonce",
        "code_challenge",
        "code_challenge_method",
        "request",
        "request_uri",
        "resource",
    ];
    RESERVED
        .iter()
        .any(|reserved| name.trim().eq_ignore_ascii_case(reserved))
}

/// The S256 challenge of a verifier (RFC 7636 §4.2).
pub fn code_challenge(verifier: &str) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, verifier.as_bytes());
    URL_SAFE_NO_PAD.encode(digest)
}

impl Authorization {
    /// Begins a trip: what to keep, and the URL to send the person's browser to.
    pub fn begin(setup: &AuthorizationSetup, now: Timestamp, entropy: Entropy) -> (Self, Url) {
        let [state, code_verifier, nonce] = entropy
            .parts()
            .map(|bytes| Secret::new(URL_SAFE_NO_PAD.encode(bytes)));
        drop(entropy);
        let asks_openid = setup
            .scope
            .iter()
            .any(|name| name.eq_ignore_ascii_case("openid"));
        let authorization = Self {
            state,
            code_verifier,
            nonce: asks_openid.then_some(nonce),
            redirect_uri: setup.redirect_uri.clone(),
            scope: setup.scope.clone(),
            issuer: setup.issuer.clone(),
            iss_required: setup.iss_required,
            begun_at: now,
            expires_at: now.saturating_add(LIFE).unwrap_or(Timestamp::MAX),
        };
        let url = authorization.url(setup);
        (authorization, url)
    }

    fn url(&self, setup: &AuthorizationSetup) -> Url {
        let mut url = setup.authorization_endpoint.clone();
        url.set_fragment(None);
        let own: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        {
            let mut query = url.query_pairs_mut();
            query.clear();
            for (name, value) in &own {
                if !is_reserved_authorization_parameter(name) {
                    query.append_pair(name, value);
                }
            }
            query.append_pair("response_type", "code");
            query.append_pair("client_id", setup.client_id.as_str());
            query.append_pair("redirect_uri", self.redirect_uri.as_str());
            if !self.scope.is_empty() {
                query.append_pair("scope", &self.scope.to_string());
            }
            query.append_pair("state", self.state.expose());
            query.append_pair(
                "code_challenge",
                &code_challenge(self.code_verifier.expose()),
            );
            query.append_pair("code_challenge_method", "S256");
            if let Some(nonce) = &self.nonce {
                query.append_pair("nonce", nonce.expose());
            }
            for (name, value) in &setup.parameters {
                if !is_reserved_authorization_parameter(name) {
                    query.append_pair(name, value);
                }
            }
        }
        url
    }

    /// The `state` that the callback must bring; the store keeps its hash.
    pub fn state(&self) -> &Secret {
        &self.state
    }

    /// The `nonce` that the ID token must carry.
    pub fn nonce(&self) -> Option<&str> {
        self.nonce.as_ref().map(Secret::expose)
    }

    /// What was asked.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Where the answer goes.
    pub fn redirect_uri(&self) -> &Url {
        &self.redirect_uri
    }

    /// When it began.
    pub fn begun_at(&self) -> Timestamp {
        self.begun_at
    }

    /// Until when an answer is accepted.
    pub fn expires_at(&self) -> Timestamp {
        self.expires_at
    }

    /// Accepts the answer: checks `state`, age and issuer, then yields the code or the provider's refusal.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a callback is good for one attempt"
    )]
    pub fn accept(
        self,
        callback: Callback,
        now: Timestamp,
    ) -> Result<AuthorizationCode, CallbackError> {
        let state = callback.state().ok_or(CallbackError::StateMissing)?;
        if Secret::new(state) != self.state {
            return Err(CallbackError::StateMismatch);
        }
        if now >= self.expires_at {
            return Err(CallbackError::Expired);
        }
        self.check_issuer(callback.issuer())?;
        if let Some(error) = callback.error() {
            return Err(CallbackError::Provider(Box::new(error)));
        }
        let code = callback
            .code()
            .filter(|code| !code.is_empty())
            .ok_or(CallbackError::NoCode)?;
        Ok(AuthorizationCode {
            code: Secret::new(code),
            code_verifier: self.code_verifier,
            redirect_uri: self.redirect_uri,
        })
    }

    /// RFC 9207 §2.4: compared as text; refusals carry it too, so this comes before looking at them.
    fn check_issuer(&self, received: Option<&str>) -> Result<(), CallbackError> {
        let fits = match (self.issuer.as_deref(), received) {
            (Some(expected), Some(received)) => expected == received,
            // nothing to compare: fine, unless the provider promised an issuer
            (_, None) | (None, Some(_)) => !self.iss_required,
        };
        if fits {
            return Ok(());
        }
        Err(CallbackError::IssuerMismatch {
            expected: self.issuer.clone(),
            received: received.map(|issuer| crate::provider_error::cleaned(issuer, 512)),
        })
    }

    #[expect(
        clippy::missing_panics_doc,
        reason = "texts, a URL and times always are JSON"
    )]
    /// The trip as text, for the store alone, which seals it.
    pub fn to_sealable(&self) -> Zeroizing<String> {
        let record = Record {
            state: self.state.expose(),
            code_verifier: self.code_verifier.expose(),
            nonce: self.nonce(),
            redirect_uri: self.redirect_uri.clone(),
            scope: self.scope.clone(),
            issuer: self.issuer.clone(),
            iss_required: self.iss_required,
            begun_at: self.begun_at,
            expires_at: self.expires_at,
        };
        Zeroizing::new(serde_json::to_string(&record).expect("a record of texts and times is JSON"))
    }

    /// Reads what [`Authorization::to_sealable`] wrote.
    pub fn from_sealed(text: &str) -> Result<Self, Unsealable> {
        let record: Record<Secret> = serde_json::from_str(text).map_err(Unsealable)?;
        Ok(Self {
            state: record.state,
            code_verifier: record.code_verifier,
            nonce: record.nonce,
            redirect_uri: record.redirect_uri,
            scope: record.scope,
            issuer: record.issuer,
            iss_required: record.iss_required,
            begun_at: record.begun_at,
            expires_at: record.expires_at,
        })
    }
}

impl fmt::Debug for Authorization {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Authorization")
            .field("redirect_uri", &self.redirect_uri.as_str())
            .field("scope", &self.scope)
            .field("begun_at", &self.begun_at)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
