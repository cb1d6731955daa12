//! `/api/v1/encryption-keys`: which keys of the installation have sealed how much, and their rotation. No key is ever shown.

use axum::Json as Answer;
use axum::response::Response;
use http::StatusCode;
use jiff::Timestamp;
use serde::Serialize;
use store::EncryptionKey;
use utoipa::ToSchema;

use super::{Refusals, answer};
use crate::access::Admin;
use crate::app::App;
use crate::problem::Problem;

/// A key of the installation, without the key.
#[derive(Serialize, ToSchema)]
pub(crate) struct EncryptionKeyCard {
    /// Names it; not secret.
    id: String,
    /// When it was first used.
    created_at: Timestamp,
    /// When it left the key file.
    retired_at: Option<Timestamp>,
    /// Whether new values are sealed with it.
    seals: bool,
    /// How many values are sealed with it.
    rows: i64,
}

/// All keys, the one that seals first.
#[derive(Serialize, ToSchema)]
pub(crate) struct EncryptionKeyList {
    items: Vec<EncryptionKeyCard>,
    /// How many values are still sealed with older keys: a rotation is done at 0.
    remaining: i64,
}

impl From<EncryptionKey> for EncryptionKeyCard {
    fn from(key: EncryptionKey) -> EncryptionKeyCard {
        EncryptionKeyCard {
            id: key.id,
            created_at: key.created_at,
            retired_at: key.retired_at,
            seals: key.seals,
            rows: key.rows,
        }
    }
}

impl Admin {
    async fn encryption_keys(&self) -> Result<EncryptionKeyList, Problem> {
        let keys = self.app().store().encryption_keys();
        let keys = keys.list(self.actor()).await?;
        let older = keys.iter().filter(|key| !key.seals);
        Ok(EncryptionKeyList {
            remaining: older.map(|key| key.rows).sum(),
            items: keys.into_iter().map(EncryptionKeyCard::from).collect(),
        })
    }

    async fn rotate_encryption_key(&self) -> Result<(), Problem> {
        let app = self.app();
        app.store().encryption_keys().rotate(self.actor()).await?;
        app.tracker().spawn(reseal(app.clone()));
        Ok(())
    }
}

/// Seals anew what older keys have sealed. What is left undone is gone on with later, by any process.
async fn reseal(app: App) {
    match app.store().encryption_keys().go_on().await {
        Ok(done) => {
            tracing::info!(
                rows = done.rows,
                unreadable = done.unreadable,
                "values were sealed with the new key"
            );
        }
        Err(error) => {
            tracing::error!(%error, "values could not be sealed with the new key; this is tried again");
        }
    }
}

/// Lists the keys and how many values each has sealed.
#[utoipa::path(get, path = "/api/v1/encryption-keys", tag = "encryption keys", operation_id = "list_encryption_keys",
    responses((status = 200, body = EncryptionKeyList), Refusals))]
pub(crate) async fn list(admin: Admin) -> Result<Answer<EncryptionKeyList>, Problem> {
    Ok(Answer(admin.encryption_keys().await?))
}

/// Makes a new key and begins to seal everything with it, while everything goes on; the list says how far that is.
#[utoipa::path(post, path = "/api/v1/encryption-keys/rotate", tag = "encryption keys", operation_id = "rotate_encryption_key",
    responses((status = 202, body = EncryptionKeyList), Refusals))]
pub(crate) async fn rotate(admin: Admin) -> Result<Response, Problem> {
    admin.rotate_encryption_key().await?;
    let list = admin.encryption_keys().await?;
    Ok(answer(StatusCode::ACCEPTED, (), list))
}
