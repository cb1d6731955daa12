//! The machine: recorded events in, commands out.
//!
//! A pure function of its events: the same journal gives the same machine, on any host and at any time. It never waits,
//! never asks what time it is (each event says so), and draws all randomness from the seed in `Started`. One file per kind of task.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::{Command, CommandId, Fault};

/// The version of this machine's meaning. A run is pinned to the one it began with; a change of meaning is a new number.
pub const SEMANTICS: u32 = 1;

/// Values of `$secrets`: plain secrets only, never a connection's. Not part of the journal.
#[derive(Clone, Default)]
pub struct Secrets(pub BTreeMap<String, Value>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where a run is; the language's phases.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Nothing has happened yet.
    Pending,
    /// Commands are out that somebody works on.
    Running,
    /// Only timers and listeners are out.
    Waiting,
    /// Nothing new is begun.
    Suspended,
    /// Ended by a person.
    Cancelled,
    /// Ended by an error that nothing caught.
    Faulted(Fault),
    /// Ended, with the flow's output.
    Completed(Value),
}

/// A command without an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The command.
    pub command: Command,
    /// Whether `Sent` was recorded for it.
    pub sent: Sent,
}

/// Whether a command may already have been performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It has not been begun, as far as the journal knows.
    No,
    /// It was begun at this time.
    At(Timestamp),
}

/// Whether a machine keeps what its steps did, for people to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// All steps.
    Steps,
    /// None: the run goes on all the same.
    Nothing,
}

/// What one task did once: a line of a run's history, in the order in which they began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The task's name.
    pub name: String,
    /// Its pointer in the document.
    pub reference: String,
    /// The pointer with rounds and attempt; unique in the run.
    pub id: CommandId,
    /// Rounds of the loops around it, outermost first, from 0.
    pub rounds: Vec<u64>,
    /// Attempt of the innermost `try` around it, from 1.
    pub attempt: u32,
    /// How it stands.
    pub status: StepStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its transformed input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// Its transformed output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// The language's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// How its command was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Value>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It goes on.
    Running,
    /// It waits for a time or an event.
    Waiting,
    /// Its `if` was false.
    Skipped,
    /// It ended.
    Completed,
    /// It ended with an error.
    Faulted,
    /// It was ended.
    Cancelled,
}
