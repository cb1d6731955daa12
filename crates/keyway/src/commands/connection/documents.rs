//! `keyway connection export` and `apply`: connections as text in version control. What a text means is the server's to say.

use clap::Args;
use serde_json::{Value, json};

use crate::Exit;
use crate::client::Client;
use crate::commands::findings::{self, Finding};
use crate::commands::texts::{collect, difference};
use crate::commands::{read_text, text, with_query};
use crate::failure::Failure;
use crate::ui::{Ui, plain};

const DOCUMENTS: &str = "/api/v1/connection-documents";

/// Which connections are printed.
#[derive(Args, Debug)]
pub(super) struct Export {
    /// The connections [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
}

/// What is applied.
#[derive(Args, Debug)]
#[command(
    after_help = "All texts are checked before anything changes: exit code 5, and nothing is changed, when one is not valid. The same texts again change nothing. Connections that no text names stay as they are."
)]
pub(super) struct Apply {
    /// Texts as `keyway connection export` prints them, in YAML or JSON, or directories of them; - for stdin
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<String>,
    /// Only tell what would happen
    #[arg(long)]
    dry_run: bool,
}

pub(super) async fn export(ui: Ui, client: &Client, export: &Export) -> Result<Exit, Failure> {
    let names = (!export.names.is_empty()).then(|| export.names.join(","));
    let answer = client
        .get(&with_query(DOCUMENTS, [("names", names)]))
        .await?
        .body;
    if ui.json() {
        ui.document(&answer);
    } else {
        // To be kept in a file, and applied again.
        ui.bytes(text(&answer, "text").as_bytes());
    }
    Ok(Exit::Ok)
}

/// The texts that are meant, as the API wants them.
pub(super) fn documents(apply: &Apply) -> Result<Vec<Value>, Failure> {
    let mut files = Vec::new();
    for path in &apply.paths {
        collect(path, "document.unreadable", &mut files)?;
    }
    if files.is_empty() {
        return Err(Failure::usage(
            format!("there are no connections in {}", apply.paths.join(", ")),
            "their texts end in .yaml, .yml or .json",
        ));
    }
    let read = |file: &String| {
        let text = read_text("text of the connections", file)?;
        Ok(json!({ "name": file, "text": text }))
    };
    files.iter().map(read).collect()
}

pub(super) async fn apply(
    ui: Ui,
    client: &Client,
    apply: &Apply,
    documents: Vec<Value>,
) -> Result<Exit, Failure> {
    let body = json!({ "documents": documents, "dry_run": apply.dry_run });
    let answer = match ui
        .wait("applying", client.post(DOCUMENTS, Some(&body)))
        .await
    {
        Ok(answer) => answer.body,
        Err(failure) if ui.json() => return Err(failure),
        Err(failure) => return refused(ui, failure, &documents),
    };
    if ui.json() {
        ui.document(&answer);
        return Ok(Exit::Ok);
    }
    let connections = answer["connections"].as_array();
    for applied in connections.into_iter().flatten() {
        print(ui, applied, apply.dry_run);
    }
    Ok(Exit::Ok)
}

/// Shows every finding in the text that it is about.
fn refused(ui: Ui, failure: Failure, documents: &[Value]) -> Result<Exit, Failure> {
    let document = failure.document();
    let Some(found) = document["findings"].as_array() else {
        return Err(failure);
    };
    let mut out = String::new();
    for finding in found {
        let of = documents
            .iter()
            .find(|document| document["name"] == finding["document"]);
        let source = of.map_or_else(String::new, |document| text(document, "text"));
        let name = text(finding, "document");
        findings::one(&mut out, &name, &source, &Finding::of(finding));
    }
    ui.text(&out);
    ui.note("nothing was changed");
    Ok(failure.exit())
}

fn print(ui: Ui, applied: &Value, dry_run: bool) {
    let done = match (applied["application"].as_str(), dry_run) {
        (Some("created"), false) => "created",
        (Some("created"), true) => "would create",
        (Some("changed"), false) => "changed",
        (Some("changed"), true) => "would change",
        _ => "unchanged",
    };
    let card = &applied["connection"];
    let state = match card["state"].as_str() {
        Some(state) => format!(" ({})", state.replace('_', " ")),
        None => String::new(),
    };
    ui.text(&plain(&format!(
        "{done}: {}{state}, from {}",
        text(applied, "name"),
        text(applied, "document")
    )));
    if dry_run || applied["application"] == "changed" {
        ui.text(&difference(&applied["diff"]));
    }
    let wiped = applied["wiped"].as_array().into_iter().flatten();
    let wiped: Vec<String> = wiped.filter_map(Value::as_str).map(plain).collect();
    if !wiped.is_empty() {
        let verb = if dry_run { "would be wiped" } else { "wiped" };
        ui.warning(&format!(
            "{verb}, because where or as whom it is sent changes: {}",
            wiped.join(", ")
        ));
    }
    if let Some(next) = card["diagnosis"]["next"].as_str() {
        ui.text(&plain(&format!("  next: {next}")));
    }
}
