//! Definitions, parsed once per version and kept; and which version of a flow is current, as of a moment ago.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use flow::Flow;
use flow::machine::{Machine, Recording, Secrets};
use serde_json::{Map, Value};
use store::{
    Actor, ConnectionId, ConnectionName, FlowId, FlowRecord, Redactor, Run, Secret, Store,
};

use crate::Error;

/// How many parsed versions are kept.
const KEPT: usize = 512;
/// How long it may go unnoticed that another process deployed, enabled or disabled a flow.
const FRESH: Duration = Duration::from_secs(1);

/// One version of a flow, parsed.
pub(crate) struct Definition {
    pub(crate) flow: Arc<Flow>,
    pub(crate) id: FlowId,
    pub(crate) number: i64,
    /// Whether its text mentions `$secrets` at all.
    reads_secrets: bool,
}

impl Definition {
    /// Namespace and name.
    pub(crate) fn name(&self) -> String {
        let document = &self.flow.document;
        format!("{}/{}", document.namespace, document.name)
    }

    /// A machine that plays the journal of a run under the meaning that it began with.
    pub(crate) fn machine_of(
        &self,
        run: &Run,
        secrets: Secrets,
        recording: Recording,
    ) -> Result<Machine, Error> {
        Machine::new(Arc::clone(&self.flow), secrets, recording)
            .meaning(run.semantics)
            .ok_or_else(|| Error::SemanticsUnknown {
                name: self.name(),
                semantics: run.semantics,
            })
    }
}

/// The definitions.
pub(crate) struct Definitions {
    store: Store,
    /// Values that stand for secrets of these names, whatever the store has: tests of flows in the foreground.
    given: Map<String, Value>,
    parsed: Mutex<HashMap<(FlowId, i64), Arc<Definition>>>,
    current: Mutex<HashMap<String, (Instant, FlowRecord)>>,
    /// Secrets that hooks are signed with.
    recent: Mutex<HashMap<String, (Instant, Arc<Secret>)>>,
    /// Takes all secrets out of what is shown.
    shown: Mutex<Option<(Instant, Arc<Redactor>)>>,
}

impl Definitions {
    pub(crate) fn new(store: Store, given: Map<String, Value>) -> Definitions {
        Definitions {
            store,
            given,
            parsed: Mutex::default(),
            current: Mutex::default(),
            recent: Mutex::default(),
            shown: Mutex::default(),
        }
    }

