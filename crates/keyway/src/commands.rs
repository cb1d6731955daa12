//! One file per noun of the command line: its options, what it asks the API, how the answer is shown.

pub(crate) mod approval;
pub(crate) mod audit;
pub(crate) mod call;
pub(crate) mod calls;
pub(crate) mod connection;
pub(crate) mod demo;
pub(crate) mod encryption_key;
pub(crate) mod event;
pub(crate) mod expression_worker;
mod findings;
pub(crate) mod flow;
pub(crate) mod key;
pub(crate) mod reference;
pub(crate) mod retention;
pub(crate) mod run;
pub(crate) mod sandbox;
pub(crate) mod secret;
pub(crate) mod table;
mod texts;
mod trail;
pub(crate) mod user;
pub(crate) mod version;
pub(crate) mod webhook;

use std::io::Read as _;

use serde_json::Value;

use crate::Exit;
use crate::client::{Client, query_value};
use crate::failure::Failure;
use crate::ui::{Ui, plain};

/// Splits `k=v`; the value may hold further equal signs.
fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("write it as name=value".to_owned()),
    }
}

/// The list under `items`.
fn items(body: &Value) -> Result<&Vec<Value>, Failure> {
    body["items"]
        .as_array()
        .ok_or_else(|| Failure::bug("the server answered a list without items"))
}

/// A text of a JSON object, empty if there is none.
fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_default().to_owned()
}

/// A moment as the tables show it.
fn when(value: &Value, name: &str) -> String {
    value[name]
        .as_str()
        .and_then(|at| at.parse::<jiff::Timestamp>().ok())
        .map(|at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
        .unwrap_or_default()
}

/// The id of a thing named by id or by name.
async fn id_of(
    client: &Client,
    list: &str,
    wanted: &str,
    prefix: &str,
    name: &str,
) -> Result<String, Failure> {
    if wanted.starts_with(prefix) {
        return Ok(wanted.to_owned());
    }
    let answer = client.get(list).await?;
    let found: Vec<String> = items(&answer.body)?
        .iter()
        .filter(|item| item[name] == *wanted && !item["revoked_at"].is_string())
        .map(|item| text(item, "id"))
        .collect();
    match found.as_slice() {
        [id] => Ok(id.clone()),
        [] => Err(Failure::new(
            Exit::NotFound,
            "not_found",
            format!("there is nothing called {wanted:?}"),
        )
        .hint("the command `list` shows names and ids")),
        several => Err(Failure::usage(
            format!("{wanted:?} names {} things", several.len()),
            format!("give the id: {}", several.join(" or ")),
        )),
    }
}

/// The longest JSON that is taken from a file or from stdin.
const JSON_LIMIT: u64 = 16 * 1024 * 1024;

/// JSON as it stands on the command line, or in a file (`@FILE`), or on stdin (`@-`).
fn json_argument(what: &str, argument: &str) -> Result<Value, Failure> {
    let text = match argument.strip_prefix('@') {
        None => argument.to_owned(),
        Some(place) => read_text(what, place)?,
    };
    serde_json::from_str(&text).map_err(|error| {
        Failure::usage(
            format!("the {what} is not JSON: {error}"),
            "text needs its quotes: '\"text\"'; @FILE reads a file, @- stdin",
        )
    })
}

/// The text of a file, or of stdin for `-`.
fn read_text(what: &str, place: &str) -> Result<String, Failure> {
    let mut text = String::new();
    let read = if place == "-" {
        let mut stdin = std::io::stdin().lock().take(JSON_LIMIT);
        stdin.read_to_string(&mut text)
    } else {
        std::fs::File::open(place).and_then(|file| file.take(JSON_LIMIT).read_to_string(&mut text))
    };
    read.map_err(|error| {
        let detail = format!("the {what} cannot be read from {place}: {error}");
        Failure::new(Exit::Invalid, "body.unreadable", detail)
    })?;
    Ok(text)
}

/// What cannot be undone is confirmed by a person or by `--yes`.
fn confirm(ui: Ui, what: &str, yes: bool) -> Result<(), Failure> {
    if yes {
        return Ok(());
    }
    if ui.json() || !ui.can_ask() {
        return Err(Failure::usage(
            format!("deleting {what} cannot be undone and nobody is here to be asked"),
            "add --yes",
        ));
    }
    if ui.confirm(&format!("delete {what}?"))? {
        Ok(())
    } else {
        Err(Failure::usage("nothing was deleted", "answer y to delete"))
    }
}

/// An address with the query parameters that are given.
fn with_query<const N: usize>(path: &str, fields: [(&str, Option<String>); N]) -> String {
    let given = fields
        .into_iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", query_value(&value?))));
    let query = given.collect::<Vec<_>>().join("&");
    if query.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?{query}")
    }
}

/// Says on stderr how to see the page after this one.
fn note_more(ui: Ui, option: &str, body: &Value) {
    if let Some(next) = body["next"].as_str() {
        ui.note(&format!("more: {option} {}", plain(next)));
    }
}

/// Prints a document, or a line for people.
fn done(ui: Ui, document: &Value, line: &str) -> Exit {
    if ui.json() {
        ui.document(document);
    } else {
        ui.text(&plain(line));
    }
    Exit::Ok
}
