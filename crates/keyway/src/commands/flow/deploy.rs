//! `keyway flow deploy`: files, and whole directories of them, become current versions. The same again changes nothing.

use clap::Args;
use serde_json::{Value, json};

use super::super::text;
use super::super::texts::{collect, difference};
use super::{file, findings, stored};
use crate::Exit;
use crate::cli::Global;
use crate::client;
use crate::failure::Failure;
use crate::ui::{Ui, plain};

/// What is deployed.
#[derive(Args, Debug)]
#[command(
    after_help = "All texts are checked before the first is deployed: exit code 5, and nothing is deployed, when one is not valid."
)]
pub(super) struct Arguments {
    /// Flows in YAML or JSON, or directories of them; - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// Only tell what would happen
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn run(ui: Ui, global: &Global, arguments: &Arguments) -> Result<Exit, Failure> {
    let mut files = Vec::new();
    for path in &arguments.paths {
        collect(path, "flow.unreadable", &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::usage(
            format!("there is no flow in {}", arguments.paths.join(", ")),
            "flows end in .yaml, .yml or .json",
        ));
    }
    let judged: Vec<_> = files.iter().map(|file| file::judge(file)).collect();
    let refused: Vec<_> = judged.iter().filter(|judged| !judged.is_valid()).collect();
    if let Some(first) = refused.first() {
        if ui.json() {
            return Err(first.failure());
        }
        for judged in &refused {
            ui.text(&findings::text(judged));
        }
        ui.note("nothing was deployed");
        return Ok(Exit::Invalid);
    }
    let cards = client::with(ui, global, async |client| {
        let mut cards = Vec::new();
        for flow in &judged {
            let body = json!({ "source": flow.text, "dry_run": arguments.dry_run });
            let mut card = client.post("/api/v1/flows", Some(&body)).await?.body;
            if !ui.json() {
                print(ui, flow, &card, arguments.dry_run);
            }
            card["file"] = json!(flow.name);
            cards.push(card);
        }
        Ok(cards)
    })
    .await?;
    if ui.json() {
        ui.document(&json!({ "dry_run": arguments.dry_run, "deployments": cards }));
    }
    Ok(Exit::Ok)
}

fn print(ui: Ui, flow: &file::Judged, card: &Value, dry_run: bool) {
    let done = match (card["deployment"].as_str(), dry_run) {
        (Some("created"), false) => "created",
        (Some("created"), true) => "would create",
        (Some("added"), false) => "changed",
        (Some("added"), true) => "would change",
        _ => "unchanged",
    };
    let number = match card["current"].as_i64() {
        Some(number) if !dry_run => format!(" (number {number})"),
        _ => String::new(),
    };
    ui.text(&format!(
        "{done}: {} {}{number}, from {}",
        plain(&text(card, "key")),
        plain(&text(card, "version")),
        plain(&flow.name)
    ));
    if card["deployment"] == "added" {
        ui.text(&difference(&card["diff"]));
    }
    if !flow.findings().is_empty() {
        ui.text(&findings::text(flow));
    }
    let told = findings::of_server(flow, &card["warnings"]);
    if !told.is_empty() {
        ui.text(&told);
    }
    let needs = stored::needs(&card["preflight"]);
    if !needs.is_empty() {
        ui.text(&needs);
    }
}
