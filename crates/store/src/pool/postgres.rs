//! PostgreSQL: the writer's own connection, a pool for reads, TLS, and the settings without which it is refused.
//!
//! The writer has a small runtime of its own, so that a group is finished even while the caller's runtime ends.

mod target;

use std::{
    collections::HashMap,
    error::Error as _,
    future::Future,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime, Timeouts};
use tokio_postgres::{
    Client, NoTls, Statement,
    error::SqlState,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

pub(super) use target::Target;

use super::{Preparation, Row, Session, Value};
use crate::Error;

const OLDEST: i64 = 150_000;
const CONNECT: Duration = Duration::from_secs(5);
const STATEMENT: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(250);

/// One writer in the whole installation. A process that was stopped while it held the lock loses its session after ten
/// seconds, so that the others go on.
const BEGIN: &str = "BEGIN;
    SET LOCAL idle_in_transaction_session_timeout = '10s';
    SET LOCAL statement_timeout = '30s';
    SELECT pg_advisory_xact_lock(4281906275523091);";

/// The writer's connection.
pub(super) struct PostgresSession {
    runtime: tokio::runtime::Runtime,
    target: Target,
    client: Client,
    statements: HashMap<String, Statement>,
    committing: bool,
}

/// Connects, waiting for a server that is still starting; refuses unsafe settings; then looks before it writes.
pub(super) fn open(
    target: Target,
    wait: Duration,
    preparation: &mut dyn Preparation,
) -> Result<PostgresSession, Error> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Error::Unavailable(format!("no runtime for the writer: {error}")))?;
    let client = runtime.block_on(connect_patiently(&target, wait))?;
    let mut session = PostgresSession {
        runtime,
        target,
        client,
        statements: HashMap::new(),
        committing: false,
    };
    session.check_settings()?;
    preparation.check(&mut session)?;
    Ok(session)
}

async fn connect_patiently(target: &Target, wait: Duration) -> Result<Client, Error> {
    let deadline = Instant::now() + wait;
    loop {
        let error = match target.connect().await {
            Ok(client) => return Ok(client),
            Err(error) => error,
        };
        // A wrong password or database does not get better by waiting; "starting up" does.
        let final_refusal =
            error.as_db_error().is_some() && !matches!(map(&error), Error::Unavailable(_));
        if final_refusal || Instant::now() + PAUSE >= deadline {
            let detail = describe(&error);
            return Err(Error::Unavailable(format!(
                "PostgreSQL does not let us in: {detail}; check the URL, the password and that the server runs"
            )));
        }
        tracing::warn!(error = %describe(&error), "PostgreSQL does not answer yet");
        tokio::time::sleep(PAUSE).await;
    }
}

/// Refuses a setting of the server with which what was acknowledged could be lost, and a server that is too old.
fn judge(name: &str, setting: &str) -> Result<(), Error> {
    let number: i64 = setting.parse().unwrap_or_default();
    let detail = if name == "server_version_num" && number < OLDEST {
        format!(
            "PostgreSQL {} is too old: Keyway needs 15 or newer",
            number / 10_000
        )
    } else if setting == "off" {
        format!(
            "{name} is off, so an acknowledged change could be lost: set {name} = on in postgresql.conf and reload"
        )
    } else {
        return Ok(());
    };
    Err(Error::Unsafe { detail })
}

impl PostgresSession {
    fn check_settings(&mut self) -> Result<(), Error> {
        let rows = self.query(
            "SELECT name, setting FROM pg_settings WHERE name IN ('fsync', 'synchronous_commit', 'full_page_writes', 'server_version_num')",
            &[],
        )?;
        for row in &rows {
            judge(row.text(0)?, row.text(1)?)?;
        }
        Ok(())
    }

