//! `/api/v1/secrets`: plain secrets that flows declare and read as `$secrets.NAME`. Write-only: no role reads a value back.

use axum::Json as Answer;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use store::{ConnectionName, PlainSecret};
use utoipa::ToSchema;

use super::{Name, Refusals, schema};
use crate::access::{Admin, Viewer};
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

/// A value.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewValue {
    /// A text or an object.
    value: Value,
}

impl RequestBody for NewValue {}

/// A secret, without its value.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretCard {
    name: String,
    /// Grows with each new value.
    version: i64,
    created_by: String,
    created_at: Timestamp,
    updated_at: Timestamp,
}

/// All secrets.
#[derive(Serialize, ToSchema)]
pub(crate) struct SecretList {
    items: Vec<SecretCard>,
}

impl From<PlainSecret> for SecretCard {
    fn from(secret: PlainSecret) -> SecretCard {
        SecretCard {
            name: secret.name.to_string(),
            version: secret.version,
            created_by: secret.created_by,
            created_at: secret.created_at,
            updated_at: secret.updated_at,
        }
    }
}

impl Viewer {
    async fn secrets(&self) -> Result<Vec<PlainSecret>, Problem> {
        Ok(self.app().store().secrets().list(self.actor()).await?)
    }
}

impl Admin {
    async fn save_secret(
        &self,
        name: &ConnectionName,
        value: &Value,
    ) -> Result<PlainSecret, Problem> {
        let secrets = self.app().store().secrets();
        secrets
            .save(self.actor(), name, value)
            .await
            .map_err(|error| match error {
                store::Error::Invalid { .. } => {
                    Problem::new("secret.invalid", error.to_string()).field("/value")
                }
                other => other.into(),
            })
    }

    async fn remove_secret(&self, name: &ConnectionName) -> Result<(), Problem> {
        let secrets = self.app().store().secrets();
        secrets
            .remove(self.actor(), name)
            .await
            .map_err(|error| match error {
                store::Error::NotFound { .. } => Problem::not_found("secret", name.as_str()),
                other => other.into(),
            })
    }
}

/// Lists the secrets of flows, without their values.
#[utoipa::path(get, path = "/api/v1/secrets", tag = "secrets", operation_id = "list_secrets", responses((status = 200, body = SecretList), Refusals))]
pub(crate) async fn list(viewer: Viewer) -> Result<Answer<SecretList>, Problem> {
    let items = viewer.secrets().await?;
    let items = items.into_iter().map(SecretCard::from).collect();
    Ok(Answer(SecretList { items }))
}

/// Stores a secret's value; an older one is gone.
#[utoipa::path(put, path = "/api/v1/secrets/{name}", tag = "secrets", operation_id = "save_secret", params(schema::NameParameter), request_body = NewValue,
    responses((status = 200, body = SecretCard), Refusals))]
pub(crate) async fn save(
    admin: Admin,
    Name(name): Name,
    Json(body): Json<NewValue>,
) -> Result<Answer<SecretCard>, Problem> {
    Ok(Answer(admin.save_secret(&name, &body.value).await?.into()))
}

/// Deletes a secret.
#[utoipa::path(delete, path = "/api/v1/secrets/{name}", tag = "secrets", operation_id = "delete_secret", params(schema::NameParameter), responses((status = 204), Refusals))]
pub(crate) async fn delete(admin: Admin, Name(name): Name) -> Result<Response, Problem> {
    admin.remove_secret(&name).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
