//! What a run did, for people to read: derived from its journal by playing it again, never stored.

use std::sync::Arc;

use flow::machine::{Machine, Recording, Step};
use flow::{CloudEvent, Command, Event, Recorded};
use serde::Serialize;
use serde_json::Value;
use store::{Actor, Redactor, Run, RunId, Store};

use crate::Error;
use crate::local::{DEEPEST, Local};
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
    /// Plays a run's journal again and tells what it did, without the values of secrets: those that it and the runs above it have
    /// read, and all that are stored now.
    pub async fn history(&self, actor: &Actor, id: &RunId) -> Result<History, Error> {
        let (store, definitions) = self.parts();
        let run = store.runs().find(actor, id).await?;
        let run = run.ok_or_else(|| Error::RunNotFound { id: id.to_string() })?;
        let definition = definitions.load(&run.flow, run.version).await?;
        let now = definitions.secrets(&definition).await?;
        let lines = store.runs().journal(id).await?;
        let output = store.runs().output(actor, id).await?;
        let around = Around {
            above: read_above(store, &run).await?,
            all: store.secrets().redactor().await?,
        };
        let mine = definitions.has_given();
        let (played, record) = (Arc::clone(&definition), run.clone());
        let work = move || {
            let lines = secrets::read(lines)?;
            let first = secrets::first(&lines, &now);
            let machine = played.machine_of(&record, first, Recording::Steps)?;
            let own = secrets::redactor(secrets::recorded(&lines), &now);
            let shown = |value| around.all.value(around.above.value(own.value(value)));
            let result = |value| if mine { value } else { shown(value) };
            let played = play(machine, &lines, &shown, &result);
            let ends = (output.map(result), record.error.map(result));
            Ok::<_, Error>((played, ends))
        };
        let played = tokio::task::spawn_blocking(work).await;
        let (played, (output, error)) = played.map_err(|_| Error::Stopping)??;
        Ok(History {
            flow: definition.name(),
            version: definition.flow.document.version.clone(),
            run: Run { error, ..run },
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

/// The secrets around a run.
struct Around {
    /// What the runs above it have read: they may have passed it on.
    above: Redactor,
    /// What is stored now, for whomever.
    all: Redactor,
}

/// What the runs above a run have read of secrets.
async fn read_above(store: &Store, run: &Run) -> Result<Redactor, Error> {
    let mut read = Vec::new();
    let mut parent = run.parent.clone();
    for _ in 0..DEEPEST {
        let Some(above) = parent else { break };
        let lines = secrets::read(store.runs().journal(&above.run).await?)?;
        read.extend(secrets::recorded(&lines).cloned());
        let found = store.runs().find(&Actor::system(), &above.run).await?;
        parent = found.and_then(|found| found.parent);
    }
    Ok(secrets::redactor(&read, &flow::machine::Secrets::default()))
}

/// Plays a journal; `shown` and `result` take the secrets out.
fn play(
    mut machine: Machine,
    lines: &[Recorded],
    shown: &dyn Fn(Value) -> Value,
    result: &dyn Fn(Value) -> Value,
) -> Played {
    let mut input = Value::Null;
    let mut events = Vec::new();
    for line in lines {
        if let Event::Started { input: given, .. } = &line.event {
            input = given.clone();
        }
        for command in machine.apply(line) {
            if let Command::Emit { event, .. } = command {
                // Only its texts change: it is still an event.
                let told = CloudEvent::from_structured(result(event.structured()));
                events.extend(told);
            }
        }
    }
    let steps = machine.steps().iter().cloned().map(|step| Step {
        input: step.input.map(shown),
        output: step.output.map(shown),
        error: step.error.map(shown),
        explanation: step.explanation.map(shown),
        ..step
    });
    Played {
        input: shown(input),
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
