//! Random flows in a random world: whatever happens, a journal tells all of it.
//!
//! 2,000 lives by default; `KEYWAY_PROOF_CASES` says how many otherwise (`make proof`).

use std::collections::BTreeSet;
use std::sync::Arc;

use flow::command::{Call, Command};
use flow::event::{Event, Recorded};
use flow::machine::{Machine, Pending, Recording, Secrets, Status};
use flow::{CloudEvent, CommandId, Fault, FaultType, Flow};
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use proptest::test_runner::Config;
use serde_json::{Value, json};

use crate::random::{Choices, Order, flow};
use crate::world;

fn config() -> Config {
    #[expect(
        clippy::disallowed_methods,
        reason = "how many cases are tried is for whoever runs the test to say"
    )]
    let cases = std::env::var("KEYWAY_PROOF_CASES")
        .ok()
        .and_then(|cases| cases.parse().ok());
    Config {
        cases: cases.unwrap_or(2_000),
        ..Config::default()
    }
}

fn machine(flow: &Arc<Flow>, recording: Recording) -> Machine {
    Machine::new(Arc::clone(flow), Secrets::default(), recording)
}

fn has_ended(machine: &Machine) -> bool {
    matches!(
        machine.status(),
        Status::Completed(_) | Status::Faulted(_) | Status::Cancelled
    )
}

fn pending(machine: &Machine) -> Vec<Pending> {
    machine.pending().cloned().collect()
}

/// A run in a world that does whatever it likes.
struct Life {
    machine: Machine,
    journal: Vec<Recorded>,
    told: Vec<Vec<Command>>,
    /// Commands told and neither completed nor abandoned.
    open: BTreeSet<CommandId>,
    ever: BTreeSet<CommandId>,
    at: Timestamp,
    suspended: bool,
}

impl Life {
    fn new(flow: &Arc<Flow>) -> Life {
        Life {
            machine: machine(flow, Recording::Steps),
            journal: Vec::new(),
            told: Vec::new(),
            open: BTreeSet::new(),
            ever: BTreeSet::new(),
            at: world::start(),
            suspended: false,
        }
    }

    fn apply(&mut self, event: Event) {
        match &event {
            Event::Completed { id, .. } => {
                self.open.remove(id);
            }
            Event::Suspended => self.suspended = true,
            Event::Resumed => self.suspended = false,
            _ => {}
        }
        let resumed = event == Event::Resumed;
        let recorded = Recorded { at: self.at, event };
        let commands = self.machine.apply(&recorded);
        for command in &commands {
            let id = command.id().clone();
            if let Command::Abandon { .. } = command {
                // While the run was suspended the world may have answered what the machine had given up.
                let late = resumed || self.suspended;
                assert!(
                    self.open.remove(&id) || (late && self.ever.contains(&id)),
                    "{id} was abandoned but not open"
                );
            } else {
                let new = self.ever.insert(id.clone());
                assert!(
                    new || (resumed && self.open.contains(&id)),
                    "{id} was told twice"
                );
                self.open.insert(id);
            }
        }
        self.journal.push(recorded);
        self.told.push(commands);
        self.check();
    }

    /// What holds at any time.
    fn check(&self) {
        let pending: BTreeSet<CommandId> = self
            .machine
            .pending()
            .map(|pending| pending.command.id().clone())
            .collect();
        if has_ended(&self.machine) {
            assert!(
                pending.is_empty() && self.open.is_empty(),
                "left over after the end: {pending:?} {:?}",
                self.open
            );
        } else if self.suspended {
            assert_eq!(self.machine.status(), &Status::Suspended);
            assert!(pending.is_empty());
        } else {
            assert!(
                !pending.is_empty(),
                "the run stands still: {:?}",
                self.machine.status()
            );
            assert_eq!(pending, self.open);
        }
    }

