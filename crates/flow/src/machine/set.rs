//! `set`: the evaluated value replaces the data, it is never merged.

use std::sync::Arc;

use super::Machine;
use super::evaluate::{About, Stop};
use super::frame::Frame;
use super::walk::Turn;
use crate::definition::Template;

impl Machine {
    pub(super) fn set(&mut self, frame: &mut Frame, template: &Template) -> Result<Turn, Stop> {
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        let value = self.template(frame, &mut About::new("set", &input, &scope), template)?;
        Ok(Turn::Done(Arc::new(value)))
    }
}
