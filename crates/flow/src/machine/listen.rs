//! `listen`: events that arrive, all, any or one of what is asked for, until enough. The world hands over what the filters let through;
//! which of it counts, and when it is enough, is decided here. Events for the run itself wait in its inbox until something listens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::Value;

use super::Machine;
use super::evaluate::{About, Stop, check};
use super::frame::{Body, Cursor, Direction, Frame, Key, Node, Phase, Scope};
use super::outbox::Part;
use super::semantics::has_room;
use super::walk::Turn;
use crate::definition::filter::Matcher;
use crate::definition::listen::{
    Consume, Correlation, Filter, FilterTemplate, Iterator as Foreach, ListenTask, Read, Until,
};
use crate::definition::{Block, Then};
use crate::fault::{Fault, FaultType};
use crate::{CloudEvent, Command, CommandId, limits};

/// A `listen` under way.
#[derive(Debug)]
pub(super) struct Listening {
    wanted: Consumption,
    /// Arrived and not looked at.
    letters: VecDeque<CloudEvent>,
    /// Correlations that an event fixed.
    fixed: BTreeMap<String, Value>,
    /// What was consumed, as it is read.
    consumed: Vec<Value>,
    /// What `foreach` made of it.
    outputs: Vec<Value>,
    /// The item that is under way, from 0.
    pub(super) count: u64,
    stage: Stage,
}

#[derive(Debug)]
enum Stage {
    /// The next event is awaited.
    Hearing,
    /// `foreach.do` is under way.
    Item(Cursor, Scope),
    /// It ended, and its output and export are next.
    Shaping(Arc<Value>, Scope, Then),
    /// Whether it is enough is being found out.
    Enough,
}

/// Which events are wanted, and which of them came.
#[derive(Debug)]
struct Consumption {
    matchers: Vec<Matcher>,
    /// For `all`: which filter has its event.
    taken: Vec<bool>,
    kind: Kind,
    until: Option<Box<Consumption>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    All,
    /// The first is enough.
    One,
    /// Enough is decided elsewhere.
    On,
}

/// What became of an event.
enum Heard {
    /// It is not wanted.
    Ignored,
    Consumed,
    /// It was for the `until`.
    Until,
}

impl Consumption {
    fn is_over(&self) -> bool {
        match self.kind {
            Kind::All => self.taken.iter().all(|taken| *taken),
            Kind::One => self.taken.first() == Some(&true),
            Kind::On => self.until.as_ref().is_some_and(|until| until.is_over()),
        }
    }

    fn hear(&mut self, event: &CloudEvent, fixed: &mut BTreeMap<String, Value>) -> Heard {
        if let Some(until) = &mut self.until
            && !matches!(until.hear(event, fixed), Heard::Ignored)
        {
            return Heard::Until;
        }
        if self.matchers.is_empty() {
            self.taken = vec![true];
            return Heard::Consumed;
        }
        for (index, matcher) in self.matchers.iter().enumerate() {
            if self.kind == Kind::All && self.taken[index] {
                continue;
            }
            if let Some(found) = matcher.correlate(event, |name| fixed.get(name)) {
                for (name, value) in found {
                    fixed.entry(name).or_insert(value);
                }
                match self.kind {
                    Kind::All => self.taken[index] = true,
                    Kind::One | Kind::On => self.taken[0] = true,
                }
                return Heard::Consumed;
            }
        }
        Heard::Ignored
    }
}

impl Listening {
    pub(super) fn absorb(&mut self, output: Arc<Value>, then: Then) -> Direction {
        match &mut self.stage {
            Stage::Item(cursor, _) => cursor.absorb(output, then),
            Stage::Hearing | Stage::Shaping(..) | Stage::Enough => Direction::Forward,
        }
    }

