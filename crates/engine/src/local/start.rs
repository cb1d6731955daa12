//! Starting runs. Whoever accepts a start inserts the run as its own and works on it at once.

use std::sync::Arc;
use std::time::Duration;

use flow::machine::{Machine, Recording, SEMANTICS};
use flow::{CloudEvent, Event, Recorded};
use serde_json::Value;
use store::failpoint::{self, Place};
use store::{
    Actor, Begun, NewFiring, NewRun, Parent, Progress, Redactor, Role, RunId, RunStatus, Trigger,
};

use super::drive::Drive;
use super::{Answer, Inner, Local, Outcome, Reply};
use crate::Error;
use crate::definitions::Definition;

/// Which flow a run is asked for of.
#[derive(Debug, Clone)]
pub enum Subject {
    /// One that is deployed.
    Deployed {
        /// The flow's namespace.
        namespace: String,
        /// The flow's name.
        name: String,
        /// `document.version`; `None` is the current one.
        version: Option<String>,
    },
    /// This text, which is run and not deployed: no schedule, hook or other flow starts it.
    Text(String),
}

/// A run that is asked for.
#[derive(Debug, Clone)]
pub struct Start {
    /// Of which flow.
    pub subject: Subject,
    /// The raw input.
    pub input: Value,
    /// What starts it.
    pub trigger: Trigger,
    /// A key under which no second run is started.
    pub key: Option<String>,
}

/// What became of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// The run is stored.
    Now(RunId),
    /// A run was started under the same key before.
    Before(RunId),
}

impl Started {
    /// The run.
    pub fn run(&self) -> &RunId {
        match self {
            Started::Now(run) | Started::Before(run) => run,
        }
    }
}

/// A run that is about to be stored.
pub(super) struct Draft {
    pub(super) run: RunId,
    pub(super) definition: Arc<Definition>,
    pub(super) input: Value,
    pub(super) actor: String,
    pub(super) trigger: Trigger,
    pub(super) key: Option<String>,
    pub(super) firing: Option<NewFiring>,
    pub(super) parent: Option<Parent>,
    pub(super) depth: u32,
}

impl Local {
    /// Starts a run; it is durable when this returns.
    pub async fn start(&self, actor: &Actor, start: Start) -> Result<Started, Error> {
        let draft = self.inner.draft(actor, start).await?;
        self.begin(draft).await
    }

    /// Begins on a task of its own: whoever asked may go away meanwhile, and a run that is stored must be worked on.
    async fn begin(&self, draft: Draft) -> Result<Started, Error> {
        let inner = Arc::clone(&self.inner);
        let begun = async move { Box::pin(inner.begin(draft)).await };
        let begun = self.inner.tracker.spawn(begun).await;
        begun.unwrap_or(Err(Error::Stopping))
    }

    /// Starts a run and waits until it answers or ends, but not longer than `deadline`.
    pub async fn start_and_wait(
        &self,
        actor: &Actor,
        start: Start,
        deadline: Duration,
    ) -> Result<(Started, Answer), Error> {
        let draft = self.inner.draft(actor, start).await?;
        // Before it is stored: it may end in the same commit.
        let waiting = self.inner.waiters.wait(&draft.run);
        let until = tokio::time::Instant::now() + deadline;
        let started = self.begin(draft).await?;
        let run = started.run().clone();
        let outcome = match &started {
            Started::Now(_) => tokio::time::timeout_at(until, waiting).await.ok(),
            Started::Before(_) => None,
        };
        let outcome = match outcome {
            Some(Ok(outcome)) => outcome,
            _ => self.outcome(actor, &run).await?,
        };
        Ok((started, Answer { run, outcome }))
    }

