//! `fork`: branches side by side. Each works on its own copy of `$context`; after joining, their exports are applied in the order
//! in which the branches are declared. In a race the first success wins, and what it exported is all that is kept.

use std::sync::Arc;

use serde_json::Value;

use super::Machine;
use super::frame::{Body, Branch, Exported, Frame, Key};
use super::walk::{Child, Turn};
use crate::definition::Then;
use crate::definition::task::{Compete, ForkTask};

/// A fork under way.
#[derive(Debug)]
pub(super) struct Forking {
    compete: Compete,
    branches: Vec<Key>,
    outputs: Vec<Option<Arc<Value>>>,
    /// How many branches have not ended.
    left: usize,
    winner: Option<usize>,
    /// What comes after the fork, when a branch says `end`.
    ends: Option<Then>,
}

impl Forking {
    pub(super) fn branches(&self) -> impl Iterator<Item = Key> {
        self.branches.iter().copied()
    }

    pub(super) fn absorb(&mut self, slot: usize, output: Arc<Value>, then: Then) {
        self.left -= 1;
        self.outputs[slot] = Some(output);
        self.winner.get_or_insert(slot);
        if then == Then::End {
            self.ends = Some(Then::End);
        }
    }

    /// A branch failed: a race goes on while another may still win.
    pub(super) fn absorb_fault(&mut self) -> bool {
        self.left -= 1;
        self.compete == Compete::First && self.left > 0
    }
}

impl Machine {
    pub(super) fn fork(&mut self, frame: &mut Frame, task: &ForkTask) -> Turn {
        let mut state = match std::mem::take(&mut frame.body) {
            Body::Fresh => Box::new(self.open_fork(frame, task)),
            Body::Fork(state) => state,
            other => {
                frame.body = other;
                return Turn::Wait;
            }
        };
        let output = match (task.compete, state.winner) {
            (Compete::First, Some(winner)) => {
                let losers = std::mem::take(&mut frame.children);
                self.discard(losers);
                self.join(frame, state.branches[winner]);
                state.outputs[winner]
                    .take()
                    .expect("the winner left its output")
            }
            (Compete::All, _) if state.left == 0 => {
                for branch in state.branches() {
                    self.join(frame, branch);
                }
                let outputs = state.outputs.drain(..).flatten();
                Arc::new(Value::Array(outputs.map(Arc::unwrap_or_clone).collect()))
            }
            _ => {
                frame.body = Body::Fork(state);
                return Turn::Wait;
            }
        };
        for branch in state.branches() {
            self.branches.remove(branch);
        }
        if let Some(then) = state.ends {
            frame.then = then;
        }
        Turn::Done(output)
    }

    fn open_fork(&mut self, frame: &mut Frame, task: &ForkTask) -> Forking {
        let context = self
            .branches
            .get(frame.branch)
            .map_or_else(Default::default, |branch| Arc::clone(&branch.context));
        let branches: Vec<Key> = task
            .branches
            .0
            .iter()
            .map(|_| {
                self.branches.add(Branch {
                    context: Arc::clone(&context),
                    exported: Exported::Nothing,
                })
            })
            .collect();
        // The stack is worked off from its top: the first branch has its go first.
        for (slot, branch) in task.branches.0.iter().enumerate().rev() {
            let child = Child {
                task: Arc::clone(branch),
                raw: Arc::clone(&frame.input),
                scope: frame.scope.clone(),
                branch: branches[slot],
                slot,
                turn: 1,
            };
            self.enter(frame, child);
        }
        Forking {
            compete: task.compete,
            outputs: vec![None; branches.len()],
            left: branches.len(),
            branches,
            winner: None,
            ends: None,
        }
    }

    /// Applies what a branch exported to the line that the fork is on.
    fn join(&mut self, frame: &Frame, branch: Key) {
        let Some(Branch {
            context,
            exported: Exported::Something,
        }) = self.branches.get(branch).cloned()
        else {
            return;
        };
        if let Some(line) = self.branches.get_mut(frame.branch) {
            line.context = context;
            line.exported = Exported::Something;
        }
    }
}
