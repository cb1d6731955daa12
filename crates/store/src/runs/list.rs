//! Lists of runs, and the search in what is sealed: decrypted and looked through row by row, within a bound.

use jiff::Timestamp;

use super::{Run, RunStatus, Runs, run};
use crate::{
    Actor, Error, FlowId, Redactor, Role, Row, RunId, Value, audit::page_size, journal,
    settings::from_json,
};

/// How many runs a search looks into at most before it answers with what it has.
const SEARCHED: usize = 2_000;
/// How many of them are read at once.
const PAGE: u32 = 200;

/// A place in a list: what comes after it is older.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// When the run there was stored.
    pub created_at: Timestamp,
    /// The run there.
    pub id: RunId,
}

/// Which runs; everything that is `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RunFilter {
    /// Of this flow.
    pub flow: Option<FlowId>,
    /// With this status.
    pub status: Option<RunStatus>,
    /// Stored not earlier than.
    pub since: Option<Timestamp>,
    /// Stored earlier than.
    pub until: Option<Timestamp>,
    /// Started by this run.
    pub parent: Option<RunId>,
    /// With this text in the input or in the error, ignoring case.
    pub text: Option<String>,
    /// Older than this place.
    pub before: Option<Cursor>,
    /// At most so many (0 = 100, never more than 1,000).
    pub limit: u32,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The runs, newest first.
    pub runs: Vec<Run>,
    /// Where to go on; `None` at the end of the list.
    pub next: Option<Cursor>,
}

impl Runs<'_> {
    /// The runs that a filter lets through, newest first. Neither the errors nor the search know the values of plain secrets.
    pub async fn list(&self, actor: &Actor, filter: &RunFilter) -> Result<Page, Error> {
        actor.require(Role::Viewer)?;
        let wanted = usize::try_from(page_size(filter.limit)).unwrap_or_default();
        let redactor = self.0.secrets().redactor().await?;
        match &filter.text {
            None => {
                let runs = self
                    .page(filter, filter.before.as_ref(), wanted, &redactor)
                    .await?;
                let next = (runs.len() == wanted).then(|| runs.last().map(cursor));
                Ok(Page {
                    next: next.flatten(),
                    runs,
                })
            }
            Some(text) => {
                let text = text.to_lowercase();
                self.search(filter, &text, wanted, &redactor).await
            }
        }
    }

    async fn search(
        &self,
        filter: &RunFilter,
        text: &str,
        wanted: usize,
        redactor: &Redactor,
    ) -> Result<Page, Error> {
        let mut found = Vec::new();
        let mut place = filter.before.clone();
        let mut searched = 0;
        while searched < SEARCHED {
            let page = self
                .page(filter, place.as_ref(), PAGE as usize, redactor)
                .await?;
            let full = page.len() == PAGE as usize;
            for run in page {
                searched += 1;
                place = Some(cursor(&run));
                if self.mentions(&run, text, redactor).await? {
                    found.push(run);
                }
                if found.len() == wanted {
                    return Ok(Page {
                        runs: found,
                        next: place,
                    });
                }
            }
            if !full {
                return Ok(Page {
                    runs: found,
                    next: None,
                });
            }
        }
        Ok(Page {
            runs: found,
            next: place,
        })
    }

    async fn mentions(&self, run: &Run, text: &str, redactor: &Redactor) -> Result<bool, Error> {
        let in_error = run
            .error
            .as_ref()
            .is_some_and(|error| error.to_string().to_lowercase().contains(text));
        if in_error {
            return Ok(true);
        }
        let Some(first) = journal::first_line(self.0, &run.id).await? else {
            return Ok(false);
        };
        // Who may search must not learn by it how a secret begins.
        let line = redactor.value(from_json("journal", &first)?).to_string();
        Ok(line.to_lowercase().contains(text))
    }

    async fn page(
        &self,
        filter: &RunFilter,
        before: Option<&Cursor>,
        limit: usize,
        redactor: &Redactor,
    ) -> Result<Vec<Run>, Error> {
        // Two texts, so that each database takes the index that fits.
        let sql = if filter.flow.is_some() {
            OF_FLOW
        } else {
            OF_ALL
        };
        let values: Vec<Value> = vec![
            filter.flow.as_ref().map(FlowId::as_str).into(),
            filter.status.map(RunStatus::as_str).into(),
            filter.since.unwrap_or(Timestamp::UNIX_EPOCH).into(),
            filter.until.unwrap_or(Timestamp::MAX).into(),
            filter.parent.as_ref().map(RunId::as_str).into(),
            before
                .map_or(Timestamp::MAX, |place| place.created_at)
                .into(),
            before.map_or("", |place| place.id.as_str()).into(),
            i64::try_from(limit).unwrap_or(i64::MAX).into(),
        ];
        let rows = self.0.read(sql, values).await?;
        let vault = &self.0.inner.shared.vault;
        rows.iter()
            .map(|row: &Row| {
                let found = run(vault, row)?;
                let error = found.error.map(|error| redactor.value(error));
                Ok(Run { error, ..found })
            })
            .collect()
    }
}

fn cursor(run: &Run) -> Cursor {
    Cursor {
        created_at: run.created_at,
        id: run.id.clone(),
    }
}

const OF_FLOW: &str =
    "SELECT r.id, r.flow, r.version, r.digest, r.semantics, r.status, r.actor, r.cause, r.parent, r.parent_command, r.depth,
    r.retry_of, r.created_at, r.ended_at, r.wake_at, r.parked, r.owner, r.epoch, r.error, f.namespace, f.name, f.once_at
    FROM runs r JOIN flows f ON f.id = r.flow
    WHERE r.flow = $1 AND (CAST($2 AS TEXT) IS NULL OR r.status = $2) AND r.created_at >= $3 AND r.created_at < $4
    AND (CAST($5 AS TEXT) IS NULL OR r.parent = $5)
    AND r.created_at <= $6 AND (r.created_at < $6 OR r.id < $7)
    ORDER BY r.created_at DESC, r.id DESC LIMIT $8";
const OF_ALL: &str =
    "SELECT r.id, r.flow, r.version, r.digest, r.semantics, r.status, r.actor, r.cause, r.parent, r.parent_command, r.depth,
    r.retry_of, r.created_at, r.ended_at, r.wake_at, r.parked, r.owner, r.epoch, r.error, f.namespace, f.name, f.once_at
    FROM runs r JOIN flows f ON f.id = r.flow
    WHERE (CAST($1 AS TEXT) IS NULL OR r.flow = $1) AND (CAST($2 AS TEXT) IS NULL OR r.status = $2)
    AND r.created_at >= $3 AND r.created_at < $4 AND (CAST($5 AS TEXT) IS NULL OR r.parent = $5)
    AND r.created_at <= $6 AND (r.created_at < $6 OR r.id < $7)
    ORDER BY r.created_at DESC, r.id DESC LIMIT $8";
