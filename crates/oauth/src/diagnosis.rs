//! Failures in words: what happened, why, who can cure it, what to do.

use jiff::Timestamp;

use crate::{
    CallbackError, Diagnosis, GrantType, ProviderError, Scope, ScopeRule, State, TokenError,
};

/// Something that Keyway finds out by itself, without an error of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nobody has signed in yet: `authorization.never`.
    NeverAuthorized,
    /// A sign-in was begun and never came back: `authorization.abandoned`.
    AuthorizationAbandoned,
    /// The app-only token holds no application permissions: `application.no_roles`.
    NoRoles,
    /// The token answer brought no refresh token, and the access token has ended: `token.no_refresh`.
    NoRefreshToken,
    /// A crash came between request and answer, and the old refresh token no longer works: `token.renewal_unknown`.
    RenewalOutcomeUnknown,
    /// There is no client secret: `client_secret.missing`.
    SecretMissing,
    /// The client secret is a GUID, the Secret ID: `client_secret.is_id`.
    SecretIsId,
    /// The stored secrets can't be unsealed: `secret.unreadable`.
    Unreadable,
}

/// Explains one of our own findings.
pub fn diagnose_finding(finding: Finding, rule: ScopeRule, scope: &Scope) -> Diagnosis {
    todo!("{finding:?} {rule:?} {scope}")
}

/// Explains a refusal by its RFC 6749 error word.
pub fn diagnose_oauth(error: &ProviderError, grant: GrantType, scope: &Scope) -> Diagnosis {
    todo!("{error} {grant:?} {scope}")
}

/// Explains why there is no token.
pub fn diagnose_token_error(
    error: &TokenError,
    rule: ScopeRule,
    grant: GrantType,
    scope: &Scope,
    now: Timestamp,
) -> Diagnosis {
    todo!("{error} {rule:?} {grant:?} {scope} {now}")
}

/// Explains why a sign-in did not end in a connection.
pub fn diagnose_callback(
    error: &CallbackError,
    rule: ScopeRule,
    grant: GrantType,
    scope: &Scope,
) -> Diagnosis {
    todo!("{error} {rule:?} {grant:?} {scope}")
}

/// The state that a refusal leads to, by the provider's own table where it sends error numbers.
pub(crate) fn state_of(error: &ProviderError) -> State {
    todo!("{error}")
}
