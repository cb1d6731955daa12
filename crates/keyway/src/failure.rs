//! Why a command could not be done: one problem document (RFC 9457) and the exit code it leads to.
//!
//! Problems of the REST API are passed on as they came; those of the command line itself are made here in the same
//! shape, so that a script reads one kind of error.

use std::io;

use serde_json::{Map, Value, json};

use crate::Exit;

/// A problem document with its exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    exit: Exit,
    document: Map<String, Value>,
}

impl Failure {
    /// Builds a problem of our own; `detail` says what happened, to which thing.
    pub(crate) fn new(exit: Exit, code: &str, detail: impl Into<String>) -> Failure {
        let (status, title) = status_and_title(exit);
        let mut document = Map::new();
        document.insert(
            "type".into(),
            json!(format!("https://keyway.example/problems/{code}")),
        );
        document.insert("title".into(), json!(title));
        document.insert("status".into(), json!(status));
        document.insert("detail".into(), json!(detail.into()));
        document.insert("code".into(), json!(code));
        Failure { exit, document }
    }

    /// Adds what to do about it.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Failure {
        let hint = hint.into();
        if !hint.is_empty() {
            self.document.insert("hint".into(), json!(hint));
        }
        self
    }

    /// Adds a further member to the document.
    #[must_use]
    pub(crate) fn with(mut self, name: &str, value: Value) -> Failure {
        self.document.insert(name.to_owned(), value);
        self
    }

    /// The command line was not understood.
    pub(crate) fn usage(detail: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure::new(Exit::Usage, "cli.usage", detail).hint(hint)
    }

    /// Something that cannot happen did.
    pub(crate) fn bug(detail: impl Into<String>) -> Failure {
        Failure::new(Exit::Bug, "internal", detail)
            .hint("this is a fault of Keyway: please report it with this text")
    }

    /// A file or socket of this machine refused.
    pub(crate) fn io(what: &str, error: &io::Error) -> Failure {
        Failure::new(Exit::Storage, "storage_error", format!("{what}: {error}"))
    }

    /// Takes over a problem document of the REST API; what is not one becomes one.
    pub(crate) fn from_answer(status: u16, body: Value) -> Failure {
        match body {
            Value::Object(document)
                if document.contains_key("code") || document.contains_key("title") =>
            {
                let code = document
                    .get("code")
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                Failure {
                    exit: Exit::of_problem(status, code),
                    document,
                }
            }
            _ => {
                let exit = Exit::of_problem(status, "");
                Failure::new(
                    exit,
                    "client.answer",
                    format!("the server answered HTTP {status} without a problem document"),
                )
                .with("status", json!(status))
                .hint("is this address really a Keyway server?")
            }
        }
    }

    pub(crate) fn exit(&self) -> Exit {
        self.exit
    }

    pub(crate) fn code(&self) -> &str {
        self.member("code").unwrap_or_default()
    }

    /// A text member of the document.
    pub(crate) fn member(&self, name: &str) -> Option<&str> {
        self.document
            .get(name)
            .and_then(Value::as_str)
            .filter(|text| !text.is_empty())
    }

    /// The document as it is printed with `--json`.
    pub(crate) fn document(&self) -> Value {
        Value::Object(self.document.clone())
    }

    /// The member `diagnosis`, when the provider is the reason.
    pub(crate) fn diagnosis(&self) -> Option<&Value> {
        self.document
            .get("diagnosis")
            .filter(|value| value.is_object())
    }
}

/// The HTTP status a problem of the command line would have had, with the title of that kind.
fn status_and_title(exit: Exit) -> (u16, &'static str) {
    match exit {
        Exit::Ok | Exit::Bug => (500, "Internal error"),
        Exit::Usage => (400, "Wrong usage"),
        Exit::NotFound => (404, "Not found"),
        Exit::NotAllowed => (403, "Not allowed"),
        Exit::Invalid => (400, "Invalid value"),
        Exit::Conflict => (409, "Conflict"),
        Exit::Upstream => (502, "Not reachable"),
        Exit::Storage => (503, "Storage error"),
        Exit::Locked => (423, "Locked"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_lead_to_the_exit_code_of_their_kind() {
        for (status, code, expected) in [
            (404, "connection.not_found", Exit::NotFound),
            (401, "unauthenticated", Exit::NotAllowed),
            (403, "csrf", Exit::NotAllowed),
            (400, "body.invalid", Exit::Invalid),
            (413, "body.too_large", Exit::Invalid),
            (422, "scope.separator", Exit::Invalid),
            (409, "connection.name_taken", Exit::Conflict),
            (412, "conflict.version", Exit::Conflict),
            (428, "precondition.required", Exit::Conflict),
            (409, "idp.refused", Exit::Upstream),
            (502, "upstream.unreachable", Exit::Upstream),
            (504, "upstream.timeout", Exit::Upstream),
            (503, "storage_full", Exit::Storage),
            (409, "connection.needs_user", Exit::Locked),
            (500, "internal", Exit::Bug),
        ] {
            let failure = Failure::from_answer(
                status,
                json!({ "code": code, "title": "t", "status": status }),
            );
            assert_eq!(failure.exit(), expected, "{status} {code}");
        }
    }

    #[test]
    fn an_answer_that_is_no_problem_document_becomes_one() {
        let failure = Failure::from_answer(502, json!("<html>"));
        assert_eq!(failure.exit(), Exit::Upstream);
        assert_eq!(failure.document()["status"], 502);
        assert!(failure.member("detail").unwrap().contains("502"));
    }
}
