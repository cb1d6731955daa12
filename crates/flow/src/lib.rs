//! The flow language (Serverless Workflow DSL 1.0.3, Keyway's profile 1): parse, check, interpret.
//!
//! Pure as `oauth` is: no async, clock, randomness, file or network. It knows nothing of OAuth, of HTTP, or of how runs are stored.
//! [`Flow::parse`] turns text into a definition that checked out; a [`Machine`] is given one and recorded events, and answers with commands.

pub mod cloud_event;
pub mod command;
pub mod definition;
pub mod diagnostics;
pub mod event;
pub mod fault;
pub mod graph;
pub mod limits;
pub mod machine;
pub mod parse;
pub mod reference;

pub use cloud_event::CloudEvent;
pub use command::{Command, CommandId};
pub use definition::Flow;
pub use diagnostics::{Diagnostic, Diagnostics};
pub use event::{Event, Recorded};
pub use fault::{Fault, FaultType};
pub use machine::{Machine, Status};
pub use parse::Text;
