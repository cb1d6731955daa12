//! The keys of the installation: which there are, how much each has sealed, and their rotation while everything goes on.
//!
//! A rotation writes a new key into the key file, before the old one, and then seals row after row anew. Whoever meets an
//! envelope of a key that it does not know reads the file again, so other processes follow. The old key leaves the file
//! once no row is sealed with it and every process had time to follow; what checks its audit rows is kept, sealed.
//! Each step can be repeated, so a crash at any place is gone on from.

mod rows;

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

use crate::{
    Actor, Database, Entry, Error, Outcome, Role, Shared, Sharing, Store, Tx,
    schema::{self, hex},
    vault::{KeyId, Place},
};

use rows::{SEALED, Sealed};

/// How many rows are sealed anew in one transaction.
const BATCH: u32 = 100;
/// How long other processes have to follow before the old key is taken out of the file.
const GRACE: SignedDuration = SignedDuration::from_mins(10);

/// A key of the installation, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncryptionKey {
    /// Names it; not secret.
    pub id: String,
    /// When it was first used.
    pub created_at: Timestamp,
    /// When it left the key file.
    pub retired_at: Option<Timestamp>,
    /// Whether new values are sealed with it.
    pub seals: bool,
    /// How many values are sealed with it.
    pub rows: i64,
}

/// How far a rotation is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Resealed {
    /// How many values were sealed anew.
    pub rows: u64,
    /// How many can't be opened by any key, and were left as they are.
    pub unreadable: u64,
}

/// The keys of the installation.
pub struct EncryptionKeys<'a>(pub(crate) &'a Store);

impl EncryptionKeys<'_> {
    /// All keys, the newest first.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<EncryptionKey>, Error> {
        actor.require(Role::Admin)?;
        let counts = self.counts().await?;
        let seals = self.0.inner.shared.vault.sealing_id();
        let rows = self.0.read(
            "SELECT id, created_at, retired_at FROM encryption_keys ORDER BY created_at DESC, id",
            [],
        );
        let mut keys = Vec::new();
        for row in rows.await? {
            let id = row.text(0)?.to_owned();
            keys.push(EncryptionKey {
                created_at: row.time(1)?,
                retired_at: row.opt_time(2)?,
                seals: id == hex(&seals.0),
                rows: counts
                    .iter()
                    .filter(|(key, _)| hex(key) == id)
                    .map(|(_, count)| count)
                    .sum(),
                id,
            });
        }
        keys.sort_by_key(|key| !key.seals);
        Ok(keys)
    }

    /// How many values each key has sealed.
    async fn counts(&self) -> Result<Vec<(Vec<u8>, i64)>, Error> {
        let mut counts = Vec::new();
        for sealed in SEALED {
            for row in self.0.read(sealed.count, []).await? {
                counts.push((row.bytes(0)?.to_vec(), row.int(1)?));
            }
        }
        Ok(counts)
    }

    /// Makes a new key and seals with it from now on; [`EncryptionKeys::go_on`] then seals anew what the old one has.
    ///
    /// A key that somebody has put into the file before the others is taken instead of a new one.
    pub async fn rotate(&self, actor: &Actor) -> Result<String, Error> {
        actor.require(Role::Admin)?;
        let vault = &self.0.inner.shared.vault;
        let before = vault.sealing_id();
        let id = vault.rotate()?;
        let actor = actor.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            note(tx, shared, id)?;
            let detail = json!({ "before": hex(&before.0) });
            let entry = Entry::new(&actor, "encryption_key.rotated", hex(&id.0), detail);
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await?;
        Ok(hex(&id.0))
    }

    /// Seals anew what older keys have sealed, then retires those keys. Does nothing where there is nothing to do; may be
    /// called at any time, by any process.
    pub async fn go_on(&self) -> Result<Resealed, Error> {
        let vault = &self.0.inner.shared.vault;
        vault.follow()?;
        let mut done = Resealed::default();
        let older = vault.older_ids()?;
        if older.is_empty() {
            return Ok(done);
        }
        for sealed in SEALED {
            let one = self.reseal(sealed).await?;
            done.rows += one.rows;
            done.unreadable += one.unreadable;
        }
        let counts = self.counts().await?;
        let left = |key: &KeyId| -> i64 {
            let of_key = counts.iter().filter(|(id, _)| id.as_slice() == key.0);
            of_key.map(|(_, count)| count).sum()
        };
        let left: i64 = older.iter().map(left).sum();
        if u64::try_from(left).unwrap_or(0) <= done.unreadable && self.is_followed().await? {
            self.retire(older).await?;
        }
        Ok(done)
    }

    /// Whether no other process can be sealing with an old key any more.
    async fn is_followed(&self) -> Result<bool, Error> {
        if self.0.inner.alone {
            return Ok(true);
        }
        let rows = self.0.read(
            "SELECT created_at FROM encryption_keys WHERE id = $1",
            [hex(&self.0.inner.shared.vault.sealing_id().0).into()],
        );
        let since = rows.await?.first().map(|row| row.time(0)).transpose()?;
        let now = self.0.clock().now();
        Ok(since.is_some_and(|since| now.duration_since(since) >= GRACE))
    }

    /// Seals anew what one column holds, from its first row to its last.
    async fn reseal(&self, sealed: &'static Sealed) -> Result<Resealed, Error> {
        let mut done = Resealed::default();
        let mut after = sealed.before_the_first();
        loop {
            let from = after.clone();
            let work = move |tx: &mut Tx<'_>, shared: &Shared| {
                batch(tx, shared, sealed, from.clone()).map(Outcome::unaudited)
            };
            let (some, last) = self.0.change(work).await?;
            done.rows += some.rows;
            done.unreadable += some.unreadable;
            match last {
                Some(last) => after = last,
                None => return Ok(done),
            }
        }
    }

    async fn retire(&self, older: Vec<KeyId>) -> Result<(), Error> {
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let mut audit = Vec::new();
            for (id, chain) in shared.vault.older_chains()? {
                let name = hex(&id.0);
                let sealed = shared.vault.seal(place(&name), chain.as_slice());
                tx.execute(
                    "INSERT INTO encryption_keys (id, created_at, retired_at, sealed) VALUES ($1, $2, $2, $3)
                     ON CONFLICT (id) DO UPDATE SET retired_at = excluded.retired_at, sealed = excluded.sealed",
                    [name.as_str().into(), now.into(), sealed.into()],
                )?;
                audit.push(Entry::new(
                    &Actor::system(),
                    "encryption_key.retired",
                    name,
                    json!({}),
                ));
            }
            Ok(Outcome {
                value: (),
                audit,
                touched: Vec::new(),
            })
        };
        self.0.change(work).await?;
        // Only now: a crash before this leaves a key in the file that is not needed, never one too few.
        self.0.inner.shared.vault.retire(&older)
    }
}

