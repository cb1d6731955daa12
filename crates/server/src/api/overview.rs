//! `GET /api/v1/overview`: runs and calls of the last day by the hour. `GET /api/v1/about`: what is running here.

use axum::Json as Answer;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use super::Refusals;
use crate::access::Viewer;
use crate::problem::Problem;

/// So many hours are told of.
const HOURS: u32 = 24;

/// One hour.
#[derive(Serialize, ToSchema)]
pub(crate) struct HourCard {
    /// When it began.
    at: Timestamp,
    /// Runs that began in it.
    runs: HourOfRuns,
    /// Calls that began in it.
    calls: HourOfCalls,
}

/// Runs, by what has become of them; those that go on are in `started` only.
#[derive(Serialize, ToSchema)]
pub(crate) struct HourOfRuns {
    /// All.
    started: i64,
    completed: i64,
    faulted: i64,
    cancelled: i64,
}

/// Calls through connections, by what came back.
#[derive(Serialize, ToSchema)]
pub(crate) struct HourOfCalls {
    /// All.
    made: i64,
    /// The API asked to wait.
    throttled: i64,
    /// No answer, or a status from 400; without those that were throttled.
    failed: i64,
}

/// The last 24 hours, oldest first; the last one goes on.
#[derive(Serialize, ToSchema)]
pub(crate) struct HourList {
    items: Vec<HourCard>,
}

/// What is running here.
#[derive(Serialize, ToSchema)]
pub(crate) struct About {
    /// Keyway's version.
    version: &'static str,
    /// `SQLite` or `PostgreSQL`.
    database: &'static str,
    /// Where people reach this server.
    public_url: String,
    /// The server's time.
    now: Timestamp,
}

impl From<store::Hour> for HourCard {
    fn from(hour: store::Hour) -> HourCard {
        let store::Hour { at, runs, calls } = hour;
        HourCard {
            at,
            runs: HourOfRuns {
                started: runs.started,
                completed: runs.completed,
                faulted: runs.faulted,
                cancelled: runs.cancelled,
            },
            calls: HourOfCalls {
                made: calls.made,
                throttled: calls.throttled,
                failed: calls.failed,
            },
        }
    }
}

impl Viewer {
    async fn overview(&self) -> Result<HourList, Problem> {
        let overview = self.app().store().overview();
        let hours = overview.hours(self.actor(), HOURS).await?;
        let items = hours.into_iter().map(HourCard::from).collect();
        Ok(HourList { items })
    }

    fn about(&self) -> About {
        let app = self.app();
        About {
            version: env!("CARGO_PKG_VERSION"),
            database: app.store().database(),
            public_url: app.public_url().as_str().trim_end_matches('/').to_owned(),
            now: app.clock().now(),
        }
    }
}

/// Counts runs and calls of the last 24 hours, by the hour.
#[utoipa::path(get, path = "/api/v1/overview", tag = "overview", operation_id = "overview", responses((status = 200, body = HourList), Refusals))]
pub(crate) async fn overview(viewer: Viewer) -> Result<Answer<HourList>, Problem> {
    Ok(Answer(viewer.overview().await?))
}

/// Tells what is running here: version, database, address.
#[utoipa::path(get, path = "/api/v1/about", tag = "overview", operation_id = "about", responses((status = 200, body = About), Refusals))]
pub(crate) async fn about(viewer: Viewer) -> Answer<About> {
    Answer(viewer.about())
}
