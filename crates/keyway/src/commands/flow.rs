//! `keyway flow`: flows in files. Checks, draws and runs them here, without a server: what a flow means is the room `flow`'s,
//! how it runs the engine's.

mod file;
mod findings;
mod run;

use clap::{Args, Subcommand, ValueEnum};
use serde_json::json;

use crate::Exit;
use crate::cli::Global;
use crate::failure::Failure;
use crate::ui::Ui;

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
    /// Run a flow here, in the foreground, without a server
    Run(Box<run::Arguments>),
    /// Draw a flow as a Mermaid flowchart
    Graph {
        /// The flow, in YAML or JSON; - for stdin
        file: String,
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
