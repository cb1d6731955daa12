//! Expressions, templates, schemas and durations at run time. Light expressions are evaluated here; a heavy one is asked for as a
//! command, and its stage is gone through again when the answer is there.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::Machine;
use super::frame::{Frame, Node, Scope};
use crate::definition::{Duration, Expression, Schema, Template};
use crate::fault::{Fault, FaultType};

/// Why a stage of a task does not go on.
#[derive(Debug)]
pub(super) enum Stop {
    /// It waits for a heavy expression.
    Asked,
    /// It faulted.
    Fault(Box<Fault>),
    /// The run came to one of its limits; nothing catches that.
    Limit(Box<Fault>),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(Box::new(fault))
    }
}

/// What an expression is about: `.`, the variables that depend on its place, and the name of that place.
#[derive(Debug)]
pub(super) struct About<'a> {
    pub(super) part: &'a str,
    pub(super) dot: &'a Value,
    pub(super) scope: &'a Scope,
    /// How many heavy expressions of this place were met.
    heavy: usize,
}

impl<'a> About<'a> {
    pub(super) fn new(part: &'a str, dot: &'a Value, scope: &'a Scope) -> About<'a> {
        About {
            part,
            dot,
            scope,
            heavy: 0,
        }
    }

    /// The name of the next heavy expression: `output.as`, `output.as.2`, …
    fn next(&mut self) -> String {
        self.heavy += 1;
        match self.heavy {
            1 => self.part.to_owned(),
            number => format!("{}.{number}", self.part),
        }
    }
}

/// A variable's value: most are shared, few are made.
enum Bound<'a> {
    Shared(&'a Value),
    Made(Value),
}

impl Bound<'_> {
    fn value(&self) -> &Value {
        match self {
            Bound::Shared(value) => value,
            Bound::Made(value) => value,
        }
    }
}

impl Machine {
    pub(super) fn evaluate(
        &mut self,
        frame: &mut Frame,
        about: &mut About<'_>,
        expression: &Expression,
    ) -> Result<Value, Stop> {
        let program = &expression.program;
        if program.class() == expression::Class::Light {
            self.prepare(program)?;
            if program.variables().is_empty() {
                return settle(program.evaluate(about.dot, &[], &self.limits));
            }
            let bound = self.bind(frame, about, program);
            let values: Vec<&Value> = bound.iter().map(Bound::value).collect();
            return settle(program.evaluate(about.dot, &values, &self.limits));
        }
        let part = about.next();
        if let Some(answer) = frame.answer(&part) {
            return answer.clone().map_err(Stop::from);
        }
        self.prepare(program)?;
        let bound = self.bind(frame, about, program);
        let variables = program
            .variables()
            .iter()
            .zip(&bound)
            .map(|(name, bound)| (name.clone(), bound.value().clone()))
            .collect();
        let (source, input) = (program.source().to_owned(), about.dot.clone());
        self.ask(frame, part, source, input, variables);
        Err(Stop::Asked)
    }

    /// Whether an expression holds: anything but `false` and `null`.
    pub(super) fn holds(
        &mut self,
        frame: &mut Frame,
        about: &mut About<'_>,
        expression: &Expression,
    ) -> Result<bool, Stop> {
        let value = self.evaluate(frame, about, expression)?;
        Ok(!matches!(value, Value::Null | Value::Bool(false)))
    }

    /// Evaluates every leaf, so that all heavy ones are asked for at once.
    pub(super) fn template(
        &mut self,
        frame: &mut Frame,
        about: &mut About<'_>,
        template: &Template,
    ) -> Result<Value, Stop> {
        match template {
            Template::Literal(value) => Ok(value.clone()),
            Template::Expression(expression) => self.evaluate(frame, about, expression),
            Template::Object(entries) => {
                let mut asked = false;
                let mut object = Map::with_capacity(entries.len());
                for (key, template) in entries {
                    match self.template(frame, about, template) {
                        Ok(value) => {
                            object.insert(key.clone(), value);
                        }
                        Err(Stop::Asked) => asked = true,
                        Err(stop) => return Err(stop),
                    }
                }
                if asked {
                    Err(Stop::Asked)
                } else {
                    Ok(Value::Object(object))
                }
            }
            Template::List(items) => {
                let mut asked = false;
                let mut list = Vec::with_capacity(items.len());
                for template in items {
                    match self.template(frame, about, template) {
                        Ok(value) => list.push(value),
                        Err(Stop::Asked) => asked = true,
                        Err(stop) => return Err(stop),
                    }
                }
                if asked {
                    Err(Stop::Asked)
                } else {
                    Ok(Value::Array(list))
                }
            }
        }
    }

    /// A length of time; an expression yields ISO 8601 or the language's object.
    pub(super) fn duration(
        &mut self,
        frame: &mut Frame,
        about: &mut About<'_>,
        duration: &Duration,
    ) -> Result<SignedDuration, Stop> {
        match duration {
            Duration::Fixed(duration) => Ok(*duration),
            Duration::Expression(expression) => {
                let value = self.evaluate(frame, about, expression)?;
                length(&value).ok_or_else(|| {
                    let got = shortened(&value);
                    Stop::from(wrong_type(format!("a duration was expected, as ISO 8601 (\"PT5S\") without years and months; the expression yielded {got}")))
                })
            }
        }
    }

