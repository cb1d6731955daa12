//! How a flow is started: what input it takes, and which hooks it has.

use flow::definition::schedule::Webhook;
use serde_json::Value;
use store::FlowRecord;

use crate::{Error, Local};

/// The ways into a flow's current version.
#[derive(Debug, Clone)]
pub struct Entrance {
    /// The JSON Schema of its raw input, where it gives one.
    pub input: Option<Value>,
    /// Its hooks.
    pub hooks: Vec<Webhook>,
}

impl Local {
    /// How the current version of a flow is started.
    pub async fn entrance(&self, record: &FlowRecord) -> Result<Entrance, Error> {
        let (_, definitions) = self.parts();
        let definition = definitions.load(&record.id, record.current).await?;
        let flow = &definition.flow;
        Ok(Entrance {
            input: flow.definition.pointer("/input/schema/document").cloned(),
            hooks: flow.settings.webhooks.clone(),
        })
    }
}
