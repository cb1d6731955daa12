//! How data is shaped on its way: expressions, templates, schemas, durations.

use std::sync::Arc;

use indexmap::IndexMap;
use jiff::SignedDuration;
use serde_json::Value;

/// A compiled expression and where it stands.
#[derive(Debug, Clone)]
pub struct Expression {
    /// The program; it lists the variables it uses.
    pub program: expression::Program,
    /// Its pointer in the document.
    pub pointer: Arc<str>,
}

/// A value with expressions at its leaves (`${ … }`), or one expression for the whole.
#[derive(Debug, Clone)]
pub enum Template {
    /// As it stands.
    Literal(Value),
    /// The expression's value.
    Expression(Expression),
    /// An object; keys are never expressions.
    Object(IndexMap<String, Template>),
    /// A list.
    List(Vec<Template>),
}

/// A JSON Schema, compiled. The draft is `$schema`'s or 2020-12; references to the net were refused.
#[derive(Debug, Clone)]
pub struct Schema {
    /// The validator.
    pub validator: Arc<jsonschema::Validator>,
    /// Its pointer in the document.
    pub pointer: Arc<str>,
}

/// `input`: the schema is met by the raw input, then it is transformed.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// `schema`.
    pub schema: Option<Schema>,
    /// `from`.
    pub from: Option<Template>,
}

/// `output`: transformed, then the schema is met.
#[derive(Debug, Clone, Default)]
pub struct Output {
    /// `as`.
    pub r#as: Option<Template>,
    /// `schema`.
    pub schema: Option<Schema>,
}

/// `export`: what `$context` becomes.
#[derive(Debug, Clone, Default)]
pub struct Export {
    /// `as`.
    pub r#as: Option<Template>,
    /// `schema`.
    pub schema: Option<Schema>,
}

/// A length of time.
#[derive(Debug, Clone)]
pub enum Duration {
    /// Known.
    Fixed(SignedDuration),
    /// An expression that yields ISO 8601.
    Expression(Expression),
}
