//! A world that answers commands by rules, so that a test says only what matters to it. It keeps the journal that it makes.

use std::collections::BTreeMap;
use std::sync::Arc;

use flow::command::{Call, Command};
use flow::definition::Matcher;
use flow::event::{Event, Recorded};
use flow::machine::{Machine, Pending, Recording, Secrets, Status};
use flow::{CloudEvent, CommandId, Fault, FaultType, Flow};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

pub(crate) const HEAD: &str =
    "document: {dsl: '1.0.3', namespace: test, name: flow, version: '1.0.0'}\n";

/// A flow from what follows its `document`.
pub(crate) fn parse(rest: &str) -> Arc<Flow> {
    let source = if format!("\n{rest}").contains("\ndocument:") {
        rest.to_owned()
    } else {
        format!("{HEAD}{rest}")
    };
    match Flow::parse(&source) {
        Ok(flow) => Arc::new(flow),
        Err(diagnostics) => panic!("{diagnostics:#?}\n{source}"),
    }
}

pub(crate) fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// What a call answers with.
#[derive(Debug, Clone)]
pub(crate) enum Answer {
    Value(Value),
    Fault(u16),
    FaultAfter(u16, u64),
}

/// A run and the world around it.
pub(crate) struct World {
    pub(crate) machine: Machine,
    pub(crate) journal: Vec<Recorded>,
    /// What the machine answered to each line of the journal.
    pub(crate) commands: Vec<Vec<Command>>,
    pub(crate) answers: BTreeMap<String, Answer>,
    pub(crate) events: Vec<CloudEvent>,
    pub(crate) at: Timestamp,
}

impl World {
    pub(crate) fn new(flow: &Arc<Flow>) -> World {
        World::with_secrets(flow, BTreeMap::new())
    }

    pub(crate) fn with_secrets(flow: &Arc<Flow>, secrets: BTreeMap<String, Value>) -> World {
        World {
            machine: Machine::new(Arc::clone(flow), Secrets(secrets), Recording::Steps),
            journal: Vec::new(),
            commands: Vec::new(),
            answers: BTreeMap::new(),
            events: Vec::new(),
            at: start(),
        }
    }

    pub(crate) fn answer(mut self, id: &str, answer: Answer) -> World {
        self.answers.insert(id.to_owned(), answer);
        self
    }

    pub(crate) fn apply(&mut self, event: Event) -> Vec<Command> {
        let recorded = Recorded { at: self.at, event };
        let commands = self.machine.apply(&recorded);
        self.journal.push(recorded);
        self.commands.push(commands.clone());
        commands
    }

    pub(crate) fn start(&mut self, input: Value) -> Vec<Command> {
        self.apply(Event::Started {
            run: "run_1".to_owned(),
            input,
            entropy: 7,
        })
    }

    pub(crate) fn complete(&mut self, id: &str, result: Result<Value, Fault>) -> Vec<Command> {
        self.apply(Event::Completed {
            id: CommandId(id.to_owned()),
            result,
            explanation: None,
        })
    }

    pub(crate) fn arrive(&mut self, id: Option<&str>, event: Value) -> Vec<Command> {
        self.apply(Event::Arrived {
            id: id.map(|id| CommandId(id.to_owned())),
            event: CloudEvent::from_structured(event).unwrap(),
        })
    }

    /// Names of what is pending.
    pub(crate) fn pending(&self) -> Vec<String> {
        self.machine
            .pending()
            .map(|pending| pending.command.id().0.clone())
            .collect()
    }

    /// Answers what is pending, one after the other, until nothing can be answered any more.
    pub(crate) fn play(&mut self) {
        while self.step() {}
    }

    fn step(&mut self) -> bool {
        let pending: Vec<Pending> = self.machine.pending().cloned().collect();
        let quick = pending.iter().find_map(|pending| {
            self.quick(&pending.command)
                .map(|event| (pending.command.id().clone(), event))
        });
        if let Some((id, result)) = quick {
            self.at += SignedDuration::from_secs(1);
            self.apply(Event::Completed {
                id,
                result,
                explanation: None,
            });
            return true;
        }
        if self.deliver(&pending) {
            return true;
        }
        let timers = pending.iter().filter_map(|pending| match &pending.command {
            Command::Sleep { id, until } => Some((*until, id.clone())),
            _ => None,
        });
        let Some((until, id)) = timers.min() else {
            return false;
        };
        self.at = self.at.max(until);
        self.apply(Event::Completed {
            id,
            result: Ok(Value::Null),
            explanation: None,
        });
        true
    }

