//! What can go wrong in this room, by what a caller can do about it.
//!
//! HTTP status and exit codes are not known here: `server/problem.rs` and `keyway` map the codes.

mod callback;

use jiff::Timestamp;
use oauth::Diagnosis;
use store::{ConnectionId, ConnectionName};

use crate::Attempt;
use crate::guard::Refused;
use crate::http::SendError;

pub use callback::CallbackError;

/// Why a connection was not created, changed, shown or removed.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// A field is wrong; the person who typed it can correct it.
    #[error("{message}")]
    Invalid {
        /// Stable code, such as `connection.url_invalid`.
        code: &'static str,
        /// JSON pointer of the field.
        field: String,
        /// What is wrong.
        message: String,
        /// What to write instead.
        hint: Option<String>,
    },
    /// No connection has this name.
    #[error("there is no connection \"{name}\"")]
    NotFound {
        /// The name as asked for.
        name: String,
    },
    /// Another connection has this name.
    #[error("a connection \"{name}\" already exists")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// Somebody else saved the connection meanwhile.
    #[error("connection \"{name}\" was changed meanwhile: it is at version {current}")]
    Version {
        /// The connection.
        name: String,
        /// The version that is stored now.
        current: i64,
    },
    /// Somebody else changed one of several connections meanwhile; none was stored.
    #[error("one of the connections {names} was changed meanwhile: nothing was applied")]
    Overtaken {
        /// The connections that were to be stored.
        names: String,
    },
    /// The connection's secrets can't be unsealed.
    #[error("the stored secrets of connection \"{name}\" can't be unsealed")]
    Unreadable {
        /// The connection.
        name: String,
    },
    /// There are two live secrets already.
    #[error("connection \"{name}\" has two secrets already")]
    SecretsFull {
        /// The connection.
        name: String,
    },
    /// There is one secret, and it is needed.
    #[error("connection \"{name}\" has one secret only")]
    SecretAlone {
        /// The connection.
        name: String,
    },
    /// There is no such certificate.
    #[error("connection \"{name}\" has no such certificate")]
    NoCertificate {
        /// The connection.
        name: String,
    },
    /// The connection has no sign-in to begin.
    #[error("connection \"{name}\" has nothing to authorize: {why}")]
    NotAuthorizable {
        /// The connection.
        name: String,
        /// Why not.
        why: &'static str,
    },
    /// The provider gave no code to sign in with.
    #[error("the provider gave connection \"{name}\" no code to sign in with: {}", diagnosis.what)]
    Refused {
        /// The connection.
        name: String,
        /// What it means and who can cure it.
        diagnosis: Box<Diagnosis>,
    },
    /// The store failed or refused.
    #[error(transparent)]
    Store(store::Error),
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Invalid { code, .. } => code,
            Error::NotFound { .. } => "connection.not_found",
            Error::NameTaken { .. } => "connection.name_taken",
            Error::Version { .. } | Error::Overtaken { .. } => "conflict.version",
            Error::Unreadable { .. } => "connection.unreadable",
            Error::SecretsFull { .. } => "secret.two_already",
            Error::SecretAlone { .. } => "secret.only_one",
            Error::NoCertificate { .. } => "certificate.not_found",
            Error::NotAuthorizable { .. } => "connection.not_authorizable",
            Error::Refused { .. } => "oauth.refused",
            Error::Store(error) => error.code(),
        }
    }

    /// JSON pointer of the field that is wrong.
    pub fn field(&self) -> Option<&str> {
        match self {
            Error::Invalid { field, .. } => Some(field),
            Error::NameTaken { .. } => Some("/name"),
            _ => None,
        }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Error::Invalid { hint, .. } => hint.clone(),
            Error::NotFound { .. } => Some("keyway connection list shows all of them".to_owned()),
            Error::NameTaken { name } => Some(format!(
                "choose another name, or change the existing one: keyway connection change {name} …"
            )),
            Error::Version { name, .. } => Some(format!(
                "read it again (keyway connection show {name}) and repeat the change"
            )),
            Error::Overtaken { .. } => {
                Some("look at what is there now (--dry-run), then apply again".to_owned())
            }
            Error::Unreadable { name } => Some(format!(
                "enter the secrets again: keyway connection change {name} --client-secret-file FILE"
            )),
            Error::SecretsFull { name } => Some(format!(
                "take one away first: keyway connection secret remove {name} older"
            )),
            Error::SecretAlone { name } => Some(format!(
                "add another first (keyway connection secret add {name} …), or delete the connection"
            )),
            Error::NoCertificate { name } => Some(format!(
                "keyway connection secret list {name} shows what there is"
            )),
            Error::NotAuthorizable { name, .. } => {
                Some(format!("run: keyway connection test {name}"))
            }
            Error::Refused { name, .. } => {
                Some(format!("keyway connection explain {name} says what to do"))
            }
            Error::Store(_) => None,
        }
    }

    /// What the provider made of it, where it was asked.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        match self {
            Error::Refused { diagnosis, .. } => Some(diagnosis),
            _ => None,
        }
    }

    pub(crate) fn invalid(
        code: &'static str,
        field: impl Into<String>,
        message: impl Into<String>,
    ) -> Error {
        Error::Invalid {
            code,
            field: field.into(),
            message: message.into(),
            hint: None,
        }
    }

    pub(crate) fn with_hint(self, text: impl Into<String>) -> Error {
        match self {
            Error::Invalid {
                code,
                field,
                message,
                ..
            } => Error::Invalid {
                code,
                field,
                message,
                hint: Some(text.into()),
            },
            other => other,
        }
    }

    pub(crate) fn refused(field: impl Into<String>, refused: &Refused) -> Error {
        Error::Invalid {
            code: refused.code(),
            field: field.into(),
            message: refused.to_string(),
            hint: refused.hint(),
        }
    }

    /// Puts the connection's name to what the store says.
    pub(crate) fn of_store(error: store::Error, name: &ConnectionName) -> Error {
        match error {
            store::Error::NotFound { .. } => Error::NotFound {
                name: name.to_string(),
            },
            store::Error::Conflict { .. } => Error::NameTaken {
                name: name.to_string(),
            },
            store::Error::Version { current } => Error::Version {
                name: name.to_string(),
                current,
            },
            other => Error::Store(other),
        }
    }
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Error {
        Error::Store(error)
    }
}

