//! `/api/v1/discovery`: what stands behind an address, before a connection to it is made.

use axum::Json as Answer;
use connect::Discovered;
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Refusals, schema};
use crate::access::Admin;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// The address to find out about.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Discover {
    /// An issuer, or any address of an API.
    url: String,
    /// Certificates to trust beside those of the machine, in PEM.
    ca_certificate: Option<String>,
}

impl RequestBody for Discover {}

impl Admin {
    async fn discover(&self, asked: Discover) -> Result<Discovered, Problem> {
        let connector = self.app().connector();
        let authority = asked.ca_certificate.as_deref();
        Ok(connector
            .discover(self.actor(), &asked.url, authority)
            .await?)
    }
}

/// Finds the endpoints behind an address: an issuer's (`OpenID` Connect Discovery, RFC 8414), or any address of an API that says who
/// gives its tokens (RFC 9728). Nothing is stored, and no credential is sent.
#[utoipa::path(post, path = "/api/v1/discovery", tag = "connections", operation_id = "discover",
    request_body = Discover, responses((status = 200, body = schema::Discovered), Refusals))]
pub(crate) async fn discover(
    admin: Admin,
    Json(asked): Json<Discover>,
) -> Result<Answer<Discovered>, Problem> {
    Ok(Answer(admin.discover(asked).await?))
}
