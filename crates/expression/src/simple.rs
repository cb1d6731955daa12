//! Programs that only fetch: paths of fields, constants, objects and arrays of these. They are answered from the JSON values as they are,
//! without jaq and without converting anything. Where such a program would fail, jaq is asked instead, so that the words are the same.

use jaq_core::load::parse::{BinaryOp, Term};
use jaq_core::path::{Opt, Part};
use serde_json::{Map, Value};

use crate::needs::literal;
use crate::value::Measure;

/// A program that only fetches.
#[derive(Debug)]
pub(crate) enum Simple {
    Constant(Value),
    Path(Root, Vec<Step>),
    Object(Vec<(String, Simple)>),
    Array(Vec<Simple>),
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Root {
    Input,
    /// The place among the values given.
    Variable(usize),
}

#[derive(Debug)]
pub(crate) enum Step {
    Field(String),
    Index(i64),
}

/// The simple program that `term` is, if it is one. `variables` are those used, with their `$`.
pub(crate) fn of(term: &Term<&str>, variables: &[&str]) -> Option<Simple> {
    match term {
        Term::Id => Some(Simple::Path(Root::Input, Vec::new())),
        Term::Var(_) => Some(Simple::Path(root(term, variables)?, Vec::new())),
        Term::Path(head, path) => {
            let steps = path.0.iter().map(|(part, opt)| match (part, opt) {
                (Part::Index(index), Opt::Essential) => step(index),
                _ => None,
            });
            Some(Simple::Path(
                root(head, variables)?,
                steps.collect::<Option<_>>()?,
            ))
        }
        Term::Obj(entries) => {
            let entry = |(key, value): &(Term<&str>, Option<Term<&str>>)| {
                let key = literal(key)?;
                let value = match value {
                    Some(value) => of(value, variables)?,
                    None => Simple::Path(Root::Input, vec![Step::Field(key.to_owned())]),
                };
                Some((key.to_owned(), value))
            };
            Some(Simple::Object(
                entries.iter().map(entry).collect::<Option<_>>()?,
            ))
        }
        Term::Arr(None) => Some(Simple::Array(Vec::new())),
        Term::Arr(Some(inner)) => {
            let mut items = Vec::new();
            listed(inner, variables, &mut items)?;
            Some(Simple::Array(items))
        }
        Term::Str(..) => literal(term).map(|text| Simple::Constant(Value::from(text))),
        Term::Num(number) => number
            .parse::<i64>()
            .ok()
            .map(|number| Simple::Constant(Value::from(number))),
        Term::Call("null", arguments) if arguments.is_empty() => {
            Some(Simple::Constant(Value::Null))
        }
        Term::Call("true", arguments) if arguments.is_empty() => {
            Some(Simple::Constant(Value::Bool(true)))
        }
        Term::Call("false", arguments) if arguments.is_empty() => {
            Some(Simple::Constant(Value::Bool(false)))
        }
        _ => None,
    }
}

/// The parts of `a, b, c`.
fn listed(term: &Term<&str>, variables: &[&str], items: &mut Vec<Simple>) -> Option<()> {
    if let Term::BinOp(left, BinaryOp::Comma, right) = term {
        listed(left, variables, items)?;
        return listed(right, variables, items);
    }
    items.push(of(term, variables)?);
    Some(())
}

fn root(term: &Term<&str>, variables: &[&str]) -> Option<Root> {
    match term {
        Term::Id => Some(Root::Input),
        Term::Var(name) => variables
            .iter()
            .position(|other| other == name)
            .map(Root::Variable),
        _ => None,
    }
}

fn step(index: &Term<&str>) -> Option<Step> {
    match index {
        Term::Num(number) => number.parse().ok().map(Step::Index),
        Term::Neg(inner) => match &**inner {
            Term::Num(number) => number
                .parse::<i64>()
                .ok()
                .map(|number| Step::Index(-number)),
            _ => None,
        },
        other => literal(other).map(|text| Step::Field(text.to_owned())),
    }
}

impl Simple {
    /// The answer; none if the program fails or its answer is too large, for jaq to say why.
    pub(crate) fn answer(
        &self,
        input: &Value,
        variables: &[&Value],
        mut measure: Measure,
    ) -> Option<Value> {
        self.take(input, variables, &mut measure, 0)
    }

    fn take(
        &self,
        input: &Value,
        variables: &[&Value],
        measure: &mut Measure,
        level: usize,
    ) -> Option<Value> {
        match self {
            Simple::Constant(value) => taken(value, measure, level),
            Simple::Path(root, steps) => {
                let start = match root {
                    Root::Input => input,
                    Root::Variable(place) => variables.get(*place)?,
                };
                taken(follow(start, steps)?, measure, level)
            }
            Simple::Object(entries) => {
                measure.object(level).ok()?;
                let mut object = Map::with_capacity(entries.len());
                for (key, value) in entries {
                    measure.key(key).ok()?;
                    let value = value.take(input, variables, measure, level + 1)?;
                    // jaq measures the object when it is whole: a key that comes twice counts once there
                    if object.insert(key.clone(), value).is_some() {
                        return None;
                    }
                }
                Some(Value::Object(object))
            }
            Simple::Array(items) => {
                measure.array(items.len(), level).ok()?;
                let items = items
                    .iter()
                    .map(|item| item.take(input, variables, measure, level + 1));
                Some(Value::Array(items.collect::<Option<_>>()?))
            }
        }
    }
}

fn taken(value: &Value, measure: &mut Measure, level: usize) -> Option<Value> {
    measure.value(value, level).ok()?;
    Some(value.clone())
}

fn follow<'v>(start: &'v Value, steps: &[Step]) -> Option<&'v Value> {
    steps
        .iter()
        .try_fold(start, |value, step| match (value, step) {
            (Value::Null, _) => Some(&Value::Null),
            (Value::Object(object), Step::Field(key)) => {
                Some(object.get(key).unwrap_or(&Value::Null))
            }
            (Value::Array(items), Step::Index(index)) => {
                let back = || {
                    usize::try_from(index.unsigned_abs())
                        .ok()
                        .and_then(|back| items.len().checked_sub(back))
                };
                let place = usize::try_from(*index).ok().or_else(back);
                Some(
                    place
                        .and_then(|place| items.get(place))
                        .unwrap_or(&Value::Null),
                )
            }
            _ => None,
        })
}
