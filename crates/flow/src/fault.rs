//! A fault: the language's error, a problem detail (RFC 9457) that a `try` can catch.

use serde::{Deserialize, Serialize};

/// The base of the standard types, as DSL 1.0.3 has it; raised by us.
pub const BASE: &str = "https://serverlessworkflow.io/spec/1.0.0/errors/";
/// The base after the specification's renaming; accepted in filters.
pub const RENAMED_BASE: &str = "https://open-workflow-specification.org/spec/1.0.0/errors/";

/// The standard types of faults (DSL reference, "Standard Error Types").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultType {
    /// The definition or what it names can't be used.
    Configuration,
    /// A schema was not met.
    Validation,
    /// An expression could not be evaluated.
    Expression,
    /// A token or credential was refused.
    Authentication,
    /// A secret or connection may not be used.
    Authorization,
    /// It took too long.
    Timeout,
    /// Another party answered with an error or not at all.
    Communication,
    /// The rest.
    Runtime,
}

impl FaultType {
    /// The last part of its URI.
    pub fn name(self) -> &'static str {
        match self {
            FaultType::Configuration => "configuration",
            FaultType::Validation => "validation",
            FaultType::Expression => "expression",
            FaultType::Authentication => "authentication",
            FaultType::Authorization => "authorization",
            FaultType::Timeout => "timeout",
            FaultType::Communication => "communication",
            FaultType::Runtime => "runtime",
        }
    }

    /// The status it has unless something better is known.
    pub fn status(self) -> u16 {
        match self {
            FaultType::Configuration | FaultType::Validation | FaultType::Expression => 400,
            FaultType::Authentication => 401,
            FaultType::Authorization => 403,
            FaultType::Timeout => 408,
            FaultType::Communication | FaultType::Runtime => 500,
        }
    }

    /// What a person reads first.
    pub fn title(self) -> &'static str {
        match self {
            FaultType::Configuration => "Configuration error",
            FaultType::Validation => "Validation error",
            FaultType::Expression => "Expression error",
            FaultType::Authentication => "Authentication error",
            FaultType::Authorization => "Authorization error",
            FaultType::Timeout => "Timeout",
            FaultType::Communication => "Communication error",
            FaultType::Runtime => "Runtime error",
        }
    }

    /// Its URI.
    pub fn uri(self) -> String {
        format!("{BASE}{}", self.name())
    }
}

/// What went wrong in a step. `instance` is the pointer of the task that owns it; the machine sets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fault {
    /// A URI: a standard type's, or the author's own.
    pub r#type: String,
    /// A status as HTTP has them.
    pub status: u16,
    /// What it is called.
    pub title: String,
    /// What happened, at most 2 KiB.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The pointer of the task (`/do/0/name`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<String>,
    /// Our stable code, when it has one (`upstream.timeout`, `expr.limit_cpu`, …). Not part of the language's error: flows don't see it,
    /// whoever reads of the run does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How many milliseconds the other party asks to wait. Not part of the language's error.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<u64>,
}

impl Fault {
    /// A fault of a standard type with its usual status and title.
    pub fn new(r#type: FaultType, detail: impl Into<String>) -> Fault {
        Fault {
            r#type: r#type.uri(),
            status: r#type.status(),
            title: r#type.title().to_owned(),
            detail: Some(detail.into()),
            instance: None,
            code: None,
            retry_after: None,
        }
    }

    /// The same with another status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Fault {
        self.status = status;
        self
    }

    /// The same with our stable code.
    #[must_use]
    pub fn code(mut self, code: impl Into<String>) -> Fault {
        self.code = Some(code.into());
        self
    }

    /// The language's error object: `type`, `status`, `title`, `detail`, `instance`.
    pub fn error(&self) -> serde_json::Value {
        let mut error =
            serde_json::json!({ "type": self.r#type, "status": self.status, "title": self.title });
        for (key, value) in [("detail", &self.detail), ("instance", &self.instance)] {
            if let Some(value) = value {
                error[key] = value.clone().into();
            }
        }
        error
    }

    /// What people and programs read of it: the language's error, and our stable code beside it (an extension member, RFC 9457 §3.2).
    pub fn told(&self) -> serde_json::Value {
        let mut told = self.error();
        if let Some(code) = &self.code {
            told["code"] = code.clone().into();
        }
        told
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Fault, FaultType};

    #[test]
    fn our_code_is_told_and_no_part_of_the_language() {
        let fault = Fault::new(FaultType::Runtime, "too often").code("flow.limit");
        let told = json!({
            "type": "https://serverlessworkflow.io/spec/1.0.0/errors/runtime", "status": 500, "title": "Runtime error",
            "detail": "too often", "code": "flow.limit",
        });
        assert_eq!(fault.told(), told);
        assert_eq!(fault.error().get("code"), None);
        let without = Fault::new(FaultType::Runtime, "no code");
        assert_eq!(without.told(), without.error());
    }
}
