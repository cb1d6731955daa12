//! What a trigger gathers until it is enough for a run: which events it wants, which of them came, and what the first of
//! them fixed. It is decided as `listen` decides it; pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use expression::{Class, Limits, Program};
use flow::CloudEvent;
use flow::definition::listen::{AttributeTest, Correlation, FilterTemplate, Until};
use flow::definition::{Consume, Filter, Matcher, Read, Template};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::matchers::Matchers;

/// How many events a trigger gathers at most.
const MOST: usize = 10_000;

/// Which events a trigger wants.
pub(super) struct Wanted {
    /// None: every event.
    matchers: Vec<Arc<Matcher>>,
    kind: Kind,
    ending: Option<Ending>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    /// The first is enough.
    One,
    /// The ending says when it is enough.
    On,
}

enum Ending {
    /// It holds of the list of what has come.
    Condition(Program),
    /// Others have come.
    Consumed(Box<Wanted>),
}

impl Wanted {
    pub(super) fn new(to: &Consume, matchers: &Matchers) -> Wanted {
        let (filters, kind, until) = match to {
            Consume::All(filters) => (filters.as_slice(), Kind::All, None),
            Consume::One(filter) => (std::slice::from_ref(filter), Kind::One, None),
            Consume::Any { filters, until } => match until {
                None => (filters.as_slice(), Kind::One, None),
                Some(until) => (filters.as_slice(), Kind::On, Some(until)),
            },
        };
        Wanted {
            matchers: filters
                .iter()
                .map(|filter| matchers.of(&ready(filter)))
                .collect(),
            kind,
            ending: until.map(|until| match until {
                Until::Condition(condition) => Ending::Condition(condition.program.clone()),
                Until::Consumed(to) => Ending::Consumed(Box::new(Wanted::new(to, matchers))),
            }),
        }
    }

    /// Whether more than one event may be needed.
    pub(super) fn gathers(&self) -> bool {
        self.kind != Kind::One
    }

    /// Whether one event is enough by itself.
    pub(super) fn is_met_by(&self, event: &CloudEvent) -> bool {
        self.place(&[], event, &BTreeMap::new()).is_some()
    }

    /// Whether an event may be wanted, whatever has come.
    pub(super) fn lets(&self, event: &CloudEvent) -> bool {
        self.matchers.is_empty()
            || self.matchers.iter().any(|matcher| matcher.matches(event))
            || matches!(&self.ending, Some(Ending::Consumed(end)) if end.lets(event))
    }

    /// Which filter an event is for, beside those that have come, and its correlations.
    fn place(
        &self,
        come: &[(usize, CloudEvent)],
        event: &CloudEvent,
        fixed: &BTreeMap<String, Value>,
    ) -> Option<(usize, Vec<(String, Value)>)> {
        let served = |place: usize| match self.kind {
            Kind::All => come.iter().any(|(taken, _)| *taken == place),
            Kind::One => !come.is_empty(),
            Kind::On => false,
        };
        if self.matchers.is_empty() {
            return (!served(0)).then(|| (0, Vec::new()));
        }
        let mut open = self.matchers.iter().enumerate();
        open.find_map(|(place, matcher)| {
            if served(place) {
                return None;
            }
            let found = matcher.correlate(event, |name| fixed.get(name))?;
            Some((place, found))
        })
    }

    /// Whether what has come is all, where no ending says so.
    fn is_served_by(&self, come: &[(usize, CloudEvent)]) -> bool {
        match self.kind {
            Kind::All => {
                (0..self.matchers.len()).all(|place| come.iter().any(|(taken, _)| *taken == place))
            }
            Kind::One => !come.is_empty(),
            Kind::On => false,
        }
    }
}

/// A filter of a trigger. What it expects is a constant; a flow that was stored when expressions were accepted has what they
/// come to without an input, or lets nothing through.
fn ready(template: &FilterTemplate) -> Filter {
    let mut filter = Filter {
        with: template.with.clone(),
        correlate: indexmap::IndexMap::new(),
    };
    for (name, correlation) in &template.correlate {
        let from = correlation.from.program.source().to_owned();
        let expect = match &correlation.expect {
            Some(Template::Literal(value)) => Some(value.clone()),
            Some(Template::Expression(expression)) => {
                let constant = constant(&expression.program);
                if constant.is_none() {
                    let source = "false".to_owned();
                    let nothing = AttributeTest::Expression { source };
                    filter.with.insert("type".to_owned(), nothing);
                }
                constant
            }
            // It is one text.
            None | Some(Template::List(_) | Template::Object(_)) => None,
        };
        filter
            .correlate
            .insert(name.clone(), Correlation { from, expect });
    }
    filter
}

