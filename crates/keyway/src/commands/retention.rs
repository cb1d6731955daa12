//! `keyway retention`: for how many days the installation keeps finished runs and the call log.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::confirm;
use crate::Exit;
use crate::cli::Global;
use crate::client::{self, Client};
use crate::failure::Failure;
use crate::ui::Ui;

const PATH: &str = "/api/v1/retention";

/// What to do with the retention.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show for how many days finished runs and the call log are kept
    Show,
    /// Change it; what is not named stays, and what is older goes within ten minutes
    Change(Change),
}

#[derive(Args, Debug)]
struct Change {
    /// For how many days finished runs are kept, 1 to 3650, where their flow says nothing (`retentionDays`)
    #[arg(long, value_name = "DAYS")]
    run_days: Option<u32>,
    /// For how many days rows of the call log are kept, 1 to 3650
    #[arg(long, value_name = "DAYS")]
    call_days: Option<u32>,
    /// Do not ask back where something is to be kept for fewer days than now
    #[arg(long)]
    yes: bool,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let kept = client::with(ui, global, async |client| match arguments.command {
        Command::Show => Ok(client.get(PATH).await?.body),
        Command::Change(wanted) => change(ui, client, &wanted).await,
    })
    .await?;
    show(ui, &kept);
    Ok(Exit::Ok)
}

async fn change(ui: Ui, client: &Client, wanted: &Change) -> Result<Value, Failure> {
    if wanted.run_days.is_none() && wanted.call_days.is_none() {
        return Err(Failure::usage(
            "nothing is to be changed",
            "name what shall be different: --run-days, --call-days",
        ));
    }
    let now = client.get(PATH).await?.body;
    let fields = [
        ("run_days", wanted.run_days, "finished runs"),
        ("call_days", wanted.call_days, "rows of the call log"),
    ];
    let shorter: Vec<String> = fields
        .into_iter()
        .filter_map(|(field, days, what)| {
            let days = days?;
            // what the API refuses deletes nothing: nobody needs to be asked about 0 days
            let fewer = days > 0 && now[field].as_u64().is_some_and(|now| u64::from(days) < now);
            fewer.then(|| format!("{what} that are older than {days} days"))
        })
        .collect();
    if !shorter.is_empty() {
        confirm(ui, &shorter.join(" and "), wanted.yes)?;
    }
    let chosen = |field: &str, days: Option<u32>| days.map_or(now[field].clone(), Value::from);
    let body = json!({
        "run_days": chosen("run_days", wanted.run_days),
        "call_days": chosen("call_days", wanted.call_days),
    });
    Ok(client.put(PATH, None, &body).await?.body)
}

fn show(ui: Ui, kept: &Value) {
    if ui.json() {
        ui.document(kept);
        return;
    }
    ui.text(&format!("finished runs  {} days", kept["run_days"]));
    ui.text(&format!("call log       {} days", kept["call_days"]));
}
