//! Findings about a flow for people.

use std::fmt::Write as _;

use serde_json::Value;

use super::super::findings;
use super::file::Judged;
use crate::ui::plain;

/// All that is to be said of a file, and a last line that says it in short.
pub(super) fn text(judged: &Judged) -> String {
    let mut out = String::new();
    for finding in judged.findings() {
        findings::one(&mut out, &judged.name, &judged.text, &finding.into());
    }
    let errors = judged
        .findings()
        .iter()
        .filter(|finding| finding.is_error())
        .count();
    let warnings = judged.findings().len() - errors;
    let mut short = vec![if judged.is_valid() {
        "valid".to_owned()
    } else {
        counted(errors, "error")
    }];
    if warnings > 0 {
        short.push(counted(warnings, "warning"));
    }
    let _ = writeln!(out, "{}: {}", plain(&judged.name), short.join(", "));
    out
}

/// What only the server knows to be said of a file: warnings beside those that its text has by itself.
pub(super) fn of_server(judged: &Judged, warnings: &Value) -> String {
    let own = |warning: &Value| {
        let mut found = judged.findings().iter();
        found.any(|finding| warning["code"] == finding.code)
    };
    let mut out = String::new();
    for warning in warnings.as_array().into_iter().flatten() {
        if !own(warning) {
            let finding = findings::Finding::warning(warning);
            findings::one(&mut out, &judged.name, &judged.text, &finding);
        }
    }
    out
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
