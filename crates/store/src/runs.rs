//! Runs: what is known of each beside its journal, who works on it, and when somebody must.
//!
//! A run is owned by an incarnation of a process, never by a machine's name: what was killed is never seen again. Whoever
//! takes a run over makes its epoch grow, and what the earlier owner still writes is refused ([`Error::Fenced`]).
//! What a line of the journal means is not known here.

mod claim;
mod list;
pub(crate) mod record;

use std::collections::HashMap;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::{
    Actor, ConnectionId, Entry, Error, FlowId, Outcome, Role, RunId, Shared, Store, Tx,
    journal::{self, Sealer},
    letters,
};

pub use claim::Claimed;
pub use list::{Cursor, Page, RunFilter};
pub(crate) use record::{COLUMNS_BY_ID, run};
pub use record::{NewRun, Parent, Parked, ParkedFor, Run, RunStatus, Trigger};

/// What became of a start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Begun {
    /// The run is stored; with what its first lines left behind.
    Now(journal::Committed),
    /// A run was started under this key before.
    Before(RunId),
}

/// The runs.
pub struct Runs<'a>(pub(crate) &'a Store);

impl Runs<'_> {
    /// Stores a new run with its first lines, in one commit.
    pub async fn begin(&self, new: NewRun) -> Result<Begun, Error> {
        let sealer = Sealer(&self.0.inner.shared.vault);
        let mut prepared = sealer.prepare_run(new);
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            journal::begin(tx, shared, &mut prepared).map(Outcome::unaudited)
        };
        self.0.change(work).await
    }

    /// As [`Runs::begin`], and makes a person's decision known in the audit log.
    pub async fn begin_audited(
        &self,
        actor: &Actor,
        action: &'static str,
        new: NewRun,
    ) -> Result<Begun, Error> {
        actor.require(Role::Operator)?;
        let actor = actor.clone();
        let sealer = Sealer(&self.0.inner.shared.vault);
        let mut prepared = sealer.prepare_run(new);
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let begun = journal::begin(tx, shared, &mut prepared)?;
            let run = prepared.run();
            let detail = json!({ "flow": run.flow, "retry_of": run.retry_of });
            let entry = Entry::new(&actor, action, &run.id, detail);
            Ok(Outcome::audited(begun, entry))
        };
        self.0.change(work).await
    }

    /// The run that was started under a key.
    pub async fn find_by_key(&self, flow: &FlowId, key: &str) -> Result<Option<RunId>, Error> {
        let rows = self.0.read(
            "SELECT run FROM starts WHERE flow = $1 AND start_key = $2",
            [flow.as_str().into(), key.into()],
        );
        let found = rows.await?.first().map(|row| RunId::parse(row.text(0)?));
        found.transpose()
    }

    /// One run.
    pub async fn find(&self, actor: &Actor, id: &RunId) -> Result<Option<Run>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(COLUMNS_BY_ID, [id.as_str().into()]).await?;
        let vault = &self.0.inner.shared.vault;
        rows.first().map(|row| run(vault, row)).transpose()
    }

    /// The output of a run that completed.
    pub async fn output(&self, actor: &Actor, id: &RunId) -> Result<Option<Json>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT output FROM runs WHERE id = $1",
            [id.as_str().into()],
        );
        let rows = rows.await?;
        let sealed = rows.first().map(|row| row.opt_bytes(0)).transpose()?;
        let vault = &self.0.inner.shared.vault;
        sealed
            .flatten()
            .map(|sealed| record::open(vault, "output", id.as_str(), sealed))
            .transpose()
    }

    /// How many runs of a flow are not over.
    pub async fn live(&self, flow: &FlowId) -> Result<i64, Error> {
        let rows = self.0.read(
            "SELECT COUNT(*) FROM runs WHERE flow = $1 AND ended_at IS NULL",
            [flow.as_str().into()],
        );
        rows.await?.first().map_or(Ok(0), |row| row.int(0))
    }

    /// How many runs of each flow are not over; a flow without such runs is not named.
    pub async fn live_by_flow(&self) -> Result<HashMap<crate::FlowId, i64>, Error> {
        let rows = self.0.read(
            "SELECT flow, COUNT(*) FROM runs WHERE ended_at IS NULL GROUP BY flow",
            [],
        );
        rows.await?
            .iter()
            .map(|row| Ok((crate::FlowId::parse(row.text(0)?)?, row.int(1)?)))
            .collect()
    }

    /// How many runs have each status, over those that are not over.
    pub async fn counts(&self) -> Result<Vec<(RunStatus, i64)>, Error> {
        let rows = self.0.read(
            "SELECT status, COUNT(*) FROM runs WHERE ended_at IS NULL GROUP BY status ORDER BY status",
            [],
        );
        rows.await?
            .iter()
            .map(|row| Ok((RunStatus::parse(row.text(0)?)?, row.int(1)?)))
            .collect()
    }

    /// Tells a run something in the name of a person; refused when it is over.
    pub async fn tell(
        &self,
        actor: &Actor,
        id: &RunId,
        action: &'static str,
        body: &Json,
    ) -> Result<(), Error> {
        actor.require(Role::Operator)?;
        let sealed = letters::seal(&self.0.inner.shared.vault, id, body);
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let row = tx.query_one(
                "SELECT ended_at, status FROM runs WHERE id = $1",
                [id.as_str().into()],
            )?;
            let row = row.ok_or_else(|| Error::not_found("run", &id))?;
            if row.opt_int(0)?.is_some() {
                return Err(Error::Busy {
                    what: format!("run {id}"),
                    done: "changed",
                    why: format!("it is over: it has {}", row.text(1)?),
                });
            }
            letters::insert(tx, id.as_str(), &sealed, shared.clock.now())?;
            let entry = Entry::new(&actor, action, &id, json!({}));
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }

    /// Wakes a run that waits, so that its owner looks at it again.
    pub async fn wake(&self, id: &RunId) -> Result<(), Error> {
        let id = id.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            letters::wake(tx, id.as_str(), shared.clock.now())?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// The connections that runs wait for.
    pub async fn parked_on(&self) -> Result<Vec<ConnectionId>, Error> {
        let rows = self.0.read(
            "SELECT DISTINCT parked_on FROM runs WHERE parked_on IS NOT NULL",
            [],
        );
        rows.await?
            .iter()
            .map(|row| ConnectionId::parse(row.text(0)?))
            .collect()
    }

    /// Wakes the runs that wait for a connection.
    pub async fn wake_parked(&self, connection: &ConnectionId) -> Result<(), Error> {
        let connection = connection.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            tx.execute(
                "UPDATE runs SET wake_at = $1, parked_on = NULL WHERE parked_on = $2 AND owner IS NULL",
                [shared.clock.now().into(), connection.as_str().into()],
            )?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Deletes a run that is over, with its journal.
    pub async fn remove(&self, actor: &Actor, id: &RunId) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let row = tx.query_one(
                "SELECT ended_at FROM runs WHERE id = $1",
                [id.as_str().into()],
            )?;
            let row = row.ok_or_else(|| Error::not_found("run", &id))?;
            if row.opt_int(0)?.is_none() {
                return Err(Error::Busy {
                    what: format!("run {id}"),
                    done: "deleted",
                    why: "it is not over: cancel it first".to_owned(),
                });
            }
            erase(tx, id.as_str())?;
            let entry = Entry::new(&actor, "run.removed", &id, json!({}));
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }

    /// Deletes runs that ended longer ago than their flow keeps them; answers how many. Call again until it is none.
    pub async fn sweep(&self, usual_days: u32, limit: u32) -> Result<u64, Error> {
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let old_keys = days_before(now, START_KEY_DAYS);
            for sql in [
                "DELETE FROM starts WHERE at < $1",
                "DELETE FROM heard WHERE at < $1",
            ] {
                tx.execute(sql, [old_keys.into()])?;
            }
            tx.execute(
                "DELETE FROM firings WHERE at < $1",
                [days_before(now, FIRING_DAYS).into()],
            )?;
            let mut swept = 0;
            let flows = tx.query("SELECT id, retention_days FROM flows", [])?;
            for flow in &flows {
                let days = flow.opt_int(1)?.unwrap_or(usual_days.into());
                let cut = days_before(now, days);
                let runs = tx.query(
                    "SELECT id FROM runs WHERE flow = $1 AND created_at < $2 AND ended_at < $2
                     ORDER BY created_at LIMIT $3",
                    [
                        flow.text(0)?.into(),
                        cut.into(),
                        (i64::from(limit) - swept).into(),
                    ],
                )?;
                for run in &runs {
                    erase(tx, run.text(0)?)?;
                    swept += 1;
                }
            }
            crate::flows::sweep_once(tx, now)?;
            Ok(Outcome::unaudited(swept.unsigned_abs()))
        };
        self.0.change(work).await
    }
}

