//! Events, from outside and between flows: to runs that listen, and to the triggers of flows (`triggers.rs`).

use std::collections::BTreeSet;
use std::time::Duration;

use aws_lc_rs::digest;
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use flow::definition::listen::{AttributeTest, Filter};
use flow::{CloudEvent, Command, CommandId, Event, Recorded};
use serde_json::Value;
use store::{Actor, Letter as Post, Role, RunId};

use super::drive::Drive;
use super::plan::Plan;
use super::triggers::Became;
use super::{Inner, Local};
use crate::Error;
use crate::letter::Letter;

/// Whom an event reached.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Delivered {
    /// How many runs hear it, and flows it started.
    pub recipients: usize,
    /// How many flows keep it until other events have come that they wait for.
    pub gathered: usize,
}

impl Local {
    /// Hands an event over to every run that listens for it and every flow that it starts or that gathers it; answers how
    /// many. It is durable when this returns. Nobody may have waited: then it is gone. It starts a flow once, and a run
    /// hears it once, however often it comes: `source` and `id` name it (`CloudEvents` 1.0, §3.1).
    pub async fn deliver(&self, actor: &Actor, event: CloudEvent) -> Result<Delivered, Error> {
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
        let mut delivered = Delivered {
            recipients: runs.len(),
            gathered: 0,
        };
        for trigger in inner.on_events().await?.iter() {
            match inner.start_by(trigger, &event, &actor.id).await? {
                Became::Nothing => {}
                Became::Kept => delivered.gathered += 1,
                Became::Run => delivered.recipients += 1,
            }
        }
        Ok(delivered)
    }
}

/// Names an event by its `source` and `id`; these may be long, and are hashed.
pub(super) fn name_of(event: &CloudEvent) -> String {
    let mut hash = digest::Context::new(&digest::SHA256);
    // No source holds this byte, so that no other pair reads the same.
    for part in [event.source.as_bytes(), b"\0", event.id.as_bytes()] {
        hash.update(part);
    }
    BASE64_URL_SAFE_NO_PAD.encode(hash.finish())
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
        let name = name_of(event);
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
                event: Some(name.clone()),
                body: letter(None),
            });
        }
        let mut served = BTreeSet::new();
        for listening in self.store.runs().listening(&event.r#type).await? {
            if Some(&listening.run) == but || Some(&listening.run) == addressed.as_ref() {
                continue;
            }
            let Some(filter) = self.matchers.of_stored(&listening.filter) else {
                tracing::error!(run = %listening.run, "a stored filter can't be understood");
                continue;
            };
            let once = (listening.run.clone(), listening.command.clone());
            if filter.matches(event) && served.insert(once) {
                posts.push(Post {
                    body: letter(Some(&listening.command)),
                    to: listening.run,
                    listener: Some(listening.command),
                    event: Some(name.clone()),
                });
            }
        }
        Ok(posts)
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
                            || filters
                                .iter()
                                .any(|filter| self.engine.matchers.of(filter).matches(event));
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
        loop {
            match self.engine.recipients(event, Some(&self.run)).await {
                Ok(posts) => break plan.progress.letters.extend(posts),
                Err(error) => self.engine.health.failed("publish", &error),
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(Duration::from_secs(5));
        }
        plan.published.push(event.clone());
    }
}
