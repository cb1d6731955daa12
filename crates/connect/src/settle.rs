//! Renewals that a process left behind when it ended: tried once more at the next start, so that a token which was lost is
//! known to be lost, and not only when the next call needs it.

use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::Timestamp;
use store::{Actor, ConnectionId};
use tokio_util::sync::CancellationToken;

use crate::Connector;
use crate::ask::jittered;
use crate::refresh::Need;

/// How many renewals are tried at once.
const AT_ONCE: usize = 8;
/// How long is waited before the store is asked again, at most.
const PAUSE: Duration = Duration::from_secs(1);

impl Connector {
    /// Settles every renewal whose outcome is unknown, on the tracker. One that another process may still be at is waited
    /// for, as long as its lease lasts.
    pub fn settle_renewals(&self, stop: CancellationToken) {
        let connector = self.clone();
        self.inner.tracker.spawn(async move {
            // A renewal under way has a task of its own: it is not cut off.
            stop.run_until_cancelled(connector.settle_all()).await;
        });
    }

    async fn settle_all(&self) {
        loop {
            let open = match self.inner.store.tokens().open().await {
                Ok(open) => open,
                Err(error) => {
                    tracing::warn!(%error, "renewals that were under way can't be looked up now");
                    tokio::time::sleep(jittered(PAUSE)).await;
                    continue;
                }
            };
            let now = self.clock().now();
            let leased = |until: &Option<Timestamp>| until.is_some_and(|until| until > now);
            let (held, left): (Vec<_>, Vec<_>) =
                open.into_iter().partition(|(_, until)| leased(until));
            futures_util::stream::iter(left)
                .for_each_concurrent(AT_ONCE, |(id, _)| async move { self.settle(&id).await })
                .await;
            if held.is_empty() {
                return;
            }
            tokio::time::sleep(jittered(PAUSE)).await;
        }
    }

    /// Tries the old token once more. What comes of it stands in the connection's standing.
    async fn settle(&self, id: &ConnectionId) {
        let system = Actor::system();
        let found = self.inner.store.connections().find_by_id(&system, id).await;
        let Ok(Some(connection)) = found else {
            return;
        };
        let Ok(loaded) = self.loaded(&system, &connection.name).await else {
            return;
        };
        let settled = self
            .token(&loaded, Need::NewerThan(loaded.generation))
            .await;
        let outcome = if settled.is_ok() {
            "renewed"
        } else {
            "refused"
        };
        tracing::info!(connection = %id, outcome, "a renewal that was under way when a process ended was tried again");
    }
}
