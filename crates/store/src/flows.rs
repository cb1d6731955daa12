//! Flow definitions: a name, immutable versions, the one that is current, and whether it starts at all.
//!
//! The text is kept as it was deployed. What it means, and whether it may run, is not known here.

use jiff::Timestamp;
use serde_json::json;

use crate::{Actor, Entry, Error, FlowId, Outcome, Role, Row, Shared, Store, Tx};

/// A flow, whatever its version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowRecord {
    /// Names it for ever.
    pub id: FlowId,
    /// The namespace of its document.
    pub namespace: String,
    /// The name of its document.
    pub name: String,
    /// How it came here.
    pub origin: FlowOrigin,
    /// The title of its current version.
    pub title: Option<String>,
    /// Which version new runs get.
    pub current: i64,
    /// Since when nothing starts it.
    pub disabled_at: Option<Timestamp>,
    /// How many days its finished runs are kept; the installation's default if it says nothing.
    pub retention_days: Option<u32>,
    /// Who deployed it first.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When anything of it changed last.
    pub updated_at: Timestamp,
}

/// How a flow came here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FlowOrigin {
    /// It was deployed: its name leads to it.
    Deployed,
    /// Its text was run and not deployed: only its runs lead to it, and it goes with the last of them.
    Once,
}

/// One version of a flow; never changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FlowVersion {
    /// The flow.
    pub flow: FlowId,
    /// Counts from 1.
    pub number: i64,
    /// `document.version`; the highest number of a version is the one that is meant by it.
    pub version: String,
    /// The digest of the definition.
    pub digest: String,
    /// The text as it was deployed.
    pub source: String,
    /// Who deployed it.
    pub deployed_by: String,
    /// When.
    pub deployed_at: Timestamp,
}

/// A definition that is to be deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewVersion {
    /// `document.namespace`.
    pub namespace: String,
    /// `document.name`.
    pub name: String,
    /// `document.version`.
    pub version: String,
    /// `document.title`.
    pub title: Option<String>,
    /// How many days its finished runs are kept.
    pub retention_days: Option<u32>,
    /// The digest of the definition.
    pub digest: String,
    /// The text.
    pub source: String,
    /// The number that has to be the current one still, 0 where there must be no such flow yet; none: whatever there is.
    pub based_on: Option<i64>,
}

/// What a deployment did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deployment {
    /// The flow is new.
    Created,
    /// It is a new version of a flow that was there.
    Added,
    /// The current version is this very text.
    Unchanged,
}

/// The flow definitions.
pub struct Flows<'a>(pub(crate) &'a Store);

