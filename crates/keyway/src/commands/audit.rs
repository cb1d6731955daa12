//! `keyway audit`: what was changed, when, by whom.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::{items, text, when};
use crate::Exit;
use crate::cli::Global;
use crate::client;
use crate::failure::Failure;
use crate::ui::{Table, Ui};

/// What to do with the audit log.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List what was changed, newest first
    List(List),
}

#[derive(Args, Debug)]
struct List {
    /// At most so many rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
    /// Continue where the last page ended
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
    /// Only this action, such as connection.created
    #[arg(long)]
    action: Option<String>,
    /// Only what this actor did
    #[arg(long)]
    actor: Option<String>,
    /// Only what was done to this subject
    #[arg(long)]
    subject: Option<String>,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let Command::List(filter) = arguments.command;
    let limit = filter.limit.map(|limit| limit.to_string());
    let fields = [
        ("limit", limit),
        ("before", filter.before),
        ("action", filter.action),
        ("actor", filter.actor),
        ("subject", filter.subject),
    ];
    let query: Vec<String> = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", client::query_value(&value?))))
        .collect();
    let path = if query.is_empty() {
        "/api/v1/audit".to_owned()
    } else {
        format!("/api/v1/audit?{}", query.join("&"))
    };
    let answer = client::with(ui, global, async |client| client.get(&path).await).await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["at", "actor", "action", "subject"]);
    for row in items(&answer.body)? {
        let actor = row["actor_name"].as_str().or(row["actor"].as_str());
        let actor = actor.unwrap_or_default().to_owned();
        table.row([
            when(row, "at"),
            actor,
            text(row, "action"),
            text(row, "subject"),
        ]);
    }
    ui.text(&table.text());
    match &answer.body["next"] {
        Value::Null => {}
        Value::String(next) => ui.note(&format!("more: --before {}", crate::ui::plain(next))),
        next => ui.note(&format!("more: --before {next}")),
    }
    Ok(Exit::Ok)
}