    /// Lives until the end, or until the world has had enough.
    fn live(&mut self, choices: &mut Choices<'_>) {
        self.apply(Event::Started {
            run: "run_1".to_owned(),
            input: json!({"a": {"b": {}}}),
            entropy: 42,
        });
        for _ in 0..120 {
            if has_ended(&self.machine) {
                return;
            }
            self.at += SignedDuration::from_millis(i64::try_from(choices.next(1_500)).unwrap());
            match choices.next(24) {
                20 => self.apply(if self.suspended {
                    Event::Resumed
                } else {
                    Event::Suspended
                }),
                21 => self.apply(Event::Arrived {
                    id: None,
                    event: event(choices),
                }),
                22 if choices.one_in(8) => self.apply(Event::Cancelled),
                _ => self.answer(choices),
            }
        }
    }

    fn answer(&mut self, choices: &mut Choices<'_>) {
        // What was told before a suspension is still worked on.
        let told: Vec<Command> = self
            .told
            .iter()
            .flatten()
            .filter(|command| {
                self.open.contains(command.id()) && !matches!(command, Command::Abandon { .. })
            })
            .cloned()
            .collect();
        if told.is_empty() {
            self.apply(Event::Resumed);
            return;
        }
        let command = told[choices.next(told.len())].clone();
        let id = command.id().clone();
        if choices.one_in(6) {
            self.apply(Event::Sent { id: id.clone() });
        }
        let result = match &command {
            Command::Listen { .. } => {
                let event = event(choices);
                return self.apply(Event::Arrived {
                    id: Some(id),
                    event,
                });
            }
            Command::Sleep { until, .. } => {
                self.at = self.at.max(*until);
                Ok(Value::Null)
            }
            Command::Call { .. } | Command::Run { .. } if choices.one_in(4) => {
                let mut fault = world::fault(503);
                fault.retry_after = choices.one_in(3).then_some(7_000);
                Err(Box::new(fault))
            }
            other => answer(other, choices.next(3)),
        };
        let explanation = choices.one_in(3).then(|| json!({"attempts": 1}));
        self.apply(Event::Completed {
            id,
            result: result.map_err(|fault| *fault),
            explanation,
        });
    }
}

fn answer(command: &Command, choice: usize) -> Result<Value, Box<Fault>> {
    match command {
        Command::Evaluate {
            source,
            input,
            variables,
            ..
        } => evaluate(source, input, variables),
        Command::Call {
            call: Call::Function {
                name, arguments, ..
            },
            ..
        } if name == "page" => {
            let page = arguments["cursor"].as_u64().unwrap_or(0);
            let next = if page < 2 {
                json!(page + 1)
            } else {
                Value::Null
            };
            let items = [json!([1]), json!([1, 2]), json!([])][choice % 3].clone();
            Ok(json!({"items": items, "next": next}))
        }
        _ => Ok([json!({"a": 1}), json!([1, 2]), Value::Null][choice % 3].clone()),
    }
}

fn evaluate(
    source: &str,
    input: &Value,
    variables: &[(String, Value)],
) -> Result<Value, Box<Fault>> {
    let names: Vec<&str> = variables.iter().map(|(name, _)| name.as_str()).collect();
    let values: Vec<&Value> = variables.iter().map(|(_, value)| value).collect();
    expression::compile(source, &names)
        .unwrap()
        .evaluate(input, &values, &expression::Limits::heavy())
        .map_err(|error| Box::new(Fault::new(FaultType::Expression, error.to_string())))
}

