//! API keys in memory: hash → who it is and until when.
//!
//! A key is looked up in the store at most about once a second, however many
//! requests carry it, and what memory says is never older than a second: a key
//! revoked by another process stops working within that time, one revoked by
//! this process at once. Keys themselves are not kept, only their hashes.
//! Unknown keys are not remembered.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::digest::{SHA256, digest};
use jiff::{SignedDuration, Timestamp};
use oauth::Secret;
use store::Actor;
use tokio::sync::Mutex;

use crate::app::App;
use crate::problem::Problem;

/// From this age on an entry is looked up again behind the caller's back.
const STALE: SignedDuration = SignedDuration::from_millis(500);
/// Beyond this age an entry is not used.
const DEAD: SignedDuration = SignedDuration::from_secs(1);
/// So many entries are kept before dead ones are swept out.
const CAPACITY: usize = 4096;
/// Lookups of different keys rarely wait for each other.
const SHARDS: usize = 64;

type Hash = [u8; 32];

/// Whose token it is.
pub(crate) enum Holder {
    /// The owner of the data directory.
    Local,
    /// The API key.
    Key(Arc<Actor>),
}

struct Entry {
    actor: Arc<Actor>,
    expires_at: Timestamp,
    checked_at: Timestamp,
    refreshing: AtomicBool,
}

/// The API keys that were used of late.
pub(crate) struct KeyCache {
    local: Option<Hash>,
    entries: RwLock<HashMap<Hash, Arc<Entry>>>,
    lookups: [Mutex<()>; SHARDS],
}

impl KeyCache {
    pub(crate) fn new(local: Option<&Secret>) -> KeyCache {
        KeyCache {
            local: local.map(|token| hash(token.expose())),
            entries: RwLock::default(),
            lookups: std::array::from_fn(|_| Mutex::new(())),
        }
    }

    /// Finds the holder of a token; `None` for one that is unknown, revoked or expired.
    pub(crate) async fn find(&self, app: &App, token: &str) -> Result<Option<Holder>, Problem> {
        let hash = hash(token);
        if self
            .local
            .is_some_and(|local| verify_slices_are_equal(&local, &hash).is_ok())
        {
            return Ok(Some(Holder::Local));
        }
        let now = app.clock().now();
        let entry = match self.cached(&hash, now) {
            Some(entry) => {
                let age = now.duration_since(entry.checked_at);
                if age >= STALE && !entry.refreshing.swap(true, Ordering::Relaxed) {
                    refresh_behind(app, Secret::new(token), hash);
                }
                Some(entry)
            }
            // boxed, since every request carries this future and hardly one runs it
            None => Box::pin(self.look_up(app, token, hash)).await?,
        };
        let valid = entry.filter(|entry| now < entry.expires_at);
        Ok(valid.map(|entry| Holder::Key(Arc::clone(&entry.actor))))
    }

    /// Forgets a key that was revoked here.
    pub(crate) fn forget(&self, id: &str) {
        self.entries
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|_, entry| entry.actor.id != id);
    }

    fn cached(&self, hash: &Hash, now: Timestamp) -> Option<Arc<Entry>> {
        let entries = self.entries.read().unwrap_or_else(PoisonError::into_inner);
        // a clock that went backwards makes an entry old, not young
        let fresh = |entry: &&Arc<Entry>| now.duration_since(entry.checked_at).abs() < DEAD;
        entries.get(hash).filter(fresh).cloned()
    }

    /// Asks the store, one caller at a time for one key.
    async fn look_up(
        &self,
        app: &App,
        token: &str,
        hash: Hash,
    ) -> Result<Option<Arc<Entry>>, Problem> {
        let _turn = self.lookups[usize::from(hash[0]) % SHARDS].lock().await;
        let now = app.clock().now();
        if let Some(entry) = self.cached(&hash, now) {
            return Ok(Some(entry));
        }
        self.reload(app, token, hash, now).await
    }

    async fn reload(
        &self,
        app: &App,
        token: &str,
        hash: Hash,
        now: Timestamp,
    ) -> Result<Option<Arc<Entry>>, Problem> {
        let found = app.store().keys().find_by_token(token).await?;
        let entry = found.map(|key| {
            Arc::new(Entry {
                expires_at: key.expires_at,
                actor: Arc::new(key.actor()),
                checked_at: now,
                refreshing: AtomicBool::new(false),
            })
        });
        let mut entries = self.entries.write().unwrap_or_else(PoisonError::into_inner);
        match &entry {
            Some(entry) => {
                if entries.len() >= CAPACITY {
                    entries.retain(|_, entry| now.duration_since(entry.checked_at).abs() < DEAD);
                }
                entries.insert(hash, Arc::clone(entry));
            }
            None => {
                entries.remove(&hash);
            }
        }
        Ok(entry)
    }
}

/// Looks a key up again while its callers go on; if that fails, its entry dies of age.
fn refresh_behind(app: &App, token: Secret, hash: Hash) {
    let task = app.clone();
    app.tracker().spawn(async move {
        let now = task.clock().now();
        if let Err(problem) = task.keys().reload(&task, token.expose(), hash, now).await {
            tracing::warn!(
                code = problem.code(),
                "an API key could not be looked up again"
            );
        }
    });
}

fn hash(token: &str) -> Hash {
    let mut hash = Hash::default();
    hash.copy_from_slice(digest(&SHA256, token.as_bytes()).as_ref());
    hash
}
