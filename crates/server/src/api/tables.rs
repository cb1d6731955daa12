//! `/api/v1/tables`: the small tables of flows, for people who look something up or put it right.

use axum::Json as Answer;
use axum::extract::{Path, RawQuery};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{TableAnswer, TableOperation, TableRow};
use utoipa::{IntoParams, ToSchema};

use super::{Refusals, answer, etag, expected_version, schema};
use crate::access::{Operator, Viewer};
use crate::json::{Json, RequestBody};
use crate::problem::Problem;
use crate::query::Query;

/// A value to store.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewRow {
    /// Any JSON.
    value: Value,
}

impl RequestBody for NewRow {
    const FREE: Option<&'static str> = Some("value");
}

/// A row.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowCard {
    key: String,
    value: Value,
    /// Grows with each change.
    version: i64,
    updated_at: Timestamp,
    /// The run or actor that stored it.
    updated_by: String,
}

/// A page of rows in the order of their keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct RowList {
    items: Vec<RowCard>,
    /// What to give as `after` for the page after this one; none on the last.
    next: Option<String>,
}

/// A table.
#[derive(Serialize, ToSchema)]
pub(crate) struct TableCard {
    name: String,
    rows: i64,
}

/// All tables.
#[derive(Serialize, ToSchema)]
pub(crate) struct TableList {
    items: Vec<TableCard>,
}

impl From<TableRow> for RowCard {
    fn from(row: TableRow) -> RowCard {
        RowCard {
            key: row.key,
            value: row.value,
            version: row.version,
            updated_at: row.updated_at,
            updated_by: row.updated_by,
        }
    }
}

impl Viewer {
    async fn tables(&self) -> Result<Vec<(String, i64)>, Problem> {
        Ok(self.app().store().tables().list(self.actor()).await?)
    }

    /// Does one operation; the store knows which role it needs.
    async fn operate(&self, operation: TableOperation) -> Result<TableAnswer, Problem> {
        let tables = self.app().store().tables();
        match tables.operate(self.actor(), operation).await? {
            TableAnswer::Conflict { current } => Err(Problem::new(
                "conflict.version",
                format!("the row has version {current} now (0: it is not there)"),
            )),
            TableAnswer::Invalid(why) => Err(Problem::new("input.invalid", why)),
            answer => Ok(answer),
        }
    }
}

impl Operator {
    async fn put_row(
        &self,
        at: Place,
        value: Value,
        version: Option<i64>,
    ) -> Result<TableRow, Problem> {
        let shown = at.to_string();
        let operation = TableOperation::Put {
            table: at.table,
            key: at.key,
            value,
            version,
        };
        one(self.operate(operation).await?, &shown)
    }

    async fn delete_row(&self, at: Place, version: Option<i64>) -> Result<TableRow, Problem> {
        let shown = at.to_string();
        let operation = TableOperation::Delete {
            table: at.table,
            key: at.key,
            version,
        };
        one(self.operate(operation).await?, &shown)
    }
}

/// The one row that an operation answers.
fn one(answer: TableAnswer, at: &str) -> Result<TableRow, Problem> {
    match answer {
        TableAnswer::Row(Some(row)) => Ok(row),
        _ => Err(Problem::not_found("table", at)),
    }
}

/// A place in a table.
#[derive(Deserialize)]
pub(crate) struct Place {
    table: String,
    key: String,
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} in table {}", self.key, self.table)
    }
}

/// The table's name.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "documentation only; the value is read from the path"
)]
pub(crate) struct TableParameter {
    /// The table's name.
    table: String,
}

/// The row's place.
#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[expect(
    dead_code,
    reason = "documentation only; the values are read from the path"
)]
pub(crate) struct RowParameters {
    /// The table's name.
    table: String,
    /// The row's key.
    key: String,
}

/// Which rows.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(
    dead_code,
    reason = "documentation only; the values are read one by one"
)]
pub(crate) struct RowQuery {
    /// Only keys that begin so.
    prefix: Option<String>,
    /// Only keys after this one: `next` of the page before.
    after: Option<String>,
    /// At most so many.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// Lists the tables.
#[utoipa::path(get, path = "/api/v1/tables", tag = "tables", operation_id = "list_tables", responses((status = 200, body = TableList), Refusals))]
pub(crate) async fn list(viewer: Viewer) -> Result<Answer<TableList>, Problem> {
    let tables = viewer.tables().await?.into_iter();
    let items = tables
        .map(|(name, rows)| TableCard { name, rows })
        .collect();
    Ok(Answer(TableList { items }))
}

/// Lists a table's rows in the order of their keys.
#[utoipa::path(get, path = "/api/v1/tables/{table}", tag = "tables", operation_id = "list_rows", params(TableParameter, RowQuery),
    responses((status = 200, body = RowList), Refusals))]
pub(crate) async fn rows(
    viewer: Viewer,
    Path(table): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Answer<RowList>, Problem> {
    let query = Query(query.as_deref());
    let limit: u32 = query
        .get("limit", "a number from 1 to 1000")?
        .unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        let detail = "`limit` must be a number from 1 to 1000";
        return Err(Problem::new("query.invalid", detail).field("limit"));
    }
    let operation = TableOperation::List {
        table,
        prefix: query.get("prefix", "text")?.unwrap_or_default(),
        after: query.get("after", "the `next` of a page")?,
        limit,
    };
    let TableAnswer::Rows(rows) = viewer.operate(operation).await? else {
        return Err(Problem::new(
            "internal",
            "the table answered something else",
        ));
    };
    let full = rows.len() == limit as usize;
    let next = rows.last().filter(|_| full).map(|row| row.key.clone());
    let items = rows.into_iter().map(RowCard::from).collect();
    Ok(Answer(RowList { items, next }))
}

/// Shows a row.
#[utoipa::path(get, path = "/api/v1/tables/{table}/{key}", tag = "tables", operation_id = "show_row", params(RowParameters),
    responses((status = 200, body = RowCard, headers(("ETag" = String, description = "The version, for `If-Match`"))), Refusals))]
pub(crate) async fn row(viewer: Viewer, Path(at): Path<Place>) -> Result<Response, Problem> {
    let shown = at.to_string();
    let operation = TableOperation::Get {
        table: at.table,
        key: at.key,
    };
    let row = one(viewer.operate(operation).await?, &shown)?;
    Ok(answer(
        StatusCode::OK,
        etag(row.version),
        RowCard::from(row),
    ))
}

/// Stores a row; `If-Match: "0"` for one that must not be there yet, `*` for whatever is.
#[utoipa::path(put, path = "/api/v1/tables/{table}/{key}", tag = "tables", operation_id = "put_row", params(RowParameters, schema::IfMatch),
    request_body = NewRow, responses((status = 200, body = RowCard), Refusals))]
pub(crate) async fn put(
    operator: Operator,
    Path(at): Path<Place>,
    headers: HeaderMap,
    Json(body): Json<NewRow>,
) -> Result<Response, Problem> {
    let version = expected_version(&headers)?;
    let row = operator.put_row(at, body.value, version).await?;
    Ok(answer(
        StatusCode::OK,
        etag(row.version),
        RowCard::from(row),
    ))
}

/// Deletes a row.
#[utoipa::path(delete, path = "/api/v1/tables/{table}/{key}", tag = "tables", operation_id = "delete_row", params(RowParameters, schema::IfMatch),
    responses((status = 204), Refusals))]
pub(crate) async fn delete(
    operator: Operator,
    Path(at): Path<Place>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let version = expected_version(&headers)?;
    operator.delete_row(at, version).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
