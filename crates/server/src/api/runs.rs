//! `/api/v1/runs`: starting flows, what their runs did, and what a person can do about them.

mod filter;
pub(crate) mod start;

use axum::Json as Answer;
use axum::extract::{FromRequestParts, RawQuery};
use axum::response::{IntoResponse, Response};
use engine::{From as RetryFrom, History, Outcome, Resolution, Started};
use flow::CommandId;
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{FlowOrigin, Run, RunFilter, RunId, RunStatus, Trigger};
use utoipa::{IntoParams, ToSchema};

use super::{Refusals, answer, path};
use crate::access::{Admin, Operator, Viewer};
use crate::app::App;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;
use crate::query::Query;
pub(super) use filter::{RunQuery, filter};
use start::{StartedRun, started_run};

/// From where a run is done again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRetry {
    /// `failed_step` takes over what was done before; `start` does everything again.
    from: FromWhere,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum FromWhere {
    Start,
    FailedStep,
}

impl RequestBody for NewRetry {}

/// What somebody found out about a call whose outcome was unknown.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolve {
    /// The command, as `parked` names it.
    command: String,
    /// `send_again`: it was not made; `completed`: it was, with this `output`; `failed`: it counts as failed.
    outcome: Resolved,
    /// The output of the call.
    #[serde(default)]
    output: Value,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Resolved {
    SendAgain,
    Completed,
    Failed,
}

impl RequestBody for Resolve {
    const FREE: Option<&'static str> = Some("output");
}

/// A run.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunCard {
    /// `run_…`.
    id: String,
    /// `namespace.name`.
    flow: String,
    /// Whether its text was run once and not deployed: then no flow of this name need be there.
    once: bool,
    /// The number of the flow's version.
    version: i64,
    /// `pending`, `running`, `waiting`, `suspended`, `parked`, `cancelled`, `faulted` or `completed`.
    #[schema(value_type = String)]
    status: RunStatus,
    /// Who or what started it.
    actor: String,
    /// By which means.
    #[schema(value_type = Object)]
    trigger: Trigger,
    /// The run that started it.
    parent: Option<String>,
    /// The run that it does again.
    retry_of: Option<String>,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
    /// When it goes on by itself.
    wake_at: Option<Timestamp>,
    /// What somebody must act for.
    #[schema(value_type = Vec<Object>)]
    parked: Vec<store::Parked>,
    /// The error that ended it: the language's (`type`, `status`, `title`, `detail`, `instance`), with our `code` where there is one.
    error: Option<Value>,
}

impl From<Run> for RunCard {
    fn from(run: Run) -> RunCard {
        let (namespace, name) = run.flow_name;
        RunCard {
            id: run.id.to_string(),
            flow: format!("{namespace}.{name}"),
            once: run.origin == FlowOrigin::Once,
            version: run.version,
            status: run.status,
            actor: run.actor,
            trigger: run.trigger,
            parent: run.parent.map(|parent| parent.run.to_string()),
            retry_of: run.retry_of.map(|run| run.to_string()),
            created_at: run.created_at,
            ended_at: run.ended_at,
            wake_at: run.wake_at,
            parked: run.parked,
            error: run.error,
        }
    }
}

/// A page of runs, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunList {
    items: Vec<RunCard>,
    /// What to give as `before` for the page after this one; none on the last.
    next: Option<String>,
}

impl RunCard {
    pub(super) fn id(&self) -> &str {
        &self.id
    }
}

impl RunList {
    /// The runs, and where the next page begins.
    pub(super) fn parts(self) -> (Vec<RunCard>, Option<String>) {
        (self.items, self.next)
    }
}

/// A run with all that it did.
#[derive(Serialize, ToSchema)]
pub(crate) struct RunDetail {
    #[serde(flatten)]
    run: RunCard,
    /// `document.version`.
    flow_version: String,
    /// The raw input.
    input: Value,
    /// The output, once it completed.
    output: Option<Value>,
    /// Every step in the order in which they began.
    #[schema(value_type = Vec<Object>)]
    steps: Vec<flow::machine::Step>,
    /// The events that it published.
    #[schema(value_type = Vec<Object>)]
    events: Vec<flow::CloudEvent>,
    /// What it waits for.
    #[schema(value_type = Vec<Object>)]
    waits_for: Vec<engine::WaitsFor>,
}

/// How a run stands, for whoever watches it.
#[derive(Serialize)]
pub(crate) struct Standing {
    #[serde(flatten)]
    run: RunCard,
    waits_for: Vec<engine::WaitsFor>,
}

impl RunDetail {
    /// How the run stands, its steps, and its output.
    pub(crate) fn parts(self) -> (Standing, Vec<flow::machine::Step>, Option<Value>) {
        let standing = Standing {
            run: self.run,
            waits_for: self.waits_for,
        };
        (standing, self.steps, self.output)
    }
}

/// A run's id in a path; one that no run can have is simply not found.
pub(crate) struct Id(pub(crate) RunId);

impl FromRequestParts<App> for Id {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Id, Problem> {
        let text = path(parts, app).await.unwrap_or_default();
        RunId::parse(&text)
            .map(Id)
            .map_err(|_| Problem::not_found("run", &text))
    }
}

impl Viewer {
    pub(super) async fn runs(&self, filter: &RunFilter) -> Result<RunList, Problem> {
        let page = self.app().store().runs().list(self.actor(), filter).await?;
        let items = page.runs.into_iter().map(RunCard::from).collect();
        let next = page
            .next
            .map(|place| format!("{}~{}", place.created_at.as_microsecond(), place.id));
        Ok(RunList { items, next })
    }

