//! SQLite: pragmas, the lock beside the file, the look at a file before anything is written to it, reader threads.

use std::{
    fs::{File, OpenOptions, TryLockError},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc as std_mpsc,
    },
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode, OpenFlags, config::DbConfig, ffi, types::ValueRef};
use tokio::sync::mpsc;

use super::{Preparation, Read, Row, Session, Value};
use crate::{
    Config, Error, Sharing,
    failpoint::{self, Fault},
};

const BUSY: Duration = Duration::from_secs(10);
const LOCK_POLL: Duration = Duration::from_millis(20);
/// Marks the file as ours: "KEYW".
const APPLICATION_ID: i64 = 0x4b45_5957;

/// A connection to a file or to memory.
pub(crate) struct SqliteSession {
    connection: Connection,
    /// How the database is called in errors.
    name: String,
    /// A failed fsync may have dropped pages that a second one would report as written: never try again.
    failed: Option<Error>,
    /// Held as long as the connection.
    _lock: Option<File>,
}

impl SqliteSession {
    fn new(connection: Connection, name: &str, lock: Option<File>) -> Self {
        Self {
            connection,
            name: name.to_owned(),
            failed: None,
            _lock: lock,
        }
    }

    fn fail(&mut self, error: &rusqlite::Error) -> Error {
        let mapped = map(&self.name, error);
        let extended = error.sqlite_extended_error_code();
        if matches!(
            extended,
            Some(ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC)
        ) {
            self.failed = Some(mapped.clone());
        }
        mapped
    }

    fn one_text(&mut self, sql: &str) -> Result<String, Error> {
        let rows = self.query(sql, &[])?;
        let row = rows
            .first()
            .ok_or_else(|| Error::Database(format!("{sql} answers nothing")))?;
        row.text(0).map(str::to_owned)
    }
}

impl Session for SqliteSession {
    fn query(&mut self, sql: &str, values: &[Value]) -> Result<Vec<Row>, Error> {
        query(&self.connection, sql, values).map_err(|error| self.fail(&error))
    }

    fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Error> {
        execute(&self.connection, sql, values).map_err(|error| self.fail(&error))
    }

    fn script(&mut self, sql: &str) -> Result<(), Error> {
        self.connection
            .execute_batch(sql)
            .map_err(|error| self.fail(&error))
    }

    fn migrate(&mut self, sql: &str) -> Result<(), Error> {
        self.script(&own_words(sql))?;
        self.script(&format!("PRAGMA application_id = {APPLICATION_ID}"))
    }

    fn has_table(&mut self, name: &str) -> Result<bool, Error> {
        let found = self.query(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name = $1",
            &[name.into()],
        )?;
        Ok(!found.is_empty())
    }

    fn objects(&mut self, sql: &str) -> Result<Option<Vec<Row>>, Error> {
        self.query(sql, &[]).map(Some)
    }

    fn begin(&mut self) -> Result<(), Error> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        self.script("BEGIN IMMEDIATE")
    }

    fn commit(&mut self) -> Result<(), Error> {
        self.script("COMMIT")
    }

    fn settle(&mut self) -> Result<(), Error> {
        // it answers whether a reader was in its way: then the log just stays longer
        self.query("PRAGMA wal_checkpoint(TRUNCATE)", &[]).map(drop)
    }

    fn rollback(&mut self) {
        if !self.connection.is_autocommit()
            && let Err(error) = self.script("ROLLBACK")
        {
            tracing::warn!(%error, "a transaction could not be rolled back");
        }
    }

    fn intact(&self) -> bool {
        !self.connection.is_autocommit()
    }

    fn recover(&mut self) -> bool {
        false
    }
}

/// PostgreSQL's words for types, in strict SQLite's.
fn own_words(sql: &str) -> String {
    sql.replace("BIGINT", "INTEGER")
        .replace("BYTEA", "BLOB")
        .replace("\n);", "\n) STRICT;")
}

/// SQLite numbers `$1` by first appearance, `?1` by its number.
fn numbered(sql: &str) -> String {
    sql.replace('$', "?")
}

fn query(connection: &Connection, sql: &str, values: &[Value]) -> rusqlite::Result<Vec<Row>> {
    let mut statement = connection.prepare_cached(&numbered(sql))?;
    let columns = statement.column_count();
    let mut rows = statement.query(rusqlite::params_from_iter(values))?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let values: rusqlite::Result<Vec<Value>> = (0..columns)
            .map(|column| row.get_ref(column).map(own_value))
            .collect();
        found.push(Row(values?));
    }
    Ok(found)
}

fn execute(connection: &Connection, sql: &str, values: &[Value]) -> rusqlite::Result<u64> {
    let mut statement = connection.prepare_cached(&numbered(sql))?;
    statement
        .execute(rusqlite::params_from_iter(values))
        .map(|count| count as u64)
}