    /// The next event that counts: from the inbox, then from what was handed over.
    fn next(&mut self, inbox: &mut VecDeque<CloudEvent>) -> Option<(Heard, CloudEvent)> {
        for index in 0..inbox.len() {
            let heard = self.wanted.hear(&inbox[index], &mut self.fixed);
            if !matches!(heard, Heard::Ignored) {
                return inbox.remove(index).map(|event| (heard, event));
            }
        }
        while let Some(event) = self.letters.pop_front() {
            let heard = self.wanted.hear(&event, &mut self.fixed);
            if !matches!(heard, Heard::Ignored) {
                return Some((heard, event));
            }
        }
        None
    }
}

impl Machine {
    /// How often more events waited for one `listen`, or for the run itself, than may.
    pub fn overflows(&self) -> u64 {
        self.overflows
    }

    /// An event that one `listen` is handed.
    pub(super) fn arrived(&mut self, id: &CommandId, event: &CloudEvent) {
        let Some(key) = self.pending.get(id).map(|outstanding| outstanding.frame) else {
            return;
        };
        let Some(frame) = self.frames.get_mut(key) else {
            return;
        };
        let (Node::Task(task), Body::Listen(state)) = (&frame.node, &mut frame.body) else {
            return;
        };
        if has_room(self.semantics, state.letters.len()) {
            state.letters.push_back(event.clone());
            self.ready.push(key);
        } else {
            let (what, instance) = (
                format!("task \"{}\"", task.name),
                task.reference.to_string(),
            );
            self.overflow(key, &what, instance);
        }
    }

    /// An event for the run itself waits until something listens; of several listeners the first by id has the first choice.
    pub(super) fn arrived_for_run(&mut self, event: &CloudEvent) {
        if !has_room(self.semantics, self.inbox.len()) {
            if let Some(root) = self.root {
                self.overflow(root, "the run itself", "/".to_owned());
            }
            return;
        }
        self.inbox.push_back(event.clone());
        let listeners = self
            .pending
            .values()
            .filter(|outstanding| matches!(outstanding.pending.command, Command::Listen { .. }))
            .map(|outstanding| outstanding.frame);
        let first = self.ready.len();
        self.ready.extend(listeners);
        self.ready[first..].reverse();
    }

    /// An event is never dropped unsaid: what it was for faults.
    fn overflow(&mut self, key: Key, what: &str, instance: String) {
        self.overflows += 1;
        let mut fault = Fault::new(
            FaultType::Runtime,
            format!(
                "{} events wait for {what}, which is the limit: it takes them more slowly than they come",
                limits::EVENTS
            ),
        )
        .code("event.queue_full");
        fault.instance = Some(instance);
        self.fail(key, fault);
    }

    pub(super) fn listen(&mut self, frame: &mut Frame, task: &ListenTask) -> Result<Turn, Stop> {
        let mut state = match std::mem::take(&mut frame.body) {
            Body::Fresh => Box::new(self.open_listening(frame, task)?),
            Body::Listen(state) => state,
            other => {
                frame.body = other;
                return Ok(Turn::Wait);
            }
        };
        let turn = self.hear(frame, task, &mut state);
        if let Ok(Turn::Done(_)) = turn {
            return turn;
        }
        frame.body = Body::Listen(state);
        turn
    }

    fn open_listening(&mut self, frame: &mut Frame, task: &ListenTask) -> Result<Listening, Stop> {
        let mut filters = Some(Vec::new());
        let mut gathering = Gathering {
            filters: &mut filters,
            number: 0,
            asked: false,
        };
        let wanted = self.consumption(frame, &task.to, &mut gathering)?;
        if gathering.asked {
            return Err(Stop::Asked);
        }
        let id = self.id(frame, "");
        let command = Command::Listen {
            id,
            filters: filters.unwrap_or_default(),
        };
        self.command(frame, Part::Body, command);
        self.record_waiting(frame);
        Ok(Listening {
            wanted,
            letters: VecDeque::new(),
            fixed: BTreeMap::new(),
            consumed: Vec::new(),
            outputs: Vec::new(),
            count: 0,
            stage: Stage::Hearing,
        })
    }

