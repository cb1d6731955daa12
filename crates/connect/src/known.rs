//! What is kept in memory of each connection, and how long it may be believed.
//!
//! An entry holds while the store's epoch of that connection stands still in this process, and
//! for at most a second while other processes may write to the same database; then the cheap
//! stamp is compared. Memory is a cache only: whatever is decided here was read from the store.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use oauth::{ScopeRule, Timestamp};
use store::{Connection, ConnectionId, ConnectionName, Origin, Stamp};
use tokio::time::Instant;

use crate::card::LastAuthorization;
use crate::credential::Credential;
use crate::error::Named;
use crate::http::{Certificates, host_of};
use crate::refresh::{Held, Slot};
use crate::room::Room;
use crate::upstream::Upstream;

/// How long another process's change may go unnoticed.
const BELIEVED: Duration = Duration::from_secs(1);

/// A connection as calls need it: parsed, joined, ready.
pub(crate) struct Loaded {
    pub(crate) connection: Connection,
    pub(crate) named: Named,
    /// Everything the credential may be sent to.
    pub(crate) origins: Vec<Origin>,
    pub(crate) trust: Certificates,
    pub(crate) rules: ScopeRule,
    /// The static credential; `None` for OAuth, whose token is in the slot.
    pub(crate) credential: Result<Credential, Unusable>,
    /// The token as it was stored when this was read.
    pub(crate) token: Option<Arc<Held>>,
    /// The token row's generation when this was read; it grows even when the token goes.
    pub(crate) generation: i64,
    pub(crate) slot: Arc<Slot>,
    pub(crate) room: Arc<Room>,
    /// Host of the base URL, for the call log.
    pub(crate) host: Arc<str>,
    /// The way to the base URL, once the guard has judged it.
    pub(crate) upstream: OnceLock<Arc<Upstream>>,
    epoch: u64,
    stamp: Option<Stamp>,
    /// Nanoseconds after `Known::origin` at which it was last compared with the store.
    compared: AtomicU64,
    /// Another process has changed the rows since.
    outdated: AtomicBool,
}

/// Why a stored credential can't be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unusable {
    /// It can't be unsealed.
    Unreadable,
    /// It was wiped or never given.
    Missing,
}

/// The connections that were used lately.
pub(crate) struct Known {
    by_name: RwLock<HashMap<String, Arc<Loaded>>>,
    slots: Mutex<HashMap<ConnectionId, Arc<Slot>>>,
    trips: Mutex<HashMap<ConnectionId, Trip>>,
    origin: Instant,
}

impl Default for Known {
    fn default() -> Known {
        Known {
            by_name: RwLock::default(),
            slots: Mutex::default(),
            trips: Mutex::default(),
            origin: Instant::now(),
        }
    }
}

/// Whether an entry may be used as it is.
pub(crate) enum Memory {
    /// As it is.
    Yes(Arc<Loaded>),
    /// Only if the store still has this stamp.
    Compare(Arc<Loaded>),
    /// There is none, or it is outdated.
    No,
}

