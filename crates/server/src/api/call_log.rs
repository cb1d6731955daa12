//! `GET /api/v1/calls`: the call log, for explaining a call afterwards.

use axum::Json as Answer;
use axum::extract::RawQuery;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{CallFilter, CallRow, ConnectionName, RunId};
use utoipa::{IntoParams, ToSchema};

use super::Refusals;
use super::calls::Attempt;
use crate::access::Viewer;
use crate::problem::Problem;
use crate::query::Query;

const DEFAULT_LIMIT: u32 = 100;
const LARGEST_LIMIT: u32 = 1000;

/// Which calls; everything left out is not looked at.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documentation only; the values are read one by one"
)]
pub(crate) struct CallsQuery {
    /// At most so many rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Only calls begun before: `next` of the page before.
    before: Option<Timestamp>,
    /// Only calls through the connection of this name.
    connection: Option<String>,
    /// Only calls of this run's steps.
    run: Option<String>,
}

/// One call: who, where to, how it went. Never bodies, headers or query values.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallEntry {
    /// `cal_…`.
    id: String,
    /// When it began.
    at: Timestamp,
    /// Who called; a run by its id.
    actor: String,
    /// The run, if one called.
    run: Option<String>,
    /// The `id` of the run's step that called.
    step: Option<String>,
    /// The connection's id.
    connection: String,
    method: String,
    host: String,
    /// Without the query.
    path: String,
    /// The API's HTTP status, if it answered.
    status: Option<u16>,
    /// Our code, if it did not.
    code: Option<String>,
    /// How long it took in all.
    took_ms: u64,
    /// How often it was sent.
    attempts: u32,
    /// Which token it carried.
    token_generation: Option<i64>,
    /// The API's own name for the request.
    request_id: Option<String>,
    /// Each time that it was sent; null where it was sent once, with a token that was there.
    #[schema(value_type = Option<Vec<Attempt>>)]
    trail: Option<Value>,
}

/// Calls, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallList {
    items: Vec<CallEntry>,
    /// What to give as `before` for the page after this one; none on the last.
    next: Option<Timestamp>,
}

impl From<CallRow> for CallEntry {
    fn from(row: CallRow) -> CallEntry {
        let record = row.record;
        let run = record.step.is_some().then(|| record.actor.clone());
        CallEntry {
            id: row.id.to_string(),
            at: record.at,
            actor: record.actor,
            run,
            step: record.step,
            connection: record.connection.to_string(),
            method: record.method,
            host: record.host,
            path: record.path,
            status: record.status,
            code: record.code,
            took_ms: u64::try_from(record.duration.as_millis()).unwrap_or(0),
            attempts: record.attempts,
            token_generation: record.token_generation,
            request_id: record.request_id,
            trail: record.trail,
        }
    }
}

impl Viewer {
    async fn calls(&self, query: &Query<'_>) -> Result<(Vec<CallRow>, u32), Problem> {
        let limit: u32 = query
            .get("limit", "a number from 1 to 1000")?
            .unwrap_or(DEFAULT_LIMIT);
        if !(1..=LARGEST_LIMIT).contains(&limit) {
            return Err(
                Problem::new("query.invalid", "`limit` must be a number from 1 to 1000")
                    .field("limit"),
            );
        }
        let store = self.app().store();
        let connection = match query.get::<String>("connection", "a connection's name")? {
            None => None,
            Some(name) => {
                let absent = || Problem::not_found("connection", &name);
                let name = ConnectionName::parse(&name).map_err(|_| absent())?;
                let found = store.connections().find(self.actor(), &name).await?;
                Some(found.ok_or_else(absent)?.id)
            }
        };
        let run = query.get::<String>("run", "a run's id")?;
        let Ok(run) = run.map(|text| RunId::parse(&text)).transpose() else {
            return Err(Problem::new("query.invalid", "`run` must be a run's id").field("run"));
        };
        let filter = CallFilter {
            connection,
            run,
            before: query.get("before", "a time such as 2026-11-02T08:00:00Z")?,
            limit,
        };
        self.app().connector().calls().settle().await;
        Ok((store.calls().list(self.actor(), &filter).await?, limit))
    }
}

/// Lists calls, those of runs too, newest first. A call is there as soon as it has ended; one of another server on the same database within a second.
#[utoipa::path(get, path = "/api/v1/calls", tag = "calls", operation_id = "list_calls", params(CallsQuery),
    responses((status = 200, body = CallList), Refusals))]
pub(crate) async fn list(
    viewer: Viewer,
    RawQuery(query): RawQuery,
) -> Result<Answer<CallList>, Problem> {
    let (rows, limit) = viewer.calls(&Query(query.as_deref())).await?;
    let full = rows.len() == limit as usize;
    let next = rows.last().filter(|_| full).map(|last| last.record.at);
    let items = rows.into_iter().map(CallEntry::from).collect();
    Ok(Answer(CallList { items, next }))
}
