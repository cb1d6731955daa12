//! The parser over whole texts.

mod findings;
mod hostile;
mod schema;
