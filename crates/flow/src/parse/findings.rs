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
/// An expression that may run for long where only a light one is evaluated.
pub(super) const HEAVY: &str = "expr.heavy_filter";
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

/// How many errors and how many warnings are kept until the end: a text with ten thousand mistakes is read to its end, but not
/// worth their places.
const KEPT: usize = 4 * limits::FINDINGS;

/// The findings so far.
pub(super) struct Findings<'s> {
    pub(super) source: Source<'s>,
    errors: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    /// Takes what is not kept.
    spare: Option<Diagnostic>,
}

/// A finding that may get a hint.
pub(super) struct Found<'f>(&'f mut Diagnostic);

impl Found<'_> {
    pub(super) fn hint(self, hint: impl Into<String>) {
        self.0.hint = Some(hint.into());
    }
}

impl<'s> Findings<'s> {
    pub(super) fn new(source: Source<'s>) -> Findings<'s> {
        Findings {
            source,
            errors: Vec::new(),
            warnings: Vec::new(),
            spare: None,
        }
    }

    /// How many errors there are, as far as they are kept.
    pub(super) fn count(&self) -> usize {
        self.errors.len()
    }

    /// An error at a place of the text.
    pub(super) fn at(
        &mut self,
        code: &'static str,
        pointer: &str,
        span: &Span,
        message: impl Into<String>,
    ) -> Found<'_> {
        self.add(Severity::Error, code, (pointer, span), message.into())
    }

    /// A warning at a place of the text.
    pub(super) fn warn(
        &mut self,
        code: &'static str,
        pointer: &str,
        span: &Span,
        message: impl Into<String>,
    ) -> Found<'_> {
        self.add(Severity::Warning, code, (pointer, span), message.into())
    }

    fn add(
        &mut self,
        severity: Severity,
        code: &'static str,
        (pointer, span): (&str, &Span),
        message: String,
    ) -> Found<'_> {
        let list = match severity {
            Severity::Error => &mut self.errors,
            Severity::Warning => &mut self.warnings,
        };
        if list.len() >= KEPT {
            let spare = self.spare.take().or_else(|| list.last().cloned());
            return Found(
                self.spare
                    .insert(spare.expect("the list is full, so it has a last one")),
            );
        }
        let position = self.source.position(span);
        list.push(Diagnostic {
            code,
            pointer: pointer.to_owned(),
            line: position.line,
            column: position.column,
            length: position.length,
            message,
            hint: None,
            severity,
        });
        Found(list.last_mut().expect("one was pushed"))
    }

    /// The warnings, or everything when there is an error among it.
    pub(super) fn finish(self) -> Result<Vec<Diagnostic>, Diagnostics> {
        let mut all = self.errors;
        let refused = !all.is_empty();
        sort(&mut all);
        all.truncate(limits::FINDINGS);
        let mut warnings = self.warnings;
        sort(&mut warnings);
        // errors first, where there is not room for all
        warnings.truncate(limits::FINDINGS - all.len());
        all.extend(warnings);
        sort(&mut all);
        if refused {
            return Err(Diagnostics(all));
        }
        Ok(all)
    }
}

/// In the order of the text; what a named component says at each of its uses is said once.
fn sort(findings: &mut Vec<Diagnostic>) {
    findings.sort_by_key(|finding| (finding.line, finding.column));
    findings.dedup_by(|a, b| {
        a.pointer == b.pointer && a.line == b.line && a.column == b.column && a.message == b.message
    });
}
