//! What a run wants done by the world. Each is answered by [`Event::Completed`](crate::Event::Completed) with its id.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::CloudEvent;
use crate::definition::listen::Filter;

/// Names a command for ever: the pointer of its task with round and attempt (`/do/1/loop[3]/do/0/call~2`), and a `#part` where
/// a task has several. Never its position in the journal.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CommandId(pub String);

impl fmt::Display for CommandId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub enum Command {
    /// Call another party. Answered by the task's raw output.
    Call {
        /// Its name.
        id: CommandId,
        /// What to call.
        call: Call,
    },
    /// Wait. Answered by null at or after the time.
    Sleep {
        /// Its name.
        id: CommandId,
        /// Until when.
        until: Timestamp,
    },
    /// Hand over every event that one of the filters lets through, as `Arrived`, until this is abandoned.
    Listen {
        /// Its name.
        id: CommandId,
        /// With `expect`s evaluated; empty = every event.
        filters: Vec<Filter>,
    },
    /// Publish an event. Answered by null.
    Emit {
        /// Its name.
        id: CommandId,
        /// The event, complete.
        event: Box<CloudEvent>,
    },
    /// Evaluate a heavy expression in the limited process. Answered by its value.
    Evaluate {
        /// Its name.
        id: CommandId,
        /// jq.
        source: String,
        /// `.`.
        input: Value,
        /// The variables it uses, by name without `$`.
        variables: Vec<(String, Value)>,
    },
    /// Run another flow. Answered by its output, or by null at once when it is not awaited.
    Run {
        /// Its name.
        id: CommandId,
        /// Which flow.
        flow: FlowReference,
        /// Its input.
        input: Value,
        /// Whether the answer is the child's output.
        wait: Await,
    },
    /// Forget a command: its branch lost, its time is over. Not answered.
    Abandon {
        /// Which.
        id: CommandId,
    },
}

impl Command {
    /// Its name.
    pub fn id(&self) -> &CommandId {
        match self {
            Command::Call { id, .. }
            | Command::Sleep { id, .. }
            | Command::Listen { id, .. }
            | Command::Emit { id, .. }
            | Command::Evaluate { id, .. }
            | Command::Run { id, .. }
            | Command::Abandon { id } => id,
        }
    }
}

/// Whether a flow waits for the one it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Await {
    /// It does.
    Output,
    /// It goes on.
    Nothing,
}

/// Another flow, by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FlowReference {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its version; `None` or `latest` is the current one.
    pub version: Option<String>,
}

/// A call with every expression evaluated. Secrets are in it in the clear: it is performed and forgotten, never stored.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "call", rename_all = "snake_case")]
pub enum Call {
    /// An HTTP request.
    Http(HttpCall),
    /// An operation of an OpenAPI description.
    #[serde(rename = "openapi")]
    OpenApi(OpenApiCall),
    /// A function of Keyway's own catalog: `page`, `respond`, `approve`, `table-get`, …
    Function {
        /// Its name.
        name: String,
        /// `with`, evaluated; without `authentication`.
        arguments: Value,
        /// Who is calling.
        authentication: Authentication,
    },
}

/// An HTTP request to be sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HttpCall {
    /// In capitals.
    pub method: String,
    /// A whole URL, or a path below a connection's base URL.
    pub endpoint: String,
    /// Header fields; a list is several of the same name.
    pub headers: Vec<(String, String)>,
    /// Added to the endpoint's query.
    pub query: Vec<(String, String)>,
    /// Any JSON; `None` is no body.
    pub body: Option<Value>,
    /// Who is calling.
    pub authentication: Authentication,
    /// Which form the answer takes.
    pub output: OutputForm,
    /// Whether redirects are followed (and statuses of 300–399 are no error).
    pub redirect: bool,
    /// What is done when the outcome is unknown after a crash.
    pub outcome_unknown: OutcomeUnknown,
}

/// An operation to be called.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpenApiCall {
    /// The description's URL, or a path below a connection's base URL.
    pub document: String,
    /// Who fetches the description.
    pub document_authentication: Authentication,
    /// `operationId`.
    pub operation: String,
    /// Path, query, header, cookie and body parameters by name.
    pub parameters: Value,
    /// Who is calling.
    pub authentication: Authentication,
    /// Which form the answer takes.
    pub output: OutputForm,
    /// Whether redirects are followed.
    pub redirect: bool,
    /// What is done when the outcome is unknown after a crash.
    pub outcome_unknown: OutcomeUnknown,
}

/// Which form an HTTP answer takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutputForm {
    /// The deserialized body.
    #[default]
    Content,
    /// The body in base64.
    Raw,
    /// `{request, statusCode, headers, content}`.
    Response,
}

/// What is done with a call that may or may not have been made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OutcomeUnknown {
    /// Safe and idempotent methods are sent again; others wait for a person.
    #[default]
    Park,
    /// It is sent again (`metadata.keyway.onOutcomeUnknown: retry`).
    Retry,
    /// It is a fault (`…: fail`).
    Fail,
}

/// Who is calling, with inline policies evaluated.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Authentication {
    /// Nobody.
    None,
    /// A named connection; `word` is the policy's kind (`oauth2`, `bearer`, `basic`, …) that must match it.
    Connection {
        /// Its name, declared in `use.secrets`.
        name: String,
        /// The kind word.
        word: String,
    },
    /// An inline policy of the DSL, its kind word and its evaluated members.
    Inline {
        /// `basic`, `bearer`, `digest`, `oauth2`, `oidc`.
        word: String,
        /// Its members.
        policy: Value,
    },
}
