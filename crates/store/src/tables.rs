//! Small tables for flows: a key and a value with a version. Runs change them in the commit of their own step, so that an
//! operation is done once, whatever crashes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    Actor, Entry, Error, Outcome, Role, Row, Shared, Store, Tx, Vault, audit::page_size,
    settings::from_json, vault::Place,
};

/// The longest name of a table or key.
const LONGEST_NAME: usize = 512;
/// The largest value, as JSON.
const LARGEST: usize = 1 << 20;

/// What is to be done with a table.
#[derive(Debug, Clone, PartialEq)]
pub enum TableOperation {
    /// Read one value.
    Get {
        /// The table.
        table: String,
        /// The key.
        key: String,
    },
    /// Store a value.
    Put {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// The value.
        value: Json,
        /// The version that must be stored now; 0 = none must be. `None` = whatever is.
        version: Option<i64>,
    },
    /// Delete a value.
    Delete {
        /// The table.
        table: String,
        /// The key.
        key: String,
        /// The version that must be stored now. `None` = whatever is.
        version: Option<i64>,
    },
    /// Read values in the order of their keys.
    List {
        /// The table.
        table: String,
        /// Only keys that begin so.
        prefix: String,
        /// Only keys after this one.
        after: Option<String>,
        /// At most so many (0 = 100, never more than 1,000).
        limit: u32,
    },
}

/// A value of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRow {
    /// Its key.
    pub key: String,
    /// The value.
    pub value: Json,
    /// Grows with each change.
    pub version: i64,
    /// When it was stored.
    pub updated_at: Timestamp,
    /// The run or actor that stored it.
    pub updated_by: String,
}

/// What a table answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableAnswer {
    /// The row that was read, stored or deleted; none if there was none.
    Row(Option<TableRow>),
    /// The rows.
    Rows(Vec<TableRow>),
    /// Another version is stored; 0 = nothing is.
    Conflict {
        /// Which.
        current: i64,
    },
    /// The operation can't be carried out as it is.
    Invalid(String),
}

/// The tables.
pub struct Tables<'a>(pub(crate) &'a Store);

impl Tables<'_> {
    /// The names of all tables, with how many rows each has.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<(String, i64)>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT name, COUNT(*) FROM table_rows GROUP BY name ORDER BY name",
            [],
        );
        rows.await?
            .iter()
            .map(|row| Ok((row.text(0)?.to_owned(), row.int(1)?)))
            .collect()
    }

    /// Does one operation in the name of a person.
    pub async fn operate(
        &self,
        actor: &Actor,
        operation: TableOperation,
    ) -> Result<TableAnswer, Error> {
        let (needs, action, table, key) = match &operation {
            TableOperation::Get { table, key } => (Role::Viewer, None, table.clone(), key.clone()),
            TableOperation::List { table, .. } => {
                (Role::Viewer, None, table.clone(), String::new())
            }
            TableOperation::Put { table, key, .. } => (
                Role::Operator,
                Some("table.put"),
                table.clone(),
                key.clone(),
            ),
            TableOperation::Delete { table, key, .. } => (
                Role::Operator,
                Some("table.deleted"),
                table.clone(),
                key.clone(),
            ),
        };
        actor.require(needs)?;
        let actor = actor.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let answer = operate(tx, shared, &actor.id, &operation)?;
            let changed = matches!(answer, TableAnswer::Row(_));
            Ok(match action.filter(|_| changed) {
                Some(action) => {
                    let entry = Entry::new(&actor, action, &table, json!({ "key": key }));
                    Outcome::audited(answer, entry)
                }
                None => Outcome::unaudited(answer),
            })
        };
        self.0.change(work).await
    }
}

const BY_KEY: &str = "SELECT name, row_key, version, sealed, updated_at, updated_by FROM table_rows
    WHERE name = $1 AND row_key = $2";

fn place(row: &str) -> Place<'_> {
    Place {
        table: "table_rows",
        column: "sealed",
        row,
    }
}

fn row_of(table: &str, key: &str) -> String {
    format!("{}:{table}:{key}", table.len())
}

fn table_row(vault: &Vault, row: &Row) -> Result<TableRow, Error> {
    let (table, key) = (row.text(0)?, row.text(1)?);
    let opened = vault.open_text(place(&row_of(table, key)), row.bytes(3)?);
    let text = opened.map_err(|_| Error::Unreadable {
        what: format!("row {key} of table {table}"),
    })?;
    Ok(TableRow {
        key: key.to_owned(),
        value: from_json("table", &text)?,
        version: row.int(2)?,
        updated_at: row.time(4)?,
        updated_by: row.text(5)?.to_owned(),
    })
}