fn own_value(value: ValueRef<'_>) -> Value {
    match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(value) => Value::Int(value),
        // No column has this type; a sum of integers can't have it either.
        ValueRef::Real(value) => Value::Text(value.to_string()),
        ValueRef::Text(value) => Value::Text(String::from_utf8_lossy(value).into_owned()),
        ValueRef::Blob(value) => Value::Bytes(value.to_vec()),
    }
}

impl rusqlite::ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<rusqlite::types::ToSqlOutput<'_>> {
        use rusqlite::types::ToSqlOutput;
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(value) => ValueRef::Integer(*value),
            Self::Text(value) => ValueRef::Text(value.as_bytes()),
            Self::Bytes(value) => ValueRef::Blob(value),
        }))
    }
}

fn map(name: &str, error: &rusqlite::Error) -> Error {
    let detail = error.to_string();
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => Error::StorageFull,
        Some(ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen) => {
            Error::Storage { detail }
        }
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Error::Corrupt {
            path: name.to_owned(),
            detail,
        },
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            Error::Unavailable("another process is writing for too long".to_owned())
        }
        _ => Error::Database(detail),
    }
}

/// A new database in memory.
pub(crate) fn in_memory() -> Result<SqliteSession, Error> {
    const NAME: &str = "in memory";
    let connection = Connection::open_in_memory().map_err(|error| map(NAME, &error))?;
    set_up(&connection).map_err(|error| map(NAME, &error))?;
    Ok(SqliteSession::new(connection, NAME, None))
}

/// Takes the lock, looks at the file without writing, and only then opens it for writing.
pub(super) fn open(
    path: &Path,
    config: &Config,
    preparation: &mut dyn Preparation,
) -> Result<SqliteSession, Error> {
    let lock = Lock::take(path, config)?;
    let size = std::fs::metadata(path)
        .map(|found| found.len())
        .unwrap_or_default();
    if size > 0 {
        look_at(path, lock.alone, preparation)?;
    } else {
        make_private(path)?;
    }
    let lock = lock.keep(config)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let name = path.display().to_string();
    let connection =
        Connection::open_with_flags(path, flags).map_err(|error| map(&name, &error))?;
    set_up(&connection).map_err(|error| map(&name, &error))?;
    let mut session = SqliteSession::new(connection, &name, Some(lock));
    let mode = session.one_text("PRAGMA journal_mode = WAL")?;
    if mode != "wal" {
        return Err(Error::Config {
            detail: format!(
                "{} is on a file system without write-ahead log (journal mode {mode}): use a local disk",
                path.display()
            ),
        });
    }
    Ok(session)
}

/// Makes the file before SQLite does, so that nobody else can read it; its log inherits the permissions.
fn make_private(path: &Path) -> Result<(), Error> {
    let made = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    made.map(drop).map_err(|error| Error::Storage {
        detail: format!("{} can't be made: {error}", path.display()),
    })
}