impl Flows<'_> {
    /// Makes this text the current version of its flow; the same text again changes nothing.
    pub async fn deploy(
        &self,
        actor: &Actor,
        new: NewVersion,
    ) -> Result<(FlowRecord, Deployment), Error> {
        actor.require(Role::Admin)?;
        let actor = actor.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| deploy(tx, shared, &actor, &new);
        self.0.change(work).await
    }

    /// Keeps a text for a run of it without deploying it: no name leads to it. The same definition is kept once.
    pub async fn keep_once(&self, actor: &Actor, new: NewVersion) -> Result<FlowRecord, Error> {
        actor.require(Role::Operator)?;
        let actor = actor.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let flow = keep_once(tx, &actor, &new, shared.clock.now())?;
            let detail = json!({ "name": full_name(&flow), "digest": new.digest });
            let entry = Entry::new(&actor, "flow.run_once", &flow.id, detail);
            Ok(Outcome::audited(flow, entry))
        };
        self.0.change(work).await
    }

    /// The deployed flow of this name.
    pub async fn find(
        &self,
        actor: &Actor,
        namespace: &str,
        name: &str,
    ) -> Result<Option<FlowRecord>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self
            .0
            .read(BY_NAME, [namespace.into(), name.into()])
            .await?;
        let found = rows.first().map(flow).transpose()?;
        Ok(found.filter(|found| found.origin == FlowOrigin::Deployed))
    }

    /// The flow of this id.
    pub async fn find_by_id(
        &self,
        actor: &Actor,
        id: &FlowId,
    ) -> Result<Option<FlowRecord>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(BY_ID, [id.as_str().into()]).await?;
        rows.first().map(flow).transpose()
    }

    /// All deployed flows by namespace and name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<FlowRecord>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(ALL, []).await?;
        rows.iter().map(flow).collect()
    }

    /// One version by its number.
    pub async fn version(
        &self,
        actor: &Actor,
        id: &FlowId,
        number: i64,
    ) -> Result<Option<FlowVersion>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self
            .0
            .read(VERSION, [id.as_str().into(), number.into()])
            .await?;
        rows.first().map(version).transpose()
    }

    /// All versions of a flow, newest first.
    pub async fn versions(&self, actor: &Actor, id: &FlowId) -> Result<Vec<FlowVersion>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT flow, number, version, digest, source, deployed_by, deployed_at FROM flow_versions
             WHERE flow = $1 ORDER BY number DESC",
            [id.as_str().into()],
        );
        rows.await?.iter().map(version).collect()
    }

    /// Lets a flow start again.
    pub async fn enable(&self, actor: &Actor, id: &FlowId) -> Result<FlowRecord, Error> {
        self.switch(actor, id, Standing::Enabled).await
    }

    /// Keeps a flow from starting; runs that are under way go on.
    pub async fn disable(&self, actor: &Actor, id: &FlowId) -> Result<FlowRecord, Error> {
        self.switch(actor, id, Standing::Disabled).await
    }

    async fn switch(
        &self,
        actor: &Actor,
        id: &FlowId,
        standing: Standing,
    ) -> Result<FlowRecord, Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let (action, disabled_at) = match standing {
                Standing::Enabled => ("flow.enabled", None),
                Standing::Disabled => ("flow.disabled", Some(now)),
            };
            let changed = tx.execute(
                "UPDATE flows SET disabled_at = $1, updated_at = $2 WHERE id = $3",
                [disabled_at.into(), now.into(), id.as_str().into()],
            )?;
            if changed == 0 {
                return Err(Error::not_found("flow", &id));
            }
            let found = found(tx, &id)?;
            let entry = Entry::new(&actor, action, &id, json!({ "name": full_name(&found) }));
            Ok(Outcome::audited(found, entry))
        };
        self.0.change(work).await
    }

    /// Makes an older or newer version the current one.
    pub async fn roll_to(
        &self,
        actor: &Actor,
        id: &FlowId,
        number: i64,
    ) -> Result<FlowRecord, Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let before = found(tx, &id)?;
            let wanted = tx.query_one(VERSION, [id.as_str().into(), number.into()])?;
            if wanted.is_none() {
                let what = format!("{number} of flow {}", full_name(&before));
                return Err(Error::not_found("version", what));
            }
            tx.execute(
                "UPDATE flows SET current = $1, updated_at = $2 WHERE id = $3",
                [number.into(), shared.clock.now().into(), id.as_str().into()],
            )?;
            let detail =
                json!({ "name": full_name(&before), "from": before.current, "to": number });
            let entry = Entry::new(&actor, "flow.rolled", &id, detail);
            Ok(Outcome::audited(found(tx, &id)?, entry))
        };
        self.0.change(work).await
    }

    /// Deletes a flow with its versions and finished runs; refused while a run goes on.
    pub async fn remove(&self, actor: &Actor, id: &FlowId) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let old = found(tx, &id)?;
            let live = tx.query_one(
                "SELECT COUNT(*) FROM runs WHERE flow = $1 AND ended_at IS NULL",
                [id.as_str().into()],
            )?;
            let live = live.map_or(Ok(0), |row| row.int(0))?;
            if live > 0 {
                return Err(Error::Busy {
                    what: format!("flow {}", full_name(&old)),
                    done: "deleted",
                    why: format!("{live} of its runs go on: wait for them, or cancel them"),
                });
            }
            let runs = tx.query("SELECT id FROM runs WHERE flow = $1", [id.as_str().into()])?;
            for run in &runs {
                crate::runs::erase(tx, run.text(0)?)?;
            }
            tx.execute("DELETE FROM starts WHERE flow = $1", [id.as_str().into()])?;
            tx.execute("DELETE FROM flows WHERE id = $1", [id.as_str().into()])?;
            let detail = json!({ "name": full_name(&old), "runs": runs.len() });
            let entry = Entry::new(&actor, "flow.removed", &id, detail);
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }
}