fn event(choices: &mut Choices<'_>) -> CloudEvent {
    let r#type = ["a", "b", "c", "d"][choices.next(4)];
    CloudEvent::from_structured(json!({"id": "1", "source": "https://contoso.example", "type": r#type, "data": {"n": choices.next(3)}})).unwrap()
}

fn parse(choices: &mut Choices<'_>, order: Order) -> Arc<Flow> {
    let text = flow(choices, order);
    Arc::new(Flow::parse(&text).unwrap_or_else(|diagnostics| panic!("{diagnostics}\n{text}")))
}

/// Every line of the journal, read back from JSON, does to another machine what it did to the first.
fn replays(flow: &Arc<Flow>, life: &Life, recording: Recording) {
    let mut machine = machine(flow, recording);
    for (recorded, told) in life.journal.iter().zip(&life.told) {
        let read: Recorded =
            serde_json::from_str(&serde_json::to_string(recorded).unwrap()).unwrap();
        assert_eq!(&machine.apply(&read), told);
    }
    assert_eq!(pending(&machine), pending(&life.machine));
    assert_eq!(machine.status(), life.machine.status());
    if recording == Recording::Steps {
        assert_eq!(machine.steps(), life.machine.steps());
    }
}

/// A machine made from a part of the journal goes on as the first did.
fn goes_on_from(flow: &Arc<Flow>, life: &Life, part: usize) {
    let mut before = machine(flow, Recording::Nothing);
    for line in &life.journal[..part] {
        before.apply(line);
    }
    let mut again = machine(flow, Recording::Nothing);
    for line in &life.journal[..part] {
        again.apply(line);
    }
    assert_eq!(pending(&before), pending(&again));
    for (line, told) in life.journal[part..].iter().zip(&life.told[part..]) {
        assert_eq!(&again.apply(line), told);
    }
    assert_eq!(again.status(), life.machine.status());
}

/// The journal with a suspension put into it comes to the same end.
fn suspension_changes_nothing(flow: &Arc<Flow>, life: &Life, from: usize, to: usize) {
    let mut machine = machine(flow, Recording::Steps);
    let own = |line: &Recorded| matches!(line.event, Event::Suspended | Event::Resumed);
    for (index, line) in life.journal.iter().enumerate() {
        if index == from {
            machine.apply(&Recorded {
                at: line.at,
                event: Event::Suspended,
            });
        }
        if !own(line) {
            machine.apply(line);
        }
        if index == to {
            machine.apply(&Recorded {
                at: line.at,
                event: Event::Resumed,
            });
        }
    }
    let last = life.journal.last().unwrap();
    machine.apply(&Recorded {
        at: last.at,
        event: Event::Resumed,
    });
    let mut plain = self::machine(flow, Recording::Steps);
    for line in life.journal.iter().filter(|line| !own(line)) {
        plain.apply(line);
    }
    assert_eq!(machine.status(), plain.status());
    assert_eq!(machine.steps(), plain.steps());
    let commands = |machine: &Machine| -> Vec<Command> {
        machine
            .pending()
            .map(|pending| pending.command.clone())
            .collect()
    };
    assert_eq!(commands(&machine), commands(&plain));
}

/// Answers everything, always taking what `choose` says of what is open.
fn outcome(flow: &Arc<Flow>, mut choose: impl FnMut(usize) -> usize) -> Value {
    let mut life = Life::new(flow);
    life.apply(Event::Started {
        run: "run_1".to_owned(),
        input: json!({"a": 1}),
        entropy: 42,
    });
    while !has_ended(&life.machine) {
        let open = pending(&life.machine);
        let command = &open[choose(open.len())].command;
        life.at += SignedDuration::from_secs(1);
        if let Command::Sleep { until, .. } = command {
            life.at = life.at.max(*until);
        }
        // What a command is answered with follows from its name.
        let choice = command.id().0.len();
        let result = answer(command, choice);
        life.apply(Event::Completed {
            id: command.id().clone(),
            result: result.map_err(|fault| *fault),
            explanation: None,
        });
    }
    match life.machine.status() {
        Status::Completed(output) => output.clone(),
        other => panic!("{other:?}"),
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_journal_tells_all(list in prop::collection::vec(any::<u16>(), 0..160), world in prop::collection::vec(any::<u16>(), 0..240), cut in any::<u16>()) {
        let flow = parse(&mut Choices::new(&list), Order::Matters);
        let mut life = Life::new(&flow);
        life.live(&mut Choices::new(&world));
        replays(&flow, &life, Recording::Steps);
        replays(&flow, &life, Recording::Nothing);
        let part = usize::from(cut) % (life.journal.len() + 1);
        goes_on_from(&flow, &life, part);
        suspension_changes_nothing(&flow, &life, part / 2, part);
    }

    #[test]
    fn answers_may_come_in_any_order(list in prop::collection::vec(any::<u16>(), 0..120), world in prop::collection::vec(any::<u16>(), 0..200)) {
        let flow = parse(&mut Choices::new(&list), Order::IsNoMatter);
        let mut choices = Choices::new(&world);
        let random = outcome(&flow, |open| choices.next(open));
        let first = outcome(&flow, |_| 0);
        let last = outcome(&flow, |open| open - 1);
        prop_assert_eq!(&random, &first);
        prop_assert_eq!(&first, &last);
    }
}
