//! Looks through a parsed program once: are all names known and open, which of the variables are used, which functions of the library are
//! needed, and is the program light (its steps are bounded by the size of its input) or heavy (it may loop or nest as it likes).

use std::collections::BTreeSet;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Pattern, Term};
use jaq_core::load::span;
use jaq_core::ops::Math;

use crate::library::{Signature, forbidden, library};
use crate::nearby::nearest;
use crate::{Class, Code, CompileError, walk};

/// What is known of a program after looking through it.
pub(crate) struct Findings<'s> {
    pub(crate) class: Class,
    /// The variables used, with their `$`.
    pub(crate) variables: BTreeSet<&'s str>,
    pub(crate) calls: BTreeSet<Signature<'s>>,
}

/// Library functions that loop as often as their arguments say, or nest as deep as their input says and more.
const LOOPING: &[Signature<'static>] = &[
    ("range", 1),
    ("range", 2),
    ("range", 3),
    ("repeat", 1),
    ("recurse", 1),
    ("recurse", 2),
    ("while", 2),
    ("until", 2),
    ("limit", 2),
    ("skip", 2),
    ("nth", 2),
    ("combinations", 0),
    ("combinations", 1),
    ("fromstream", 1),
    ("truncate_stream", 1),
];

/// Looks through `root`; `variables` are the names bound from outside, with their `$`.
pub(crate) fn examine<'s>(
    source: &'s str,
    root: &Term<&'s str>,
    variables: &[&'s str],
) -> Result<Findings<'s>, CompileError> {
    let mut look = Look {
        source,
        outside: variables,
        names: Vec::new(),
        functions: Vec::new(),
        findings: Findings {
            class: Class::Light,
            variables: BTreeSet::new(),
            calls: BTreeSet::new(),
        },
    };
    look.term(root)?;
    Ok(look.findings)
}

struct Function<'s> {
    signature: Signature<'s>,
    /// Its own body is being looked at: a call to it is recursion.
    open: bool,
}

struct Look<'s, 'v> {
    source: &'s str,
    outside: &'v [&'s str],
    /// Variables with `$`, labels with `*`.
    names: Vec<(char, &'s str)>,
    functions: Vec<Function<'s>>,
    findings: Findings<'s>,
}

