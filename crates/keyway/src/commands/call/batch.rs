//! `keyway call --batch`: independent calls from a file of lines, their answers as lines in the same order.

use std::io::{BufRead, BufReader};

use serde_json::{Map, Value, json};

use crate::Exit;
use crate::client::Client;
use crate::failure::Failure;
use crate::ui::{self, Reader, Ui};

/// How many calls are sent before their answers are printed: what an API takes in one request.
const SIZE: usize = 20;
/// The longest line: a call must fit into a request.
const LINE_LIMIT: usize = 1024 * 1024;
/// What is printed of an answer.
const PRINTED: [&str; 5] = ["status", "headers", "body", "request_id", "attempts"];

/// Makes the calls and prints a line for each.
pub(super) async fn run(ui: Ui, client: &Client, path: &str, place: &str) -> Result<Exit, Failure> {
    let mut lines = lines(place)?;
    let mut exit = Exit::Ok;
    let mut all = Vec::new();
    let mut line = 0;
    loop {
        let requests = (&mut lines)
            .take(SIZE)
            .collect::<Result<Vec<Value>, Failure>>()?;
        if requests.is_empty() {
            break;
        }
        let body = json!({ "requests": requests });
        let mut answer = client.post(path, Some(&body)).await?.body;
        let Value::Array(answers) = answer["answers"].take() else {
            return Err(Failure::bug("the server answered a batch without answers"));
        };
        for answer in answers {
            line += 1;
            let shown = shown(line, &answer);
            if shown["status"].as_u64().is_none_or(|status| status >= 400) {
                exit = Exit::Upstream;
            }
            if ui.json() {
                all.push(shown);
                continue;
            }
            let text = shown.to_string();
            let text = format!("{}\n", ui::json_line(&text));
            if ui.piece(text.as_bytes()) == Reader::Gone {
                return Ok(Exit::Ok);
            }
        }
    }
    if ui.json() {
        ui.document(&json!({ "answers": all }));
    }
    Ok(exit)
}

/// An answer with the number of its line.
fn shown(line: u64, answer: &Value) -> Value {
    let mut shown = Map::new();
    shown.insert("line".to_owned(), json!(line));
    if answer["problem"].is_object() {
        shown.insert("problem".to_owned(), answer["problem"].clone());
    }
    if answer["answer"].is_object() {
        for name in PRINTED {
            shown.insert(name.to_owned(), answer["answer"][name].clone());
        }
    }
    Value::Object(shown)
}

/// The calls of a file: each line a path to GET, or an object as the REST API takes it.
fn lines(place: &str) -> Result<impl Iterator<Item = Result<Value, Failure>>, Failure> {
    let place = place.strip_prefix('@').unwrap_or(place);
    let unreadable = |error: std::io::Error| {
        let detail = format!("the calls cannot be read from {place}: {error}");
        Failure::new(Exit::Invalid, "body.unreadable", detail)
    };
    let reader: Box<dyn BufRead> = match place {
        "-" => Box::new(BufReader::new(std::io::stdin())),
        path => Box::new(BufReader::new(
            std::fs::File::open(path).map_err(unreadable)?,
        )),
    };
    let numbered = reader.lines().enumerate();
    Ok(numbered
        .filter(|(_, line)| !line.as_ref().is_ok_and(|line| line.trim().is_empty()))
        .map(move |(at, line)| {
            let line = line.map_err(|error| Failure::io("the calls cannot be read", &error))?;
            call(line.trim()).ok_or_else(|| {
                Failure::new(
                    Exit::Invalid,
                    "body.invalid",
                    format!("line {} is not a call", at + 1),
                )
                .hint(r#"write a path such as /users/ID, or {"method":"PATCH","path":"/users/ID","body":{…}}"#)
            })
        }))
}

fn call(line: &str) -> Option<Value> {
    if line.len() > LINE_LIMIT {
        return None;
    }
    if line.starts_with('/') {
        return Some(json!({ "method": "GET", "path": line }));
    }
    let mut call: Map<String, Value> = serde_json::from_str(line).ok()?;
    call.entry("method").or_insert_with(|| json!("GET"));
    Some(Value::Object(call))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_path_or_an_object() {
        assert_eq!(
            call("/users?$top=1"),
            Some(json!({ "method": "GET", "path": "/users?$top=1" }))
        );
        assert_eq!(
            call(r#"{"path":"/users"}"#),
            Some(json!({ "path": "/users", "method": "GET" }))
        );
        for wrong in ["users", "[1]", "{", "\"x\""] {
            assert_eq!(call(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn an_answer_has_its_line() {
        let answer = json!({ "answer": { "status": 200, "body": [1], "trail": [] } });
        let line = shown(3, &answer);
        assert_eq!((&line["line"], &line["status"]), (&json!(3), &json!(200)));
        assert!(line.get("trail").is_none() && line.get("problem").is_none());
        let line = shown(1, &json!({ "problem": { "code": "x" } }));
        assert_eq!(line["problem"]["code"], "x");
    }
}
