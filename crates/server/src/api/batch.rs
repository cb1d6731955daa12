//! `POST /api/v1/connections/{name}/batch`: independent calls that share requests (`$batch` of Graph).
//!
//! Each call has an answer of its own, whatever became of the others; a problem in its place means that there was none.

use axum::{Extension, Json as Answer};
use connect::{ApiRequest, ApiResponse, Begun, CallError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::ConnectionName;
use utoipa::ToSchema;

use super::calls::{Call, CallAnswer};
use super::{Name, Refusals, schema};
use crate::access::Operator;
use crate::frame::TraceId;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// Calls of one batch; Keyway sends twenty of them in one request.
const LIMIT: usize = 500;

/// Independent calls.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Batch {
    /// The calls, in any order: none may rely on another. Their bodies are JSON, and redirects are not followed.
    #[schema(min_items = 1, max_items = 500)]
    requests: Vec<Call>,
}

impl RequestBody for Batch {
    // Bodies of calls are passed through as they are.
    const FREE: Option<&'static str> = Some("requests");
}

/// What became of the calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct BatchAnswers {
    /// In the order of the calls.
    answers: Vec<BatchAnswer>,
}

/// What became of one call: `answer` or `problem`.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum BatchAnswer {
    /// What the API answered, whatever its status.
    Answer(Box<CallAnswer>),
    /// Why there was no answer: a problem document.
    #[schema(value_type = Object)]
    Problem(Value),
}

impl Operator {
    async fn batch(
        &self,
        name: &ConnectionName,
        requests: Vec<ApiRequest>,
    ) -> Result<Vec<Result<ApiResponse, CallError>>, Problem> {
        let app = self.app();
        let noted = |request: &ApiRequest| {
            let now = app.clock().now();
            Begun::new(now, self.actor(), &request.method, &request.target)
        };
        let begun: Vec<Begun> = requests.iter().map(noted).collect();
        let answers = app
            .connector()
            .batch(self.actor(), name, requests)
            .await
            .map_err(|error| Problem::from_call(app, name, &error))?;
        for (begun, answer) in begun.into_iter().zip(&answers) {
            app.connector().calls().record(match answer {
                Ok(response) => Some(begun.answered(response)),
                Err(error) => begun.failed(error),
            });
        }
        Ok(answers)
    }
}

/// Makes independent calls, twenty in one request of the API.
#[utoipa::path(post, path = "/api/v1/connections/{name}/batch", tag = "calls", operation_id = "batch", params(schema::NameParameter),
    request_body = Batch, responses((status = 200, body = BatchAnswers), Refusals))]
pub(crate) async fn batch(
    operator: Operator,
    Name(name): Name,
    Extension(trace_id): Extension<TraceId>,
    Json(batch): Json<Batch>,
) -> Result<Answer<BatchAnswers>, Problem> {
    let wrong = |field: &str, detail: String| Problem::new("body.invalid", detail).field(field);
    let count = batch.requests.len();
    if !(1..=LIMIT).contains(&count) {
        let detail = format!("a batch holds from 1 to {LIMIT} calls, not {count}");
        return Err(wrong("/requests", detail));
    }
    let requests = batch
        .requests
        .into_iter()
        .enumerate()
        .map(|(at, call)| {
            call.into_request().map_err(|problem| {
                let detail = format!("call {at} of the batch: {}", problem.detail());
                wrong(&format!("/requests/{at}"), detail)
            })
        })
        .collect::<Result<Vec<_>, _>>()?;
    let answers = operator.batch(&name, requests).await?;
    let app = operator.app();
    let answers = answers.into_iter().map(|answer| match answer {
        Ok(response) => BatchAnswer::Answer(Box::new(response.into())),
        Err(error) => {
            let problem = Problem::from_call(app, &name, &error);
            let document = serde_json::to_value(problem.document(trace_id));
            BatchAnswer::Problem(document.unwrap_or_default())
        }
    });
    Ok(Answer(BatchAnswers {
        answers: answers.collect(),
    }))
}