fn set_up(connection: &Connection) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(128);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    let synchronous = if failpoint::is_planted(Fault::CommitWithoutFsync) {
        "NORMAL"
    } else {
        "FULL"
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.execute_batch(
        "PRAGMA foreign_keys = ON;
         PRAGMA trusted_schema = OFF;
         PRAGMA cell_size_check = ON;
         PRAGMA temp_store = MEMORY;",
    )?;
    // These two answer a row.
    connection.pragma_update_and_check(None, "secure_delete", "ON", |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", 64 << 20, |_| Ok(()))?;
    Ok(())
}

/// Checks the file and what is in it over a connection that can't write.
fn look_at(path: &Path, alone: bool, preparation: &mut dyn Preparation) -> Result<(), Error> {
    let name = path.display().to_string();
    let damaged = |detail: String| Error::Corrupt {
        path: name.clone(),
        detail,
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let connection = Connection::open_with_flags(read_only_uri(path, alone), flags)
        .map_err(|error| map(&name, &error))?;
    connection
        .busy_timeout(BUSY)
        .map_err(|error| map(&name, &error))?;
    let mut session = SqliteSession::new(connection, &name, None);
    let found = session.one_text("PRAGMA quick_check(1)")?;
    if found != "ok" {
        return Err(damaged(found));
    }
    let tables = session.query("SELECT name FROM sqlite_schema LIMIT 1", &[])?;
    if !tables.is_empty() {
        let id = session.query("PRAGMA application_id", &[])?;
        if id != [Row(vec![Value::Int(APPLICATION_ID)])] {
            return Err(damaged("it is a database of another program".to_owned()));
        }
    }
    preparation.check(&mut session)
}

/// `immutable` keeps SQLite from making even empty files beside the database. It is right only as long as nobody
/// writes: nobody can while we are alone, and there is no log to be read as well.
fn read_only_uri(path: &Path, alone: bool) -> String {
    let log = beside(path, "-wal");
    let has_log = std::fs::metadata(log).is_ok_and(|found| found.len() > 0);
    let mut escaped = String::new();
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => escaped.push_str("%25"),
            '?' => escaped.push_str("%3f"),
            '#' => escaped.push_str("%23"),
            other => escaped.push(other),
        }
    }
    let immutable = if alone && !has_log {
        "&immutable=1"
    } else {
        ""
    };
    format!("file:{escaped}?mode=ro{immutable}")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// The lock on `<database>.lock`: the system lets go of it when the process ends, however it ends.
struct Lock {
    file: File,
    path: PathBuf,
    /// Whether no other process has the database open at this moment.
    alone: bool,
    deadline: Instant,
}

impl Lock {
    fn take(database: &Path, config: &Config) -> Result<Self, Error> {
        let path = beside(database, ".lock");
        let opened = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .open(&path);
        let file = opened.map_err(|error| Error::Storage {
            detail: format!("{} can't be opened: {error}", path.display()),
        })?;
        let deadline = Instant::now() + config.lock_wait;
        let mut lock = Self {
            file,
            path,
            alone: true,
            deadline,
        };
        match (lock.file.try_lock(), config.sharing) {
            (Ok(()), _) => Ok(lock),
            (Err(_), Sharing::Shared) => {
                lock.wait(File::try_lock_shared)?;
                lock.alone = false;
                Ok(lock)
            }
            (Err(_), Sharing::Sole) => {
                lock.wait(File::try_lock)?;
                Ok(lock)
            }
        }
    }

    fn wait(&self, try_lock: fn(&File) -> Result<(), TryLockError>) -> Result<(), Error> {
        loop {
            match try_lock(&self.file) {
                Ok(()) => return Ok(()),
                Err(TryLockError::WouldBlock) if Instant::now() < self.deadline => {
                    std::thread::sleep(LOCK_POLL);
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Error::Locked {
                        path: self.path.clone(),
                    });
                }
                Err(TryLockError::Error(error)) => {
                    return Err(Error::Storage {
                        detail: format!("{} can't be locked: {error}", self.path.display()),
                    });
                }
            }
        }
    }

    /// Keeps the lock, shared if that was asked for.
    fn keep(self, config: &Config) -> Result<File, Error> {
        if self.alone && config.sharing == Sharing::Shared {
            let unlocked = self.file.unlock();
            unlocked.map_err(|error| Error::Storage {
                detail: error.to_string(),
            })?;
            self.wait(File::try_lock_shared)?;
        }
        Ok(self.file)
    }
}

/// Threads that read, each with a connection of its own.
pub(super) struct Readers {
    threads: Vec<std_mpsc::Sender<Read>>,
    next: AtomicUsize,
}

impl Readers {
    pub(super) fn spawn(
        path: &Path,
        count: usize,
        alive: &mpsc::Sender<()>,
    ) -> Result<Self, Error> {
        let name = path.display().to_string();
        let mut threads = Vec::with_capacity(count);
        for number in 0..count {
            let connection = open_reader(path).map_err(|error| map(&name, &error))?;
            let (sender, reads) = std_mpsc::channel::<Read>();
            let alive = alive.clone();
            let name = name.clone();
            let thread = move || {
                for read in reads {
                    let rows = query(&connection, read.sql, &read.values);
                    read.answer_with(rows.map_err(|error| map(&name, &error)));
                }
                drop(connection);
                drop(alive);
            };
            std::thread::Builder::new()
                .name(format!("store-reader-{number}"))
                .spawn(thread)
                .map_err(|error| Error::Unavailable(format!("no thread for a reader: {error}")))?;
            threads.push(sender);
        }
        Ok(Self {
            threads,
            next: AtomicUsize::new(0),
        })
    }

    pub(super) fn send(&self, read: Read) -> Result<(), Error> {
        let next = self.next.fetch_add(1, Ordering::Relaxed) % self.threads.len();
        self.threads[next]
            .send(read)
            .map_err(|_| super::closed_down())
    }
}

fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(BUSY)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.execute_batch(
        "PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA query_only = ON;",
    )?;
    Ok(connection)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn trouble_of_the_file_system_has_its_code_and_a_failed_fsync_ends_all_writing() {
        let mut session = in_memory().unwrap();
        for (code, expected) in [
            (ffi::SQLITE_FULL, "storage_full"),
            (ffi::SQLITE_IOERR_WRITE, "storage_error"),
            (ffi::SQLITE_IOERR_READ, "storage_error"),
            (ffi::SQLITE_READONLY, "storage_error"),
            (ffi::SQLITE_CANTOPEN, "storage_error"),
            (ffi::SQLITE_CORRUPT, "store.corrupt"),
            (ffi::SQLITE_NOTADB, "store.corrupt"),
        ] {
            assert_eq!(session.fail(&failure(code)).code(), expected, "{code}");
            session.begin().unwrap();
            session.rollback();
        }
        let failed = session.fail(&failure(ffi::SQLITE_IOERR_FSYNC));
        assert_eq!(failed.code(), "storage_error");
        assert_eq!(session.begin(), Err(failed));
        assert!(session.query("SELECT 1", &[]).is_ok(), "reading goes on");
    }
}
