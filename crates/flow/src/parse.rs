//! From text to a definition that checked out, or to everything that is wrong with it, each with its place.
//!
//! `tree` reads YAML and JSON into nodes that know where they stand; the other files each turn one area of the language into the
//! types of `definition`. Nothing is guessed and nothing is left out: unknown keys, names that stand for nothing and features outside the
//! profile are refused, and an expression is compiled with exactly the variables of its place.

mod authentication;
mod block;
mod call;
mod catalog;
mod catch;
mod control;
mod data;
mod document;
mod duration;
mod endpoint;
mod expression;
mod fields;
mod findings;
mod hooks;
mod listen;
mod nearest;
mod position;
mod scalar;
mod schedule;
mod schema_cost;
mod scope;
mod task;
mod text;
mod tree;
mod uses;
mod ways;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use serde_json::Value;

pub use duration::{NoDuration, parse_iso8601};
pub use text::{Text, write};

use crate::definition::Flow;
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};
use expression::Compiled;
use fields::At;
use findings::Findings;
use position::{Source, Span};
use uses::Uses;

/// What reading needs to know: the findings so far, the named components, and the programs that were compiled.
struct Reader<'s, 't> {
    findings: Findings<'s>,
    uses: Uses<'t>,
    compiled: Compiled,
    used_retries: BTreeSet<String>,
    tasks: usize,
    origin: Origin,
}

/// Where a text comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Origin {
    /// Somebody is about to deploy or run it.
    Written,
    /// It was deployed before, perhaps under rules that were looser.
    Stored,
}

impl Flow {
    /// Reads a flow from YAML 1.2 or JSON.
    ///
    /// What is found wrong is reported all at once, at most [`limits::FINDINGS`](crate::limits::FINDINGS); what only deserves a look is in
    /// [`Flow::warnings`].
    pub fn parse(source: &str) -> Result<Flow, Diagnostics> {
        Flow::read(source, Origin::Written)
    }

    /// Reads a flow that was deployed before. What such a text could say once and a new one may not say any more is a warning: runs of
    /// it go on, and what can't be carried out is told where it is met.
    pub fn parse_stored(source: &str) -> Result<Flow, Diagnostics> {
        Flow::read(source, Origin::Stored)
    }

    /// A warning about a place of a text that can be read: `pointer` leads to it by the keys of objects (RFC 6901). Where there is no
    /// such place it is about the whole text.
    pub fn warning(
        source: &str,
        pointer: &str,
        code: &'static str,
        message: String,
        hint: &str,
    ) -> Diagnostic {
        let mut findings = Findings::new(Source::new(source));
        let root = tree::read(source, &mut findings);
        let span = root
            .as_ref()
            .and_then(|root| At::root(root).find(pointer))
            .map_or_else(Span::default, |at| at.node.span.clone());
        let position = findings.source.position(&span);
        Diagnostic {
            code,
            pointer: pointer.to_owned(),
            line: position.line,
            column: position.column,
            length: position.length,
            message,
            hint: Some(hint.to_owned()),
            severity: Severity::Warning,
        }
    }

    fn read(source: &str, origin: Origin) -> Result<Flow, Diagnostics> {
        let mut findings = Findings::new(Source::new(source));
        let Some(root) = tree::read(source, &mut findings) else {
            return Err(refused(findings));
        };
        let mut reader = Reader {
            findings,
            uses: Uses::default(),
            compiled: Compiled::new(),
            used_retries: BTreeSet::new(),
            tasks: 0,
            origin,
        };
        let flow = reader.flow(&At::root(&root));
        match (reader.findings.finish(), flow) {
            (Ok(warnings), Some(flow)) => Ok(Flow { warnings, ..flow }),
            (Err(diagnostics), _) => Err(diagnostics),
            (Ok(_), None) => unreachable!("what can't be read has a finding that says why"),
        }
    }
}

fn refused(findings: Findings<'_>) -> Diagnostics {
    findings.finish().err().unwrap_or(Diagnostics(Vec::new()))
}

/// SHA-256 of a value's canonical JSON, in hex.
fn digest(value: &Value) -> String {
    let mut text = String::new();
    canonical(value, &mut text);
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
    digest.as_ref().iter().fold(String::new(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// JSON without white space and with its keys in order.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut members: Vec<_> = map.iter().collect();
            members.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (position, (key, value)) in members.into_iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                out.push_str(&Value::from(key.as_str()).to_string());
                out.push(':');
                canonical(value, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    out.push(',');
                }
                canonical(item, out);
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

#[cfg(test)]
mod tests;
