//! `/api/v1/keys`: API keys for programs. A key is shown once, when it is made.

use axum::Json as Answer;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use store::{ApiKey, ApiKeyId};
use utoipa::ToSchema;

use super::schema::Role;
use super::{Refusals, answer};
use crate::access::Admin;
use crate::json::{Json, RequestBody};
use crate::problem::Problem;

const DEFAULT_DAYS: u32 = 90;
const LONGEST_DAYS: u32 = 366;

/// A new API key.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NewKey {
    /// What people call it.
    name: String,
    role: Role,
    /// After how many days it ends.
    #[serde(default = "default_days")]
    #[schema(minimum = 1, maximum = 366, default = 90)]
    expires_in_days: u32,
}

fn default_days() -> u32 {
    DEFAULT_DAYS
}

impl RequestBody for NewKey {}

/// An API key, without the key.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyCard {
    /// `key_…`: names the key, is not the key.
    id: String,
    name: String,
    role: Role,
    created_by: String,
    created_at: Timestamp,
    expires_at: Timestamp,
    /// When it was last used, to about five minutes.
    last_used_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
}

/// A new API key, with the key.
#[derive(Serialize, ToSchema)]
pub(crate) struct CreatedKey {
    #[serde(flatten)]
    key: KeyCard,
    /// `kw_…`, to be sent as `Authorization: Bearer kw_…`. It is never shown again.
    token: String,
}

/// All API keys.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeyList {
    items: Vec<KeyCard>,
}

impl From<ApiKey> for KeyCard {
    fn from(key: ApiKey) -> KeyCard {
        KeyCard {
            id: key.id.to_string(),
            name: key.name,
            role: key.role.into(),
            created_by: key.created_by,
            created_at: key.created_at,
            expires_at: key.expires_at,
            last_used_at: key.last_used_at,
            revoked_at: key.revoked_at,
        }
    }
}

impl Admin {
    async fn keys(&self) -> Result<Vec<ApiKey>, Problem> {
        Ok(self.app().store().keys().list(self.actor()).await?)
    }

    async fn create_key(&self, new: &NewKey) -> Result<(ApiKey, oauth::Secret), Problem> {
        if !(1..=LONGEST_DAYS).contains(&new.expires_in_days) {
            let detail = format!("an API key lives 1 to {LONGEST_DAYS} days");
            return Err(Problem::new("body.invalid", detail).field("/expires_in_days"));
        }
        let life = SignedDuration::from_hours(24 * i64::from(new.expires_in_days));
        let end = self
            .app()
            .clock()
            .now()
            .saturating_add(life)
            .map_err(|error| Problem::internal(&error))?;
        let keys = self.app().store().keys();
        keys.create(self.actor(), &new.name, new.role.into(), Some(end))
            .await
            .map_err(|error| match error {
                store::Error::Conflict { .. } => {
                    Problem::new("key.name_taken", "an API key with this name exists already")
                        .field("/name")
                }
                store::Error::Invalid { what: "name", .. } => {
                    Problem::new("key.invalid", error.to_string()).field("/name")
                }
                other => other.into(),
            })
    }

    async fn revoke_key(&self, id: &str) -> Result<(), Problem> {
        let unknown = || Problem::not_found("key", id);
        let parsed = ApiKeyId::parse(id).map_err(|_| unknown())?;
        self.app()
            .store()
            .keys()
            .revoke(self.actor(), &parsed)
            .await
            .map_err(|error| match error {
                store::Error::NotFound { .. } => unknown(),
                other => other.into(),
            })?;
        self.app().keys().forget(id);
        Ok(())
    }
}

/// Lists the API keys.
#[utoipa::path(get, path = "/api/v1/keys", tag = "keys", operation_id = "list_keys", responses((status = 200, body = KeyList), Refusals))]
pub(crate) async fn list(admin: Admin) -> Result<Answer<KeyList>, Problem> {
    let items = admin.keys().await?.into_iter().map(KeyCard::from).collect();
    Ok(Answer(KeyList { items }))
}

/// Makes an API key; its token is in the answer and never again.
#[utoipa::path(post, path = "/api/v1/keys", tag = "keys", operation_id = "create_key",
    request_body = NewKey, responses((status = 201, body = CreatedKey), Refusals))]
pub(crate) async fn create(admin: Admin, Json(body): Json<NewKey>) -> Result<Response, Problem> {
    let (key, token) = admin.create_key(&body).await?;
    let created = CreatedKey {
        key: key.into(),
        token: token.expose().to_owned(),
    };
    Ok(answer(StatusCode::CREATED, (), created))
}

/// Revokes an API key: it stops working at once.
#[utoipa::path(delete, path = "/api/v1/keys/{id}", tag = "keys", operation_id = "revoke_key", params(("id" = String, Path, description = "`key_…`")),
    responses((status = 204), Refusals))]
pub(crate) async fn revoke(admin: Admin, path: Option<Path<String>>) -> Result<Response, Problem> {
    let id = path.map(|Path(id)| id).unwrap_or_default();
    admin.revoke_key(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
