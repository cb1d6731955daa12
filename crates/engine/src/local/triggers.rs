//! Flows that events start. An event starts each once, however often it comes; what a trigger gathers is counted once.
//!
//! What a trigger has gathered is changed in the commit of a run's step that publishes an event, or in one of its own. It
//! is decided before the commit, which is refused if somebody else changed it meanwhile; then it is decided anew.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flow::definition::{Read, Trigger as Schedule};
use flow::{CloudEvent, Fault, FaultType};
use serde_json::Value;
use store::{Actor, FlowId, Gathering, NewFiring, Next, Progress, Role, RunId, RunStatus, Trigger};

use super::deliver::name_of;
use super::drive::Drive;
use super::gathered::{Gathered, Taken, Trouble, Wanted, read};
use super::plan::{DEEPEST, line};
use super::start::{Draft, new_run, started};
use super::{Inner, Local};
use crate::Error;
use crate::definitions::Definition;

/// How long it may go unnoticed that another process deployed a flow that an event starts.
const FRESH: Duration = Duration::from_secs(5);

/// A trigger of a flow that events fire.
pub(super) struct OnEvents {
    definition: Arc<Definition>,
    key: String,
    wanted: Wanted,
    read: Read,
}

/// The triggers of all flows that events fire.
#[derive(Default)]
pub(super) struct Triggers(Mutex<Option<(Instant, Arc<Vec<OnEvents>>)>>);

impl Triggers {
    pub(super) fn forget(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// What events make of a trigger.
#[derive(Default)]
pub(super) struct Starts {
    /// The runs that it starts.
    drafts: Vec<Draft>,
    /// What it has gathered afterwards, where that is not enough for a run.
    gathered: Option<Gathering>,
    /// Whether it has taken an event in for later, now or when it came before.
    kept: bool,
}

/// What became of an event that a trigger was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Became {
    /// The trigger is not interested.
    Nothing,
    /// It is kept until it is enough for a run.
    Kept,
    /// A run was started with it.
    Run,
}

/// What a trigger of a flow has gathered so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// How many events.
    pub events: usize,
    /// Why they start nothing, if something is wrong.
    pub trouble: Option<Trouble>,
}

/// What an event changes of what a trigger has gathered.
enum Gathers {
    Unchanged {
        /// Whether it was taken in before.
        kept: bool,
    },
    Changed {
        /// Whether it was taken in.
        kept: bool,
    },
    /// It is enough for a run.
    Enough,
}

/// Names an event among those that a trigger has started a run with.
fn start_key(trigger: &str, event: &CloudEvent) -> String {
    format!("event:{trigger}:{}", name_of(event))
}

impl OnEvents {
    /// The run that it starts with events, of which `last` was the one that was missing.
    fn draft<'a>(
        &self,
        events: impl Iterator<Item = &'a CloudEvent>,
        last: &CloudEvent,
        actor: &str,
        firing: Option<NewFiring>,
    ) -> Draft {
        Draft {
            run: RunId::random(),
            definition: Arc::clone(&self.definition),
            input: Value::Array(events.map(|event| read(event, self.read)).collect()),
            actor: actor.to_owned(),
            trigger: Trigger::Event {
                trigger: self.key.clone(),
            },
            key: Some(start_key(&self.key, last)),
            firing,
            parent: None,
            depth: 0,
        }
    }
}

impl Local {
    /// What a trigger of a flow has gathered so far, where it gathers at all.
    pub async fn waiting(
        &self,
        actor: &Actor,
        flow: &FlowId,
        trigger: &str,
    ) -> Result<Option<Waiting>, Error> {
        actor.require(Role::Viewer)?;
        let found = self.inner.store.schedules().gathered(flow, trigger).await?;
        let gathered = found
            .and_then(|(_, stored)| stored)
            .and_then(|value| serde_json::from_value::<Gathered>(value).ok());
        Ok(gathered.map(|gathered| Waiting {
            events: gathered.events.len(),
            trouble: gathered.trouble,
        }))
    }
}

