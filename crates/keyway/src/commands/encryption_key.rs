//! `keyway encryption-key`: the keys that seal all secrets of the installation, and their rotation.

use std::time::Duration;

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{items, text, when};
use crate::Exit;
use crate::cli::Global;
use crate::client::{self, Client};
use crate::failure::Failure;
use crate::ui::{Table, Ui};

/// How often the rotation's progress is asked for.
const LOOK: Duration = Duration::from_millis(500);

/// What to do with encryption keys.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Clone, Copy, Debug, Subcommand)]
enum Command {
    /// List the keys and how many values each has sealed
    List,
    /// Make a new key and seal everything with it, while everything goes on
    Rotate {
        /// Do not wait until everything is sealed anew
        #[arg(long)]
        no_wait: bool,
    },
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let body = client::with(ui, global, async |client| match arguments.command {
        Command::List => list(client).await,
        Command::Rotate { no_wait } => {
            let begun = client
                .post("/api/v1/encryption-keys/rotate", None)
                .await?
                .body;
            if no_wait {
                Ok(begun)
            } else {
                wait(client, begun).await
            }
        }
    })
    .await?;
    show(ui, &body)?;
    Ok(Exit::Ok)
}

async fn list(client: &Client) -> Result<Value, Failure> {
    Ok(client.get("/api/v1/encryption-keys").await?.body)
}

/// Waits until nothing more is sealed anew: what no key can open stays as it is.
async fn wait(client: &Client, begun: Value) -> Result<Value, Failure> {
    let mut before = begun;
    loop {
        if before["remaining"] == 0 {
            return Ok(before);
        }
        tokio::time::sleep(LOOK).await;
        let now = list(client).await?;
        if now["remaining"] == before["remaining"] {
            return Ok(now);
        }
        before = now;
    }
}

fn show(ui: Ui, body: &Value) -> Result<(), Failure> {
    if ui.json() {
        ui.document(body);
        return Ok(());
    }
    let mut table = Table::new(&["id", "since", "values sealed", "state"]);
    for key in items(body)? {
        let state = if key["seals"] == true {
            "seals"
        } else if key["retired_at"].is_string() {
            "retired"
        } else {
            "still opens"
        };
        table.row([
            text(key, "id"),
            when(key, "created_at"),
            key["rows"].to_string(),
            state.to_owned(),
        ]);
    }
    ui.text(&table.text());
    Ok(())
}
