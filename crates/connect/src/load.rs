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
            Memory::Yes(loaded) => return Ok(loaded),
            Memory::Compare(loaded) => {
                let stamp = self.stamp(&loaded.connection.id).await?;
                if loaded.is(stamp) {
                    return Ok(loaded);
                }
            }
            Memory::No => {}
        }
        let not_found = || CallError::NotFound {
            name: name.to_string(),
        };
        let connections = self.inner.store.connections();
        let found = connections.find(actor, name).await?.ok_or_else(not_found)?;
        let slot = self.inner.known.slot(&found.id);
        let _one_reads = slot.loading.lock().await;
        if let Memory::Yes(loaded) = self.inner.known.get(&key, epoch) {
            return Ok(loaded);
        }
        // Epoch and stamp first: what changes while reading makes the entry outdated, not wrong.
        let epoch = self.inner.store.epoch(&found.id);
        let stamp = self.stamp(&found.id).await?;
        let connection = connections
            .find_by_id(actor, &found.id)
            .await?
            .ok_or_else(not_found)?;
        let row = self.inner.store.tokens().read(&found.id).await?;
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
        Ok(loaded)
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
