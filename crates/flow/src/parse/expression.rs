//! Expressions and templates: what is code in the definition, compiled with the variables that are bound at its place.
//!
//! Only the definition is ever looked at: data that looks like an expression stays data.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Reader;
use super::fields::At;
use super::findings::{DISABLED, LIMIT, LITERAL, REFERENCE, SCHEMA, SECRET_USE};
use super::scope::{RESERVED, Scope};
use super::tree::Data;
use crate::definition::{Expression, Template};
use crate::limits;

/// Programs that were compiled already, by source and variables.
pub(super) type Compiled = BTreeMap<(String, String), Option<expression::Program>>;

/// The jq in `${ … }` and where it begins, when the whole text is one.
pub(super) fn strict(text: &str) -> Option<(usize, &str)> {
    let begin = text.len() - text.trim_start().len() + 2;
    let inner = text.trim().strip_prefix("${")?.strip_suffix('}')?;
    (!inner.is_empty()).then_some((begin, inner))
}

impl<'t> Reader<'_, 't> {
    /// Where only an expression can stand, with or without `${ }`.
    pub(super) fn expression(&mut self, at: &At<'t>, scope: &Scope) -> Option<Expression> {
        let text = self.name(at)?;
        let (begin, source) = strict(text).unwrap_or((0, text));
        self.compile(at, begin, source, scope)
    }

    /// Text that may be an expression.
    pub(super) fn text_template(&mut self, at: &At<'t>, scope: &Scope) -> Option<Template> {
        self.text(at)?;
        self.template(at, scope)
    }

    /// An object, or one expression for all of it.
    pub(super) fn object_template(&mut self, at: &At<'t>, scope: &Scope) -> Option<Template> {
        if at.is_map()
            || at
                .as_text()
                .is_some_and(|text| strict(&text.value).is_some())
        {
            return self.template(at, scope);
        }
        self.error(
            at,
            SCHEMA,
            "this has to be an object or one expression `${ … }`",
        );
        None
    }

    /// A value with expressions at its leaves.
    pub(super) fn template(&mut self, at: &At<'t>, scope: &Scope) -> Option<Template> {
        match &at.node.data {
            Data::Text(text) => {
                if let Some((begin, source)) = strict(&text.value) {
                    let program = self.compile(at, begin, source, scope)?;
                    return Some(Template::Expression(program));
                }
                self.literal(at, &text.value);
                Some(Template::Literal(text.value.clone().into()))
            }
            Data::List(_) => {
                let items: Vec<_> = at.items().map(|item| self.template(&item, scope)).collect();
                let items: Vec<_> = items.into_iter().collect::<Option<_>>()?;
                Some(if items.iter().all(is_literal) {
                    Template::Literal(at.node.data.to_json())
                } else {
                    Template::List(items)
                })
            }
            Data::Map(_) => {
                let members: Vec<_> = at
                    .members()
                    .map(|(key, _, member)| Some((key.to_owned(), self.template(&member, scope)?)))
                    .collect();
                let members: indexmap::IndexMap<_, _> =
                    members.into_iter().collect::<Option<_>>()?;
                Some(if members.values().all(is_literal) {
                    Template::Literal(at.node.data.to_json())
                } else {
                    Template::Object(members)
                })
            }
            data => Some(Template::Literal(data.to_json())),
        }
    }

    /// `from` and `as`: an expression, bare or not, or an object with expressions at its leaves.
    pub(super) fn shaping(&mut self, at: &At<'t>, scope: &Scope) -> Option<Template> {
        if at.is_map() {
            return self.template(at, scope);
        }
        if at.as_text().is_none() {
            self.error(at, SCHEMA, "this has to be an expression or an object");
            return None;
        }
        self.expression(at, scope).map(Template::Expression)
    }

    /// The name of a variable that a task binds.
    pub(super) fn variable(&mut self, at: &At<'t>) -> Option<Arc<str>> {
        let name = self.name(at)?;
        let word = name.strip_prefix('$').unwrap_or(name);
        let plain = word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !plain {
            self.error(
                at,
                SCHEMA,
                "the name of a variable has letters, digits and `_`, and begins with a letter",
            );
            return None;
        }
        if word.len() < name.len() {
            self.error(
                at,
                SCHEMA,
                "the name of a variable is written without `$` here",
            )
            .hint(format!("write `{word}`"));
            return None;
        }
        if RESERVED.contains(&word) {
            self.error(
                at,
                SCHEMA,
                format!("`${word}` is a variable of the language"),
            )
            .hint("choose another name");
            return None;
        }
        Some(word.into())
    }

    /// Whether a literal was meant to be one.
    fn literal(&mut self, at: &At<'t>, text: &str) {
        if text.contains("${") {
            self.warn(
                at,
                LITERAL,
                "this is text: `${ … }` is an expression only when nothing stands around it",
            )
            .hint("write one expression, for example ${ \"Hello \\(.name)\" }");
        }
        if looks_like_jq(text) {
            self.warn(
                at,
                LITERAL,
                "this is text: an expression stands in `${ … }` here",
            )
            .hint(format!("${{ {} }}", super::fields::shown(text)));
        }
        self.lint_literal(at, text);
    }

    fn compile(
        &mut self,
        at: &At<'t>,
        begin: usize,
        source: &str,
        scope: &Scope,
    ) -> Option<Expression> {
        let variables = scope.variables();
        let key = (source.to_owned(), variables.join(","));
        let program = match self.compiled.get(&key) {
            Some(Some(program)) => program.clone(),
            known => {
                if known.is_none() && self.compiled.len() >= limits::EXPRESSIONS {
                    self.error(
                        at,
                        LIMIT,
                        format!("more than {} different expressions", limits::EXPRESSIONS),
                    );
                    return None;
                }
                match expression::compile(source, &variables) {
                    Ok(program) => {
                        self.compiled.insert(key, Some(program.clone()));
                        program
                    }
                    Err(error) => {
                        self.compiled.insert(key, None);
                        self.uncompiled(at, begin, &error, scope);
                        return None;
                    }
                }
            }
        };
        self.judge_secrets(at, source, scope);
        Some(Expression {
            program,
            pointer: at.pointer.as_str().into(),
        })
    }

    fn uncompiled(
        &mut self,
        at: &At<'t>,
        begin: usize,
        error: &expression::CompileError,
        scope: &Scope,
    ) {
        let Some(text) = at.as_text() else { return };
        let from = begin + error.offset;
        let inner = from..from + error.length.max(1);
        let span = self
            .findings
            .source
            .inside(&at.node.span, text.style, &inner, &text.value);
        let found = self.findings.at(
            error.code.as_str(),
            &at.pointer,
            &span,
            error.message.clone(),
        );
        if let Some(hint) = &error.hint {
            found.hint(hint);
        } else if error.code == expression::Code::UnknownVariable {
            let known: Vec<_> = scope
                .variables()
                .iter()
                .map(|name| format!("${name}"))
                .collect();
            if !known.is_empty() {
                found.hint(format!("bound here: {}", known.join(", ")));
            }
        }
    }

    /// Secrets are declared, and read where they are sent, not where they would be kept.
    fn judge_secrets(&mut self, at: &At<'t>, source: &str, scope: &Scope) {
        if !source.contains("$secrets") {
            return;
        }
        if !scope.place.is_for_secrets() {
            self.warn(
                at,
                SECRET_USE,
                "a secret that is read here becomes data of the run",
            )
            .hint("read `$secrets` in `input.from` or in the arguments of a call");
        }
        for name in secret_names(source) {
            if !self.uses.secrets.contains(&name) {
                self.error(
                    at,
                    REFERENCE,
                    format!("the secret `{name}` is not declared"),
                )
                .hint(format!("add `{name}` to use.secrets"));
            }
        }
    }

    /// A feature of the language that is not in the profile.
    pub(super) fn disabled(&mut self, at: &At<'_>, feature: &str, hint: &str) {
        self.error(
            at,
            DISABLED,
            format!("{feature} is not part of Keyway's profile of the language"),
        )
        .hint(hint);
    }

    /// A member of an object whose keys are free, each handed to `read`.
    pub(super) fn each<T>(
        &mut self,
        at: &At<'t>,
        mut read: impl FnMut(&mut Self, &'t str, &At<'t>) -> Option<T>,
    ) -> Option<Vec<(String, T)>> {
        self.open_fields(at)?;
        let members: Vec<_> = at
            .members()
            .map(|(key, _, member)| Some((key.to_owned(), read(self, key, &member)?)))
            .collect();
        members.into_iter().collect()
    }
}

