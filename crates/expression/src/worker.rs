//! The protocol of the limited child process, as pure functions: one JSON line in, one JSON line out. The process itself, its limits and its
//! deadline are the caller's.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Limits, Program, compile};

/// How many compiled programs an evaluator keeps.
const KEPT: usize = 64;

/// One evaluation to do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// The program.
    pub source: String,
    /// What `.` is.
    pub input: Value,
    /// Names without `$`, and values.
    pub variables: Vec<(String, Value)>,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// The value.
    Value(Value),
    /// Why there is none.
    Error {
        /// As `EvalError::code` or `Code::as_str` say it.
        code: String,
        /// In words.
        message: String,
    },
}

/// Evaluates tasks, one after the other. Nothing but compiled programs is kept from one to the next.
#[derive(Debug, Default)]
pub struct Evaluator {
    programs: VecDeque<Program>,
}

impl Evaluator {
    /// An evaluator that has compiled nothing yet.
    pub fn new() -> Evaluator {
        Evaluator::default()
    }

    /// Answers a line that holds a `Task` with a line that holds an `Answer`; neither has its line break.
    pub fn answer(&mut self, line: &str) -> String {
        let answer = match serde_json::from_str(line) {
            Ok(task) => self.evaluate(&task),
            Err(error) => failed("expr.task", &format!("the task can't be read: {error}")),
        };
        serde_json::to_string(&answer).unwrap_or_else(|_| {
            r#"{"error":{"code":"expr.task","message":"the answer can't be written"}}"#.to_owned()
        })
    }

    fn evaluate(&mut self, task: &Task) -> Answer {
        let program = match self.program(task) {
            Ok(program) => program,
            Err(error) => return failed(error.code.as_str(), &error.message),
        };
        let find = |name: &String| {
            task.variables
                .iter()
                .find(|(other, _)| other == name)
                .map(|(_, value)| value)
        };
        let values: Vec<&Value> = program.variables().iter().filter_map(find).collect();
        match program.evaluate(&task.input, &values, &Limits::heavy()) {
            Ok(value) => Answer::Value(value),
            Err(error) => failed(error.code(), &error.to_string()),
        }
    }

    fn program(&mut self, task: &Task) -> Result<Program, crate::CompileError> {
        let names: Vec<&str> = task
            .variables
            .iter()
            .map(|(name, _)| name.as_str())
            .collect();
        let fits = |program: &Program| {
            program.source() == task.source
                && program
                    .variables()
                    .iter()
                    .all(|name| names.contains(&name.as_str()))
        };
        let program = match self
            .programs
            .iter()
            .position(fits)
            .and_then(|place| self.programs.remove(place))
        {
            Some(program) => program,
            None => compile(&task.source, &names)?,
        };
        self.programs.push_front(program.clone());
        self.programs.truncate(KEPT);
        Ok(program)
    }
}

fn failed(code: &str, message: &str) -> Answer {
    Answer::Error {
        code: code.to_owned(),
        message: message.to_owned(),
    }
}
