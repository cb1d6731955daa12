//! Faults of calls that got no answer.

use connect::{CallError, SendError, UnnamedError};
use flow::{Fault, FaultType};
use jiff::Timestamp;

use super::{Caller, Done};
use flow::definition::OnConnectionNeeds;

/// What a failed call through a connection means to its run.
pub(super) fn of_call(caller: &Caller, error: &CallError, now: Timestamp) -> Done {
    if let CallError::Needs { connection, .. } = error
        && caller.needs == OnConnectionNeeds::Park
    {
        return Done::Needs {
            name: connection.name.to_string(),
            id: connection.id.clone(),
            code: error.code().to_owned(),
        };
    }
    let kind = match error {
        CallError::NotFound { .. }
        | CallError::TargetInvalid { .. }
        | CallError::HeaderForbidden { .. }
        | CallError::AssertionMissing { .. }
        | CallError::AssertionUnused { .. }
        | CallError::BatchUnsupported { .. } => FaultType::Configuration,
        CallError::OriginForbidden { .. } => FaultType::Authorization,
        CallError::Needs { .. }
        | CallError::AssertionRefused { .. }
        | CallError::TokenUnavailable { .. } => FaultType::Authentication,
        CallError::Upstream { error, .. } => of_send(error),
        CallError::RedirectBlocked { .. }
        | CallError::Throttled { .. }
        | CallError::Crowded { .. } => FaultType::Communication,
        CallError::Store(_) => FaultType::Runtime,
    };
    let mut fault = Fault::new(kind, with_hint(error.to_string(), error.hint())).code(error.code());
    fault.retry_after = match error.wait() {
        Some(wait) => u64::try_from(wait.as_millis()).ok(),
        None => error
            .retry_at()
            .and_then(|at| u64::try_from(at.duration_since(now).as_millis()).ok()),
    };
    fault.into()
}

/// What a failed call without a connection means.
pub(super) fn of_unnamed(error: &UnnamedError) -> Fault {
    let kind = match error {
        UnnamedError::Invalid { .. } => FaultType::Configuration,
        UnnamedError::Upstream(error) => of_send(error),
        UnnamedError::RedirectBlocked { .. } => FaultType::Communication,
        UnnamedError::Unanswerable { .. } | UnnamedError::Token { .. } => FaultType::Authentication,
    };
    let hint = match error {
        UnnamedError::Unanswerable { .. } => Some(
            "whoever runs that server can say which authentication it takes: write that in place of `digest`"
                .to_owned(),
        ),
        UnnamedError::Upstream(SendError::Refused(refused)) => refused.hint(),
        _ => None,
    };
    Fault::new(kind, with_hint(error.to_string(), hint)).code(error.code())
}

fn of_send(error: &SendError) -> FaultType {
    match error {
        SendError::Refused(_) => FaultType::Authorization,
        _ => FaultType::Communication,
    }
}

pub(super) fn with_hint(text: String, hint: Option<String>) -> String {
    match hint {
        Some(hint) => format!("{text}; {hint}"),
        None => text,
    }
}