/// Which connection an error is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: ConnectionId,
    /// Its name.
    pub name: ConnectionName,
}

impl std::fmt::Display for Named {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "connection \"{}\"", self.name)
    }
}

/// What to do about what went wrong on the wire.
fn hint_of(error: &SendError) -> Option<String> {
    match error {
        SendError::Refused(refused) => refused.hint(),
        SendError::Timeout { phase: "connection", .. } => Some(
            "whoever runs this server sets how long it waits: `timeouts.connect` in the configuration"
                .to_owned(),
        ),
        SendError::Timeout { .. } => Some(
            "give the call more time (`--timeout SECONDS`, `timeout` in the REST API), or all calls: `[timeouts]` in the configuration"
                .to_owned(),
        ),
        _ => None,
    }
}

/// The attempts of a call that got no answer.
#[derive(Debug, Clone, Default)]
pub struct Tries(pub(crate) Vec<Attempt>);

/// Why a call got no answer of the API.
#[derive(Debug, Clone, thiserror::Error)]
pub enum CallError {
    /// No connection has this name.
    #[error("there is no connection \"{name}\"")]
    NotFound {
        /// The name as asked for.
        name: String,
    },
    /// The URL lies outside what the connection may reach.
    #[error("{connection} may not call {origin}: {why}")]
    OriginForbidden {
        /// The connection.
        connection: Named,
        /// Scheme, host and port that were asked for.
        origin: String,
        /// What the connection is for.
        why: String,
    },
    /// The path, URL or query can't be used.
    #[error("the request for {connection} can't be sent: {why}")]
    TargetInvalid {
        /// The connection.
        connection: Named,
        /// What is wrong with it.
        why: String,
    },
    /// A header that the caller may not set.
    #[error("header {header:?} may not be set on a call: {why}")]
    HeaderForbidden {
        /// The connection.
        connection: Named,
        /// The header's name as given.
        header: String,
        /// Why not.
        why: &'static str,
    },
    /// There is no usable token, and somebody must act.
    #[error("{connection} can't be used now: {}", diagnosis.what)]
    Needs {
        /// The connection.
        connection: Named,
        /// What happened and who can cure it.
        diagnosis: Box<Diagnosis>,
    },
    /// The connection calls in the name of others, and nobody's token was given.
    #[error("{connection} calls in the name of whoever calls: the call must bring their token")]
    AssertionMissing {
        /// The connection.
        connection: Named,
    },
    /// A token was given to a connection that has its own.
    #[error("{connection} has a token of its own: the call must not bring one")]
    AssertionUnused {
        /// The connection.
        connection: Named,
    },
    /// The provider gives nothing for the token that the call brought.
    #[error("{connection} got no token for the one that the call brought: {}", diagnosis.what)]
    AssertionRefused {
        /// The connection.
        connection: Named,
        /// What happened and who can cure it.
        diagnosis: Box<Diagnosis>,
    },
    /// There is no usable token now; trying again later may help.
    #[error("{connection} has no usable token now: {}", diagnosis.what)]
    TokenUnavailable {
        /// The connection.
        connection: Named,
        /// What happened.
        diagnosis: Box<Diagnosis>,
    },
    /// The API's server did not answer properly.
    #[error("{connection}: {error}")]
    Upstream {
        /// The connection.
        connection: Named,
        /// What went wrong on the wire.
        error: Box<SendError>,
        /// Each time that it was sent.
        trail: Box<Tries>,
    },
    /// The API has asked to wait, for longer than a caller is kept waiting.
    #[error("{connection} is not called for another {} s: its API asked to wait", wait.as_secs() + 1)]
    Throttled {
        /// The connection.
        connection: Named,
        /// How long.
        wait: std::time::Duration,
    },
    /// A redirect that would carry the credential elsewhere, or one too many.
    #[error("{connection}: the redirect to {host} was not followed: {why}")]
    RedirectBlocked {
        /// The connection.
        connection: Named,
        /// Where it pointed; the host alone.
        host: String,
        /// Why it was not followed.
        why: &'static str,
    },
    /// So many calls wait for their turn that one more would be of no use.
    #[error(
        "{connection} has {} calls in line already",
        crate::room::WAITING_AT_MOST
    )]
    Crowded {
        /// The connection.
        connection: Named,
    },
    /// Calls that share a request, through a connection whose API has none.
    #[error("{connection} can't make calls in a batch: only the Microsoft Graph preset can")]
    BatchUnsupported {
        /// The connection.
        connection: Named,
    },
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl CallError {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        use oauth::State as S;
        match self {
            CallError::NotFound { .. } => "connection.not_found",
            CallError::OriginForbidden { .. } => "connection.origin_forbidden",
            CallError::TargetInvalid { .. } => "request.target_invalid",
            CallError::HeaderForbidden { .. } => "header.forbidden",
            CallError::AssertionMissing { .. } => "call.assertion_missing",
            CallError::AssertionUnused { .. } => "call.assertion_unused",
            CallError::AssertionRefused { .. } => "call.assertion_refused",
            CallError::Needs { diagnosis, .. } => match diagnosis.state {
                S::NeedsAdmin => "connection.needs_admin",
                S::NeedsSecret => "connection.needs_secret",
                S::NeedsSettings => "connection.needs_settings",
                S::Unreadable => "connection.unreadable",
                _ => "connection.needs_user",
            },
            CallError::TokenUnavailable { diagnosis, .. } => match diagnosis.state {
                S::Waiting => "idp.throttled",
                _ => "idp.unavailable",
            },
            CallError::Upstream { error, .. } => error.code(),
            CallError::Throttled { .. } => "upstream.throttled",
            CallError::RedirectBlocked { .. } => "upstream.redirect_blocked",
            CallError::Crowded { .. } => "call.crowded",
            CallError::BatchUnsupported { .. } => "call.batch_unsupported",
            CallError::Store(error) => error.code(),
        }
    }

    /// Which connection it is about, once one was found.
    pub fn connection(&self) -> Option<&Named> {
        match self {
            CallError::OriginForbidden { connection, .. }
            | CallError::TargetInvalid { connection, .. }
            | CallError::HeaderForbidden { connection, .. }
            | CallError::AssertionMissing { connection }
            | CallError::AssertionUnused { connection }
            | CallError::AssertionRefused { connection, .. }
            | CallError::Needs { connection, .. }
            | CallError::TokenUnavailable { connection, .. }
            | CallError::Upstream { connection, .. }
            | CallError::Throttled { connection, .. }
            | CallError::RedirectBlocked { connection, .. }
            | CallError::Crowded { connection }
            | CallError::BatchUnsupported { connection } => Some(connection),
            CallError::NotFound { .. } | CallError::Store(_) => None,
        }
    }

    /// The same, as an id.
    pub fn connection_id(&self) -> Option<&ConnectionId> {
        self.connection().map(|connection| &connection.id)
    }

    /// Each time that the call was sent, where no answer came in the end.
    pub fn trail(&self) -> &[Attempt] {
        match self {
            CallError::Upstream { trail, .. } => &trail.0,
            _ => &[],
        }
    }

    /// The same, after these attempts.
    pub(crate) fn after(mut self, attempts: Vec<Attempt>) -> CallError {
        if let CallError::Upstream { trail, .. } = &mut self {
            trail.0 = attempts;
        }
        self
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            CallError::NotFound { .. } => Some("`keyway connection list` shows all".to_owned()),
            CallError::Needs { connection, .. }
            | CallError::TokenUnavailable { connection, .. } => Some(format!(
                "`keyway connection explain {}` says what to do",
                connection.name
            )),
            CallError::Upstream { error, .. } => hint_of(error),
            CallError::Crowded { connection } => Some(format!(
                "call less at once, or let more through: `keyway connection change {} --concurrency N`",
                connection.name
            )),
            CallError::BatchUnsupported { .. } => Some("make the calls one by one".to_owned()),
            CallError::OriginForbidden { connection, .. } => Some(format!(
                "`keyway connection show {}` lists the origins that it may call",
                connection.name
            )),
            _ => None,
        }
    }

    /// What happened to the connection's token, where that is the cause.
    pub fn diagnosis(&self) -> Option<&Diagnosis> {
        match self {
            CallError::Needs { diagnosis, .. }
            | CallError::AssertionRefused { diagnosis, .. }
            | CallError::TokenUnavailable { diagnosis, .. } => Some(diagnosis),
            _ => None,
        }
    }

    /// How long to wait before it makes sense to ask again, where the API said so.
    pub fn wait(&self) -> Option<std::time::Duration> {
        match self {
            CallError::Throttled { wait, .. } => Some(*wait),
            _ => None,
        }
    }

    /// When it makes sense to ask again.
    pub fn retry_at(&self) -> Option<Timestamp> {
        match self {
            CallError::TokenUnavailable { diagnosis, .. } => diagnosis.retry_at,
            _ => None,
        }
    }
}
