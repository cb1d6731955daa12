//! Every column that holds sealed values: how its rows are walked through, and which place each is bound to.
//!
//! A test compares this with the schema, so that a new column is not forgotten.

use crate::{Error, Row, Value};

/// A column of sealed values.
pub(super) struct Sealed {
    /// The table of the place that values are bound to.
    pub(super) table: &'static str,
    /// Its column.
    pub(super) column: &'static str,
    /// What the rows are named by, after the value: text, or a number.
    pub(super) keys: &'static [Key],
    /// The row of the place.
    pub(super) row: fn(&Row) -> Result<String, Error>,
    /// The rows after one, of other keys than this, at most so many: value, then what names the row, then what else
    /// the place needs.
    pub(super) list: &'static str,
    /// Sets the value of a row.
    pub(super) update: &'static str,
    /// How many values each key has sealed.
    pub(super) count: &'static str,
}

/// A part of what names a row.
pub(super) enum Key {
    Text,
    Number,
}

impl Sealed {
    /// What comes before every row.
    pub(super) fn before_the_first(&self) -> Vec<Value> {
        let first = |key: &Key| match key {
            Key::Text => Value::from(""),
            Key::Number => Value::from(i64::MIN),
        };
        self.keys.iter().map(first).collect()
    }

    /// What names a row.
    pub(super) fn key(&self, row: &Row) -> Result<Vec<Value>, Error> {
        let part = |(at, key): (usize, &Key)| {
            Ok(match key {
                Key::Text => Value::from(row.text(at + 1)?),
                Key::Number => Value::from(row.int(at + 1)?),
            })
        };
        self.keys.iter().enumerate().map(part).collect()
    }
}

/// The row is named by the place as it stands.
fn itself(row: &Row) -> Result<String, Error> {
    Ok(row.text(1)?.to_owned())
}

fn two(row: &Row) -> Result<String, Error> {
    Ok(format!("{}/{}", row.text(1)?, row.text(2)?))
}

