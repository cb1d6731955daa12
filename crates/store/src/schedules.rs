//! When the triggers of flows fire: the next time of each, the nominal times that were served, and events gathered so far.
//!
//! Each nominal time is served once, however many processes look at it and however the clock jumps: it is a key.
//! Which times a trigger means is the engine's business.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    Actor, Error, FlowId, Outcome, Role, Row, RunId, Shared, Store, Tx, Vault, audit::page_size,
    runs, settings::from_json, vault::Place,
};

/// What became of a nominal time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FiringOutcome {
    /// A run was started.
    Started,
    /// The last run still went.
    Skipped,
    /// Keyway was off, or too late.
    Missed,
}

impl FiringOutcome {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Skipped => "skipped",
            Self::Missed => "missed",
        }
    }
}

/// A trigger that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTrigger {
    /// Its flow.
    pub flow: FlowId,
    /// Its key.
    pub trigger: String,
    /// The time it is due for.
    pub nominal: Timestamp,
}

/// What fires together with the start of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NewFiring {
    /// A trigger at its time.
    Time {
        /// The trigger's key.
        trigger: String,
        /// The time it is due for, as it is stored.
        due: Timestamp,
        /// The time that is served: `due`, or a later one when others were missed.
        nominal: Timestamp,
        /// Times that are not served any more.
        missed: Vec<Timestamp>,
        /// Its next time.
        next: Option<Timestamp>,
    },
    /// A trigger that has gathered its events.
    Gathered {
        /// The trigger's key.
        trigger: String,
        /// The revision of what it had gathered.
        revision: i64,
        /// Start keys of all events that it has gathered: none of them is gathered again.
        keys: Vec<String>,
    },
}

/// A nominal time and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Firing {
    /// The trigger's key.
    pub trigger: String,
    /// The time.
    pub nominal: Timestamp,
    /// What became of it.
    pub outcome: FiringOutcome,
    /// The run.
    pub run: Option<RunId>,
    /// When that was decided.
    pub at: Timestamp,
}

/// The triggers of flows.
pub struct Schedules<'a>(pub(crate) &'a Store);

