//! `keyway flow start`: a run of a deployed flow, waited for or not.

use clap::Args;
use serde_json::{Value, json};

use super::super::{json_argument, run, text};
use super::stored;
use crate::Exit;
use crate::cli::Global;
use crate::client;
use crate::failure::Failure;
use crate::ui::{Ui, json_text, plain};

/// A run that is asked for.
#[derive(Args, Debug)]
#[command(
    after_help = "With --wait: exit code 0 when the run completed, 1 when it faulted or was cancelled, 9 when it goes on."
)]
pub(super) struct Arguments {
    /// The flow: namespace.name, or its name alone
    name: String,
    /// The input, as JSON; @FILE or @- reads it [default: null]
    #[arg(long, value_name = "JSON|@FILE|@-")]
    input: Option<String>,
    /// Wait so many seconds for its answer or end
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u32).range(1..=60))]
    wait: Option<u32>,
    /// Start no second run under this key within 14 days
    #[arg(long)]
    key: Option<String>,
    /// The flow's own version [default: the current one]
    #[arg(long, value_name = "VERSION")]
    flow_version: Option<String>,
}

pub(super) async fn run(ui: Ui, global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let input = match &arguments.input {
        Some(input) => json_argument("input", input)?,
        None => Value::Null,
    };
    let mut body = json!({ "input": input, "wait_seconds": arguments.wait.unwrap_or(0) });
    if let Some(key) = &arguments.key {
        body["key"] = json!(key);
    }
    if let Some(version) = &arguments.flow_version {
        body["version"] = json!(version);
    }
    let (started, by_command) = client::with(ui, global, async |client| {
        let path = stored::path_of(client, &arguments.name).await?;
        let path = format!("{path}/runs");
        let started = ui
            .wait("waiting for the run", client.post(&path, Some(&body)))
            .await?
            .body;
        Ok((started, client.local().is_some()))
    })
    .await?;
    if ui.json() {
        ui.document(&started);
    } else {
        print(ui, &started);
    }
    if by_command && started["status"] == "pending" {
        ui.warning(
            "no server runs on this data directory: the run goes on when `keyway serve` does",
        );
    }
    Ok(match started["status"].as_str() {
        Some("completed" | "answered") => Exit::Ok,
        Some("pending") if arguments.wait.is_none() => Exit::Ok,
        Some("pending") => Exit::Locked,
        _ => Exit::FAULTED,
    })
}

fn print(ui: Ui, started: &Value) {
    let run = plain(&text(started, "run"));
    if started["duplicate"] == true {
        ui.note("this key had started a run before: nothing was started");
    }
    match started["status"].as_str() {
        Some("completed" | "answered") => {
            ui.note(&format!("{run} {}", text(started, "status")));
            ui.text(&json_text(&started["output"]));
        }
        Some("pending") => {
            ui.text(&run);
            ui.note(&format!("what it does: keyway run show {run}"));
        }
        _ => {
            ui.text(&format!("{run} {}", plain(&text(started, "status"))));
            if started["error"].is_object() {
                ui.note(&run::error_text(&started["error"]));
            }
            ui.note(&format!("what happened: keyway run show {run}"));
        }
    }
}
