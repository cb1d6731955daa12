//! The scheduler: says that this process lives, takes runs that are due, and lets triggers fire.
//!
//! It looks when it is told to, when the next run or trigger is due, and once in a while. What goes wrong is never
//! swallowed: it is logged, counted and shown by [`Local::health`](super::Local::health).

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flow::machine::{Machine, Recording, Secrets};
use flow::{Fault, FaultType, Recorded, Status};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use store::failpoint::{self, Place};
use store::{Actor, ConnectionId, DueTrigger, Next, Progress, Redactor, Run, RunId, RunStatus};

use super::drive::Drive;
use super::start::Draft;
use super::{Company, Inner};
use crate::definitions::Definition;
use crate::{Error, secrets};

/// How many runs are taken at once.
const AT_ONCE: u32 = 200;
/// How long a run may be due before somebody must know.
pub(crate) const LATE: SignedDuration = SignedDuration::from_secs(30);
/// How often runs are woken for the same connection while nothing about it changed.
const AGAIN: Duration = Duration::from_secs(30);
/// How often this process looks whether it owns a run that it does not work on.
const STRANDED: Duration = Duration::from_secs(5);
/// How often finished runs are looked through.
const SWEEP: Duration = Duration::from_mins(10);

/// How the scheduler is doing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Health {
    /// What fails now, and since when.
    pub failing: Option<(String, Timestamp)>,
    /// How long the run that is due for longest has been waiting.
    pub oldest_due: SignedDuration,
}

impl Health {
    /// Whether somebody must act.
    pub fn is_alarming(&self) -> bool {
        self.failing.is_some() || self.oldest_due > LATE
    }
}

/// What the scheduler keeps about itself.
#[derive(Default)]
pub(super) struct Watch(Mutex<Watched>);

#[derive(Default)]
struct Watched {
    failing: Option<(String, Instant)>,
    oldest_due: SignedDuration,
}

impl Watch {
    pub(super) fn read(&self, now: Timestamp) -> Health {
        let watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Health {
            failing: watched.failing.as_ref().map(|(what, since)| {
                let ago = SignedDuration::try_from(since.elapsed()).unwrap_or_default();
                (what.clone(), now.saturating_sub(ago).unwrap_or(now))
            }),
            oldest_due: watched.oldest_due,
        }
    }

    pub(super) fn failed(&self, what: &'static str, error: &dyn std::fmt::Display) {
        metrics::counter!("keyway_engine_failures_total", "what" => what).increment(1);
        tracing::error!(what, %error, "runs can't go on as they should: the store does not do what it must");
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = watched
            .failing
            .as_ref()
            .map_or_else(Instant::now, |(_, since)| *since);
        watched.failing = Some((format!("{what}: {error}"), since));
    }

    fn works(&self, oldest: SignedDuration) {
        let mut watched = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        watched.failing = None;
        watched.oldest_due = oldest;
    }
}

/// Starts the scheduler.
pub(super) fn spawn(inner: &Arc<Inner>) {
    inner.tracker.spawn(beat(Arc::clone(inner)));
    inner.tracker.spawn(look(Arc::clone(inner)));
}

/// Says again and again that this process lives.
async fn beat(inner: Arc<Inner>) {
    let lease = inner.config.lease;
    let pause = Duration::try_from(lease / 4).unwrap_or(Duration::from_secs(1));
    loop {
        if let Err(error) = inner
            .store
            .runs()
            .beat(&inner.config.incarnation, lease)
            .await
        {
            inner.health.failed("beat", &error);
        }
        // It beats as long as runs are in memory, also while the process is being stopped.
        let stopping = inner.cancel.is_cancelled();
        let live = inner
            .live
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        if stopping && live == 0 {
            break;
        }
        let pause = if stopping {
            Duration::from_millis(50)
        } else {
            pause
        };
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = inner.cancel.cancelled(), if !stopping => {}
        }
    }
    if let Err(error) = inner.store.runs().retire(&inner.config.incarnation).await {
        tracing::warn!(%error, "others will take over what is left only when the lease lapses");
    }
}

