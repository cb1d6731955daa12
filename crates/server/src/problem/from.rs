//! What the rooms below say went wrong, as problems.

use crate::app::App;
use crate::problem::Problem;

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        if matches!(
            error.code(),
            "storage_error" | "store.database" | "store.unavailable" | "store.corrupt"
        ) {
            tracing::error!(%error, "the store failed");
        }
        let detail = error.to_string();
        match error {
            store::Error::Version { current } => Problem::new("conflict.version", detail)
                .hint(format!("the stored version is {current}")),
            // what the database said is for the log, not for a client
            store::Error::Database(_) => {
                Problem::new("internal", "the store could not answer this request")
            }
            store::Error::Storage { .. }
            | store::Error::Unavailable(_)
            | store::Error::Corrupt { .. } => Problem::new(
                error.code(),
                "the store can't be used at present: nothing was changed",
            ),
            other => Problem::new(other.code(), detail),
        }
    }
}

impl From<engine::Error> for Problem {
    fn from(error: engine::Error) -> Problem {
        let detail = error.to_string();
        let code = error.code();
        match error {
            engine::Error::Store(error) => error.into(),
            engine::Error::FlowInvalid(found) => Problem::new(code, detail)
                .field("/source")
                .findings(found.0),
            engine::Error::Crowded | engine::Error::Stopping => {
                Problem::new(code, detail).retry_after(1)
            }
            _ => Problem::new(code, detail),
        }
    }
}

impl From<connect::Error> for Problem {
    fn from(error: connect::Error) -> Problem {
        let error = match error {
            connect::Error::Store(error) => return error.into(),
            connect::Error::NotFound { name } => return Problem::not_found("connection", &name),
            other => other,
        };
        let mut problem = Problem::new(error.code(), error.to_string());
        if let Some(field) = error.field() {
            problem = problem.field(field);
        }
        if let Some(hint) = error.hint() {
            problem = problem.hint(hint);
        }
        match error.diagnosis() {
            Some(diagnosis) => problem.diagnosis(diagnosis.clone()),
            None => problem,
        }
    }
}

impl From<&connect::CallbackError> for Problem {
    fn from(error: &connect::CallbackError) -> Problem {
        if let connect::CallbackError::Store(error) = error {
            return error.clone().into();
        }
        let mut problem = Problem::new(error.code(), error.to_string());
        if let Some(name) = error.connection() {
            problem = problem.connection(name.to_string());
        }
        match error.diagnosis() {
            Some(diagnosis) => problem.diagnosis(diagnosis.clone()),
            None => problem,
        }
    }
}

impl Problem {
    /// A list that can't be read, or can't be read on.
    pub(crate) fn from_page(
        app: &App,
        name: &store::ConnectionName,
        error: &connect::PageError,
    ) -> Problem {
        if let connect::PageError::Call(error) = error {
            return Problem::from_call(app, name, error);
        }
        let problem = Problem::new(error.code(), error.to_string()).connection(name.to_string());
        match error.hint() {
            Some(hint) => problem.hint(hint),
            None => problem,
        }
    }

    /// A call that got no answer of the API.
    pub(crate) fn from_call(
        app: &App,
        name: &store::ConnectionName,
        error: &connect::CallError,
    ) -> Problem {
        match error {
            connect::CallError::Store(error) => return error.clone().into(),
            connect::CallError::NotFound { name } => {
                return Problem::not_found("connection", name);
            }
            _ => {}
        }
        let mut problem =
            Problem::new(error.code(), error.to_string()).connection(name.to_string());
        if let Some(hint) = error.hint() {
            problem = problem.hint(hint);
        }
        if let Some(wait) = error.wait() {
            problem = problem.retry_after(wait.as_secs() + 1);
        }
        if let Some(at) = error.retry_at() {
            let wait = at.duration_since(app.clock().now()).as_secs();
            problem = problem.retry_after(u64::try_from(wait).unwrap_or(0) + 1);
        }
        match error.diagnosis() {
            Some(diagnosis) => problem.diagnosis(diagnosis.clone()),
            None => problem,
        }
    }
}
