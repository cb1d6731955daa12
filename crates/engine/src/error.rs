//! What the engine can't do, worded for the person who can cure it.

use flow::Diagnostics;

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No flow has this name.
    #[error("there is no flow {name}")]
    FlowNotFound {
        /// Namespace, name and perhaps version.
        name: String,
    },
    /// The flow is switched off.
    #[error("flow {name} is disabled: nothing starts it")]
    FlowDisabled {
        /// Namespace and name.
        name: String,
    },
    /// The text is not a flow that can run.
    #[error("the flow can't be used: {0}")]
    FlowInvalid(Diagnostics),
    /// A text names a secret that only flows of an administrator may read.
    #[error(
        "the text names the secret \"{name}\", and only an administrator writes flows that read secrets"
    )]
    SecretForbidden {
        /// The secret.
        name: String,
    },
    /// The run began under a meaning of flows that this program does not know.
    #[error(
        "the run of {name} began under semantics {semantics}, and this Keyway knows 1 to {}: go on with the version that began it, or start the run again",
        flow::machine::SEMANTICS
    )]
    SemanticsUnknown {
        /// Namespace and name of the flow.
        name: String,
        /// The number that the run is pinned to.
        semantics: u32,
    },
    /// No run has this id.
    #[error("there is no run {id}")]
    RunNotFound {
        /// The id.
        id: String,
    },
    /// The run is not in a state in which that can be done.
    #[error("run {id} can't be {done}: {why}")]
    NotNow {
        /// The run.
        id: String,
        /// What was to be done.
        done: &'static str,
        /// What stands in the way, and what to do about it.
        why: String,
    },
    /// A value that can't be used.
    #[error("{what} can't be used: {why}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// So much is under way that nothing more is taken.
    #[error("too many runs are under way: try again in a moment")]
    Crowded,
    /// Keyway is being stopped.
    #[error("Keyway is being stopped: try again once it is up")]
    Stopping,
    /// The store failed or refused.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    /// The stable code of this error.
    pub fn code(&self) -> &'static str {
        match self {
            Error::FlowNotFound { .. } => "flow.not_found",
            Error::FlowDisabled { .. } => "flow.disabled",
            Error::FlowInvalid(_) => "flow.invalid",
            Error::SecretForbidden { .. } => "flow.secret_forbidden",
            Error::SemanticsUnknown { .. } => "run.semantics_unknown",
            Error::RunNotFound { .. } => "run.not_found",
            Error::NotNow { .. } => "run.not_now",
            Error::Invalid { .. } => "input.invalid",
            Error::Crowded => "run.crowded",
            Error::Stopping => "run.stopping",
            Error::Store(error) => error.code(),
        }
    }
}
