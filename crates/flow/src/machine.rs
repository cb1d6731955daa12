//! The machine: recorded events in, commands out.
//!
//! A pure function of its events: the same journal gives the same machine, on any host and at any time. It never waits,
//! never asks what time it is (each event says so), and draws all randomness from the seed in `Started`. One file per kind of task.

mod call;
mod emit;
mod evaluate;
mod for_each;
mod fork;
mod frame;
mod history;
mod id;
mod listen;
mod outbox;
mod page;
mod raise;
mod run;
mod semantics;
mod set;
mod switch;
#[cfg(test)]
mod tests;
mod try_catch;
mod uri;
mod wait;
mod walk;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::definition::Flow;
use crate::fault::FaultType;
use crate::{CloudEvent, Command, CommandId, Event, Fault, Recorded};
pub use semantics::SEMANTICS;

use frame::{Body, Branch, Exported, Frame, Key, Node, Slab};
use outbox::{Outstanding, Part};

/// Values of `$secrets`: plain secrets only, never a connection's.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Secrets(pub BTreeMap<String, Value>);

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// Where a run is; the language's phases.
#[derive(Debug, Clone, PartialEq)]
pub enum Status {
    /// Nothing has happened yet.
    Pending,
    /// Commands are out that somebody works on.
    Running,
    /// Only timers and listeners are out.
    Waiting,
    /// Nothing new is begun.
    Suspended,
    /// Ended by a person.
    Cancelled,
    /// Ended by an error that nothing caught.
    Faulted(Fault),
    /// Ended, with the flow's output.
    Completed(Value),
}

/// A command without an answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Pending {
    /// The command.
    pub command: Command,
    /// Whether `Sent` was recorded for it.
    pub sent: Sent,
}

/// Whether a command may already have been performed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// It has not been begun, as far as the journal knows.
    No,
    /// It was begun at this time.
    At(Timestamp),
}

/// Whether a machine keeps what its steps did, for people to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recording {
    /// All steps.
    Steps,
    /// None: the run goes on all the same.
    Nothing,
}

/// What one task did once: a line of a run's history, in the order in which they began.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// The task's name.
    pub name: String,
    /// Its pointer in the document.
    pub reference: String,
    /// The pointer with rounds and attempt; unique in the run.
    pub id: CommandId,
    /// Rounds of the loops around it, outermost first, from 0.
    pub rounds: Vec<u64>,
    /// Attempt of the innermost `try` around it, from 1.
    pub attempt: u32,
    /// How it stands.
    pub status: StepStatus,
    /// When it began.
    pub started_at: Timestamp,
    /// When it ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Its transformed input.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub input: Option<Value>,
    /// Its transformed output.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub output: Option<Value>,
    /// The language's error.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<Value>,
    /// How its command was done.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Value>,
}

/// How a step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StepStatus {
    /// It goes on.
    Running,
    /// It waits for a time or an event.
    Waiting,
    /// Its `if` was false.
    Skipped,
    /// It ended.
    Completed,
    /// It ended with an error.
    Faulted,
    /// It was ended.
    Cancelled,
}

/// A run of a flow.
#[derive(Debug)]
pub struct Machine {
    flow: Arc<Flow>,
    semantics: u32,
    secret_values: Value,
    recording: Recording,
    limits: expression::Limits,
    status: Status,
    suspended: Suspended,
    now: Timestamp,
    run: Run,
    /// `$workflow`, once something asks for it.
    workflow: Option<Arc<Value>>,
    frames: Slab<Box<Frame>>,
    branches: Slab<Branch>,
    root: Option<Key>,
    /// What can go on; the last goes first.
    ready: Vec<Key>,
    /// The frame that is being worked on.
    current: Key,
    pending: BTreeMap<CommandId, Outstanding>,
    /// Commands that the world has not heard of, in order.
    fresh: Vec<CommandId>,
    /// Commands that the world may forget and has not heard so.
    abandoned: Vec<CommandId>,
    /// Events for the run itself that nothing has listened for.
    inbox: VecDeque<CloudEvent>,
    /// How often more events waited than may.
    overflows: u64,
    /// What the handles of this run stand for.
    pages: BTreeMap<String, Arc<page::PageCall>>,
    rounds: u32,
    steps: Vec<Step>,
}

