//! Migrations: numbered SQL files, forward only, each run once and never edited after release.
//!
//! Also the two checks that come before anything is written: that the schema is one we know, and that the key is the
//! one the database was sealed with.

use std::fmt::Write as _;

use aws_lc_rs::digest;

use crate::{
    Clock, Error, Vault, approvals, audit, encryption,
    pool::{Preparation, Row, Session, in_memory},
    vault::{KeyId, Place},
};

struct Migration {
    number: i64,
    name: &'static str,
    sql: &'static str,
}

const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "connections",
        sql: include_str!("../migrations/0001_connections.sql"),
    },
    Migration {
        number: 2,
        name: "flows",
        sql: include_str!("../migrations/0002_flows.sql"),
    },
    Migration {
        number: 3,
        name: "device_authorizations",
        sql: include_str!("../migrations/0003_device_authorizations.sql"),
    },
    Migration {
        number: 4,
        name: "events",
        sql: include_str!("../migrations/0004_events.sql"),
    },
    Migration {
        number: 5,
        name: "encryption_keys",
        sql: include_str!("../migrations/0005_encryption_keys.sql"),
    },
    Migration {
        number: 6,
        name: "once",
        sql: include_str!("../migrations/0006_once.sql"),
    },
    Migration {
        number: 7,
        name: "calls_of_runs",
        sql: include_str!("../migrations/0007_calls_of_runs.sql"),
    },
    Migration {
        number: 8,
        name: "heard",
        sql: include_str!("../migrations/0008_heard.sql"),
    },
    Migration {
        number: 9,
        name: "trail",
        sql: include_str!("../migrations/0009_trail.sql"),
    },
];

const TABLE: &str = "CREATE TABLE migrations (
    number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at BIGINT NOT NULL
);";

pub(crate) const KEY_CHECK: Place<'static> = Place {
    table: "meta",
    column: "sealed",
    row: "key_check",
};

impl Migration {
    fn checksum(&self) -> String {
        hex(digest::digest(&digest::SHA256, self.sql.as_bytes()).as_ref())
    }
}

/// Bytes as lower case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing to a text works");
    }
    text
}

/// What is done before a database is used; hands the vault back with the right key in it.
pub(crate) struct Schema {
    pub(crate) vault: Vault,
    pub(crate) clock: Clock,
}

/// Whether the schema was changed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Migrated {
    Yes,
    No,
}

impl Preparation for Schema {
    fn check(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        let applied = applied(session)?;
        if applied.is_empty() {
            return Ok(());
        }
        check_history(&applied)?;
        check_objects(session, applied.len())?;
        self.check_key(session)
    }

    fn prepare(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        session.begin()?;
        let prepared = self
            .bring_up_to_date(session)
            .and_then(|migrated| session.commit().map(|()| migrated));
        if prepared.inspect_err(|_| session.rollback())? == Migrated::Yes {
            // A file without its log would else be one of which nothing is known, and be made anew, with any key.
            session.settle()?;
        }
        Ok(())
    }
}

impl Schema {
    fn check_key(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        let sealed = session.query(
            "SELECT sealed FROM meta WHERE name = $1",
            &["key_check".into()],
        )?;
        let sealed = sealed.first().ok_or_else(|| Error::SchemaChanged {
            detail: "the key check is gone".to_owned(),
        })?;
        self.vault.confirm(KEY_CHECK, sealed.bytes(0)?)
    }

    /// Inside the transaction that no other process shares: what was checked before may have changed.
    fn bring_up_to_date(&mut self, session: &mut dyn Session) -> Result<Migrated, Error> {
        let applied = applied(session)?;
        if applied.is_empty() {
            self.vault.keep()?;
            session.migrate(TABLE)?;
        } else {
            check_history(&applied)?;
            self.check_key(session)?;
        }
        for migration in &MIGRATIONS[applied.len()..] {
            session.migrate(migration.sql)?;
            session.execute(
                "INSERT INTO migrations (number, name, checksum, applied_at) VALUES ($1, $2, $3, $4)",
                &[
                    migration.number.into(),
                    migration.name.into(),
                    migration.checksum().into(),
                    self.clock.now().into(),
                ],
            )?;
        }
        if applied.is_empty() {
            let sealed = key_check(&self.vault);
            session.execute(
                "INSERT INTO meta (name, sealed) VALUES ($1, $2)",
                &["key_check".into(), sealed.into()],
            )?;
            audit::begin(session, &self.vault)?;
        }
        self.know_keys(session)?;
        approvals::seal_titles(session, &self.vault)?;
        Ok(if applied.len() < MIGRATIONS.len() {
            Migrated::Yes
        } else {
            Migrated::No
        })
    }

