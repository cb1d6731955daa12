//! jq within limits: compile, classify, evaluate.
//!
//! The only room that names jaq. Pure: values in, values out; it knows no I/O and nothing of flows.

mod classify;
mod failure;
mod library;
mod limits;
mod meter;
mod natives;
mod nearby;
mod needs;
mod nesting;
mod parse;
mod program;
mod simple;
mod source;
mod value;
mod walk;
pub mod worker;

pub use failure::{Code, CompileError, EvalError, Exceeded};
pub use limits::Limits;
pub use program::{Class, Program, compile};
pub use source::{DEEPEST_NESTING, LONGEST_SOURCE};

/// The functions of the dialect as `name/arguments`, in alphabetical order.
pub fn functions() -> Vec<String> {
    library::library()
        .offered()
        .iter()
        .map(|(name, arguments)| format!("{name}/{arguments}"))
        .collect()
}
