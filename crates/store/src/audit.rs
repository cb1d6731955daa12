//! audit
use crate::{Actor, AuditId, Error, Store};
use jiff::Timestamp;

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// Names it for ever.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who: `usr_…`, `key_…`, `local`, `system`, `setup` or `anonymous`.
    pub actor_id: String,
    /// What the actor was called.
    pub actor_name: String,
    /// What was done, such as `connection.added`.
    pub action: String,
    /// To what: an id or a name.
    pub subject: String,
    /// Further facts; never secrets.
    pub detail: serde_json::Value,
}

/// Which rows of the audit log; everything that is `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Not earlier than.
    pub since: Option<Timestamp>,
    /// Earlier than.
    pub until: Option<Timestamp>,
    /// By this actor's id.
    pub actor: Option<String>,
    /// Exactly this action.
    pub action: Option<String>,
    /// Exactly this subject.
    pub subject: Option<String>,
    /// Only rows before this place in the chain.
    pub before: Option<i64>,
    /// At most so many (0 = 100, never more than 1,000).
    pub limit: u32,
}

/// The signed end of the chain at one moment; kept elsewhere it shows a later truncation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// How many rows there are.
    pub count: i64,
    /// The last row's code, hexadecimal.
    pub head: String,
    /// The signature over both, hexadecimal.
    pub signature: String,
}

/// What a check of the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Every row is as it was written, and none is missing.
    Intact(Checkpoint),
    /// Somebody changed the log.
    Broken {
        /// The first place that is wrong.
        seq: i64,
        /// What is wrong there.
        why: String,
    },
}

/// The audit log.
pub struct Audit<'a>(pub(crate) &'a Store);

impl Audit<'_> {
    /// The rows that a filter lets through, newest first.
    pub async fn list(&self, actor: &Actor, filter: &AuditFilter) -> Result<Vec<AuditRow>, Error> {
        todo!("{actor:?} {filter:?}")
    }
    /// The signed end of the chain.
    pub async fn checkpoint(&self, actor: &Actor) -> Result<Checkpoint, Error> {
        todo!("{actor:?}")
    }
    /// Checks the whole chain, and that it still contains an earlier checkpoint.
    pub async fn verify(
        &self,
        actor: &Actor,
        earlier: Option<&Checkpoint>,
    ) -> Result<Verified, Error> {
        todo!("{actor:?} {earlier:?}")
    }
}