    fn run<T>(
        &mut self,
        sql: &str,
        work: impl AsyncFnOnce(&Client, &Statement) -> Result<T, tokio_postgres::Error>,
    ) -> Result<T, Error> {
        let Self {
            runtime,
            client,
            statements,
            ..
        } = self;
        let result = runtime.block_on(within(async {
            if let Some(statement) = statements.get(sql) {
                return work(client, statement).await;
            }
            let statement = client.prepare(sql).await?;
            let result = work(client, &statement).await;
            statements.insert(sql.to_owned(), statement);
            result
        }));
        result?.map_err(|error| map(&error))
    }
}

/// A network that swallows packets must not hold the writer for ever.
async fn within<T>(work: impl Future<Output = T>) -> Result<T, Error> {
    tokio::time::timeout(STATEMENT + CONNECT, work)
        .await
        .map_err(|_| Error::Unavailable("PostgreSQL does not answer".to_owned()))
}

fn parameters(values: &[Value]) -> Vec<&(dyn ToSql + Sync)> {
    values
        .iter()
        .map(|value| value as &(dyn ToSql + Sync))
        .collect()
}

fn own_rows(rows: &[tokio_postgres::Row]) -> Result<Vec<Row>, Error> {
    let own = |row: &tokio_postgres::Row| {
        let values: Result<Vec<Value>, _> =
            (0..row.len()).map(|column| row.try_get(column)).collect();
        values.map(Row).map_err(|error| map(&error))
    };
    rows.iter().map(own).collect()
}

impl Session for PostgresSession {
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let rows = self.run(sql, async |client, statement| {
            client.query(statement, &parameters(values)).await
        })?;
        own_rows(&rows)
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        self.run(sql, async |client, statement| {
            client.execute(statement, &parameters(values)).await
        })
    }

    fn script(&mut self, sql: &str) -> Result<(), Error> {
        let Self {
            runtime, client, ..
        } = self;
        let result = runtime.block_on(within(client.batch_execute(sql)));
        result?.map_err(|error| map(&error))
    }

    fn migrate(&mut self, sql: &str) -> Result<(), Error> {
        self.script(sql)
    }

    fn has_table(&mut self, name: &str) -> Result<bool, Error> {
        let found = self.query(
            "SELECT table_name FROM information_schema.tables
             WHERE table_schema = current_schema() AND table_name = $1",
            &[name.into()],
        )?;
        Ok(!found.is_empty())
    }

    fn objects(&mut self, _: &str) -> Result<Option<Vec<Row>>, Error> {
        Ok(None)
    }

    fn begin(&mut self) -> Result<(), Error> {
        self.committing = false;
        self.script(BEGIN)
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.committing = true;
        let committed = self.script("COMMIT");
        match committed {
            Err(_) if self.client.is_closed() => Err(Error::Unavailable(
                "the connection to PostgreSQL was lost while committing: read again before you repeat".to_owned(),
            )),
            committed => committed,
        }
    }

    fn settle(&mut self) -> Result<(), Error> {
        Ok(())
    }

    fn rollback(&mut self) {
        if !self.client.is_closed()
            && let Err(error) = self.script("ROLLBACK")
        {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }

    fn intact(&self) -> bool {
        !self.client.is_closed()
    }

    fn recover(&mut self) -> bool {
        if self.committing || !self.client.is_closed() {
            return false;
        }
        let Self {
            runtime, target, ..
        } = self;
        match runtime.block_on(within(target.connect())) {
            Ok(Ok(client)) => {
                self.client = client;
                self.statements.clear();
                true
            }
            Ok(Err(error)) => {
                tracing::warn!(error = %describe(&error), "PostgreSQL can't be reached");
                false
            }
            Err(error) => {
                tracing::warn!(%error, "PostgreSQL can't be reached");
                false
            }
        }
    }
}

/// The pool that reads.
pub(super) struct Readers(Pool);

