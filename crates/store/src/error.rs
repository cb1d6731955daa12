//! What can go wrong in the store, worded for the person who can cure it.
//!
//! One enum: a writer's group answers many callers with the same failure, hence `Clone` and plain text inside.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::Role;

/// Why the store did not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The record does not exist.
    #[error("there is no {what}")]
    NotFound {
        /// The kind of record and its name.
        what: String,
    },
    /// The name or the thing is already taken.
    #[error("{what} already exists: choose another name, or change the existing one")]
    Conflict {
        /// The kind of record and its name.
        what: String,
    },
    /// It can't be done while something else goes on.
    #[error("{what} can't be {done} now: {why}")]
    Busy {
        /// The kind of record and its name.
        what: String,
        /// What was to be done with it.
        done: &'static str,
        /// What stands in the way, and what to do about it.
        why: String,
    },
    /// Another process took the run over; whoever is told this must let go of it.
    #[error("run {run} has another owner by now")]
    Fenced {
        /// The run.
        run: String,
    },
    /// Somebody else saved the record meanwhile.
    #[error(
        "the record was changed meanwhile and is now at version {current}: read it again and repeat the change"
    )]
    Version {
        /// The version that is stored now.
        current: i64,
    },
    /// The actor's role does not allow this.
    #[error("this needs the role {needs}: ask an administrator of this installation")]
    Forbidden {
        /// The least role that may.
        needs: Role,
    },
    /// A value that can't be stored.
    #[error("{what} can't be used: {why}")]
    Invalid {
        /// Which value.
        what: &'static str,
        /// What is wrong with it.
        why: String,
    },
    /// An account has used up its sign-in attempts of the day.
    #[error("too many sign-in attempts for this account: the next one is evaluated after {until}")]
    TooManyAttempts {
        /// When the counter starts again.
        until: Timestamp,
    },
    /// A sealed value of one record can't be opened; the other records are not affected.
    #[error(
        "{what} can't be unsealed: the stored bytes were damaged, or come from another row or an old backup; enter the secret again"
    )]
    Unreadable {
        /// The kind of record and its name.
        what: String,
    },

    /// The database was sealed with another key.
    #[error(
        "the key in {path} is not the one this database was sealed with: nothing was written; put the right key file back"
    )]
    WrongKey {
        /// The key file.
        path: PathBuf,
    },
    /// The database is sealed, but its key file is gone.
    #[error(
        "the key file {path} is missing, and this database is sealed with it: nothing was written; restore the key file from its backup"
    )]
    KeyMissing {
        /// Where the key file should be.
        path: PathBuf,
    },
    /// Other users of the machine could read the key.
    #[error(
        "the key file {path} has mode {mode:04o}, so other users of this machine may read it: run `chmod 600 {path}`, and consider the key known"
    )]
    KeyPermissions {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file does not hold a key.
    #[error("the key file {path} does not hold a key: {why}; it must hold the base64 of 32 bytes")]
    KeyFormat {
        /// The key file.
        path: PathBuf,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The key file can't be read or made.
    #[error("the key file {path} can't be used: {detail}")]
    KeyFile {
        /// The key file.
        path: PathBuf,
        /// The system's words.
        detail: String,
    },

    /// Another process has this database open.
    #[error("another Keyway process has {path} open: stop it first, or talk to it with --server")]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// The database file can't be used as it is.
    #[error(
        "the database {path} is damaged ({detail}): it was left untouched; restore it from a backup: cp BACKUP {path}"
    )]
    Corrupt {
        /// The database file.
        path: String,
        /// What the check found.
        detail: String,
    },
    /// The database was last used by a newer Keyway.
    #[error(
        "the database has schema {found}, this program knows {known}: install the newer Keyway again; a downgrade is never made"
    )]
    SchemaTooNew {
        /// The newest migration in the database.
        found: i64,
        /// The newest migration of this program.
        known: i64,
    },
    /// A migration that already ran, or the schema, differs from what this program brought.
    #[error(
        "the schema of the database is not the one Keyway made ({detail}): restore it from a backup"
    )]
    SchemaChanged {
        /// What differs.
        detail: String,
    },
    /// The database's settings do not keep what was acknowledged.
    #[error("the database server is not safe to use: {detail}")]
    Unsafe {
        /// The setting and its cure.
        detail: String,
    },
    /// A setting of ours can't be used.
    #[error("the database setting can't be used: {detail}")]
    Config {
        /// What is wrong with it.
        detail: String,
    },

    /// Somebody changed the audit log by hand, so nothing can be added to it.
    #[error(
        "the audit log was changed from outside ({detail}), so nothing can be recorded and nothing is changed: restore the database from a backup"
    )]
    AuditBroken {
        /// What is wrong with it.
        detail: String,
    },

    /// The disk is full.
    #[error("the disk is full: nothing was stored; free some space and repeat")]
    StorageFull,
    /// The disk or the file system failed.
    #[error("the storage failed ({detail}): nothing was stored; check the disk and restart")]
    Storage {
        /// The database's words.
        detail: String,
    },
    /// The database can't be reached at present.
    #[error("the database is not available: {0}")]
    Unavailable(String),
    /// The database refused a statement; a bug of ours.
    #[error("the database refused a statement: {0}; please report this")]
    Database(String),
}

impl Error {
    /// A stable word for this error, for problem details and logs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound { .. } => "store.not_found",
            Self::Conflict { .. } => "conflict.name",
            Self::Busy { .. } => "conflict.busy",
            Self::Fenced { .. } => "run.fenced",
            Self::Version { .. } => "conflict.version",
            Self::Forbidden { .. } => "forbidden",
            Self::Invalid { .. } => "input.invalid",
            Self::TooManyAttempts { .. } => "auth.too_many_attempts",
            Self::Unreadable { .. } => "store.unreadable",
            Self::WrongKey { .. } => "key.wrong",
            Self::KeyMissing { .. } => "key.missing",
            Self::KeyPermissions { .. } => "key.permissions",
            Self::KeyFormat { .. } => "key.format",
            Self::KeyFile { .. } => "key.file",
            Self::Locked { .. } => "store.locked",
            Self::Corrupt { .. } => "store.corrupt",
            Self::SchemaTooNew { .. } => "store.schema_too_new",
            Self::SchemaChanged { .. } => "store.schema_changed",
            Self::Unsafe { .. } => "store.unsafe",
            Self::Config { .. } => "store.config",
            Self::AuditBroken { .. } => "audit.broken",
            Self::StorageFull => "storage_full",
            Self::Storage { .. } => "storage_error",
            Self::Unavailable(_) => "store.unavailable",
            Self::Database(_) => "store.database",
        }
    }

    pub(crate) fn not_found(kind: &str, name: impl std::fmt::Display) -> Self {
        Self::NotFound {
            what: format!("{kind} {name}"),
        }
    }

    pub(crate) fn conflict(kind: &str, name: impl std::fmt::Display) -> Self {
        Self::Conflict {
            what: format!("{kind} {name}"),
        }
    }

    /// A stored value that this program itself wrote does not parse.
    pub(crate) fn stored(what: &str, detail: impl std::fmt::Display) -> Self {
        Self::Database(format!("the stored {what} does not parse: {detail}"))
    }
}
