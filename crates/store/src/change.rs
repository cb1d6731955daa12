//! What a transaction leaves behind: a value for its caller, audit rows, and the connections that it touched.

use std::fmt::Display;

use crate::{Actor, ConnectionId};

/// What is to be recorded of a change. Never a secret.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) actor_id: String,
    pub(crate) actor_name: String,
    pub(crate) action: &'static str,
    pub(crate) subject: String,
    pub(crate) detail: serde_json::Value,
}

impl Entry {
    pub(crate) fn new(
        actor: &Actor,
        action: &'static str,
        subject: impl Display,
        detail: serde_json::Value,
    ) -> Self {
        Self {
            actor_id: actor.id.clone(),
            actor_name: actor.name.clone(),
            action,
            subject: subject.to_string(),
            detail,
        }
    }
}

/// The outcome of a piece of work.
#[derive(Debug)]
pub(crate) struct Outcome<T> {
    pub(crate) value: T,
    pub(crate) audit: Vec<Entry>,
    pub(crate) touched: Vec<ConnectionId>,
}

impl<T> Outcome<T> {
    /// Something changed that people must be able to look up.
    pub(crate) fn audited(value: T, entry: Entry) -> Self {
        Self {
            value,
            audit: vec![entry],
            touched: Vec::new(),
        }
    }

    /// Nothing changed, or only bookkeeping that stands for no decision of anybody (a lease, a time last seen).
    pub(crate) fn unaudited(value: T) -> Self {
        Self {
            value,
            audit: Vec::new(),
            touched: Vec::new(),
        }
    }

    /// Whatever is remembered of this connection in memory no longer holds.
    pub(crate) fn touching(mut self, connection: &ConnectionId) -> Self {
        self.touched.push(connection.clone());
        self
    }
}