    /// A run with its steps.
    pub(crate) async fn history(&self, id: &RunId) -> Result<RunDetail, Problem> {
        let history = self.app().engine().history(self.actor(), id).await?;
        let History {
            run,
            version,
            input,
            output,
            steps,
            events,
            waits_for,
            ..
        } = history;
        Ok(RunDetail {
            run: run.into(),
            flow_version: version,
            input,
            output,
            steps,
            events,
            waits_for,
        })
    }
}

impl Operator {
    async fn cancel_run(&self, id: &RunId) -> Result<(), Problem> {
        Ok(self.app().engine().cancel(self.actor(), id).await?)
    }

    async fn suspend_run(&self, id: &RunId) -> Result<(), Problem> {
        Ok(self.app().engine().suspend(self.actor(), id).await?)
    }

    async fn resume_run(&self, id: &RunId) -> Result<(), Problem> {
        Ok(self.app().engine().resume(self.actor(), id).await?)
    }

    async fn retry_run(&self, id: &RunId, from: &FromWhere) -> Result<RunId, Problem> {
        let from = match from {
            FromWhere::Start => RetryFrom::Start,
            FromWhere::FailedStep => RetryFrom::FailedStep,
        };
        Ok(self.app().engine().retry(self.actor(), id, from).await?)
    }

    async fn resolve_run(&self, id: &RunId, body: Resolve) -> Result<(), Problem> {
        let resolution = match body.outcome {
            Resolved::SendAgain => Resolution::SendAgain,
            Resolved::Completed => Resolution::Completed(body.output),
            Resolved::Failed => {
                Resolution::Failed(format!("{} found out that it failed", self.actor().name))
            }
        };
        let engine = self.app().engine();
        let command = CommandId(body.command);
        Ok(engine
            .resolve(self.actor(), id, &command, resolution)
            .await?)
    }
}

impl Admin {
    async fn remove_run(&self, id: &RunId) -> Result<(), Problem> {
        let removed = self.app().store().runs().remove(self.actor(), id).await;
        removed.map_err(|error| match error {
            store::Error::NotFound { .. } => Problem::not_found("run", id.as_str()),
            other => other.into(),
        })
    }
}

/// The run's address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "documentation only; the value is read from the path"
)]
pub(crate) struct RunParameter {
    /// `run_…`.
    run: String,
}

/// Lists runs, newest first.
#[utoipa::path(get, path = "/api/v1/runs", tag = "runs", operation_id = "list_runs", params(RunQuery), responses((status = 200, body = RunList), Refusals))]
pub(crate) async fn list(
    viewer: Viewer,
    RawQuery(query): RawQuery,
) -> Result<Answer<RunList>, Problem> {
    let filter = filter(&viewer, &Query(query.as_deref())).await?;
    Ok(Answer(viewer.runs(&filter).await?))
}

/// Shows a run with every step that it did, without the values of live secrets.
#[utoipa::path(get, path = "/api/v1/runs/{run}", tag = "runs", operation_id = "show_run", params(RunParameter), responses((status = 200, body = RunDetail), Refusals))]
pub(crate) async fn show(viewer: Viewer, Id(id): Id) -> Result<Answer<RunDetail>, Problem> {
    Ok(Answer(viewer.history(&id).await?))
}

/// Deletes a run that is over, with its journal.
#[utoipa::path(delete, path = "/api/v1/runs/{run}", tag = "runs", operation_id = "delete_run", params(RunParameter), responses((status = 204), Refusals))]
pub(crate) async fn delete(admin: Admin, Id(id): Id) -> Result<Response, Problem> {
    admin.remove_run(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// Ends a run for good.
#[utoipa::path(post, path = "/api/v1/runs/{run}/cancel", tag = "runs", operation_id = "cancel_run", params(RunParameter), responses((status = 202), Refusals))]
pub(crate) async fn cancel(operator: Operator, Id(id): Id) -> Result<Response, Problem> {
    operator.cancel_run(&id).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Stops a run for the time being: what is under way comes to its end, nothing new is begun.
#[utoipa::path(post, path = "/api/v1/runs/{run}/suspend", tag = "runs", operation_id = "suspend_run", params(RunParameter), responses((status = 202), Refusals))]
pub(crate) async fn suspend(operator: Operator, Id(id): Id) -> Result<Response, Problem> {
    operator.suspend_run(&id).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Lets a suspended run go on.
#[utoipa::path(post, path = "/api/v1/runs/{run}/resume", tag = "runs", operation_id = "resume_run", params(RunParameter), responses((status = 202), Refusals))]
pub(crate) async fn resume(operator: Operator, Id(id): Id) -> Result<Response, Problem> {
    operator.resume_run(&id).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}

/// Does a run that is over again, as a new run on the current version of its flow.
#[utoipa::path(post, path = "/api/v1/runs/{run}/retry", tag = "runs", operation_id = "retry_run", params(RunParameter), request_body = NewRetry,
    responses((status = 202, body = StartedRun), Refusals))]
pub(crate) async fn retry(
    operator: Operator,
    Id(id): Id,
    Json(body): Json<NewRetry>,
) -> Result<Response, Problem> {
    let run = operator.retry_run(&id, &body.from).await?;
    let started = started_run(&Started::Now(run), Outcome::Pending);
    Ok(answer(StatusCode::ACCEPTED, (), started))
}

/// Says what became of a call whose outcome was unknown after a crash.
#[utoipa::path(post, path = "/api/v1/runs/{run}/resolve", tag = "runs", operation_id = "resolve_run", params(RunParameter), request_body = Resolve,
    responses((status = 202), Refusals))]
pub(crate) async fn resolve(
    operator: Operator,
    Id(id): Id,
    Json(body): Json<Resolve>,
) -> Result<Response, Problem> {
    operator.resolve_run(&id, body).await?;
    Ok(StatusCode::ACCEPTED.into_response())
}
