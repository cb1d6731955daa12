//! Calls of runs in the call log: which step of which run called, through which connection.
//!
//! The log writes in batches, so no step waits for it; what a run must remember of a call is in its journal.

use ::http::Method;
use connect::{ApiResponse, Begun, CallError};
use flow::CommandId;

use super::{Caller, Performer};

/// Beside the id of its step, the command that asks for a page says which page.
const PAGE: &str = "#page[";

impl Performer {
    /// Notes that a step begins a call.
    pub(super) fn begun(
        &self,
        caller: &Caller,
        id: &CommandId,
        (method, target): (&Method, &str),
    ) -> Begun {
        Begun::new(self.now(), &caller.actor, method, target).in_step(step(&id.0))
    }

    /// Reports what became of it. A secret may be part of a path, and the log is for everybody.
    pub(super) fn report(
        &self,
        caller: &Caller,
        begun: Begun,
        answered: Result<&ApiResponse, &CallError>,
    ) {
        let record = match answered {
            Ok(answer) => Some(begun.answered(answer)),
            Err(error) => begun.failed(error),
        };
        let record = record.map(|mut record| {
            record.path = caller.text_to_show(record.path);
            record
        });
        self.connector.calls().record(record);
    }
}

/// The id of the step that a command belongs to.
fn step(command: &str) -> &str {
    match command.rsplit_once(PAGE) {
        Some((step, page)) if page.ends_with(']') => step,
        _ => command,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_belongs_to_the_step_that_gave_it() {
        for (command, expected) in [
            ("/do/0/list#page[3]", "/do/0/list"),
            ("/do/1/loop[3]/do/0/call~2", "/do/1/loop[3]/do/0/call~2"),
            ("/do/0/a#page[b", "/do/0/a#page[b"),
        ] {
            assert_eq!(step(command), expected, "{command}");
        }
    }
}
