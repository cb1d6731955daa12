//! A flow in a file, read and judged: it holds the flow, or what is wrong with the text, never both unsaid.

use std::io::Read as _;

use flow::diagnostics::{Diagnostic, Diagnostics, Severity};
use flow::{Flow, limits};
use serde_json::{Value, json};

use crate::Exit;
use crate::failure::Failure;

/// What became of a file.
pub(super) struct Judged {
    /// What it was called on the command line.
    pub(super) name: String,
    /// Its text as far as it is text.
    pub(super) text: String,
    outcome: Result<Flow, Diagnostics>,
}

/// Reads a file, or stdin for `-`, and checks the flow in it.
pub(super) fn judge(name: &str) -> Judged {
    let (text, outcome) = match bytes(name).map(String::from_utf8) {
        Ok(Ok(text)) => {
            let outcome = Flow::parse(&text);
            (text, outcome)
        }
        Ok(Err(error)) => {
            let end = error.utf8_error().valid_up_to();
            let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
            let finding = finding("flow.parse", &text, end, "from here on this is no UTF-8");
            (text, Err(Diagnostics(vec![finding])))
        }
        Err(error) => {
            let message = format!("the file cannot be read: {error}");
            let finding = finding("flow.unreadable", "", 0, message);
            (String::new(), Err(Diagnostics(vec![finding])))
        }
    };
    Judged {
        name: name.to_owned(),
        text,
        outcome,
    }
}

/// The bytes of a file; one more than a flow may have, so that too many are noticed.
fn bytes(name: &str) -> std::io::Result<Vec<u8>> {
    let most = u64::try_from(limits::SOURCE).unwrap_or(u64::MAX) + 1;
    let mut bytes = Vec::new();
    if name == "-" {
        std::io::stdin().lock().take(most).read_to_end(&mut bytes)?;
    } else {
        std::fs::File::open(name)?
            .take(most)
            .read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

fn finding(code: &'static str, text: &str, at: usize, message: impl Into<String>) -> Diagnostic {
    let before = text.get(..at).unwrap_or_default();
    let line = before.rsplit('\n').next().unwrap_or_default();
    Diagnostic {
        code,
        pointer: String::new(),
        line: before.matches('\n').count() + 1,
        column: line.chars().count() + 1,
        length: 1,
        message: message.into(),
        hint: None,
        severity: Severity::Error,
    }
}

impl Judged {
    pub(super) fn flow(&self) -> Option<&Flow> {
        self.outcome.as_ref().ok()
    }

    pub(super) fn is_valid(&self) -> bool {
        self.outcome.is_ok()
    }

    /// In the order of the text; warnings only, when the flow is valid.
    pub(super) fn findings(&self) -> &[Diagnostic] {
        match &self.outcome {
            Ok(flow) => &flow.warnings,
            Err(diagnostics) => &diagnostics.0,
        }
    }

    /// A finding as a member of the JSON document.
    pub(super) fn document(&self, finding: &Diagnostic, named: bool) -> Value {
        let mut document = json!(finding);
        if named {
            document["file"] = self.name.as_str().into();
        }
        document
    }

    /// Why nothing can be done with it.
    pub(super) fn failure(&self) -> Failure {
        let errors: Vec<_> = self
            .findings()
            .iter()
            .filter(|finding| finding.is_error())
            .collect();
        let first = errors.first();
        let code = first.map_or("flow.parse", |finding| finding.code);
        let detail = first.map_or_else(String::new, |finding| {
            format!(
                "{}:{}:{}: {}",
                self.name, finding.line, finding.column, finding.message
            )
        });
        Failure::new(Exit::Invalid, code, detail)
            .hint(format!(
                "`keyway flow validate {}` shows all that is wrong",
                self.name
            ))
            .with("errors", json!(errors))
    }
}
