//! Flows that events start. An event starts each once, however often it comes; what a trigger gathers is counted once.
//!
//! What a trigger has gathered is changed in the commit of a run's step that publishes an event, or in one of its own. It
//! is decided before the commit, which is refused if somebody else changed it meanwhile; then it is decided anew.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flow::definition::listen::{Correlation, Filter, FilterTemplate, Until};
use flow::definition::{Consume, Read, Template, Trigger as Schedule};
use flow::{CloudEvent, Fault, FaultType};
use serde_json::{Value, json};
use store::{Actor, Gathering, NewFiring, Next, Progress, RunId, RunStatus, Trigger};

use super::Inner;
use super::deliver::name_of;
use super::drive::Drive;
use super::plan::{DEEPEST, line};
use super::start::{Draft, new_run, started};
use crate::Error;
use crate::definitions::Definition;

/// How long it may go unnoticed that another process deployed a flow that an event starts.
const FRESH: Duration = Duration::from_secs(5);
/// How many events a trigger gathers at most.
const GATHERED: usize = 10_000;

/// A trigger of a flow that events fire.
pub(super) struct OnEvents {
    definition: Arc<Definition>,
    key: String,
    to: Consume,
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
}

/// Names an event among those that a trigger has started a run with.
fn start_key(trigger: &str, event: &CloudEvent) -> String {
    format!("event:{trigger}:{}", name_of(event))
}

impl OnEvents {
    /// Whether more than one event may be needed.
    fn gathers(&self) -> bool {
        !matches!(self.to, Consume::One(_) | Consume::Any { until: None, .. })
    }

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

impl Inner {
    /// Gives an event to a trigger; tells whether that has started a run, now or when it came before.
    pub(super) async fn start_by(
        self: &Arc<Self>,
        trigger: &OnEvents,
        event: &CloudEvent,
        actor: &str,
    ) -> Result<bool, Error> {
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
                return Ok(false);
            };
            let gathers = draft.firing.is_some();
            match Box::pin(self.begin(draft)).await {
                Ok(_) => return Ok(true),
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
        if trigger.gathers() {
            return self.gather(trigger, events, actor).await;
        }
        let fits = |event: &&CloudEvent| place(&trigger.to, event, |_| false).is_some();
        let alone = |event| trigger.draft(std::iter::once(event), event, actor, None);
        Ok(Starts {
            drafts: events.iter().filter(fits).map(alone).collect(),
            gathered: None,
        })
    }

    async fn gather(
        &self,
        trigger: &OnEvents,
        events: &[CloudEvent],
        actor: &str,
    ) -> Result<Starts, Error> {
        let flow = &trigger.definition.id;
        let found = self.store.schedules().gathered(flow, &trigger.key).await?;
        let mut starts = Starts::default();
        let Some((mut revision, stored)) = found else {
            return Ok(starts);
        };
        let mut gathered: Gathered = stored
            .and_then(|value| serde_json::from_value(value).ok())
            .unwrap_or_default();
        let (mut used, mut changed) = (BTreeSet::new(), false);
        for event in events {
            let key = start_key(&trigger.key, event);
            // Asked after the revision was read: whoever fires with this event from now on changes that.
            let known =
                used.contains(&key) || self.store.runs().find_by_key(flow, &key).await?.is_some();
            if known || !gathered.take_in(&trigger.to, event) {
                continue;
            }
            changed = true;
            if gathered.enough(&trigger.to, trigger.read) {
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
        starts.gathered = changed.then(|| Gathering {
            flow: flow.clone(),
            trigger: trigger.key.clone(),
            revision,
            value: serde_json::to_value(&gathered).expect("events are JSON"),
        });
        Ok(starts)
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
                        to: to.clone(),
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

/// What a trigger has gathered: events with the filter that let each through.
#[derive(Default, serde::Serialize, serde::Deserialize)]
struct Gathered {
    events: Vec<(usize, CloudEvent)>,
    /// Whether the consumption that ends an `any` has come to its end.
    over: Vec<(usize, CloudEvent)>,
}

impl Gathered {
    /// All events that were taken in, also those that only say that it is over.
    fn taken(&self) -> impl Iterator<Item = &CloudEvent> {
        self.events.iter().chain(&self.over).map(|(_, event)| event)
    }

    /// Whether the event changes what is gathered; one that came before does not.
    fn take_in(&mut self, to: &Consume, event: &CloudEvent) -> bool {
        if self
            .taken()
            .any(|taken| (&taken.source, &taken.id) == (&event.source, &event.id))
        {
            return false;
        }
        let ended = match to {
            Consume::Any {
                until: Some(Until::Consumed(end)),
                ..
            } => Self::take(&mut self.over, end, event),
            _ => false,
        };
        Self::take(&mut self.events, to, event) || ended
    }

    fn take(events: &mut Vec<(usize, CloudEvent)>, to: &Consume, event: &CloudEvent) -> bool {
        if events.len() >= GATHERED {
            return false;
        }
        let place = place(to, event, |place| {
            events.iter().any(|(taken, _)| *taken == place)
        });
        if let Some(place) = place {
            events.push((place, event.clone()));
        }
        place.is_some()
    }

    fn enough(&self, to: &Consume, how: Read) -> bool {
        match to {
            Consume::All(filters) => self.events.len() == filters.len(),
            Consume::One(_) | Consume::Any { until: None, .. } => !self.events.is_empty(),
            Consume::Any {
                until: Some(Until::Consumed(end)),
                ..
            } => {
                let over = Gathered {
                    events: self.over.clone(),
                    over: Vec::new(),
                };
                over.enough(end, how)
            }
            Consume::Any {
                until: Some(Until::Condition(condition)),
                ..
            } => {
                let list: Vec<Value> = self
                    .events
                    .iter()
                    .map(|(_, event)| read(event, how))
                    .collect();
                let limits = expression::Limits::default();
                let verdict = condition
                    .program
                    .evaluate(&Value::Array(list), &[], &limits);
                !matches!(verdict, Ok(Value::Null | Value::Bool(false)) | Err(_))
            }
        }
    }
}

/// Which filter lets an event through; each may be served once where all of them must be.
fn place(to: &Consume, event: &CloudEvent, served: impl Fn(usize) -> bool) -> Option<usize> {
    let lets = |filter: &FilterTemplate| ready(filter).matches(event);
    match to {
        Consume::All(filters) => (0..filters.len())
            .filter(|place| !served(*place))
            .find(|place| lets(&filters[*place])),
        Consume::Any { filters, .. } if filters.is_empty() => Some(0),
        Consume::Any { filters, .. } => filters.iter().position(lets),
        Consume::One(filter) => (!served(0) && lets(filter)).then_some(0),
    }
}

/// A filter of a trigger: nothing is there yet that an expression could be evaluated on.
fn ready(template: &FilterTemplate) -> Filter {
    let correlate = template.correlate.iter().map(|(name, correlation)| {
        let expect = match &correlation.expect {
            Some(Template::Literal(value)) => Some(value.clone()),
            _ => None,
        };
        let from = correlation.from.program.source().to_owned();
        (name.clone(), Correlation { from, expect })
    });
    Filter {
        with: template.with.clone(),
        correlate: correlate.collect(),
    }
}

/// What a consumed event looks like.
fn read(event: &CloudEvent, how: Read) -> Value {
    match how {
        Read::Envelope => event.structured(),
        Read::Data => event.data.clone().unwrap_or_default(),
        Read::Raw => match &event.data {
            Some(Value::String(text)) => json!(text),
            Some(other) => json!(other.to_string()),
            None => Value::Null,
        },
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
