//! What a run is told from outside, as its letters hold it.

use flow::{CommandId, Event, Fault, FaultType};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One letter.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Letter {
    /// This happened: a line of the journal to be.
    Event(Box<Event>),
    /// Somebody found out that a call was not made: it is made again.
    SendAgain(CommandId),
}

impl Letter {
    pub(crate) fn event(event: Event) -> Letter {
        Letter::Event(Box::new(event))
    }

    pub(crate) fn body(&self) -> Value {
        serde_json::to_value(self).expect("events are JSON")
    }
}

/// What somebody found out about a call whose outcome was unknown.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolution {
    /// It was not made: make it.
    SendAgain,
    /// It was made, and this is its output.
    Completed(Value),
    /// It was made and failed, or is to count as failed.
    Failed(String),
}

impl Resolution {
    pub(crate) fn letter(self, id: CommandId) -> Letter {
        let result = match self {
            Resolution::SendAgain => return Letter::SendAgain(id),
            Resolution::Completed(value) => Ok(value),
            Resolution::Failed(why) => {
                Err(Fault::new(FaultType::Communication, why).code("run.outcome_unknown"))
            }
        };
        Letter::event(Event::Completed {
            id,
            result,
            explanation: Some(serde_json::json!({ "resolvedByPerson": true })),
        })
    }
}
