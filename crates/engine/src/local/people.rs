//! What people do with runs: cancel, suspend, resume, resolve, decide. Each is a letter, and in the audit log.

use flow::command::FlowReference;
use flow::{CommandId, Event};
use serde_json::json;
use std::sync::Arc;
use store::{Actor, Approval, Role, RunId};

use super::{Inner, Local};
use crate::Error;
use crate::definitions::Definition;
use crate::letter::{Letter, Resolution};

/// What a person decides about a question of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What was decided.
    pub approved: Verdict,
    /// Who decided, in their own words where nobody is signed in.
    pub by: Option<String>,
    /// What they say about it.
    pub comment: Option<String>,
}

/// Yes or no.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Approved,
    /// No.
    Rejected,
}

impl Local {
    /// Ends a run for good.
    pub async fn cancel(&self, actor: &Actor, run: &RunId) -> Result<(), Error> {
        self.say(actor, run, "run.cancelled", Event::Cancelled)
            .await
    }

    /// Stops a run for the time being: what is under way comes to its end, nothing new is begun.
    pub async fn suspend(&self, actor: &Actor, run: &RunId) -> Result<(), Error> {
        self.say(actor, run, "run.suspended", Event::Suspended)
            .await
    }

    /// Lets a suspended run go on.
    pub async fn resume(&self, actor: &Actor, run: &RunId) -> Result<(), Error> {
        self.say(actor, run, "run.resumed", Event::Resumed).await
    }

    /// Says what became of a call whose outcome was unknown.
    pub async fn resolve(
        &self,
        actor: &Actor,
        run: &RunId,
        command: &CommandId,
        resolution: Resolution,
    ) -> Result<(), Error> {
        let found = self.inner.store.runs().find(actor, run).await?;
        let found = found.ok_or_else(|| not_found(run))?;
        if !found
            .parked
            .iter()
            .any(|parked| parked.command == command.0)
        {
            return Err(Error::NotNow {
                id: run.to_string(),
                done: "resolved",
                why: format!("{command} does not wait for anybody"),
            });
        }
        let letter = resolution.letter(command.clone());
        self.tell(actor, run, "run.resolved", &letter).await
    }

    /// Answers a question of a run.
    pub async fn decide(
        &self,
        actor: &Actor,
        approval: &Approval,
        decision: Decision,
    ) -> Result<(), Error> {
        let approved = decision.approved == Verdict::Approved;
        let output = json!({
            "approved": approved,
            "by": decision.by.or_else(|| Some(actor.name.clone())),
            "comment": decision.comment,
            "at": self.inner.now(),
        });
        let letter = Letter::event(Event::Completed {
            id: CommandId(approval.command.clone()),
            result: Ok(output),
            explanation: None,
        });
        let outcome = if approved { "approved" } else { "rejected" };
        let decided = self.inner.store.approvals();
        decided
            .decide(actor, approval, outcome, &letter.body())
            .await?;
        self.inner.tell(std::slice::from_ref(&approval.run));
        Ok(())
    }

    async fn say(
        &self,
        actor: &Actor,
        run: &RunId,
        action: &'static str,
        event: Event,
    ) -> Result<(), Error> {
        self.tell(actor, run, action, &Letter::event(event)).await
    }

    async fn tell(
        &self,
        actor: &Actor,
        run: &RunId,
        action: &'static str,
        letter: &Letter,
    ) -> Result<(), Error> {
        actor.require(Role::Operator)?;
        let told = self
            .inner
            .store
            .runs()
            .tell(actor, run, action, &letter.body())
            .await;
        told.map_err(|error| match error {
            store::Error::NotFound { .. } => not_found(run),
            other => other.into(),
        })?;
        self.inner.tell(std::slice::from_ref(run));
        Ok(())
    }
}

pub(super) fn not_found(run: &RunId) -> Error {
    Error::RunNotFound {
        id: run.to_string(),
    }
}

impl Inner {
    /// The definition that a run starts by name.
    pub(super) async fn definition_for_run(
        &self,
        flow: &FlowReference,
    ) -> Result<Arc<Definition>, Error> {
        let record = self.definitions.record(&flow.namespace, &flow.name).await?;
        if record.disabled_at.is_some() {
            return Err(Error::FlowDisabled {
                name: format!("{}/{}", flow.namespace, flow.name),
            });
        }
        self.definitions
            .wanted(&record, flow.version.as_deref())
            .await
    }
}
