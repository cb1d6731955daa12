//! keys
use crate::{Actor, ApiKeyId, Error, Role, Store};
use jiff::Timestamp;
use oauth::Secret;

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it; not the key.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, to about five minutes.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// The key as an actor.
    pub fn actor(&self) -> Actor {
        Actor {
            id: self.id.to_string(),
            name: self.name.clone(),
            role: self.role,
        }
    }
}

/// The API keys.
pub struct ApiKeys<'a>(pub(crate) &'a Store);

impl ApiKeys<'_> {
    /// Makes a key, for 90 days unless told otherwise; the token is shown once.
    pub async fn create(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiKey, Secret), Error> {
        todo!("{actor:?} {name} {role} {expires_at:?}")
    }
    /// The key of a token, if it is neither expired nor revoked.
    pub async fn find_by_token(&self, token: &str) -> Result<Option<ApiKey>, Error> {
        todo!("{}", token.len())
    }
    /// One key, whatever became of it.
    pub async fn find(&self, actor: &Actor, id: &ApiKeyId) -> Result<Option<ApiKey>, Error> {
        todo!("{actor:?} {id}")
    }
    /// All keys, newest first.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<ApiKey>, Error> {
        todo!("{actor:?}")
    }
    /// Revokes a key.
    pub async fn revoke(&self, actor: &Actor, id: &ApiKeyId) -> Result<ApiKey, Error> {
        todo!("{actor:?} {id}")
    }
}
