//! One token service for every caller: fresh tokens at once, stale ones at once with a renewal
//! behind, expired ones after exactly one renewal, whoever asks (`connections.md` §3).
//!
//! This file joins callers inside the process; `renewal.rs` does one renewal and keeps to one
//! between processes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared};
use http::HeaderValue;
use oauth::{Diagnosis, Freshness, Secret, State, Timestamp};
use store::StoredToken;
use tokio::time::Instant;

use crate::Connector;
use crate::budget::Budget;
use crate::credential::bearer;
use crate::error::CallError;
use crate::failure;
use crate::known::Loaded;
use crate::on_behalf_of::People;
use crate::room::{CALLS_AT_ONCE, Room};

/// How long a caller waits for a renewal.
pub(crate) const PATIENCE: Duration = Duration::from_secs(35);
/// After a renewed token was refused with 401 too, how long 401s renew nothing.
const REFUSAL_REST: Duration = Duration::from_mins(1);

/// A token that can be sent.
pub(crate) struct Held {
    pub(crate) generation: i64,
    pub(crate) header: HeaderValue,
    pub(crate) token: Secret,
    pub(crate) received_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

impl Held {
    /// Takes a stored token; one that can't be a header value counts as none.
    pub(crate) fn of(stored: &StoredToken) -> Option<Arc<Held>> {
        let header = bearer(&stored.access_token).ok()?;
        Some(Arc::new(Held {
            generation: stored.generation,
            header,
            token: stored.access_token.clone(),
            received_at: stored.received_at,
            expires_at: stored.expires_at,
        }))
    }

    pub(crate) fn freshness(&self, now: Timestamp) -> Freshness {
        oauth::freshness(self.received_at, self.expires_at, now)
    }
}

/// What a caller needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// A token that has not expired.
    Valid,
    /// One that is newer than this generation, which the API refused.
    NewerThan(i64),
    /// A renewal, whatever there is: the test button.
    Renewed,
}

/// Why there is no token; shared by all who waited.
#[derive(Debug, Clone)]
pub(crate) enum Failed {
    /// What happened and who can cure it.
    Diagnosed(Box<Diagnosis>),
    /// The store failed.
    Store(store::Error),
}

impl Failed {
    pub(crate) fn into_call_error(self, loaded: &Loaded) -> CallError {
        let connection = loaded.named.clone();
        match self {
            Failed::Store(error) => CallError::Store(error),
            Failed::Diagnosed(diagnosis) => match diagnosis.state {
                State::Waiting | State::Degraded | State::Renewing | State::Ok => {
                    CallError::TokenUnavailable {
                        connection,
                        diagnosis,
                    }
                }
                _ => CallError::Needs {
                    connection,
                    diagnosis,
                },
            },
        }
    }
}

impl From<store::Error> for Failed {
    fn from(error: store::Error) -> Failed {
        Failed::Store(error)
    }
}

type Renewal = Shared<BoxFuture<'static, Result<Arc<Held>, Failed>>>;

/// What all users of one connection share inside this process.
pub(crate) struct Slot {
    inner: Mutex<SlotInner>,
    /// Lets one task read the connection while the others wait.
    pub(crate) loading: tokio::sync::Mutex<()>,
    /// Room for calls under way; the rest wait in line.
    room: Mutex<Arc<Room>>,
    /// How fast they may go.
    pub(crate) budget: Budget,
    /// Whose tokens were exchanged, where each call brings one.
    pub(crate) people: People,
}

impl Default for Slot {
    fn default() -> Slot {
        Slot {
            inner: Mutex::default(),
            loading: tokio::sync::Mutex::default(),
            room: Mutex::new(Arc::new(Room::new(CALLS_AT_ONCE))),
            budget: Budget::default(),
            people: People::default(),
        }
    }
}

#[derive(Default)]
struct SlotInner {
    /// The renewal under way, with the generation that it replaces.
    renewal: Option<Renewal>,
    /// What the last renewal brought; newer than what a slow caller has read.
    latest: Option<Arc<Held>>,
    /// Since when 401s renew nothing.
    refused: Option<Instant>,
}

impl Slot {
    fn lock(&self) -> std::sync::MutexGuard<'_, SlotInner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The room for calls, as large as the connection's settings say.
    pub(crate) fn room(&self, size: Option<u32>) -> Arc<Room> {
        let size = size.unwrap_or(CALLS_AT_ONCE);
        let mut room = self.room.lock().unwrap_or_else(PoisonError::into_inner);
        if room.size() != size {
            // Calls under way end in the old one.
            *room = Arc::new(Room::new(size));
        }
        Arc::clone(&room)
    }