    fn quick(&self, command: &Command) -> Option<Result<Value, Fault>> {
        let usual = match command {
            Command::Sleep { .. } | Command::Listen { .. } | Command::Abandon { .. } => {
                return None;
            }
            Command::Evaluate {
                source,
                input,
                variables,
                ..
            } => Ok(heavy(source, input, variables)),
            Command::Emit { .. } => Ok(Value::Null),
            Command::Run { input, .. } => Ok(json!({ "ran": input })),
            Command::Call {
                call: Call::Http(call),
                ..
            } => Ok(json!({ "called": call.endpoint })),
            Command::Call {
                call: Call::OpenApi(call),
                ..
            } => Ok(json!({ "operation": call.operation })),
            Command::Call {
                call: Call::Function {
                    name, arguments, ..
                },
                ..
            } => Ok(json!({ "function": name, "with": arguments })),
        };
        match self.answers.get(&command.id().0) {
            None => Some(usual),
            Some(Answer::Value(value)) => Some(Ok(value.clone())),
            Some(Answer::Fault(status)) => Some(Err(fault(*status))),
            Some(Answer::FaultAfter(status, milliseconds)) => Some(Err(Fault {
                retry_after: Some(*milliseconds),
                ..fault(*status)
            })),
        }
    }

    /// Hands the next event to every listener that lets it through, or to the run.
    fn deliver(&mut self, pending: &[Pending]) -> bool {
        let listeners: Vec<&Command> = pending
            .iter()
            .map(|pending| &pending.command)
            .filter(|command| matches!(command, Command::Listen { .. }))
            .collect();
        if listeners.is_empty() || self.events.is_empty() {
            return false;
        }
        let event = self.events.remove(0);
        self.at += SignedDuration::from_secs(1);
        if event.subject.as_deref() == Some("run_1") {
            self.apply(Event::Arrived { id: None, event });
            return true;
        }
        for listener in listeners {
            let Command::Listen { id, filters } = listener else {
                continue;
            };
            if filters.is_empty()
                || filters
                    .iter()
                    .any(|filter| Matcher::new(filter).matches(&event))
            {
                self.apply(Event::Arrived {
                    id: Some(id.clone()),
                    event: event.clone(),
                });
            }
        }
        true
    }

    pub(crate) fn output(&self) -> &Value {
        match self.machine.status() {
            Status::Completed(output) => output,
            other => panic!("not completed: {other:?}; pending {:?}", self.pending()),
        }
    }

    pub(crate) fn fault(&self) -> &Fault {
        match self.machine.status() {
            Status::Faulted(fault) => fault,
            other => panic!("not faulted: {other:?}; pending {:?}", self.pending()),
        }
    }
}

pub(crate) fn fault(status: u16) -> Fault {
    Fault::new(
        FaultType::Communication,
        format!("the server answered {status}"),
    )
    .status(status)
}

/// What the limited process answers.
pub(crate) fn heavy(source: &str, input: &Value, variables: &[(String, Value)]) -> Value {
    let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    let values: Vec<&Value> = variables.iter().map(|(_, value)| value).collect();
    let program = expression::compile(source, &names).unwrap();
    program
        .evaluate(input, &values, &expression::Limits::heavy())
        .unwrap()
}

/// Runs a flow to its end with the usual answers.
pub(crate) fn run(rest: &str, input: Value) -> World {
    let mut world = World::new(&parse(rest));
    world.start(input);
    world.play();
    world
}

/// The flow completes with this output.
pub(crate) fn check(rest: &str, input: Value, expected: impl Into<Value>) {
    let world = run(rest, input);
    assert_eq!(world.output(), &expected.into(), "{rest}");
}

/// The flow faults with `type status instance`.
pub(crate) fn check_fault(rest: &str, input: Value, expected: &str) {
    let world = run(rest, input);
    let fault = world.fault();
    let r#type = fault.r#type.rsplit('/').next().unwrap();
    let got = format!(
        "{type} {} {}",
        fault.status,
        fault.instance.as_deref().unwrap_or("-")
    );
    assert_eq!(got, expected, "{rest}\n{fault:?}");
}
