//! Connections from text: what each text comes to, then all of them or none.
//!
//! The same text again changes nothing. What a change wipes and how it is audited are as when a person changes the connection.

use serde::Serialize;
use store::{Actor, Connection, ConnectionName, NewConnection as NewRow, Step};

use crate::Connector;
use crate::belongs;
use crate::card::Card;
use crate::change::Expiry;
use crate::create::parse_name;
use crate::declared::{Declared, in_text};
use crate::error::Error;

/// What became of a connection, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Application {
    /// It is new.
    Created,
    /// It was there and is different now.
    Changed,
    /// It is as the text says already.
    Unchanged,
}

/// A connection's text that was thought through; nothing is stored yet.
pub struct Planned {
    /// The name as it will be.
    pub name: ConnectionName,
    /// What becomes of it.
    pub application: Application,
    /// The name and text that stand for it now, if it is there.
    pub before: Option<(ConnectionName, Declared)>,
    /// The text that will stand for it.
    pub after: Declared,
    /// What is wiped: secret slots, `access_token`, `refresh_token`.
    pub wiped: Vec<String>,
    step: Option<Step>,
    /// Whether a proof could tell something new afterwards.
    worth_a_try: bool,
}

/// A connection as it is after its text was applied.
pub struct Applied {
    /// What was thought before.
    pub planned: Planned,
    /// The connection as it is now.
    pub card: Card,
}

impl Connector {
    /// The connections of these names as text says them, or all; in the order of their names.
    pub async fn export(
        &self,
        actor: &Actor,
        names: &[ConnectionName],
    ) -> Result<Vec<(ConnectionName, Declared)>, Error> {
        let mut found = Vec::new();
        if names.is_empty() {
            found = self.inner.store.connections().list(actor).await?;
        }
        for name in names {
            found.push(self.find(actor, name).await?);
        }
        found.sort_by_key(|connection| connection.name.key());
        found.dedup_by(|a, b| a.id == b.id);
        let declared = |connection: Connection| {
            let declared = self.declared(&connection.settings);
            (connection.name, declared)
        };
        self.inner
            .store
            .connections()
            .exported(actor, &found)
            .await?;
        Ok(found.into_iter().map(declared).collect())
    }

    /// What a text would make of the connection of this name. Complaints name the text's own words as fields.
    pub async fn plan(
        &self,
        actor: &Actor,
        name: &str,
        declared: Declared,
    ) -> Result<Planned, Error> {
        let name = parse_name(name)?;
        match self.inner.store.connections().find(actor, &name).await? {
            Some(connection) => self.plan_change((actor, name), &connection, declared).await,
            None => self.plan_new((actor, name), declared).await,
        }
        .map_err(in_text)
    }

    async fn plan_new(
        &self,
        (actor, name): (&Actor, ConnectionName),
        declared: Declared,
    ) -> Result<Planned, Error> {
        let (form, kept) = declared.to_form(None)?;
        belongs::check(&form, None)?;
        let checked = self.checked((actor, name.as_str()), form, kept).await?;
        Ok(Planned {
            application: Application::Created,
            before: None,
            after: self.declared(&checked.settings),
            wiped: Vec::new(),
            step: Some(Step::Add(Box::new(NewRow {
                name: name.clone(),
                settings: checked.settings,
                secrets: checked.secrets,
            }))),
            worth_a_try: true,
            name,
        })
    }

    async fn plan_change(
        &self,
        (actor, name): (&Actor, ConnectionName),
        connection: &Connection,
        declared: Declared,
    ) -> Result<Planned, Error> {
        let before = self.declared(&connection.settings);
        let renamed = (name != connection.name).then(|| name.clone());
        let mut planned = Planned {
            name,
            application: Application::Unchanged,
            after: before.clone(),
            before: Some((connection.name.clone(), before.clone())),
            wiped: Vec::new(),
            step: None,
            worth_a_try: false,
        };
        if declared == before && renamed.is_none() {
            return Ok(planned);
        }
        belongs::check(&declared.to_form(None)?.0, None)?;
        let (form, kept) = declared.to_form(Some((&connection.settings, &before)))?;
        let about = (actor, connection.id.as_str());
        let checked = self.checked(about, form, kept).await?;
        planned.after = self.declared(&checked.settings);
        if planned.after == before && renamed.is_none() {
            return Ok(planned);
        }
        let prepared = self
            .prepare(connection, checked, renamed, Expiry::OfOld)
            .await?;
        planned.application = Application::Changed;
        planned.wiped = prepared.wiped;
        planned.worth_a_try = prepared.worth_a_try;
        planned.step = Some(Step::Save {
            id: connection.id.clone(),
            expected_version: connection.version,
            edit: Box::new(prepared.edit),
        });
        Ok(planned)
    }

    /// Stores what was planned, all or nothing, then proves what is new or different; what providers answer is in the states.
    pub async fn apply(
        &self,
        actor: &Actor,
        mut plans: Vec<Planned>,
    ) -> Result<Vec<Applied>, Error> {
        let steps: Vec<Step> = plans
            .iter_mut()
            .filter_map(|plan| plan.step.take())
            .collect();
        let stored = if steps.is_empty() {
            Vec::new()
        } else {
            let stored = self.inner.store.connections().apply(actor, steps).await;
            stored.map_err(|error| overtaken(error, &plans))?
        };
        for connection in &stored {
            self.inner.known.forget(connection);
        }
        for plan in &plans {
            let connection = stored.iter().find(|stored| stored.name == plan.name);
            if let Some(connection) = connection {
                self.follow_up(actor, plan, connection).await?;
            }
        }
        let mut applied = Vec::with_capacity(plans.len());
        for planned in plans {
            let card = self.card(actor, &planned.name).await?;
            applied.push(Applied { planned, card });
        }
        Ok(applied)
    }

    /// How a connection stands after its text was stored, and whether it works.
    async fn follow_up(
        &self,
        actor: &Actor,
        plan: &Planned,
        connection: &Connection,
    ) -> Result<(), Error> {
        if plan.application == Application::Created {
            self.stand_first(connection).await?;
        }
        if plan.worth_a_try {
            Box::pin(self.prove(actor, &connection.name)).await?;
        }
        Ok(())
    }
}

/// Somebody changed one of them since it was looked at, or took its name: nothing was stored.
fn overtaken(error: store::Error, plans: &[Planned]) -> Error {
    let names: Vec<&str> = plans
        .iter()
        .filter(|plan| plan.application != Application::Unchanged)
        .map(|plan| plan.name.as_str())
        .collect();
    match error {
        store::Error::Version { .. }
        | store::Error::Conflict { .. }
        | store::Error::NotFound { .. } => Error::Overtaken {
            names: names.join(", "),
        },
        other => Error::Store(other),
    }
}
