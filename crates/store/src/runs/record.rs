//! A run's row.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::{
    ConnectionId, Error, FlowId, FlowOrigin, Row, RunId, Vault, flows, journal::Progress,
    settings::from_json, vault::Place,
};

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    /// Stored, and nobody has begun yet.
    Pending,
    /// Somebody works on it.
    Running,
    /// It waits for a time, an event, another run or a person's answer.
    Waiting,
    /// A person stopped it for the time being.
    Suspended,
    /// It can't go on until somebody acts: a connection needs it, or the outcome of a call is unknown.
    Parked,
    /// A person ended it.
    Cancelled,
    /// It ended with an error.
    Faulted,
    /// It ended with an output.
    Completed,
}

impl RunStatus {
    /// The word that is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Waiting => "waiting",
            Self::Suspended => "suspended",
            Self::Parked => "parked",
            Self::Cancelled => "cancelled",
            Self::Faulted => "faulted",
            Self::Completed => "completed",
        }
    }

    /// Reads a status's word.
    pub fn parse(text: &str) -> Result<Self, Error> {
        from_json("status", &format!("{text:?}")).map_err(|_| Error::Invalid {
            what: "status",
            why: "a run is pending, running, waiting, suspended, parked, cancelled, faulted or completed"
                .to_owned(),
        })
    }

    /// Tells whether nothing will ever happen to it again.
    pub fn is_over(self) -> bool {
        matches!(self, Self::Cancelled | Self::Faulted | Self::Completed)
    }
}

/// What started a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// A person or program asked for it.
    Manual,
    /// A call of a hook.
    Webhook {
        /// The hook.
        hook: String,
        /// The message's own id, if it has one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        message: Option<String>,
    },
    /// A schedule.
    Schedule {
        /// Which of the flow's.
        trigger: String,
        /// The time it was meant for.
        nominal: Timestamp,
    },
    /// Events.
    Event {
        /// Which of the flow's triggers.
        trigger: String,
    },
    /// Another run that waits for its output, see [`Parent`].
    Run,
    /// Another run that does not wait for it.
    Detached,
    /// A person who wants it done again, see `retry_of`.
    Retry,
}

/// The run that started another one, and by which of its commands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The run.
    pub run: RunId,
    /// Its command.
    pub command: String,
}

/// A command of a run that can't go on by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parked {
    /// The command.
    pub command: String,
    /// What it waits for.
    #[serde(flatten)]
    pub reason: ParkedFor,
}

/// What a parked command waits for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "snake_case")]
pub enum ParkedFor {
    /// A connection that needs somebody; the call was not sent.
    Connection {
        /// Its name.
        name: String,
        /// Its id.
        id: ConnectionId,
        /// What is wrong with it.
        code: String,
    },
    /// Somebody who finds out whether a call was made before Keyway stopped.
    OutcomeUnknown {
        /// Since when.
        sent_at: Timestamp,
    },
}

/// A run.
#[derive(Debug, Clone, PartialEq)]
pub struct Run {
    /// Names it for ever.
    pub id: RunId,
    /// Its flow.
    pub flow: FlowId,
    /// That flow's namespace and name.
    pub flow_name: (String, String),
    /// How that flow came here.
    pub origin: FlowOrigin,
    /// The number of the flow's version that it stands on.
    pub version: i64,
    /// That version's digest.
    pub digest: String,
    /// Which meaning of the language it began with.
    pub semantics: u32,
    /// How it stands.
    pub status: RunStatus,
    /// Who or what started it.
    pub actor: String,
    /// By which means.
    pub trigger: Trigger,
    /// The run that started it.
    pub parent: Option<Parent>,
    /// How many runs are above it.
    pub depth: u32,
    /// The run that it does again.
    pub retry_of: Option<RunId>,
    /// When it was stored.
    pub created_at: Timestamp,
    /// When it ended.
    pub ended_at: Option<Timestamp>,
    /// When it goes on by itself.
    pub wake_at: Option<Timestamp>,
    /// The commands that somebody must act for.
    pub parked: Vec<Parked>,
    /// The process that works on it.
    pub owner: Option<String>,
    /// How many owners it has had.
    pub epoch: i64,
    /// The error that ended it, as the language has it.
    pub error: Option<Json>,
}

