//! `keyway connection permissions`: which permissions of Graph calls need, what the connection holds, and who adds the rest.

use clap::Args;
use serde_json::{Value, json};

use super::super::text;
use super::path_of;
use crate::Exit;
use crate::client::Client;
use crate::failure::Failure;
use crate::ui::{Table, Ui, plain, wrap};

/// How wide labels are.
const LABEL: usize = 8;

/// Calls that are asked about.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0 when nothing is known to lack, 9 when a permission lacks: then somebody has to add it.\nExample: keyway connection permissions graph GET /users POST /groups"
)]
pub(super) struct Arguments {
    /// The connection
    name: String,
    /// Methods and paths in turn, such as GET /users POST /groups; {name} stands for any segment
    #[arg(value_name = "METHOD PATH", required = true)]
    calls: Vec<String>,
}

pub(super) async fn run(ui: Ui, client: &Client, arguments: &Arguments) -> Result<Exit, Failure> {
    if !arguments.calls.len().is_multiple_of(2) {
        return Err(Failure::usage(
            "a call is a method and a path: one of them is missing",
            "write them in turn: GET /users POST /groups",
        ));
    }
    let calls: Vec<Value> = arguments
        .calls
        .chunks_exact(2)
        .map(|call| json!({ "method": call[0], "path": call[1] }))
        .collect();
    let path = format!("{}/permissions", path_of(&arguments.name)?);
    let body = json!({ "calls": calls });
    let report = client.post(&path, Some(&body)).await?.body;
    if ui.json() {
        ui.document(&report);
    } else {
        print(ui, &report);
    }
    let lacks = report["calls"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|call| call["standing"] == "missing" || call["standing"] == "impossible");
    Ok(if lacks { Exit::Locked } else { Exit::Ok })
}

fn print(ui: Ui, report: &Value) {
    let mut table = Table::new(&["call", "needs", ""]);
    for call in report["calls"].as_array().into_iter().flatten() {
        let groups = call["any_of"].as_array().into_iter().flatten();
        let needs: Vec<String> = groups
            .filter_map(|group| group[0].as_str().map(plain))
            .collect();
        table.row([
            plain(&format!("{} {}", text(call, "method"), text(call, "path"))),
            if needs.is_empty() {
                "not known".to_owned()
            } else {
                needs.join(" and ")
            },
            text(call, "standing"),
        ]);
    }
    ui.text(&table.text());
    let line = |label: &str, names: &[String]| {
        let names = match names {
            [] => "none".to_owned(),
            names => names.join(" "),
        };
        ui.text(&wrap(&names, &format!("{label:LABEL$}"), LABEL));
    };
    line("least", &described(&report["least"], "name"));
    match report["held"].as_array() {
        Some(_) => {
            line("held", &names(&report["held"]));
            line("unused", &names(&report["unused"]));
        }
        None => line("held", &["not known: there is no token yet".to_owned()]),
    }
    for permission in report["missing"].as_array().into_iter().flatten() {
        let said = format!(
            "{}: {}",
            text(permission, "name"),
            text(permission, "allows")
        );
        line("missing", &[plain(&said)]);
    }
    for warning in names(&report["warnings"]) {
        ui.warning(&warning);
    }
    if let Some(next) = report["cure"]["next"].as_str() {
        ui.note(&format!("do this: {}", plain(next)));
    }
}

fn names(list: &Value) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.filter_map(Value::as_str).map(plain).collect()
}

fn described(list: &Value, name: &str) -> Vec<String> {
    let list = list.as_array().into_iter().flatten();
    list.map(|item| plain(&text(item, name))).collect()
}