impl Schedules<'_> {
    /// Makes these the triggers of a flow. One that it has already keeps its next time.
    pub async fn arm(
        &self,
        flow: &FlowId,
        triggers: Vec<(String, Option<Timestamp>)>,
    ) -> Result<(), Error> {
        let flow = flow.clone();
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let sql = "SELECT trigger_key FROM schedules WHERE flow = $1";
            for row in tx.query(sql, [flow.as_str().into()])? {
                let old = row.text(0)?;
                if !triggers.iter().any(|(trigger, _)| trigger == old) {
                    tx.execute(
                        "DELETE FROM schedules WHERE flow = $1 AND trigger_key = $2",
                        [flow.as_str().into(), old.into()],
                    )?;
                }
            }
            for (trigger, next) in &triggers {
                tx.execute(
                    "INSERT INTO schedules (flow, trigger_key, next_at, revision) VALUES ($1, $2, $3, 0)
                     ON CONFLICT DO NOTHING",
                    [flow.as_str().into(), trigger.as_str().into(), (*next).into()],
                )?;
            }
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// The triggers that are due, the longest first; those after one of them, if it is given.
    pub async fn due(
        &self,
        after: Option<&DueTrigger>,
        limit: u32,
    ) -> Result<Vec<DueTrigger>, Error> {
        let (nominal, flow, trigger) = match after {
            Some(due) => (due.nominal, due.flow.as_str(), due.trigger.as_str()),
            None => (Timestamp::MIN, "", ""),
        };
        let rows = self.0.read(
            "SELECT flow, trigger_key, next_at FROM schedules WHERE next_at IS NOT NULL AND next_at <= $1
             AND next_at >= $2 AND (next_at, flow, trigger_key) > ($2, $3, $4)
             ORDER BY next_at, flow, trigger_key LIMIT $5",
            [
                self.0.clock().now().into(),
                nominal.into(),
                flow.into(),
                trigger.into(),
                limit.into(),
            ],
        );
        rows.await?
            .iter()
            .map(|row| {
                Ok(DueTrigger {
                    flow: FlowId::parse(row.text(0)?)?,
                    trigger: row.text(1)?.to_owned(),
                    nominal: row.time(2)?,
                })
            })
            .collect()
    }

    /// When the next trigger is due after this time.
    pub async fn next_due(&self, after: Timestamp) -> Result<Option<Timestamp>, Error> {
        let rows = self.0.read(
            "SELECT next_at FROM schedules WHERE next_at > $1 ORDER BY next_at LIMIT 1",
            [after.into()],
        );
        rows.await?.first().map(|row| row.time(0)).transpose()
    }

    /// The next time of each trigger of a flow.
    pub async fn of_flow(
        &self,
        actor: &Actor,
        flow: &FlowId,
    ) -> Result<Vec<(String, Option<Timestamp>)>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT trigger_key, next_at FROM schedules WHERE flow = $1 ORDER BY trigger_key",
            [flow.as_str().into()],
        );
        rows.await?
            .iter()
            .map(|row| Ok((row.text(0)?.to_owned(), row.opt_time(1)?)))
            .collect()
    }

    /// Lets times pass without a run. Nothing happens if somebody else has dealt with them.
    pub async fn pass(
        &self,
        due: DueTrigger,
        passed: Vec<(Timestamp, FiringOutcome)>,
        next: Option<Timestamp>,
    ) -> Result<(), Error> {
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            if advance(tx, &due.flow, &due.trigger, (due.nominal, next))? {
                for (nominal, outcome) in &passed {
                    let at = (*nominal, shared.clock.now());
                    note(tx, &due.flow, &due.trigger, at, *outcome, None)?;
                }
            }
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// The nominal times of a flow and what became of them, newest first.
    pub async fn firings(
        &self,
        actor: &Actor,
        flow: &FlowId,
        limit: u32,
    ) -> Result<Vec<Firing>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT trigger_key, nominal, outcome, run, at FROM firings WHERE flow = $1
             ORDER BY nominal DESC, trigger_key LIMIT $2",
            [flow.as_str().into(), page_size(limit).into()],
        );
        rows.await?.iter().map(firing).collect()
    }

    /// What a trigger has gathered so far, and the revision of that.
    pub async fn gathered(
        &self,
        flow: &FlowId,
        trigger: &str,
    ) -> Result<Option<(i64, Option<Json>)>, Error> {
        let rows = self.0.read(
            "SELECT revision, gathered FROM schedules WHERE flow = $1 AND trigger_key = $2",
            [flow.as_str().into(), trigger.into()],
        );
        let Some(row) = rows.await?.into_iter().next() else {
            return Ok(None);
        };
        let Some(sealed) = row.opt_bytes(1)? else {
            return Ok(Some((row.int(0)?, None)));
        };
        let place_row = row_of(flow.as_str(), trigger);
        let opened = self
            .0
            .inner
            .shared
            .vault
            .open_text(place(&place_row), sealed);
        let text = opened.map_err(|_| Error::Unreadable {
            what: format!("what trigger {trigger} has gathered"),
        })?;
        Ok(Some((row.int(0)?, Some(from_json("gathered", &text)?))))
    }

    /// Stores what a trigger has gathered, if nobody else did since its revision; tells whether it was stored.
    pub async fn gather(&self, gathering: Gathering) -> Result<bool, Error> {
        let sealed = gathering.seal(&self.0.inner.shared.vault);
        let work =
            move |tx: &mut Tx<'_>, _: &Shared| gathering.keep(tx, &sealed).map(Outcome::unaudited);
        self.0.change(work).await
    }
}

/// What a trigger has gathered, in place of what it had at a revision.
#[derive(Debug, Clone, PartialEq)]
pub struct Gathering {
    /// Its flow.
    pub flow: FlowId,
    /// Its key.
    pub trigger: String,
    /// The revision that this follows.
    pub revision: i64,
    /// What it has now.
    pub value: Json,
}

impl Gathering {
    pub(crate) fn seal(&self, vault: &Vault) -> Vec<u8> {
        let place_row = row_of(self.flow.as_str(), &self.trigger);
        vault.seal(place(&place_row), self.value.to_string().as_bytes())
    }

