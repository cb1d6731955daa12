//! One step of a run: events in, one commit and the work after it out.
//!
//! The machine is pure, so it may run ahead of the commit; nothing that it wants done is done before. What needs no other
//! party (events between runs, child runs, table rows, questions) is part of the commit itself, and so happens once.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};

use expression::worker::Task;
use flow::command::{Await, Call, FlowReference, OutcomeUnknown};
use flow::definition::Filter;
use flow::machine::Sent;
use flow::{CloudEvent, Command, CommandId, Event, Fault, FaultType, Recorded, Status};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::{
    Letter as Post, Line, NewFilter, NewListener, Next, Parent, ParkedFor, Progress, RunStatus,
    Trigger,
};

use super::drive::Drive;
use super::start::{Draft, new_run, started};
use super::{Outcome, Reply};
use crate::letter::Letter;
use crate::perform::{is_call_of_another, must_not_repeat};

/// Waits up to this long are waited for in memory.
const NEAR: SignedDuration = SignedDuration::from_millis(250);
/// How many runs may be above a run.
pub(crate) const DEEPEST: u32 = 16;

/// What a step changes, and what is to be done after that is stored.
pub(super) struct Plan {
    pub(super) progress: Progress,
    pub(super) perform: Vec<(CommandId, Work)>,
    /// Operations on tables, in the order of their lines, which are the last.
    pub(super) tables: Vec<TableCall>,
    /// The lines of those.
    pub(super) table_lines: Vec<Line>,
    pub(super) replies: Vec<Reply>,
    pub(super) abandoned: Vec<CommandId>,
    pub(super) ended: Option<Outcome>,
    /// Events that flows may be started by, in the commit.
    pub(super) published: Vec<CloudEvent>,
    queue: VecDeque<Command>,
}

/// An operation on a table, whose answer is known once it is stored.
pub(super) struct TableCall {
    pub(super) id: CommandId,
    pub(super) function: String,
    pub(super) at: Timestamp,
}

/// Work for another party.
#[derive(Debug)]
pub(super) enum Work {
    Call(Box<Call>),
    Evaluate(Box<Task>),
}

impl Plan {
    pub(super) fn new(progress: Progress) -> Plan {
        Plan {
            progress,
            perform: Vec::new(),
            tables: Vec::new(),
            table_lines: Vec::new(),
            replies: Vec::new(),
            abandoned: Vec::new(),
            ended: None,
            published: Vec::new(),
            queue: VecDeque::new(),
        }
    }

    /// The commit; what comes after it stays.
    pub(super) fn take(&mut self) -> Progress {
        let progress = &self.progress;
        let empty = Progress::new(progress.run.clone(), progress.epoch, progress.position);
        std::mem::replace(&mut self.progress, empty)
    }

    /// Whether there is nothing to store.
    pub(super) fn changes_nothing(&self) -> bool {
        let progress = &self.progress;
        progress.lines.is_empty()
            && progress.read_until.is_none()
            && progress.listeners.is_empty()
            && progress.forgotten.is_empty()
            && progress.approvals.is_empty()
            && matches!(progress.next, Next::Go { status: None })
    }
}

/// A line of the journal.
pub(super) fn line(recorded: &Recorded) -> Line {
    Line::Recorded(serde_json::to_value(recorded).expect("events are JSON"))
}

impl Drive {
    /// Takes events in, and carries on until nothing is left that needs no other party.
    pub(super) async fn plan(&mut self, events: Vec<Recorded>, fresh: Vec<Command>) -> Plan {
        let mut plan = Plan::new(Progress::new(self.run.clone(), self.epoch, self.position));
        for event in events {
            self.record(&mut plan, event).await;
        }
        for command in fresh {
            let known = |other: &Command| other.id() == command.id();
            if !plan.queue.iter().any(known) {
                plan.queue.push_back(command);
            }
        }
        while let Some(command) = plan.queue.pop_front() {
            if self.has_ended() {
                break;
            }
            self.handle(&mut plan, command).await;
        }
        let lines = std::mem::take(&mut plan.table_lines);
        plan.progress.lines.extend(lines);
        self.settle(&mut plan);
        plan
    }

    /// Appends a line and applies it.
    pub(super) async fn record(&mut self, plan: &mut Plan, event: Recorded) {
        plan.progress.lines.push(line(&event));
        let commands = self.apply(event).await;
        plan.queue.extend(commands);
    }

    /// Applies a line. A machine that fails ends its run: the same line would fail again.
    pub(super) async fn apply(&mut self, event: Recorded) -> Vec<Command> {
        self.last = self.last.max(event.at);
        let Some(mut machine) = self.machine.take() else {
            return Vec::new();
        };
        let begun = std::time::Instant::now();
        let overflows = machine.overflows();
        let work = move || {
            let commands = catch_unwind(AssertUnwindSafe(|| machine.apply(&event)));
            (machine, commands)
        };
        let (machine, commands) = if self.slow {
            match tokio::task::spawn_blocking(work).await {
                Ok(done) => done,
                // The runtime is ending.
                Err(_) => return Vec::new(),
            }
        } else {
            work()
        };
        self.slow |= begun.elapsed() > std::time::Duration::from_millis(2);
        if let Ok(commands) = commands {
            let full = machine.overflows() - overflows;
            metrics::counter!("keyway_event_queues_full_total").increment(full);
            self.machine = Some(machine);
            return commands;
        }
        tracing::error!(run = %self.run, "the machine of a run failed; please report this");
        Vec::new()
    }

