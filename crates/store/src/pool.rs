//! The only place that knows two drivers: one SQL text, a row type, a value type and one small trait.
//!
//! All writes go through one thread that commits them in groups (`writer`), with one writer at a time in the whole
//! installation: SQLite by `BEGIN IMMEDIATE`, PostgreSQL by an advisory lock. So a transaction never sees another one
//! half done, on either database, and a caller that goes away can't leave one open. Reads are single statements.
//! No record and no rule is known here.

mod postgres;
mod sqlite;
mod writer;

use jiff::Timestamp;
use tokio::sync::{mpsc, oneshot};

pub(crate) use sqlite::in_memory;
pub(crate) use writer::Tx;

use crate::{Config, Database, Error};
use writer::{Job, Message, Write};

/// A value as both databases know it. Times are microseconds, JSON and ids are text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Value {
    Null,
    Int(i64),
    Text(String),
    Bytes(Vec<u8>),
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(value.into())
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<&[u8]> for Value {
    fn from(value: &[u8]) -> Self {
        Self::Bytes(value.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(value: Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Int(value.as_microsecond())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer; columns by position, as the statement names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row(pub(crate) Vec<Value>);

impl Row {
    pub(crate) fn int(&self, column: usize) -> Result<i64, Error> {
        self.opt_int(column)?.ok_or_else(|| mismatch(column))
    }

    pub(crate) fn opt_int(&self, column: usize) -> Result<Option<i64>, Error> {
        match self.0.get(column) {
            Some(Value::Int(value)) => Ok(Some(*value)),
            Some(Value::Null) => Ok(None),
            _ => Err(mismatch(column)),
        }
    }

    pub(crate) fn text(&self, column: usize) -> Result<&str, Error> {
        self.opt_text(column)?.ok_or_else(|| mismatch(column))
    }

    pub(crate) fn opt_text(&self, column: usize) -> Result<Option<&str>, Error> {
        match self.0.get(column) {
            Some(Value::Text(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            _ => Err(mismatch(column)),
        }
    }

    pub(crate) fn bytes(&self, column: usize) -> Result<&[u8], Error> {
        self.opt_bytes(column)?.ok_or_else(|| mismatch(column))
    }

    pub(crate) fn opt_bytes(&self, column: usize) -> Result<Option<&[u8]>, Error> {
        match self.0.get(column) {
            Some(Value::Bytes(value)) => Ok(Some(value)),
            Some(Value::Null) => Ok(None),
            _ => Err(mismatch(column)),
        }
    }

    pub(crate) fn time(&self, column: usize) -> Result<Timestamp, Error> {
        time(self.int(column)?)
    }

    pub(crate) fn opt_time(&self, column: usize) -> Result<Option<Timestamp>, Error> {
        self.opt_int(column)?.map(time).transpose()
    }
}

fn time(microseconds: i64) -> Result<Timestamp, Error> {
    Timestamp::from_microsecond(microseconds).map_err(|error| Error::stored("time", error))
}

fn mismatch(column: usize) -> Error {
    Error::Database(format!("column {column} is missing or of another type"))
}

/// One open connection that writes. Used by the writer's thread alone, hence not async.
pub(crate) trait Session {
    /// Runs a statement that answers rows.
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error>;
    /// Runs a statement and counts the rows it changed.
    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error>;
    /// Runs statements that have no values.
    fn script(&mut self, sql: &str) -> Result<(), Error>;
    /// Runs a migration, in the database's own words for types.
    fn migrate(&mut self, sql: &str) -> Result<(), Error>;
    /// Tells whether the database has a table of this name.
    fn has_table(&mut self, name: &str) -> Result<bool, Error>;
    /// Lists the schema's objects by an SQLite statement; `None` where that can't be asked.
    fn objects(&mut self, sql: &str) -> Result<Option<Vec<Row>>, Error>;
    /// Begins a transaction, once no other writer of the installation is in one.
    fn begin(&mut self) -> Result<(), Error>;
    /// Makes the transaction durable.
    fn commit(&mut self) -> Result<(), Error>;
    /// Brings what is committed into the database's own file, where a log beside it holds it until then.
    fn settle(&mut self) -> Result<(), Error>;
    /// Gives the transaction up.
    fn rollback(&mut self);
    /// Tells whether the open transaction still stands, after a statement failed in it.
    fn intact(&self) -> bool;
    /// Opens the connection again if it was lost; tells whether that makes a second attempt worth while.
    fn recover(&mut self) -> bool;
}

/// What is done with a session before it is used: first looked at only, then brought up to date.
pub(crate) trait Preparation: Send {
    /// Looks at the database without writing.
    fn check(&mut self, session: &mut dyn Session) -> Result<(), Error>;
    /// Brings it up to date.
    fn prepare(&mut self, session: &mut dyn Session) -> Result<(), Error>;
}

/// One statement that reads.
struct Read {
    sql: &'static str,
    values: Vec<Value>,
    answer: oneshot::Sender<Result<Vec<Row>, Error>>,
}

impl Read {
    /// The caller may have gone away.
    fn answer_with(self, rows: Result<Vec<Row>, Error>) {
        drop(self.answer.send(rows));
    }
}

/// The open database.
pub(crate) struct Db {
    writer: mpsc::Sender<Message>,
    readers: Readers,
    /// Ends once every thread has closed its connection.
    closed: mpsc::Receiver<()>,
}

enum Readers {
    /// A database in memory has one connection only.
    Writer,
    Sqlite(sqlite::Readers),
    Postgres(postgres::Readers),
}

impl Db {
    /// Opens the database and hands the preparation back.
    pub(crate) async fn open<P: Preparation + 'static>(
        config: &Config,
        preparation: P,
    ) -> Result<(Self, P), Error> {
        let (alive, closed) = mpsc::channel(1);
        match &config.database {
            Database::SqliteMemory => {
                let opened = writer::spawn(alive, preparation, |_| in_memory()).await?;
                Ok((
                    Self::new(opened.sender, Readers::Writer, closed),
                    opened.preparation,
                ))
            }
            Database::Sqlite(path) => {
                let (path, config) = (path.clone(), config.clone());
                let readers = config.readers.max(1);
                let file = path.clone();
                let opened = writer::spawn(alive.clone(), preparation, move |preparation| {
                    sqlite::open(&file, &config, preparation)
                })
                .await?;
                let readers = sqlite::Readers::spawn(&path, readers, &alive)?;
                Ok((
                    Self::new(opened.sender, Readers::Sqlite(readers), closed),
                    opened.preparation,
                ))
            }
            Database::Postgres(url) => {
                let target = postgres::Target::parse(url)?;
                let readers = postgres::Readers::new(&target, config.readers.max(1))?;
                let wait = config.connect_wait;
                let opened = writer::spawn(alive, preparation, move |preparation| {
                    postgres::open(target, wait, preparation)
                })
                .await?;
                Ok((
                    Self::new(opened.sender, Readers::Postgres(readers), closed),
                    opened.preparation,
                ))
            }
        }
    }

    fn new(writer: mpsc::Sender<Message>, readers: Readers, closed: mpsc::Receiver<()>) -> Self {
        Self {
            writer,
            readers,
            closed,
        }
    }

    /// What people call the database.
    pub(crate) fn name(&self) -> &'static str {
        match self.readers {
            Readers::Writer | Readers::Sqlite(_) => "SQLite",
            Readers::Postgres(_) => "PostgreSQL",
        }
    }

    /// Runs one statement that reads what is committed.
    pub(crate) async fn read(
        &self,
        sql: &'static str,
        values: impl Into<Vec<Value>>,
    ) -> Result<Vec<Row>, Error> {
        let values = values.into();
        let (answer, answered) = oneshot::channel();
        let read = Read {
            sql,
            values,
            answer,
        };
        match &self.readers {
            Readers::Postgres(readers) => return readers.read(sql, &read.values).await,
            Readers::Sqlite(readers) => readers.send(read)?,
            Readers::Writer => {
                let sent = self.writer.send(Message::Read(read)).await;
                sent.map_err(|_| closed_down())?;
            }
        }
        answered.await.map_err(|_| closed_down())?
    }

    /// Runs `work` in a transaction, and `after` once it is committed, before the answer.
    ///
    /// Once it has been polled it happens wholly or not at all, even if the caller goes away. `work` may run twice.
    pub(crate) async fn write<T, F, A>(&self, work: F, after: A) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut Tx<'_>) -> Result<T, Error> + Send + 'static,
        A: FnOnce(&T) + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job: Box<dyn Job> = Box::new(Write::new(work, after, answer));
        let sent = self.writer.send(Message::Write(job)).await;
        sent.map_err(|_| closed_down())?;
        answered.await.map_err(|_| closed_down())?
    }

    /// As [`Db::write`], for what nobody waits for; dropped when the writer is behind.
    pub(crate) fn write_later<F>(&self, mut work: F)
    where
        F: FnMut(&mut Tx<'_>) -> Result<(), Error> + Send + 'static,
    {
        let (answer, _) = oneshot::channel();
        let job = Box::new(Write::new(
            move |tx: &mut Tx<'_>| work(tx),
            |(): &()| (),
            answer,
        ));
        if self.writer.try_send(Message::Write(job)).is_err() {
            tracing::debug!("a write that nobody waits for was left out: the writer is behind");
        }
    }

    /// Waits until all threads have closed their connections.
    pub(crate) async fn close(self) {
        let Self {
            writer,
            readers,
            mut closed,
        } = self;
        drop(writer);
        drop(readers);
        let ended = closed.recv().await;
        debug_assert!(ended.is_none(), "nothing is sent on this channel");
    }
}

fn closed_down() -> Error {
    Error::Unavailable("the store is closed".to_owned())
}