/// A run that is to be stored.
#[derive(Debug, Clone)]
pub struct NewRun {
    /// Its id.
    pub id: RunId,
    /// Its flow.
    pub flow: FlowId,
    /// The number of the version that it stands on.
    pub version: i64,
    /// That version's digest.
    pub digest: String,
    /// Which meaning of the language it begins with.
    pub semantics: u32,
    /// Who or what started it.
    pub actor: String,
    /// By which means.
    pub trigger: Trigger,
    /// The run that started it.
    pub parent: Option<Parent>,
    /// How many runs are above it.
    pub depth: u32,
    /// The run that it does again.
    pub retry_of: Option<RunId>,
    /// A key under which no second run of the flow is started.
    pub key: Option<String>,
    /// The process that works on it from now; `None` leaves it to whoever comes first.
    pub owner: Option<String>,
    /// The trigger that fires with it.
    pub firing: Option<crate::NewFiring>,
    /// Its first lines and where they leave it.
    pub first: Progress,
}

pub(crate) const COLUMNS_BY_ID: &str =
    "SELECT r.id, r.flow, r.version, r.digest, r.semantics, r.status, r.actor, r.cause, r.parent, r.parent_command, r.depth,
    r.retry_of, r.created_at, r.ended_at, r.wake_at, r.parked, r.owner, r.epoch, r.error, f.namespace, f.name, f.once_at
    FROM runs r JOIN flows f ON f.id = r.flow WHERE r.id = $1";

/// Reads a row of the columns above.
pub(crate) fn run(vault: &Vault, row: &Row) -> Result<Run, Error> {
    let id = RunId::parse(row.text(0)?)?;
    let small = |column: usize| {
        u32::try_from(row.int(column)?).map_err(|error| Error::stored("number", error))
    };
    let parent = match (row.opt_text(8)?, row.opt_text(9)?) {
        (Some(run), Some(command)) => Some(Parent {
            run: RunId::parse(run)?,
            command: command.to_owned(),
        }),
        _ => None,
    };
    let parked = row.opt_text(15)?.map(|text| from_json("parked", text));
    let error = row
        .opt_bytes(18)?
        .map(|sealed| open(vault, "error", id.as_str(), sealed));
    let (name, origin) = flows::name_and_origin(row.text(20)?, row.opt_time(21)?);
    Ok(Run {
        flow: FlowId::parse(row.text(1)?)?,
        flow_name: (row.text(19)?.to_owned(), name.to_owned()),
        origin,
        version: row.int(2)?,
        digest: row.text(3)?.to_owned(),
        semantics: small(4)?,
        status: RunStatus::parse(row.text(5)?)?,
        actor: row.text(6)?.to_owned(),
        trigger: from_json("trigger", row.text(7)?)?,
        parent,
        depth: small(10)?,
        retry_of: row.opt_text(11)?.map(RunId::parse).transpose()?,
        created_at: row.time(12)?,
        ended_at: row.opt_time(13)?,
        wake_at: row.opt_time(14)?,
        parked: parked.transpose()?.unwrap_or_default(),
        owner: row.opt_text(16)?.map(str::to_owned),
        epoch: row.int(17)?,
        error: error.transpose()?,
        id,
    })
}

fn place<'a>(column: &'static str, run: &'a str) -> Place<'a> {
    Place {
        table: "runs",
        column,
        row: run,
    }
}

/// Seals a value of a run's row.
pub(crate) fn seal(vault: &Vault, column: &'static str, run: &str, value: &Json) -> Vec<u8> {
    vault.seal(place(column, run), value.to_string().as_bytes())
}

/// Opens a value of a run's row.
pub(crate) fn open(
    vault: &Vault,
    column: &'static str,
    run: &str,
    sealed: &[u8],
) -> Result<Json, Error> {
    let text = vault
        .open_text(place(column, run), sealed)
        .map_err(|_| Error::Unreadable {
            what: format!("the {column} of run {run}"),
        })?;
    from_json(column, &text)
}
