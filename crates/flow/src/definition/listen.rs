//! `listen` and the filters of events, which schedules use too.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Block, Export, Expression, Output, Template};

/// `listen`.
#[derive(Debug, Clone)]
pub struct ListenTask {
    /// What is consumed.
    pub to: Consume,
    /// What the consumed events look like.
    pub read: Read,
    /// What is done with each.
    pub foreach: Option<Iterator>,
}

/// Which events, and how many.
#[derive(Debug, Clone)]
pub enum Consume {
    /// One event for each filter.
    All(Vec<FilterTemplate>),
    /// The first that any filter lets through, and on, with `until`. No filters: every event.
    Any {
        /// The filters.
        filters: Vec<FilterTemplate>,
        /// When it is enough.
        until: Option<Until>,
    },
    /// One event.
    One(FilterTemplate),
}

/// When an `any` has enough.
#[derive(Debug, Clone)]
pub enum Until {
    /// Evaluated after each event on the list consumed so far.
    Condition(Expression),
    /// Another consumption comes to its end; its events are not in the output.
    Consumed(Box<Consume>),
}

/// What the consumed events look like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Read {
    /// Their data.
    #[default]
    Data,
    /// The events.
    Envelope,
    /// Their data as text, undecoded.
    Raw,
}

/// `foreach`.
#[derive(Debug, Clone)]
pub struct Iterator {
    /// The variable of the item, without `$`.
    pub item: Arc<str>,
    /// The variable of the position, without `$`.
    pub at: Arc<str>,
    /// What is done.
    pub r#do: Option<Block>,
    /// Per item, after `do`.
    pub output: Output,
    /// Per item.
    pub export: Export,
}

/// A filter as written: constants, and expressions that are evaluated when listening begins (`expect`).
#[derive(Debug, Clone)]
pub struct FilterTemplate {
    /// `with`: attribute → test.
    pub with: IndexMap<String, AttributeTest>,
    /// `correlate`: name → how.
    pub correlate: IndexMap<String, CorrelationTemplate>,
}

/// How a correlation is found, and what it must be.
#[derive(Debug, Clone)]
pub struct CorrelationTemplate {
    /// On the whole envelope.
    pub from: Expression,
    /// A constant or an expression on the task's input (of a schedule: a constant); without it the first value fixes it.
    pub expect: Option<Template>,
}

/// A test of one attribute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "test", rename_all = "snake_case")]
pub enum AttributeTest {
    /// Equal, or (text) an anchored regular expression over the whole attribute.
    Constant {
        /// The constant.
        value: Value,
    },
    /// jq on the attribute (`data`: on the data): a boolean is the verdict, anything else is compared.
    Expression {
        /// jq; only its own attribute and constants are in reach.
        source: String,
    },
}

/// A filter ready to be stored and looked up: no open ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Filter {
    /// Attribute → test.
    pub with: IndexMap<String, AttributeTest>,
    /// Name → jq on the envelope, and what it must be (`None`: anything, the machine compares).
    pub correlate: IndexMap<String, Correlation>,
}

/// A correlation ready to be looked up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Correlation {
    /// jq.
    pub from: String,
    /// What it must be.
    pub expect: Option<Value>,
}