fn is_literal(template: &Template) -> bool {
    matches!(template, Template::Literal(_))
}

/// Whether text is a path or variable of jq and hardly anything else.
fn looks_like_jq(text: &str) -> bool {
    let rest = match text.strip_prefix('$') {
        Some(rest) => rest,
        None => match text.strip_prefix('.') {
            Some(rest) => rest,
            None => return false,
        },
    };
    let word = rest.starts_with(|c: char| c.is_ascii_lowercase() || c == '_');
    word && rest
        .chars()
        .all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '[' | ']' | '"'))
}

/// Names that an expression reads as `$secrets.name`, `$secrets."name"` or `$secrets["name"]`. A name that is computed is looked up at run time.
fn secret_names(source: &str) -> Vec<String> {
    source
        .split("$secrets")
        .skip(1)
        .filter_map(|rest| {
            let rest = rest.trim_start();
            let dotted = rest.strip_prefix('.').map(str::trim_start);
            let quoted = match dotted {
                Some(rest) => rest.strip_prefix('"'),
                None => rest
                    .strip_prefix('[')
                    .and_then(|rest| rest.trim_start().strip_prefix('"')),
            };
            if let Some(quoted) = quoted {
                let (name, _) = quoted.split_once('"')?;
                return (!name.contains('\\')).then(|| name.to_owned());
            }
            let rest = dotted?;
            let end = rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            (end > 0).then(|| rest[..end].to_owned())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_expression_is_the_whole_text() {
        for (text, expected) in [
            ("${ .a }", Some((2, " .a "))),
            ("  ${.a}\n", Some((4, ".a"))),
            ("${ .a } and ${ .b }", Some((2, " .a } and ${ .b "))),
            ("${\n.a\n}", Some((2, "\n.a\n"))),
            ("Hi ${ .a }", None),
            ("${}", None),
            (".a", None),
            ("${ .a", None),
        ] {
            assert_eq!(strict(text), expected, "{text:?}");
        }
    }

    #[test]
    fn secrets_are_found_by_name() {
        assert_eq!(
            secret_names(
                r#"$secrets.a + $secrets["b-c"] + $secrets . "d" + $secrets[$x] + ($secrets | keys)"#
            ),
            ["a", "b-c", "d"]
        );
    }
}
