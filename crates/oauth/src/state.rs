//! The states of a connection and the diagnosis that goes with each: what happened, why, who can cure it, what to do.
//!
//! The words are in `diagnosis` and `entra/table`; this file has the shapes only.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ProviderError;

/// How a connection stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It works.
    Ok,
    /// A new token is being obtained.
    Renewing,
    /// Nobody has signed in yet.
    NeverAuthorized,
    /// A person must sign in again.
    NeedsUser,
    /// An administrator of the tenant must consent or change a policy.
    NeedsAdmin,
    /// The client secret or certificate is missing, wrong or expired.
    NeedsSecret,
    /// Scope, tenant, client id or a URL must be changed.
    NeedsSettings,
    /// Throttled until a known time.
    Waiting,
    /// The provider is in trouble; still trying.
    Degraded,
    /// The stored secret can't be unsealed.
    Unreadable,
}

impl State {
    /// The state's word, as it is stored and sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Renewing => "renewing",
            Self::NeverAuthorized => "never_authorized",
            Self::NeedsUser => "needs_user",
            Self::NeedsAdmin => "needs_admin",
            Self::NeedsSecret => "needs_secret",
            Self::NeedsSettings => "needs_settings",
            Self::Waiting => "waiting",
            Self::Degraded => "degraded",
            Self::Unreadable => "unreadable",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// Who can cure a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Who {
    /// Nobody has to do anything.
    Nobody,
    /// Whoever manages the connection in Keyway.
    You,
    /// The person whose account the connection uses.
    SignedInPerson,
    /// An administrator of the tenant.
    Administrator,
    /// Whoever owns the app registration (the OAuth client).
    AppOwner,
    /// The provider itself.
    Provider,
}

impl Who {
    /// The person as a phrase to put into a sentence.
    pub fn as_text(self) -> &'static str {
        match self {
            Self::Nobody => "nobody: Keyway goes on by itself",
            Self::You => "you, who manage this connection in Keyway",
            Self::SignedInPerson => "the person whose account this connection uses",
            Self::Administrator => "an administrator of the tenant (the directory)",
            Self::AppOwner => "an owner of the app registration (the OAuth client)",
            Self::Provider => "the provider (the authorization server)",
        }
    }
}

/// The one next action that cures a failure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// There is nothing to do.
    None,
    /// Sign in again.
    Reauthorize,
    /// Give consent for the whole tenant.
    AdminConsent,
    /// Enter another client secret.
    ReplaceSecret,
    /// Change the connection's scope.
    ChangeScope {
        /// The scope that would work, where it can be told.
        suggestion: Option<String>,
    },
    /// Change the connection's tenant.
    ChangeTenant,
    /// Change the connection's client id.
    ChangeClientId,
    /// Change an endpoint's URL.
    ChangeEndpoint,
    /// Add the redirect URI to the app registration.
    RegisterRedirectUri,
    /// Add an API permission to the app registration.
    AddPermission,
    /// Assign the person or app to the application.
    AssignUser,
    /// Set this machine's clock.
    FixClock,
    /// Wait.
    Wait,
    /// Try again.
    Retry,
    /// Report a fault in Keyway.
    ReportBug,
    /// Delete the connection and make it anew.
    ReplaceConnection,
}

/// A failure as a person needs it told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// Keyway's own stable code, such as `client_secret.wrong`.
    pub code: String,
    /// The state that the connection goes to.
    pub state: State,
    /// What happened: one plain sentence.
    pub what: String,
    /// Why: one or two plain sentences.
    pub why: String,
    /// Who can cure it.
    pub who: Who,
    /// The kind of the one next action.
    pub action: Action,
    /// What to do and where, in words that hold whatever the connection is called.
    #[serde(default)]
    pub advice: String,
    /// What the provider said, verbatim but cleaned.
    pub provider: Option<ProviderError>,
    /// When it makes sense to try again.
    pub retry_at: Option<Timestamp>,
}

impl Diagnosis {
    /// Makes a diagnosis of our own, without a provider's error behind it.
    pub fn new(
        code: impl Into<String>,
        state: State,
        what: impl Into<String>,
        why: impl Into<String>,
        who: Who,
        action: Action,
    ) -> Self {
        Self {
            code: code.into(),
            state,
            what: what.into(),
            why: why.into(),
            who,
            action,
            advice: String::new(),
            provider: None,
            retry_at: None,
        }
    }

    /// Adds what to do and where.
    #[must_use]
    pub fn with_advice(mut self, advice: impl Into<String>) -> Self {
        self.advice = advice.into();
        self
    }

    /// Adds what the provider said.
    #[must_use]
    pub fn with_provider(mut self, error: ProviderError) -> Self {
        self.provider = Some(error);
        self
    }

    /// Adds when to try again.
    #[must_use]
    pub fn with_retry_at(mut self, at: Timestamp) -> Self {
        self.retry_at = Some(at);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_is_stored_under_its_word() {
        for state in [
            State::Ok,
            State::Renewing,
            State::NeverAuthorized,
            State::NeedsUser,
            State::NeedsAdmin,
            State::NeedsSecret,
            State::NeedsSettings,
            State::Waiting,
            State::Degraded,
            State::Unreadable,
        ] {
            assert_eq!(
                serde_json::to_value(state).unwrap(),
                serde_json::Value::from(state.as_str())
            );
        }
    }

    #[test]
    fn an_action_is_tagged() {
        let action = Action::ChangeScope {
            suggestion: Some("https://graph.microsoft.com/.default".to_owned()),
        };
        assert_eq!(
            serde_json::to_string(&action).unwrap(),
            r#"{"action":"change_scope","suggestion":"https://graph.microsoft.com/.default"}"#
        );
        assert_eq!(
            serde_json::to_string(&Action::Reauthorize).unwrap(),
            r#"{"action":"reauthorize"}"#
        );
    }
}
