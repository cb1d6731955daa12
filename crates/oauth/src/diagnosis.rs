//! Failures in words: what happened, why, who can cure it, what to do.
//!
//! One row per case, as data. Entra's numbers have a table of their own in `entra`; the standard's words are here.

mod table;

use jiff::{SignedDuration, Timestamp};

use crate::{
    Access, Action, CallbackError, Diagnosis, ProviderError, Scope, ScopeRule, State, TokenError,
    Who, corrected_scope, diagnose_entra, entra,
};

/// How long to wait when a provider says "too many requests" and not for how long.
const ASSUMED_WAIT: SignedDuration = SignedDuration::from_secs(60);

/// A row of a table: everything of a diagnosis that does not depend on the connection.
pub(crate) struct Case {
    pub(crate) code: &'static str,
    pub(crate) state: State,
    pub(crate) who: Who,
    pub(crate) action: Action,
    pub(crate) what: &'static str,
    pub(crate) why: &'static str,
    pub(crate) advice: &'static str,
}

impl Case {
    pub(crate) fn diagnosis(&self) -> Diagnosis {
        let action = self.action.clone();
        Diagnosis::new(self.code, self.state, self.what, self.why, self.who, action)
            .with_advice(self.advice)
    }
}

/// Something that Keyway finds out by itself, without an error of the provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// Nobody has signed in yet: `authorization.never`.
    NeverAuthorized,
    /// A sign-in was begun and never came back: `authorization.abandoned`.
    AuthorizationAbandoned,
    /// Nobody typed the code of a device authorization in time: `device.expired`.
    DeviceCodeExpired,
    /// The app-only token holds no application permissions: `application.no_roles`.
    NoRoles,
    /// There is no refresh token, so nothing can be renewed without a person: `token.no_refresh`.
    NoRefreshToken,
    /// A crash came between request and answer, and the old refresh token no longer works: `token.renewal_unknown`.
    RenewalOutcomeUnknown,
    /// There is no client secret: `client_secret.missing`.
    SecretMissing,
    /// There is no certificate to sign assertions with: `client_certificate.missing`.
    CertificateMissing,
    /// There is no private key to sign assertions with: `private_key.missing`.
    PrivateKeyMissing,
    /// The client secret is a GUID, the Secret ID: `client_secret.is_id`.
    SecretIsId,
    /// The API refuses a credential that does not renew itself: `credential.refused`.
    CredentialRefused,
    /// The stored secrets can't be unsealed: `secret.unreadable`.
    Unreadable,
}

/// Explains one of our own findings.
pub fn diagnose_finding(finding: Finding, rule: ScopeRule, scope: &Scope) -> Diagnosis {
    let mut diagnosis = table::finding(finding).diagnosis();
    if let Action::ChangeScope { suggestion } = &mut diagnosis.action {
        *suggestion = corrected_scope(&scope.to_string(), rule, Access::Delegated);
    }
    // a new scope is no use where the scope was right: then only signing in again helps
    if diagnosis.action == (Action::ChangeScope { suggestion: None }) {
        diagnosis.action = Action::Reauthorize;
        diagnosis.who = Who::SignedInPerson;
        "Sign in again.".clone_into(&mut diagnosis.advice);
    }
    diagnosis
}

/// Explains a refusal by its RFC 6749 error word.
pub fn diagnose_oauth(error: &ProviderError, access: Access, scope: &Scope) -> Diagnosis {
    let mut diagnosis = table::word(&error.error)
        .diagnosis()
        .with_provider(error.clone());
    if let Action::ChangeScope { suggestion } = &mut diagnosis.action {
        *suggestion = corrected_scope(&scope.to_string(), ScopeRule::Exact, access);
    }
    diagnosis
}

/// Explains a refusal by the rule's own table.
fn diagnose_refusal(
    error: &ProviderError,
    rule: ScopeRule,
    access: Access,
    scope: &Scope,
) -> Diagnosis {
    match rule {
        ScopeRule::Entra => diagnose_entra(error, access, scope),
        ScopeRule::Exact => diagnose_oauth(error, access, scope),
    }
}

