//! Programs: compiled once, evaluated often.

use std::fmt;
use std::sync::Arc;

use jaq_core::load::{Arena, File, Loader};
use jaq_core::{Compiler, Ctx, Filter, Vars};
use serde_json::Value;

use crate::library::{Needed, library};
use crate::meter::{self, Cut};
use crate::natives::{Engine, Running};
use crate::needs::Need;
use crate::simple::Simple;
use crate::value::{Measure, Unfit, Val};
use crate::{
    Code, CompileError, EvalError, Exceeded, Limits, classify, natives, needs, nesting, parse,
    simple, source,
};

/// What an evaluation may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Bounded by the size of its input: evaluate it where you are.
    Light,
    /// May loop or grow as it likes: evaluate it in a process that can be stopped.
    Heavy,
}

/// A compiled program. Cheap to clone; may be evaluated by several threads at once.
#[derive(Clone)]
pub struct Program {
    compiled: Arc<Compiled>,
}

struct Compiled {
    source: String,
    variables: Vec<String>,
    class: Class,
    filter: Filter<Engine>,
    simple: Option<Simple>,
    input: Need,
    /// What is needed of each of the variables.
    needs: Vec<Need>,
}

/// Compiles `source`. `variables` are names without `$`, in the order in which `evaluate` takes their values.
pub fn compile(source: &str, variables: &[&str]) -> Result<Program, CompileError> {
    source::check(source)?;
    let root = parse::program(source)?;
    let names: Vec<String> = variables.iter().map(|name| format!("${name}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (class, used, needed) = examine(source, &root, &names)?;
    let mut needs = needs::of(&root);
    let compiled = Compiled {
        source: source.to_owned(),
        variables: used.iter().map(|name| name[1..].to_owned()).collect(),
        class,
        filter: build(source, &used, needed)?,
        simple: simple::of(&root, &used),
        needs: used
            .iter()
            .map(|name| needs.variables.remove(*name).unwrap_or(Need::Whole))
            .collect(),
        input: needs.input,
    };
    Ok(Program {
        compiled: Arc::new(compiled),
    })
}

/// Class, variables used in their order, and what is needed of the library.
fn examine<'s>(
    source: &'s str,
    root: &jaq_core::load::parse::Term<&'s str>,
    names: &[&'s str],
) -> Result<(Class, Vec<&'s str>, Needed), CompileError> {
    let findings = classify::examine(source, root, names)?;
    let used = names
        .iter()
        .copied()
        .filter(|name| findings.variables.contains(name))
        .collect();
    let class = if nesting::of(root) > nesting::LIGHT {
        Class::Heavy
    } else {
        findings.class
    };
    Ok((class, used, library().needed(&findings.calls)))
}

fn build(source: &str, variables: &[&str], needed: Needed) -> Result<Filter<Engine>, CompileError> {
    let refuse = |message: String| CompileError {
        code: Code::Syntax,
        message,
        offset: 0,
        length: source.len(),
        hint: None,
    };
    let arena = Arena::default();
    let modules = Loader::new(needed.definitions)
        .load(
            &arena,
            File {
                code: source,
                path: (),
            },
        )
        .map_err(|_| refuse("the expression can't be loaded".to_owned()))?;
    Compiler::default()
        .with_funs(needed.natives)
        .with_global_vars(variables.iter().copied())
        .compile(modules)
        .map_err(|errors| {
            let first = errors.into_iter().flat_map(|(_, errors)| errors).next();
            refuse(first.map_or_else(String::new, |(name, what)| {
                format!("the {} {name} is not defined", what.as_str())
            }))
        })
}

impl Program {
    /// Whether it may be evaluated in process.
    pub fn class(&self) -> Class {
        self.compiled.class
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.compiled.source
    }

    /// The variables that are really used, in the order in which `evaluate` takes their values.
    pub fn variables(&self) -> &[String] {
        &self.compiled.variables
    }

    /// Evaluates on `input`; `variables` holds one value for each of `self.variables()`. No output is null, one output is itself, several
    /// are an array.
    pub fn evaluate(
        &self,
        input: &Value,
        variables: &[&Value],
        limits: &Limits,
    ) -> Result<Value, EvalError> {
        if variables.len() != self.compiled.variables.len() {
            return Err(EvalError::Unrepresentable {
                message: format!(
                    "{} variables are needed, {} were given",
                    self.compiled.variables.len(),
                    variables.len()
                ),
            });
        }
        let simple = self.compiled.simple.as_ref();
        if let Some(value) =
            simple.and_then(|simple| simple.answer(input, variables, Measure::new(limits)))
        {
            return Ok(value);
        }
        self.evaluate_with_jaq(input, variables, limits)
    }

    /// As `evaluate`, but never by the short way for simple programs.
    pub(crate) fn evaluate_with_jaq(
        &self,
        input: &Value,
        variables: &[&Value],
        limits: &Limits,
    ) -> Result<Value, EvalError> {
        natives::forget();
        meter::run(limits, || self.run(input, variables, limits))
            .unwrap_or_else(|cut| Err(cut.into()))
    }

    fn run(
        &self,
        input: &Value,
        variables: &[&Value],
        limits: &Limits,
    ) -> Result<Value, EvalError> {
        let filter = &self.compiled.filter;
        let variables = variables
            .iter()
            .zip(&self.compiled.needs)
            .map(|(value, need)| Val::from_json_as_needed(value, need));
        let context = Ctx::<Engine>::new(Running(&filter.lut), Vars::new(variables));
        let input = Val::from_json_as_needed(input, &self.compiled.input);
        let (mut outputs, mut measure) = (Vec::new(), Measure::new(limits));
        for output in filter.id.run((context, input)) {
            if outputs.len() == limits.outputs {
                return Err(EvalError::Limit {
                    what: Exceeded::Output,
                });
            }
            outputs.push(output.map_err(raised)?.to_json(&mut measure)?);
        }
        Ok(match outputs.len() {
            0 => Value::Null,
            1 => outputs.remove(0),
            _ => Value::Array(outputs),
        })
    }
}

/// The longest message of an error.
const LONGEST_MESSAGE: usize = 1000;

fn raised(exception: jaq_core::Exn<'_, Val>) -> EvalError {
    let Ok(fault) = exception.get_err() else {
        return EvalError::Raised {
            message: "the expression broke out of itself".to_owned(),
            value: Value::Null,
        };
    };
    let value = fault.into_val();
    let mut message = match &value {
        Val::Str(text) => text.as_ref().to_owned(),
        other => other.json(),
    };
    if let Some((cut, _)) = message.char_indices().nth(LONGEST_MESSAGE) {
        message.truncate(cut);
        message.push('…');
    }
    let value = value
        .to_json(&mut Measure::room(64 * 1024))
        .unwrap_or_else(|_| Value::String(message.clone()));
    EvalError::Raised { message, value }
}

impl From<Unfit> for EvalError {
    fn from(unfit: Unfit) -> EvalError {
        match unfit {
            Unfit::TooLarge => EvalError::Limit {
                what: Exceeded::Output,
            },
            Unfit::TooDeep => EvalError::Limit {
                what: Exceeded::Depth,
            },
            Unfit::NotFinite(number) => EvalError::Unrepresentable {
                message: format!(
                    "the answer holds a number that JSON can't say ({number}); test it with isinfinite or isnan first"
                ),
            },
        }
    }
}

impl From<Cut> for EvalError {
    fn from(cut: Cut) -> EvalError {
        match cut {
            Cut::Exceeded(what) => EvalError::Limit { what },
            Cut::Broken(words) => EvalError::Raised {
                message: format!("the expression could not be evaluated: {words}"),
                value: Value::Null,
            },
        }
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Program({:?})", self.compiled.source)
    }
}

#[cfg(test)]
mod tests;
