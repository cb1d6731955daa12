//! Events: from outside and between flows, to runs that listen and to flows that an event starts.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flow::definition::listen::Until;
use flow::definition::listen::{AttributeTest, Correlation, Filter, FilterTemplate};
use flow::definition::{Consume, Read, Template, Trigger as Schedule};
use flow::{CloudEvent, Command, CommandId, Event, Recorded};
use serde_json::{Value, json};
use store::{Actor, Letter as Post, NewFiring, Progress, Role, RunId, Trigger};

use super::drive::Drive;
use super::plan::{Plan, line};
use super::start::{Draft, new_run, started};
use super::{Inner, Local};
use crate::Error;
use crate::definitions::Definition;
use crate::letter::Letter;

/// How long it may go unnoticed that another process deployed a flow that an event starts.
const FRESH: Duration = Duration::from_secs(5);
/// How many events a trigger gathers at most.
const GATHERED: usize = 10_000;

/// A trigger of a flow that events fire.
struct OnEvents {
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

impl Local {
    /// Hands an event over to every run that listens for it and every flow that it starts; answers how many. It is
    /// durable when this returns. Nobody may have waited: then it is gone.
    pub async fn deliver(&self, actor: &Actor, event: CloudEvent) -> Result<usize, Error> {
        actor.require(Role::Operator)?;
        let inner = &self.inner;
        let posts = inner.recipients(&event, None).await?;
        let told = if posts.is_empty() {
            Vec::new()
        } else {
            inner.store.runs().send(posts).await?
        };
        inner.tell(&told);
        let runs: BTreeSet<&RunId> = told.iter().collect();
        let mut count = runs.len();
        for draft in inner.started_by(&event, &actor.id).await? {
            match Box::pin(inner.begin(draft)).await {
                Ok(_) => count += 1,
                // Another process fired the same trigger with what it had gathered.
                Err(Error::Store(store::Error::Conflict { .. })) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(count)
    }
}

/// By which type of events a filter is found: its constant, unless that is a regular expression with more than dots.
pub(super) fn kind(filter: &Filter) -> Option<String> {
    match filter.with.get("type")? {
        AttributeTest::Constant {
            value: Value::String(text),
        } => {
            let plain = |character: char| {
                character.is_alphanumeric() || matches!(character, '.' | '-' | '_' | '/' | ':')
            };
            text.chars().all(plain).then(|| text.clone())
        }
        _ => None,
    }
}

impl Inner {
    /// The letters that an event makes, to all runs but one.
    pub(super) async fn recipients(
        &self,
        event: &CloudEvent,
        but: Option<&RunId>,
    ) -> Result<Vec<Post>, Error> {
        let addressed = event
            .subject
            .as_deref()
            .and_then(|subject| RunId::parse(subject).ok());
        let mut posts = Vec::new();
        let letter = |id: Option<&str>| {
            Letter::event(Event::Arrived {
                id: id.map(|id| CommandId(id.to_owned())),
                event: event.clone(),
            })
            .body()
        };
        if let Some(run) = addressed.clone().filter(|run| Some(run) != but) {
            posts.push(Post {
                to: run,
                listener: None,
                body: letter(None),
            });
        }
        let mut served = BTreeSet::new();
        for listening in self.store.runs().listening(&event.r#type).await? {
            if Some(&listening.run) == but || Some(&listening.run) == addressed.as_ref() {
                continue;
            }
            let Ok(filter) = serde_json::from_value::<Filter>(listening.filter) else {
                tracing::error!(run = %listening.run, "a stored filter can't be understood");
                continue;
            };
            let once = (listening.run.clone(), listening.command.clone());
            if filter.matches(event) && served.insert(once) {
                posts.push(Post {
                    body: letter(Some(&listening.command)),
                    to: listening.run,
                    listener: Some(listening.command),
                });
            }
        }
        Ok(posts)
    }

    /// The runs that an event starts.
    pub(super) async fn started_by(
        &self,
        event: &CloudEvent,
        actor: &str,
    ) -> Result<Vec<Draft>, Error> {
        let mut drafts = Vec::new();
        for trigger in self.on_events().await?.iter() {
            if let Some((events, firing)) = self.fires(trigger, event).await? {
                let input: Vec<Value> = events
                    .iter()
                    .map(|event| read(event, trigger.read))
                    .collect();
                let draft = Draft {
                    run: RunId::random(),
                    definition: Arc::clone(&trigger.definition),
                    input: Value::Array(input),
                    actor: actor.to_owned(),
                    trigger: Trigger::Event {
                        trigger: trigger.key.clone(),
                    },
                    key: None,
                    firing,
                    parent: None,
                    depth: 0,
                };
                drafts.push(draft);
            }
        }
        Ok(drafts)
    }

    async fn on_events(&self) -> Result<Arc<Vec<OnEvents>>, Error> {
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

    /// The events with which a trigger fires now, if this one is enough.
    async fn fires(
        &self,
        trigger: &OnEvents,
        event: &CloudEvent,
    ) -> Result<Option<(Vec<CloudEvent>, Option<NewFiring>)>, Error> {
        let lets = |template: &FilterTemplate| ready(template).matches(event);
        match &trigger.to {
            Consume::One(filter) => Ok(lets(filter).then(|| (vec![event.clone()], None))),
            Consume::Any {
                filters,
                until: None,
            } => {
                let fits = filters.is_empty() || filters.iter().any(lets);
                Ok(fits.then(|| (vec![event.clone()], None)))
            }
            _ => self.gather(trigger, event).await,
        }
    }

    /// Adds an event to what a trigger has gathered; answers all of it once it is enough.
    async fn gather(
        &self,
        trigger: &OnEvents,
        event: &CloudEvent,
    ) -> Result<Option<(Vec<CloudEvent>, Option<NewFiring>)>, Error> {
        let schedules = self.store.schedules();
        loop {
            let found = schedules
                .gathered(&trigger.definition.id, &trigger.key)
                .await?;
            let Some((revision, stored)) = found else {
                return Ok(None);
            };
            let mut gathered: Gathered = stored
                .and_then(|value| serde_json::from_value(value).ok())
                .unwrap_or_default();
            if !gathered.take_in(&trigger.to, event) {
                return Ok(None);
            }
            if gathered.enough(&trigger.to, trigger.read) {
                let firing = NewFiring::Gathered {
                    trigger: trigger.key.clone(),
                    revision,
                };
                let events = gathered.events.into_iter().map(|(_, event)| event);
                return Ok(Some((events.collect(), Some(firing))));
            }
            let value = serde_json::to_value(&gathered).expect("events are JSON");
            if schedules
                .gather(&trigger.definition.id, &trigger.key, revision, &value)
                .await?
            {
                return Ok(None);
            }
        }
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
    /// Whether the event changes what is gathered.
    fn take_in(&mut self, to: &Consume, event: &CloudEvent) -> bool {
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
        let lets = |filter: &FilterTemplate| ready(filter).matches(event);
        let place = match to {
            // One event for each filter.
            Consume::All(filters) => (0..filters.len())
                .filter(|place| !events.iter().any(|(taken, _)| taken == place))
                .find(|place| lets(&filters[*place])),
            Consume::Any { filters, .. } if filters.is_empty() => Some(0),
            Consume::Any { filters, .. } => filters.iter().position(lets),
            Consume::One(filter) => (events.is_empty() && lets(filter)).then_some(0),
        };
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

impl Drive {
    /// Publishes an event in the commit of this step: to this run, to others, and to flows that it starts.
    pub(super) async fn publish(&mut self, plan: &mut Plan, event: &CloudEvent) {
        let own: Vec<Option<CommandId>> = if event.subject.as_deref() == Some(self.run.as_str()) {
            vec![None]
        } else {
            self.pending(|_| true)
                .into_iter()
                .filter_map(|command| match command {
                    Command::Listen { id, filters } => {
                        let fits = filters.is_empty()
                            || filters.iter().any(|filter| filter.matches(event));
                        fits.then_some(Some(id))
                    }
                    _ => None,
                })
                .collect()
        };
        for id in own {
            let arrived = Recorded {
                at: self.now(),
                event: Event::Arrived {
                    id,
                    event: event.clone(),
                },
            };
            self.record(plan, arrived).await;
        }
        // An event is not lost because the database is away for a moment.
        let mut pause = Duration::from_millis(50);
        let drafts = loop {
            match self.others(plan, event).await {
                Ok(drafts) => break drafts,
                Err(error) => self.engine.health.failed("publish", &error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        };
        for mut draft in drafts {
            // Flows that start each other by events must come to an end, as those that call each other do.
            draft.depth = self.depth + 1;
            if draft.depth > super::plan::DEEPEST {
                tracing::warn!(run = %self.run, flow = %draft.definition.name(), "a chain of flows that start each other was cut");
                continue;
            }
            let mut first = Progress::new(draft.run.clone(), 1, 0);
            first.lines = vec![line(&started(&draft, self.now()))];
            plan.progress.children.push(new_run(&draft, None, first));
        }
    }

    async fn others(&self, plan: &mut Plan, event: &CloudEvent) -> Result<Vec<Draft>, Error> {
        let posts = self.engine.recipients(event, Some(&self.run)).await?;
        let drafts = self.engine.started_by(event, self.run.as_str()).await?;
        plan.progress.letters.extend(posts);
        Ok(drafts)
    }
}
