//! What happens to a run while it is worked on: answers, timers, letters. It is gathered here and applied elsewhere.

use std::time::Duration;

use flow::command::Call;
use flow::machine::Machine;
use flow::{Command, CommandId, Event, Fault, FaultType, Recorded};
use jiff::Timestamp;
use store::ParkedFor;
use store::failpoint::{self, Place};
use tokio::task::Id;

use super::drive::Drive;
use crate::letter::Letter;
use crate::perform::Done;

/// What a run has to take in at once.
#[derive(Default)]
pub(super) struct Batch {
    pub(super) events: Vec<Recorded>,
    pub(super) read_until: Option<i64>,
    pub(super) again: Vec<CommandId>,
    pub(super) ready: Vec<(CommandId, Call)>,
}

impl Drive {
    /// Waits for something to happen.
    pub(super) async fn next(&mut self) -> Batch {
        let mut batch = Batch::default();
        let soonest = self.soonest();
        let wait = soonest.map_or(Duration::from_hours(1), |at| {
            Duration::try_from(at.duration_since(self.engine.now())).unwrap_or_default()
        });
        tokio::select! {
            // What people say comes first: whoever suspends a run may rely on it.
            biased;
            () = self.nudge.notified() => {
                match self.engine.store.runs().letters(&self.run).await {
                    Ok(read) => self.letters(read, &mut batch),
                    Err(error) => {
                        tracing::warn!(run = %self.run, %error, "the letters of a run can't be read now");
                        self.nudge.notify_one();
                        tokio::time::sleep(Duration::from_millis(100)).await;
                    }
                }
            }
            Some(done) = self.busy.join_next_with_id(), if !self.busy.is_empty() => {
                self.taken(done, &mut batch);
                while let Some(done) = self.busy.try_join_next_with_id() {
                    self.taken(done, &mut batch);
                }
            }
            () = tokio::time::sleep(wait) => {
                // The time has passed here, whatever the clock says by now.
                if let Some(at) = soonest {
                    self.due(at.max(self.now()), &mut batch);
                }
            }
            () = self.engine.cancel.cancelled(), if !self.stopping => self.stopping = true,
        }
        self.due(self.now(), &mut batch);
        batch
    }

    /// Timers that are due at a time.
    pub(super) fn due(&self, now: Timestamp, batch: &mut Batch) {
        let machine = self.machine.iter();
        for pending in machine.flat_map(Machine::pending) {
            let Command::Sleep { id, until } = &pending.command else {
                continue;
            };
            let known = |event: &Recorded| matches!(&event.event, Event::Completed { id: other, .. } if other == id);
            if *until <= now && !batch.events.iter().any(known) {
                batch.events.push(Recorded {
                    at: now,
                    event: Event::Completed {
                        id: id.clone(),
                        result: Ok(serde_json::Value::Null),
                        explanation: None,
                    },
                });
            }
        }
    }

    pub(super) fn letters(&mut self, read: Vec<store::Received>, batch: &mut Batch) {
        for letter in read {
            batch.read_until = Some(letter.seq);
            match serde_json::from_value(letter.body) {
                Ok(Letter::Event(event)) => batch.events.push(Recorded {
                    at: self.now(),
                    event: *event,
                }),
                Ok(Letter::SendAgain(id)) => {
                    self.parked.remove(&id);
                    self.unsent.insert(id.clone());
                    batch.again.push(id);
                }
                Err(error) => {
                    tracing::error!(run = %self.run, %error, "a letter of a run can't be understood");
                }
            }
        }
    }

    /// Takes in what became of a command.
    fn taken(&mut self, done: Result<(Id, Done), tokio::task::JoinError>, batch: &mut Batch) {
        let (task, done) = match done {
            Ok(done) => done,
            Err(error) if error.is_panic() => {
                tracing::error!(run = %self.run, "carrying a command out failed; please report this");
                let fault = Fault::new(
                    FaultType::Runtime,
                    "Keyway itself failed: please report this",
                );
                (error.id(), fault.code("internal").into())
            }
            Err(error) => {
                self.doing.remove(&error.id());
                return;
            }
        };
        let Some((id, _)) = self.doing.remove(&task) else {
            return;
        };
        match done {
            Done::Result {
                result,
                explanation,
            } => {
                failpoint::reach(Place::AnswerRead);
                batch.events.push(Recorded {
                    at: self.now(),
                    event: Event::Completed {
                        id,
                        result: match result {
                            Ok(value) => Ok(self.caller.redactor.value(value)),
                            Err(fault) => Err(Fault {
                                detail: fault.detail.map(|text| self.caller.redactor.text(text)),
                                ..fault
                            }),
                        },
                        explanation: explanation.map(|value| self.caller.redactor.value(value)),
                    },
                });
            }
            Done::Needs {
                name,
                id: connection,
                code,
            } => {
                self.unsent.insert(id.clone());
                let reason = ParkedFor::Connection {
                    name,
                    id: connection,
                    code,
                };
                self.parked.insert(id, reason);
            }
            Done::Ready(call) => batch.ready.push((id, Call::Http(*call))),
        }
    }
}
