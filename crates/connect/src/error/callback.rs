//! Why a person who comes back from a provider is sent on with a complaint.

use oauth::Diagnosis;
use store::{ConnectionName, Role};

/// Why a sign-in did not end in a connection.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallbackError {
    /// The ticket of `/oauth/start` is unknown, used or too old.
    #[error("this sign-in link was already used or is older than ten minutes")]
    TicketInvalid,
    /// `state` is missing, unknown, used or too old.
    #[error("this sign-in is unknown, was already finished, or is older than ten minutes")]
    StateInvalid,
    /// Another browser or another person came back.
    #[error(
        "the sign-in was begun in another browser, or by a person who is not signed in to Keyway in this one"
    )]
    SessionMismatch,
    /// The link of a person who is not signed in to Keyway in the browser that opened it.
    #[error(
        "this sign-in was begun in the console by \"{person}\", who is not signed in to Keyway in this browser"
    )]
    SessionMissing {
        /// Who began it.
        person: String,
    },
    /// No sign-in: an administrator came back from the consent page.
    #[error("the administrator's consent was given; go on with the connection that asked for it")]
    AdminConsented,
    /// An administrator came back without having consented.
    #[error("the administrator did not consent for the tenant of connection \"{connection}\"")]
    ConsentRefused {
        /// The connection.
        connection: ConnectionName,
        /// What it means and who can cure it.
        diagnosis: Box<Diagnosis>,
    },
    /// An administrator consented for another tenant than the connection's.
    #[error(
        "the administrator consented in another tenant than that of connection \"{connection}\" ({expected})"
    )]
    OtherTenant {
        /// The connection.
        connection: ConnectionName,
        /// The tenant of its settings.
        expected: String,
    },
    /// The answer came to the callback of another connection.
    #[error("the answer came to the callback of another connection")]
    ConnectionMismatch,
    /// The connection was changed or deleted since the sign-in began.
    #[error("the connection was changed or deleted since the sign-in began")]
    ConnectionChanged,
    /// Whoever began it may no longer change connections.
    #[error("{actor} may no longer change connections: this needs the role {needs}")]
    Forbidden {
        /// Whoever began it.
        actor: String,
        /// The least role that may.
        needs: Role,
    },
    /// The callback itself is wrong, or brings the provider's refusal.
    #[error("{error}")]
    Refused {
        /// The connection.
        connection: ConnectionName,
        /// What is wrong.
        error: oauth::CallbackError,
        /// What it means and who can cure it.
        diagnosis: Option<Box<Diagnosis>>,
    },
    /// The code could not be exchanged for a token.
    #[error("the code could not be exchanged: {}", diagnosis.what)]
    Exchange {
        /// The connection.
        connection: ConnectionName,
        /// What it means and who can cure it.
        diagnosis: Box<Diagnosis>,
    },
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl CallbackError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            CallbackError::TicketInvalid => "oauth.ticket_invalid",
            CallbackError::StateInvalid => "oauth.state_invalid",
            CallbackError::SessionMismatch => "oauth.session_mismatch",
            CallbackError::AdminConsented => "oauth.admin_consented",
            CallbackError::SessionMissing { .. } => "oauth.session_missing",
            CallbackError::ConsentRefused { .. } => "oauth.consent_refused",
            CallbackError::OtherTenant { .. } => "oauth.other_tenant",
            CallbackError::ConnectionMismatch => "oauth.connection_mismatch",
            CallbackError::ConnectionChanged => "oauth.connection_changed",
            CallbackError::Forbidden { .. } => "forbidden",
            CallbackError::Refused { error, .. } => error.code(),
            CallbackError::Exchange { .. } => "oauth.exchange_failed",
            CallbackError::Store(error) => error.code(),
        }
    }

    /// The connection, where it is known.
    pub fn connection(&self) -> Option<&ConnectionName> {
        match self {
            CallbackError::Refused { connection, .. }
            | CallbackError::ConsentRefused { connection, .. }
            | CallbackError::OtherTenant { connection, .. }
            | CallbackError::Exchange { connection, .. } => Some(connection),
            _ => None,
        }
    }

    /// What the provider's answer means, where there was one.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        match self {
            CallbackError::Refused { diagnosis, .. } => diagnosis.as_deref(),
            CallbackError::ConsentRefused { diagnosis, .. }
            | CallbackError::Exchange { diagnosis, .. } => Some(diagnosis),
            _ => None,
        }
    }
}