impl Inner {
    /// Gives an event to a trigger; tells what became of it, now or when it came before.
    pub(super) async fn start_by(
        self: &Arc<Self>,
        trigger: &OnEvents,
        event: &CloudEvent,
        actor: &str,
    ) -> Result<Became, Error> {
        loop {
            let starts = self
                .starts(trigger, std::slice::from_ref(event), actor)
                .await?;
            if let Some(gathered) = starts.gathered
                && !self.store.schedules().gather(gathered).await?
            {
                continue;
            }
            let Some(draft) = starts.drafts.into_iter().next() else {
                return Ok(if starts.kept {
                    Became::Kept
                } else {
                    Became::Nothing
                });
            };
            let gathers = draft.firing.is_some();
            match Box::pin(self.begin(draft)).await {
                Ok(_) => return Ok(Became::Run),
                // What was gathered has changed meanwhile: the event is gathered anew.
                Err(Error::Store(store::Error::Conflict { .. })) if gathers => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// What events, which come in this order, make of a trigger.
    async fn starts(
        &self,
        trigger: &OnEvents,
        events: &[CloudEvent],
        actor: &str,
    ) -> Result<Starts, Error> {
        if trigger.wanted.gathers() {
            return self.gather(trigger, events, actor).await;
        }
        let fits = |event: &&CloudEvent| trigger.wanted.is_met_by(event);
        let alone = |event| trigger.draft(std::iter::once(event), event, actor, None);
        Ok(Starts {
            drafts: events.iter().filter(fits).map(alone).collect(),
            ..Starts::default()
        })
    }

    async fn gather(
        &self,
        trigger: &OnEvents,
        events: &[CloudEvent],
        actor: &str,
    ) -> Result<Starts, Error> {
        let mut starts = Starts::default();
        let wanted: Vec<&CloudEvent> = events
            .iter()
            .filter(|event| trigger.wanted.lets(event))
            .collect();
        if wanted.is_empty() {
            return Ok(starts);
        }
        let flow = &trigger.definition.id;
        let found = self.store.schedules().gathered(flow, &trigger.key).await?;
        let Some((mut revision, stored)) = found else {
            return Ok(starts);
        };
        let mut gathered: Gathered = stored
            .and_then(|value| serde_json::from_value(value).ok())
            .unwrap_or_default();
        let (mut used, mut changed) = (BTreeSet::new(), false);
        for event in wanted {
            let key = start_key(&trigger.key, event);
            // Asked after the revision was read: whoever fires with this event from now on changes that.
            let known =
                used.contains(&key) || self.store.runs().find_by_key(flow, &key).await?.is_some();
            if known {
                starts.kept = true;
                continue;
            }
            match self.take_in(trigger, &mut gathered, event) {
                Gathers::Unchanged { kept } => starts.kept |= kept,
                Gathers::Changed { kept } => {
                    starts.kept |= kept;
                    changed = true;
                }
                Gathers::Enough => {
                    let full = std::mem::take(&mut gathered);
                    let taken = full.taken().map(|event| start_key(&trigger.key, event));
                    let keys: Vec<String> = taken.collect();
                    used.extend(keys.iter().cloned());
                    let firing = NewFiring::Gathered {
                        trigger: trigger.key.clone(),
                        revision,
                        keys,
                    };
                    let events = full.events.iter().map(|(_, event)| event);
                    let draft = trigger.draft(events, event, actor, Some(firing));
                    starts.drafts.push(draft);
                    (revision, changed) = (revision + 1, false);
                }
            }
        }
        starts.gathered = changed.then(|| Gathering {
            flow: flow.clone(),
            trigger: trigger.key.clone(),
            revision,
            value: serde_json::to_value(&gathered).expect("events are JSON"),
        });
        Ok(starts)
    }

    /// Lets a trigger take an event in. What keeps it from starting its flow is told once, when it is new; `keyway flow show`
    /// tells it as long as it lasts.
    fn take_in(&self, trigger: &OnEvents, gathered: &mut Gathered, event: &CloudEvent) -> Gathers {
        let before = gathered.trouble.clone();
        let now = self.now();
        let outcome = match gathered.take_in(&trigger.wanted, event) {
            Taken::Before => Gathers::Unchanged { kept: true },
            Taken::NoRoom if gathered.overflow(now) => Gathers::Changed { kept: false },
            Taken::Not | Taken::NoRoom => Gathers::Unchanged { kept: false },
            Taken::Now if gathered.is_enough(&trigger.wanted, trigger.read, now) => Gathers::Enough,
            Taken::Now => Gathers::Changed { kept: true },
        };
        if let Some(trouble) = gathered
            .trouble
            .as_ref()
            .filter(|_| gathered.trouble != before)
        {
            tracing::error!(
                flow = %trigger.definition.name(), trigger = %trigger.key, code = %trouble.code,
                "a trigger gathers events and can't start its flow"
            );
        }
        outcome
    }

    /// The triggers of all flows that events fire; known for a while.
    pub(super) async fn on_events(&self) -> Result<Arc<Vec<OnEvents>>, Error> {
        let known = self
            .triggers
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .filter(|(since, _)| since.elapsed() < FRESH)
            .map(|(_, triggers)| Arc::clone(triggers));
        if let Some(triggers) = known {
            return Ok(triggers);
        }
        let mut triggers = Vec::new();
        for record in self.store.flows().list(&Actor::system()).await? {
            if record.disabled_at.is_some() {
                continue;
            }
            let definition = match self.definitions.load(&record.id, record.current).await {
                Ok(definition) => definition,
                Err(error) => {
                    tracing::error!(flow = %record.id, %error, "a stored flow can't be used");
                    continue;
                }
            };
            let Some(schedule) = &definition.flow.schedule else {
                continue;
            };
            for trigger in &schedule.triggers {
                if let Schedule::On { to, read } = trigger {
                    triggers.push(OnEvents {
                        definition: Arc::clone(&definition),
                        key: crate::schedule::key(trigger, &schedule.time_zone),
                        wanted: Wanted::new(to, &self.matchers),
                        read: *read,
                    });
                }
            }
        }
        let triggers = Arc::new(triggers);
        let mut known = self
            .triggers
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *known = Some((Instant::now(), Arc::clone(&triggers)));
        Ok(triggers)
    }
}

/// Flows that start each other by events must come to an end, as those that call each other do: one run too deep ends as it
/// begins, where people see it.
fn cut(flow: &str) -> Next {
    tracing::warn!(flow, "a chain of flows that start each other was cut");
    let fault = Fault::new(
        FaultType::Runtime,
        format!(
            "events made flows start each other {DEEPEST} deep, and flow {flow} was not begun once more: filter its `schedule.on`, so that it does not hear what it leads to"
        ),
    );
    Next::End {
        status: RunStatus::Faulted,
        output: None,
        error: Some(fault.code("flow.limit").told()),
    }
}

impl Drive {
    /// A step as it is committed; hardly one publishes anything.
    pub(super) async fn whole(
        &self,
        step: &Arc<Progress>,
        published: &[CloudEvent],
    ) -> Arc<Progress> {
        if published.is_empty() {
            return Arc::clone(step);
        }
        Arc::new(self.with_starts(step, published).await)
    }

    /// A step with what the events that it publishes make of triggers: runs that begin, and what is gathered. An event is
    /// not lost because the database is away for a moment.
    pub(super) async fn with_starts(&self, step: &Progress, published: &[CloudEvent]) -> Progress {
        let mut pause = Duration::from_millis(50);
        loop {
            match self.try_with_starts(step, published).await {
                Ok(whole) => return whole,
                Err(error) => self.engine.health.failed("publish", &error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }

    async fn try_with_starts(
        &self,
        step: &Progress,
        published: &[CloudEvent],
    ) -> Result<Progress, Error> {
        let mut whole = step.clone();
        for trigger in self.engine.on_events().await?.iter() {
            let starts = self
                .engine
                .starts(trigger, published, self.run.as_str())
                .await?;
            whole.gathered.extend(starts.gathered);
            for mut draft in starts.drafts {
                draft.depth = self.depth + 1;
                let mut first = Progress::new(draft.run.clone(), 1, 0);
                first.lines = vec![line(&started(&draft, self.now()))];
                if draft.depth > DEEPEST {
                    first.next = cut(&draft.definition.name());
                }
                whole.children.push(new_run(&draft, None, first));
            }
        }
        Ok(whole)
    }
}
