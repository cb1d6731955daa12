//! A run as people read it: what happened when, what each call was, what went wrong and who cures it, what it waits for.
//!
//! It prints what the API says; it judges nothing.

use std::fmt::Write as _;

use jiff::Timestamp;
use serde_json::Value;

use super::super::{text, when};
use crate::ui::{WIDTH, duration, moment, plain, shown_width, wrap};

/// Labels are padded to this width.
const LABEL: usize = 12;
/// What is said of a step stands below its name.
const INDENT: usize = 10;
/// So much room a step's name has.
const NAME: usize = 38;

/// The run, then its steps in the order in which they began.
pub(super) fn sheet(run: &Value, now: Timestamp) -> String {
    let mut out = String::new();
    let mut line = |label: &str, value: &str| {
        if !value.is_empty() {
            let _ = writeln!(out, "{}", wrap(value, &format!("{label:LABEL$}"), LABEL));
        }
    };
    line("run", &plain(&text(run, "id")));
    let version = if run["once"] == true {
        "run once, not deployed".to_owned()
    } else {
        format!("number {}", run["version"])
    };
    line(
        "flow",
        &plain(&format!(
            "{} {} ({version})",
            text(run, "flow"),
            text(run, "flow_version")
        )),
    );
    line(
        "started",
        &format!("{}, {}", moment(&text(run, "created_at"), now), origin(run)),
    );
    line("retry of", &plain(&text(run, "retry_of")));
    line("parent", &plain(&text(run, "parent")));
    if let Some(ended) = run["ended_at"].as_str() {
        let took = between(&run["created_at"], &run["ended_at"]);
        line("ended", &format!("{}, after {took}", moment(ended, now)));
    }
    out += &standing(run);
    let steps = run["steps"].as_array();
    if steps.is_some_and(|steps| !steps.is_empty()) {
        let _ = write!(
            out,
            "\n\n{:INDENT$}{:NAME$} {:9} {:>5} {:>9}",
            "TIME", "STEP", "STATUS", "TRY", "TOOK"
        );
        for step in steps.into_iter().flatten() {
            out.push('\n');
            out += &self::step(step);
        }
    }
    out.push('\n');
    out
}

/// How the run stands, and for what or whom it waits.
pub(super) fn standing(run: &Value) -> String {
    let mut lines = vec![labelled("status", &text(run, "status"))];
    for parked in run["parked"].as_array().into_iter().flatten() {
        lines.push(labelled("parked", &parked_text(run, parked)));
    }
    for waits in run["waits_for"].as_array().into_iter().flatten() {
        let until = match waits["until"].as_str() {
            Some(_) => format!(" until {}", when(waits, "until")),
            None => String::new(),
        };
        let said = format!("{}{until} at {}", text(waits, "kind"), text(waits, "id"));
        lines.push(labelled("waits for", &plain(&said)));
    }
    if run["error"].is_object() {
        lines.push(labelled("error", &error_text(&run["error"])));
    }
    lines.join("\n")
}

fn labelled(label: &str, value: &str) -> String {
    let value = broken(value, WIDTH - LABEL);
    wrap(&value, &format!("{label:LABEL$}"), LABEL)
}

/// By whom and by what.
fn origin(run: &Value) -> String {
    let trigger = &run["trigger"];
    let how = match trigger["kind"].as_str() {
        Some("webhook") => format!("by the webhook {}", text(trigger, "hook")),
        Some("schedule") => format!("by its schedule for {}", when(trigger, "nominal")),
        Some("event") => "by an event".to_owned(),
        Some("run" | "detached") => "by another run".to_owned(),
        Some("retry") => format!("as a retry, by {}", text(run, "actor")),
        _ => format!("by {}", text(run, "actor")),
    };
    plain(&how)
}

fn parked_text(run: &Value, parked: &Value) -> String {
    let command = text(parked, "command");
    let said = match parked["for"].as_str() {
        Some("connection") => {
            let name = text(parked, "name");
            format!(
                "{command} was not sent, because the connection {name} needs somebody ({}); the run goes on by itself \
                 once it is cured: `keyway connection explain {name}`",
                text(parked, "code")
            )
        }
        Some("outcome_unknown") => format!(
            "{command} was sent at {} and Keyway ended before it knew the answer. Look whether it was done, then say \
             so: `keyway run resolve {} --command '{command}' --outcome send-again|completed|failed`",
            when(parked, "sent_at"),
            text(run, "id")
        ),
        _ => command,
    };
    plain(&said)
}

