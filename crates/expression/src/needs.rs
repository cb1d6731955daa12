//! Which parts of the input and of the variables a program can look at, judged by its syntax tree: only these are converted. A flow's
//! context may be large while an expression reads one field of it.

use std::collections::BTreeMap;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::{Part, Path};

use crate::walk;

/// What is needed of a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// All of it.
    Whole,
    /// If it is an object, these fields of it; else all of it.
    Fields(BTreeMap<String, Need>),
}

impl Default for Need {
    fn default() -> Need {
        Need::Fields(BTreeMap::new())
    }
}

impl Need {
    fn add(&mut self, path: &[&str]) {
        match (self, path) {
            (Need::Whole, _) => {}
            (need, []) => *need = Need::Whole,
            (Need::Fields(fields), [first, rest @ ..]) => {
                fields.entry((*first).to_owned()).or_default().add(rest);
            }
        }
    }
}

/// What a program needs of its input, and of each variable by its name with `$`.
#[derive(Debug, Default)]
pub(crate) struct Needs {
    pub(crate) input: Need,
    pub(crate) variables: BTreeMap<String, Need>,
}

/// What `root` needs.
pub(crate) fn of(root: &Term<&str>) -> Needs {
    let mut needs = Needs::default();
    needs.term(root, Dot::Input);
    needs
}

/// What `.` is where a term stands.
#[derive(Clone, Copy, PartialEq)]
enum Dot {
    Input,
    Other,
}

impl Needs {
    fn read(&mut self, head: &Term<&str>, path: &[&str], dot: Dot) {
        match head {
            Term::Id if dot == Dot::Input => self.input.add(path),
            Term::Id => {}
            Term::Var(name) => self
                .variables
                .entry((*name).to_owned())
                .or_default()
                .add(path),
            other => self.term(other, dot),
        }
    }

    fn term(&mut self, term: &Term<&str>, dot: Dot) {
        match term {
            Term::Id | Term::Var(_) => self.read(term, &[], dot),
            Term::Path(head, path) => {
                self.read(head, &fields(path), dot);
                self.indices(path, dot);
            }
            Term::Obj(entries) => entries
                .iter()
                .for_each(|(key, value)| self.entry(key, value.as_ref(), dot)),
            Term::BinOp(left, BinaryOp::Pipe(None), right) => {
                self.term(left, dot);
                self.term(right, Dot::Other);
            }
            Term::TryCatch(body, handler) => {
                self.term(body, dot);
                if let Some(handler) = handler {
                    self.term(handler, Dot::Other);
                }
            }
            // without `else` the whole of `.` is the answer
            Term::IfThenElse(_, None) => {
                self.read(&Term::Id, &[], dot);
                walk::children(term, &mut |child| self.term(child, dot));
            }
            Term::Arr(_)
            | Term::Neg(_)
            | Term::Str(..)
            | Term::Num(_)
            | Term::IfThenElse(_, Some(_))
            | Term::BinOp(
                _,
                BinaryOp::Pipe(Some(_))
                | BinaryOp::Comma
                | BinaryOp::Alt
                | BinaryOp::Or
                | BinaryOp::And
                | BinaryOp::Math(_)
                | BinaryOp::Cmp(_),
                _,
            ) => walk::children(term, &mut |child| self.term(child, dot)),
            // whatever else looks at `.` may look at all of it
            _ => {
                if dot == Dot::Input && !constant(term) {
                    self.input = Need::Whole;
                }
                walk::children(term, &mut |child| self.term(child, dot));
            }
        }
    }

    /// `{a}` is short for `{a: .a}`, `{$x}` for `{x: $x}`.
    fn entry(&mut self, key: &Term<&str>, value: Option<&Term<&str>>, dot: Dot) {
        match (value, key, literal(key)) {
            (None, Term::Str(..), Some(name)) => self.read(&Term::Id, &[name], dot),
            (None, Term::Str(..), None) => self.read(&Term::Id, &[], dot),
            _ => {}
        }
        self.term(key, dot);
        if let Some(value) = value {
            self.term(value, dot);
        }
    }

    fn indices(&mut self, path: &Path<Term<&str>>, dot: Dot) {
        for (part, _) in &path.0 {
            match part {
                Part::Index(index) => self.term(index, dot),
                Part::Range(from, to) => from
                    .iter()
                    .chain(to)
                    .for_each(|bound| self.term(bound, dot)),
            }
        }
    }
}

/// The fields that a path begins with.
pub(crate) fn fields<'s>(path: &Path<Term<&'s str>>) -> Vec<&'s str> {
    let field = |part: &Part<Term<&'s str>>| match part {
        Part::Index(index) => literal(index),
        Part::Range(..) => None,
    };
    path.0.iter().map_while(|(part, _)| field(part)).collect()
}

/// The text of a string without escapes and interpolation.
pub(crate) fn literal<'s>(term: &Term<&'s str>) -> Option<&'s str> {
    match term {
        Term::Str(None, parts) => match parts.as_slice() {
            [] => Some(""),
            [StrPart::Str(text)] => Some(text),
            _ => None,
        },
        _ => None,
    }
}

fn constant(term: &Term<&str>) -> bool {
    matches!(term, Term::Call("true" | "false" | "null" | "empty" | "nan" | "infinite", arguments) if arguments.is_empty())
}
