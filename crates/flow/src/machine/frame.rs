//! What is alive: one frame for each task that has begun and not ended. A frame that ended is gone; a long loop holds one round.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use super::for_each::Looping;
use super::fork::Forking;
use super::listen::Listening;
use super::page::Collecting;
use super::try_catch::Trying;
use crate::definition::{Duration, Expression, Flow, Input, Output, Task, Then};
use crate::{CommandId, Fault};

/// A place in a slab. An old key never opens what came to its place later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Key {
    index: u32,
    generation: u32,
}

/// Things with keys, in places that are used again.
#[derive(Debug)]
pub(super) struct Slab<T> {
    places: Vec<(u32, Option<T>)>,
    free: Vec<u32>,
}

impl<T> Slab<T> {
    pub(super) fn new() -> Slab<T> {
        Slab {
            places: Vec::new(),
            free: Vec::new(),
        }
    }

    pub(super) fn add(&mut self, thing: T) -> Key {
        if let Some(index) = self.free.pop() {
            let place = &mut self.places[index as usize];
            place.1 = Some(thing);
            return Key {
                index,
                generation: place.0,
            };
        }
        let index = u32::try_from(self.places.len()).expect("fewer than 2^32 frames are alive");
        self.places.push((0, Some(thing)));
        Key {
            index,
            generation: 0,
        }
    }

    fn place(&mut self, key: Key) -> Option<&mut Option<T>> {
        let place = self.places.get_mut(key.index as usize)?;
        (place.0 == key.generation).then_some(&mut place.1)
    }

    pub(super) fn get(&self, key: Key) -> Option<&T> {
        let place = self.places.get(key.index as usize)?;
        if place.0 == key.generation {
            place.1.as_ref()
        } else {
            None
        }
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.place(key)?.as_mut()
    }

    /// Takes a thing out for a while; its key stays its own.
    pub(super) fn take(&mut self, key: Key) -> Option<T> {
        self.place(key)?.take()
    }

    /// Puts back what was taken out.
    pub(super) fn put(&mut self, key: Key, thing: T) {
        if let Some(place) = self.place(key) {
            *place = Some(thing);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.places.iter().filter(|place| place.1.is_some()).count()
    }

    /// How many things it held at most.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.places.len()
    }

    pub(super) fn remove(&mut self, key: Key) -> Option<T> {
        let thing = self.take(key)?;
        self.places[key.index as usize].0 += 1;
        self.free.push(key.index);
        Some(thing)
    }
}

/// What a frame carries out: the flow as a whole, or one of its tasks.
#[derive(Debug, Clone)]
pub(super) enum Node {
    Flow(Arc<Flow>),
    Task(Arc<Task>),
}

impl Node {
    pub(super) fn reference(&self) -> &str {
        match self {
            Node::Flow(_) => "",
            Node::Task(task) => &task.reference,
        }
    }

    pub(super) fn condition(&self) -> Option<&Expression> {
        match self {
            Node::Flow(_) => None,
            Node::Task(task) => task.condition.as_ref(),
        }
    }

    pub(super) fn input(&self) -> &Input {
        match self {
            Node::Flow(flow) => &flow.input,
            Node::Task(task) => &task.input,
        }
    }

    pub(super) fn output(&self) -> &Output {
        match self {
            Node::Flow(flow) => &flow.output,
            Node::Task(task) => &task.output,
        }
    }

    pub(super) fn timeout(&self) -> Option<&Duration> {
        match self {
            Node::Flow(flow) => flow.timeout.as_ref(),
            Node::Task(task) => task.timeout.as_ref(),
        }
    }
}

/// Variables of the loops and catches around a task, innermost first; shared, since every task inside holds them.
#[derive(Debug, Clone, Default)]
pub(super) struct Scope(Option<Arc<Binding>>);

#[derive(Debug)]
struct Binding {
    name: Arc<str>,
    value: Arc<Value>,
    outer: Scope,
}

impl Scope {
    pub(super) fn bind(&self, name: &Arc<str>, value: Arc<Value>) -> Scope {
        Scope(Some(Arc::new(Binding {
            name: Arc::clone(name),
            value,
            outer: self.clone(),
        })))
    }

    pub(super) fn find(&self, name: &str) -> Option<&Value> {
        let mut scope = self;
        while let Some(binding) = &scope.0 {
            if &*binding.name == name {
                return Some(&binding.value);
            }
            scope = &binding.outer;
        }
        None
    }
}

/// `$context` of one line of execution: the run's, or a copy that a branch of a fork works on.
#[derive(Debug, Clone)]
pub(super) struct Branch {
    pub(super) context: Arc<Value>,
    /// Whether anything was exported since the branch began.
    pub(super) exported: Exported,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exported {
    Nothing,
    Something,
}

/// How far a task has come. A stage may be gone through again when a heavy expression of it was answered: it changes nothing
/// before its last evaluation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    New,
    Condition,
    Input,
    Timeout,
    Body,
    Output,
    Export,
}