/// One step: a line of when, what and how it ended, and below it the call, the error, its cure.
pub(super) fn step(step: &Value) -> String {
    let reference = text(step, "reference");
    let depth = reference
        .split('/')
        .filter(|part| matches!(*part, "do" | "branches" | "try" | "catch"))
        .count()
        .saturating_sub(1);
    let mut name = format!("{}{}", "  ".repeat(depth), text(step, "name"));
    let rounds: Vec<String> = step["rounds"]
        .as_array()
        .into_iter()
        .flatten()
        .map(Value::to_string)
        .collect();
    if !rounds.is_empty() {
        let _ = write!(name, " [{}]", rounds.join(", "));
    }
    let took = match step["ended_at"] {
        Value::String(_) => between(&step["started_at"], &step["ended_at"]),
        _ => String::new(),
    };
    let name = plain(&name);
    let padding = " ".repeat(NAME.saturating_sub(shown_width(&name)));
    let mut out = format!(
        "{:INDENT$}{name}{padding} {:9} {:>5} {took:>9}",
        clock(&text(step, "started_at")),
        text(step, "status"),
        step["attempt"].to_string()
    )
    .trim_end()
    .to_owned();
    let margin = " ".repeat(INDENT);
    let mut more = |said: &str| {
        if !said.is_empty() {
            let said = broken(&plain(said), WIDTH - INDENT - 2);
            let _ = write!(out, "\n{}", wrap(&said, &margin, INDENT + 2));
        }
    };
    let explanation = &step["explanation"];
    more(&call(explanation));
    if let Value::Object(mut error) = step["error"].clone() {
        // The same code stands in the next line, with what to do.
        if error.get("code") == explanation.get("code") {
            error.remove("code");
        }
        more(&format!("error: {}", error_text(&Value::Object(error))));
    }
    if let Some(code) = explanation["code"].as_str() {
        let hint = text(explanation, "hint");
        more(&if hint.is_empty() {
            format!("code: {code}")
        } else {
            format!("do this: {hint} ({code})")
        });
    }
    out
}

/// What a call was, from what Keyway recorded of it.
fn call(explanation: &Value) -> String {
    if !explanation.is_object() {
        return String::new();
    }
    let mut parts = Vec::new();
    if let Some(run) = explanation["run"].as_str() {
        parts.push(format!("run {run}"));
    }
    if explanation["resolvedByPerson"] == true {
        parts.push("a person said what became of it".to_owned());
    }
    if let Some(status) = explanation["status"].as_u64() {
        parts.push(format!("HTTP {status}"));
    }
    let target: Vec<&str> = ["method", "path"]
        .iter()
        .filter_map(|name| explanation[*name].as_str())
        .collect();
    if !target.is_empty() {
        parts.push(target.join(" "));
    }
    if let Some(connection) = explanation["connection"].as_str() {
        parts.push(format!("through {connection}"));
    }
    if let Some(attempts) = explanation["attempts"].as_u64().filter(|count| *count > 1) {
        parts.push(format!("sent {attempts} times"));
    }
    if let Some(taken) = explanation["milliseconds"].as_i64() {
        parts.push(format!("{taken} ms"));
    }
    if let Some(id) = explanation["requestId"].as_str() {
        parts.push(format!("request id {id}"));
    }
    parts.join(", ")
}

/// An error in one sentence: title, what kind with its status, detail, where, our code.
pub(in crate::commands) fn error_text(error: &Value) -> String {
    let kind = text(error, "type");
    let kind = kind.rsplit('/').next().unwrap_or_default();
    let mut said = match text(error, "title") {
        title if title.is_empty() => kind.to_owned(),
        title => format!("{title} ({kind})"),
    };
    if let Some(status) = error["status"].as_i64() {
        let _ = write!(said, ", status {status}");
    }
    let detail = text(error, "detail");
    if !detail.is_empty() {
        let _ = write!(said, ": {detail}");
    }
    let (instance, code) = (text(error, "instance"), text(error, "code"));
    let _ = match (instance.as_str(), code.as_str()) {
        ("", "") => Ok(()),
        ("", code) => write!(said, " ({code})"),
        (instance, "") => write!(said, " (at {instance})"),
        (instance, code) => write!(said, " (at {instance}, {code})"),
    };
    plain(&said)
}

/// Breaks words that are longer than a line: what an API said may be one word.
fn broken(text: &str, room: usize) -> String {
    let mut out = String::new();
    let mut taken = 0;
    for character in text.chars() {
        let width = shown_width(character.encode_utf8(&mut [0; 4]));
        if character == ' ' {
            taken = 0;
        } else if taken + width > room {
            out.push(' ');
            taken = width;
        } else {
            taken += width;
        }
        out.push(character);
    }
    out
}