/// Every column of sealed values.
pub(super) const SEALED: &[Sealed] = &[
    Sealed {
        table: "meta",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, name FROM meta
            WHERE name > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY name LIMIT $3",
        update: "UPDATE meta SET sealed = $1 WHERE name = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM meta WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "connections",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, id FROM connections
            WHERE id > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY id LIMIT $3",
        update: "UPDATE connections SET sealed = $1 WHERE id = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM connections WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "tokens",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, connection FROM tokens
            WHERE connection > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY connection LIMIT $3",
        update: "UPDATE tokens SET sealed = $1 WHERE connection = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM tokens WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "authorizations",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, id FROM authorizations
            WHERE id > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY id LIMIT $3",
        update: "UPDATE authorizations SET sealed = $1 WHERE id = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM authorizations WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "device_authorizations",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, id FROM device_authorizations
            WHERE id > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY id LIMIT $3",
        update: "UPDATE device_authorizations SET sealed = $1 WHERE id = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM device_authorizations WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "secrets",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, name_key FROM secrets
            WHERE name_key > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY name_key LIMIT $3",
        update: "UPDATE secrets SET sealed = $1 WHERE name_key = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM secrets WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "runs",
        column: "error",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT error, id FROM runs
            WHERE id > $1 AND error IS NOT NULL AND SUBSTR(error, 2, 8) <> $2 ORDER BY id LIMIT $3",
        update: "UPDATE runs SET error = $1 WHERE id = $2",
        count: "SELECT SUBSTR(error, 2, 8), COUNT(*) FROM runs WHERE error IS NOT NULL GROUP BY SUBSTR(error, 2, 8)",
    },
    Sealed {
        table: "runs",
        column: "output",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT output, id FROM runs
            WHERE id > $1 AND output IS NOT NULL AND SUBSTR(output, 2, 8) <> $2 ORDER BY id LIMIT $3",
        update: "UPDATE runs SET output = $1 WHERE id = $2",
        count: "SELECT SUBSTR(output, 2, 8), COUNT(*) FROM runs WHERE output IS NOT NULL GROUP BY SUBSTR(output, 2, 8)",
    },
    Sealed {
        table: "approvals",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, id FROM approvals
            WHERE id > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY id LIMIT $3",
        update: "UPDATE approvals SET sealed = $1 WHERE id = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM approvals WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "webhooks",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, id FROM webhooks
            WHERE id > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY id LIMIT $3",
        update: "UPDATE webhooks SET sealed = $1 WHERE id = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM webhooks WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "encryption_keys",
        column: "sealed",
        keys: &[Key::Text],
        row: itself,
        list: "SELECT sealed, id FROM encryption_keys
            WHERE id > $1 AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $2 ORDER BY id LIMIT $3",
        update: "UPDATE encryption_keys SET sealed = $1 WHERE id = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM encryption_keys WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "journal",
        column: "sealed",
        keys: &[Key::Text, Key::Number],
        row: |row| Ok(format!("{}/{}", row.text(1)?, row.int(2)?)),
        list: "SELECT sealed, run, position FROM journal
            WHERE (run, position) > ($1, $2) AND sealed IS NOT NULL AND SUBSTR(sealed, 2, 8) <> $3
            ORDER BY run, position LIMIT $4",
        update: "UPDATE journal SET sealed = $1 WHERE run = $2 AND position = $3",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM journal WHERE sealed IS NOT NULL GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        // A long line lies elsewhere, and is bound to its place in the journal all the same.
        table: "journal",
        column: "sealed",
        keys: &[Key::Text],
        row: |row| Ok(format!("{}/{}", row.text(2)?, row.int(3)?)),
        list: "SELECT b.sealed, b.id, j.run, j.position FROM blobs b JOIN journal j ON j.run = b.run AND j.blob = b.id
            WHERE b.id > $1 AND SUBSTR(b.sealed, 2, 8) <> $2 ORDER BY b.id LIMIT $3",
        update: "UPDATE blobs SET sealed = $1 WHERE id = $2",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM blobs GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "letters",
        column: "sealed",
        keys: &[Key::Text, Key::Number],
        row: itself,
        list: "SELECT sealed, run, seq FROM letters
            WHERE (run, seq) > ($1, $2) AND SUBSTR(sealed, 2, 8) <> $3 ORDER BY run, seq LIMIT $4",
        update: "UPDATE letters SET sealed = $1 WHERE run = $2 AND seq = $3",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM letters GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "listeners",
        column: "sealed",
        keys: &[Key::Text, Key::Text, Key::Number],
        row: |row| {
            Ok(format!(
                "{}{}/{}",
                row.text(1)?,
                row.text(2)?,
                row.int(3)?
            ))
        },
        list: "SELECT sealed, run, command, number FROM listeners
            WHERE (run, command, number) > ($1, $2, $3) AND SUBSTR(sealed, 2, 8) <> $4
            ORDER BY run, command, number LIMIT $5",
        update: "UPDATE listeners SET sealed = $1 WHERE run = $2 AND command = $3 AND number = $4",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM listeners GROUP BY SUBSTR(sealed, 2, 8)",
    },
    Sealed {
        table: "schedules",
        column: "gathered",
        keys: &[Key::Text, Key::Text],
        row: two,
        list: "SELECT gathered, flow, trigger_key FROM schedules
            WHERE (flow, trigger_key) > ($1, $2) AND gathered IS NOT NULL AND SUBSTR(gathered, 2, 8) <> $3
            ORDER BY flow, trigger_key LIMIT $4",
        update: "UPDATE schedules SET gathered = $1 WHERE flow = $2 AND trigger_key = $3",
        count: "SELECT SUBSTR(gathered, 2, 8), COUNT(*) FROM schedules WHERE gathered IS NOT NULL
            GROUP BY SUBSTR(gathered, 2, 8)",
    },
    Sealed {
        table: "table_rows",
        column: "sealed",
        keys: &[Key::Text, Key::Text],
        row: |row| {
            let name = row.text(1)?;
            Ok(format!("{}:{name}:{}", name.len(), row.text(2)?))
        },
        list: "SELECT sealed, name, row_key FROM table_rows
            WHERE (name, row_key) > ($1, $2) AND SUBSTR(sealed, 2, 8) <> $3 ORDER BY name, row_key LIMIT $4",
        update: "UPDATE table_rows SET sealed = $1 WHERE name = $2 AND row_key = $3",
        count: "SELECT SUBSTR(sealed, 2, 8), COUNT(*) FROM table_rows GROUP BY SUBSTR(sealed, 2, 8)",
    },
];