    /// Notes the key that seals, and takes in what checks the audit rows of those before it.
    fn know_keys(&mut self, session: &mut dyn Session) -> Result<(), Error> {
        session.execute(
            "INSERT INTO encryption_keys (id, created_at) VALUES ($1, $2) ON CONFLICT (id) DO NOTHING",
            &[
                hex(&self.vault.sealing_id().0).into(),
                self.clock.now().into(),
            ],
        )?;
        let retired = session.query(
            "SELECT id, sealed FROM encryption_keys WHERE sealed IS NOT NULL",
            &[],
        )?;
        for row in &retired {
            let id = row.text(0)?;
            let chain = self.vault.open(encryption::place(id), row.bytes(1)?);
            if let (Some(id), Ok(chain)) = (KeyId::parse(id), chain) {
                self.vault.remember(id, &chain);
            } else {
                tracing::error!(
                    key = id,
                    "what checks the audit rows of a retired key can't be unsealed"
                );
            }
        }
        Ok(())
    }
}

/// What tells the right key from a wrong one.
pub(crate) fn key_check(vault: &Vault) -> Vec<u8> {
    vault.seal(KEY_CHECK, b"keyway")
}

/// The migrations that the database has seen: number and checksum, in order.
fn applied(session: &mut dyn Session) -> Result<Vec<(i64, String)>, Error> {
    if !session.has_table("migrations")? {
        return Ok(Vec::new());
    }
    let rows = session.query(
        "SELECT number, checksum FROM migrations ORDER BY number",
        &[],
    )?;
    rows.iter()
        .map(|row| Ok((row.int(0)?, row.text(1)?.to_owned())))
        .collect()
}

/// The number of the newest migration.
pub(crate) fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.number)
}

fn check_history(applied: &[(i64, String)]) -> Result<(), Error> {
    let known = newest();
    let found = applied.last().map_or(0, |(number, _)| *number);
    if found > known {
        return Err(Error::SchemaTooNew { found, known });
    }
    for (migration, (number, checksum)) in MIGRATIONS.iter().zip(applied) {
        if migration.number != *number || migration.checksum() != *checksum {
            return Err(Error::SchemaChanged {
                detail: format!("migration {number} is not the one this program has"),
            });
        }
    }
    Ok(())
}

const OBJECTS: &str =
    "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%' ORDER BY type, name";

/// Compares an SQLite schema with a fresh one: a trigger or view that somebody added would run inside our transactions.
fn check_objects(session: &mut dyn Session, migrations: usize) -> Result<(), Error> {
    let Some(objects) = session.objects(OBJECTS)? else {
        return Ok(());
    };
    let mut fresh = in_memory()?;
    fresh.migrate(TABLE)?;
    for migration in &MIGRATIONS[..migrations.min(MIGRATIONS.len())] {
        fresh.migrate(migration.sql)?;
    }
    let expected = fresh.objects(OBJECTS)?.unwrap_or_default();
    let named = |row: &Row| row.text(1).unwrap_or("?").to_owned();
    let strange = objects.iter().find(|row| !expected.contains(row));
    let missing = expected.iter().find(|row| !objects.contains(row));
    match (strange, missing) {
        (None, None) => Ok(()),
        (Some(row), _) => Err(Error::SchemaChanged {
            detail: format!("{} is not Keyway's", named(row)),
        }),
        (None, Some(row)) => Err(Error::SchemaChanged {
            detail: format!("{} is missing", named(row)),
        }),
    }
}
