//! `call`: HTTP, OpenAPI, and functions.

use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::{Expression, Task, Template};
use crate::command::{OutcomeUnknown, OutputForm};

/// What is called.
#[derive(Debug, Clone)]
pub enum CallTask {
    /// `call: http`.
    Http(HttpTask),
    /// `call: openapi`.
    OpenApi(OpenApiTask),
    /// `call: <name of use.functions>`.
    Function(FunctionCall),
    /// `call: <function of Keyway's own catalog>`.
    Catalog(CatalogFunction),
}

/// `call: http`, `with`.
#[derive(Debug, Clone)]
pub struct HttpTask {
    /// In capitals.
    pub method: Arc<str>,
    /// Where.
    pub endpoint: Endpoint,
    /// Header fields: an object, or one expression.
    pub headers: Option<Template>,
    /// Query parameters: an object, or one expression.
    pub query: Option<Template>,
    /// The body.
    pub body: Option<Template>,
    /// Which form the answer takes.
    pub output: OutputForm,
    /// Whether redirects are followed.
    pub redirect: bool,
    /// `metadata.keyway.onOutcomeUnknown`.
    pub outcome_unknown: OutcomeUnknown,
}

/// `call: openapi`, `with`.
#[derive(Debug, Clone)]
pub struct OpenApiTask {
    /// Where the description is.
    pub document: Endpoint,
    /// Which operation.
    pub operation: Arc<str>,
    /// Its parameters: an object, or one expression.
    pub parameters: Option<Template>,
    /// Who is calling.
    pub authentication: Authentication,
    /// Which form the answer takes.
    pub output: OutputForm,
    /// Whether redirects are followed.
    pub redirect: bool,
    /// `metadata.keyway.onOutcomeUnknown`.
    pub outcome_unknown: OutcomeUnknown,
}

/// A call of a function that the flow itself defines: the function's task, run with `with` as its raw input.
#[derive(Debug, Clone)]
pub struct FunctionCall {
    /// Its name in `use.functions`.
    pub name: Arc<str>,
    /// The function's task; its references point into `/use/functions/…`.
    pub task: Arc<Task>,
    /// `with`.
    pub arguments: IndexMap<String, Template>,
}

/// A call of a function of Keyway's own catalog; names and argument schemas are in `docs/reference/functions.md`.
#[derive(Debug, Clone)]
pub struct CatalogFunction {
    /// `page`, `respond`, `approve`, `table-get`, …
    pub name: Arc<str>,
    /// `with`, without `authentication`.
    pub arguments: Template,
    /// The connection it uses, when it uses one.
    pub authentication: Authentication,
}

/// Where something is, and who asks for it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// Where.
    pub uri: Uri,
    /// Who is calling.
    pub authentication: Authentication,
}

/// A URI, template or expression.
#[derive(Debug, Clone)]
pub enum Uri {
    /// RFC 6570 level 1: `{x}` is a top-level member of the transformed input.
    Template(Arc<str>),
    /// An expression that yields a URI, or a path below a connection's base URL.
    Expression(Expression),
}

/// Who is calling.
#[derive(Debug, Clone)]
pub enum Authentication {
    /// Nobody.
    None,
    /// A connection or secret, declared in `use.secrets`; `word` is the kind word at the place of use.
    Secret {
        /// Its name.
        name: Arc<str>,
        /// `basic`, `bearer`, `digest`, `oauth2`, `oidc`.
        word: Arc<str>,
    },
    /// An inline policy.
    Inline {
        /// The kind word.
        word: Arc<str>,
        /// Its members.
        policy: Template,
        /// As JSON.
        raw: Arc<Value>,
    },
}
