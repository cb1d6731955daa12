//! `run.workflow`: another flow, by name. How deep flows may call flows is the engine's to say.

use std::sync::Arc;

use serde_json::Value;

use super::Machine;
use super::evaluate::{About, Stop};
use super::frame::{Body, Frame};
use super::outbox::Part;
use super::walk::Turn;
use crate::Command;
use crate::command::Await;
use crate::definition::task::{Discard, RunTask};

impl Machine {
    pub(super) fn run_flow(&mut self, frame: &mut Frame, run: &RunTask) -> Result<Turn, Stop> {
        match std::mem::take(&mut frame.body) {
            Body::Fresh => {
                let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
                let given = match &run.input {
                    Some(template) => self.template(
                        frame,
                        &mut About::new("run.input", &input, &scope),
                        template,
                    )?,
                    None => (*input).clone(),
                };
                let command = Command::Run {
                    id: self.id(frame, ""),
                    flow: run.flow.clone(),
                    input: given,
                    wait: run.wait,
                };
                frame.body = Body::Out;
                self.command(frame, Part::Body, command);
                Ok(Turn::Wait)
            }
            Body::Answered(output) => Ok(Turn::Done(match (run.wait, run.discard) {
                (Await::Nothing, _) => Arc::clone(&frame.input),
                (Await::Output, Discard::Drop) => Arc::new(Value::Null),
                (Await::Output, Discard::Keep) => Arc::new(output),
            })),
            other => {
                frame.body = other;
                Ok(Turn::Wait)
            }
        }
    }
}
