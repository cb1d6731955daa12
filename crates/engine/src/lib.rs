//! Makes runs of flows durable: a machine of `flow`, a journal in `store`, calls through `connect`.
//!
//! [`Local`] is the engine of one process; several of them may share a store. A run is its journal: what is not recorded
//! has not happened, and what is recorded is never done again. Recorded first, applied and performed after that; a run that
//! waits is a row and nothing else. What a flow means is `flow`'s, who may call what is `connect`'s.

mod definitions;
mod deploy;
mod entrance;
mod error;
mod history;
mod hook;
mod letter;
mod local;
mod perform;
pub mod schedule;
mod secrets;
pub mod worker;

pub use deploy::{Deployed, Deployment, DryRun, Need, Preflight, Standing, difference};
pub use entrance::Entrance;
pub use error::Error;
pub use history::{History, WaitsFor};
pub use hook::Hook;
pub use letter::Resolution;
pub use local::{
    Answer, Company, Config, Decision, Delivered, From, Health, Local, Outcome, Reply, Start,
    Started, Subject, Trouble, Verdict, Waiting,
};
pub use worker::{WorkerConfig, Workers};