/// The secrets that a flow may read.
fn declared(flow: &Flow, secrets: Secrets) -> Value {
    let named = secrets.0.into_iter();
    Value::Object(
        named
            .filter(|(name, _)| flow.secrets.contains(name))
            .collect(),
    )
}

/// What `Started` said.
#[derive(Debug)]
struct Run {
    id: String,
    input: Arc<Value>,
    entropy: u64,
    started: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Suspended {
    No,
    Yes,
}

impl Machine {
    /// A machine to which nothing has happened. `$secrets` has those secrets that the flow declares, and no others; a
    /// replay has to begin with those that its journal names first ([`Event::Secrets`]).
    pub fn new(flow: Arc<Flow>, secrets: Secrets, recording: Recording) -> Machine {
        let declared = declared(&flow, secrets);
        let mut frames = Slab::new();
        let mut branches = Slab::new();
        let branch = branches.add(Branch {
            context: Arc::new(Value::Object(Map::new())),
            exported: Exported::Nothing,
        });
        let root = frames.add(Box::new(Frame::new(
            Node::Flow(Arc::clone(&flow)),
            Arc::default(),
            branch,
        )));
        Machine {
            flow,
            semantics: SEMANTICS,
            secret_values: declared,
            recording,
            limits: expression::Limits::default(),
            status: Status::Pending,
            suspended: Suspended::No,
            now: Timestamp::MIN,
            run: Run {
                id: String::new(),
                input: Arc::default(),
                entropy: 0,
                started: Timestamp::MIN,
            },
            workflow: None,
            frames,
            branches,
            root: Some(root),
            ready: Vec::new(),
            current: root,
            pending: BTreeMap::new(),
            fresh: Vec::new(),
            abandoned: Vec::new(),
            inbox: VecDeque::new(),
            overflows: 0,
            pages: BTreeMap::new(),
            rounds: 0,
            steps: Vec::new(),
        }
    }

    /// Takes in one line of the journal and answers what is to be done now. While the run is suspended that is nothing; `Resumed`
    /// answers all that is pending. After the end nothing changes any more.
    pub fn apply(&mut self, recorded: &Recorded) -> Vec<Command> {
        let started = matches!(recorded.event, Event::Started { .. });
        if self.has_ended() || started != (self.status == Status::Pending) {
            return Vec::new();
        }
        self.now = self.now.max(recorded.at);
        match &recorded.event {
            Event::Started {
                run,
                input,
                entropy,
            } => self.start(run, input, *entropy),
            Event::Sent { id } => {
                if let Some(outstanding) = self.pending.get_mut(id) {
                    outstanding.pending.sent = Sent::At(recorded.at);
                }
            }
            Event::Completed {
                id,
                result,
                explanation,
            } => self.completed(id, result, explanation.as_ref()),
            Event::Arrived {
                id: Some(id),
                event,
            } => self.arrived(id, event),
            Event::Arrived { id: None, event } => self.arrived_for_run(event),
            Event::Secrets { values } => self.secret_values = declared(&self.flow, values.clone()),
            Event::Suspended => self.suspended = Suspended::Yes,
            Event::Resumed => return self.resume(),
            Event::Cancelled => self.finish(Status::Cancelled),
        }
        self.run();
        self.settle()
    }

    /// Commands without an answer, by id: what is to be done again after a restart. None while the run is suspended.
    pub fn pending(&self) -> impl Iterator<Item = &Pending> {
        let shown = self.suspended == Suspended::No;
        self.pending
            .values()
            .filter(move |_| shown)
            .map(|outstanding| &outstanding.pending)
    }

    /// Where the run is.
    pub fn status(&self) -> &Status {
        &self.status
    }

    /// What the steps did, in the order in which they began; empty unless the machine was told to record them.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    fn has_ended(&self) -> bool {
        matches!(
            self.status,
            Status::Completed(_) | Status::Faulted(_) | Status::Cancelled
        )
    }