#[derive(Clone, Copy)]
enum Standing {
    Enabled,
    Disabled,
}

const BY_ID: &str =
    "SELECT id, namespace, name, title, current, disabled_at, retention_days, created_by, created_at, updated_at,
    once_at FROM flows WHERE id = $1";
const BY_NAME: &str =
    "SELECT id, namespace, name, title, current, disabled_at, retention_days, created_by, created_at, updated_at,
    once_at FROM flows WHERE namespace = $1 AND name = $2";
const ALL: &str =
    "SELECT id, namespace, name, title, current, disabled_at, retention_days, created_by, created_at, updated_at,
    once_at FROM flows WHERE once_at IS NULL ORDER BY namespace, name";
const VERSION: &str =
    "SELECT flow, number, version, digest, source, deployed_by, deployed_at FROM flow_versions
    WHERE flow = $1 AND number = $2";

/// Stands in the stored name of a text that was run once, between its own name and its digest; no document's name has it.
const ONCE_MARK: char = '~';

fn full_name(flow: &FlowRecord) -> String {
    format!("{}/{}", flow.namespace, flow.name)
}

fn found(tx: &mut Tx<'_>, id: &FlowId) -> Result<FlowRecord, Error> {
    let row = tx.query_one(BY_ID, [id.as_str().into()])?;
    flow(&row.ok_or_else(|| Error::not_found("flow", id))?)
}

fn flow(row: &Row) -> Result<FlowRecord, Error> {
    let days = row.opt_int(6)?.map(u32::try_from).transpose();
    let (name, origin) = name_and_origin(row.text(2)?, row.opt_time(10)?);
    Ok(FlowRecord {
        id: FlowId::parse(row.text(0)?)?,
        namespace: row.text(1)?.to_owned(),
        name: name.to_owned(),
        origin,
        title: row.opt_text(3)?.map(str::to_owned),
        current: row.int(4)?,
        disabled_at: row.opt_time(5)?,
        retention_days: days.map_err(|error| Error::stored("retention", error))?,
        created_by: row.text(7)?.to_owned(),
        created_at: row.time(8)?,
        updated_at: row.time(9)?,
    })
}

/// The name of a flow's document, and how the flow came here.
pub(crate) fn name_and_origin(stored: &str, once_at: Option<Timestamp>) -> (&str, FlowOrigin) {
    if once_at.is_none() {
        (stored, FlowOrigin::Deployed)
    } else {
        let name = stored.split(ONCE_MARK).next().unwrap_or(stored);
        (name, FlowOrigin::Once)
    }
}

fn version(row: &Row) -> Result<FlowVersion, Error> {
    Ok(FlowVersion {
        flow: FlowId::parse(row.text(0)?)?,
        number: row.int(1)?,
        version: row.text(2)?.to_owned(),
        digest: row.text(3)?.to_owned(),
        source: row.text(4)?.to_owned(),
        deployed_by: row.text(5)?.to_owned(),
        deployed_at: row.time(6)?,
    })
}

