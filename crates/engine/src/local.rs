//! The engine of one process: who works on which run is in the store, so any number of processes may do it.

mod catalog;
mod deliver;
mod drive;
mod fire;
mod gathered;
mod intake;
mod matchers;
mod people;
mod plan;
mod retry;
mod scheduler;
mod start;
mod triggers;
mod waiters;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connect::Connector;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};
use store::{RunId, Store};
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::definitions::Definitions;
use crate::perform::Performer;
use crate::worker::{WorkerConfig, Workers};

pub use deliver::Delivered;
pub use gathered::Trouble;
pub use people::{Decision, Verdict};
pub(crate) use plan::DEEPEST;
pub use retry::From;
pub use scheduler::Health;
pub(crate) use scheduler::LATE;
pub use start::{Start, Started, Subject};
pub use triggers::Waiting;
pub use waiters::{Answer, Outcome, Reply};

/// Whether other processes may work on the same store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Company {
    /// No: what another process left is taken over at once.
    Alone,
    /// Yes: what another process holds is taken over when its lease lapses.
    Others,
}

/// What the engine is told at start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Names this process, this time: never the same twice.
    pub incarnation: String,
    /// Whether other processes may work on the same store.
    pub company: Company,
    /// How long this process may be silent before others take its runs over.
    pub lease: SignedDuration,
    /// How often the store is asked for what others left to do, at least.
    pub poll: Duration,
    /// How many runs are worked on at once.
    pub concurrency: usize,
    /// How heavy expressions are evaluated.
    pub worker: Option<WorkerConfig>,
    /// Where people reach this installation: the base of approval links.
    pub public_url: Url,
    /// Values that stand for secrets and connections of these names: runs in the foreground.
    pub given: Map<String, Value>,
}

impl Config {
    /// The usual settings, with a random incarnation and no worker.
    pub fn new(public_url: Url) -> Config {
        Config {
            incarnation: format!("engine-{:032x}", random()),
            company: Company::Alone,
            lease: SignedDuration::from_secs(15),
            poll: Duration::from_secs(1),
            concurrency: 2_000,
            worker: None,
            public_url,
            given: Map::new(),
        }
    }
}

/// 128 random bits.
fn random() -> u128 {
    let mut bytes = [0_u8; 16];
    aws_lc_rs::rand::fill(&mut bytes).expect("the system's random generator works");
    u128::from_be_bytes(bytes)
}

/// The engine of one process; clones share it.
#[derive(Clone)]
pub struct Local {
    inner: Arc<Inner>,
}

/// What everything in the engine shares.
struct Inner {
    store: Store,
    config: Config,
    definitions: Arc<Definitions>,
    performer: Performer,
    workers: Workers,
    tracker: TaskTracker,
    cancel: CancellationToken,
    /// The runs that this process works on, and how to tell one that it has a letter.
    live: Mutex<HashMap<RunId, Arc<Notify>>>,
    room: Arc<Semaphore>,
    /// Tells the scheduler to look.
    wake: Notify,
    waiters: waiters::Waiters,
    triggers: triggers::Triggers,
    matchers: matchers::Matchers,
    health: scheduler::Watch,
}

impl Local {
    /// Sets the engine up and starts its scheduler on the tracker; it ends when `cancel` is cancelled.
    pub fn new(
        store: Store,
        connector: Connector,
        config: Config,
        tracker: TaskTracker,
        cancel: CancellationToken,
    ) -> Local {
        let definitions = Arc::new(Definitions::new(store.clone(), config.given.clone()));
        let inner = Arc::new(Inner {
            performer: Performer::new(connector, Arc::clone(&definitions)),
            workers: Workers::new(config.worker.clone()),
            room: Arc::new(Semaphore::new(config.concurrency)),
            store,
            definitions,
            cancel,
            live: Mutex::default(),
            wake: Notify::new(),
            waiters: waiters::Waiters::default(),
            triggers: triggers::Triggers::default(),
            matchers: matchers::Matchers::default(),
            health: scheduler::Watch::default(),
            tracker,
            config,
        });
        scheduler::spawn(&inner);
        Local { inner }
    }

    /// Makes the scheduler look now, without waiting for its next round.
    pub fn look(&self) {
        self.inner.wake.notify_one();
        let live = self
            .inner
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        for nudge in live.values() {
            nudge.notify_one();
        }
    }

    /// How many runs this process works on.
    pub fn live(&self) -> usize {
        self.inner
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len()
    }

    /// Whether there is no place for another run.
    pub(crate) fn is_full(&self) -> bool {
        self.inner.room.available_permits() == 0
    }

    /// How the scheduler is doing.
    pub fn health(&self) -> Health {
        self.inner.health.read(self.inner.now())
    }
}

impl Local {
    /// What other files of the room need of it.
    pub(crate) fn parts(&self) -> (&Store, &Definitions) {
        (&self.inner.store, &self.inner.definitions)
    }

    /// What calls through a connection need against what it holds, where that is known.
    pub(crate) async fn judge_calls(
        &self,
        actor: &store::Actor,
        name: &store::ConnectionName,
        calls: Vec<connect::GraphCall>,
    ) -> Result<Option<connect::Permissions>, store::Error> {
        let performer = &self.inner.performer;
        performer.permissions(actor, name, calls).await
    }

    /// Makes the triggers of a flow those of its current version.
    pub(crate) async fn rearm(&self, record: &store::FlowRecord) -> Result<(), crate::Error> {
        let definition = self
            .inner
            .definitions
            .load(&record.id, record.current)
            .await?;
        self.inner.arm(&record.id, record, &definition).await
    }
}

impl Inner {
    fn now(&self) -> Timestamp {
        self.store.clock().now()
    }

    /// These runs have letters now: whoever works on one here is told, for the others the scheduler looks.
    fn tell(&self, runs: &[RunId]) {
        if runs.is_empty() {
            return;
        }
        let live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        for run in runs {
            if let Some(nudge) = live.get(run) {
                nudge.notify_one();
            }
        }
        drop(live);
        self.wake.notify_one();
    }

    /// Makes a run known as worked on here.
    fn enter(&self, run: &RunId) -> Arc<Notify> {
        let nudge = Arc::new(Notify::new());
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        live.insert(run.clone(), Arc::clone(&nudge));
        nudge
    }

    /// Forgets that, unless the run has come back meanwhile.
    fn leave(&self, run: &RunId, nudge: &Arc<Notify>) {
        let mut live = self.live.lock().unwrap_or_else(PoisonError::into_inner);
        if live.get(run).is_some_and(|known| Arc::ptr_eq(known, nudge)) {
            live.remove(run);
        }
    }
}
