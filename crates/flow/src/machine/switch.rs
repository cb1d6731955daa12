//! `switch`: the first case that holds says what comes then; the output is the input.

use std::sync::Arc;

use super::Machine;
use super::evaluate::{About, Stop};
use super::frame::Frame;
use super::walk::Turn;
use crate::definition::task::Case;

impl Machine {
    pub(super) fn switch(&mut self, frame: &mut Frame, cases: &[Case]) -> Result<Turn, Stop> {
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        let mut then = None;
        for case in cases {
            let Some(when) = &case.when else { continue };
            let part = format!("switch.{}", case.name);
            if self.holds(frame, &mut About::new(&part, &input, &scope), when)? {
                then = Some(case.then);
                break;
            }
        }
        let default = || {
            cases
                .iter()
                .find(|case| case.when.is_none())
                .map(|case| case.then)
        };
        if let Some(then) = then.or_else(default) {
            frame.then = then;
        }
        Ok(Turn::Done(input))
    }
}
