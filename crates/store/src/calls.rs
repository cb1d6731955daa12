//! calls
use crate::{Actor, CallId, ConnectionId, Error, Store};
use jiff::{SignedDuration, Timestamp};
use oauth::ProviderError;

/// One call through a connection, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// When it began.
    pub at: Timestamp,
    /// Who called.
    pub actor: String,
    /// Through which connection.
    pub connection: ConnectionId,
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The status that came back, if any.
    pub status: Option<u16>,
    /// Our code, if it failed.
    pub code: Option<String>,
    /// What the provider said, if it failed.
    pub provider: Option<ProviderError>,
    /// How long it took.
    pub duration: SignedDuration,
    /// How often it was sent.
    pub attempts: u32,
    /// Which token it carried.
    pub token_generation: Option<i64>,
    /// The provider's request id.
    pub request_id: Option<String>,
}

/// A row of the call log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Names it; later rows do not sort by it.
    pub id: CallId,
    /// What was recorded.
    pub record: CallRecord,
}

/// Which rows of the call log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Through this connection.
    pub connection: Option<ConnectionId>,
    /// Begun before.
    pub before: Option<Timestamp>,
    /// At most so many (0 = 100, never more than 1,000).
    pub limit: u32,
}

/// The call log.
pub struct CallLog<'a>(pub(crate) &'a Store);

impl CallLog<'_> {
    /// Stores many calls in one transaction.
    pub async fn record_many(&self, records: Vec<CallRecord>) -> Result<(), Error> {
        todo!("{records:?}")
    }
    /// The rows that a filter lets through, newest first.
    pub async fn list(&self, actor: &Actor, filter: &CallFilter) -> Result<Vec<CallRow>, Error> {
        todo!("{actor:?} {filter:?}")
    }
    /// Deletes the calls before a time.
    pub async fn sweep(&self, before: Timestamp) -> Result<u64, Error> {
        todo!("{before}")
    }
}
