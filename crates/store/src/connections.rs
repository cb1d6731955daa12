//! connections
use crate::{Actor, ConnectionId, ConnectionName, Error, Secrets, Settings, Standing, Store};
use jiff::Timestamp;

/// A stored connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// Names it for ever.
    pub id: ConnectionId,
    /// What people call it.
    pub name: ConnectionName,
    /// Grows with each edit.
    pub version: i64,
    /// What a person typed.
    pub settings: Settings,
    /// Its secrets; `None` if they can't be unsealed.
    pub secrets: Option<Secrets>,
    /// How it stands.
    pub standing: Standing,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

/// What is needed to make a connection.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// What people will call it.
    pub name: ConnectionName,
    /// What a person typed.
    pub settings: Settings,
    /// Its secrets.
    pub secrets: Secrets,
}

/// An edit of a connection.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Another name.
    pub name: Option<ConnectionName>,
    /// All settings, as they shall be.
    pub settings: Settings,
    /// All secrets, as they shall be; `None` keeps them.
    pub secrets: Option<Secrets>,
    /// How it stands after the edit; `None` keeps it.
    pub standing: Option<Standing>,
    /// What happens to the token.
    pub tokens: WipeTokens,
}

/// What an edit does to the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WipeTokens {
    /// It stays.
    Keep,
    /// It goes, and a renewal that is under way can't bring it back.
    Wipe,
}

/// Two numbers that tell whether what was read before still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Grows with each change of the connection, its standing included.
    pub revision: i64,
    /// The token's generation.
    pub generation: i64,
}

/// The connections.
pub struct Connections<'a>(pub(crate) &'a Store);

impl Connections<'_> {
    /// All connections, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Connection>, Error> {
        todo!("{actor:?}")
    }
    /// One connection by name, ignoring case.
    pub async fn find(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Option<Connection>, Error> {
        todo!("{actor:?} {name}")
    }
    /// One connection by id.
    pub async fn find_by_id(
        &self,
        actor: &Actor,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, Error> {
        todo!("{actor:?} {id}")
    }
    /// Tells cheaply whether anything changed, also by another process.
    pub async fn stamp(&self, actor: &Actor, id: &ConnectionId) -> Result<Option<Stamp>, Error> {
        todo!("{actor:?} {id}")
    }
    /// Reserves an id for a name.
    pub async fn reserve(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<ConnectionId, Error> {
        todo!("{actor:?} {name}")
    }
    /// The id reserved for a name.
    pub async fn draft(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Option<ConnectionId>, Error> {
        todo!("{actor:?} {name}")
    }
    /// Makes a connection.
    pub async fn add(&self, actor: &Actor, new: NewConnection) -> Result<Connection, Error> {
        todo!("{actor:?} {new:?}")
    }
    /// Edits a connection, if it still is at the expected version.
    pub async fn save(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        expected_version: i64,
        edit: Edit,
    ) -> Result<Connection, Error> {
        todo!("{actor:?} {id} {expected_version} {edit:?}")
    }
    /// Stores how a connection stands.
    pub async fn standing(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        standing: Standing,
    ) -> Result<(), Error> {
        todo!("{actor:?} {id} {standing:?}")
    }
    /// Deletes a connection with its token.
    pub async fn remove(&self, actor: &Actor, id: &ConnectionId) -> Result<(), Error> {
        todo!("{actor:?} {id}")
    }
}
