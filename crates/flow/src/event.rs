//! What happened to a run: the lines of its journal. Nothing else ever changes a machine.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::machine::Secrets;
use crate::{CloudEvent, CommandId, Fault};

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recorded {
    /// When it happened; the only clock that a machine knows.
    pub at: Timestamp,
    /// What happened.
    pub event: Event,
}

/// What can happen to a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Event {
    /// It began; always the first line.
    Started {
        /// The run's id, `$workflow.id`.
        run: String,
        /// The raw input.
        input: Value,
        /// The seed of everything that is random in the run: jitter, ids of events.
        entropy: u64,
    },
    /// A command is about to be performed whose outcome can't be known if we stop now; recorded before it is sent.
    Sent {
        /// Which.
        id: CommandId,
    },
    /// A command came to its end; timers too.
    Completed {
        /// Which.
        id: CommandId,
        /// The value, or why there is none.
        result: Result<Value, Fault>,
        /// How it was done (request id, attempts, timings, token generation); shown, never interpreted.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        explanation: Option<Value>,
    },
    /// An event arrived for an open `Listen`, or, with no id, for the run itself (kept until something listens).
    Arrived {
        /// Which listening command.
        id: Option<CommandId>,
        /// The event.
        event: CloudEvent,
    },
    /// What `$secrets` has from here on: what was read of it must come back the same when the run is played again.
    Secrets {
        /// The plain secrets that the flow declares.
        values: Secrets,
    },
    /// Nothing new is begun from here.
    Suspended,
    /// It goes on.
    Resumed,
    /// It ends here.
    Cancelled,
}