    /// Makes what an expression needs that is made once, and refuses a secret that is not there.
    fn prepare(&mut self, program: &expression::Program) -> Result<(), Stop> {
        for name in program.variables() {
            match name.as_str() {
                "workflow" if self.workflow.is_none() => {
                    self.workflow = Some(Arc::new(json!({
                        "id": self.run.id,
                        "definition": *self.flow.definition,
                        "input": *self.run.input,
                        "startedAt": moment(self.run.started),
                    })));
                }
                "secrets" => {
                    if let Some(name) = named_secrets(program.source())
                        .find(|name| self.secret_values.get(*name).is_none_or(Value::is_null))
                    {
                        return Err(missing_secret(name).into());
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn bind<'a>(
        &'a self,
        frame: &'a Frame,
        about: &About<'a>,
        program: &expression::Program,
    ) -> Vec<Bound<'a>> {
        program
            .variables()
            .iter()
            .map(|name| {
                if let Some(value) = about.scope.find(name) {
                    return Bound::Shared(value);
                }
                match name.as_str() {
                    "context" => Bound::Shared(self.context(frame)),
                    "input" => Bound::Shared(&frame.input),
                    "output" => Bound::Shared(frame.output.as_deref().unwrap_or(&Value::Null)),
                    "workflow" => Bound::Shared(self.workflow.as_deref().unwrap_or(&Value::Null)),
                    "secrets" => Bound::Shared(&self.secret_values),
                    "task" => Bound::Made(described(frame)),
                    // The version of the meaning, not of the program: a replay after an upgrade must see the same.
                    "runtime" => Bound::Made(
                        json!({"name": "keyway", "version": self.semantics.to_string(), "metadata": {}}),
                    ),
                    // `$authorization` too: a token never becomes data.
                    _ => Bound::Shared(&Value::Null),
                }
            })
            .collect()
    }

    fn context<'a>(&'a self, frame: &Frame) -> &'a Value {
        self.branches
            .get(frame.branch)
            .map_or(&Value::Null, |branch| &branch.context)
    }
}

/// A schema is met, or the fault that says where it is not.
pub(super) fn check(schema: Option<&Schema>, value: &Value, what: &str) -> Result<(), Stop> {
    let Some(schema) = schema else { return Ok(()) };
    schema.validator.validate(value).map_err(|error| {
        let place = error.instance_path().to_string();
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" at {place}")
        };
        Fault::new(
            FaultType::Validation,
            bounded(format!(
                "{what} does not meet the schema {}{place}: {error}",
                schema.pointer
            )),
        )
        .code("data.invalid")
        .into()
    })
}

fn settle(result: Result<Value, expression::EvalError>) -> Result<Value, Stop> {
    result.map_err(|error| {
        Fault::new(FaultType::Expression, bounded(error.to_string()))
            .code(error.code())
            .into()
    })
}

/// An expression yielded something of another type than its place takes.
pub(super) fn wrong_type(detail: String) -> Fault {
    Fault::new(FaultType::Expression, detail).code("expr.type")
}

/// `$task`.
fn described(frame: &Frame) -> Value {
    let Node::Task(task) = &frame.node else {
        return Value::Null;
    };
    json!({
        "name": *task.name,
        "reference": *task.reference,
        "definition": *task.definition,
        "input": *frame.raw,
        "output": frame.raw_output.as_deref(),
        "startedAt": moment(frame.started),
    })
}

/// A time as the language describes it.
fn moment(at: Timestamp) -> Value {
    json!({
        "iso8601": at.to_string(),
        "epoch": { "seconds": at.as_second(), "milliseconds": at.as_millisecond() },
    })
}

fn missing_secret(name: &str) -> Fault {
    Fault::new(
        FaultType::Authorization,
        format!(
            "the secret \"{name}\" is not there for this flow: name it in use.secrets and store it; a connection is not readable as a secret"
        ),
    )
    .code("secret.missing")
}

/// Names in `$secrets.NAME`, `$secrets["NAME"]` and `$secrets."NAME"`.
fn named_secrets(source: &str) -> impl Iterator<Item = &str> {
    source.split("$secrets").skip(1).filter_map(|rest| {
        let rest = rest.trim_start();
        let rest = rest.strip_prefix('.').unwrap_or(rest);
        if let Some(quoted) = rest.strip_prefix("[\"").or(rest.strip_prefix('"')) {
            return quoted.split_once('"').map(|(name, _)| name);
        }
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        (end > 0).then_some(&rest[..end])
    })
}

/// ISO 8601 with fixed units, or `{days, hours, minutes, seconds, milliseconds}`.
fn length(value: &Value) -> Option<SignedDuration> {
    if let Some(text) = value.as_str() {
        return crate::parse::parse_iso8601(text).ok();
    }
    let mut total = 0_i64;
    for (unit, count) in value.as_object()? {
        let scale = match unit.as_str() {
            "days" => 86_400_000,
            "hours" => 3_600_000,
            "minutes" => 60_000,
            "seconds" => 1_000,
            "milliseconds" => 1,
            _ => return None,
        };
        total = total.checked_add(count.as_i64()?.checked_mul(scale)?)?;
    }
    Some(SignedDuration::from_millis(total))
}

/// A value for an error's text.
pub(super) fn shortened(value: &Value) -> String {
    let mut text = value.to_string();
    if text.len() > 120 {
        let end = (0..=120).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}

/// A detail within its limit.
pub(super) fn bounded(mut text: String) -> String {
    if text.len() > crate::limits::DETAIL {
        let limit = crate::limits::DETAIL - '…'.len_utf8();
        let end = (0..=limit).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
    }
    text
}
