//! The call log's way to the store: rows that wait, and one writer.
//!
//! A call never waits for its row, never costs a commit of its own
//! (`connections.md` §6), and does no more than begin the writer with the first row of a
//! batch and wake it with the one that fills it. If the store can't follow, rows are dropped and
//! counted; the audit log, which must not lose any, is written elsewhere.
//! Who called, a person or a run, notes it: only they know what it was one call to them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::Method;
use jiff::{SignedDuration, Timestamp};
use metrics::counter;
use store::{Actor, CallRecord, ConnectionId, Store};
use tokio::runtime::Handle;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::{ApiResponse, CallError, ProxyResponse, attempt};

/// Rows that may wait for the writer.
const QUEUE: usize = 16 * 1024;
/// So many rows are written at once without waiting for more.
const BATCH: usize = 1024;
/// How long a row waits for company.
const LINGER: Duration = Duration::from_millis(500);
/// How long a reader waits for rows on their way, should the store not follow.
const SETTLING: Duration = Duration::from_secs(2);

/// Where finished calls are reported.
pub struct CallLog {
    waiting: Arc<Waiting>,
    store: Store,
    tracker: TaskTracker,
    /// The runtime of the writer: that of a caller may end before what it reported is written.
    runtime: Handle,
}

/// Rows on their way to the writer.
#[derive(Default)]
struct Waiting {
    queue: Mutex<Queue>,
    /// The batch is full, or somebody wants to read it.
    due: Notify,
    /// How many of the rows reported so far are written, or lost.
    settled: watch::Sender<u64>,
    closed: AtomicBool,
}

#[derive(Default)]
struct Queue {
    rows: Vec<CallRecord>,
    /// How many rows were ever added.
    reported: u64,
    /// Whether somebody writes already.
    writer: bool,
}

/// What is to be done about a row that was added.
enum Added {
    Begin,
    Wake,
    Nothing,
    Refused,
}

impl CallLog {
    /// A log that writes on this runtime; what waits when the log is dropped is written at once.
    pub(crate) fn new(store: Store, tracker: TaskTracker, runtime: Handle) -> CallLog {
        CallLog {
            waiting: Arc::default(),
            store,
            tracker,
            runtime,
        }
    }

    /// Reports one call, if there is anything to report; never waits.
    pub fn record(&self, record: Option<CallRecord>) {
        let Some(record) = record else { return };
        match self.waiting.push(record) {
            Added::Begin => {
                let writing = write(self.store.clone(), Arc::clone(&self.waiting));
                self.tracker.spawn_on(writing, &self.runtime);
            }
            Added::Wake => self.waiting.due.notify_one(),
            Added::Refused => counter!("keyway_call_log_dropped_total").increment(1),
            Added::Nothing => {}
        }
    }

    /// Waits until every call reported so far is in the store: who looks right after a call finds it.
    /// Calls of other processes on the same store are not waited for.
    pub async fn settle(&self) {
        let reported = self.waiting.queue().reported;
        let mut settled = self.waiting.settled.subscribe();
        let written = settled.wait_for(|rows| *rows >= reported);
        self.waiting.due.notify_one();
        if timeout(SETTLING, written).await.is_err() {
            tracing::warn!("the store does not follow the call log: its last rows are read later");
        }
    }
}

impl Drop for CallLog {
    fn drop(&mut self) {
        self.waiting.closed.store(true, Ordering::Release);
        self.waiting.due.notify_one();
    }
}

impl Waiting {
    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a row if there is room.
    fn push(&self, record: CallRecord) -> Added {
        let mut queue = self.queue();
        if queue.rows.len() >= QUEUE {
            return Added::Refused;
        }
        queue.rows.push(record);
        queue.reported += 1;
        if !std::mem::replace(&mut queue.writer, true) {
            return Added::Begin;
        }
        match queue.rows.len() {
            BATCH => Added::Wake,
            _ => Added::Nothing,
        }
    }

    /// The rows that wait; none: the writer has ended.
    fn take(&self) -> Option<Vec<CallRecord>> {
        let mut queue = self.queue();
        if queue.rows.is_empty() {
            queue.writer = false;
            return None;
        }
        Some(std::mem::replace(
            &mut queue.rows,
            Vec::with_capacity(BATCH),
        ))
    }
}

/// A call under way.
pub struct Begun {
    at: Timestamp,
    instant: Instant,
    actor: String,
    method: String,
    path: String,
    step: Option<String>,
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
    pub fn new(now: Timestamp, actor: &Actor, method: &Method, target: &str) -> Begun {
        let path = target.split(['?', '#']).next().unwrap_or_default();
        Begun {
            at: now,
            instant: Instant::now(),
            actor: actor.id.clone(),
            method: method.as_str().to_owned(),
            path: path.to_owned(),
            step: None,
        }
    }

    /// Says that a step of a run calls, by the step's id; the actor is the run.
    #[must_use]
    pub fn in_step(mut self, id: &str) -> Begun {
        self.step = Some(id.to_owned());
        self
    }

    /// The row of a call that was answered.
    pub fn answered(mut self, response: &ApiResponse) -> CallRecord {
        self.path.clone_from(&response.path);
        let mut record = self.into_record(Sent {
            connection: response.connection.clone(),
            host: response.host.clone(),
            status: Some(response.status),
            attempts: response.attempts,
            token_generation: response.token_generation,
            request_id: response.request_id.clone(),
        });
        // the API answered, and Keyway has a word for what that answer means
        let last = response.trail.last();
        record.code = last.and_then(|attempt| attempt.code).map(str::to_owned);
        record.trail = attempt::told(&response.trail);
        record
    }

    /// The row of a request whose answer passes through.
    pub fn passed(self, response: &ProxyResponse) -> CallRecord {
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
    pub fn failed(self, error: &CallError) -> Option<CallRecord> {
        let trail = error.trail();
        let sent = Sent {
            connection: error.connection_id()?.clone(),
            host: String::new(),
            status: None,
            attempts: u32::try_from(trail.len()).unwrap_or(u32::MAX),
            token_generation: trail.last().and_then(|attempt| attempt.token_generation),
            request_id: None,
        };
        let provider = error
            .diagnosis()
            .and_then(|diagnosis| diagnosis.provider.clone());
        let mut record = self.into_record(sent);
        record.code = Some(error.code().to_owned());
        record.provider = provider;
        record.trail = attempt::told(trail);
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
            step: self.step,
            connection: sent.connection,
            host: sent.host,
            status: sent.status,
            code: None,
            provider: None,
            attempts: sent.attempts,
            token_generation: sent.token_generation,
            request_id: sent.request_id,
            trail: None,
        }
    }
}

/// Writes until nothing waits any more.
async fn write(store: Store, waiting: Arc<Waiting>) {
    loop {
        if !waiting.closed.load(Ordering::Acquire) {
            // The first row waits for company; if nobody fills the batch or wants to read it in time, it goes as it is.
            let _ = timeout(LINGER, waiting.due.notified()).await;
        }
        let Some(batch) = waiting.take() else { return };
        let rows = batch.len() as u64;
        if let Err(error) = store.calls().record_many(batch).await {
            tracing::warn!(%error, rows, "rows of the call log were lost");
            counter!("keyway_call_log_dropped_total").increment(rows);
        }
        waiting.settled.send_modify(|settled| *settled += rows);
    }
}