    /// Waits until a run answers or ends, but not longer than `deadline`.
    pub async fn wait(
        &self,
        actor: &Actor,
        run: &RunId,
        deadline: Duration,
    ) -> Result<Outcome, Error> {
        let until = tokio::time::Instant::now() + deadline;
        loop {
            let waiting = self.inner.waiters.wait(run);
            match self.outcome(actor, run).await? {
                Outcome::Pending => {}
                outcome => return Ok(outcome),
            }
            // It may end in another process, which tells only the store.
            let look = (tokio::time::Instant::now() + self.inner.config.poll).min(until);
            if let Ok(Ok(outcome)) = tokio::time::timeout_at(look, waiting).await {
                return Ok(outcome);
            }
            if tokio::time::Instant::now() >= until {
                return self.outcome(actor, run).await;
            }
        }
    }

    /// Waits until a run ends or answers in this process from now on, whenever that is polled first; never, where it
    /// is over or elsewhere. Can be dropped.
    pub fn ended(&self, run: &RunId) -> impl Future<Output = ()> + Send + use<> {
        let waiting = self.inner.waiters.wait(run);
        async move {
            if waiting.await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// What became of a run, as whoever it answers gets it. What is stored of its output is there to be shown; where secrets
    /// were taken out of that, the journal has the output.
    pub async fn outcome(&self, actor: &Actor, run: &RunId) -> Result<Outcome, Error> {
        let runs = self.inner.store.runs();
        let found = runs.find(actor, run).await?;
        let found = found.ok_or_else(|| Error::RunNotFound {
            id: run.to_string(),
        })?;
        Ok(match found.status {
            RunStatus::Completed => {
                let shown = runs.output(actor, run).await?.unwrap_or_default();
                let whole = if Redactor::has_masked(&shown) {
                    self.inner.output_of(&found).await?
                } else {
                    None
                };
                Outcome::Completed(whole.unwrap_or(shown))
            }
            RunStatus::Faulted => Outcome::Faulted(found.error.unwrap_or_default()),
            RunStatus::Cancelled => Outcome::Cancelled,
            _ => Outcome::Pending,
        })
    }

    /// What became of a run, for people to read: without the secrets that are stored now.
    pub async fn shown(&self, outcome: Outcome) -> Result<Outcome, Error> {
        let redactor = self.inner.store.secrets().redactor().await?;
        Ok(match outcome {
            Outcome::Completed(output) => Outcome::Completed(redactor.value(output)),
            Outcome::Faulted(error) => Outcome::Faulted(redactor.value(error)),
            Outcome::Replied(reply) => Outcome::Replied(Reply {
                body: redactor.value(reply.body),
                ..reply
            }),
            other @ (Outcome::Cancelled | Outcome::Pending) => other,
        })
    }
}

impl Inner {
    async fn draft(&self, actor: &Actor, start: Start) -> Result<Draft, Error> {
        actor.require(Role::Operator)?;
        let definition = match &start.subject {
            Subject::Deployed {
                namespace,
                name,
                version,
            } => self.deployed(namespace, name, version.as_deref()).await?,
            Subject::Text(source) => self.kept_once(actor, source).await?,
        };
        Ok(Draft {
            run: RunId::random(),
            definition,
            input: start.input,
            actor: actor.id.clone(),
            trigger: start.trigger,
            key: start.key,
            firing: None,
            parent: None,
            depth: 0,
        })
    }

    async fn deployed(
        &self,
        namespace: &str,
        name: &str,
        version: Option<&str>,
    ) -> Result<Arc<Definition>, Error> {
        let record = self.definitions.record(namespace, name).await?;
        if record.disabled_at.is_some() {
            return Err(Error::FlowDisabled {
                name: format!("{namespace}/{name}"),
            });
        }
        self.definitions.wanted(&record, version).await
    }

    /// Keeps a text for its run. Whoever may not deploy may not write flows that read plain secrets either: a text can
    /// send them anywhere.
    async fn kept_once(&self, actor: &Actor, source: &str) -> Result<Arc<Definition>, Error> {
        let flow = crate::definitions::parse(source).await?;
        if actor.role < Role::Admin {
            for name in &flow.secrets {
                if self.definitions.secret(name).await?.is_some() {
                    return Err(Error::SecretForbidden { name: name.clone() });
                }
            }
        }
        let record = self
            .store
            .flows()
            .keep_once(actor, crate::deploy::new_version(&flow, source))
            .await?;
        self.definitions.load(&record.id, record.current).await
    }

    /// Stores a run with as much progress as it makes at once, and goes on with it.
    pub(super) async fn begin(self: &Arc<Self>, draft: Draft) -> Result<Started, Error> {
        if self.cancel.is_cancelled() {
            return Err(Error::Stopping);
        }
        let Ok(room) = Arc::clone(&self.room).try_acquire_owned() else {
            return self.leave_to_others(draft).await;
        };
        let secrets = self.definitions.secrets(&draft.definition).await?;
        let machine = Machine::new(
            Arc::clone(&draft.definition.flow),
            secrets.clone(),
            Recording::Nothing,
        );
        let redactors = (
            crate::secrets::redactor([], &secrets),
            self.definitions.shown().await?,
        );
        let mut drive = Drive::new(Arc::clone(self), &draft, machine, redactors);
        let now = self.now();
        let mut lines = vec![started(&draft, now)];
        lines.extend(crate::secrets::change(None, &secrets, now));
        let mut plan = drive.first(lines).await;
        let progress = plan.take();
        let after = (super::drive::lines(&progress), progress.next.clone());
        let begun = self.store_first(&draft, &drive, progress, &plan.published);
        match begun.await? {
            Begun::Before(run) => Ok(Started::Before(run)),
            Begun::Now(committed) => {
                failpoint::reach(Place::RunInserted);
                let run = draft.run;
                if let Some(drive) = drive.begun(plan, after, committed).await {
                    let task = drive.work(room);
                    self.tracker.spawn(task);
                }
                Ok(Started::Now(run))
            }
        }
    }

    /// Stores a run with its first step.
    async fn store_first(
        &self,
        draft: &Draft,
        drive: &Drive,
        step: Progress,
        published: &[CloudEvent],
    ) -> Result<Begun, Error> {
        let owner = Some(self.config.incarnation.clone());
        let runs = self.store.runs();
        if published.is_empty() {
            return Ok(runs.begin(new_run(draft, owner, step)).await?);
        }
        loop {
            let whole = drive.with_starts(&step, published).await;
            match runs.begin(new_run(draft, owner.clone(), whole)).await {
                // What a trigger had gathered has changed meanwhile; if the run's own trigger has, that is the caller's business.
                Err(store::Error::Conflict { .. }) if draft.firing.is_none() => {}
                begun => return Ok(begun?),
            }
        }
    }

    /// Stores a run that nobody owns: whoever has room takes it.
    async fn leave_to_others(self: &Arc<Self>, draft: Draft) -> Result<Started, Error> {
        let mut progress = Progress::new(draft.run.clone(), 1, 0);
        progress.lines = vec![super::plan::line(&started(&draft, self.now()))];
        let new = new_run(&draft, None, progress);
        Ok(match self.store.runs().begin(new).await? {
            Begun::Before(run) => Started::Before(run),
            Begun::Now(_) => {
                self.wake.notify_one();
                Started::Now(draft.run)
            }
        })
    }
}

/// The first line of a run.
pub(super) fn started(draft: &Draft, at: jiff::Timestamp) -> Recorded {
    Recorded {
        at,
        event: Event::Started {
            run: draft.run.to_string(),
            input: draft.input.clone(),
            entropy: u64::try_from(super::random() >> 64).unwrap_or_default(),
        },
    }
}

/// The record of a run that is about to be stored.
pub(super) fn new_run(draft: &Draft, owner: Option<String>, first: Progress) -> NewRun {
    NewRun {
        id: draft.run.clone(),
        flow: draft.definition.id.clone(),
        version: draft.definition.number,
        digest: draft.definition.flow.digest.clone(),
        semantics: SEMANTICS,
        actor: draft.actor.clone(),
        trigger: draft.trigger.clone(),
        parent: draft.parent.clone(),
        depth: draft.depth,
        retry_of: None,
        key: draft.key.clone(),
        owner,
        firing: draft.firing.clone(),
        first,
    }
}