    pub(super) fn has_ended(&self) -> bool {
        match self.status() {
            None => true,
            Some(status) => matches!(
                status,
                Status::Completed(_) | Status::Faulted(_) | Status::Cancelled
            ),
        }
    }

    /// A command is answered in this very commit.
    pub(super) async fn complete(
        &mut self,
        plan: &mut Plan,
        id: CommandId,
        result: Result<Value, Fault>,
    ) {
        let event = Recorded {
            at: self.now(),
            event: Event::Completed {
                id,
                result,
                explanation: None,
            },
        };
        self.record(plan, event).await;
    }

    async fn handle(&mut self, plan: &mut Plan, command: Command) {
        match command {
            Command::Sleep { .. } => {}
            Command::Abandon { id } => self.abandon(plan, id),
            Command::Listen { id, mut filters } => {
                if filters.is_empty() {
                    filters.push(Filter {
                        with: indexmap::IndexMap::new(),
                        correlate: indexmap::IndexMap::new(),
                    });
                }
                let filters = filters.iter().map(|filter| NewFilter {
                    kind: super::deliver::kind(filter),
                    filter: serde_json::to_value(filter).expect("filters are JSON"),
                });
                plan.progress.listeners.push(NewListener {
                    command: id.0,
                    filters: filters.collect(),
                });
            }
            Command::Emit { id, event } => {
                self.publish(plan, &event).await;
                self.complete(plan, id, Ok(Value::Null)).await;
            }
            Command::Run {
                id,
                flow,
                input,
                wait,
            } => self.run_flow(plan, id, &flow, input, wait).await,
            Command::Evaluate {
                id,
                source,
                input,
                variables,
            } => {
                let task = Task {
                    source,
                    input,
                    variables,
                };
                if !self.stopping {
                    plan.perform.push((id, Work::Evaluate(Box::new(task))));
                }
            }
            Command::Call { id, call } => self.call(plan, id, call).await,
        }
    }

    fn abandon(&mut self, plan: &mut Plan, id: CommandId) {
        plan.perform.retain(|(other, _)| *other != id);
        plan.queue.retain(|command| *command.id() != id);
        plan.progress
            .listeners
            .retain(|listener| listener.command != id.0);
        plan.progress
            .approvals
            .retain(|approval| approval.command != id.0);
        plan.progress.forgotten.push(id.0.clone());
        self.parked.remove(&id);
        plan.abandoned.push(id);
    }

    async fn call(&mut self, plan: &mut Plan, id: CommandId, call: Call) {
        if let Call::Function {
            name, arguments, ..
        } = &call
            && !is_call_of_another(name)
        {
            let (name, arguments) = (name.clone(), arguments.clone());
            return self.catalog(plan, id, &name, &arguments).await;
        }
        let sent = self.sent(&id);
        if let Sent::At(sent_at) = sent
            && !self.unsent.remove(&id)
        {
            match outcome_unknown(&call) {
                OutcomeUnknown::Retry => {}
                OutcomeUnknown::Park => {
                    self.parked
                        .insert(id, ParkedFor::OutcomeUnknown { sent_at });
                    return;
                }
                OutcomeUnknown::Fail => {
                    let fault = Fault::new(
                        FaultType::Communication,
                        "Keyway stopped while the call was under way: it may or may not have been made",
                    )
                    .code("run.outcome_unknown");
                    return self.complete(plan, id, Err(fault)).await;
                }
            }
        }
        if self.stopping {
            return;
        }
        self.parked.remove(&id);
        if must_not_repeat(&call) {
            self.record_sent(plan, &id).await;
        }
        plan.perform.push((id, Work::Call(Box::new(call))));
    }

    /// Records that a call is about to be made.
    async fn record_sent(&mut self, plan: &mut Plan, id: &CommandId) {
        let event = Recorded {
            at: self.now(),
            event: Event::Sent { id: id.clone() },
        };
        self.record(plan, event).await;
    }

    /// It turned out which request a call is: recorded if it must not be repeated, then made.
    pub(super) async fn plan_ready(&mut self, plan: &mut Plan, id: CommandId, call: Call) {
        if must_not_repeat(&call) {
            self.record_sent(plan, &id).await;
        }
        plan.perform.push((id, Work::Call(Box::new(call))));
    }

