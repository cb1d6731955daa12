//! Who waits in this process for the answer of a run: a caller of a webhook, a person at a terminal.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use serde_json::Value;
use store::RunId;
use tokio::sync::oneshot;

/// What a run says to whoever waits for it.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// The run.
    pub run: RunId,
    /// What became of it so far.
    pub outcome: Outcome,
}

/// What became of a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It completed with this output.
    Completed(Value),
    /// It ended with this error: the language's, with our code where there is one (`flow::Fault::told`).
    Faulted(Value),
    /// A person ended it.
    Cancelled,
    /// It answers its caller and goes on (`call: respond`).
    Replied(Reply),
    /// The time is over and it still goes on.
    Pending,
}

impl Outcome {
    /// The word for it, as statuses of runs have it.
    pub(super) fn word(&self) -> &'static str {
        match self {
            Outcome::Completed(_) => "completed",
            Outcome::Faulted(_) => "faulted",
            Outcome::Cancelled => "cancelled",
            Outcome::Replied(_) | Outcome::Pending => "running",
        }
    }
}

/// What `call: respond` answers.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Header fields.
    pub headers: Vec<(String, String)>,
    /// The body: text as it is, anything else as JSON; null is none.
    pub body: Value,
}

/// Those who wait.
#[derive(Default)]
pub(super) struct Waiters(Mutex<HashMap<RunId, Vec<oneshot::Sender<Outcome>>>>);

impl Waiters {
    pub(super) fn wait(&self, run: &RunId) -> oneshot::Receiver<Outcome> {
        let (sender, receiver) = oneshot::channel();
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Now and then, so that those who went away unanswered do not pile up.
        if waiting.len().is_power_of_two() {
            waiting.retain(|_, senders| {
                senders.retain(|sender| !sender.is_closed());
                !senders.is_empty()
            });
        }
        waiting.entry(run.clone()).or_default().push(sender);
        receiver
    }

    /// Answers everybody who waits for a run; whoever comes later is not answered.
    pub(super) fn answer(&self, run: &RunId, outcome: &Outcome) {
        let senders = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(run);
        for sender in senders.into_iter().flatten() {
            // Whoever has stopped waiting reads the run's record.
            drop(sender.send(outcome.clone()));
        }
    }
}
