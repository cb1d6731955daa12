//! `keyway run`: what flows did and do. Looks at runs, and does to them what a person may do.

mod history;

use std::collections::HashMap;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::{confirm, done, flow, items, json_argument, note_more, text, when, with_query};
use crate::Exit;
use crate::cli::Global;
use crate::client::watch::{Told, Watch};
use crate::client::{self, Client, segment};
use crate::failure::Failure;
use crate::ui::{Table, Ui};

pub(super) use history::error_text;

/// What to do with runs.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List runs, newest first
    List(List),
    /// Tell what a run did, step by step
    Show {
        /// The run (run_…)
        run: String,
    },
    /// Tell each step as it happens, until the run is over
    #[command(
        after_help = "Exit code 0 when the run completed, 1 when it faulted or was cancelled."
    )]
    Watch {
        /// The run
        run: String,
    },
    /// End a run for good
    Cancel {
        /// The run
        run: String,
    },
    /// Stop a run for the time being: nothing new is begun
    Suspend {
        /// The run
        run: String,
    },
    /// Let a suspended run go on
    Resume {
        /// The run
        run: String,
    },
    /// Do a run that is over again, as a new run
    Retry {
        /// The run
        run: String,
        /// What was done before is taken over, or done again
        #[arg(long, value_name = "PLACE", default_value = "failed-step")]
        from: From,
    },
    /// Say what became of a call whose outcome is not known
    Resolve(Resolve),
    /// Delete a run that is over, with its history
    Delete {
        /// The run
        run: String,
        /// Do not ask back
        #[arg(long)]
        yes: bool,
    },
    /// Print all that is known of a run as one JSON document
    Export {
        /// The run
        run: String,
    },
}

#[derive(Args, Debug)]
struct List {
    /// Only of this flow
    #[arg(long, value_name = "NAME")]
    flow: Option<String>,
    /// Only with this status: pending, running, waiting, suspended, parked, cancelled, faulted, completed
    #[arg(long)]
    status: Option<String>,
    /// Only stored at this time or later
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only stored before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Only started by this run
    #[arg(long, value_name = "RUN")]
    parent: Option<String>,
    /// Only with this text in the input or in the error
    #[arg(long)]
    text: Option<String>,
    /// At most so many
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
    /// Continue where the last page ended
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
}

#[derive(Args, Debug)]
struct Resolve {
    /// The run
    run: String,
    /// What somebody found out about the call
    #[arg(long)]
    outcome: Outcome,
    /// The call, where more than one is open
    #[arg(long, value_name = "ID")]
    command: Option<String>,
    /// What the call answered, as JSON; @FILE or @- reads it (for completed)
    #[arg(long, value_name = "JSON|@FILE|@-")]
    output: Option<String>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum From {
    FailedStep,
    Start,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Outcome {
    /// It was not made: make it
    SendAgain,
    /// It was made
    Completed,
    /// It counts as failed
    Failed,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::List(filter) => list(ui, global, filter).await,
        Command::Show { run } => {
            let found = get(ui, global, &run).await?;
            if ui.json() {
                ui.document(&found);
            } else {
                ui.text(&history::sheet(&found, store::Clock::system().now()));
            }
            Ok(Exit::Ok)
        }
        Command::Export { run } => {
            ui.document(&get(ui, global, &run).await?);
            Ok(Exit::Ok)
        }
        Command::Watch { run } => {
            client::with(ui, global, async |client| watch(ui, client, &run).await).await
        }
        Command::Cancel { run } => act(ui, global, &run, "cancel", "is told to end").await,
        Command::Suspend { run } => act(ui, global, &run, "suspend", "begins nothing new").await,
        Command::Resume { run } => act(ui, global, &run, "resume", "goes on").await,
        Command::Retry { run, from } => retry(ui, global, &run, from).await,
        Command::Resolve(resolve) => self::resolve(ui, global, &resolve).await,
        Command::Delete { run, yes } => {
            let path = path_of(&run)?;
            confirm(ui, &format!("the run {run} and its history"), yes)?;
            client::with(ui, global, async |client| client.delete(&path, None).await).await?;
            let line = format!("deleted {run}");
            Ok(done(ui, &json!({ "deleted": run }), &line))
        }
    }
}

fn path_of(run: &str) -> Result<String, Failure> {
    Ok(format!("/api/v1/runs/{}", segment(run)?))
}

async fn get(ui: Ui, global: &Global, run: &str) -> Result<Value, Failure> {
    let path = path_of(run)?;
    let answer = client::with(ui, global, async |client| client.get(&path).await).await?;
    Ok(answer.body)
}

async fn list(ui: Ui, global: &Global, filter: List) -> Result<Exit, Failure> {
    let answer = client::with(ui, global, async |client| {
        let flow = match &filter.flow {
            Some(name) => Some(flow::key_of(client, name).await?),
            None => None,
        };
        let path = with_query(
            "/api/v1/runs",
            [
                ("flow", flow),
                ("status", filter.status),
                ("since", filter.since),
                ("until", filter.until),
                ("parent", filter.parent),
                ("text", filter.text),
                ("limit", filter.limit.map(|limit| limit.to_string())),
                ("before", filter.before),
            ],
        );
        client.get(&path).await
    })
    .await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["run", "flow", "status", "started"]);
    for run in items(&answer.body)? {
        let once = if run["once"] == true { " (once)" } else { "" };
        let flow = format!("{}{once}", text(run, "flow"));
        table.row([
            text(run, "id"),
            flow,
            text(run, "status"),
            when(run, "created_at"),
        ]);
    }
    ui.text(&table.text());
    note_more(ui, "--before", &answer.body);
    Ok(Exit::Ok)
}

