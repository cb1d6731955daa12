//! `/api/v1/audit`: who changed what. For administrators alone.

use axum::Json as Answer;
use axum::extract::RawQuery;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use store::{AuditFilter, AuditRow};
use utoipa::{IntoParams, ToSchema};

use super::Refusals;
use crate::access::Admin;
use crate::problem::Problem;
use crate::query::Query;

const DEFAULT_LIMIT: u32 = 100;
const LARGEST_LIMIT: u32 = 1000;

/// Which rows; everything left out is not looked at.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documentation only; the values are read one by one"
)]
pub(crate) struct AuditQuery {
    /// At most so many rows.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// Only rows before this one: `next` of the page before.
    before: Option<i64>,
    /// Not earlier than.
    since: Option<Timestamp>,
    /// Earlier than.
    until: Option<Timestamp>,
    /// Exactly this action, such as `connection.added`.
    action: Option<String>,
    /// By this actor's id.
    actor: Option<String>,
    /// Exactly this subject.
    subject: Option<String>,
}

/// One change.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditEntry {
    /// `aud_…`.
    id: String,
    /// Its place in the chain.
    seq: i64,
    at: Timestamp,
    /// Who: an id or a built-in name.
    actor: String,
    actor_name: String,
    /// What was done.
    action: String,
    /// To what.
    subject: String,
    /// Further facts; never secrets.
    detail: Value,
}

/// A page of changes, newest first.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditList {
    items: Vec<AuditEntry>,
    /// What to give as `before` for the page after this one; none on the last.
    next: Option<i64>,
}

impl From<AuditRow> for AuditEntry {
    fn from(row: AuditRow) -> AuditEntry {
        AuditEntry {
            id: row.id.to_string(),
            seq: row.seq,
            at: row.at,
            actor: row.actor_id,
            actor_name: row.actor_name,
            action: row.action,
            subject: row.subject,
            detail: row.detail,
        }
    }
}

impl Admin {
    async fn audit(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, Problem> {
        Ok(self
            .app()
            .store()
            .audit()
            .list(self.actor(), filter)
            .await?)
    }
}

fn filter(query: &Query<'_>) -> Result<AuditFilter, Problem> {
    let limit: u32 = query
        .get("limit", "a number from 1 to 1000")?
        .unwrap_or(DEFAULT_LIMIT);
    if !(1..=LARGEST_LIMIT).contains(&limit) {
        return Err(
            Problem::new("query.invalid", "`limit` must be a number from 1 to 1000").field("limit"),
        );
    }
    let before: Option<i64> = query.get("before", "the `next` of a page")?;
    if before.is_some_and(|before| before < 1) {
        return Err(
            Problem::new("query.invalid", "`before` must be the `next` of a page").field("before"),
        );
    }
    Ok(AuditFilter {
        since: query.get("since", "a time such as 2026-11-02T08:00:00Z")?,
        until: query.get("until", "a time such as 2026-11-02T08:00:00Z")?,
        actor: query.get("actor", "text")?,
        action: query.get("action", "text")?,
        subject: query.get("subject", "text")?,
        before,
        limit,
    })
}

/// Lists changes, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", operation_id = "list_audit", params(AuditQuery),
    responses((status = 200, body = AuditList), Refusals))]
pub(crate) async fn list(
    admin: Admin,
    RawQuery(query): RawQuery,
) -> Result<Answer<AuditList>, Problem> {
    let filter = filter(&Query(query.as_deref()))?;
    let items: Vec<AuditEntry> = admin
        .audit(&filter)
        .await?
        .into_iter()
        .map(AuditEntry::from)
        .collect();
    let full = items.len() == filter.limit as usize;
    let next = items
        .last()
        .filter(|last| full && last.seq > 1)
        .map(|last| last.seq);
    Ok(Answer(AuditList { items, next }))
}