    async fn run_flow(
        &mut self,
        plan: &mut Plan,
        id: CommandId,
        flow: &FlowReference,
        input: Value,
        wait: Await,
    ) {
        if self.depth >= DEEPEST {
            let fault = Fault::new(
                FaultType::Runtime,
                format!(
                    "flow {}.{} was not begun: flows may start each other {DEEPEST} deep",
                    flow.namespace, flow.name
                ),
            )
            .code("flow.limit");
            return self.complete(plan, id, Err(fault)).await;
        }
        let found = self.engine.definition_for_run(flow).await;
        let definition = match found {
            Ok(definition) => definition,
            Err(error) => {
                let fault = Fault::new(FaultType::Configuration, error.to_string());
                return self.complete(plan, id, Err(fault.code(error.code()))).await;
            }
        };
        let draft = Draft {
            run: store::RunId::random(),
            definition,
            input,
            actor: self.run.to_string(),
            trigger: match wait {
                Await::Output => Trigger::Run,
                Await::Nothing => Trigger::Detached,
            },
            key: None,
            firing: None,
            parent: Some(Parent {
                run: self.run.clone(),
                command: id.0.clone(),
            }),
            depth: self.depth + 1,
        };
        let mut first = Progress::new(draft.run.clone(), 1, 0);
        first.lines = vec![line(&started(&draft, self.now()))];
        plan.progress.children.push(new_run(&draft, None, first));
        if wait == Await::Nothing {
            self.complete(plan, id, Ok(Value::Null)).await;
        }
    }

    /// Says where the step leaves the run.
    fn settle(&mut self, plan: &mut Plan) {
        let busy = !plan.perform.is_empty() || !plan.tables.is_empty() || self.is_busy();
        let next = match self.status() {
            None => {
                let fault = Fault::new(
                    FaultType::Runtime,
                    "Keyway's own machine failed on this run: please report this",
                )
                .code("internal");
                self.end(plan, RunStatus::Faulted, Err(fault))
            }
            Some(Status::Completed(output)) => {
                let output = output.clone();
                self.end(plan, RunStatus::Completed, Ok(output))
            }
            Some(Status::Faulted(fault)) => {
                let fault = fault.clone();
                self.end(plan, RunStatus::Faulted, Err(fault))
            }
            Some(Status::Cancelled) => {
                let fault =
                    Fault::new(FaultType::Runtime, "the run was cancelled").code("run.cancelled");
                self.end(plan, RunStatus::Cancelled, Err(fault))
            }
            Some(_) if busy => self.go(),
            Some(status) => {
                let suspended = matches!(status, Status::Suspended);
                let wake_at = self.soonest();
                let near = wake_at.is_some_and(|at| at.duration_since(self.now()) <= NEAR);
                if near && !self.stopping {
                    self.go()
                } else if self.stopping {
                    self.wait(RunStatus::Pending, Some(self.now()))
                } else if suspended {
                    self.wait(RunStatus::Suspended, None)
                } else if self.parked.is_empty() {
                    self.wait(RunStatus::Waiting, wake_at)
                } else {
                    self.wait(RunStatus::Parked, wake_at)
                }
            }
        };
        plan.progress.next = next;
    }

    fn go(&mut self) -> Next {
        let status = (self.stored != RunStatus::Running).then_some(RunStatus::Running);
        self.stored = RunStatus::Running;
        Next::Go { status }
    }

    fn wait(&mut self, status: RunStatus, wake_at: Option<Timestamp>) -> Next {
        self.stored = status;
        let parked = self.parked.iter().map(|(id, reason)| store::Parked {
            command: id.0.clone(),
            reason: reason.clone(),
        });
        Next::Wait {
            status,
            wake_at,
            parked: parked.collect(),
        }
    }

    fn end(&mut self, plan: &mut Plan, status: RunStatus, result: Result<Value, Fault>) -> Next {
        let now = self.now();
        if let Some(parent) = self.parent.clone().filter(|_| self.trigger == Trigger::Run) {
            let event = Event::Completed {
                id: CommandId(parent.command),
                result: result.clone(),
                explanation: Some(serde_json::json!({ "run": self.run })),
            };
            plan.progress.letters.push(Post {
                to: parent.run,
                listener: None,
                event: None,
                body: Letter::event(event).body(),
            });
        }
        if let Some(schedule) = &self.definition.flow.schedule {
            plan.progress.rescheduled = crate::schedule::after_end(schedule, now);
        }
        plan.ended = Some(match (&result, status) {
            (_, RunStatus::Cancelled) => Outcome::Cancelled,
            (Ok(output), _) => Outcome::Completed(output.clone()),
            (Err(fault), _) => Outcome::Faulted(fault.told()),
        });
        let (output, error) = match result {
            Ok(output) => (Some(output), None),
            Err(fault) if status == RunStatus::Faulted => (None, Some(fault.told())),
            Err(_) => (None, None),
        };
        // Who waits for the run is told what it said; what is stored here is there to be shown.
        let as_it_is = self.engine.definitions.has_given();
        let shown = |value: Value| {
            if as_it_is {
                value
            } else {
                self.caller.to_show(value)
            }
        };
        let (output, error) = (output.map(shown), error.map(shown));
        Next::End {
            status,
            output,
            error,
        }
    }
}

fn outcome_unknown(call: &Call) -> OutcomeUnknown {
    match call {
        Call::Http(call) => call.outcome_unknown,
        Call::OpenApi(call) => call.outcome_unknown,
        // Of functions only a batch that may not be made twice is noted before it is sent.
        Call::Function { .. } => OutcomeUnknown::Park,
    }
}