async fn look(inner: Arc<Inner>) {
    if inner.config.company == Company::Alone {
        while let Err(error) = evict(&inner).await {
            inner.health.failed("take over", &error);
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = inner.cancel.cancelled() => return,
            }
        }
    }
    let mut looking = Looking::default();
    let mut swept: Option<Instant> = None;
    let mut stranded = Stranded::default();
    loop {
        let pause = match Box::pin(round(&inner, &mut looking)).await {
            Ok(pause) => pause,
            Err(error) => {
                inner.health.failed("claim", &error);
                inner.config.poll.min(Duration::from_secs(1))
            }
        };
        if let Err(error) = stranded.look(&inner).await {
            inner.health.failed("stranded runs", &error);
        }
        if swept.is_none_or(|since| since.elapsed() >= SWEEP) {
            swept = Some(Instant::now());
            if let Err(error) = sweep(&inner).await {
                inner.health.failed("retention", &error);
            }
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = inner.wake.notified() => {}
            () = inner.cancel.cancelled() => return,
        }
    }
}

/// Deletes runs that are older than they are kept.
async fn sweep(inner: &Inner) -> Result<u64, store::Error> {
    let kept = inner.store.retention().find(&Actor::system()).await?;
    inner.store.runs().sweep(kept.run_days, 1_000).await
}

/// Runs that this process owns and does not work on: a claim or a start was stored, but its answer was lost.
#[derive(Default)]
struct Stranded {
    looked: Option<Instant>,
    suspects: Vec<RunId>,
}

impl Stranded {
    async fn look(&mut self, inner: &Arc<Inner>) -> Result<(), store::Error> {
        if self.looked.is_some_and(|since| since.elapsed() < STRANDED) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        let runs = inner.store.runs();
        let owned = runs.owned(&inner.config.incarnation).await?;
        let before = std::mem::take(&mut self.suspects);
        for run in owned {
            let live = inner
                .live
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .contains_key(&run);
            if live {
                continue;
            }
            // One that is just being taken up looks like this too, but not twice in a row.
            if !before.contains(&run) {
                self.suspects.push(run);
            } else if let Some(found) = runs.find(&Actor::system(), &run).await?
                && found.owner.as_deref() == Some(inner.config.incarnation.as_str())
            {
                tracing::warn!(%run, "a run that nobody worked on is taken up again");
                inner.take_up(found);
            }
        }
        Ok(())
    }
}

/// Whoever is alone takes over at once what others left; it must be known as living first.
async fn evict(inner: &Arc<Inner>) -> Result<(), store::Error> {
    let runs = inner.store.runs();
    runs.beat(&inner.config.incarnation, inner.config.lease)
        .await?;
    runs.evict_others(&inner.config.incarnation).await
}

/// What one round leaves to the next.
#[derive(Default)]
struct Looking {
    /// The connections that runs wait for: what was known of each, and when that was.
    connections: HashMap<ConnectionId, (u64, Instant)>,
    /// The last of the triggers that were dealt with, if others are due behind it.
    fired: Option<DueTrigger>,
}

/// One look at everything; answers how long it may be until the next.
async fn round(inner: &Arc<Inner>, looking: &mut Looking) -> Result<Duration, Error> {
    let fired = inner.fire(&mut looking.fired).await;
    if let Err(error) = &fired {
        inner.health.failed("fire", error);
    }
    wake_parked(inner, &mut looking.connections).await?;
    if inner.config.company == Company::Others {
        let told = inner
            .store
            .runs()
            .with_letters(&inner.config.incarnation)
            .await;
        let told = told?;
        let live = inner.live.lock().unwrap_or_else(PoisonError::into_inner);
        for run in &told {
            if let Some(nudge) = live.get(run) {
                nudge.notify_one();
            }
        }
    }
    let oldest = claim(inner).await?;
    if oldest > LATE {
        tracing::error!(
            seconds = oldest.as_secs(),
            "a run had been due for long before anybody took it"
        );
    }
    match fired {
        Ok(true) => return Ok(Duration::ZERO),
        Ok(false) => inner.health.works(oldest),
        Err(_) => {}
    }
    let now = inner.now();
    let next = [
        inner.store.runs().next_due().await?,
        inner.store.schedules().next_due(now).await?,
    ];
    // What is due and could not be taken is looked at again in a while, not at once.
    let soonest = next.into_iter().flatten().filter(|at| *at > now).min();
    let until = soonest.map_or(inner.config.poll, |at| {
        Duration::try_from(at.duration_since(now)).unwrap_or_default()
    });
    Ok(until.clamp(Duration::from_millis(1), inner.config.poll))
}

