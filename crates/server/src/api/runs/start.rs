//! Starting runs: of a flow that is deployed, or of a text that is run once.

use std::time::Duration;

use axum::response::Response;
use engine::{Outcome, Start, Started, Subject};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::Trigger;
use utoipa::ToSchema;

use super::super::flows::{FlowKey, FlowParameter};
use super::super::{Refusals, answer};
use crate::access::Operator;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// How long a start waits at most for its run.
const LONGEST_WAIT: u32 = 60;

/// A run that is asked for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRun {
    /// The raw input.
    #[serde(default)]
    input: Value,
    /// `document.version`; the current one by default.
    #[serde(default)]
    version: Option<String>,
    /// How many seconds to wait for its answer or end.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 60, default = 0)]
    wait_seconds: u32,
    /// A key under which no second run is started within 14 days.
    #[serde(default)]
    #[schema(max_length = 256)]
    key: Option<String>,
}

impl RequestBody for NewRun {
    const FREE: Option<&'static str> = Some("input");
}

/// A text to run once.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewOnce {
    /// The flow, in YAML or JSON.
    source: String,
    /// The raw input.
    #[serde(default)]
    input: Value,
    /// How many seconds to wait for its answer or end.
    #[serde(default)]
    #[schema(minimum = 0, maximum = 60, default = 0)]
    wait_seconds: u32,
}

impl RequestBody for NewOnce {
    const FREE: Option<&'static str> = Some("input");
}

/// A run that was started, and what became of it while it was waited for.
#[derive(Serialize, ToSchema)]
pub(crate) struct StartedRun {
    /// `run_…`.
    run: String,
    /// Whether the same key had started it before.
    duplicate: bool,
    /// `pending` when it goes on; else `completed`, `faulted`, `cancelled` or `answered`.
    status: &'static str,
    /// The output, or what `call: respond` answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    output: Option<Value>,
    /// The error that ended it: the language's (`type`, `status`, `title`, `detail`, `instance`), with our `code` where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Value>,
}

impl Operator {
    async fn start_run(&self, key: FlowKey, new: NewRun) -> Result<StartedRun, Problem> {
        if new
            .key
            .as_ref()
            .is_some_and(|key| key.is_empty() || key.len() > 256)
        {
            let detail = "a start key has 1 to 256 characters";
            return Err(Problem::new("body.invalid", detail).field("/key"));
        }
        let start = Start {
            subject: Subject::Deployed {
                namespace: key.namespace,
                name: key.name,
                version: new.version,
            },
            input: new.input,
            trigger: Trigger::Manual,
            key: new.key,
        };
        self.begin(start, new.wait_seconds).await
    }

    async fn run_once(&self, new: NewOnce) -> Result<StartedRun, Problem> {
        let start = Start {
            subject: Subject::Text(new.source),
            input: new.input,
            trigger: Trigger::Manual,
            key: None,
        };
        self.begin(start, new.wait_seconds).await
    }

    async fn begin(&self, start: Start, wait_seconds: u32) -> Result<StartedRun, Problem> {
        if wait_seconds > LONGEST_WAIT {
            let detail =
                format!("a start waits {LONGEST_WAIT} seconds at most: look at the run later");
            return Err(Problem::new("body.invalid", detail).field("/wait_seconds"));
        }
        let engine = self.app().engine();
        if wait_seconds == 0 {
            let started = engine.start(self.actor(), start).await?;
            return Ok(started_run(&started, Outcome::Pending));
        }
        let deadline = Duration::from_secs(wait_seconds.into());
        let (started, answer) = engine.start_and_wait(self.actor(), start, deadline).await?;
        Ok(started_run(&started, engine.shown(answer.outcome).await?))
    }
}

pub(super) fn started_run(started: &Started, outcome: Outcome) -> StartedRun {
    let (status, output, error) = match outcome {
        Outcome::Pending => ("pending", None, None),
        Outcome::Completed(output) => ("completed", Some(output), None),
        Outcome::Faulted(error) => ("faulted", None, Some(error)),
        Outcome::Cancelled => ("cancelled", None, None),
        Outcome::Replied(reply) => ("answered", Some(reply.body), None),
    };
    StartedRun {
        run: started.run().to_string(),
        duplicate: matches!(started, Started::Before(_)),
        status,
        output,
        error,
    }
}

/// Starts a flow; the run is durable when this answers. With `wait_seconds` it answers what became of it.
#[utoipa::path(post, path = "/api/v1/flows/{flow}/runs", tag = "runs", operation_id = "start_run", params(FlowParameter), request_body = NewRun,
    responses((status = 200, description = "The same key had started it before.", body = StartedRun), (status = 202, body = StartedRun), Refusals))]
pub(crate) async fn start(
    operator: Operator,
    key: FlowKey,
    Json(new): Json<NewRun>,
) -> Result<Response, Problem> {
    let started = operator.start_run(key, new).await?;
    let status = if started.duplicate {
        StatusCode::OK
    } else {
        StatusCode::ACCEPTED
    };
    Ok(answer(status, (), started))
}

/// Runs a text once, without deploying it: only its run is kept, and nothing starts it again. What it calls through
/// connections an operator may call; a text that names plain secrets needs an administrator.
#[utoipa::path(post, path = "/api/v1/runs", tag = "runs", operation_id = "run_once", request_body = NewOnce,
    responses((status = 202, body = StartedRun), Refusals))]
pub(crate) async fn once(
    operator: Operator,
    Json(new): Json<NewOnce>,
) -> Result<Response, Problem> {
    let started = operator.run_once(new).await?;
    Ok(answer(StatusCode::ACCEPTED, (), started))
}
