//! `keyway flow run`: one run of a text in the foreground, as a client of the API like every command.
//!
//! Without an installation the API is one over a store in memory that ends with the process, and files say what there is: the
//! secrets, further flows, events. With `--server` or a given `--data-dir` it is that installation's. The one document on
//! stdout is a contract that other people's scripts rely on: it is always JSON, for a flow that is not valid too.

mod given;
mod report;

use std::time::Duration;

use clap::Args;
use flow::CloudEvent;
use serde_json::{Value, json};

use super::super::text;
use super::file::{self, Judged};
use crate::Exit;
use crate::cli::Global;
use crate::client::watch::{Told, Watch};
use crate::client::{Client, segment};
use crate::failure::Failure;
use crate::serve::Signals;
use crate::ui::Ui;
use given::Given;

/// What lies between two attempts to hand an event over that nobody waits for yet.
const AGAIN: Duration = Duration::from_millis(20);

/// A run in the foreground.
#[derive(Args, Debug)]
#[command(
    after_help = "Prints one JSON document: status, output, error, tasks, events. Without --server or --data-dir nothing is kept of the run; with one of them it runs there, with that installation's connections and secrets, and `keyway run list` shows it.\nExit code 0 completed, 1 faulted or cancelled, 5 the flow is not valid."
)]
pub(super) struct Arguments {
    /// The flow, in YAML or JSON; - for stdin
    file: String,
    /// The input, as JSON; - for stdin [default: {}]
    #[arg(long, value_name = "FILE|-")]
    input_file: Option<String>,
    /// How the answer is printed: it is always JSON
    #[arg(long, value_name = "FORMAT", default_value = "json", value_parser = ["json"])]
    output: String,
    /// Values by name: plain secrets, and policies that stand for connections (JSON)
    #[arg(long, value_name = "FILE")]
    secrets_file: Option<String>,
    /// Further flows that run.workflow may name
    #[arg(long, value_name = "DIR")]
    workflows_dir: Option<String>,
    /// `CloudEvents` (a JSON list), each delivered as soon as somebody listens for it
    #[arg(long, value_name = "FILE")]
    events_file: Option<String>,
}

/// Where a flow runs.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// In memory: nothing is left of it.
    Here,
    /// In an installation that is there.
    Installation,
}

pub(super) async fn run(ui: Ui, global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let place = if global.server.is_some() || global.data_dir.is_some() {
        arguments.require_no_files()?;
        Place::Installation
    } else {
        Place::Here
    };
    let judged = file::judge(&arguments.file);
    let Some(flow) = judged.flow() else {
        ui.document(&report::invalid(judged.findings()));
        return Ok(Exit::Invalid);
    };
    for warning in &flow.warnings {
        ui.warning(&format!(
            "{}:{}: {}",
            judged.name, warning.line, warning.message
        ));
    }
    let given = Given::read(ui, arguments)?;
    let client = match place {
        Place::Here => Client::in_memory(global, given.secrets.clone()).await?,
        Place::Installation => Client::open(ui, global).await?,
    };
    let outcome = match place {
        Place::Here => deploy(&client, given.flows.iter().chain([&judged])).await,
        Place::Installation => Ok(()),
    };
    let outcome = match outcome {
        Ok(()) => Box::pin(follow(ui, &client, &judged, &given)).await,
        Err(failure) => Err(failure),
    };
    client.close().await;
    let (document, exit) = outcome?;
    ui.document(&document);
    Ok(exit)
}

impl Arguments {
    /// An installation has its own secrets, flows and events; what a file holds is not for all of its flows to see.
    fn require_no_files(&self) -> Result<(), Failure> {
        let refused = |option: &str, instead: &str| {
            Err(Failure::usage(
                format!(
                    "{option} is for a run without an installation: leave out --server and --data-dir"
                ),
                format!("or leave out {option} and {instead}"),
            ))
        };
        if self.secrets_file.is_some() {
            return refused(
                "--secrets-file",
                "store them there: `keyway secret set NAME`, `keyway connection create NAME`",
            );
        }
        if self.workflows_dir.is_some() {
            return refused(
                "--workflows-dir",
                "deploy them there: `keyway flow deploy DIR`",
            );
        }
        if self.events_file.is_some() {
            return refused("--events-file", "send them there: `keyway event send`");
        }
        Ok(())
    }
}

/// Deploys the flows that a run in memory may start by their names, its own included.
async fn deploy<'f>(
    client: &Client,
    flows: impl Iterator<Item = &'f Judged>,
) -> Result<(), Failure> {
    for flow in flows {
        let body = json!({ "source": flow.without_starts() });
        client.post("/api/v1/flows", Some(&body)).await?;
    }
    Ok(())
}

/// Starts, delivers and waits: the run from its beginning to its end.
async fn follow(
    ui: Ui,
    client: &Client,
    main: &Judged,
    given: &Given,
) -> Result<(Value, Exit), Failure> {
    // before anything is begun: what is begun must be ended when somebody says so
    let mut signals = Signals::listen()?;
    let body = json!({ "source": main.text, "input": given.input });
    let started = client.post("/api/v1/runs", Some(&body)).await?.body;
    let run = text(&started, "run");
    let path = format!("/api/v1/runs/{}", segment(&run)?);
    let mut watch = Watch::new(ui, client, &run)?;
    let deliveries = deliver(client, &given.events);
    tokio::pin!(deliveries);
    let mut delivering = true;
    let mut parked = Vec::new();
    loop {
        tokio::select! {
            told = watch.next() => match told? {
                Told::Over => break,
                // Whoever waits here for its end is not the one who cures a connection: it ends, and says what it needed.
                Told::Stands(run) if run["status"] == "parked" && parked.is_empty() => {
                    parked = run["parked"].as_array().cloned().unwrap_or_default();
                    cancel(client, &path).await?;
                }
                Told::Stands(_) | Told::Step(_) => {}
            },
            all = &mut deliveries, if delivering => {
                all?;
                delivering = false;
            }
            () = signals.next() => cancel(client, &path).await?,
        }
    }
    let history = watch.client().get(&path).await?.body;
    Ok(report::ended(&history, &parked))
}

/// Ends a run; one that has just ended by itself is as good.
async fn cancel(client: &Client, path: &str) -> Result<(), Failure> {
    match client.post(&format!("{path}/cancel"), None).await {
        Err(failure) if failure.exit() != Exit::Conflict => Err(failure),
        _ => Ok(()),
    }
}

/// Hands the events over in their order, each as soon as somebody waits for it.
async fn deliver(client: &Client, events: &[CloudEvent]) -> Result<(), Failure> {
    for event in events {
        let body = event.structured();
        loop {
            let media = "application/cloudevents+json";
            let answer = client.post_as("/api/v1/events", media, &body).await?.body;
            if answer["recipients"] != 0 {
                break;
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
    Ok(())
}
