//! Why a program does not compile, and why an evaluation does not end well.

use std::fmt;

use serde_json::Value;

/// What kind of mistake in the source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// Not jq.
    Syntax,
    /// jq, but closed here: it would read the machine or the clock, or stop the server.
    Forbidden,
    /// A variable that nothing binds.
    UnknownVariable,
    /// A function that is not in the dialect.
    UnknownFunction,
    /// More than 16 KiB.
    TooLong,
}

impl Code {
    /// The code as users see it.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Syntax => "expr.syntax",
            Code::Forbidden => "expr.forbidden",
            Code::UnknownVariable => "expr.variable",
            Code::UnknownFunction => "expr.function",
            Code::TooLong => "expr.too_long",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

/// A mistake in the source and where it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct CompileError {
    /// What kind of mistake.
    pub code: Code,
    /// What is wrong, in words.
    pub message: String,
    /// Where it begins, in bytes of the source.
    pub offset: usize,
    /// How many bytes it is long; may be zero at the end of the source.
    pub length: usize,
    /// What to write instead, where we know.
    pub hint: Option<String>,
}

/// Which limit an evaluation reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exceeded {
    /// Steps.
    Cpu,
    /// Bytes of values made.
    Memory,
    /// Number or size of the outputs.
    Output,
    /// Nesting of values or of calls.
    Depth,
}

/// Why an evaluation has no answer.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum EvalError {
    /// The program raised an error: by `error`, or because an operation does not fit its operands.
    #[error("{message}")]
    Raised {
        /// What jq says.
        message: String,
        /// What `catch` would get.
        value: Value,
    },
    /// A limit was reached.
    #[error("the expression {}", too_much(*.what))]
    Limit {
        /// Which one.
        what: Exceeded,
    },
    /// The answer is nothing that JSON can say.
    #[error("{message}")]
    Unrepresentable {
        /// What it is and what to do.
        message: String,
    },
}

fn too_much(what: Exceeded) -> &'static str {
    match what {
        Exceeded::Cpu => "takes too many steps",
        Exceeded::Memory => "makes values of too many bytes",
        Exceeded::Output => "has too many outputs, or too large ones",
        Exceeded::Depth => "nests too deeply",
    }
}

impl EvalError {
    /// The code as users see it.
    pub fn code(&self) -> &'static str {
        match self {
            EvalError::Raised { .. } => "expr.raised",
            EvalError::Limit {
                what: Exceeded::Cpu,
            } => "expr.limit_cpu",
            EvalError::Limit {
                what: Exceeded::Memory,
            } => "expr.limit_memory",
            EvalError::Limit {
                what: Exceeded::Output,
            } => "expr.limit_output",
            EvalError::Limit {
                what: Exceeded::Depth,
            } => "expr.limit_depth",
            EvalError::Unrepresentable { .. } => "expr.unrepresentable",
        }
    }
}