/// Takes runs that are due for as long as there is room; answers how long the one that was due for longest had been.
async fn claim(inner: &Arc<Inner>) -> Result<SignedDuration, Error> {
    let mut oldest = SignedDuration::ZERO;
    loop {
        let now = inner.now();
        let due = inner.store.runs().next_due().await?;
        let lapsed = inner
            .store
            .runs()
            .anyone_lapsed(&inner.config.incarnation)
            .await;
        if due.is_none_or(|due| due > now) && !lapsed? {
            break;
        }
        let room = u32::try_from(inner.room.available_permits()).unwrap_or(AT_ONCE);
        if room == 0 {
            oldest = due.map_or(oldest, |due| now.duration_since(due));
            break;
        }
        let claimed = inner
            .store
            .runs()
            .claim(&inner.config.incarnation, room.min(AT_ONCE))
            .await?;
        failpoint::reach(Place::RunClaimed);
        oldest = oldest.max(claimed.oldest);
        if claimed.taken_over > 0 {
            tracing::info!(
                runs = claimed.taken_over,
                "took runs over whose owner is gone"
            );
        }
        if claimed.runs.is_empty() {
            break;
        }
        for run in claimed.runs {
            inner.take_up(run);
        }
        // The permits are taken by the tasks that were just spawned.
        tokio::task::yield_now().await;
    }
    Ok(oldest)
}

/// Wakes the runs that wait for a connection which is usable again.
async fn wake_parked(
    inner: &Arc<Inner>,
    known: &mut HashMap<ConnectionId, (u64, Instant)>,
) -> Result<(), Error> {
    let waited_for = inner.store.runs().parked_on().await?;
    known.retain(|connection, _| waited_for.contains(connection));
    for id in waited_for {
        let epoch = inner.store.epoch(&id);
        let before = known.get(&id);
        let rests = before.is_some_and(|(seen, since)| *seen == epoch && since.elapsed() < AGAIN);
        if rests {
            continue;
        }
        let connection = inner
            .store
            .connections()
            .find_by_id(&Actor::system(), &id)
            .await?;
        // One that was deleted makes the call fail, which is better than to wait for ever.
        let usable = connection.is_none_or(|connection| connection.standing.is_usable());
        if usable {
            known.insert(id.clone(), (epoch, Instant::now()));
            inner.store.runs().wake_parked(&id).await?;
        }
    }
    Ok(())
}

impl Inner {
    /// Goes on with a run that was claimed.
    fn take_up(self: &Arc<Self>, run: Run) {
        let inner = Arc::clone(self);
        self.tracker.spawn(async move {
            let Ok(room) = Arc::clone(&inner.room).acquire_owned().await else {
                return;
            };
            let (id, epoch) = (run.id.clone(), run.epoch);
            let mut pause = Duration::from_millis(50);
            loop {
                match Box::pin(inner.resume(&run)).await {
                    Ok(Some(drive)) => return drive.work(room).await,
                    Ok(None) => return,
                    Err(
                        error @ (Error::FlowInvalid(_)
                        | Error::FlowNotFound { .. }
                        | Error::SemanticsUnknown { .. }),
                    ) => {
                        return inner.give_up(&id, epoch, &error).await;
                    }
                    Err(error) => {
                        inner.health.failed("resume", &error);
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(Duration::from_secs(5));
                        if inner.cancel.is_cancelled() && pause > Duration::from_secs(1) {
                            return;
                        }
                    }
                }
            }
        });
    }

