//! The hooks of flows, as whoever serves them has to know them.
//!
//! What a message must prove is judged by the server; this room says which hook is meant, what may have signed, and
//! whether another run can be taken.

use std::sync::Arc;

use flow::definition::schedule::Webhook;
use serde_json::Value;
use store::Secret;

use crate::definitions::Definition;
use crate::{Error, Local};

/// A hook of a flow that is switched on.
#[derive(Clone)]
pub struct Hook {
    definition: Arc<Definition>,
    index: usize,
}

impl Hook {
    /// What its flow says about it.
    pub fn webhook(&self) -> &Webhook {
        &self.definition.flow.settings.webhooks[self.index]
    }
}

impl Local {
    /// The hook of the current version of a flow; none where the flow is unknown or disabled, or has no hook of that
    /// name. As of a moment ago.
    pub async fn hook(
        &self,
        namespace: &str,
        name: &str,
        hook: &str,
    ) -> Result<Option<Hook>, Error> {
        let (_, definitions) = self.parts();
        let record = match definitions.record(namespace, name).await {
            Ok(record) => record,
            Err(Error::FlowNotFound { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        if record.disabled_at.is_some() {
            return Ok(None);
        }
        let definition = definitions.load(&record.id, record.current).await?;
        let hooks = &definition.flow.settings.webhooks;
        let index = hooks.iter().position(|known| known.name == hook);
        Ok(index.map(|index| Hook { definition, index }))
    }

    /// The plain secret of this name, if it is a text; as of a moment ago.
    pub async fn hook_secret(&self, name: &str) -> Result<Option<Arc<Secret>>, Error> {
        let (_, definitions) = self.parts();
        definitions.recent_secret(name).await
    }

    /// Whether so many runs wait for a place that another one had better come later.
    pub fn is_crowded(&self) -> bool {
        self.is_full() && self.health().oldest_due > super::local::LATE
    }
}

/// What a plain secret holds, where it is a text.
pub(crate) fn text(value: Value) -> Option<Arc<Secret>> {
    match value {
        Value::String(text) => Some(Arc::new(Secret::new(text))),
        _ => None,
    }
}
