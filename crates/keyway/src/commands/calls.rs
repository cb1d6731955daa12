//! `keyway calls`: the call log, for explaining a call afterwards.

use clap::Args;
use serde_json::Value;

use super::{items, text, trail, when};
use crate::Exit;
use crate::cli::Global;
use crate::client;
use crate::failure::Failure;
use crate::ui::{Table, Ui, plain};

/// Which calls.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// Only calls through this connection
    #[arg(long, value_name = "NAME")]
    connection: Option<String>,
    /// Only calls of this run's steps
    #[arg(long, value_name = "RUN")]
    run: Option<String>,
    /// At most so many rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
    /// Tell each time that a call was sent: why, with which token, what came back, the API's id for it
    #[arg(long)]
    explain: bool,
    /// Continue where the last page ended
    #[arg(long, value_name = "CURSOR")]
    before: Option<String>,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let fields = [
        ("connection", arguments.connection),
        ("run", arguments.run),
        ("limit", arguments.limit.map(|limit| limit.to_string())),
        ("before", arguments.before),
    ];
    let query: Vec<String> = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", client::query_value(&value?))))
        .collect();
    let path = if query.is_empty() {
        "/api/v1/calls".to_owned()
    } else {
        format!("/api/v1/calls?{}", query.join("&"))
    };
    let answer = client::with(ui, global, async |client| client.get(&path).await).await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    if arguments.explain {
        for row in items(&answer.body)? {
            ui.text(&plain(&format!("{} {}", when(row, "at"), by(row))));
            for line in trail::of_row(row) {
                ui.text(&plain(&line));
            }
        }
    } else {
        ui.text(&table(&answer.body)?);
    }
    if let Value::String(next) = &answer.body["next"] {
        ui.note(&format!("more: --before {}", plain(next)));
    }
    Ok(Exit::Ok)
}

/// A line for each call.
fn table(body: &Value) -> Result<String, Failure> {
    let mut table = Table::new(&["at", "call", "ended", "ms", "sent", "request id", "by"]);
    for row in items(body)? {
        let ended = row["status"]
            .as_u64()
            .map_or_else(|| text(row, "code"), |status| status.to_string());
        table.row([
            when(row, "at"),
            format!(
                "{} {}{}",
                text(row, "method"),
                text(row, "host"),
                text(row, "path")
            ),
            ended,
            row["took_ms"].to_string(),
            row["attempts"].to_string(),
            text(row, "request_id"),
            by(row),
        ]);
    }
    Ok(table.text())
}

/// Who called: a run with the step that did, else the account or key.
fn by(row: &Value) -> String {
    match &row["step"] {
        Value::String(step) => format!("{} {}", text(row, "run"), plain(step)),
        _ => text(row, "actor"),
    }
}