/// Does one operation in the transaction of whoever asks.
pub(crate) fn operate(
    tx: &mut Tx<'_>,
    shared: &Shared,
    by: &str,
    operation: &TableOperation,
) -> Result<TableAnswer, Error> {
    match operation {
        TableOperation::Get { table, key } => {
            let row = tx.query_one(BY_KEY, [table.as_str().into(), key.as_str().into()])?;
            let found = row.map(|row| table_row(&shared.vault, &row)).transpose()?;
            Ok(TableAnswer::Row(found))
        }
        TableOperation::Put {
            table,
            key,
            value,
            version,
        } => {
            let text = value.to_string();
            if let Some(why) = unfit(table, key, text.len()) {
                return Ok(TableAnswer::Invalid(why));
            }
            let old = current(tx, table, key)?;
            if version.is_some_and(|expected| expected != old) {
                return Ok(TableAnswer::Conflict { current: old });
            }
            let row = TableRow {
                key: key.clone(),
                value: value.clone(),
                version: old + 1,
                updated_at: shared.clock.now(),
                updated_by: by.to_owned(),
            };
            put(tx, &shared.vault, table, &row, &text)?;
            Ok(TableAnswer::Row(Some(row)))
        }
        TableOperation::Delete {
            table,
            key,
            version,
        } => {
            let old = tx.query_one(BY_KEY, [table.as_str().into(), key.as_str().into()])?;
            let old = old.map(|row| table_row(&shared.vault, &row)).transpose()?;
            let stored = old.as_ref().map_or(0, |row| row.version);
            if version.is_some_and(|expected| expected != stored) {
                return Ok(TableAnswer::Conflict { current: stored });
            }
            tx.execute(
                "DELETE FROM table_rows WHERE name = $1 AND row_key = $2",
                [table.as_str().into(), key.as_str().into()],
            )?;
            Ok(TableAnswer::Row(old))
        }
        TableOperation::List {
            table,
            prefix,
            after,
            limit,
        } => list(tx, &shared.vault, (table, prefix, after.as_deref()), *limit),
    }
}

fn unfit(table: &str, key: &str, size: usize) -> Option<String> {
    for (what, text) in [("table's name", table), ("key", key)] {
        if text.is_empty() || text.len() > LONGEST_NAME || text.contains('\0') {
            return Some(format!("a {what} has 1 to {LONGEST_NAME} bytes"));
        }
    }
    (size > LARGEST)
        .then(|| format!("a value has at most {LARGEST} bytes as JSON, and this one has {size}"))
}

fn current(tx: &mut Tx<'_>, table: &str, key: &str) -> Result<i64, Error> {
    let row = tx.query_one(
        "SELECT version FROM table_rows WHERE name = $1 AND row_key = $2",
        [table.into(), key.into()],
    )?;
    row.map_or(Ok(0), |row| row.int(0))
}

fn put(
    tx: &mut Tx<'_>,
    vault: &Vault,
    table: &str,
    row: &TableRow,
    text: &str,
) -> Result<(), Error> {
    let sealed = vault.seal(place(&row_of(table, &row.key)), text.as_bytes());
    tx.execute(
        "INSERT INTO table_rows (name, row_key, version, sealed, updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (name, row_key) DO UPDATE SET version = excluded.version, sealed = excluded.sealed,
         updated_at = excluded.updated_at, updated_by = excluded.updated_by",
        [
            table.into(),
            row.key.as_str().into(),
            row.version.into(),
            sealed.into(),
            row.updated_at.into(),
            row.updated_by.as_str().into(),
        ],
    )?;
    Ok(())
}

fn list(
    tx: &mut Tx<'_>,
    vault: &Vault,
    (table, prefix, after): (&str, &str, Option<&str>),
    limit: u32,
) -> Result<TableAnswer, Error> {
    let wanted = usize::try_from(page_size(limit)).unwrap_or_default();
    let mut from = after.unwrap_or_default().to_owned();
    let mut rows = Vec::new();
    // The prefix is compared here, since the databases sort texts that are not ASCII differently.
    loop {
        let page = tx.query(
            "SELECT name, row_key, version, sealed, updated_at, updated_by FROM table_rows
             WHERE name = $1 AND row_key > $2 ORDER BY row_key LIMIT 1000",
            [table.into(), from.as_str().into()],
        )?;
        let last = page.len() < 1000;
        for row in &page {
            let key = row.text(1)?;
            key.clone_into(&mut from);
            if key.starts_with(prefix) {
                rows.push(table_row(vault, row)?);
            }
            if rows.len() == wanted {
                return Ok(TableAnswer::Rows(rows));
            }
        }
        if last {
            return Ok(TableAnswer::Rows(rows));
        }
    }
}