    /// The record of a flow, as of a moment ago.
    pub(crate) async fn record(&self, namespace: &str, name: &str) -> Result<FlowRecord, Error> {
        let key = format!("{namespace}/{name}");
        let known = self
            .current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .filter(|(since, _)| since.elapsed() < FRESH)
            .map(|(_, record)| record.clone());
        if let Some(record) = known {
            return Ok(record);
        }
        let found = self
            .store
            .flows()
            .find(&Actor::system(), namespace, name)
            .await;
        let Some(record) = found? else {
            return Err(Error::FlowNotFound { name: key });
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        current.insert(key, (Instant::now(), record.clone()));
        Ok(record)
    }

    /// Forgets which versions are current: something was changed in this process.
    pub(crate) fn forget(&self) {
        self.current
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// The version that is meant: the current one, or the newest of a `document.version`.
    pub(crate) async fn wanted(
        &self,
        record: &FlowRecord,
        version: Option<&str>,
    ) -> Result<Arc<Definition>, Error> {
        let number = match version {
            None | Some("latest") => record.current,
            Some(version) => {
                let versions = self
                    .store
                    .flows()
                    .versions(&Actor::system(), &record.id)
                    .await;
                let found = versions?;
                let found = found.iter().find(|found| found.version == version);
                let found = found.ok_or_else(|| Error::FlowNotFound {
                    name: format!("{}/{}:{version}", record.namespace, record.name),
                })?;
                found.number
            }
        };
        self.load(&record.id, number).await
    }

    /// One version, parsed.
    pub(crate) async fn load(&self, id: &FlowId, number: i64) -> Result<Arc<Definition>, Error> {
        let key = (id.clone(), number);
        let known = self
            .parsed
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .map(Arc::clone);
        if let Some(definition) = known {
            return Ok(definition);
        }
        let found = self
            .store
            .flows()
            .version(&Actor::system(), id, number)
            .await;
        let version = found?.ok_or_else(|| Error::FlowNotFound {
            name: format!("{id} version {number}"),
        })?;
        let flow = parse_stored(version.source).await?;
        let definition = Arc::new(Definition {
            reads_secrets: flow.definition.to_string().contains("$secrets"),
            flow: Arc::new(flow),
            id: id.clone(),
            number,
        });
        let mut parsed = self.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if parsed.len() >= KEPT {
            parsed.clear();
        }
        parsed.insert(key, Arc::clone(&definition));
        Ok(definition)
    }

    /// The plain secrets that a flow declares; a connection of the same name comes first and is not readable.
    pub(crate) async fn secrets(&self, definition: &Definition) -> Result<Secrets, Error> {
        let mut secrets = Secrets::default();
        if !definition.reads_secrets {
            return Ok(secrets);
        }
        for name in &definition.flow.secrets {
            if let Some(value) = self.secret(name).await? {
                secrets.0.insert(name.clone(), value);
            }
        }
        Ok(secrets)
    }

    /// One plain secret, unless a connection has its name.
    pub(crate) async fn secret(&self, name: &str) -> Result<Option<Value>, Error> {
        if let Some(value) = self.given.get(name) {
            return Ok(Some(value.clone()));
        }
        let Ok(name) = ConnectionName::parse(name) else {
            return Ok(None);
        };
        let Some(value) = self.store.secrets().read(&name).await? else {
            return Ok(None);
        };
        let connection = self.store.connections().find(&Actor::system(), &name).await;
        Ok(match connection? {
            Some(_) => None,
            None => Some(value),
        })
    }

    /// One plain secret that is a text, as of a moment ago; that there is none is not remembered.
    pub(crate) async fn recent_secret(&self, name: &str) -> Result<Option<Arc<Secret>>, Error> {
        let known = self
            .recent
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(name)
            .filter(|(since, _)| since.elapsed() < FRESH)
            .map(|(_, secret)| Arc::clone(secret));
        if known.is_some() {
            return Ok(known);
        }
        let found = self.secret(name).await?.and_then(crate::hook::text);
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        match &found {
            Some(secret) => {
                recent.insert(name.to_owned(), (Instant::now(), Arc::clone(secret)));
            }
            None => {
                recent.remove(name);
            }
        }
        Ok(found)
    }

    /// Takes all plain secrets out of what is shown, as of a moment ago: what others told a run may hold theirs.
    pub(crate) async fn shown(&self) -> Result<Arc<Redactor>, Error> {
        let known = self
            .shown
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .as_ref()
            .filter(|(since, _)| since.elapsed() < FRESH)
            .map(|(_, redactor)| Arc::clone(redactor));
        if let Some(redactor) = known {
            return Ok(redactor);
        }
        let redactor = Arc::new(self.store.secrets().redactor().await?);
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        *shown = Some((Instant::now(), Arc::clone(&redactor)));
        Ok(redactor)
    }

    /// Whether values were given at the start: then whoever started this process gave it its secrets, and gets back what its
    /// run told.
    pub(crate) fn has_given(&self) -> bool {
        !self.given.is_empty()
    }

    /// A connection that needs somebody before it can be called through: its id and what is wrong, as a code.
    pub(crate) async fn needy(
        &self,
        name: &ConnectionName,
    ) -> Result<Option<(ConnectionId, String)>, Error> {
        let connections = self.store.connections();
        let found = connections.find(&Actor::system(), name).await?;
        let needy = found.filter(|connection| !connection.standing.is_usable());
        Ok(needy.map(|connection| {
            let code = format!("connection.{}", connection.standing.state.as_str());
            (connection.id, code)
        }))
    }

    /// A value that was given at the start and stands for a secret.
    pub(crate) fn given(&self, name: &str) -> Option<&Value> {
        self.given.get(name)
    }
}

/// Parses a text off the async threads: it may be long.
pub(crate) async fn parse(source: &str) -> Result<Flow, Error> {
    let source = source.to_owned();
    let parsed = tokio::task::spawn_blocking(move || Flow::parse(&source)).await;
    parsed
        .map_err(|_| Error::Stopping)?
        .map_err(Error::FlowInvalid)
}

/// Parses a text that was deployed before, off the async threads.
async fn parse_stored(source: String) -> Result<Flow, Error> {
    let parsed = tokio::task::spawn_blocking(move || Flow::parse_stored(&source)).await;
    parsed
        .map_err(|_| Error::Stopping)?
        .map_err(Error::FlowInvalid)
}
