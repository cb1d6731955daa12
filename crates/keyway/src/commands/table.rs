//! `keyway table`: the small tables of flows, looked at and put right by hand.

use clap::{Args, Subcommand};
use serde_json::json;

use super::{confirm, done, items, json_argument, note_more, text, when, with_query};
use crate::Exit;
use crate::cli::Global;
use crate::client::{self, segment};
use crate::failure::Failure;
use crate::ui::{Table, Ui, json_text};

/// What to do with tables.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the tables
    List,
    /// List a table's rows in the order of their keys
    Rows(Rows),
    /// Show a row's value
    Get {
        /// The table
        table: String,
        /// The row's key
        key: String,
    },
    /// Store a row
    Put {
        /// The table
        table: String,
        /// The row's key
        key: String,
        /// The value, as JSON; @FILE or @- reads it
        #[arg(value_name = "JSON|@FILE|@-")]
        value: String,
        /// Refuse if the row is not at this version; 0: if it is there at all
        #[arg(long, value_name = "N")]
        if_version: Option<u64>,
    },
    /// Delete a row
    Delete {
        /// The table
        table: String,
        /// The row's key
        key: String,
        /// Refuse if the row is not at this version any more
        #[arg(long, value_name = "N")]
        if_version: Option<u64>,
        /// Do not ask back
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Args, Debug)]
struct Rows {
    /// The table
    table: String,
    /// Only keys that begin so
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// Continue where the last page ended
    #[arg(long, value_name = "KEY")]
    after: Option<String>,
    /// At most so many rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    limit: Option<u32>,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::List => list(ui, global).await,
        Command::Rows(rows) => self::rows(ui, global, rows).await,
        Command::Get { table, key } => {
            let path = path_of(&table, &key)?;
            let row = client::with(ui, global, async |client| client.get(&path).await).await?;
            if ui.json() {
                ui.document(&row.body);
            } else {
                ui.text(&json_text(&row.body["value"]));
            }
            Ok(Exit::Ok)
        }
        Command::Put {
            table,
            key,
            value,
            if_version,
        } => {
            let path = path_of(&table, &key)?;
            let body = json!({ "value": json_argument("value", &value)? });
            let answer = client::with(ui, global, async |client| {
                client.put(&path, Some(tag(if_version)), &body).await
            })
            .await?;
            let version = &answer.body["version"];
            let line = format!("stored {key} in {table} (version {version})");
            Ok(done(ui, &answer.body, &line))
        }
        Command::Delete {
            table,
            key,
            if_version,
            yes,
        } => {
            let path = path_of(&table, &key)?;
            confirm(ui, &format!("{key} in the table {table}"), yes)?;
            client::with(ui, global, async |client| {
                client.delete_if(&path, tag(if_version)).await
            })
            .await?;
            let line = format!("deleted {key} from {table}");
            Ok(done(ui, &json!({ "deleted": key, "table": table }), &line))
        }
    }
}

fn path_of(table: &str, key: &str) -> Result<String, Failure> {
    Ok(format!(
        "/api/v1/tables/{}/{}",
        segment(table)?,
        segment(key)?
    ))
}

fn tag(version: Option<u64>) -> String {
    version.map_or_else(|| "*".to_owned(), |version| format!("\"{version}\""))
}

async fn list(ui: Ui, global: &Global) -> Result<Exit, Failure> {
    let answer = client::with(ui, global, async |client| {
        client.get("/api/v1/tables").await
    })
    .await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["name", "rows"]);
    for each in items(&answer.body)? {
        table.row([text(each, "name"), each["rows"].to_string()]);
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}

async fn rows(ui: Ui, global: &Global, rows: Rows) -> Result<Exit, Failure> {
    let path = with_query(
        &format!("/api/v1/tables/{}", segment(&rows.table)?),
        [
            ("prefix", rows.prefix),
            ("after", rows.after),
            ("limit", rows.limit.map(|limit| limit.to_string())),
        ],
    );
    let answer = client::with(ui, global, async |client| client.get(&path).await).await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["key", "value", "version", "changed"]);
    for row in items(&answer.body)? {
        table.row([
            text(row, "key"),
            row["value"].to_string(),
            row["version"].to_string(),
            when(row, "updated_at"),
        ]);
    }
    ui.text(&table.text());
    note_more(ui, "--after", &answer.body);
    Ok(Exit::Ok)
}
