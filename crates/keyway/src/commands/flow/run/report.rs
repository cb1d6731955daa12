//! The document that `flow run` prints.

use engine::{History, Outcome};
use flow::diagnostics::Diagnostic;
use flow::machine::Step;
use flow::{Fault, FaultType};
use serde_json::{Value, json};
use store::{Parked, ParkedFor};

use super::Ended;
use crate::Exit;

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

/// A run that came to its end.
pub(super) fn ended(end: &Ended, history: &History) -> (Value, Exit) {
    let (status, output, error) = match end {
        Ended::With(Outcome::Completed(output)) => ("completed", output.clone(), Value::Null),
        Ended::With(Outcome::Faulted(error)) => ("faulted", Value::Null, error.clone()),
        Ended::With(_) => ("cancelled", Value::Null, Value::Null),
        Ended::Parked(parked) => ("faulted", Value::Null, needs(parked)),
    };
    let exit = if status == "completed" {
        Exit::Ok
    } else {
        Exit::FAULTED
    };
    let events: Vec<Value> = history
        .events
        .iter()
        .map(flow::CloudEvent::structured)
        .collect();
    let tasks: Vec<Value> = history.steps.iter().map(task).collect();
    let document = json!({ "status": status, "output": output, "error": error, "tasks": tasks, "events": events });
    (document, exit)
}

/// The error of a run that waits for somebody.
fn needs(parked: &[Parked]) -> Value {
    let reasons: Vec<String> = parked
        .iter()
        .map(|parked| match &parked.reason {
            ParkedFor::Connection { name, code, .. } => {
                format!("connection {name:?} needs somebody ({code}): `keyway connection explain {name}` says what to do")
            }
            ParkedFor::OutcomeUnknown { .. } => "nobody knows whether a call was made".to_owned(),
        })
        .collect();
    Fault::new(FaultType::Authentication, reasons.join("; ")).error()
}

fn task(step: &Step) -> Value {
    let mut task = json!({
        "name": step.name, "reference": step.reference, "status": step.status,
        "startedAt": step.started_at, "endedAt": step.ended_at,
    });
    for (name, value) in [
        ("input", &step.input),
        ("output", &step.output),
        ("error", &step.error),
    ] {
        if let Some(value) = value {
            task[name] = value.clone();
        }
    }
    task
}