    /// Reads a run's journal and plays it again.
    async fn resume(self: &Arc<Self>, run: &Run) -> Result<Option<Drive>, Error> {
        let definition = self.definitions.load(&run.flow, run.version).await?;
        let secrets = self.definitions.secrets(&definition).await?;
        let lines = self.store.runs().journal(&run.id).await?;
        let letters = self.store.runs().letters(&run.id).await?;
        let position = i64::try_from(lines.len()).unwrap_or(i64::MAX);
        let (played, record) = (Arc::clone(&definition), run.clone());
        let now = self.now();
        let replayed = move || replay(&played, &record, lines, &secrets, now);
        let replayed = tokio::task::spawn_blocking(replayed).await;
        let replayed = replayed.map_err(|_| Error::Stopping)??;
        let draft = Draft {
            run: run.id.clone(),
            definition,
            input: Value::Null,
            actor: run.actor.clone(),
            trigger: run.trigger.clone(),
            key: None,
            firing: None,
            parent: run.parent.clone(),
            depth: run.depth,
        };
        let redactors = (replayed.redactor, self.definitions.shown().await?);
        let mut drive = Drive::new(Arc::clone(self), &draft, replayed.machine, redactors);
        drive.taken_up(run, position, replayed.last);
        Ok(drive.resume(replayed.changed, letters).await)
    }

    /// The output of a run that completed, as it told it: its journal is played again.
    pub(super) async fn output_of(&self, run: &Run) -> Result<Option<Value>, Error> {
        let definition = self.definitions.load(&run.flow, run.version).await?;
        let secrets = self.definitions.secrets(&definition).await?;
        let lines = self.store.runs().journal(&run.id).await?;
        let (record, now) = (run.clone(), self.now());
        let replayed = move || replay(&definition, &record, lines, &secrets, now);
        let replayed = tokio::task::spawn_blocking(replayed).await;
        let replayed = replayed.map_err(|_| Error::Stopping)??;
        Ok(match replayed.machine.status() {
            Status::Completed(output) => Some(output.clone()),
            _ => None,
        })
    }

    /// A run whose definition can't be read any more ends, and says so: it must not be looked at for ever.
    async fn give_up(&self, run: &RunId, epoch: i64, error: &Error) {
        tracing::error!(%run, %error, "a run can't go on");
        let lines = match self.store.runs().journal(run).await {
            Ok(lines) => i64::try_from(lines.len()).unwrap_or(i64::MAX),
            Err(error) => return self.health.failed("give up", &error),
        };
        let fault = Fault::new(FaultType::Configuration, error.to_string()).code(error.code());
        let mut progress = Progress::new(run.clone(), epoch, lines);
        progress.next = Next::End {
            status: RunStatus::Faulted,
            output: None,
            error: Some(fault.told()),
        };
        if let Err(error) = self.store.runs().commit(progress).await {
            self.health.failed("give up", &error);
        }
    }

    /// A step was refused. If this process is still the owner it was stored after all, and the run is read again.
    pub(super) fn look_after(self: &Arc<Self>, run: &RunId, epoch: i64) {
        let (inner, run) = (Arc::clone(self), run.clone());
        self.tracker.spawn(async move {
            let found = inner.store.runs().find(&Actor::system(), &run).await;
            match found {
                Ok(Some(found)) => {
                    let ours = found.owner.as_deref() == Some(inner.config.incarnation.as_str());
                    if ours && found.epoch == epoch {
                        inner.take_up(found);
                    }
                }
                Ok(None) => {}
                Err(error) => {
                    inner.health.failed("look after", &error);
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    inner.look_after(&run, epoch);
                }
            }
        });
    }
}

/// A journal that was played.
struct Replayed {
    machine: Machine,
    /// The time of the last line.
    last: Timestamp,
    /// Takes out all that the run has read of secrets, and what holds now.
    redactor: Redactor,
    /// The line to append where secrets have changed since they were recorded.
    changed: Option<Recorded>,
}

/// Plays a journal; not for the async threads, for it may be long.
fn replay(
    definition: &Definition,
    run: &Run,
    lines: Vec<Value>,
    secrets: &Secrets,
    now: Timestamp,
) -> Result<Replayed, Error> {
    let lines = secrets::read(lines)?;
    let first = secrets::first(&lines, secrets);
    let mut machine = definition.machine_of(run, first, Recording::Nothing)?;
    let mut last = Timestamp::MIN;
    for recorded in &lines {
        last = last.max(recorded.at);
        machine.apply(recorded);
    }
    Ok(Replayed {
        machine,
        last,
        redactor: secrets::redactor(secrets::recorded(&lines), secrets),
        changed: secrets::change(secrets::recorded(&lines).last(), secrets, now),
    })
}