    fn start(&mut self, run: &str, input: &Value, entropy: u64) {
        let input = Arc::new(input.clone());
        self.run = Run {
            id: run.to_owned(),
            input: Arc::clone(&input),
            entropy,
            started: self.now,
        };
        self.status = Status::Running;
        if let Some(key) = self.root
            && let Some(frame) = self.frames.get_mut(key)
        {
            frame.input = Arc::clone(&input);
            frame.raw = input;
            self.ready.push(key);
        }
    }

    /// A command came to its end. An answer that nobody waits for any more changes nothing.
    fn completed(
        &mut self,
        id: &CommandId,
        result: &Result<Value, Fault>,
        explanation: Option<&Value>,
    ) {
        let Some(outstanding) = self.pending.get(id) else {
            return;
        };
        // A listener is ended from inside; the world can only say that it fails.
        if matches!(outstanding.pending.command, Command::Listen { .. }) && result.is_ok() {
            return;
        }
        let Some(Outstanding {
            pending,
            frame: key,
            part,
            ..
        }) = self.pending.remove(id)
        else {
            return;
        };
        if let Some(frame) = self.frames.get_mut(key) {
            frame.commands.retain(|command| command != id);
        }
        if let (Some(explanation), Part::Body | Part::Page) = (explanation, &part) {
            self.record_explanation(key, explanation);
        }
        let value = match result {
            Ok(value) => value.clone(),
            Err(fault) => {
                // It belongs to the task that asked, whatever the world wrote.
                let fault = Fault {
                    instance: None,
                    ..fault.clone()
                };
                if let Part::Answer(part) = part {
                    return self.answered(key, part, Err(fault));
                }
                return self.fail(key, fault);
            }
        };
        match part {
            Part::Answer(part) => self.answered(key, part, Ok(value)),
            Part::Timeout => self.timed_out(key),
            Part::Attempt | Part::Limit | Part::Delay => self.try_timer(key, &part),
            Part::Page => self.page_came(key, value),
            Part::Body => {
                let value = match pending.command {
                    Command::Emit { event, .. } => event.structured(),
                    _ => value,
                };
                if let Some(frame) = self.frames.get_mut(key) {
                    frame.body = Body::Answered(value);
                    self.ready.push(key);
                }
            }
        }
    }

    /// A heavy expression was answered; its stage goes on when all were.
    fn answered(&mut self, key: Key, part: String, answer: Result<Value, Fault>) {
        let Some(frame) = self.frames.get_mut(key) else {
            return;
        };
        frame.answers.push((part, answer));
        frame.asked = frame.asked.saturating_sub(1);
        if frame.asked == 0 {
            self.ready.push(key);
        }
    }

    fn timed_out(&mut self, key: Key) {
        let Some(frame) = self.frames.get(key) else {
            return;
        };
        let (what, instance) = match &frame.node {
            Node::Flow(_) => ("the run".to_owned(), "/timeout".to_owned()),
            Node::Task(task) => (
                format!("the task \"{}\"", task.name),
                task.reference.to_string(),
            ),
        };
        let mut fault = Fault::new(
            FaultType::Timeout,
            format!("{what} took longer than its timeout allows"),
        )
        .code("flow.timeout");
        fault.instance = Some(instance);
        self.fail(key, fault);
    }

    fn resume(&mut self) -> Vec<Command> {
        if self.suspended == Suspended::No {
            return Vec::new();
        }
        self.suspended = Suspended::No;
        self.update_status();
        let mut commands = self.tell();
        commands.retain(|command| matches!(command, Command::Abandon { .. }));
        commands.extend(
            self.pending
                .values()
                .map(|outstanding| outstanding.pending.command.clone()),
        );
        commands
    }

    /// What is told after an event, and where the run stands then.
    fn settle(&mut self) -> Vec<Command> {
        self.update_status();
        if self.suspended == Suspended::Yes && !self.has_ended() {
            return Vec::new();
        }
        self.tell()
    }

    fn update_status(&mut self) {
        if self.has_ended() {
            return;
        }
        let waiting = |outstanding: &Outstanding| {
            matches!(
                outstanding.pending.command,
                Command::Sleep { .. } | Command::Listen { .. }
            )
        };
        self.status = if self.suspended == Suspended::Yes {
            Status::Suspended
        } else if !self.pending.is_empty() && self.pending.values().all(waiting) {
            Status::Waiting
        } else {
            Status::Running
        };
    }
}
