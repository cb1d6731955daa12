//! Which runs a list shows: its query fields, read and checked.

use jiff::Timestamp;
use store::{Cursor, RunFilter, RunId, RunStatus};
use utoipa::IntoParams;

use crate::access::Viewer;
use crate::api::flows::FlowKey;
use crate::problem::Problem;
use crate::query::Query;

/// Which runs; everything left out is not looked at.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documentation only; the values are read one by one"
)]
pub(in crate::api) struct RunQuery {
    /// Of this flow (`namespace.name`).
    flow: Option<String>,
    /// With this status.
    status: Option<String>,
    /// Stored not earlier than.
    since: Option<Timestamp>,
    /// Stored earlier than.
    until: Option<Timestamp>,
    /// Started by this run.
    parent: Option<String>,
    /// With this text in the input or in the error.
    text: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next` of the page before.
    before: Option<String>,
}

pub(in crate::api) async fn filter(
    viewer: &Viewer,
    query: &Query<'_>,
) -> Result<RunFilter, Problem> {
    let wrong = |field: &'static str, detail: &str| {
        Err(Problem::new("query.invalid", detail.to_owned()).field(field))
    };
    let limit: u32 = query
        .get("limit", "a number from 1 to 1000")?
        .unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return wrong("limit", "`limit` must be a number from 1 to 1000");
    }
    let flow = match query.get::<String>("flow", "namespace.name")? {
        Some(text) => Some(viewer.flow(&FlowKey::parse(&text)?).await?.id),
        None => None,
    };
    let status = query.get::<String>("status", "a status")?;
    let status = status.map(|text| RunStatus::parse(&text)).transpose();
    let Ok(status) = status else {
        return wrong(
            "status",
            "`status` must be pending, running, waiting, suspended, parked, cancelled, faulted or completed",
        );
    };
    let parent = query.get::<String>("parent", "a run's id")?;
    let Ok(parent) = parent.map(|text| RunId::parse(&text)).transpose() else {
        return wrong("parent", "`parent` must be a run's id");
    };
    let before = query.get::<String>("before", "the `next` of a page")?;
    let Ok(before) = before.map(|text| place(&text).ok_or(())).transpose() else {
        return wrong("before", "`before` must be the `next` of a page");
    };
    Ok(RunFilter {
        flow,
        status,
        since: query.get("since", "a time such as 2026-11-02T08:00:00Z")?,
        until: query.get("until", "a time such as 2026-11-02T08:00:00Z")?,
        parent,
        text: query.get("text", "text")?,
        before,
        limit,
    })
}

fn place(text: &str) -> Option<Cursor> {
    let (at, id) = text.split_once('~')?;
    Some(Cursor {
        created_at: Timestamp::from_microsecond(at.parse().ok()?).ok()?,
        id: RunId::parse(id).ok()?,
    })
}
