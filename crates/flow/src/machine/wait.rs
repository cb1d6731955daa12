//! `wait`: a timer; nothing to wait for goes on at once. The output is the input.

use std::sync::Arc;

use super::Machine;
use super::evaluate::{About, Stop};
use super::frame::{Body, Frame};
use super::outbox::Part;
use super::walk::Turn;
use crate::definition::Duration;

impl Machine {
    pub(super) fn wait(&mut self, frame: &mut Frame, duration: &Duration) -> Result<Turn, Stop> {
        match frame.body {
            Body::Fresh => {
                let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
                let length =
                    self.duration(frame, &mut About::new("wait", &input, &scope), duration)?;
                if !length.is_positive() {
                    return Ok(Turn::Done(input));
                }
                frame.body = Body::Out;
                self.sleep(frame, Part::Body, "", length);
                self.record_waiting(frame);
                Ok(Turn::Wait)
            }
            Body::Answered(_) => Ok(Turn::Done(Arc::clone(&frame.input))),
            _ => Ok(Turn::Wait),
        }
    }
}
