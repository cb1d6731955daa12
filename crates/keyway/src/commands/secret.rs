//! `keyway secret`: plain secrets that flows read by name. They are written only: nobody reads a value back.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{confirm, done, items, text, when};
use crate::Exit;
use crate::cli::Global;
use crate::client::{self, segment};
use crate::failure::Failure;
use crate::ui::secret::Question;
use crate::ui::{Table, Ui};

/// What to do with secrets.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Store a secret's value; an older one is gone
    Set {
        /// The name by which flows read it
        name: String,
        /// A 0600 file with the value, or - for stdin [default: ask]
        #[arg(long, value_name = "FILE|-")]
        value_file: Option<String>,
        /// The value is a JSON object, such as an authentication policy
        #[arg(long)]
        object: bool,
    },
    /// List the secrets, without their values
    List,
    /// Delete a secret
    Delete {
        /// The secret
        name: String,
        /// Do not ask back
        #[arg(long)]
        yes: bool,
    },
}

const VALUE: Question<'static> = Question {
    what: "secret",
    option: "--value-file",
};

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::Set {
            name,
            value_file,
            object,
        } => {
            let path = path_of(&name)?;
            let typed = VALUE.read_or_ask(ui, value_file.as_deref())?;
            let value = value(typed.expose(), object)?;
            let body = json!({ "value": value });
            let answer = client::with(ui, global, async |client| {
                client.put(&path, None, &body).await
            })
            .await?;
            let line = format!("stored {name} (version {})", answer.body["version"]);
            Ok(done(ui, &answer.body, &line))
        }
        Command::List => list(ui, global).await,
        Command::Delete { name, yes } => {
            let path = path_of(&name)?;
            confirm(ui, &format!("the secret {name}"), yes)?;
            client::with(ui, global, async |client| client.delete(&path, None).await).await?;
            let line = format!("deleted {name}");
            Ok(done(ui, &json!({ "deleted": name }), &line))
        }
    }
}

fn path_of(name: &str) -> Result<String, Failure> {
    Ok(format!("/api/v1/secrets/{}", segment(name)?))
}

/// The value as the API takes it; what is wrong with it is told without repeating it.
fn value(typed: &str, object: bool) -> Result<Value, Failure> {
    if !object {
        return Ok(json!(typed));
    }
    serde_json::from_str::<Value>(typed)
        .ok()
        .filter(Value::is_object)
        .ok_or_else(|| {
            let detail = "the secret is no JSON object";
            Failure::new(Exit::Invalid, "secret.invalid", detail)
                .hint("leave --object out for a text")
        })
}

async fn list(ui: Ui, global: &Global) -> Result<Exit, Failure> {
    let answer = client::with(ui, global, async |client| {
        client.get("/api/v1/secrets").await
    })
    .await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["name", "version", "changed", "made by"]);
    for secret in items(&answer.body)? {
        table.row([
            text(secret, "name"),
            secret["version"].to_string(),
            when(secret, "updated_at"),
            text(secret, "created_by"),
        ]);
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}
