//! How deep the evaluation of a program can nest on the stack, judged by its syntax tree with all calls put in place. About one KiB of stack
//! per unit. Recursion is not looked into: programs that define it are heavy anyway.

use std::collections::BTreeMap;

use jaq_core::load::lex::StrPart;
use jaq_core::load::parse::{BinaryOp, Def, Term};

use crate::library::{Signature, library};
use crate::walk;

/// The most a light program may have.
pub(crate) const LIGHT: u64 = 500;

/// What a function costs that recurses into its input, as deep as values may be.
const DESCENT: u64 = 110;

/// Functions of the library that recurse into their input.
const DESCENDING: &[Signature<'static>] = &[
    ("walk", 1),
    ("tostream", 0),
    ("recurse", 0),
    ("_flatten", 1),
    ("contains", 1),
];

/// A sum: so much by itself, and so many times what each parameter has.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cost {
    own: u64,
    parameters: BTreeMap<usize, u64>,
}

impl Cost {
    fn of(own: u64) -> Cost {
        Cost {
            own,
            parameters: BTreeMap::new(),
        }
    }

    /// Both are on the stack at once.
    fn plus(mut self, other: &Cost) -> Cost {
        self.own = self.own.saturating_add(other.own);
        for (parameter, times) in &other.parameters {
            let slot = self.parameters.entry(*parameter).or_default();
            *slot = slot.saturating_add(*times);
        }
        self
    }

    /// One or the other is on the stack.
    fn or(mut self, other: &Cost) -> Cost {
        self.own = self.own.max(other.own);
        for (parameter, times) in &other.parameters {
            let slot = self.parameters.entry(*parameter).or_default();
            *slot = (*slot).max(*times);
        }
        self
    }

    fn times(&self, factor: u64) -> Cost {
        let parameters = self
            .parameters
            .iter()
            .map(|(parameter, times)| (*parameter, times.saturating_mul(factor)));
        Cost {
            own: self.own.saturating_mul(factor),
            parameters: parameters.collect(),
        }
    }

    /// Puts the cost of an argument in the place of its parameter.
    fn with(mut self, parameter: usize, argument: &Cost) -> Cost {
        match self.parameters.remove(&parameter) {
            Some(times) => self.plus(&argument.times(times)),
            None => self,
        }
    }
}

/// What the library knows of one of its definitions.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    cost: Cost,
    parameters: Vec<usize>,
}

/// How deep `root` nests.
pub(crate) fn of(root: &Term<&str>) -> u64 {
    let mut judge = Judge {
        functions: Vec::new(),
        next: 0,
        library: &|signature| library().known(signature),
    };
    judge.term(root).own
}

/// How deep a definition of the library nests; `library` knows those before it.
pub(crate) fn of_definition(
    definition: &Def<&'static str>,
    library: &dyn Fn(Signature<'_>) -> Option<Known>,
) -> Known {
    let mut judge = Judge {
        functions: Vec::new(),
        next: 0,
        library,
    };
    judge.definition(definition)
}

struct Judge<'s, 'l> {
    /// `None`: the body is being judged.
    functions: Vec<(Signature<'s>, Option<Known>)>,
    next: usize,
    library: &'l dyn Fn(Signature<'_>) -> Option<Known>,
}

impl<'s> Judge<'s, '_> {
    fn term(&mut self, term: &Term<&'s str>) -> Cost {
        let inner = match term {
            Term::Recurse => Cost::of(DESCENT),
            Term::Call(name, arguments) => self.call((name, arguments.len()), arguments),
            Term::Str(format, parts) => {
                let called =
                    format.map_or_else(Cost::default, |format| self.call((format, 0), &[]));
                let inside = parts.iter().fold(Cost::default(), |cost, part| match part {
                    StrPart::Term(term) => cost.or(&self.term(term)),
                    _ => cost,
                });
                called.plus(&inside).plus(&Cost::of(parts.len() as u64))
            }
            // a sum of the entries, each made on its own
            Term::Obj(entries) => self.either(term).plus(&Cost::of(entries.len() as u64)),
            Term::Arr(_)
            | Term::Neg(_)
            | Term::IfThenElse(..)
            | Term::TryCatch(..)
            | Term::Label(..)
            | Term::BinOp(
                _,
                BinaryOp::Comma
                | BinaryOp::Math(_)
                | BinaryOp::Cmp(_)
                | BinaryOp::And
                | BinaryOp::Or
                | BinaryOp::Alt,
                _,
            ) => self.either(term),
            Term::Def(definitions, rest) => self.definitions(definitions, rest),
            _ => self.all(term),
        };
        inner.plus(&Cost::of(1))
    }

    /// One child at a time is on the stack.
    fn either(&mut self, term: &Term<&'s str>) -> Cost {
        let mut cost = Cost::default();
        walk::children(term, &mut |child| {
            cost = std::mem::take(&mut cost).or(&self.term(child));
        });
        cost
    }

    /// All children may be on the stack at once, as when the term is the left side of an update.
    fn all(&mut self, term: &Term<&'s str>) -> Cost {
        let mut cost = Cost::default();
        walk::children(term, &mut |child| {
            cost = std::mem::take(&mut cost).plus(&self.term(child));
        });
        cost
    }

    fn definitions(&mut self, definitions: &[Def<&'s str>], rest: &Term<&'s str>) -> Cost {
        let before = self.functions.len();
        for definition in definitions {
            let known = self.definition(definition);
            self.functions
                .push(((definition.name, definition.args.len()), Some(known)));
        }
        let cost = self.term(rest);
        self.functions.truncate(before);
        cost
    }

    fn definition(&mut self, definition: &Def<&'s str>) -> Known {
        let before = self.functions.len();
        self.functions
            .push(((definition.name, definition.args.len()), None));
        let mut parameters = Vec::new();
        for name in &definition.args {
            let parameter = self.next;
            self.next += 1;
            parameters.push(parameter);
            let cost = Cost {
                own: 1,
                parameters: BTreeMap::from([(parameter, 1)]),
            };
            // what is given by value is computed once, around the body
            self.functions.push((
                (name, 0),
                Some(Known {
                    cost,
                    parameters: Vec::new(),
                }),
            ));
        }
        let mut cost = self.term(&definition.body);
        for (name, parameter) in definition.args.iter().zip(&parameters) {
            if name.starts_with('$') {
                cost.parameters.insert(*parameter, 1);
            }
        }
        self.functions.truncate(before);
        Known { cost, parameters }
    }

    fn call(&mut self, signature: Signature<'s>, arguments: &[Term<&'s str>]) -> Cost {
        let arguments: Vec<Cost> = arguments
            .iter()
            .map(|argument| self.term(argument))
            .collect();
        let local = self
            .functions
            .iter()
            .rev()
            .find(|(other, _)| *other == signature);
        let known = match local {
            Some((_, known)) => known.clone(),
            None if DESCENDING.contains(&signature) => None,
            None => (self.library)(signature),
        };
        let Some(known) = known else {
            let own = if DESCENDING.contains(&signature) {
                DESCENT
            } else {
                2
            };
            return arguments.iter().fold(Cost::of(own), Cost::plus);
        };
        let given = known.parameters.iter().zip(&arguments);
        given
            .fold(known.cost, |cost, (parameter, argument)| {
                cost.with(*parameter, argument)
            })
            .plus(&Cost::of(1))
    }
}
