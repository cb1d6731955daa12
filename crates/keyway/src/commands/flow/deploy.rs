//! `keyway flow deploy`: files, and whole directories of them, become current versions. The same again changes nothing.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::super::text;
use super::{file, findings, stored};
use crate::Exit;
use crate::cli::Global;
use crate::client;
use crate::failure::Failure;
use crate::ui::{Ui, plain};

/// Lines around a change that are shown with it.
const AROUND: usize = 2;

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
        collect(path, &mut files)?;
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

/// A file as it is named; of a directory, in the order of their names, what looks like a flow.
fn collect(path: &str, files: &mut Vec<String>) -> Result<(), Failure> {
    if path == "-" || !Path::new(path).is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let unreadable = |error: std::io::Error| {
        let detail = format!("the directory {path} cannot be read: {error}");
        Failure::new(Exit::Invalid, "flow.unreadable", detail)
    };
    let mut entries: Vec<PathBuf> = std::fs::read_dir(path)
        .map_err(unreadable)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(unreadable)?;
    entries.sort();
    for entry in entries {
        let hidden = entry
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        let is_flow = entry.extension().is_some_and(|extension| {
            ["yaml", "yml", "json"]
                .iter()
                .any(|known| extension == *known)
        });
        if !hidden && (is_flow || entry.is_dir()) {
            collect(&entry.to_string_lossy(), files)?;
        }
    }
    Ok(())
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
    let needs = stored::needs(&card["preflight"]);
    if !needs.is_empty() {
        ui.text(&needs);
    }
}

/// The changed lines with those around them.
fn difference(diff: &Value) -> String {
    let lines: Vec<&str> = diff
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let changed: Vec<usize> = (0..lines.len())
        .filter(|at| !lines[*at].starts_with(' '))
        .collect();
    let mut out = Vec::new();
    let mut left_out = false;
    for (at, line) in lines.iter().enumerate() {
        let near = changed.iter().any(|change| change.abs_diff(at) <= AROUND);
        if near {
            out.push(format!("  {}", plain(line)));
        } else if !left_out {
            out.push("  …".to_owned());
        }
        left_out = !near;
    }
    out.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_shows_what_is_near_a_change() {
        let diff = json!([" a", " b", " c", " d", "-e", "+f", " g", " h", " i", " j"]);
        let shown = difference(&diff);
        let expected = "  …\n   c\n   d\n  -e\n  +f\n   g\n   h\n  …";
        assert_eq!(shown, expected);
        assert_eq!(difference(&json!([])), "");
    }
}
