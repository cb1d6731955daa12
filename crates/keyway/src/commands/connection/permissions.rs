//! `keyway connection permissions`: which permissions of Graph calls need, what the connection holds, and who adds the rest.

use clap::Args;
use connect::{
    CallStanding, GraphCall, GraphPermission, JudgedCall, PermissionKind, graph_permissions,
    judge_graph_calls,
};
use serde_json::{Value, json};

use super::super::text;
use super::path_of;
use crate::Exit;
use crate::client::Client;
use crate::failure::Failure;
use crate::ui::{Table, Ui, plain, wrap};

/// How wide labels are.
const LABEL: usize = 8;
/// How wide they are where kinds of permissions are told apart.
const WIDE_LABEL: usize = 13;

/// Calls that are asked about.
#[derive(Args, Debug)]
#[command(
    after_help = "Exit code 0 when nothing is known to lack, 9 when a permission lacks: then somebody has to add it.\nExamples:\n  keyway connection permissions graph GET /users POST /groups\n  keyway connection permissions GET '/users?$select=id,department'\n  keyway connection permissions --search group"
)]
pub(super) struct Arguments {
    /// The connection, if one is to be judged; then methods and paths in turn, such as GET /users POST /groups;
    /// {name} stands for any segment
    #[arg(value_name = "[NAME] METHOD PATH", required_unless_present = "search")]
    words: Vec<String>,
    /// List the permissions of Graph whose name or meaning has these words, with their ids
    #[arg(long, value_name = "WORDS", conflicts_with = "words")]
    search: Option<String>,
}

/// What is asked.
pub(super) enum Question {
    /// What calls need; nothing is held.
    Calls(Vec<GraphCall>),
    /// What calls need against what a connection holds.
    Connection(String, Vec<GraphCall>),
    /// Which permissions there are.
    Search(String),
}

/// The methods of HTTP by which a first word that is one of them is told from a connection's name.
const METHODS: [&str; 7] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

fn is_method(word: &str) -> bool {
    METHODS.iter().any(|known| known.eq_ignore_ascii_case(word))
}

impl Arguments {
    /// Reads the words. A first word that is a method is no connection, unless only that way the rest are calls.
    pub(super) fn question(self) -> Result<Question, Failure> {
        if let Some(words) = self.search {
            return Ok(Question::Search(words));
        }
        let pairs = |words: &[String]| -> Vec<GraphCall> {
            let calls = words.chunks_exact(2);
            calls
                .map(|call| GraphCall {
                    method: call[0].clone(),
                    path: call[1].clone(),
                })
                .collect()
        };
        let are_calls = |words: &[String]| {
            !words.is_empty()
                && words.len().is_multiple_of(2)
                && words
                    .chunks_exact(2)
                    .all(|call| !call[1].is_empty() && !is_method(&call[1]))
        };
        match self.words.split_first() {
            Some((first, _)) if is_method(first) && are_calls(&self.words) => {
                Ok(Question::Calls(pairs(&self.words)))
            }
            Some((name, calls)) if are_calls(calls) => {
                Ok(Question::Connection(name.clone(), pairs(calls)))
            }
            _ => Err(Failure::usage(
                "a call is a method and a path: one of them is missing",
                "write them in turn, after the connection if there is one: keyway connection permissions graph GET /users POST /groups",
            )),
        }
    }
}

/// What calls need for a signed-in person and for the app itself, by the tables alone.
pub(super) fn least(ui: Ui, calls: &[GraphCall]) -> Exit {
    let judged = |kind| judge_graph_calls(kind, calls.to_vec(), None);
    let (delegated, application) = (
        judged(PermissionKind::Delegated),
        judged(PermissionKind::Application),
    );
    if ui.json() {
        ui.document(&json!({ "delegated": delegated, "application": application }));
        return Exit::Ok;
    }
    let mut table = Table::new(&["call", "delegated", "application"]);
    for (person, app) in delegated.calls.iter().zip(&application.calls) {
        let call = &person.call;
        table.row([
            format!("{} {}", call.method, call.path),
            needs(person),
            needs(app),
        ]);
    }
    ui.text(&table.text());
    for (judgement, label) in [(&delegated, "delegated"), (&application, "application")] {
        for permission in &judgement.least {
            let consent = if permission.needs_admin(judgement.kind) {
                " (an administrator consents)"
            } else {
                ""
            };
            let said = format!("{}: {}{consent}", permission.name, permission.allows);
            ui.text(&wrap(&said, &format!("{label:WIDE_LABEL$}"), WIDE_LABEL));
        }
    }
    Exit::Ok
}

/// The least of what will do for a call, or why nothing does.
fn needs(judged: &JudgedCall) -> String {
    if judged.any_of.is_empty() {
        return match judged.standing {
            CallStanding::Impossible => "impossible".to_owned(),
            _ => "not known".to_owned(),
        };
    }
    let least = judged
        .any_of
        .iter()
        .filter_map(|group| group.first().copied());
    least.collect::<Vec<_>>().join(" and ")
}

/// The permissions of Graph in whose name or meaning all words occur.
pub(super) fn search(ui: Ui, words: &str) -> Exit {
    let words: Vec<String> = words.split_whitespace().map(str::to_lowercase).collect();
    let found: Vec<GraphPermission> = graph_permissions()
        .filter(|permission| {
            let text = format!("{} {}", permission.name, permission.allows).to_lowercase();
            words.iter().all(|word| text.contains(word))
        })
        .collect();
    if ui.json() {
        ui.document(&json!({ "items": found }));
        return Exit::Ok;
    }
    let form = |id: Option<&str>, consent: &str| {
        id.map_or_else(|| "–".to_owned(), |id| format!("{id} {consent}"))
    };
    for permission in found {
        let consent = if permission.delegated_needs_admin {
            "(an administrator consents)"
        } else {
            "(people consent)"
        };
        ui.text(&format!("{}: {}", permission.name, permission.allows));
        ui.text(&format!(
            "  delegated    {}",
            form(permission.delegated_id, consent)
        ));
        let consent = "(an administrator consents)";
        ui.text(&format!(
            "  application  {}",
            form(permission.application_id, consent)
        ));
    }
    Exit::Ok
}

/// What calls need against what a connection holds.
pub(super) async fn run(
    ui: Ui,
    client: &Client,
    (name, calls): (&str, Vec<GraphCall>),
) -> Result<Exit, Failure> {
    let path = format!("{}/permissions", path_of(name)?);
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
