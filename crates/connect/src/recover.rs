//! Connections whose provider was in trouble or asked to wait: tried again when their time has come, so that somebody who waits
//! for the recovery hears of it without a call of their own.
//!
//! Whatever is tried goes through the token service: one process asks, under the lease, and never before `retry_at`.

use std::time::Duration;

use futures_util::StreamExt as _;
use jiff::SignedDuration;
use store::{Actor, Trouble};
use tokio_util::sync::CancellationToken;

use crate::Connector;
use crate::ask::jittered;
use crate::refresh::Need;

/// How often is looked which of them are due.
const LOOK: Duration = Duration::from_secs(5);
/// How many are tried at once.
const AT_ONCE: usize = 8;
/// After so long without an answer that is of use, only a call tries again: perhaps nobody needs the connection any more.
const ENOUGH: SignedDuration = SignedDuration::from_hours(24);

impl Connector {
    /// Tries connections in trouble again as they become due, until it is stopped.
    pub async fn watch_troubled(self, stop: CancellationToken) {
        loop {
            let pause = tokio::time::sleep(jittered(LOOK));
            if stop.run_until_cancelled(pause).await.is_none() {
                return;
            }
            // A renewal under way has a task of its own: it is not cut off.
            let tried = stop.run_until_cancelled(self.try_troubled()).await;
            if let Some(Err(error)) = tried {
                tracing::warn!(%error, "it can't be told which connections are to be tried again");
            }
        }
    }

    /// Tries the connections that are due now, and waits for all of them.
    pub async fn try_troubled(&self) -> Result<(), store::Error> {
        let now = self.clock().now();
        let troubled = self.inner.store.connections().troubled().await?;
        let due = troubled.into_iter().filter(|trouble| {
            trouble.retry_at <= now && now.duration_since(trouble.since) < ENOUGH
        });
        futures_util::stream::iter(due)
            .for_each_concurrent(AT_ONCE, |trouble| async move {
                self.try_again(&trouble).await;
            })
            .await;
        Ok(())
    }

    /// Asks for a token once; what comes of it is in the standing.
    async fn try_again(&self, trouble: &Trouble) {
        let Ok(loaded) = self.loaded(&Actor::system(), &trouble.name).await else {
            return;
        };
        // Without somebody's token there is nothing to ask with: the next call asks.
        if loaded.is_per_call() || loaded.connection.id != trouble.id {
            return;
        }
        let need = Need::NewerThan(loaded.generation);
        let outcome = match self.token(&loaded, need).await {
            Ok(_) => "renewed",
            Err(_) => "refused",
        };
        tracing::debug!(connection = %trouble.id, outcome, "a connection in trouble was tried again");
    }
}
