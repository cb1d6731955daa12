//! The call log's way to the store: a bounded channel and one writer.
//!
//! A call never waits for its row and never costs a commit of its own
//! (`connections.md` §6). If the store can't follow, rows are dropped and
//! counted; the audit log, which must not lose any, is written elsewhere.

use std::time::Duration;

use connect::{ApiResponse, CallError, ProxyResponse};
use http::Method;
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use store::{Actor, CallRecord, ConnectionId, Store};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::time::{Instant, timeout_at};
use tokio_util::task::TaskTracker;

/// Rows that may wait for the writer.
const QUEUE: usize = 16 * 1024;
/// Rows of one commit.
const BATCH: usize = 1024;
/// How long a row waits for company.
const LINGER: Duration = Duration::from_millis(500);

/// Where finished calls are reported.
pub(crate) struct CallLog(Sender<CallRecord>);

impl CallLog {
    /// Starts the writer; it ends, with everything written, when the log is dropped.
    pub(crate) fn start(store: Store, tracker: &TaskTracker) -> CallLog {
        let (sender, receiver) = channel(QUEUE);
        tracker.spawn(write(store, receiver));
        CallLog(sender)
    }

    /// Reports one call, if there is anything to report; never waits.
    pub(crate) fn record(&self, record: Option<CallRecord>) {
        let Some(record) = record else { return };
        if self.0.try_send(record).is_err() {
            counter!("keyway_call_log_dropped_total").increment(1);
        }
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

async fn write(store: Store, mut receiver: Receiver<CallRecord>) {
    let mut batch = Vec::new();
    while receiver.recv_many(&mut batch, BATCH).await > 0 {
        let end = Instant::now() + LINGER;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            match timeout_at(end, receiver.recv_many(&mut batch, room)).await {
                Ok(1..) => {}
                Ok(0) | Err(_) => break,
            }
        }
        let rows = batch.len() as u64;
        if let Err(error) = store.calls().record_many(std::mem::take(&mut batch)).await {
            tracing::warn!(%error, rows, "rows of the call log were lost");
            counter!("keyway_call_log_dropped_total").increment(rows);
        }
    }
}
