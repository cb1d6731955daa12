//! What runs listen for. Which events a filter lets through is the engine's business; here they are found.

use serde_json::Value as Json;

use crate::{Error, Row, RunId, Runs, Tx, Vault, settings::from_json, vault::Place};

/// A command that listens.
#[derive(Debug, Clone, PartialEq)]
pub struct NewListener {
    /// The command.
    pub command: String,
    /// The filters, any of which may let an event through.
    pub filters: Vec<NewFilter>,
}

/// A filter, and by which events' type it is found.
#[derive(Debug, Clone, PartialEq)]
pub struct NewFilter {
    /// The events' type, in which a dot stands for any character; `None`: any event may pass.
    pub kind: Option<String>,
    /// The filter.
    pub filter: Json,
}

/// A filter that may let an event through.
#[derive(Debug, Clone, PartialEq)]
pub struct Listening {
    /// The run.
    pub run: RunId,
    /// Its command.
    pub command: String,
    /// The filter.
    pub filter: Json,
}

/// A filter with its sealed content.
pub(crate) struct Prepared {
    command: String,
    rows: Vec<(Option<String>, Vec<u8>)>,
}

impl Runs<'_> {
    /// The filters that an event of this type may pass.
    pub async fn listening(&self, kind: &str) -> Result<Vec<Listening>, Error> {
        let rows = self.0.read(
            "SELECT run, command, number, kind, sealed FROM listeners WHERE kind_length = $1
             UNION ALL SELECT run, command, number, kind, sealed FROM listeners WHERE kind_length IS NULL",
            [length(kind).into()],
        );
        let vault = &self.0.inner.shared.vault;
        let mut found = Vec::new();
        for row in rows.await? {
            let fits = row
                .opt_text(3)?
                .is_none_or(|wanted| may_match(wanted, kind));
            if fits {
                found.push(listening(vault, &row)?);
            }
        }
        Ok(found)
    }
}

fn listening(vault: &Vault, row: &Row) -> Result<Listening, Error> {
    let (run, command) = (row.text(0)?, row.text(1)?);
    let opened = vault.open_text(place(&row_of(run, command, row.int(2)?)), row.bytes(4)?);
    let text = opened.map_err(|_| Error::Unreadable {
        what: format!("a listener of run {run}"),
    })?;
    Ok(Listening {
        run: RunId::parse(run)?,
        command: command.to_owned(),
        filter: from_json("filter", &text)?,
    })
}

/// Whether a type may be the one that a filter names.
fn may_match(wanted: &str, kind: &str) -> bool {
    wanted.chars().count() == kind.chars().count()
        && wanted
            .chars()
            .zip(kind.chars())
            .all(|(wanted, character)| wanted == '.' || wanted == character)
}

fn length(kind: &str) -> i64 {
    i64::try_from(kind.chars().count()).unwrap_or(i64::MAX)
}

fn place(row: &str) -> Place<'_> {
    Place {
        table: "listeners",
        column: "sealed",
        row,
    }
}

fn row_of(run: &str, command: &str, number: i64) -> String {
    format!("{run}{command}/{number}")
}

pub(crate) fn prepare(vault: &Vault, run: &str, listener: &NewListener) -> Prepared {
    let seal = |number: i64, filter: &NewFilter| {
        let row = row_of(run, &listener.command, number);
        vault.seal(place(&row), filter.filter.to_string().as_bytes())
    };
    Prepared {
        command: listener.command.clone(),
        rows: (0..)
            .zip(&listener.filters)
            .map(|(number, filter)| (filter.kind.clone(), seal(number, filter)))
            .collect(),
    }
}

pub(crate) fn insert(tx: &mut Tx<'_>, run: &str, listener: &Prepared) -> Result<(), Error> {
    for (number, (kind, sealed)) in (0_i64..).zip(&listener.rows) {
        tx.execute(
            "INSERT INTO listeners (run, command, number, kind, kind_length, sealed) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT DO NOTHING",
            [
                run.into(),
                listener.command.as_str().into(),
                number.into(),
                kind.clone().into(),
                kind.as_deref().map(length).into(),
                sealed.clone().into(),
            ],
        )?;
    }
    Ok(())
}

pub(crate) fn forget(tx: &mut Tx<'_>, run: &str, command: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM listeners WHERE run = $1 AND command = $2",
        [run.into(), command.into()],
    )?;
    Ok(())
}
