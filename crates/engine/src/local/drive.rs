//! A run in memory: its machine, what is under way for it, and the loop that goes on with it until it waits or ends.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use flow::machine::{Machine, Sent};
use flow::{CloudEvent, Command, CommandId, Recorded, Status};
use jiff::Timestamp;
use store::failpoint::{self, Fault, Place};
use store::{
    Actor, Committed, Next, Parent, ParkedFor, Progress, Redactor, Role, RunId, RunStatus, Trigger,
    Unread,
};
use tokio::sync::{Notify, OwnedSemaphorePermit};
use tokio::task::{AbortHandle, Id, JoinSet};

use super::intake::Batch;
use super::plan::{Plan, Work};
use super::start::Draft;
use super::{Inner, Outcome};
use crate::definitions::Definition;
use crate::perform::{Caller, Done};

/// What a call has on top of its task's own `timeout`.
const MARGIN: Duration = Duration::from_secs(5);

/// A run that this process works on.
pub(super) struct Drive {
    pub(super) engine: Arc<Inner>,
    pub(super) run: RunId,
    pub(super) epoch: i64,
    /// Where the next line goes.
    pub(super) position: i64,
    pub(super) parent: Option<Parent>,
    pub(super) trigger: Trigger,
    pub(super) depth: u32,
    pub(super) definition: Arc<Definition>,
    /// Gone once it failed.
    pub(super) machine: Option<Machine>,
    /// Whether its machine is worked off the async threads, since it took long once.
    pub(super) slow: bool,
    /// The status that is stored.
    pub(super) stored: RunStatus,
    /// The time of the last line.
    pub(super) last: Timestamp,
    pub(super) parked: BTreeMap<CommandId, ParkedFor>,
    /// Commands whose `Sent` does not count: it is known that they were not sent.
    pub(super) unsent: BTreeSet<CommandId>,
    /// Whether nothing new is begun, since the process is being stopped.
    pub(super) stopping: bool,
    pub(super) caller: Arc<Caller>,
    pub(super) busy: JoinSet<Done>,
    pub(super) doing: HashMap<Id, (CommandId, AbortHandle)>,
    pub(super) nudge: Arc<Notify>,
}

/// Whether a run stays in memory.
#[derive(PartialEq, Eq)]
enum Stay {
    Yes,
    No,
}

impl Drop for Drive {
    fn drop(&mut self) {
        self.engine.leave(&self.run, &self.nudge);
    }
}

impl Drive {
    pub(super) fn new(
        engine: Arc<Inner>,
        draft: &Draft,
        machine: Machine,
        redactors: (Redactor, Arc<Redactor>),
    ) -> Drive {
        let definition = Arc::clone(&draft.definition);
        // The call log says which run called; what it may is what an operator may.
        let actor = Actor {
            id: draft.run.to_string(),
            name: definition.name(),
            role: Role::Operator,
        };
        let needs = definition.flow.settings.on_connection_needs;
        Drive {
            nudge: engine.enter(&draft.run),
            engine,
            run: draft.run.clone(),
            epoch: 1,
            position: 0,
            parent: draft.parent.clone(),
            trigger: draft.trigger.clone(),
            depth: draft.depth,
            definition,
            machine: Some(machine),
            slow: false,
            stored: RunStatus::Running,
            last: Timestamp::MIN,
            parked: BTreeMap::new(),
            unsent: BTreeSet::new(),
            stopping: false,
            caller: Arc::new(Caller::new(draft.run.clone(), actor, needs, redactors)),
            busy: JoinSet::new(),
            doing: HashMap::new(),
        }
    }

    /// The first step of a new run: that it began, and with which secrets.
    pub(super) async fn first(&mut self, lines: Vec<Recorded>) -> Plan {
        self.plan(lines, Vec::new()).await
    }

    /// The first step is stored; answers the run if it goes on here.
    pub(super) async fn begun(
        mut self,
        plan: Plan,
        (position, next): (i64, Next),
        committed: Committed,
    ) -> Option<Drive> {
        self.position = position;
        match self.stored_step(plan, &next, committed).await {
            Stay::Yes => Some(self),
            Stay::No => None,
        }
    }

    /// What is known of a run that was claimed.
    pub(super) fn taken_up(&mut self, run: &store::Run, position: i64, last: Timestamp) {
        self.epoch = run.epoch;
        self.position = position;
        self.last = last;
        self.stored = run.status;
        for parked in &run.parked {
            if matches!(parked.reason, ParkedFor::Connection { .. }) {
                self.unsent.insert(CommandId(parked.command.clone()));
            }
        }
    }

