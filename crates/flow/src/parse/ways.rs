//! The ways through a list of tasks: what nothing leads to, and what goes round for ever.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Reader;
use super::fields::{At, shown};
use super::findings::{LOOP, UNREACHABLE};
use crate::definition::{Block, Kind, Task, Then};

impl<'t> Reader<'_, 't> {
    /// Warns of tasks that are never reached, and of those that go round for ever without a pause or a condition.
    pub(super) fn judge_ways(&mut self, tasks: &[Arc<Task>], places: &[At<'t>]) {
        let reached = reached(tasks);
        for (position, at) in places.iter().enumerate() {
            if !reached.contains(&position) {
                let name = shown(&tasks[position].name);
                self.warn(
                    at,
                    UNREACHABLE,
                    format!("nothing leads to the task `{name}`"),
                );
            }
            let Some(ring) = ring(tasks, position) else {
                continue;
            };
            let names: Vec<_> = ring
                .iter()
                .map(|position| format!("`{}`", shown(&tasks[*position].name)))
                .collect();
            let (message, hint) = match names.as_slice() {
                [name] => (
                    format!("the task {name} goes back to itself for ever"),
                    "give it an `if`, or lead to a `switch`",
                ),
                names => (
                    format!("the tasks {} go round for ever", names.join(", ")),
                    "give one of them an `if`, or lead to a `switch`",
                ),
            };
            self.warn(at, LOOP, message).hint(hint);
        }
    }
}

/// The positions that a run can come to.
fn reached(tasks: &[Arc<Task>]) -> BTreeSet<usize> {
    let mut reached = BTreeSet::new();
    let mut open = vec![0];
    while let Some(position) = open.pop() {
        if position < tasks.len() && reached.insert(position) {
            open.extend(successors(tasks, position));
        }
    }
    reached
}

/// Where a run can go on after a task.
fn successors(tasks: &[Arc<Task>], position: usize) -> Vec<usize> {
    let task = &tasks[position];
    let mut ways = Vec::new();
    if task.condition.is_some() {
        ways.push(position + 1);
    }
    match &task.kind {
        Kind::Raise(_) => {}
        Kind::Switch(cases) => {
            ways.extend(cases.iter().filter_map(|case| target(case.then, position)));
            if cases.iter().all(|case| case.when.is_some()) {
                ways.extend(target(task.then, position));
            }
        }
        _ => ways.extend(target(task.then, position)),
    }
    ways
}

/// The position that `then` leads to from this one, in the same list.
fn target(then: Then, position: usize) -> Option<usize> {
    match then {
        Then::Continue => Some(position + 1),
        Then::Task(target) => Some(target),
        Then::Exit | Then::End => None,
    }
}

/// The ring of tasks, each with one way on, that begins here; it is told at its first task only.
fn ring(tasks: &[Arc<Task>], first: usize) -> Option<Vec<usize>> {
    let mut ring = vec![first];
    loop {
        let next = only_way(tasks, *ring.last()?)?;
        if next == first {
            return Some(ring);
        }
        if next < first || ring.contains(&next) {
            return None;
        }
        ring.push(next);
    }
}

/// Where a run goes on after a task, whatever it finds and without a pause.
fn only_way(tasks: &[Arc<Task>], position: usize) -> Option<usize> {
    let task = tasks.get(position)?;
    if task.condition.is_some() || pauses(task) {
        return None;
    }
    target(task.then, position)
}

/// Whether a task, or one inside it, waits, decides or ends the run.
fn pauses(task: &Task) -> bool {
    let inside = |block: &Block| {
        let mut tasks = block.0.iter();
        tasks.any(|task| task.then == Then::End || pauses(task))
    };
    match &task.kind {
        Kind::Wait(_) | Kind::Listen(_) | Kind::Switch(_) | Kind::Raise(_) => true,
        Kind::Do(block) => inside(block),
        Kind::For(each) => inside(&each.r#do),
        Kind::Fork(fork) => inside(&fork.branches),
        Kind::Try(tried) => inside(&tried.r#try) || tried.catch.r#do.as_ref().is_some_and(inside),
        Kind::Set(_) | Kind::Emit(_) | Kind::Run(_) | Kind::Call(_) => false,
    }
}
