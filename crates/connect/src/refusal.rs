//! Has refusals audited: an address outside what a connection is for, and one that the egress guard does not let through.
//!
//! The store bounds how many rows that makes. What a refusal says stands on its own: a row that can't be written does not change it.

use serde_json::json;
use store::Actor;

use crate::Connector;
use crate::error::{CallError, Error};
use crate::unnamed::UnnamedError;

/// The kinds that are audited, as they are called in the audit log.
const AUDITED: [&str; 2] = ["connection.origin_forbidden", "egress.address_forbidden"];

impl Connector {
    /// Of a call through a connection.
    pub(crate) async fn audit_call(&self, actor: &Actor, error: &CallError) {
        if let Some(connection) = error.connection() {
            let (id, what) = (connection.id.as_str(), error.to_string());
            self.audit_refusal(actor, (error.code(), &what), id).await;
        }
    }

    /// Of a call without a connection, which knows no actor itself.
    pub async fn audit_unnamed(&self, actor: &Actor, subject: &str, error: &UnnamedError) {
        let what = error.to_string();
        self.audit_refusal(actor, (error.code(), &what), subject)
            .await;
    }

    /// Of an address in a connection that is made or changed.
    pub(crate) async fn audit_form(&self, actor: &Actor, subject: &str, error: &Error) {
        let what = error.to_string();
        self.audit_refusal(actor, (error.code(), &what), subject)
            .await;
    }

    async fn audit_refusal(&self, actor: &Actor, (code, what): (&str, &str), subject: &str) {
        let Some(code) = AUDITED.into_iter().find(|audited| *audited == code) else {
            return;
        };
        let detail = json!({ "what": what });
        let store = &self.inner.store;
        if let Err(error) = store.refusals().record(actor, code, subject, detail).await {
            tracing::warn!(%error, code, "a refusal could not be audited");
        }
    }
}
