//! The journal of runs: what happened to each, line by line, and one commit for all that a step of a run changes.
//!
//! Lines are sealed before they reach the writer's thread. A commit counts only if the run's epoch is still the one that
//! its owner got, and if its lines come right after those that are stored; otherwise the run has another owner
//! ([`Error::Fenced`]) and nothing of the commit is kept. What a line means is the engine's business.

mod write;

use std::{fmt, sync::Arc};

use jiff::Timestamp;
use serde_json::Value as Json;

use crate::{
    Error, Gathering, NewApproval, NewListener, NewRun, Outcome, Parked, RunId, RunStatus, Runs,
    Shared, Store, TableAnswer, TableOperation, Tx, letters::Letter, vault::Place,
};

pub(crate) use write::{Sealer, begin};

/// Lines longer than this are kept apart.
const LONGEST_LINE: usize = 1 << 20;

/// One line that is to be appended.
#[derive(Clone)]
pub enum Line {
    /// This very line.
    Recorded(Json),
    /// What a table answers to an operation, made in the same commit; the function makes the line of it.
    Table {
        /// The operation.
        operation: TableOperation,
        /// Makes the line.
        line: Arc<dyn Fn(&TableAnswer) -> Json + Send + Sync>,
    },
}

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Line::Recorded(_) => f.write_str("Recorded"),
            Line::Table { operation, .. } => f.debug_tuple("Table").field(operation).finish(),
        }
    }
}

/// A trigger that counts from the end of a run, set anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rescheduled {
    /// The trigger's key.
    pub trigger: String,
    /// Its next time, by how many runs of the flow have now faulted in a row; the last is for more.
    pub times: Vec<Timestamp>,
}

/// Everything that one step of a run changes, in one commit.
#[derive(Debug, Clone)]
pub struct Progress {
    /// The run.
    pub run: RunId,
    /// The epoch in which the owner got it.
    pub epoch: i64,
    /// Where the first of the lines stands.
    pub position: i64,
    /// What happened.
    pub lines: Vec<Line>,
    /// Letters up to this one are taken over by these lines.
    pub read_until: Option<i64>,
    /// What the run waits for from now.
    pub listeners: Vec<NewListener>,
    /// Commands whose listeners are over.
    pub forgotten: Vec<String>,
    /// Runs that it starts.
    pub children: Vec<NewRun>,
    /// What it has to tell others.
    pub letters: Vec<Letter>,
    /// Questions that it asks people.
    pub approvals: Vec<NewApproval>,
    /// Triggers of its flow that count from its end.
    pub rescheduled: Vec<Rescheduled>,
    /// What triggers have gathered with the events that it publishes, after the runs that these start. A conflict
    /// refuses all of the step.
    pub gathered: Vec<Gathering>,
    /// Where this leaves it.
    pub next: Next,
}

impl Progress {
    /// Nothing yet: a run that goes on after the lines before `position`.
    pub fn new(run: RunId, epoch: i64, position: i64) -> Progress {
        Progress {
            run,
            epoch,
            position,
            lines: Vec::new(),
            read_until: None,
            listeners: Vec::new(),
            forgotten: Vec::new(),
            children: Vec::new(),
            letters: Vec::new(),
            approvals: Vec::new(),
            rescheduled: Vec::new(),
            gathered: Vec::new(),
            next: Next::Go { status: None },
        }
    }
}

/// Where a step leaves its run.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// The owner goes on with it.
    Go {
        /// Its status, where that changes.
        status: Option<RunStatus>,
    },
    /// Nobody has to do anything before this time, or before a letter comes.
    Wait {
        /// Its status.
        status: RunStatus,
        /// When it goes on by itself.
        wake_at: Option<Timestamp>,
        /// The commands that somebody must act for.
        parked: Vec<Parked>,
    },
    /// It is over.
    End {
        /// Its status.
        status: RunStatus,
        /// Its output.
        output: Option<Json>,
        /// The error that ended it.
        error: Option<Json>,
    },
}

/// What a commit left behind.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Committed {
    /// What the tables answered, in the order of the lines.
    pub tables: Vec<TableAnswer>,
    /// Runs that have a letter now.
    pub told: Vec<RunId>,
    /// Whether letters came meanwhile, so that a run that was to wait has still its owner.
    pub unread: Unread,
}

/// Whether a run that was let go of has letters that nobody has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Unread {
    /// It has none: nobody owns it now.
    #[default]
    No,
    /// It has some: it still has its owner.
    Yes,
}

impl Runs<'_> {
    /// Stores a step of a run.
    pub async fn commit(&self, progress: impl Into<Arc<Progress>>) -> Result<Committed, Error> {
        let sealer = Sealer(&self.0.inner.shared.vault);
        let mut prepared = sealer.prepare(progress.into());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            write::commit(tx, shared, &mut prepared).map(Outcome::unaudited)
        };
        self.0.change(work).await
    }

    /// How many lines a run's journal has.
    pub async fn length(&self, run: &RunId) -> Result<i64, Error> {
        let rows = self.0.read(
            "SELECT COALESCE(MAX(position) + 1, 0) FROM journal WHERE run = $1",
            [run.as_str().into()],
        );
        rows.await?.first().map_or(Ok(0), |row| row.int(0))
    }

    /// All lines of a run, in order.
    pub async fn journal(&self, run: &RunId) -> Result<Vec<Json>, Error> {
        let rows = self.0.read(
            "SELECT j.position, j.sealed, b.sealed FROM journal j LEFT JOIN blobs b ON b.id = j.blob
             WHERE j.run = $1 ORDER BY j.position",
            [run.as_str().into()],
        );
        let rows = rows.await?;
        let mut lines = Vec::with_capacity(rows.len());
        for (expected, row) in (0_i64..).zip(&rows) {
            let position = row.int(0)?;
            if position != expected {
                return Err(Error::stored(
                    "journal",
                    format!("run {run} has no line {expected}"),
                ));
            }
            let sealed = match row.opt_bytes(1)? {
                Some(sealed) => sealed,
                None => row.bytes(2)?,
            };
            let text = open(self.0, run, position, sealed)?;
            let line = crate::settings::from_json("journal", &text)?;
            lines.push(line);
        }
        Ok(lines)
    }
}

fn open(
    store: &Store,
    run: &RunId,
    position: i64,
    sealed: &[u8],
) -> Result<zeroize::Zeroizing<String>, Error> {
    let row = row_of(run.as_str(), position);
    let opened = store.inner.shared.vault.open_text(place(&row), sealed);
    opened.map_err(|_| Error::Unreadable {
        what: format!("line {position} of run {run}"),
    })
}

/// The first line of a run as text, for whoever searches.
pub(crate) async fn first_line(store: &Store, run: &RunId) -> Result<Option<String>, Error> {
    let rows = store.read(
        "SELECT j.sealed, b.sealed FROM journal j LEFT JOIN blobs b ON b.id = j.blob
         WHERE j.run = $1 AND j.position = 0",
        [run.as_str().into()],
    );
    let rows = rows.await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let sealed = match row.opt_bytes(0)? {
        Some(sealed) => sealed,
        None => row.bytes(1)?,
    };
    open(store, run, 0, sealed).map(|text| Some(text.to_string()))
}

fn place(row: &str) -> Place<'_> {
    Place {
        table: "journal",
        column: "sealed",
        row,
    }
}

fn row_of(run: &str, position: i64) -> String {
    format!("{run}/{position}")
}
