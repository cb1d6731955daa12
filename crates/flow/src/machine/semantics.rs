//! Versions of what a journal means: a run goes on under the one it began with, whatever this program means by now.
//!
//! A change that lets the same journal give other commands, another status or another `$runtime.version` is a new number; what the
//! older number meant stays here as long as runs of it may be under way.
//!
//! | number | what it changed |
//! | --- | --- |
//! | 1 | |
//! | 2 | no more than [`limits::EVENTS`] events wait: the next one is a fault. Under 1 all wait |

use super::Machine;
use crate::limits;

/// The version that runs begin with.
pub const SEMANTICS: u32 = 2;

/// The first version in which the events that wait are bounded.
const BOUNDED_QUEUES: u32 = 2;

impl Machine {
    /// The same machine with the meaning of that version, before anything has happened to it; none if this program does not know it.
    #[must_use]
    pub fn meaning(mut self, semantics: u32) -> Option<Machine> {
        if !(1..=SEMANTICS).contains(&semantics) {
            return None;
        }
        self.semantics = semantics;
        Some(self)
    }
}

/// Whether one more event may wait beside so many.
pub(super) fn has_room(semantics: u32, waiting: usize) -> bool {
    semantics < BOUNDED_QUEUES || waiting < limits::EVENTS
}
