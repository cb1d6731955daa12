//! One file per noun of the command line: its options, what it asks the API, how the answer is shown.

pub(crate) mod audit;
pub(crate) mod call;
pub(crate) mod calls;
pub(crate) mod connection;
pub(crate) mod demo;
pub(crate) mod expression_worker;
pub(crate) mod flow;
pub(crate) mod key;
pub(crate) mod reference;
pub(crate) mod sandbox;
pub(crate) mod user;
pub(crate) mod version;

use serde_json::Value;

use crate::Exit;
use crate::client::Client;
use crate::failure::Failure;

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
