//! Doing a run again: from its start, or from the step that failed. The older run stays as it is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use flow::machine::{Machine, Recording};
use flow::{CommandId, Event, Recorded, Status};
use store::{Actor, Begun, Progress, Role, RunId, RunStatus, Trigger};

use super::people::not_found;
use super::plan::line;
use super::start::{Draft, Started, new_run, started};
use super::{Inner, Local};
use crate::{Error, secrets};

/// From where a run is done again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum From {
    /// From its start, with the same input.
    Start,
    /// From the step that failed: what was done before is taken over, not done again.
    FailedStep,
}

impl Local {
    /// Does a run that is over again, on the current version of its flow.
    pub async fn retry(&self, actor: &Actor, run: &RunId, from: From) -> Result<RunId, Error> {
        actor.require(Role::Operator)?;
        let inner = &self.inner;
        let old = inner.store.runs().find(actor, run).await?;
        let old = old.ok_or_else(|| not_found(run))?;
        let refused = |why: &str| Error::NotNow {
            id: run.to_string(),
            done: "done again",
            why: why.to_owned(),
        };
        if !old.status.is_over() {
            return Err(refused("it is not over: wait for it, or cancel it"));
        }
        if from == From::FailedStep && old.status == RunStatus::Completed {
            return Err(refused("no step of it failed: do it again from its start"));
        }
        let lines = inner.store.runs().journal(run).await?;
        let events = secrets::read(lines)?;
        let Some(Event::Started { input, entropy, .. }) = events.first().map(|first| &first.event)
        else {
            return Err(refused("its journal is gone"));
        };
        let (input, entropy) = (input.clone(), *entropy);
        let record = inner.store.flows().find_by_id(actor, &old.flow).await?;
        let record = record.ok_or_else(|| Error::FlowNotFound {
            name: old.flow.to_string(),
        })?;
        let draft = Draft {
            run: RunId::random(),
            definition: inner.definitions.load(&record.id, record.current).await?,
            input,
            actor: actor.id.clone(),
            trigger: Trigger::Retry,
            key: None,
            firing: None,
            parent: None,
            depth: old.depth,
        };
        let mut first = started(&draft, inner.now());
        let lines = match from {
            From::Start => vec![first],
            From::FailedStep => {
                if let Event::Started { entropy: seed, .. } = &mut first.event {
                    *seed = entropy;
                }
                inner.taken_over(&draft, &old, first, events).await?
            }
        };
        let mut progress = Progress::new(draft.run.clone(), 1, 0);
        progress.lines = lines.iter().map(line).collect();
        let mut new = new_run(&draft, None, progress);
        new.retry_of = Some(run.clone());
        let begun = inner
            .store
            .runs()
            .begin_audited(actor, "run.retried", new)
            .await?;
        inner.wake.notify_one();
        Ok(match begun {
            Begun::Now(_) => draft.run,
            Begun::Before(run) => run,
        })
    }

    /// Starts a run that was asked for before under the same key, or says which one that was.
    pub async fn started_under(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
        key: &str,
    ) -> Result<Option<Started>, Error> {
        actor.require(Role::Operator)?;
        let record = self.inner.definitions.record(namespace, name).await?;
        let found = self.inner.store.runs().find_by_key(&record.id, key).await?;
        Ok(found.map(Started::Before))
    }
}

impl Inner {
    /// The journal of a new run that has what the older one had done before it failed, matched by the commands' names.
    async fn taken_over(
        &self,
        draft: &Draft,
        old: &store::Run,
        first: Recorded,
        events: Vec<Recorded>,
    ) -> Result<Vec<Recorded>, Error> {
        let secrets = self.definitions.secrets(&draft.definition).await?;
        let old_definition = self.definitions.load(&old.flow, old.version).await?;
        let read = secrets::first(&events, &secrets);
        let before = old_definition.machine_of(old, read, Recording::Nothing)?;
        let changed = secrets::change(None, &secrets, first.at);
        let machine = Machine::new(
            Arc::clone(&draft.definition.flow),
            secrets,
            Recording::Nothing,
        );
        let begun = std::iter::once(first).chain(changed).collect();
        let work = move || take_over(before, machine, begun, events);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| Error::Stopping)
    }
}

fn take_over(
    mut before: Machine,
    mut machine: Machine,
    begun: Vec<Recorded>,
    events: Vec<Recorded>,
) -> Vec<Recorded> {
    let mut results: BTreeMap<CommandId, VecDeque<Event>> = BTreeMap::new();
    for recorded in events {
        before.apply(&recorded);
        let over = matches!(before.status(), Status::Faulted(_) | Status::Cancelled);
        let id = match &recorded.event {
            // The answer that ended it is the one that is asked for again.
            Event::Completed { result: Err(_), .. } if over => break,
            Event::Completed { id, .. } | Event::Arrived { id: Some(id), .. } => id.clone(),
            _ => continue,
        };
        results.entry(id).or_default().push_back(recorded.event);
        if over {
            break;
        }
    }
    let mut lines = begun;
    let mut now = jiff::Timestamp::MIN;
    for line in &lines {
        now = now.max(line.at);
        machine.apply(line);
    }
    loop {
        let known = machine.pending().find_map(|pending| {
            let id = pending.command.id();
            // A question or a timer that was out when the run failed begins anew.
            results.contains_key(id).then(|| id.clone())
        });
        let Some(id) = known else {
            break;
        };
        let event = results.get_mut(&id).and_then(VecDeque::pop_front);
        if results.get(&id).is_some_and(VecDeque::is_empty) {
            results.remove(&id);
        }
        if let Some(event) = event {
            let recorded = Recorded { at: now, event };
            machine.apply(&recorded);
            lines.push(recorded);
        }
    }
    lines
}
