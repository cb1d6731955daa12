//! `/api/v1/retention`: how long an installation keeps what is over.

use axum::Json as Answer;
use serde::{Deserialize, Serialize};
use store::Retention;
use utoipa::ToSchema;

use super::Refusals;
use crate::access::{Admin, Viewer};
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// How many days things are kept.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct RetentionCard {
    /// Finished runs with their history, where their flow says nothing (`retentionDays`).
    #[schema(minimum = 1, maximum = 3650)]
    run_days: u32,
    /// Rows of the call log.
    #[schema(minimum = 1, maximum = 3650)]
    call_days: u32,
}

impl RequestBody for RetentionCard {}

impl From<Retention> for RetentionCard {
    fn from(kept: Retention) -> RetentionCard {
        RetentionCard {
            run_days: kept.run_days,
            call_days: kept.call_days,
        }
    }
}

impl Viewer {
    async fn retention(&self) -> Result<Retention, Problem> {
        Ok(self.app().store().retention().find(self.actor()).await?)
    }
}

impl Admin {
    async fn keep(&self, card: RetentionCard) -> Result<Retention, Problem> {
        let kept = Retention {
            run_days: card.run_days,
            call_days: card.call_days,
        };
        for (field, days) in [("/run_days", kept.run_days), ("/call_days", kept.call_days)] {
            if !(1..=Retention::MOST).contains(&days) {
                let detail = format!("things are kept for 1 to {} days", Retention::MOST);
                return Err(Problem::new("body.invalid", detail).field(field));
            }
        }
        let setting = self.app().store().retention();
        setting.save(self.actor(), kept).await?;
        Ok(kept)
    }
}

/// Tells how long things are kept.
#[utoipa::path(get, path = "/api/v1/retention", tag = "retention", operation_id = "show_retention", responses((status = 200, body = RetentionCard), Refusals))]
pub(crate) async fn show(viewer: Viewer) -> Result<Answer<RetentionCard>, Problem> {
    Ok(Answer(viewer.retention().await?.into()))
}

/// Changes how long things are kept; what is older goes within ten minutes.
#[utoipa::path(put, path = "/api/v1/retention", tag = "retention", operation_id = "change_retention", request_body = RetentionCard,
    responses((status = 200, body = RetentionCard), Refusals))]
pub(crate) async fn change(
    admin: Admin,
    Json(body): Json<RetentionCard>,
) -> Result<Answer<RetentionCard>, Problem> {
    Ok(Answer(admin.keep(body).await?.into()))
}
