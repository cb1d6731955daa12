//! What is wrong with the text, collected: everything is reported at once, in the order of the text.

use super::position::{Source, Span};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use crate::limits;

/// It is no YAML or JSON, or too much of it.
pub(super) const PARSE: &str = "flow.parse";
/// It is not of the language.
pub(super) const SCHEMA: &str = "flow.schema";
/// It is of the language, but not of the profile.
pub(super) const DISABLED: &str = "flow.feature_disabled";
/// It names what is not there.
pub(super) const REFERENCE: &str = "flow.reference";
/// It is there twice.
pub(super) const DUPLICATE: &str = "flow.duplicate";
/// There is more of it than we take.
pub(super) const LIMIT: &str = "flow.limit";
/// A header that a flow may not set.
pub(super) const HEADER: &str = "header.forbidden";
/// Warning: a secret stands in the text.
pub(super) const SECRET_LITERAL: &str = "flow.secret_literal";
/// Warning: a secret is used where it may be shown.
pub(super) const SECRET_USE: &str = "flow.secret_use";
/// Warning: who is calling is written into the flow instead of a connection.
pub(super) const INLINE_AUTHENTICATION: &str = "flow.inline_authentication";
/// Warning: text that looks as if it were meant as an expression.
pub(super) const LITERAL: &str = "flow.literal";
/// Warning: a task that nothing leads to.
pub(super) const UNREACHABLE: &str = "flow.unreachable";
/// Warning: a task that goes back to itself for ever.
pub(super) const LOOP: &str = "flow.loop";
/// Warning: a hook that anybody may call.
pub(super) const PUBLIC_HOOK: &str = "flow.webhook_public";

/// The findings so far.
pub(super) struct Findings<'s> {
    pub(super) source: Source<'s>,
    all: Vec<Diagnostic>,
}

/// A finding that may get a hint.
pub(super) struct Found<'f>(&'f mut Diagnostic);

impl Found<'_> {
    pub(super) fn hint(self, hint: impl Into<String>) {
        self.0.hint = Some(hint.into());
    }

    fn warning(self) -> Self {
        self.0.severity = Severity::Warning;
        self
    }
}

impl<'s> Findings<'s> {
    pub(super) fn new(source: Source<'s>) -> Findings<'s> {
        Findings {
            source,
            all: Vec::new(),
        }
    }

    /// An error at a place of the text.
    pub(super) fn at(
        &mut self,
        code: &'static str,
        pointer: &str,
        span: &Span,
        message: impl Into<String>,
    ) -> Found<'_> {
        let position = self.source.position(span);
        let finding = Diagnostic {
            code,
            pointer: pointer.to_owned(),
            line: position.line,
            column: position.column,
            length: position.length,
            message: message.into(),
            hint: None,
            severity: Severity::Error,
        };
        // a text with ten thousand mistakes is not worth more memory than one with fifty
        if self.all.len() >= 20 * limits::FINDINGS {
            self.all.truncate(20 * limits::FINDINGS - 1);
        }
        self.all.push(finding);
        Found(self.all.last_mut().expect("one was pushed"))
    }

    /// A warning at a place of the text.
    pub(super) fn warn(
        &mut self,
        code: &'static str,
        pointer: &str,
        span: &Span,
        message: impl Into<String>,
    ) -> Found<'_> {
        self.at(code, pointer, span, message).warning()
    }

    /// The warnings, or everything when there is an error among it.
    pub(super) fn finish(self) -> Result<Vec<Diagnostic>, Diagnostics> {
        let (mut errors, warnings): (Vec<_>, Vec<_>) = self
            .all
            .into_iter()
            .partition(|finding| finding.severity == Severity::Error);
        let refused = !errors.is_empty();
        sort(&mut errors);
        errors.truncate(limits::FINDINGS);
        errors.extend(warnings);
        sort(&mut errors);
        if refused {
            while errors.len() > limits::FINDINGS {
                let last = errors
                    .iter()
                    .rposition(|finding| finding.severity == Severity::Warning);
                errors.remove(last.unwrap_or(errors.len() - 1));
            }
            return Err(Diagnostics(errors));
        }
        errors.truncate(limits::FINDINGS);
        Ok(errors)
    }
}

/// In the order of the text; what a named component says at each of its uses is said once.
fn sort(findings: &mut Vec<Diagnostic>) {
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings.dedup_by(|a, b| {
        a.pointer == b.pointer && a.line == b.line && a.column == b.column && a.message == b.message
    });
}
