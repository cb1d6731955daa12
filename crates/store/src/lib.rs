//! What Keyway remembers: records, the sealing of secrets, migrations, the clock.
//!
//! One concrete [`Store`] over SQLite or PostgreSQL, with one SQL text for both. It knows nothing of network traffic,
//! of providers, or of what a command means. Nothing is answered before it is committed, and each change is committed
//! together with its audit row.

mod actor;
mod audit;
mod authorizations;
mod calls;
mod clock;
mod connections;
mod error;
mod id;
mod keys;
mod meta;
mod origin;
mod sessions;
mod settings;
mod setup;
mod tokens;
mod users;
mod vault;

use std::{path::PathBuf, sync::Arc, time::Duration};

pub use actor::{Actor, Role};
pub use audit::{Audit, AuditFilter, AuditRow, Checkpoint, Verified};
pub use authorizations::{Authorizations, BrowserHash, PendingAuthorization, Waiting};
pub use calls::{CallFilter, CallLog, CallRecord, CallRow};
pub use clock::Clock;
pub use connections::{Connection, Connections, Edit, NewConnection, Stamp, WipeTokens};
pub use error::Error;
pub use id::{
    ApiKeyId, AuditId, AuthorizationId, CallId, ConnectionId, ConnectionName, SessionId, UserId,
};
pub use keys::{ApiKey, ApiKeys};
pub use meta::Meta;
pub use origin::Origin;
pub use sessions::{Session, Sessions};
pub use settings::{
    Authentication, CallFailure, OAuth, OAuthGrant, PresetName, Secrets, Settings, Standing,
};
pub use setup::Setup;
pub use tokens::{Intent, Lease, Leased, Saved, StoredToken, TokenRow, Tokens};
pub use users::{PasswordCost, User, Users};
pub use vault::Vault;

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which database.
    pub database: Database,
    /// How many connections read beside the one that writes.
    pub readers: usize,
    /// Whether other processes may have the same SQLite file open.
    pub sharing: Sharing,
    /// How long to wait for another process to let go of the SQLite file.
    pub lock_wait: Duration,
    /// How long to wait at start for PostgreSQL to answer.
    pub connect_wait: Duration,
    /// What a password costs to check.
    pub password_cost: PasswordCost,
}

impl Config {
    /// The usual settings for a database.
    pub fn new(database: Database) -> Self {
        Self {
            database,
            readers: 2,
            sharing: Sharing::Sole,
            lock_wait: Duration::from_secs(2),
            connect_wait: Duration::from_secs(30),
            password_cost: PasswordCost::default(),
        }
    }
}

/// Whether other processes may have the same SQLite file open at the same time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// No: a server keeps what it read in memory.
    Sole,
    /// Others that share, yes; a sole owner, no: single commands.
    Shared,
}

/// Where the records are.
#[derive(Debug, Clone)]
pub enum Database {
    /// A file; it is made if it does not exist.
    Sqlite(PathBuf),
    /// Memory, for tests and trials; gone when the store is dropped.
    SqliteMemory,
    /// A PostgreSQL URL.
    Postgres(String),
}

/// The store; clones share it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    clock: Clock,
}

impl Store {
    /// Opens the database, checks it and the key, and brings the schema up to date.
    pub async fn open(config: &Config, vault: Vault, clock: Clock) -> Result<Self, Error> {
        let _ = (config, vault);
        todo!("{clock:?}")
    }

    /// The clock that the store was opened with.
    pub fn clock(&self) -> &Clock {
        &self.inner.clock
    }

    /// Asks the database for an answer.
    pub async fn ping(&self) -> Result<(), Error> {
        todo!()
    }

    /// Waits until everything that was sent to the database is written and it is closed; only the last clone may call it.
    pub async fn close(self) {
        todo!()
    }

    /// A number that grows with each committed change, by this process, of this connection or its token.
    ///
    /// Cheap (one atomic load). May grow for another connection's change too; never stays when this one changed.
    pub fn epoch(&self, connection: &ConnectionId) -> u64 {
        todo!("{connection}")
    }

    /// The connections.
    pub fn connections(&self) -> Connections<'_> {
        Connections(self)
    }

    /// The connections' tokens.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens(self)
    }

    /// The trips to authorization endpoints that have not come back yet.
    pub fn authorizations(&self) -> Authorizations<'_> {
        Authorizations(self)
    }

    /// The people.
    pub fn users(&self) -> Users<'_> {
        Users(self)
    }

    /// The people who are signed in.
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }

    /// The API keys.
    pub fn keys(&self) -> ApiKeys<'_> {
        ApiKeys(self)
    }

    /// The audit log.
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }

    /// The call log.
    pub fn calls(&self) -> CallLog<'_> {
        CallLog(self)
    }

    /// The one-time setup.
    pub fn setup(&self) -> Setup<'_> {
        Setup(self)
    }

    /// Small facts about the installation.
    pub fn meta(&self) -> Meta<'_> {
        Meta(self)
    }
}
