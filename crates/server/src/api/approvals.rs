//! `/api/v1/approvals`: the questions that runs ask people, for whoever is signed in. The links of the same questions
//! lead to `/approve/{token}`; their tokens are not known here.

use axum::Json as Answer;
use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Response};
use engine::{Decision, Verdict};
use http::StatusCode;
use http::request::Parts;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{Approval, ApprovalId};
use utoipa::{IntoParams, ToSchema};

use super::{Refusals, path};
use crate::access::{Operator, Viewer};
use crate::app::App;
use crate::approve::{COMMENT, closed_or, short};
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// A question that waits for an answer.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovalCard {
    /// `app_…`.
    id: String,
    /// The run that asks.
    run: String,
    /// Its flow (`namespace.name`).
    flow: Option<String>,
    /// What is asked, in one line.
    title: String,
    /// More about it.
    message: Option<String>,
    /// Data to be shown.
    details: Value,
    created_at: Timestamp,
    /// Until when it can be answered.
    expires_at: Option<Timestamp>,
}

impl From<Approval> for ApprovalCard {
    fn from(asked: Approval) -> ApprovalCard {
        let text = |name: &str| asked.detail.get(name).and_then(Value::as_str);
        ApprovalCard {
            flow: text("flow").map(|flow| flow.replace('/', ".")),
            message: text("message").map(str::to_owned),
            details: asked.detail.get("details").cloned().unwrap_or_default(),
            id: asked.id.to_string(),
            run: asked.run.to_string(),
            title: asked.title,
            created_at: asked.created_at,
            expires_at: asked.expires_at,
        }
    }
}

/// The questions that wait for an answer, oldest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct ApprovalList {
    items: Vec<ApprovalCard>,
}

/// An answer.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewDecision {
    /// `approve` or `reject`.
    decision: Choice,
    /// What is said about it.
    #[serde(default)]
    #[schema(max_length = 2000)]
    comment: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Choice {
    Approve,
    Reject,
}

impl RequestBody for NewDecision {}

/// A question's id in a path; one that no question can have is simply not found.
pub(crate) struct Id(ApprovalId);

impl FromRequestParts<App> for Id {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Id, Problem> {
        let text = path(parts, app).await.unwrap_or_default();
        ApprovalId::parse(&text)
            .map(Id)
            .map_err(|_| Problem::not_found("approval", &text))
    }
}

impl Viewer {
    async fn approvals(&self) -> Result<ApprovalList, Problem> {
        let found = self.app().store().approvals().list(self.actor()).await?;
        let items = found.into_iter().map(ApprovalCard::from).collect();
        Ok(ApprovalList { items })
    }
}

impl Operator {
    async fn decide(&self, id: &ApprovalId, body: NewDecision) -> Result<(), Problem> {
        let found = self
            .app()
            .store()
            .approvals()
            .find(self.actor(), id)
            .await?;
        let asked = found.ok_or_else(|| Problem::not_found("approval", id.as_str()))?;
        let decision = Decision {
            approved: match body.decision {
                Choice::Approve => Verdict::Approved,
                Choice::Reject => Verdict::Rejected,
            },
            by: None,
            comment: short(&body.comment, COMMENT, "comment")?,
        };
        let decided = self.app().engine().decide(self.actor(), &asked, decision);
        decided.await.map_err(|error| closed_or(error, &asked))
    }
}

/// The question's address.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "documentation only; the value is read from the path"
)]
pub(crate) struct ApprovalParameter {
    /// `app_…`.
    approval: String,
}

/// Lists the questions that wait for an answer, oldest first.
#[utoipa::path(get, path = "/api/v1/approvals", tag = "approvals", operation_id = "list_approvals", responses((status = 200, body = ApprovalList), Refusals))]
pub(crate) async fn list(viewer: Viewer) -> Result<Answer<ApprovalList>, Problem> {
    Ok(Answer(viewer.approvals().await?))
}

/// Answers a question, once.
#[utoipa::path(post, path = "/api/v1/approvals/{approval}", tag = "approvals", operation_id = "decide_approval", params(ApprovalParameter), request_body = NewDecision,
    responses((status = 204), (status = 410, description = "It was answered before, or its time is over."), Refusals))]
pub(crate) async fn decide(
    operator: Operator,
    Id(id): Id,
    Json(body): Json<NewDecision>,
) -> Result<Response, Problem> {
    operator.decide(&id, body).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
