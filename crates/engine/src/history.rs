//! What a run did, for people to read: derived from its journal by playing it again, never stored.

use std::sync::Arc;

use flow::machine::{Machine, Recording, Step};
use flow::{CloudEvent, Command, Event, Recorded};
use serde::Serialize;
use serde_json::Value;
use store::{Actor, Run, RunId};

use crate::Error;
use crate::local::Local;
use crate::redact::Redactor;
use crate::secrets;

/// A run with everything that it did.
#[derive(Debug, Clone)]
pub struct History {
    /// Its record.
    pub run: Run,
    /// The flow's namespace and name.
    pub flow: String,
    /// Its `document.version`.
    pub version: String,
    /// Its raw input.
    pub input: Value,
    /// Its output, once it completed.
    pub output: Option<Value>,
    /// Its steps in the order in which they began, containers included.
    pub steps: Vec<Step>,
    /// The events that it published.
    pub events: Vec<CloudEvent>,
    /// What it waits for.
    pub waits_for: Vec<WaitsFor>,
}

/// A command of a run without an answer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WaitsFor {
    /// Its name.
    pub id: String,
    /// `call`, `sleep`, `listen`, `evaluate`, `run` or `approve`.
    pub kind: &'static str,
    /// Until when, where it is a timer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<jiff::Timestamp>,
}

impl Local {
    /// Plays a run's journal again and tells what its steps did, without the values of secrets that it read or that hold now.
    pub async fn history(&self, actor: &Actor, id: &RunId) -> Result<History, Error> {
        let (store, definitions) = self.parts();
        let run = store.runs().find(actor, id).await?;
        let run = run.ok_or_else(|| Error::RunNotFound { id: id.to_string() })?;
        let definition = definitions.load(&run.flow, run.version).await?;
        let now = definitions.secrets(&definition).await?;
        let lines = store.runs().journal(id).await?;
        let output = store.runs().output(actor, id).await?;
        let (played, record) = (Arc::clone(&definition), run.clone());
        let work = move || {
            let lines = secrets::read(lines)?;
            let first = secrets::first(&lines, &now);
            let machine = played.machine_of(&record, first, Recording::Steps)?;
            // What it read once may be in its results, though it holds no more.
            let redactor = Redactor::new(secrets::recorded(&lines).chain([&now]));
            Ok::<_, Error>(play(machine, &lines, &redactor))
        };
        let played = tokio::task::spawn_blocking(work).await;
        let played = played.map_err(|_| Error::Stopping)??;
        Ok(History {
            flow: definition.name(),
            version: definition.flow.document.version.clone(),
            run,
            input: played.input,
            output,
            steps: played.steps,
            events: played.events,
            waits_for: played.waits_for,
        })
    }
}

struct Played {
    input: Value,
    steps: Vec<Step>,
    events: Vec<CloudEvent>,
    waits_for: Vec<WaitsFor>,
}

fn play(mut machine: Machine, lines: &[Recorded], redactor: &Redactor) -> Played {
    let mut input = Value::Null;
    let mut events = Vec::new();
    for line in lines {
        if let Event::Started { input: given, .. } = &line.event {
            input = given.clone();
        }
        for command in machine.apply(line) {
            if let Command::Emit { event, .. } = command {
                events.push(*event);
            }
        }
    }
    let steps = machine.steps().iter().cloned().map(|step| Step {
        input: step.input.map(|value| redactor.value(value)),
        output: step.output.map(|value| redactor.value(value)),
        error: step.error.map(|value| redactor.value(value)),
        ..step
    });
    Played {
        input: redactor.value(input),
        events,
        waits_for: machine
            .pending()
            .map(|pending| waits_for(&pending.command))
            .collect(),
        steps: steps.collect(),
    }
}

fn waits_for(command: &Command) -> WaitsFor {
    use flow::command::Call;
    let (kind, until) = match command {
        Command::Call {
            call: Call::Function { name, .. },
            ..
        } if name == "approve" => ("approve", None),
        Command::Call { .. } | Command::Emit { .. } | Command::Abandon { .. } => ("call", None),
        Command::Sleep { until, .. } => ("sleep", Some(*until)),
        Command::Listen { .. } => ("listen", None),
        Command::Evaluate { .. } => ("evaluate", None),
        Command::Run { .. } => ("run", None),
    };
    WaitsFor {
        id: command.id().to_string(),
        kind,
        until,
    }
}