    /// Takes a run up where its journal ends, perhaps with changed secrets: what it waits for is looked at again, and what was under way is done again.
    pub(super) async fn resume(
        mut self,
        changed: Option<Recorded>,
        read: Vec<store::Received>,
    ) -> Option<Drive> {
        let mut batch = Batch::default();
        batch.events.extend(changed);
        self.due(self.now(), &mut batch);
        self.letters(read, &mut batch);
        let mut abandoned = Vec::new();
        let mut progress = Vec::new();
        for event in batch.events {
            progress.push(event.clone());
            let commands = self.apply(event).await;
            let gone = |command: &Command| matches!(command, Command::Abandon { .. });
            abandoned.extend(commands.into_iter().filter(gone));
        }
        let pending = self.pending(|_| true);
        abandoned.extend(pending);
        let mut plan = self.plan(Vec::new(), abandoned).await;
        let lines: Vec<store::Line> = progress.iter().map(super::plan::line).collect();
        plan.progress.lines.splice(0..0, lines);
        plan.progress.read_until = batch.read_until;
        match self.carry_out(plan).await {
            Stay::Yes => Some(self),
            Stay::No => None,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        self.engine.now().max(self.last)
    }

    pub(super) fn status(&self) -> Option<&Status> {
        self.machine.as_ref().map(Machine::status)
    }

    pub(super) fn is_busy(&self) -> bool {
        !self.busy.is_empty()
    }

    /// The pending commands that a condition lets through.
    pub(super) fn pending(&self, wanted: impl Fn(&CommandId) -> bool) -> Vec<Command> {
        let machine = self.machine.iter();
        let pending = machine.flat_map(Machine::pending);
        pending
            .filter(|pending| wanted(pending.command.id()))
            .map(|pending| pending.command.clone())
            .collect()
    }

    /// Whether it is recorded that a command was sent.
    pub(super) fn sent(&self, id: &CommandId) -> Sent {
        let machine = self.machine.iter();
        let mut pending = machine.flat_map(Machine::pending);
        pending
            .find(|pending| pending.command.id() == id)
            .map_or(Sent::No, |pending| pending.sent)
    }

    /// The next timer.
    pub(super) fn soonest(&self) -> Option<Timestamp> {
        let machine = self.machine.iter();
        let pending = machine.flat_map(Machine::pending);
        pending
            .filter_map(|pending| match &pending.command {
                Command::Sleep { until, .. } => Some(*until),
                _ => None,
            })
            .min()
    }

    /// Goes on until the run waits or ends, or somebody else has it.
    pub(super) async fn work(mut self, room: OwnedSemaphorePermit) {
        loop {
            let batch = self.next().await;
            if self.step(batch).await == Stay::No {
                break;
            }
        }
        let engine = Arc::clone(&self.engine);
        drop(self);
        // Others may wait for this place.
        if engine.room.available_permits() == 0 {
            engine.wake.notify_one();
        }
        drop(room);
    }

    async fn step(&mut self, batch: Batch) -> Stay {
        let again = batch.again;
        let fresh = self.pending(|id| again.contains(id));
        let mut plan = self.plan(batch.events, fresh).await;
        for (id, call) in batch.ready {
            let still = !self.pending(|other| *other == id).is_empty();
            if still && !self.stopping {
                self.plan_ready(&mut plan, id, call).await;
                plan.progress.next = self.going();
            }
        }
        plan.progress.read_until = batch.read_until;
        self.carry_out(plan).await
    }

    fn going(&mut self) -> Next {
        let status = (self.stored != RunStatus::Running).then_some(RunStatus::Running);
        self.stored = RunStatus::Running;
        Next::Go { status }
    }

    /// Stores a step, does what it wants done, and whatever follows from that at once.
    async fn carry_out(&mut self, mut plan: Plan) -> Stay {
        if plan.changes_nothing() {
            return self
                .stored_step(plan, &Next::Go { status: None }, Committed::default())
                .await;
        }
        let progress = Arc::new(plan.take());
        if failpoint::is_planted(Fault::ApplyBeforeAppend) {
            self.perform_all(&mut plan);
        }
        match self.commit(&progress, &plan.published).await {
            Some(committed) => {
                self.position = progress.position + lines(&progress);
                self.stored_step(plan, &progress.next, committed).await
            }
            None => Stay::No,
        }
    }

    /// What comes after a commit. Nothing that a machine wants done is done before.
    async fn stored_step(&mut self, plan: Plan, next: &Next, committed: Committed) -> Stay {
        let mut plan = plan;
        let (mut next, mut committed) = (next.clone(), committed);
        loop {
            failpoint::reach(Place::ResultCommitted);
            for reply in plan.replies.drain(..) {
                self.engine
                    .waiters
                    .answer(&self.run, &Outcome::Replied(reply));
            }
            self.engine.tell(&committed.told);
            for id in plan.abandoned.drain(..) {
                self.stop(&id);
            }
            if let Some(outcome) = plan.ended.take() {
                failpoint::reach(Place::RunEnded);
                self.busy.abort_all();
                metrics::counter!("keyway_runs_total", "status" => outcome.word()).increment(1);
                self.engine.waiters.answer(&self.run, &outcome);
                return Stay::No;
            }
            failpoint::reach(Place::BeforeNextStep);
            self.perform_all(&mut plan);
            let following = self.following(&mut plan, &next, committed).await;
            let Some(mut after) = following else {
                return match next {
                    Next::Go { .. } => Stay::Yes,
                    Next::Wait { wake_at, .. } => {
                        if wake_at.is_some() {
                            self.engine.wake.notify_one();
                        }
                        Stay::No
                    }
                    Next::End { .. } => Stay::No,
                };
            };
            if after.changes_nothing() {
                (next, committed) = (Next::Go { status: None }, Committed::default());
            } else {
                let progress = Arc::new(after.take());
                let Some(stored) = self.commit(&progress, &after.published).await else {
                    return Stay::No;
                };
                self.position = progress.position + lines(&progress);
                (next, committed) = (progress.next.clone(), stored);
            }
            plan = after;
        }
    }

    /// What follows at once from what was stored: the answers of tables, and letters that came meanwhile.
    async fn following(
        &mut self,
        plan: &mut Plan,
        next: &Next,
        committed: Committed,
    ) -> Option<Plan> {
        let tables = std::mem::take(&mut plan.tables);
        if !tables.is_empty() {
            // Their lines are stored: they are only applied here.
            let mut commands = Vec::new();
            for (call, answer) in tables.into_iter().zip(&committed.tables) {
                let event = super::catalog::table_event(&call, answer);
                commands.extend(self.apply(event).await);
            }
            return Some(self.plan(Vec::new(), commands).await);
        }
        let kept = matches!(next, Next::Wait { .. }) && committed.unread == Unread::Yes;
        if !kept {
            return None;
        }
        self.stored = RunStatus::Running;
        let mut batch = Batch::default();
        match self.engine.store.runs().letters(&self.run).await {
            Ok(read) => self.letters(read, &mut batch),
            Err(error) => {
                tracing::warn!(run = %self.run, %error, "the letters of a run can't be read now");
                self.nudge.notify_one();
            }
        }
        let again = std::mem::take(&mut batch.again);
        let fresh = self.pending(|id| again.contains(id));
        let mut plan = self.plan(batch.events, fresh).await;
        plan.progress.read_until = batch.read_until;
        Some(plan)
    }

    /// Stops what is under way for a command.
    fn stop(&mut self, id: &CommandId) {
        self.doing.retain(|_, (other, handle)| {
            if other == id {
                handle.abort();
                return false;
            }
            true
        });
    }

    fn perform_all(&mut self, plan: &mut Plan) {
        for (id, work) in plan.perform.drain(..) {
            failpoint::reach(Place::SentRecorded);
            self.perform(id, work);
        }
    }

    fn perform(&mut self, id: CommandId, work: Work) {
        let (engine, caller) = (Arc::clone(&self.engine), Arc::clone(&self.caller));
        let command = id.clone();
        let patience = self.patience(&id);
        let doing = async move {
            match work {
                Work::Call(call) => {
                    let asked = (&command, patience);
                    engine.performer.call(&caller, asked, &call).await
                }
                Work::Evaluate(task) => Done::Result {
                    result: engine.workers.evaluate(caller.run.as_str(), &task).await,
                    explanation: None,
                },
            }
        };
        let handle = self.busy.spawn(self.engine.tracker.track_future(doing));
        self.doing.insert(handle.id(), (id, handle));
    }

    /// How long a call may take: as long as the task's own `timeout` says, and a little more, so that it is the flow which ends it.
    fn patience(&self, id: &CommandId) -> Option<Duration> {
        // A part of a task, such as one page of a list, has the task's name before its own.
        let part = id.0.rsplit_once('#').map_or(&*id.0, |(task, _)| task);
        let is_own = |timer: &CommandId| {
            let around = timer.0.strip_suffix("#timeout");
            around.is_some_and(|around| around == id.0 || around == part)
        };
        let timers = self.pending(is_own);
        timers.into_iter().find_map(|timer| match timer {
            Command::Sleep { until, .. } => {
                let left = until.duration_since(self.now());
                Some(Duration::try_from(left).unwrap_or_default() + MARGIN)
            }
            _ => None,
        })
    }

    /// Stores a step, however long the database is away: what was done must not be lost, and a run not be left owned.
    /// `None`: somebody else has the run.
    async fn commit(
        &mut self,
        step: &Arc<Progress>,
        published: &[CloudEvent],
    ) -> Option<Committed> {
        let mut pause = Duration::from_millis(50);
        let mut whole = self.whole(step, published).await;
        loop {
            match self.engine.store.runs().commit(Arc::clone(&whole)).await {
                Ok(committed) => return Some(committed),
                Err(store::Error::Fenced { .. }) => {
                    tracing::info!(run = %self.run, "the run has another owner, or was stored after all");
                    self.engine.look_after(&self.run, self.epoch);
                    return None;
                }
                // What a trigger had gathered has changed meanwhile.
                Err(store::Error::Conflict { .. }) if !published.is_empty() => {
                    whole = self.whole(step, published).await;
                }
                Err(error) => {
                    self.engine.health.failed("commit", &error);
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(Duration::from_secs(5));
                }
            }
        }
    }
}

pub(super) fn lines(progress: &Progress) -> i64 {
    i64::try_from(progress.lines.len()).unwrap_or(i64::MAX)
}
