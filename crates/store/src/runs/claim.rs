//! Who works on which run: incarnations and their leases, runs that are due, and runs whose owner is gone.

use jiff::{SignedDuration, Timestamp};

use super::{COLUMNS_BY_ID, Run, Runs, run};
use crate::{Error, Outcome, RunId, Shared, Tx};

/// The runs that an incarnation may work on from now.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Claimed {
    /// The runs.
    pub runs: Vec<Run>,
    /// How long the one that waited longest had been due.
    pub oldest: SignedDuration,
    /// How many of them were taken from an owner that is gone.
    pub taken_over: usize,
}

impl Runs<'_> {
    /// Says that an incarnation lives; whoever says nothing for so long loses its runs.
    pub async fn beat(&self, incarnation: &str, lease: SignedDuration) -> Result<(), Error> {
        let incarnation = incarnation.to_owned();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let until = now.saturating_add(lease).unwrap_or(now);
            tx.execute(
                "INSERT INTO incarnations (id, lease_until) VALUES ($1, $2)
                 ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until",
                [incarnation.as_str().into(), until.into()],
            )?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Ends the leases of all others; only for whoever knows that no other process has the database open.
    pub async fn evict_others(&self, incarnation: &str) -> Result<(), Error> {
        let incarnation = incarnation.to_owned();
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let sql = "UPDATE incarnations SET lease_until = 0 WHERE id <> $1";
            tx.execute(sql, [incarnation.as_str().into()])?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Ends an incarnation's own lease, so that others take over at once what it still holds.
    pub async fn retire(&self, incarnation: &str) -> Result<(), Error> {
        let incarnation = incarnation.to_owned();
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let sql = "UPDATE incarnations SET lease_until = 0 WHERE id = $1";
            tx.execute(sql, [incarnation.as_str().into()])?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Takes runs that are due, and those of incarnations whose lease has lapsed.
    pub async fn claim(&self, incarnation: &str, limit: u32) -> Result<Claimed, Error> {
        let incarnation = incarnation.to_owned();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            claim(tx, shared, &incarnation, limit.into()).map(Outcome::unaudited)
        };
        self.0.change(work).await
    }

    /// The runs that an incarnation owns.
    pub async fn owned(&self, incarnation: &str) -> Result<Vec<RunId>, Error> {
        let rows = self.0.read(
            "SELECT id FROM runs WHERE owner = $1 ORDER BY id",
            [incarnation.into()],
        );
        rows.await?
            .iter()
            .map(|row| RunId::parse(row.text(0)?))
            .collect()
    }

    /// When the next run is due, the past included.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let rows = self.0.read(
            "SELECT wake_at FROM runs WHERE wake_at IS NOT NULL ORDER BY wake_at LIMIT 1",
            [],
        );
        rows.await?.first().map(|row| row.time(0)).transpose()
    }

    /// Whether an incarnation other than this one has let its lease lapse.
    pub async fn anyone_lapsed(&self, incarnation: &str) -> Result<bool, Error> {
        let rows = self.0.read(
            "SELECT COUNT(*) FROM incarnations WHERE lease_until <= $1 AND id <> $2",
            [self.0.clock().now().into(), incarnation.into()],
        );
        let count = rows.await?.first().map_or(Ok(0), |row| row.int(0))?;
        Ok(count > 0)
    }
}

const DUE: &str = "SELECT id, wake_at FROM runs WHERE wake_at IS NOT NULL AND wake_at <= $1 ORDER BY wake_at LIMIT $2";
const LAPSED: &str = "SELECT id FROM incarnations WHERE lease_until <= $1 AND id <> $2 ORDER BY id";
const OWNED: &str = "SELECT id FROM runs WHERE owner = $1 LIMIT $2";
const TAKE: &str = "UPDATE runs SET owner = $1, epoch = epoch + 1, wake_at = NULL WHERE id = $2";

fn claim(
    tx: &mut Tx<'_>,
    shared: &Shared,
    incarnation: &str,
    limit: i64,
) -> Result<Claimed, Error> {
    let now = shared.clock.now();
    let mut ids = Vec::new();
    let mut oldest = SignedDuration::ZERO;
    for row in tx.query(DUE, [now.into(), limit.into()])? {
        oldest = oldest.max(now.duration_since(row.time(1)?));
        ids.push(row.text(0)?.to_owned());
    }
    let due = ids.len();
    for lapsed in tx.query(LAPSED, [now.into(), incarnation.into()])? {
        let room = limit - i64::try_from(ids.len()).unwrap_or(limit);
        if room <= 0 {
            break;
        }
        let gone = lapsed.text(0)?;
        let left = tx.query(OWNED, [gone.into(), room.into()])?;
        for row in &left {
            ids.push(row.text(0)?.to_owned());
        }
        if i64::try_from(left.len()).unwrap_or(room) < room {
            tx.execute("DELETE FROM incarnations WHERE id = $1", [gone.into()])?;
        }
    }
    let taken_over = ids.len() - due;
    let mut runs = Vec::with_capacity(ids.len());
    for id in &ids {
        tx.execute(TAKE, [incarnation.into(), id.as_str().into()])?;
        if let Some(row) = tx.query_one(COLUMNS_BY_ID, [id.as_str().into()])? {
            runs.push(run(&shared.vault, &row)?);
        }
    }
    Ok(Claimed {
        runs,
        oldest,
        taken_over,
    })
}
