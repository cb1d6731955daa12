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
    /// Plays a run's journal again and tells what its steps did, without the values of live secrets.
    pub async fn history(&self, actor: &Actor, id: &RunId) -> Result<History, Error> {
        let (store, definitions) = self.parts();
        let run = store.runs().find(actor, id).await?;
        let run = run.ok_or_else(|| Error::RunNotFound { id: id.to_string() })?;
        let definition = definitions.load(&run.flow, run.version).await?;
        let secrets = definitions.secrets(&definition).await?;
        let redactor = Redactor::new(&secrets);
        let lines = store.runs().journal(id).await?;
        let output = store.runs().output(actor, id).await?;
        let machine = Machine::new(Arc::clone(&definition.flow), secrets, Recording::Steps);
        let played = tokio::task::spawn_blocking(move || play(machine, lines, &redactor)).await;
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

fn play(mut machine: Machine, lines: Vec<Value>, redactor: &Redactor) -> Result<Played, Error> {
    let mut input = Value::Null;
    let mut events = Vec::new();
    for line in lines {
        let recorded: Recorded = serde_json::from_value(line).map_err(|error| Error::Invalid {
            what: "a line of the journal",
            why: error.to_string(),
        })?;
        if let Event::Started { input: given, .. } = &recorded.event {
            input = given.clone();
        }
        for command in machine.apply(&recorded) {
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
    Ok(Played {
        input: redactor.value(input),
        events,
        waits_for: machine
            .pending()
            .map(|pending| waits_for(&pending.command))
            .collect(),
        steps: steps.collect(),
    })
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