impl<'s> Look<'s, '_> {
    fn term(&mut self, term: &Term<&'s str>) -> Result<(), CompileError> {
        match term {
            Term::Var(name) => self.variable(name),
            Term::Break(label) => self.label(label),
            Term::Call(name, arguments) => {
                self.call(name, arguments.len())?;
                self.all(arguments)
            }
            Term::Str(format, parts) => {
                format.iter().try_for_each(|format| self.call(format, 0))?;
                parts.iter().try_for_each(|part| match part {
                    StrPart::Term(term) => self.term(term),
                    _ => Ok(()),
                })
            }
            Term::Label(label, body) => {
                self.names.push(('*', label));
                let looked = self.term(body);
                self.names.pop();
                looked
            }
            Term::BinOp(left, BinaryOp::Pipe(Some(pattern)), right) => {
                self.term(left)?;
                self.bind(pattern, |look| look.term(right))
            }
            Term::BinOp(left, operator, right) => {
                if matches!(
                    operator,
                    BinaryOp::Math(Math::Mul) | BinaryOp::UpdateMath(Math::Mul)
                ) && (is_text(left) || is_text(right))
                {
                    self.findings.class = Class::Heavy;
                }
                self.term(left)?;
                self.term(right)
            }
            Term::Fold(_, source, pattern, arguments) => self.fold(source, pattern, arguments),
            Term::Def(definitions, rest) => self.definitions(definitions, rest),
            other => {
                let mut looked = Ok(());
                walk::children(other, &mut |child| {
                    if looked.is_ok() {
                        looked = self.term(child);
                    }
                });
                looked
            }
        }
    }

    fn all(&mut self, terms: &[Term<&'s str>]) -> Result<(), CompileError> {
        terms.iter().try_for_each(|term| self.term(term))
    }

    fn fold(
        &mut self,
        source: &Term<&'s str>,
        pattern: &Pattern<&'s str>,
        arguments: &[Term<&'s str>],
    ) -> Result<(), CompileError> {
        self.findings.class = Class::Heavy;
        self.term(source)?;
        let Some((start, rest)) = arguments.split_first() else {
            return Ok(());
        };
        self.term(start)?;
        self.bind(pattern, |look| look.all(rest))
    }

    fn bind(
        &mut self,
        pattern: &Pattern<&'s str>,
        look: impl FnOnce(&mut Self) -> Result<(), CompileError>,
    ) -> Result<(), CompileError> {
        let mut keys = Ok(());
        walk::keys(pattern, &mut |key| {
            if keys.is_ok() {
                keys = self.term(key);
            }
        });
        keys?;
        let mut names = Vec::new();
        walk::bound(pattern, &mut names);
        let before = self.names.len();
        self.names.extend(names.into_iter().map(|name| ('$', name)));
        let looked = look(self);
        self.names.truncate(before);
        looked
    }

    fn definitions(
        &mut self,
        definitions: &[Def<&'s str>],
        rest: &Term<&'s str>,
    ) -> Result<(), CompileError> {
        let before = self.functions.len();
        for definition in definitions {
            let (names, functions) = (self.names.len(), self.functions.len());
            self.functions.push(Function {
                signature: (definition.name, definition.args.len()),
                open: true,
            });
            for parameter in &definition.args {
                match parameter.strip_prefix('$') {
                    Some(_) => self.names.push(('$', parameter)),
                    None => self.functions.push(Function {
                        signature: (parameter, 0),
                        open: false,
                    }),
                }
            }
            self.term(&definition.body)?;
            self.names.truncate(names);
            self.functions.truncate(functions);
            self.functions.push(Function {
                signature: (definition.name, definition.args.len()),
                open: false,
            });
        }
        self.term(rest)?;
        self.functions.truncate(before);
        Ok(())
    }

    fn variable(&mut self, name: &'s str) -> Result<(), CompileError> {
        if self.names.contains(&('$', name)) {
            return Ok(());
        }
        if self.outside.contains(&name) {
            self.findings.variables.insert(name);
            return Ok(());
        }
        if let Some(hint) = forbidden(name) {
            return Err(self.refuse(
                Code::Forbidden,
                name,
                format!("{name} is not available here"),
                Some(hint.to_owned()),
            ));
        }
        let local = self
            .names
            .iter()
            .filter(|(kind, _)| *kind == '$')
            .map(|(_, name)| *name);
        let hint = nearest(name, self.outside.iter().copied().chain(local))
            .map(|near| format!("did you mean {near}?"));
        Err(self.refuse(
            Code::UnknownVariable,
            name,
            format!("the variable {name} is not defined"),
            hint,
        ))
    }

    fn label(&self, label: &'s str) -> Result<(), CompileError> {
        if self.names.contains(&('*', label)) {
            return Ok(());
        }
        let hint = Some(format!("write `label {label} | …` around it"));
        Err(self.refuse(
            Code::UnknownVariable,
            label,
            format!("the label {label} is not defined"),
            hint,
        ))
    }

    fn call(&mut self, name: &'s str, arguments: usize) -> Result<(), CompileError> {
        let signature = (name, arguments);
        if let Some(function) = self
            .functions
            .iter()
            .rev()
            .find(|function| function.signature == signature)
        {
            if function.open {
                self.findings.class = Class::Heavy;
            }
            return Ok(());
        }
        if let Some(hint) = forbidden(name) {
            return Err(self.refuse(
                Code::Forbidden,
                name,
                format!("{name} is not available in expressions"),
                Some(hint.to_owned()),
            ));
        }
        if !library().offers(signature) {
            return Err(self.unknown(name, arguments));
        }
        if LOOPING.contains(&signature) {
            self.findings.class = Class::Heavy;
        }
        self.findings.calls.insert(signature);
        Ok(())
    }

    fn unknown(&self, name: &'s str, arguments: usize) -> CompileError {
        let offered = library().offered();
        let local = self.functions.iter().map(|function| function.signature);
        let arities: BTreeSet<usize> = offered
            .iter()
            .copied()
            .chain(local.clone())
            .filter(|(other, _)| *other == name)
            .map(|(_, count)| count)
            .collect();
        if !arities.is_empty() {
            let wanted = arities
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join(" or ");
            let message = format!("{name} takes {wanted} arguments, not {arguments}");
            return self.refuse(
                Code::UnknownFunction,
                name,
                message,
                Some("arguments are separated by `;`".to_owned()),
            );
        }
        let near = nearest(
            name,
            offered.iter().copied().chain(local).map(|(name, _)| name),
        );
        let hint = near.map(|near| format!("did you mean {near}?"));
        self.refuse(
            Code::UnknownFunction,
            name,
            format!("the function {name} does not exist"),
            hint,
        )
    }

    fn refuse(
        &self,
        code: Code,
        part: &str,
        message: String,
        hint: Option<String>,
    ) -> CompileError {
        let place = span(self.source, part);
        CompileError {
            code,
            message,
            offset: place.start,
            length: place.len(),
            hint,
        }
    }
}

fn is_text(term: &Term<&str>) -> bool {
    matches!(term, Term::Str(..))
}