/// Whether this process is the only one that may have the database open.
pub(crate) fn is_alone(database: &Database, sharing: Sharing) -> bool {
    match database {
        Database::Sqlite(_) => sharing == Sharing::Sole,
        Database::SqliteMemory => true,
        Database::Postgres(_) => false,
    }
}

/// Notes a key that seals from now on, and seals with it what tells the right key from a wrong one.
fn note(tx: &mut Tx<'_>, shared: &Shared, id: KeyId) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO encryption_keys (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
        [hex(&id.0).into(), shared.clock.now().into()],
    )?;
    tx.execute(
        "UPDATE meta SET sealed = $1 WHERE name = $2",
        [
            schema::key_check(&shared.vault).into(),
            schema::KEY_CHECK.row.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn place(id: &str) -> Place<'_> {
    Place {
        table: "encryption_keys",
        column: "sealed",
        row: id,
    }
}

/// Seals some rows anew; answers where to go on, if there may be more.
fn batch(
    tx: &mut Tx<'_>,
    shared: &Shared,
    sealed: &Sealed,
    after: Vec<crate::Value>,
) -> Result<(Resealed, Option<Vec<crate::Value>>), Error> {
    let current = shared.vault.sealing_id();
    let mut values = after;
    values.push(current.0.to_vec().into());
    values.push(BATCH.into());
    let rows = tx.query(sealed.list, values)?;
    let mut done = Resealed::default();
    let mut last = None;
    for row in &rows {
        let key = sealed.key(row)?;
        let name = (sealed.row)(row)?;
        let place = Place {
            table: sealed.table,
            column: sealed.column,
            row: &name,
        };
        match shared.vault.open(place, row.bytes(0)?) {
            Ok(plain) => {
                let mut values = vec![shared.vault.seal(place, &plain).into()];
                values.extend(key.iter().cloned());
                tx.execute(sealed.update, values)?;
                done.rows += 1;
            }
            Err(_) => done.unreadable += 1,
        }
        last = Some(key);
    }
    Ok((done, last))
}

/// Every column of sealed values, as `table.column`.
#[cfg(test)]
pub(crate) fn columns() -> Vec<String> {
    let column = |sealed: &Sealed| {
        let table = sealed.update.split_whitespace().nth(1);
        format!("{}.{}", table.unwrap_or_default(), sealed.column)
    };
    SEALED.iter().map(column).collect()
}