    /// Tells whether it was stored.
    pub(crate) fn keep(&self, tx: &mut Tx<'_>, sealed: &[u8]) -> Result<bool, Error> {
        let stored = tx.execute(
            "UPDATE schedules SET gathered = $1, revision = revision + 1
             WHERE flow = $2 AND trigger_key = $3 AND revision = $4",
            [
                sealed.into(),
                self.flow.as_str().into(),
                self.trigger.as_str().into(),
                self.revision.into(),
            ],
        )?;
        Ok(stored > 0)
    }
}

fn place(row: &str) -> Place<'_> {
    Place {
        table: "schedules",
        column: "gathered",
        row,
    }
}

fn row_of(flow: &str, trigger: &str) -> String {
    format!("{flow}/{trigger}")
}

fn firing(row: &Row) -> Result<Firing, Error> {
    Ok(Firing {
        trigger: row.text(0)?.to_owned(),
        nominal: row.time(1)?,
        outcome: from_json("outcome", &format!("{:?}", row.text(2)?))?,
        run: row.opt_text(3)?.map(RunId::parse).transpose()?,
        at: row.time(4)?,
    })
}

/// Moves a trigger from one time to its next; tells whether nobody else has.
fn advance(
    tx: &mut Tx<'_>,
    flow: &FlowId,
    trigger: &str,
    (due, next): (Timestamp, Option<Timestamp>),
) -> Result<bool, Error> {
    let moved = tx.execute(
        "UPDATE schedules SET next_at = $1 WHERE flow = $2 AND trigger_key = $3 AND next_at = $4",
        [
            next.into(),
            flow.as_str().into(),
            trigger.into(),
            due.into(),
        ],
    )?;
    Ok(moved > 0)
}

fn note(
    tx: &mut Tx<'_>,
    flow: &FlowId,
    trigger: &str,
    (nominal, now): (Timestamp, Timestamp),
    outcome: FiringOutcome,
    run: Option<&RunId>,
) -> Result<bool, Error> {
    let noted = tx.execute(
        "INSERT INTO firings (flow, trigger_key, nominal, outcome, run, at) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING",
        [
            flow.as_str().into(),
            trigger.into(),
            nominal.into(),
            outcome.as_str().into(),
            run.map(RunId::as_str).into(),
            now.into(),
        ],
    )?;
    Ok(noted > 0)
}

/// Lets a trigger fire in the commit that stores its run.
pub(crate) fn fire(
    tx: &mut Tx<'_>,
    now: Timestamp,
    flow: &FlowId,
    firing: &NewFiring,
    run: &RunId,
) -> Result<(), Error> {
    let served = match firing {
        NewFiring::Time {
            trigger,
            due,
            nominal,
            missed,
            next,
        } => {
            let first = advance(tx, flow, trigger, (*due, *next))?
                && note(
                    tx,
                    flow,
                    trigger,
                    (*nominal, now),
                    FiringOutcome::Started,
                    Some(run),
                )?;
            if first {
                for missed in missed {
                    let at = (*missed, now);
                    note(tx, flow, trigger, at, FiringOutcome::Missed, None)?;
                }
            }
            first
        }
        NewFiring::Gathered {
            trigger,
            revision,
            keys,
        } => {
            let taken = tx.execute(
                "UPDATE schedules SET gathered = NULL, revision = revision + 1
                 WHERE flow = $1 AND trigger_key = $2 AND revision = $3",
                [
                    flow.as_str().into(),
                    trigger.as_str().into(),
                    (*revision).into(),
                ],
            )?;
            for key in keys {
                runs::note_start(tx, now, flow, key, run)?;
            }
            taken > 0
        }
    };
    if served {
        Ok(())
    } else {
        Err(Error::conflict("firing of flow", flow))
    }
}

/// Sets the next time of a trigger that counts from the end of a run.
pub(crate) fn set(tx: &mut Tx<'_>, flow: &str, trigger: &str, at: Timestamp) -> Result<(), Error> {
    tx.execute(
        "UPDATE schedules SET next_at = $1 WHERE flow = $2 AND trigger_key = $3",
        [at.into(), flow.into(), trigger.into()],
    )?;
    Ok(())
}
