//! From a name to what calls need of that connection: from memory if it may be believed, else read anew.

use std::sync::Arc;

use store::{Actor, ConnectionId, ConnectionName, Origin, Stamp};

use crate::credential::Credential;
use crate::error::CallError;
use crate::known::{self, Loaded, Memory, Parts};
use crate::refresh::Held;
use crate::{Connector, preset};

impl Connector {
    /// The connection as calls need it, from memory where memory may be believed.
    pub(crate) async fn loaded(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Arc<Loaded>, CallError> {
        let key = known::key(name);
        let epoch = |id: &ConnectionId| self.inner.store.epoch(id);
        match self.inner.known.get(&key, epoch) {
            Memory::Yes(loaded) => Ok(loaded),
            // Boxed, since every call carries this future and hardly one runs it.
            memory => Box::pin(self.load(actor, name, &key, memory)).await,
        }
    }

    async fn load(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        key: &str,
        memory: Memory,
    ) -> Result<Arc<Loaded>, CallError> {
        if let Memory::Compare(loaded) = memory {
            let stamp = self.stamp(&loaded.connection.id).await?;
            if loaded.is(stamp) {
                return Ok(loaded);
            }
            loaded.outdate();
        }
        // Whoever knows the id asks in line; a name that moved to another id is looked up anew.
        if let Some(id) = self.inner.known.id_of(key)
            && let Some(loaded) = self.read(actor, &id, key).await?
        {
            return Ok(loaded);
        }
        let not_found = || CallError::NotFound {
            name: name.to_string(),
        };
        let connections = self.inner.store.connections();
        let found = connections.find(actor, name).await?.ok_or_else(not_found)?;
        self.read(actor, &found.id, key)
            .await?
            .ok_or_else(not_found)
    }

    /// Reads a connection, one task at a time; `None` if it is gone or has another name now.
    async fn read(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        key: &str,
    ) -> Result<Option<Arc<Loaded>>, CallError> {
        let slot = self.inner.known.slot(id);
        let _one_reads = slot.loading.lock().await;
        if let Memory::Yes(loaded) = self.inner.known.get(key, |id| self.inner.store.epoch(id)) {
            return Ok(Some(loaded));
        }
        // Epoch and stamp first: what changes while reading makes the entry outdated, not wrong.
        let epoch = self.inner.store.epoch(id);
        let stamp = self.stamp(id).await?;
        let found = self.inner.store.connections().find_by_id(actor, id).await?;
        let Some(connection) = found.filter(|found| known::key(&found.name) == key) else {
            self.inner.known.drop_name(key);
            return Ok(None);
        };
        let row = self.inner.store.tokens().read(id).await?;
        let token = row.token.as_ref().and_then(Held::of);
        if let Some(held) = &token {
            slot.learn(held);
        }
        let settings = &connection.settings;
        let loaded = Arc::new(self.inner.known.entry(Parts {
            origins: origins(settings),
            trust: self.inner.clouds.trust(settings),
            rules: preset::rules(settings),
            credential: Credential::new(&settings.authentication, connection.secrets.as_ref()),
            generation: row.generation,
            token,
            epoch,
            stamp,
            connection,
        }));
        self.inner.known.put(&loaded);
        Ok(Some(loaded))
    }

    async fn stamp(&self, id: &ConnectionId) -> Result<Option<Stamp>, store::Error> {
        self.inner
            .store
            .connections()
            .stamp(&Actor::system(), id)
            .await
    }
}

/// All origins that a credential may go to: the base URL's and the listed ones.
pub(crate) fn origins(settings: &store::Settings) -> Vec<Origin> {
    let mut origins: Vec<Origin> = settings.base_url.iter().filter_map(Origin::of).collect();
    for origin in &settings.origins {
        if !origins.contains(origin) {
            origins.push(origin.clone());
        }
    }
    origins
}
