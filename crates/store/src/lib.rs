//! What Keyway remembers: records, the sealing of secrets, migrations, the clock.
//!
//! One concrete [`Store`] over SQLite or PostgreSQL, with one SQL text for both. It knows nothing of network traffic,
//! of providers, or of what a command means. Nothing is answered before it is committed, and each change is committed
//! together with its audit row.

mod actor;
mod approvals;
mod audit;
mod authorizations;
mod calls;
mod change;
mod clock;
mod connections;
mod consents;
mod deliveries;
mod devices;
mod encryption;
mod error;
mod events;
pub mod failpoint;
mod flows;
mod id;
mod journal;
mod keys;
mod letters;
mod listeners;
mod meta;
mod origin;
mod overview;
mod plain;
mod pool;
mod redact;
mod refusals;
mod retention;
mod runs;
mod schedules;
mod schema;
mod sessions;
mod settings;
mod setup;
mod tables;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
mod tokens;
mod users;
mod vault;
mod webhooks;

#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

pub use actor::{Actor, Role};
pub use approvals::{Approval, Approvals, NewApproval};
pub use audit::{Audit, AuditFilter, AuditRow, Checkpoint, Verified};
pub use authorizations::{Authorizations, BrowserHash, PendingAuthorization, Waiting};
pub use calls::{CallFilter, CallLog, CallRecord, CallRow};
pub use clock::Clock;
pub use connections::{
    Connection, Connections, Edit, NewConnection, Stamp, Step, Trouble, WipeTokens,
};
pub use consents::Consents;
pub use deliveries::{AfterAttempt, Deliveries, Delivery, DeliveryAttempt, DeliveryStatus};
pub use devices::{Devices, PendingDevice};
pub use encryption::{EncryptionKey, EncryptionKeys, Resealed};
pub use error::Error;
pub use events::{Event, EventType, Events, ExpiryWarning};
pub use flows::{Deployment, FlowOrigin, FlowRecord, FlowVersion, Flows, NewVersion};
pub use id::{
    ApiKeyId, ApprovalId, AuditId, AuthorizationId, CallId, ConnectionId, ConnectionName,
    DeliveryId, EventId, FlowId, RunId, SessionId, UserId, WebhookId,
};
pub use journal::{Committed, Line, Next, Progress, Rescheduled, Unread};
pub use keys::{ApiKey, ApiKeys};
pub use letters::{Letter, Received};
pub use listeners::{Listening, NewFilter, NewListener};
pub use meta::Meta;
pub use oauth::Secret;
pub use origin::Origin;
pub use overview::{CallCounts, Hour, Overview, RunCounts};
pub use plain::{PlainSecret, PlainSecrets};
pub use redact::Redactor;
pub use refusals::Refusals;
pub use retention::{Retention, RetentionSetting};
pub use runs::{
    Begun, Claimed, Cursor, NewRun, Page, Parent, Parked, ParkedFor, Run, RunFilter, RunStatus,
    Runs, Trigger,
};
pub use schedules::{DueTrigger, Firing, FiringOutcome, Gathering, NewFiring, Schedules};
pub use sessions::{Session, Sessions};
pub use settings::{
    Authentication, CallFailure, JwtBearer, OAuth, OAuthGrant, OlderSecret, OnBehalfOf, PresetName,
    ScopePlace, Secrets, Settings, Standing,
};
pub use setup::Setup;
pub use tables::{TableAnswer, TableOperation, TableRow, Tables};
pub use tokens::{Intent, Lease, Leased, Saved, StoredToken, TokenRow, Tokens};
pub use users::{PasswordCost, User, Users};
pub use vault::Vault;
pub use webhooks::{SigningSecrets, Webhook, WebhookSettings, Webhooks};

use change::{Entry, Outcome};
use pool::{Db, Row, Tx, Value};
use schema::Schema;
use users::Hasher;

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
    db: Db,
    shared: Arc<Shared>,
    /// Whether no other process may have the database open.
    alone: bool,
}

/// What a piece of work takes with it to the writer's thread.
struct Shared {
    vault: Vault,
    clock: Clock,
    epochs: Epochs,
    hasher: Hasher,
    refusals: refusals::Recent,
    /// Whether a test plays a database that is away.
    #[cfg(any(test, feature = "testing"))]
    away: std::sync::atomic::AtomicBool,
}

/// Counters of changes, by connection; several connections may share one.
struct Epochs([AtomicU64; 64]);

impl Epochs {
    fn of(&self, connection: &ConnectionId) -> &AtomicU64 {
        let sum = connection.as_str().bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        });
        &self.0[sum % self.0.len()]
    }
}

impl Store {
    /// Opens the database, checks it and the key, and brings the schema up to date.
    pub async fn open(config: &Config, vault: Vault, clock: Clock) -> Result<Self, Error> {
        let hasher = Hasher::new(config.password_cost)?;
        let (db, schema) = Db::open(config, Schema { vault, clock }).await?;
        let shared = Arc::new(Shared {
            vault: schema.vault,
            clock: schema.clock,
            epochs: Epochs(std::array::from_fn(|_| AtomicU64::new(0))),
            hasher,
            refusals: refusals::Recent::default(),
            #[cfg(any(test, feature = "testing"))]
            away: std::sync::atomic::AtomicBool::new(false),
        });
        let store = Self {
            inner: Arc::new(Inner {
                db,
                shared,
                alone: encryption::is_alone(&config.database, config.sharing),
            }),
        };
        if store.inner.alone {
            // Whoever was renewing a token, or telling of an event, has ended.
            store.tokens().bury().await?;
            store.events().bury().await?;
        }
        Ok(store)
    }