fn deploy(
    tx: &mut Tx<'_>,
    shared: &Shared,
    actor: &Actor,
    new: &NewVersion,
) -> Result<Outcome<(FlowRecord, Deployment)>, Error> {
    let now = shared.clock.now();
    let row = tx.query_one(
        BY_NAME,
        [new.namespace.as_str().into(), new.name.as_str().into()],
    )?;
    let old = row.as_ref().map(flow).transpose()?;
    let current = old.as_ref().map_or(0, |old| old.current);
    if new.based_on.is_some_and(|number| number != current) {
        return Err(Error::Version { current });
    }
    let (id, number, deployment) = if let Some(old) = old {
        let current = tx.query_one(VERSION, [old.id.as_str().into(), old.current.into()])?;
        if let Some(row) = current
            && row.text(4)? == new.source
        {
            return Ok(Outcome::unaudited((old, Deployment::Unchanged)));
        }
        let last = tx.query_one(
            "SELECT MAX(number) FROM flow_versions WHERE flow = $1",
            [old.id.as_str().into()],
        )?;
        let last = last.map_or(Ok(0), |row| row.int(0))?;
        tx.execute(
            "UPDATE flows SET current = $1, title = $2, retention_days = $3, updated_at = $4 WHERE id = $5",
            [
                (last + 1).into(),
                new.title.clone().into(),
                new.retention_days.into(),
                now.into(),
                old.id.as_str().into(),
            ],
        )?;
        (old.id, last + 1, Deployment::Added)
    } else {
        let id = add(tx, actor, new, (&new.name, FlowOrigin::Deployed), now)?;
        (id, 1, Deployment::Created)
    };
    add_version(tx, actor, new, (&id, number), now)?;
    let detail = json!({
        "name": format!("{}/{}", new.namespace, new.name),
        "number": number,
        "version": new.version,
        "digest": new.digest,
    });
    let entry = Entry::new(actor, "flow.deployed", &id, detail);
    Ok(Outcome::audited((found(tx, &id)?, deployment), entry))
}

fn keep_once(
    tx: &mut Tx<'_>,
    actor: &Actor,
    new: &NewVersion,
    now: Timestamp,
) -> Result<FlowRecord, Error> {
    let name = format!("{}{ONCE_MARK}{}", new.name, new.digest);
    let row = tx.query_one(
        BY_NAME,
        [new.namespace.as_str().into(), name.as_str().into()],
    )?;
    let id = if let Some(row) = row {
        let kept = flow(&row)?.id;
        // it is not swept before its run is stored
        tx.execute(
            "UPDATE flows SET once_at = $1 WHERE id = $2",
            [now.into(), kept.as_str().into()],
        )?;
        kept
    } else {
        let id = add(tx, actor, new, (&name, FlowOrigin::Once), now)?;
        add_version(tx, actor, new, (&id, 1), now)?;
        id
    };
    found(tx, &id)
}

fn add(
    tx: &mut Tx<'_>,
    actor: &Actor,
    new: &NewVersion,
    (name, origin): (&str, FlowOrigin),
    now: Timestamp,
) -> Result<FlowId, Error> {
    let id = FlowId::random();
    tx.execute(
        "INSERT INTO flows (id, namespace, name, title, current, retention_days, created_by, created_at, updated_at, once_at)
         VALUES ($1, $2, $3, $4, 1, $5, $6, $7, $7, $8)",
        [
            id.as_str().into(),
            new.namespace.as_str().into(),
            name.into(),
            new.title.clone().into(),
            new.retention_days.into(),
            actor.id.as_str().into(),
            now.into(),
            (origin == FlowOrigin::Once).then_some(now).into(),
        ],
    )?;
    Ok(id)
}

fn add_version(
    tx: &mut Tx<'_>,
    actor: &Actor,
    new: &NewVersion,
    (id, number): (&FlowId, i64),
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO flow_versions (flow, number, version, digest, source, deployed_by, deployed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            id.as_str().into(),
            number.into(),
            new.version.as_str().into(),
            new.digest.as_str().into(),
            new.source.as_str().into(),
            actor.id.as_str().into(),
            now.into(),
        ],
    )?;
    Ok(())
}

/// Forgets texts that were run once and of which no run is left; those just kept may be about to get theirs.
pub(crate) fn sweep_once(tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Error> {
    let cut = now
        .saturating_sub(jiff::SignedDuration::from_hours(1))
        .unwrap_or(Timestamp::MIN);
    tx.execute(
        "DELETE FROM flows WHERE once_at < $1
         AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.flow = flows.id)",
        [cut.into()],
    )?;
    Ok(())
}
