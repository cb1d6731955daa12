//! The call log's way to the store: a bounded channel and one writer.
//!
//! A call never waits for its row and never costs a commit of its own
//! (`connections.md` §6). If the store can't follow, rows are dropped and
//! counted; the audit log, which must not lose any, is written elsewhere.

use std::time::Duration;

use metrics::counter;
use store::{CallRecord, Store};
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

    /// Reports one call; never waits.
    pub(crate) fn record(&self, record: CallRecord) {
        if self.0.try_send(record).is_err() {
            counter!("keyway_call_log_dropped_total").increment(1);
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
