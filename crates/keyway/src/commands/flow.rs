//! `keyway flow`: flows in files and flows that are deployed.
//!
//! Checks and draws files here: what a flow means is the room `flow`'s. Whatever runs or is deployed is the API's.

mod deploy;
mod file;
mod findings;
mod run;
mod start;
mod stored;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::Exit;
use crate::cli::Global;
use crate::failure::Failure;
use crate::ui::Ui;

pub(super) use stored::key_of;

/// What to do with flows.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Check flows without running them
    #[command(
        after_help = "Exit code 5 when a flow is not valid. With --output json one document: {\"valid\", \"errors\", \"warnings\"}."
    )]
    Validate {
        /// The flows, in YAML or JSON; - for stdin
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// How findings are printed [default: text]
        #[arg(long, value_name = "FORMAT")]
        output: Option<Output>,
    },
    /// Run a flow once, in the foreground, without deploying it
    Run(Box<run::Arguments>),
    /// Draw a flow as a Mermaid flowchart
    Graph {
        /// The flow, in YAML or JSON; - for stdin
        file: String,
    },
    /// Deploy flows: each text becomes the current version of its flow
    Deploy(deploy::Arguments),
    /// List the deployed flows
    List,
    /// Show a flow: its versions, its schedule and what it needs
    Show {
        /// The flow: namespace.name, or its name alone
        name: String,
    },
    /// Start a run of a deployed flow
    Start(start::Arguments),
    /// Let a flow be started again
    Enable {
        /// The flow
        name: String,
    },
    /// Keep a flow from being started; its runs go on
    Disable {
        /// The flow
        name: String,
    },
    /// Make another version the current one; runs stay on theirs
    Rollback {
        /// The flow
        name: String,
        /// The number of the version, as `flow show` lists it
        #[arg(value_parser = clap::value_parser!(i64).range(1..))]
        number: i64,
    },
    /// Print the text of a flow as it was deployed
    Export {
        /// The flow
        name: String,
        /// The number of the version [default: the current one]
        #[arg(long, value_name = "N")]
        number: Option<i64>,
    },
    /// Delete a flow with its versions and the history of its runs
    Delete {
        /// The flow
        name: String,
        /// Do not ask back
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Output {
    /// For people
    Text,
    /// One JSON document
    Json,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    match &arguments.command {
        Command::Run(arguments) => Box::pin(run::run(ui, global, arguments)).await,
        Command::Validate { files, output } => Ok(validate(ui, files, *output)),
        Command::Graph { file } => graph(ui, file),
        Command::Deploy(arguments) => deploy::run(ui, global, arguments).await,
        Command::List => stored::list(ui, global).await,
        Command::Show { name } => stored::show(ui, global, name).await,
        Command::Start(arguments) => start::run(ui, global, arguments).await,
        Command::Enable { name } => stored::switch(ui, global, name, "enable").await,
        Command::Disable { name } => stored::switch(ui, global, name, "disable").await,
        Command::Rollback { name, number } => stored::roll_back(ui, global, name, *number).await,
        Command::Export { name, number } => stored::export(ui, global, name, *number).await,
        Command::Delete { name, yes } => stored::delete(ui, global, name, *yes).await,
    }
}

fn validate(ui: Ui, files: &[String], output: Option<Output>) -> Exit {
    let judged: Vec<_> = files.iter().map(|file| file::judge(file)).collect();
    let valid = judged.iter().all(file::Judged::is_valid);
    if ui.json() || output == Some(Output::Json) {
        let of = |errors: bool| {
            let found = judged.iter().flat_map(|judged| {
                judged
                    .findings()
                    .iter()
                    .filter(move |finding| finding.is_error() == errors)
                    .map(move |finding| judged.document(finding, files.len() > 1))
            });
            found.collect::<Vec<_>>()
        };
        ui.document(&json!({ "valid": valid, "errors": of(true), "warnings": of(false) }));
    } else {
        for judged in &judged {
            ui.text(&findings::text(judged));
        }
    }
    if valid { Exit::Ok } else { Exit::Invalid }
}

fn graph(ui: Ui, file: &str) -> Result<Exit, Failure> {
    let judged = file::judge(file);
    let Some(flow) = judged.flow() else {
        return Err(judged.failure());
    };
    let picture = flow::graph::mermaid(flow);
    if ui.json() {
        ui.document(&json!({ "mermaid": picture }));
    } else {
        ui.text(&picture);
    }
    Ok(Exit::Ok)
}
