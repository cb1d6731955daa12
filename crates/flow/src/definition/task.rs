//! Tasks and what each kind does.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::{CallTask, Duration, Export, Expression, Input, ListenTask, Output, Template};

/// An ordered list of tasks; names are unique in it.
#[derive(Debug, Clone, Default)]
pub struct Block(pub Vec<Arc<Task>>);

/// One task.
#[derive(Debug, Clone)]
pub struct Task {
    /// Its name in its list.
    pub name: Arc<str>,
    /// Its RFC 6901 pointer in the document (`/do/0/name`), `$task.reference`.
    pub reference: Arc<str>,
    /// Its definition as JSON, `$task.definition`.
    pub definition: Arc<Value>,
    /// `if`.
    pub condition: Option<Expression>,
    /// `input`.
    pub input: Input,
    /// `output`.
    pub output: Output,
    /// `export`.
    pub export: Export,
    /// `timeout.after`, resolved.
    pub timeout: Option<Duration>,
    /// `then`.
    pub then: Then,
    /// What it does.
    pub kind: Kind,
}

/// What comes after a task.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Then {
    /// The next in the list.
    #[default]
    Continue,
    /// Out of this list.
    Exit,
    /// The whole run completes.
    End,
    /// The task at this position of the same list.
    Task(usize),
}

/// What a task does.
#[derive(Debug, Clone)]
pub enum Kind {
    /// `set`.
    Set(Template),
    /// `do`.
    Do(Block),
    /// `switch`, in order; a case without `when` is the default and is last in effect.
    Switch(Vec<Case>),
    /// `for`.
    For(Box<ForTask>),
    /// `fork`.
    Fork(ForkTask),
    /// `try`.
    Try(Box<TryTask>),
    /// `raise`.
    Raise(RaisedError),
    /// `wait`.
    Wait(Duration),
    /// `emit.event.with`.
    Emit(IndexMap<String, Template>),
    /// `listen`.
    Listen(Box<ListenTask>),
    /// `run.workflow`.
    Run(RunTask),
    /// `call`.
    Call(Box<CallTask>),
}

/// A case of a `switch`.
#[derive(Debug, Clone)]
pub struct Case {
    /// Its name.
    pub name: Arc<str>,
    /// When it is taken; `None` is the default.
    pub when: Option<Expression>,
    /// What comes then.
    pub then: Then,
}

/// `for`.
#[derive(Debug, Clone)]
pub struct ForTask {
    /// The variable of the item, without `$`.
    pub each: Arc<str>,
    /// The variable of the position, without `$`.
    pub at: Arc<str>,
    /// What is gone through.
    pub r#in: Expression,
    /// Tested before each round.
    pub r#while: Option<Expression>,
    /// What each round does.
    pub r#do: Block,
}

/// `fork`.
#[derive(Debug, Clone)]
pub struct ForkTask {
    /// The branches.
    pub branches: Block,
    /// Whether the first success is the answer.
    pub compete: Compete,
}

/// How branches of a fork stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Compete {
    /// The answer is the list of all outputs.
    All,
    /// The answer is the first success.
    First,
}

/// `try`.
#[derive(Debug, Clone)]
pub struct TryTask {
    /// What is tried.
    pub r#try: Block,
    /// What happens on a fault.
    pub catch: Catch,
}

/// `catch`.
#[derive(Debug, Clone)]
pub struct Catch {
    /// `errors.with`.
    pub errors: ErrorFilter,
    /// The variable of the error, without `$`.
    pub r#as: Arc<str>,
    /// `when`.
    pub when: Option<Expression>,
    /// `exceptWhen`.
    pub except_when: Option<Expression>,
    /// `retry`, resolved.
    pub retry: Option<RetryPolicy>,
    /// `do`.
    pub r#do: Option<Block>,
}

/// Members that an error must have, each equal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorFilter {
    /// Both bases of the standard types are accepted.
    pub r#type: Option<String>,
    /// The status.
    pub status: Option<u16>,
    /// The pointer.
    pub instance: Option<String>,
    /// The title.
    pub title: Option<String>,
    /// The detail (`detail` or `details`).
    pub detail: Option<String>,
}

/// `retry`.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// `when`.
    pub when: Option<Expression>,
    /// `exceptWhen`.
    pub except_when: Option<Expression>,
    /// Before the first retry.
    pub delay: Option<Duration>,
    /// How it grows.
    pub backoff: Backoff,
    /// How often it is tried again (1 + count attempts).
    pub count: Option<u32>,
    /// How long one attempt may take.
    pub attempt: Option<Duration>,
    /// For how long attempts are begun or run.
    pub duration: Option<Duration>,
    /// Added at random, from and to.
    pub jitter: Option<(Duration, Duration)>,
}

/// How a delay grows with each retry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Backoff {
    /// Not.
    #[default]
    Constant,
    /// d·2^(n−1).
    Exponential,
    /// d·n.
    Linear,
}

/// `raise.error`, resolved. `instance` is set by the machine, whatever the author wrote.
#[derive(Debug, Clone)]
pub struct RaisedError {
    /// A URI, or an expression.
    pub r#type: Template,
    /// The status.
    pub status: u16,
    /// Text, or an expression.
    pub title: Option<Template>,
    /// Text, or an expression.
    pub detail: Option<Template>,
}

/// `run.workflow`.
#[derive(Debug, Clone)]
pub struct RunTask {
    /// Which flow.
    pub flow: crate::command::FlowReference,
    /// Its input; the task's when absent.
    pub input: Option<Template>,
    /// Whether its output is waited for.
    pub wait: crate::command::Await,
    /// `return: none` answers null.
    pub discard: Discard,
}

/// Whether a child's output is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discard {
    /// It is the task's output.
    Keep,
    /// The output is null.
    Drop,
}
