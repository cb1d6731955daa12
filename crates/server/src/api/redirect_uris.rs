//! `/api/v1/redirect-uris`: reserves the address of a connection that is still to be made.

use axum::response::Response;
use connect::RedirectUri;
use http::StatusCode;
use serde::Deserialize;
use store::ConnectionName;
use utoipa::ToSchema;

use super::{Refusals, answer, schema};
use crate::access::Admin;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// The name of a connection to be.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Reserve {
    name: String,
}

impl RequestBody for Reserve {}

impl Admin {
    async fn reserve(&self, name: &str) -> Result<RedirectUri, Problem> {
        let name = ConnectionName::parse(name).map_err(|error| {
            Problem::new("connection.name_invalid", error.to_string()).field("/name")
        })?;
        Ok(self.app().connector().reserve(self.actor(), &name).await?)
    }
}

/// Reserves a name, so that its redirect URI can be registered before the rest is known.
#[utoipa::path(post, path = "/api/v1/redirect-uris", tag = "connections", operation_id = "reserve_redirect_uri",
    request_body = Reserve, responses((status = 201, body = schema::RedirectUri), Refusals))]
pub(crate) async fn reserve(admin: Admin, Json(body): Json<Reserve>) -> Result<Response, Problem> {
    let reserved = admin.reserve(&body.name).await?;
    Ok(answer(StatusCode::CREATED, (), reserved))
}
