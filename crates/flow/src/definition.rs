//! The definition of a flow as it checked out: DSL 1.0.3, Keyway's profile 1.
//!
//! Everything here is made by [`Flow::parse`] and can't be wrong: names resolve, expressions are compiled, durations are fixed.
//! Named components (`use.*`) are resolved into the places that use them.

pub mod call;
pub mod catalog;
pub mod data;
pub(crate) mod filter;
pub mod listen;
pub mod schedule;
pub mod task;

use std::sync::Arc;

use serde_json::{Map, Value};

pub use call::{
    Authentication, CallTask, CatalogFunction, Endpoint, FunctionCall, HttpTask, OpenApiTask, Uri,
};
pub use data::{Duration, Export, Expression, Input, Output, Schema, Template};
pub use filter::Matcher;
pub use listen::{Consume, Filter, ListenTask, Read};
pub use schedule::{OverlapPolicy, Schedule, Trigger};
pub use task::{Backoff, Block, Catch, ErrorFilter, Kind, RaisedError, RetryPolicy, Task, Then};

/// A flow that checked out.
#[derive(Debug)]
pub struct Flow {
    /// Its names and texts.
    pub document: Document,
    /// How the raw input becomes the input.
    pub input: Input,
    /// How the last output becomes the flow's.
    pub output: Output,
    /// After how long the run faults.
    pub timeout: Option<Duration>,
    /// What starts it by itself.
    pub schedule: Option<Schedule>,
    /// Names of secrets and connections that it may use (`use.secrets`), in order.
    pub secrets: Vec<String>,
    /// Keyway's own settings, from `document.metadata.keyway`.
    pub settings: Settings,
    /// What it does.
    pub tasks: Block,
    /// The whole definition as JSON, for `$workflow.definition`.
    pub definition: Arc<Value>,
    /// SHA-256 of the canonical JSON of `definition`, hex: pins a run to it.
    pub digest: String,
    /// What somebody should look at, though the flow runs.
    pub warnings: Vec<crate::Diagnostic>,
}

/// `document`.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// `1.0.x`.
    pub dsl: String,
    /// A DNS label.
    pub namespace: String,
    /// A DNS label.
    pub name: String,
    /// A semantic version.
    pub version: String,
    /// For lists.
    pub title: Option<String>,
    /// Markdown.
    pub summary: Option<String>,
    /// For searching.
    pub tags: Map<String, Value>,
    /// Anything.
    pub metadata: Map<String, Value>,
}

/// `document.metadata.keyway`: closed set of keys.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settings {
    /// What a step does whose connection needs somebody (`onConnectionNeeds: park|fail`).
    pub on_connection_needs: OnConnectionNeeds,
    /// How many days finished runs are kept (`retentionDays`).
    pub retention_days: Option<u32>,
    /// The hooks that start it (`webhooks`), by name.
    pub webhooks: Vec<schedule::Webhook>,
}

/// What a step does whose connection needs somebody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnConnectionNeeds {
    /// The run waits until the connection is `ok`.
    #[default]
    Park,
    /// The step faults.
    Fail,
}