    fn consumption(
        &mut self,
        frame: &mut Frame,
        consume: &Consume,
        gathering: &mut Gathering<'_>,
    ) -> Result<Consumption, Stop> {
        let (templates, kind, until) = match consume {
            Consume::All(filters) => (filters.as_slice(), Kind::All, None),
            Consume::One(filter) => (std::slice::from_ref(filter), Kind::One, None),
            Consume::Any {
                filters,
                until: None,
            } => (filters.as_slice(), Kind::One, None),
            Consume::Any { filters, until } => (filters.as_slice(), Kind::On, until.as_ref()),
        };
        let mut matchers = Vec::with_capacity(templates.len());
        for template in templates {
            match self.filter(frame, template, gathering.number) {
                Ok(filter) => {
                    matchers.push(Matcher::new(&filter));
                    if let Some(filters) = gathering.filters {
                        filters.push(filter);
                    }
                }
                Err(Stop::Asked) => gathering.asked = true,
                Err(stop) => return Err(stop),
            }
            gathering.number += 1;
        }
        if templates.is_empty() {
            *gathering.filters = None;
        }
        let until = match until {
            Some(Until::Consumed(consume)) => {
                Some(Box::new(self.consumption(frame, consume, gathering)?))
            }
            Some(Until::Condition(_)) | None => None,
        };
        Ok(Consumption {
            taken: vec![false; matchers.len().max(1)],
            matchers,
            kind,
            until,
        })
    }

    /// A filter with what it expects evaluated on the task's input.
    fn filter(
        &mut self,
        frame: &mut Frame,
        template: &FilterTemplate,
        number: usize,
    ) -> Result<Filter, Stop> {
        let (input, scope) = (Arc::clone(&frame.input), frame.scope.clone());
        let part = format!("listen.correlate.{number}");
        let mut about = About::new(&part, &input, &scope);
        let mut correlate = IndexMap::with_capacity(template.correlate.len());
        let mut asked = false;
        for (name, correlation) in &template.correlate {
            let expect = match &correlation.expect {
                None => None,
                Some(template) => match self.template(frame, &mut about, template) {
                    Ok(value) => Some(value),
                    Err(Stop::Asked) => {
                        asked = true;
                        continue;
                    }
                    Err(stop) => return Err(stop),
                },
            };
            let from = correlation.from.program.source().to_owned();
            correlate.insert(name.clone(), Correlation { from, expect });
        }
        if asked {
            return Err(Stop::Asked);
        }
        let filter = Filter {
            with: template.with.clone(),
            correlate,
        };
        match filter.unusable() {
            Some(why) => Err(Fault::new(FaultType::Expression, why)
                .code("expr.heavy_filter")
                .into()),
            None => Ok(filter),
        }
    }

