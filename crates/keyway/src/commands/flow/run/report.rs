//! The document that `flow run` prints.

use flow::diagnostics::Diagnostic;
use flow::{Fault, FaultType};
use serde_json::{Value, json};

use crate::Exit;
use crate::commands::text;

/// A flow that is not valid: faulted before it began, with the first of its errors.
pub(super) fn invalid(findings: &[Diagnostic]) -> Value {
    let first = findings.iter().find(|finding| finding.is_error());
    let kind = match first {
        Some(finding) if finding.code.starts_with("expr.") => FaultType::Expression,
        _ => FaultType::Configuration,
    };
    let detail = first.map(|finding| {
        let hint = finding
            .hint
            .as_ref()
            .map(|hint| format!(" ({hint})"))
            .unwrap_or_default();
        format!(
            "line {}, column {}: {}{hint}",
            finding.line, finding.column, finding.message
        )
    });
    json!({
        "status": "faulted",
        "output": null,
        "error": {
            "type": kind.uri(), "status": 400, "title": kind.title(), "detail": detail,
            "instance": first.map(|finding| finding.pointer.as_str()),
        },
        "tasks": [],
        "events": [],
    })
}

/// A run that came to its end, as the API tells it; `parked` is what it waited for when it was ended for that.
pub(super) fn ended(run: &Value, parked: &[Value]) -> (Value, Exit) {
    let (status, output, error) = match run["status"].as_str() {
        Some("completed") => ("completed", run["output"].clone(), Value::Null),
        Some("cancelled") if parked.is_empty() => ("cancelled", Value::Null, Value::Null),
        Some("cancelled") => ("faulted", Value::Null, needs(parked)),
        _ => ("faulted", Value::Null, run["error"].clone()),
    };
    let exit = if status == "completed" {
        Exit::Ok
    } else {
        Exit::FAULTED
    };
    let steps = run["steps"].as_array().into_iter().flatten();
    let tasks: Vec<Value> = steps.map(task).collect();
    let document = json!({ "status": status, "output": output, "error": error, "tasks": tasks, "events": run["events"] });
    (document, exit)
}

/// The error of a run that waited for somebody.
fn needs(parked: &[Value]) -> Value {
    let reasons: Vec<String> = parked
        .iter()
        .map(|parked| {
            if parked["for"] == "connection" {
                let (name, code) = (text(parked, "name"), text(parked, "code"));
                format!("connection {name:?} needs somebody ({code}): `keyway connection explain {name}` says what to do")
            } else {
                "nobody knows whether a call was made".to_owned()
            }
        })
        .collect();
    Fault::new(FaultType::Authentication, reasons.join("; ")).error()
}

fn task(step: &Value) -> Value {
    let mut task = json!({
        "name": step["name"], "reference": step["reference"], "status": step["status"],
        "startedAt": step["started_at"], "endedAt": step["ended_at"],
    });
    for name in ["input", "output", "error"] {
        if let Some(value) = step.get(name) {
            task[name] = value.clone();
        }
    }
    task
}