    /// The clock that the store was opened with.
    pub fn clock(&self) -> &Clock {
        &self.inner.shared.clock
    }

    /// The name of the database: `SQLite` or `PostgreSQL`.
    pub fn database(&self) -> &'static str {
        self.inner.db.name()
    }

    /// Asks the database for an answer.
    pub async fn ping(&self) -> Result<(), Error> {
        let rows = self.read("SELECT COUNT(*) FROM migrations", []).await?;
        let row = rows
            .first()
            .ok_or_else(|| Error::stored("migration", "none"))?;
        row.int(0).map(drop)
    }

    /// Waits until everything that was handed to the database is written and it is closed.
    ///
    /// The last clone does that; an earlier one is only dropped.
    pub async fn close(self) {
        if let Some(inner) = Arc::into_inner(self.inner) {
            inner.db.close().await;
        }
    }

    /// A number that grows with each committed change, by this process, of this connection or its token.
    ///
    /// Cheap (one atomic load). May grow for another connection's change too; never stays when this one changed.
    pub fn epoch(&self, connection: &ConnectionId) -> u64 {
        self.inner
            .shared
            .epochs
            .of(connection)
            .load(Ordering::Acquire)
    }

    /// Reads what is committed.
    async fn read(
        &self,
        sql: &'static str,
        values: impl Into<Vec<Value>>,
    ) -> Result<Vec<Row>, Error> {
        self.inner.db.read(sql, values).await
    }

    /// Changes something, together with its audit rows; the epochs of what was touched grow before the answer.
    async fn change<T, F>(&self, mut work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>, &Shared) -> Result<Outcome<T>, Error> + Send + 'static,
    {
        #[cfg(any(test, feature = "testing"))]
        if self.inner.shared.away.load(Ordering::Acquire) {
            return Err(Error::Unavailable("a test says so".to_owned()));
        }
        let shared = Arc::clone(&self.inner.shared);
        let epochs = Arc::clone(&self.inner.shared);
        let work = move |tx: &mut Tx<'_>| {
            let outcome = work(tx, &shared)?;
            // Last, and in every transaction: nothing changes without its rows.
            audit::append(tx, &shared, &outcome.audit)?;
            Ok(outcome)
        };
        let after = move |outcome: &Outcome<T>| {
            for connection in &outcome.touched {
                epochs.epochs.of(connection).fetch_add(1, Ordering::Release);
            }
        };
        let outcome = self.inner.db.write(work, after).await?;
        Ok(outcome.value)
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

    /// Administrators' consents at the provider.
    pub fn consents(&self) -> Consents<'_> {
        Consents(self)
    }

    /// The sign-ins that wait for a code to be typed elsewhere.
    pub fn devices(&self) -> Devices<'_> {
        Devices(self)
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

    /// Refusals, for the audit log.
    pub fn refusals(&self) -> Refusals<'_> {
        Refusals(self)
    }

    /// The call log.
    pub fn calls(&self) -> CallLog<'_> {
        CallLog(self)
    }

    /// The one-time setup.
    pub fn setup(&self) -> Setup<'_> {
        Setup(self)
    }

    /// The flow definitions.
    pub fn flows(&self) -> Flows<'_> {
        Flows(self)
    }

    /// The plain secrets.
    pub fn secrets(&self) -> PlainSecrets<'_> {
        PlainSecrets(self)
    }

    /// The runs and their journals.
    pub fn runs(&self) -> Runs<'_> {
        Runs(self)
    }

    /// The triggers of flows.
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(self)
    }

    /// The questions that runs ask people.
    pub fn approvals(&self) -> Approvals<'_> {
        Approvals(self)
    }

    /// The tables of flows.
    pub fn tables(&self) -> Tables<'_> {
        Tables(self)
    }

    /// How long things are kept.
    pub fn retention(&self) -> RetentionSetting<'_> {
        RetentionSetting(self)
    }

    /// What went on lately.
    pub fn overview(&self) -> Overview<'_> {
        Overview(self)
    }

    /// The events of the installation itself.
    pub fn events(&self) -> Events<'_> {
        Events(self)
    }

    /// Where events are sent.
    pub fn webhooks(&self) -> Webhooks<'_> {
        Webhooks(self)
    }

    /// Events on their way to webhooks.
    pub fn deliveries(&self) -> Deliveries<'_> {
        Deliveries(self)
    }

    /// The keys of the installation.
    pub fn encryption_keys(&self) -> EncryptionKeys<'_> {
        EncryptionKeys(self)
    }

    /// Small facts about the installation.
    pub fn meta(&self) -> Meta<'_> {
        Meta(self)
    }
}