async fn watch(ui: Ui, client: &Client, run: &str) -> Result<Exit, Failure> {
    let path = path_of(run)?;
    let mut watch = Watch::new(ui, client, run)?;
    let mut told: HashMap<String, String> = HashMap::new();
    let mut stands = String::new();
    loop {
        match watch.next().await? {
            Told::Over => break,
            Told::Stands(run) if !ui.json() => {
                let now = history::standing(&run);
                if now != stands {
                    ui.text(&now);
                    stands = now;
                }
            }
            Told::Step(step) if !ui.json() => {
                let line = history::step(&step);
                if told.get(step["id"].as_str().unwrap_or_default()) != Some(&line) {
                    ui.text(&line);
                    told.insert(text(&step, "id"), line);
                }
            }
            Told::Stands(_) | Told::Step(_) => {}
        }
    }
    let found = watch.client().get(&path).await?.body;
    if ui.json() {
        ui.document(&found);
    }
    Ok(if found["status"] == "completed" {
        Exit::Ok
    } else {
        Exit::FAULTED
    })
}

/// Asks for something that happens soon.
async fn act(ui: Ui, global: &Global, run: &str, verb: &str, then: &str) -> Result<Exit, Failure> {
    let path = format!("{}/{verb}", path_of(run)?);
    client::with(ui, global, async |client| client.post(&path, None).await).await?;
    let line = format!("{run} {then}");
    Ok(done(ui, &json!({ "run": run, "asked": verb }), &line))
}

async fn retry(ui: Ui, global: &Global, run: &str, from: From) -> Result<Exit, Failure> {
    let path = format!("{}/retry", path_of(run)?);
    let place = match from {
        From::FailedStep => "failed_step",
        From::Start => "start",
    };
    let body = json!({ "from": place });
    let started = client::with(ui, global, async |client| {
        client.post(&path, Some(&body)).await
    })
    .await?
    .body;
    let line = text(&started, "run");
    Ok(done(ui, &started, &line))
}

async fn resolve(ui: Ui, global: &Global, resolve: &Resolve) -> Result<Exit, Failure> {
    let path = path_of(&resolve.run)?;
    let (outcome, output) = match (resolve.outcome, &resolve.output) {
        (Outcome::Completed, Some(output)) => ("completed", Some(json_argument("output", output)?)),
        (Outcome::Completed, None) => ("completed", None),
        (_, Some(_)) => {
            return Err(Failure::usage(
                "an output was given for a call that did not complete",
                "leave --output out, or write --outcome completed",
            ));
        }
        (Outcome::SendAgain, None) => ("send_again", None),
        (Outcome::Failed, None) => ("failed", None),
    };
    let command = client::with(ui, global, async |client| {
        let command = match &resolve.command {
            Some(command) => command.clone(),
            None => only_unknown(&client.get(&path).await?.body)?,
        };
        let mut body = json!({ "command": command, "outcome": outcome });
        if let Some(output) = output {
            body["output"] = output;
        }
        client.post(&format!("{path}/resolve"), Some(&body)).await?;
        Ok(command)
    })
    .await?;
    let document = json!({ "run": resolve.run, "command": command, "outcome": outcome });
    let line = format!("{} goes on with {command}", resolve.run);
    Ok(done(ui, &document, &line))
}

/// The one call of a run whose outcome is not known.
fn only_unknown(run: &Value) -> Result<String, Failure> {
    let parked = run["parked"].as_array().into_iter().flatten();
    let unknown: Vec<String> = parked
        .filter(|parked| parked["for"] == "outcome_unknown")
        .map(|parked| text(parked, "command"))
        .collect();
    match unknown.as_slice() {
        [command] => Ok(command.clone()),
        [] => Err(Failure::new(
            Exit::Conflict,
            "run.nothing_to_resolve",
            format!(
                "no call of {} has an outcome that is not known",
                text(run, "id")
            ),
        )
        .hint("keyway run show says what it waits for")),
        several => Err(Failure::usage(
            format!("{} calls have outcomes that are not known", several.len()),
            format!("name one: --command '{}'", several.join("' or '")),
        )),
    }
}