/// Explains why there is no token.
pub fn diagnose_token_error(
    error: &TokenError,
    rule: ScopeRule,
    access: Access,
    scope: &Scope,
    now: Timestamp,
) -> Diagnosis {
    match error {
        TokenError::Refused(refusal) => diagnose_refusal(refusal, rule, access, scope),
        TokenError::BadResponse { status, detail } => {
            let mut diagnosis = table::BAD_RESPONSE.diagnosis();
            diagnosis.why = format!("With HTTP status {status}: {detail}. {}", diagnosis.why);
            diagnosis
        }
        TokenError::TokenType { token_type } => {
            let mut diagnosis = table::TOKEN_TYPE.diagnosis();
            diagnosis.why = format!("Its token_type is {token_type:?}. {}", diagnosis.why);
            diagnosis
        }
        TokenError::Redirect { status } => {
            let mut diagnosis = table::REDIRECT.diagnosis();
            diagnosis.what = format!(
                "{} (HTTP status {status}).",
                diagnosis.what.trim_end_matches('.')
            );
            diagnosis
        }
        TokenError::Unavailable {
            status,
            retry_after,
            provider,
        } => unavailable(*status, *retry_after, provider.as_deref(), now),
    }
}

/// "Too many requests" and "come back in …" are waiting; everything else that passes is trouble of the provider's.
fn unavailable(
    status: u16,
    retry_after: Option<SignedDuration>,
    provider: Option<&ProviderError>,
    now: Timestamp,
) -> Diagnosis {
    let throttled = status == 429
        || retry_after.is_some()
        || provider.is_some_and(|error| error.error_codes.contains(&entra::THROTTLED));
    let case = if throttled {
        &table::THROTTLED
    } else {
        &table::UNAVAILABLE
    };
    let mut diagnosis = case.diagnosis();
    diagnosis.what = format!(
        "{} (HTTP status {status}).",
        diagnosis.what.trim_end_matches('.')
    );
    if throttled {
        let wait = retry_after.unwrap_or(ASSUMED_WAIT);
        diagnosis.retry_at = now.saturating_add(wait).ok();
    }
    diagnosis.provider = provider.cloned();
    diagnosis
}

/// Explains why a sign-in did not end in a connection.
pub fn diagnose_callback(
    error: &CallbackError,
    rule: ScopeRule,
    access: Access,
    scope: &Scope,
) -> Diagnosis {
    let case = match error {
        CallbackError::Provider(refusal) => return diagnose_refusal(refusal, rule, access, scope),
        CallbackError::Expired => &table::EXPIRED,
        CallbackError::StateMissing | CallbackError::StateMismatch => &table::STATE,
        CallbackError::Malformed { .. } | CallbackError::NoCode => &table::MALFORMED,
        CallbackError::IssuerMismatch { .. } => &table::ISSUER,
        CallbackError::IdToken { .. } => &table::ID_TOKEN,
    };
    let mut diagnosis = case.diagnosis();
    if let CallbackError::Malformed { detail } | CallbackError::IdToken { detail } = error {
        diagnosis.why = format!("In detail: {detail}. {}", diagnosis.why);
    }
    if let CallbackError::IssuerMismatch { expected, received } = error {
        let shown = |issuer: &Option<String>| issuer.clone().unwrap_or_else(|| "none".to_owned());
        diagnosis.why = format!(
            "Expected issuer: {}; received: {}. {}",
            shown(expected),
            shown(received),
            diagnosis.why
        );
    }
    diagnosis
}

/// The state that a refusal leads to: by Entra's table if the error has numbers, else by the standard's word.
pub(crate) fn state_of(error: &ProviderError) -> State {
    let by_number = (!error.error_codes.is_empty())
        .then(|| entra::state_of(error))
        .flatten();
    by_number.unwrap_or_else(|| table::word(&error.error).state)
}

#[cfg(test)]
mod tests;
