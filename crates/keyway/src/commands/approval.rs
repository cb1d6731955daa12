//! `keyway approval`: the questions that runs ask people, and their answers.

use clap::{ArgGroup, Args, Subcommand};
use serde_json::json;

use super::{done, items, text, when};
use crate::Exit;
use crate::cli::Global;
use crate::client::{self, segment};
use crate::failure::Failure;
use crate::ui::{Table, Ui};

/// What to do with questions.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// List the questions that wait for an answer, oldest first
    List,
    /// Answer a question, once; its run goes on
    Decide(Decide),
}

#[derive(Args, Debug)]
#[command(group(ArgGroup::new("verdict").required(true).args(["approve", "reject"])))]
struct Decide {
    /// The question (apr_…)
    approval: String,
    /// Yes
    #[arg(long)]
    approve: bool,
    /// No
    #[arg(long)]
    reject: bool,
    /// Why, for the run and for whoever reads it
    #[arg(long, value_name = "TEXT")]
    comment: Option<String>,
}

pub(crate) async fn run(ui: Ui, global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    match arguments.command {
        Command::List => list(ui, global).await,
        Command::Decide(decide) => self::decide(ui, global, &decide).await,
    }
}

async fn list(ui: Ui, global: &Global) -> Result<Exit, Failure> {
    let answer = client::with(ui, global, async |client| {
        client.get("/api/v1/approvals").await
    })
    .await?;
    if ui.json() {
        ui.document(&answer.body);
        return Ok(Exit::Ok);
    }
    let mut table = Table::new(&["id", "title", "flow", "asked"]);
    for asked in items(&answer.body)? {
        table.row([
            text(asked, "id"),
            text(asked, "title"),
            text(asked, "flow"),
            when(asked, "created_at"),
        ]);
    }
    ui.text(&table.text());
    Ok(Exit::Ok)
}

async fn decide(ui: Ui, global: &Global, decide: &Decide) -> Result<Exit, Failure> {
    let (decision, said) = if decide.approve {
        ("approve", "approved")
    } else {
        ("reject", "rejected")
    };
    let path = format!("/api/v1/approvals/{}", segment(&decide.approval)?);
    let mut body = json!({ "decision": decision });
    if let Some(comment) = &decide.comment {
        body["comment"] = json!(comment);
    }
    client::with(ui, global, async |client| {
        client.post(&path, Some(&body)).await
    })
    .await?;
    let document = json!({ "approval": decide.approval, "decision": decision });
    Ok(done(ui, &document, &format!("{said} {}", decide.approval)))
}
