//! Letters: what others have to tell a run. Its owner takes them over into the journal, in their order.
//!
//! Whoever writes a letter also wakes a run that waits, in the same commit: a run is never let go of with a letter unread.
//! An event may be delivered again, by somebody who does not know whether it arrived; a run is told of it once.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::failpoint::{self, Fault};
use crate::{Error, Outcome, RunId, Runs, Shared, Tx, Vault, settings::from_json, vault::Place};

/// Something that a run is to be told.
#[derive(Debug, Clone, PartialEq)]
pub struct Letter {
    /// The run.
    pub to: RunId,
    /// The command that must still listen; `None`: the run itself.
    pub listener: Option<String>,
    /// Names the event that it tells of: a run that was told of it in an earlier commit is not told again.
    pub event: Option<String>,
    /// What it is told.
    pub body: Json,
}

/// A letter that arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Received {
    /// Its place among the run's letters.
    pub seq: i64,
    /// What it says.
    pub body: Json,
}

impl Runs<'_> {
    /// Delivers letters; answers which runs have been told, now or when the same event came before.
    pub async fn send(&self, letters: Vec<Letter>) -> Result<Vec<RunId>, Error> {
        let vault = &self.0.inner.shared.vault;
        let sealed: Vec<Vec<u8>> = letters
            .iter()
            .map(|letter| seal(vault, &letter.to, &letter.body))
            .collect();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            deliver(tx, &letters, &sealed, now).map(Outcome::unaudited)
        };
        self.0.change(work).await
    }

    /// A run's letters, in their order.
    pub async fn letters(&self, run: &RunId) -> Result<Vec<Received>, Error> {
        let rows = self.0.read(
            "SELECT seq, sealed FROM letters WHERE run = $1 ORDER BY seq",
            [run.as_str().into()],
        );
        let vault = &self.0.inner.shared.vault;
        let mut letters = Vec::new();
        for row in rows.await? {
            let opened = vault.open_text(place(run.as_str()), row.bytes(1)?);
            let text = opened.map_err(|_| Error::Unreadable {
                what: format!("a letter of run {run}"),
            })?;
            letters.push(Received {
                seq: row.int(0)?,
                body: from_json("letter", &text)?,
            });
        }
        Ok(letters)
    }

    /// The runs of an owner that have letters.
    pub async fn with_letters(&self, owner: &str) -> Result<Vec<RunId>, Error> {
        let rows = self.0.read(
            "SELECT DISTINCT l.run FROM letters l JOIN runs r ON r.id = l.run WHERE r.owner = $1",
            [owner.into()],
        );
        let rows = rows.await?;
        rows.iter().map(|row| RunId::parse(row.text(0)?)).collect()
    }
}

fn place(run: &str) -> Place<'_> {
    Place {
        table: "letters",
        column: "sealed",
        row: run,
    }
}

pub(crate) fn seal(vault: &Vault, run: &RunId, body: &Json) -> Vec<u8> {
    vault.seal(place(run.as_str()), body.to_string().as_bytes())
}

/// Stores letters that somebody is still there to read, of those about an event only the first; answers which runs have
/// been told.
pub(crate) fn deliver(
    tx: &mut Tx<'_>,
    letters: &[Letter],
    sealed: &[Vec<u8>],
    now: Timestamp,
) -> Result<Vec<RunId>, Error> {
    let mut told = Vec::new();
    // Several commands of a run may listen for one event; all hear it in the commit that tells the run first.
    let mut heard: BTreeMap<(&RunId, &str), BTreeSet<Option<&str>>> = BTreeMap::new();
    for (letter, sealed) in letters.iter().zip(sealed) {
        if !is_read(tx, letter)? {
            continue;
        }
        told.push(letter.to.clone());
        if let Some(event) = &letter.event {
            let key = (&letter.to, event.as_str());
            if !heard.contains_key(&key) && !note_heard(tx, &letter.to, event, now)? {
                continue;
            }
            let commands = heard.entry(key).or_default();
            if !commands.insert(letter.listener.as_deref()) {
                continue;
            }
        }
        insert(tx, letter.to.as_str(), sealed, now)?;
    }
    Ok(told)
}

/// Whether somebody is still there to read a letter.
fn is_read(tx: &mut Tx<'_>, letter: &Letter) -> Result<bool, Error> {
    let run = letter.to.as_str();
    if let Some(command) = &letter.listener {
        let listener = tx.query_one(
            "SELECT run FROM listeners WHERE run = $1 AND command = $2 LIMIT 1",
            [run.into(), command.as_str().into()],
        )?;
        return Ok(listener.is_some());
    }
    let row = tx.query_one("SELECT ended_at FROM runs WHERE id = $1", [run.into()])?;
    Ok(row.is_some_and(|row| row.opt_int(0) == Ok(None)))
}

/// Notes that a run is told of an event; tells whether it is the first time.
fn note_heard(tx: &mut Tx<'_>, run: &RunId, event: &str, now: Timestamp) -> Result<bool, Error> {
    let noted = tx.execute(
        "INSERT INTO heard (run, event, at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        [run.as_str().into(), event.into(), now.into()],
    )?;
    Ok(noted > 0 || failpoint::is_planted(Fault::EventHeardTwice))
}

/// Stores a letter and wakes its reader.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    run: &str,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO letters (run, seq, sealed)
         SELECT CAST($1 AS TEXT), COALESCE(MAX(seq), 0) + 1, $2 FROM letters WHERE run = $1",
        [run.into(), sealed.into()],
    )?;
    wake(tx, run, now)
}

/// Makes a run due that nobody works on.
pub(crate) fn wake(tx: &mut Tx<'_>, run: &str, now: Timestamp) -> Result<(), Error> {
    // By the key alone, as everything that is asked of a run: see `journal::write::commit`.
    let row = tx.query_one(
        "SELECT owner, ended_at FROM runs WHERE id = $1",
        [run.into()],
    )?;
    let waits = row.is_some_and(|row| row.opt_text(0) == Ok(None) && row.opt_int(1) == Ok(None));
    if waits {
        tx.execute(
            "UPDATE runs SET wake_at = $1 WHERE id = $2",
            [now.into(), run.into()],
        )?;
    }
    Ok(())
}
