//! The call log's way to the store: rows that wait, and one writer.
//!
//! A call never waits for its row, never costs a commit of its own
//! (`connections.md` §6), and wakes the writer only with the first row of a
//! batch and with the one that fills it. If the store can't follow, rows are dropped and
//! counted; the audit log, which must not lose any, is written elsewhere.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connect::{ApiResponse, CallError, ProxyResponse};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use store::{Actor, CallRecord, ConnectionId, Store};
use tokio::sync::Notify;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

/// Rows that may wait for the writer.
const QUEUE: usize = 16 * 1024;
/// In place of a number of rows: there was no room for one more.
const REFUSED: usize = QUEUE + 1;
/// So many rows are written at once without waiting for more.
const BATCH: usize = 1024;
/// How long a row waits for company.
const LINGER: Duration = Duration::from_millis(500);

/// Where finished calls are reported.
pub(crate) struct CallLog(Arc<Waiting>);

/// Rows on their way to the writer.
#[derive(Default)]
struct Waiting {
    rows: Mutex<Vec<CallRecord>>,
    some: Notify,
    full: Notify,
    closed: AtomicBool,
}

impl CallLog {
    /// Starts the writer; it ends, with everything written, when the log is dropped.
    pub(crate) fn start(store: Store, tracker: &TaskTracker) -> CallLog {
        let waiting = Arc::new(Waiting::default());
        tracker.spawn(write(store, Arc::clone(&waiting)));
        CallLog(waiting)
    }

    /// Reports one call, if there is anything to report; never waits.
    pub(crate) fn record(&self, record: Option<CallRecord>) {
        let Some(record) = record else { return };
        match self.0.push(record) {
            1 => self.0.some.notify_one(),
            BATCH => self.0.full.notify_one(),
            REFUSED => counter!("keyway_call_log_dropped_total").increment(1),
            _ => {}
        }
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        self.0.closed.store(true, Ordering::Release);
        self.0.some.notify_one();
        self.0.full.notify_one();
    }
}

impl Waiting {
    /// Adds a row if there is room; answers how many wait now.
    fn push(&self, record: CallRecord) -> usize {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.len() < QUEUE {
            rows.push(record);
            return rows.len();
        }
        REFUSED
    }

    fn take(&self) -> Vec<CallRecord> {
        let mut rows = self.rows.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *rows, Vec::with_capacity(BATCH))
    }
}

/// A call under way.
pub(crate) struct Begun {
    at: Timestamp,
    instant: Instant,
    actor: String,
    method: String,
    path: String,
}

/// Where a call went and what came of it.
struct Sent {
    connection: ConnectionId,
    host: String,
    status: Option<u16>,
    attempts: u32,
    token_generation: Option<i64>,
    request_id: Option<String>,
}

impl Begun {
    /// Notes who calls what; of the target only the path is kept.
    pub(crate) fn new(now: Timestamp, actor: &Actor, method: &Method, target: &str) -> Begun {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        Begun {
            at: now,
            instant: Instant::now(),
            actor: actor.id.clone(),
            method: method.as_str().to_owned(),
            path: path.to_owned(),
        }
    }

    /// The row of a call that was answered.
    pub(crate) fn answered(mut self, response: &ApiResponse) -> CallRecord {
        self.path.clone_from(&response.path);
        self.into_record(Sent {
            connection: response.connection.clone(),
            host: response.host.clone(),
            status: Some(response.status),
            attempts: response.attempts,
            token_generation: response.token_generation,
            request_id: response.request_id.clone(),
        })
    }

    /// The row of a request whose answer passes through.
    pub(crate) fn passed(self, response: &ProxyResponse) -> CallRecord {
        self.into_record(Sent {
            connection: response.connection.clone(),
            host: response.host.to_string(),
            status: Some(response.status.as_u16()),
            attempts: response.attempts,
            token_generation: response.token_generation,
            request_id: response.request_id.clone(),
        })
    }

    /// The row of a call that got no answer; none if there is no such connection.
    pub(crate) fn failed(self, error: &CallError) -> Option<CallRecord> {
        let sent = Sent {
            connection: error.connection_id()?.clone(),
            host: String::new(),
            status: None,
            attempts: 0,
            token_generation: None,
            request_id: None,
        };
        let provider = error
            .diagnosis()
            .and_then(|diagnosis| diagnosis.provider.clone());
        let mut record = self.into_record(sent);
        record.code = Some(error.code().to_owned());
        record.provider = provider;
        Some(record)
    }

    fn into_record(self, sent: Sent) -> CallRecord {
        CallRecord {
            at: self.at,
            duration: SignedDuration::try_from(self.instant.elapsed())
                .unwrap_or(SignedDuration::MAX),
            actor: self.actor,
            method: self.method,
            path: self.path,
            connection: sent.connection,
            host: sent.host,
            status: sent.status,
            code: None,
            provider: None,
            attempts: sent.attempts,
            token_generation: sent.token_generation,
            request_id: sent.request_id,
        }
    }
}

async fn write(store: Store, waiting: Arc<Waiting>) {
    loop {
        // Looked at before the rows are: what came before the end of the log is still written.
        let closed = waiting.closed.load(Ordering::Acquire);
        if !closed {
            waiting.some.notified().await;
            // The first row waits for company; if nobody fills the batch in time, it goes as it is.
            let _ = timeout(LINGER, waiting.full.notified()).await;
        }
        let batch = waiting.take();
        if batch.is_empty() && closed {
            return;
        }
        let rows = batch.len() as u64;
        if let Err(error) = store.calls().record_many(batch).await {
            tracing::warn!(%error, rows, "rows of the call log were lost");
            counter!("keyway_call_log_dropped_total").increment(rows);
        }
    }
}
