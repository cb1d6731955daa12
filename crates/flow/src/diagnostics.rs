//! What is wrong with a flow's text, and where.

use std::fmt;

use serde::Serialize;

/// One finding. Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Diagnostic {
    /// Stable: `flow.parse`, `flow.schema`, `flow.feature_disabled`, `flow.reference`, `flow.duplicate`, `flow.secret_literal`, `expr.…`.
    pub code: &'static str,
    /// Where in the document, as an RFC 6901 pointer; `""` is the whole.
    pub pointer: String,
    /// The line it begins on.
    pub line: usize,
    /// The column it begins at.
    pub column: usize,
    /// How many characters it spans on that line; at least 1.
    pub length: usize,
    /// What is wrong.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// Whether the flow can run all the same.
    #[serde(skip)]
    pub severity: Severity,
}

impl Diagnostic {
    /// Whether it refuses the flow.
    pub fn is_error(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// Whether a finding refuses the flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// The flow is refused.
    Error,
    /// The flow runs, but somebody should look.
    Warning,
}

/// Everything that was found, in the order of the text; at least one error when it is an `Err`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.as_slice() {
            [] => f.write_str("nothing was found"),
            [first, rest @ ..] => {
                write!(
                    f,
                    "line {}, column {}: {}",
                    first.line, first.column, first.message
                )?;
                if rest.is_empty() {
                    Ok(())
                } else {
                    write!(f, " (and {} more)", rest.len())
                }
            }
        }
    }
}

impl std::error::Error for Diagnostics {}
