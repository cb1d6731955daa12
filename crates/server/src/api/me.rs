//! `/api/v1/me`: who is asking.

use axum::Json;
use serde::Serialize;
use utoipa::ToSchema;

use super::Refusals;
use super::schema::Role;
use crate::access::{Kind, Viewer};

/// The one who asks.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Me {
    /// `usr_…`, `key_…` or `local`.
    id: String,
    /// The name of the user or key.
    name: String,
    role: Role,
    kind: Kind,
}

impl Viewer {
    fn me(&self) -> Me {
        let actor = self.actor();
        Me {
            id: actor.id.clone(),
            name: actor.name.clone(),
            role: actor.role.into(),
            kind: self.kind(),
        }
    }
}

/// Tells who is asking and what that one may do.
#[utoipa::path(get, path = "/api/v1/me", tag = "session", operation_id = "me", responses((status = 200, body = Me), Refusals))]
pub(crate) async fn me(viewer: Viewer) -> Json<Me> {
    Json(viewer.me())
}
