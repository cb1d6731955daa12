//! The call log: single calls, written in batches by whoever makes them; not part of the audit chain.

use jiff::{SignedDuration, Timestamp};
use oauth::ProviderError;
use serde_json::Value as Json;

use crate::{
    Actor, CallId, ConnectionId, Error, Outcome, Role, Row, RunId, Shared, Store, Tx,
    audit::page_size,
    settings::{from_json, to_json},
};

/// One call through a connection, as it is recorded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRecord {
    /// When it began.
    pub at: Timestamp,
    /// Who called; a run by its id.
    pub actor: String,
    /// The id of the run's step that called, where a run did.
    pub step: Option<String>,
    /// Through which connection.
    pub connection: ConnectionId,
    /// The method.
    pub method: String,
    /// The host.
    pub host: String,
    /// The path, without the query.
    pub path: String,
    /// The status that came back, if any.
    pub status: Option<u16>,
    /// Our code, if it failed.
    pub code: Option<String>,
    /// What the provider said, if it failed.
    pub provider: Option<ProviderError>,
    /// How long it took.
    pub duration: SignedDuration,
    /// How often it was sent.
    pub attempts: u32,
    /// Which token it carried.
    pub token_generation: Option<i64>,
    /// The provider's request id.
    pub request_id: Option<String>,
    /// Each time that it was sent, as whoever called tells it, where that says more than the rest of the row.
    pub trail: Option<Json>,
}

/// A row of the call log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CallRow {
    /// Names it; later rows do not sort by it.
    pub id: CallId,
    /// What was recorded.
    pub record: CallRecord,
}

/// Which rows of the call log.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CallFilter {
    /// Through this connection.
    pub connection: Option<ConnectionId>,
    /// Made by this run's steps.
    pub run: Option<RunId>,
    /// Begun before.
    pub before: Option<Timestamp>,
    /// At most so many (0 = 100, never more than 1,000).
    pub limit: u32,
}

macro_rules! listed {
    ($whose:literal) => {
        concat!(
            "SELECT id, at, actor, connection, method, host, path, status, code, provider, duration, attempts,
             token_generation, request_id, step, trail FROM calls
             WHERE (CAST($1 AS TEXT) IS NULL OR connection = $1) AND (CAST($2 AS BIGINT) IS NULL OR at < $2) AND ",
            $whose,
            " ORDER BY at DESC, id LIMIT $3"
        )
    };
}

/// By time, whoever called.
const OF_ALL: &str = listed!("CAST($4 AS TEXT) IS NULL");
/// By the index that holds nothing but the calls of runs.
const OF_A_RUN: &str = listed!("actor = $4 AND step IS NOT NULL");

/// The call log.
pub struct CallLog<'a>(pub(crate) &'a Store);

impl CallLog<'_> {
    /// Stores many calls in one transaction.
    pub async fn record_many(&self, records: Vec<CallRecord>) -> Result<(), Error> {
        if records.is_empty() {
            return Ok(());
        }
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            for (id, record) in CallId::series().zip(&records) {
                insert(tx, &id, record)?;
            }
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// The rows that a filter lets through, newest first.
    pub async fn list(&self, actor: &Actor, filter: &CallFilter) -> Result<Vec<CallRow>, Error> {
        actor.require(Role::Viewer)?;
        let run = filter.run.as_ref().map(RunId::as_str);
        let rows = self.0.read(
            if run.is_some() { OF_A_RUN } else { OF_ALL },
            [
                filter.connection.as_ref().map(ConnectionId::as_str).into(),
                filter.before.into(),
                page_size(filter.limit).into(),
                run.into(),
            ],
        );
        rows.await?.iter().map(call_row).collect()
    }

    /// Deletes the calls before a time; answers how many.
    pub async fn sweep(&self, before: Timestamp) -> Result<u64, Error> {
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let swept = tx.execute("DELETE FROM calls WHERE at < $1", [before.into()])?;
            Ok(Outcome::unaudited(swept))
        };
        self.0.change(work).await
    }
}

fn insert(tx: &mut Tx<'_>, id: &CallId, record: &CallRecord) -> Result<(), Error> {
    let microseconds = i64::try_from(record.duration.as_micros()).unwrap_or(i64::MAX);
    tx.execute(
        "INSERT INTO calls (id, at, actor, connection, method, host, path, status, code, provider, duration, attempts,
         token_generation, request_id, step, trail)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
        [
            id.as_str().into(),
            record.at.into(),
            record.actor.as_str().into(),
            record.connection.as_str().into(),
            record.method.as_str().into(),
            record.host.as_str().into(),
            record.path.as_str().into(),
            record.status.map(u32::from).into(),
            record.code.as_deref().into(),
            record.provider.as_ref().map(to_json).into(),
            microseconds.into(),
            record.attempts.into(),
            record.token_generation.into(),
            record.request_id.as_deref().into(),
            record.step.as_deref().into(),
            record.trail.as_ref().map(to_json).into(),
        ],
    )?;
    Ok(())
}

fn call_row(row: &Row) -> Result<CallRow, Error> {
    let small = |column: usize, value: i64| {
        u32::try_from(value).map_err(|error| Error::stored("number", format!("{column}: {error}")))
    };
    let status = row.opt_int(7)?.map(u16::try_from).transpose();
    let provider = row
        .opt_text(9)?
        .map(|text| from_json("provider error", text));
    let trail = row.opt_text(15)?.map(|text| from_json("trail", text));
    Ok(CallRow {
        id: CallId::parse(row.text(0)?)?,
        record: CallRecord {
            at: row.time(1)?,
            actor: row.text(2)?.to_owned(),
            connection: ConnectionId::parse(row.text(3)?)?,
            method: row.text(4)?.to_owned(),
            host: row.text(5)?.to_owned(),
            path: row.text(6)?.to_owned(),
            status: status.map_err(|error| Error::stored("status", error))?,
            code: row.opt_text(8)?.map(str::to_owned),
            provider: provider.transpose()?,
            duration: SignedDuration::from_micros(row.int(10)?),
            attempts: small(11, row.int(11)?)?,
            token_generation: row.opt_int(12)?,
            request_id: row.opt_text(13)?.map(str::to_owned),
            step: row.opt_text(14)?.map(str::to_owned),
            trail: trail.transpose()?,
        },
    })
}