    /// Drops what is known, after a change of the connection.
    pub(crate) fn forget(&self) {
        let mut inner = self.lock();
        inner.latest = None;
        inner.refused = None;
        drop(inner);
        self.budget.forget();
        self.people.forget();
    }

    /// Takes note of a token that came by another way.
    pub(crate) fn learn(&self, held: &Arc<Held>) {
        let mut inner = self.lock();
        if inner
            .latest
            .as_ref()
            .is_none_or(|latest| latest.generation < held.generation)
        {
            inner.latest = Some(Arc::clone(held));
        }
    }

    /// Takes note that a token which a 401 had caused was refused with 401 too.
    pub(crate) fn rest(&self) {
        self.lock().refused = Some(Instant::now());
    }

    /// Whether a 401 may cause a renewal now.
    pub(crate) fn may_renew_after_refusal(&self) -> bool {
        self.lock()
            .refused
            .is_none_or(|since| since.elapsed() >= REFUSAL_REST)
    }

    fn finish(&self, outcome: &Result<Arc<Held>, Failed>) {
        let mut inner = self.lock();
        inner.renewal = None;
        if let Ok(held) = outcome {
            inner.latest = Some(Arc::clone(held));
        }
    }
}

impl Connector {
    /// A token that meets a need. Cancelling the caller does not cancel the renewal.
    pub(crate) async fn token(
        &self,
        loaded: &Arc<Loaded>,
        need: Need,
    ) -> Result<Arc<Held>, Failed> {
        if let Some(held) = &loaded.token
            && let Some(held) = self.usable(loaded, held, need)
        {
            return Ok(held);
        }
        let renewal = match self.join(loaded, need) {
            Joined::Newer(held) => return Ok(held),
            Joined::Renewal(renewal) => renewal,
        };
        match tokio::time::timeout(PATIENCE, renewal).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Failed::Diagnosed(Box::new(failure::renewal_slow()))),
        }
    }

    /// The token at hand, if it will do; renews behind it when it is stale.
    fn usable(&self, loaded: &Arc<Loaded>, held: &Arc<Held>, need: Need) -> Option<Arc<Held>> {
        match need {
            Need::Renewed => return None,
            Need::NewerThan(generation) if held.generation <= generation => return None,
            Need::Valid | Need::NewerThan(_) => {}
        }
        match held.freshness(self.clock().now()) {
            Freshness::Fresh => Some(Arc::clone(held)),
            Freshness::Stale => {
                if self.may_try(loaded) {
                    drop(self.join(loaded, Need::NewerThan(held.generation)));
                }
                Some(Arc::clone(held))
            }
            Freshness::Expired => None,
        }
    }

    /// Whether a renewal behind a live token is worth a task now.
    fn may_try(&self, loaded: &Loaded) -> bool {
        let standing = &loaded.connection.standing;
        standing.retry_at.is_none_or(|at| at <= self.clock().now())
    }

    /// Joins the renewal under way, or starts one on the tracker.
    fn join(&self, loaded: &Arc<Loaded>, need: Need) -> Joined {
        let slot = &loaded.slot;
        let mut inner = slot.lock();
        if let Some(renewal) = &inner.renewal {
            return Joined::Renewal(renewal.clone());
        }
        let known = loaded.generation;
        let than = match need {
            Need::NewerThan(generation) => generation.max(known),
            Need::Valid | Need::Renewed => known,
        };
        if let Some(latest) = &inner.latest {
            let fresh = latest.freshness(self.clock().now()) != Freshness::Expired;
            if latest.generation > than && fresh && need != Need::Renewed {
                return Joined::Newer(Arc::clone(latest));
            }
        }
        let than = inner
            .latest
            .as_ref()
            .map_or(than, |latest| than.max(latest.generation));
        let connector = self.clone();
        let target = Arc::clone(loaded);
        let task = self.inner.tracker.spawn(async move {
            let outcome = connector.renew(&target, than).await;
            target.slot.finish(&outcome);
            outcome
        });
        let ended = Arc::clone(loaded);
        let renewal: Renewal = async move {
            task.await.unwrap_or_else(|_| {
                let outcome = Err(Failed::Diagnosed(Box::new(failure::renewal_slow())));
                ended.slot.finish(&outcome);
                outcome
            })
        }
        .boxed()
        .shared();
        inner.renewal = Some(renewal.clone());
        Joined::Renewal(renewal)
    }
}

enum Joined {
    Newer(Arc<Held>),
    Renewal(Renewal),
}