/// Notes the key that a run is started under; tells whether it is the first under it.
pub(crate) fn note_start(
    tx: &mut Tx<'_>,
    now: Timestamp,
    flow: &FlowId,
    key: &str,
    run: &RunId,
) -> Result<bool, Error> {
    let noted = tx.execute(
        "INSERT INTO starts (flow, start_key, run, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        [
            flow.as_str().into(),
            key.into(),
            run.as_str().into(),
            now.into(),
        ],
    )?;
    Ok(noted > 0)
}

/// How many of a flow's last runs that are over have faulted, one after the other; not more than `most`.
pub(crate) fn faults_in_a_row(tx: &mut Tx<'_>, flow: &str, most: usize) -> Result<usize, Error> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    let rows = tx.query(
        "SELECT status FROM runs WHERE flow = $1 AND ended_at IS NOT NULL
         ORDER BY created_at DESC, id DESC LIMIT $2",
        [flow.into(), most.into()],
    )?;
    let mut faults = 0;
    for row in rows {
        if row.text(0)? != RunStatus::Faulted.as_str() {
            break;
        }
        faults += 1;
    }
    Ok(faults)
}

/// How long a start key keeps a message from starting a second run, and an event is not told again to a run that heard it.
const START_KEY_DAYS: i64 = 14;
/// How long it is remembered which nominal times were served.
const FIRING_DAYS: i64 = 400;

fn days_before(now: Timestamp, days: i64) -> Timestamp {
    now.saturating_sub(jiff::SignedDuration::from_hours(days.saturating_mul(24)))
        .unwrap_or(Timestamp::MIN)
}

/// Deletes everything that is kept of a run.
pub(crate) fn erase(tx: &mut Tx<'_>, run: &str) -> Result<(), Error> {
    for sql in [
        "DELETE FROM journal WHERE run = $1",
        "DELETE FROM blobs WHERE run = $1",
        "DELETE FROM letters WHERE run = $1",
        "DELETE FROM heard WHERE run = $1",
        "DELETE FROM listeners WHERE run = $1",
        "DELETE FROM approvals WHERE run = $1",
        "DELETE FROM runs WHERE id = $1",
    ] {
        tx.execute(sql, [run.into()])?;
    }
    Ok(())
}