impl Known {
    /// The slot of a connection's token: one per process, however often the connection is read.
    pub(crate) fn slot(&self, id: &ConnectionId) -> Arc<Slot> {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(id.clone()).or_default())
    }

    /// Takes note of how a sign-in goes; the newest one counts.
    pub(crate) fn trip(&self, id: &ConnectionId, trip: Trip) {
        let mut trips = self.trips.lock().unwrap_or_else(PoisonError::into_inner);
        trips.insert(id.clone(), trip);
    }

    /// A new sign-in makes the last one's end uninteresting.
    pub(crate) fn trip_begun(&self, id: &ConnectionId) {
        let mut trips = self.trips.lock().unwrap_or_else(PoisonError::into_inner);
        trips.remove(id);
    }

    /// How the newest sign-in of a connection went in this process.
    pub(crate) fn last_trip(&self, id: &ConnectionId) -> Option<Trip> {
        let trips = self.trips.lock().unwrap_or_else(PoisonError::into_inner);
        trips.get(id).cloned()
    }

    /// Looks a connection up by name.
    pub(crate) fn get(&self, name: &str, epoch: impl Fn(&ConnectionId) -> u64) -> Memory {
        let found = {
            let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
            match by_name.get(name) {
                Some(loaded) => Arc::clone(loaded),
                None => return Memory::No,
            }
        };
        let outdated = found.outdated.load(Ordering::Relaxed);
        if outdated || epoch(&found.connection.id) != found.epoch {
            return Memory::No;
        }
        let now = self.elapsed();
        let compared = found.compared.load(Ordering::Relaxed);
        if now.saturating_sub(compared) < nanos(BELIEVED) {
            return Memory::Yes(found);
        }
        // Whoever moves the mark does the comparing; the others go on with what they have.
        let mine = found
            .compared
            .compare_exchange(compared, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if mine {
            Memory::Compare(found)
        } else {
            Memory::Yes(found)
        }
    }

    /// The id that a name had when it was last read.
    pub(crate) fn id_of(&self, name: &str) -> Option<ConnectionId> {
        let by_name = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        by_name.get(name).map(|loaded| loaded.connection.id.clone())
    }

    /// Forgets whose a name was.
    pub(crate) fn drop_name(&self, name: &str) {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        by_name.remove(name);
    }

    pub(crate) fn put(&self, loaded: &Arc<Loaded>) {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        by_name.insert(key(&loaded.connection.name), Arc::clone(loaded));
    }

    /// Drops what is known of a connection.
    pub(crate) fn forget(&self, connection: &Connection) {
        let mut by_name = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        by_name.retain(|_, loaded| loaded.connection.id != connection.id);
        drop(by_name);
        self.slot(&connection.id).forget();
    }

    fn elapsed(&self) -> u64 {
        nanos(self.origin.elapsed())
    }

    /// Joins what was read into an entry that counts as just compared.
    pub(crate) fn entry(&self, parts: Parts) -> Loaded {
        let slot = self.slot(&parts.connection.id);
        Loaded {
            named: Named {
                id: parts.connection.id.clone(),
                name: parts.connection.name.clone(),
            },
            room: slot.room(parts.connection.settings.concurrency),
            slot,
            host: parts
                .connection
                .settings
                .base_url
                .as_ref()
                .map_or_else(|| Arc::from(""), |url| Arc::from(host_of(url))),
            connection: parts.connection,
            origins: parts.origins,
            trust: parts.trust,
            rules: parts.rules,
            credential: parts.credential,
            token: parts.token,
            generation: parts.generation,
            upstream: OnceLock::new(),
            epoch: parts.epoch,
            stamp: parts.stamp,
            compared: AtomicU64::new(self.elapsed()),
            outdated: AtomicBool::new(false),
        }
    }
}

/// A sign-in after it came back; shown for a while, decided upon by nobody.
#[derive(Debug, Clone)]
pub(crate) enum Trip {
    /// The code is being exchanged.
    Finishing,
    /// It is over.
    Ended(LastAuthorization),
}

impl Trip {
    pub(crate) fn authorized(ended_at: Timestamp) -> Trip {
        Trip::Ended(LastAuthorization {
            ended_at,
            result: "authorized",
            code: None,
            detail: None,
        })
    }

    pub(crate) fn failed(ended_at: Timestamp, code: &str, detail: String) -> Trip {
        Trip::Ended(LastAuthorization {
            ended_at,
            result: "failed",
            code: Some(code.to_owned()),
            detail: Some(detail),
        })
    }
}

/// What an entry is made of; `epoch` and `stamp` were read *before* the connection.
pub(crate) struct Parts {
    pub(crate) connection: Connection,
    pub(crate) origins: Vec<Origin>,
    pub(crate) trust: Certificates,
    pub(crate) rules: ScopeRule,
    pub(crate) credential: Result<Credential, Unusable>,
    pub(crate) token: Option<Arc<Held>>,
    pub(crate) generation: i64,
    pub(crate) epoch: u64,
    pub(crate) stamp: Option<Stamp>,
}

impl Loaded {
    /// Takes note that the store has something newer.
    pub(crate) fn outdate(&self) {
        self.outdated.store(true, Ordering::Relaxed);
    }

    /// Whether the store still has what this entry was read from.
    pub(crate) fn is(&self, stamp: Option<Stamp>) -> bool {
        stamp.is_some() && stamp == self.stamp
    }
}

/// Names are unique ignoring case, and so is the key.
pub(crate) fn key(name: &ConnectionName) -> String {
    name.as_str().to_ascii_lowercase()
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