fn constant(program: &Program) -> Option<Value> {
    if program.class() == Class::Heavy {
        return None;
    }
    program.evaluate(&Value::Null, &[], &Limits::default()).ok()
}

/// Why a trigger that has gathered events does not start its flow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Stable: `expr.…`, `event.queue_full`.
    pub code: String,
    /// What is wrong, and what to do.
    pub detail: String,
    /// When it was met first.
    pub at: Timestamp,
}

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    /// It is not wanted.
    Not,
    /// It was taken before.
    Before,
    /// It is wanted, but there is no room.
    NoRoom,
    Now,
}

/// What a trigger has gathered: events with the filter that let each through.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Gathered {
    pub(super) events: Vec<(usize, CloudEvent)>,
    /// What has come of the events that end it.
    over: Vec<(usize, CloudEvent)>,
    /// Correlations that an event fixed.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    fixed: BTreeMap<String, Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) trouble: Option<Trouble>,
}

impl Gathered {
    /// All events that were taken in, also those that only say that it is over.
    pub(super) fn taken(&self) -> impl Iterator<Item = &CloudEvent> {
        self.events.iter().chain(&self.over).map(|(_, event)| event)
    }

    /// Takes an event in, if it is wanted and did not come before. One that ends it is not among those that it is about.
    pub(super) fn take_in(&mut self, wanted: &Wanted, event: &CloudEvent) -> Taken {
        let same = |taken: &CloudEvent| (&taken.source, &taken.id) == (&event.source, &event.id);
        if self.taken().any(same) {
            return Taken::Before;
        }
        let ending = match &wanted.ending {
            Some(Ending::Consumed(end)) => end.place(&self.over, event, &self.fixed),
            _ => None,
        };
        let ends = ending.is_some();
        let found = ending.or_else(|| wanted.place(&self.events, event, &self.fixed));
        let Some((place, correlations)) = found else {
            return Taken::Not;
        };
        if !ends && self.events.len() >= MOST {
            return Taken::NoRoom;
        }
        for (name, value) in correlations {
            self.fixed.entry(name).or_insert(value);
        }
        let list = if ends {
            &mut self.over
        } else {
            &mut self.events
        };
        list.push((place, event.clone()));
        Taken::Now
    }

    /// Whether it is enough for a run; what keeps that from being found out is noted.
    pub(super) fn is_enough(&mut self, wanted: &Wanted, how: Read, now: Timestamp) -> bool {
        match &wanted.ending {
            None => wanted.is_served_by(&self.events),
            Some(Ending::Consumed(end)) => end.is_served_by(&self.over),
            Some(Ending::Condition(condition)) => match self.holds(condition, how) {
                Ok(verdict) => {
                    self.trouble = None;
                    verdict
                }
                Err((code, detail)) => {
                    self.note(code, detail, now);
                    false
                }
            },
        }
    }

    /// Whether a condition holds of what has come. One that may run for long is never evaluated here: it could take the whole
    /// process with it.
    fn holds(&self, condition: &Program, how: Read) -> Result<bool, (&'static str, String)> {
        if condition.class() == Class::Heavy {
            let detail = "`until` may run for long, and is not evaluated: the trigger gathers events and starts nothing. Deploy the flow with an `until` of paths and comparisons.";
            return Err(("expr.heavy_filter", detail.to_owned()));
        }
        let list = self.events.iter().map(|(_, event)| read(event, how));
        let verdict = condition.evaluate(&Value::Array(list.collect()), &[], &Limits::default());
        let verdict = verdict.map_err(|error| {
            let detail = format!("`until` can't be evaluated: {error}. The trigger gathers events and starts nothing. Deploy the flow with an `until` that holds for what comes.");
            (error.code(), detail)
        })?;
        Ok(!matches!(verdict, Value::Null | Value::Bool(false)))
    }

    /// Notes that there is no room; tells whether that is new.
    pub(super) fn overflow(&mut self, now: Timestamp) -> bool {
        let detail = format!(
            "{MOST} events have been gathered, which is the limit, and `until` does not hold: further events are not taken. Deploy the flow without `schedule.on`, which empties it, and then with an `until` that comes true earlier."
        );
        self.note("event.queue_full", detail, now)
    }

    fn note(&mut self, code: &str, detail: String, at: Timestamp) -> bool {
        let known = self.trouble.as_ref();
        if known.is_some_and(|known| known.code == code && known.detail == detail) {
            return false;
        }
        let code = code.to_owned();
        self.trouble = Some(Trouble { code, detail, at });
        true
    }
}

/// What a consumed event looks like.
pub(super) fn read(event: &CloudEvent, how: Read) -> Value {
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