/// The time of day.
fn clock(at: &str) -> String {
    at.parse::<Timestamp>()
        .map(|at| at.strftime("%H:%M:%S").to_string())
        .unwrap_or_default()
}

fn between(from: &Value, to: &Value) -> String {
    let parse = |at: &Value| at.as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let (Some(from), Some(to)) = (parse(from), parse(to)) else {
        return String::new();
    };
    let milliseconds = to.duration_since(from).as_millis();
    if milliseconds < 10_000 {
        format!("{milliseconds} ms")
    } else {
        duration(to.duration_since(from).as_secs())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run() -> Value {
        json!({
            "id": "run_00000000000000000000000001", "flow": "contoso.block-leaver", "flow_version": "1.0.0", "version": 3,
            "status": "parked", "actor": "local", "trigger": {"kind": "manual"}, "created_at": "2026-11-02T17:00:00Z",
            "parked": [{"command": "/do/1/revoke", "for": "outcome_unknown", "sent_at": "2026-11-02T17:00:02Z"}],
            "waits_for": [{"id": "/do/1/revoke", "kind": "call"}],
            "steps": [
                {"name": "block", "reference": "/do/0/block", "id": "/do/0/block", "rounds": [], "attempt": 1, "status": "completed",
                 "started_at": "2026-11-02T17:00:00Z", "ended_at": "2026-11-02T17:00:01.250Z",
                 "explanation": {"method": "PATCH", "connection": "graph", "host": "graph.contoso.example", "path": "/v1.0/users/\u{1b}[31m1",
                    "status": 204, "attempts": 2, "milliseconds": 1200, "requestId": "00000000-0000-4000-8000-000000000000"}},
                {"name": "tell", "reference": "/do/1/each/for/do/0/tell", "id": "/do/1/each/for/do/0/tell", "rounds": [4], "attempt": 3,
                 "status": "faulted", "started_at": "2026-11-02T17:00:01Z", "ended_at": "2026-11-02T17:01:31Z",
                 "error": {"type": "https://serverlessworkflow.io/spec/1.0.0/errors/communication", "status": 403, "title": "Forbidden",
                    "detail": format!("the API refused: {}", "x".repeat(200)), "instance": "/do/1/each/for/do/0/tell", "code": "connection.needs_consent"},
                 "explanation": {"connection": "graph", "code": "connection.needs_consent", "hint": "grant Mail.Send"}},
            ],
        })
    }

    #[test]
    fn a_run_is_told_in_eighty_columns() {
        let now = "2026-11-02T18:00:00Z".parse().unwrap();
        let text = sheet(&run(), now);
        assert!(
            text.lines()
                .all(|line| line.chars().count() <= 80 || line.contains('`')),
            "{text}"
        );
        let command = "`keyway run resolve run_00000000000000000000000001 --command '/do/1/revoke' --outcome send-again|completed|failed`";
        assert!(text.contains(command), "{text}");
        assert!(!text.contains('\u{1b}'), "{text}");
        for part in [
            "contoso.block-leaver 1.0.0 (number 3)",
            "keyway run resolve run_00000000000000000000000001",
            "HTTP 204",
            "sent 2 times",
            "1250 ms",
            "    tell [4]",
            "1 min 30 s",
            "Forbidden (communication), status 403: the API refused",
            "grant Mail.Send (connection.needs_consent)",
        ] {
            assert!(text.contains(part), "{part:?} is missing in:\n{text}");
        }
    }

    #[test]
    fn a_connection_that_needs_somebody_is_named_with_its_cure() {
        let parked = json!({"command": "/do/0", "for": "connection", "name": "graph", "id": "con_1", "code": "connection.needs_consent"});
        let said = parked_text(&run(), &parked);
        assert!(
            said.contains("`keyway connection explain graph`") && said.contains("was not sent"),
            "{said}"
        );
    }

    #[test]
    fn an_error_is_told_with_its_place_and_code() {
        for (more, expected) in [
            (json!({}), "Runtime error (runtime), status 500: too often"),
            (
                json!({"instance": "/do/0/a"}),
                "Runtime error (runtime), status 500: too often (at /do/0/a)",
            ),
            (
                json!({"code": "flow.limit"}),
                "Runtime error (runtime), status 500: too often (flow.limit)",
            ),
            (
                json!({"instance": "/do/0/a", "code": "flow.limit"}),
                "Runtime error (runtime), status 500: too often (at /do/0/a, flow.limit)",
            ),
        ] {
            let mut error = json!({"type": "https://contoso.example/errors/runtime", "title": "Runtime error", "status": 500, "detail": "too often"});
            for (name, value) in more.as_object().unwrap() {
                error[name] = value.clone();
            }
            assert_eq!(error_text(&error), expected);
        }
    }
}