    fn hear(
        &mut self,
        frame: &mut Frame,
        task: &ListenTask,
        state: &mut Listening,
    ) -> Result<Turn, Stop> {
        loop {
            match &mut state.stage {
                Stage::Hearing => {
                    let Some((heard, event)) = state.next(&mut self.inbox) else {
                        return Ok(Turn::Wait);
                    };
                    self.round(&frame.node)?;
                    state.stage = Stage::Enough;
                    if let Heard::Consumed = heard {
                        let item = read(event, task.read);
                        if let Some(foreach) = &task.foreach {
                            state.stage = begin_item(frame, foreach, state.count, &item);
                        }
                        state.consumed.push(item);
                    }
                }
                Stage::Item(cursor, scope) => {
                    let scope = scope.clone();
                    let nothing = Block::default();
                    let block = task
                        .foreach
                        .as_ref()
                        .and_then(|foreach| foreach.r#do.as_ref());
                    match self.follow(frame, cursor, block.unwrap_or(&nothing), &scope) {
                        Turn::Wait => return Ok(Turn::Wait),
                        Turn::Done(output) => {
                            let then = if cursor.phase == Phase::End {
                                Then::End
                            } else {
                                Then::Continue
                            };
                            state.stage = Stage::Shaping(output, scope, then);
                        }
                    }
                }
                Stage::Shaping(raw, scope, then) => {
                    let (raw, scope, then) = (Arc::clone(raw), scope.clone(), *then);
                    if let Some(foreach) = &task.foreach {
                        let output = self.shape_item(frame, foreach, state.count, &raw, &scope)?;
                        state.outputs.push(output);
                    }
                    state.count += 1;
                    state.stage = Stage::Enough;
                    frame.answers.clear();
                    if then == Then::End {
                        return Ok(finished(task, state));
                    }
                }
                Stage::Enough => {
                    if self.is_enough(frame, task, state)? {
                        return Ok(finished(task, state));
                    }
                    frame.answers.clear();
                    state.stage = Stage::Hearing;
                }
            }
        }
    }

    /// `foreach.output` and `foreach.export` of one item.
    fn shape_item(
        &mut self,
        frame: &mut Frame,
        foreach: &Foreach,
        count: u64,
        raw: &Arc<Value>,
        scope: &Scope,
    ) -> Result<Value, Stop> {
        let mut output = Arc::clone(raw);
        if let Some(template) = &foreach.output.r#as {
            let part = format!("foreach.output.as[{count}]");
            output =
                Arc::new(self.template(frame, &mut About::new(&part, raw, scope), template)?);
        }
        check(foreach.output.schema.as_ref(), &output, "the item's output")?;
        if let Some(template) = &foreach.export.r#as {
            let part = format!("foreach.export.as[{count}]");
            frame.output = Some(Arc::clone(&output));
            let context = self.template(frame, &mut About::new(&part, &output, scope), template);
            frame.output = None;
            let context = context?;
            check(
                foreach.export.schema.as_ref(),
                &context,
                "the exported context",
            )?;
            self.set_context(frame, context);
        }
        Ok(Arc::unwrap_or_clone(output))
    }

    fn is_enough(
        &mut self,
        frame: &mut Frame,
        task: &ListenTask,
        state: &Listening,
    ) -> Result<bool, Stop> {
        let Consume::Any {
            until: Some(Until::Condition(condition)),
            ..
        } = &task.to
        else {
            return Ok(state.wanted.is_over());
        };
        let part = format!("listen.until[{}]", state.consumed.len());
        let consumed = Value::Array(state.consumed.clone());
        let scope = frame.scope.clone();
        self.holds(frame, &mut About::new(&part, &consumed, &scope), condition)
    }
}

/// What is gathered while filters are evaluated.
struct Gathering<'a> {
    /// `None` when every event is wanted.
    filters: &'a mut Option<Vec<Filter>>,
    number: usize,
    asked: bool,
}

fn begin_item(frame: &Frame, foreach: &Foreach, count: u64, item: &Value) -> Stage {
    let item = Arc::new(item.clone());
    let scope = frame
        .scope
        .bind(&foreach.item, Arc::clone(&item))
        .bind(&foreach.at, Arc::new(count.into()));
    match &foreach.r#do {
        Some(_) => Stage::Item(Cursor::new(Arc::clone(&frame.input)), scope),
        None => Stage::Shaping(item, scope, Then::Continue),
    }
}

fn finished(task: &ListenTask, state: &mut Listening) -> Turn {
    let list = match task.foreach {
        Some(_) => std::mem::take(&mut state.outputs),
        None => std::mem::take(&mut state.consumed),
    };
    Turn::Done(Arc::new(Value::Array(list)))
}

/// An event as the task reads it.
fn read(event: CloudEvent, read: Read) -> Value {
    match read {
        Read::Data => event.data.unwrap_or(Value::Null),
        Read::Envelope => event.structured(),
        Read::Raw => match (event.data, event.extensions.get("data_base64")) {
            (Some(Value::String(text)), _) => Value::String(text),
            (Some(data), _) => Value::String(data.to_string()),
            (None, Some(encoded)) => encoded.clone(),
            (None, None) => Value::Null,
        },
    }
}