impl Readers {
    pub(super) fn new(target: &Target, count: usize) -> Result<Self, Error> {
        let manage = ManagerConfig {
            recycling_method: RecyclingMethod::Fast,
        };
        let manager = match &target.tls {
            None => Manager::from_config(target.config.clone(), NoTls, manage),
            Some(tls) => Manager::from_config(target.config.clone(), tls.clone(), manage),
        };
        let pool = Pool::builder(manager)
            .max_size(count)
            .runtime(Runtime::Tokio1)
            .timeouts(Timeouts {
                wait: Some(STATEMENT),
                create: Some(CONNECT),
                recycle: Some(CONNECT),
            })
            .build();
        pool.map(Self).map_err(|error| Error::Config {
            detail: error.to_string(),
        })
    }

    /// Reads, with a second attempt if the pooled connection turns out to be dead.
    pub(super) async fn read(&self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        let mut again = true;
        loop {
            let client = self.0.get().await.map_err(|error| match error {
                deadpool_postgres::PoolError::Backend(error) => map(&error),
                other => Error::Unavailable(format!("no connection for reading: {other}")),
            })?;
            let answered = within(async {
                let statement = client.prepare_cached(sql).await?;
                client.query(&statement, &parameters(values)).await
            })
            .await?;
            match answered {
                Ok(rows) => return own_rows(&rows),
                Err(_) if again && client.is_closed() => again = false,
                Err(error) => return Err(map(&error)),
            }
        }
    }
}

fn map(error: &tokio_postgres::Error) -> Error {
    let Some(refusal) = error.as_db_error() else {
        return Error::Unavailable(describe(error));
    };
    let detail = describe(error);
    match refusal.code() {
        code if *code == SqlState::DISK_FULL => Error::StorageFull,
        code if *code == SqlState::IO_ERROR || *code == SqlState::READ_ONLY_SQL_TRANSACTION => {
            Error::Storage { detail }
        }
        // Connection, resource and operator classes, locks, deadlocks, time-outs.
        code if matches!(code.code().get(..2), Some("08" | "53" | "55" | "57" | "40"))
            || *code == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT =>
        {
            Error::Unavailable(detail)
        }
        _ => Error::Database(detail),
    }
}

/// The server's message without its detail line, which may quote values.
fn describe(error: &tokio_postgres::Error) -> String {
    if let Some(refusal) = error.as_db_error() {
        return format!("{} ({})", refusal.message(), refusal.code().code());
    }
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

impl ToSql for Value {
    fn to_sql(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Int(value) if *kind == Type::INT4 => i32::try_from(*value)?.to_sql(kind, out),
            Self::Int(value) => value.to_sql(kind, out),
            Self::Text(value) => value.to_sql(kind, out),
            Self::Bytes(value) => value.to_sql(kind, out),
        }
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}

impl<'a> FromSql<'a> for Value {
    fn from_sql(
        kind: &Type,
        raw: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        match *kind {
            Type::INT8 => i64::from_sql(kind, raw).map(Self::Int),
            Type::INT4 => i32::from_sql(kind, raw).map(|value| Self::Int(value.into())),
            Type::BOOL => bool::from_sql(kind, raw).map(|value| Self::Int(value.into())),
            Type::BYTEA => Vec::from_sql(kind, raw).map(Self::Bytes),
            _ => String::from_sql(kind, raw).map(Self::Text),
        }
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self::Null)
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_that_lose_what_was_acknowledged_and_old_servers_are_refused() {
        for (name, setting, expected) in [
            ("fsync", "on", None),
            ("fsync", "off", Some("fsync is off")),
            ("full_page_writes", "off", Some("full_page_writes is off")),
            (
                "synchronous_commit",
                "off",
                Some("synchronous_commit is off"),
            ),
            ("synchronous_commit", "local", None),
            ("server_version_num", "150000", None),
            ("server_version_num", "180001", None),
            (
                "server_version_num",
                "149999",
                Some("PostgreSQL 14 is too old"),
            ),
        ] {
            let judged = judge(name, setting);
            match expected {
                None => assert_eq!(judged, Ok(()), "{name} {setting}"),
                Some(words) => assert!(
                    matches!(&judged, Err(Error::Unsafe { detail }) if detail.starts_with(words)),
                    "{name} {setting}: {judged:?}"
                ),
            }
        }
    }
}