/// What the body of a task is doing.
#[derive(Debug, Default)]
pub(super) enum Body {
    /// It has not begun.
    #[default]
    Fresh,
    /// Its only command is out.
    Out,
    /// Its only command was answered.
    Answered(Value),
    /// `do`, the flow itself, or a function of the flow.
    Block(Cursor),
    For(Box<Looping>),
    Fork(Box<Forking>),
    Try(Box<Trying>),
    Listen(Box<Listening>),
    Collect(Box<Collecting>),
}

/// Where a list of tasks is.
#[derive(Debug)]
pub(super) struct Cursor {
    /// The task that is next or under way.
    pub(super) position: usize,
    /// How often it jumped back, plus one: tells a task's second time from its first.
    pub(super) turn: u32,
    /// The last output; first, the input.
    pub(super) data: Arc<Value>,
    pub(super) phase: Phase,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The task at `position` is next.
    Ready,
    /// It is under way.
    Under,
    /// The list is left.
    Over,
    /// The run completes.
    End,
}

/// Whether a list of tasks went back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Forward,
    Back,
}

impl Cursor {
    pub(super) fn new(data: Arc<Value>) -> Cursor {
        Cursor {
            position: 0,
            turn: 1,
            data,
            phase: Phase::Ready,
        }
    }

    /// The task at `position` ended.
    pub(super) fn absorb(&mut self, output: Arc<Value>, then: Then) -> Direction {
        self.data = output;
        self.phase = match then {
            Then::Continue => {
                self.position += 1;
                Phase::Ready
            }
            Then::Exit => Phase::Over,
            Then::End => Phase::End,
            Then::Task(position) => {
                let back = position <= self.position;
                self.position = position;
                self.phase = Phase::Ready;
                if back {
                    self.turn += 1;
                    return Direction::Back;
                }
                Phase::Ready
            }
        };
        Direction::Forward
    }
}

/// A task that has begun.
#[derive(Debug)]
pub(super) struct Frame {
    pub(super) node: Node,
    pub(super) parent: Option<Key>,
    /// Which branch of a fork it is.
    pub(super) slot: usize,
    /// The how-maniest time its list came by it through a jump back, from 1.
    pub(super) turn: u32,
    pub(super) branch: Key,
    pub(super) scope: Scope,
    pub(super) raw: Arc<Value>,
    /// `raw`, transformed.
    pub(super) input: Arc<Value>,
    pub(super) raw_output: Option<Arc<Value>>,
    /// `raw_output`, transformed.
    pub(super) output: Option<Arc<Value>>,
    pub(super) started: Timestamp,
    pub(super) stage: Stage,
    pub(super) then: Then,
    pub(super) body: Body,
    pub(super) children: Vec<Key>,
    /// Its commands without an answer.
    pub(super) commands: Vec<CommandId>,
    /// How many of them are expressions.
    pub(super) asked: usize,
    /// Heavy expressions of this stage that were answered.
    pub(super) answers: Vec<(String, Result<Value, Fault>)>,
    /// Its line in the history.
    pub(super) step: Option<usize>,
}

impl Frame {
    pub(super) fn new(node: Node, raw: Arc<Value>, branch: Key) -> Frame {
        let then = match &node {
            Node::Flow(_) => Then::Continue,
            Node::Task(task) => task.then,
        };
        Frame {
            node,
            parent: None,
            slot: 0,
            turn: 1,
            branch,
            scope: Scope::default(),
            input: Arc::clone(&raw),
            raw,
            raw_output: None,
            output: None,
            started: Timestamp::UNIX_EPOCH,
            stage: Stage::New,
            then,
            body: Body::Fresh,
            children: Vec::new(),
            commands: Vec::new(),
            asked: 0,
            answers: Vec::new(),
            step: None,
        }
    }

    /// The answer of a heavy expression, if it is there.
    pub(super) fn answer(&self, part: &str) -> Option<&Result<Value, Fault>> {
        self.answers
            .iter()
            .find(|(name, _)| name == part)
            .map(|(_, answer)| answer)
    }

    /// The round that is under way, when it is a loop.
    pub(super) fn round(&self) -> Option<u64> {
        match &self.body {
            Body::For(state) => Some(state.round),
            Body::Listen(state) => Some(state.count),
            _ => None,
        }
    }

    /// The attempt that is under way, when it is a `try`.
    pub(super) fn attempt(&self) -> Option<u32> {
        match &self.body {
            Body::Try(state) => state.attempt(),
            _ => None,
        }
    }
}
