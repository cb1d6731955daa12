//! Events of the installation itself: written in the transaction of the change that they tell of, so that none is lost and
//! none is told that did not happen.
//!
//! Each goes to flows that listen and to the webhooks that want its type; who tells them is the caller's business. Both
//! are told at least once: whoever claims an event and dies leaves it to the next. A flow is started once all the same, since
//! its runs have the event as their key, and a run that listens hears it once (`letters.rs`).

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::{
    Connection, ConnectionId, Error, EventId, Outcome, Row, Shared, Standing, Store, Tx,
    deliveries, settings::from_json,
};

/// How long whoever claims an event has to tell it, before somebody else does.
pub(crate) const CLAIM: SignedDuration = SignedDuration::from_mins(1);
/// How long events and their deliveries are kept.
const KEPT: SignedDuration = SignedDuration::from_hours(24 * 30);

/// What kind of thing happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum EventType {
    /// A connection's state changed.
    #[serde(rename = "dev.keyway.connection.state")]
    ConnectionState,
    /// A secret or certificate of a connection ends soon, or has ended.
    #[serde(rename = "dev.keyway.connection.secret_expiring")]
    SecretExpiring,
    /// Somebody tries a webhook out.
    #[serde(rename = "dev.keyway.webhook.test")]
    WebhookTest,
}

impl EventType {
    /// Every type.
    pub const ALL: [Self; 3] = [
        Self::ConnectionState,
        Self::SecretExpiring,
        Self::WebhookTest,
    ];

    /// The type as `CloudEvents` have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::ConnectionState => "dev.keyway.connection.state",
            Self::SecretExpiring => "dev.keyway.connection.secret_expiring",
            Self::WebhookTest => "dev.keyway.webhook.test",
        }
    }

    /// Reads a type.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let found = Self::ALL.into_iter().find(|found| found.as_str() == text);
        found.ok_or_else(|| {
            let known: Vec<&str> = Self::ALL.into_iter().map(Self::as_str).collect();
            Error::Invalid {
                what: "event type",
                why: format!("there is no {text:?}; there are {}", known.join(", ")),
            }
        })
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Names it, for whoever is told twice.
    pub id: EventId,
    /// When.
    pub at: Timestamp,
    /// What kind of thing.
    pub r#type: EventType,
    /// To what: a connection's or webhook's name.
    pub subject: String,
    /// What happened to it; never a secret, and nothing that a provider said.
    pub data: Json,
}

/// The events.
pub struct Events<'a>(pub(crate) &'a Store);

impl Events<'_> {
    /// When the next event or delivery is due.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let rows = self.0.read(
            "SELECT MIN(due_at) FROM (SELECT due_at FROM events WHERE due_at IS NOT NULL
             UNION ALL SELECT due_at FROM deliveries WHERE due_at IS NOT NULL) AS due",
            [],
        );
        rows.await?
            .first()
            .map(|row| row.opt_time(0))
            .transpose()
            .map(Option::flatten)
    }

    /// Takes events that flows are to be told of; who does not settle them in time leaves them to others.
    pub async fn claim(&self, limit: u32) -> Result<Vec<Event>, Error> {
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let rows = tx.query(
                "SELECT id, at, type, subject, data FROM events WHERE due_at IS NOT NULL AND due_at <= $1
                 ORDER BY due_at, id LIMIT $2",
                [now.into(), limit.into()],
            )?;
            let events: Vec<Event> = rows.iter().map(event).collect::<Result<_, _>>()?;
            for event in &events {
                tx.execute(
                    "UPDATE events SET due_at = $1 WHERE id = $2",
                    [after(now, CLAIM).into(), event.id.as_str().into()],
                )?;
            }
            Ok(Outcome::unaudited(events))
        };
        self.0.change(work).await
    }

    /// Ends all claims: for a process that knows that no other one is alive. What the dead one left is told at once.
    pub(crate) async fn bury(&self) -> Result<(), Error> {
        let work = |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            tx.execute(
                "UPDATE events SET due_at = $1 WHERE due_at > $1",
                [now.into()],
            )?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Notes that flows have been told.
    pub async fn settle(&self, event: &EventId) -> Result<(), Error> {
        let event = event.clone();
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            tx.execute(
                "UPDATE events SET due_at = NULL WHERE id = $1",
                [event.as_str().into()],
            )?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Warns, once for each end and number of days, that a secret of a connection ends; answers whether this was the time.
    pub async fn warn_of_expiry(
        &self,
        connection: &ConnectionId,
        warning: ExpiryWarning,
    ) -> Result<bool, Error> {
        let connection = connection.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let found = tx.query_one(
                "SELECT name FROM connections WHERE id = $1",
                [connection.as_str().into()],
            )?;
            let Some(found) = found else {
                return Ok(Outcome::unaudited(false));
            };
            let first = tx.execute(
                "INSERT INTO expiry_warnings (connection, expires_at, days, at) VALUES ($1, $2, $3, $4)
                 ON CONFLICT DO NOTHING",
                [
                    connection.as_str().into(),
                    warning.expires_at.into(),
                    warning.days.into(),
                    now.into(),
                ],
            )?;
            if first == 0 {
                return Ok(Outcome::unaudited(false));
            }
            let name = found.text(0)?;
            let data = json!({
                "connection": { "id": connection, "name": name },
                "kind": warning.kind,
                "expires_at": warning.expires_at,
                "days": warning.days,
            });
            raise(tx, now, EventType::SecretExpiring, name, data)?;
            Ok(Outcome::unaudited(true))
        };
        self.0.change(work).await
    }

    /// Deletes what is older than it is kept; answers how many events.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let work = |tx: &mut Tx<'_>, shared: &Shared| {
            let until = shared
                .clock
                .now()
                .saturating_sub(KEPT)
                .unwrap_or(Timestamp::MIN);
            let swept = tx.execute("DELETE FROM events WHERE at < $1", [until.into()])?;
            Ok(Outcome::unaudited(swept))
        };
        self.0.change(work).await
    }
}

/// A secret that ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExpiryWarning {
    /// `client_secret`, `certificate` or another slot of a connection.
    pub kind: &'static str,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Which warning: so many days before, 0 once it has ended.
    pub days: u32,
}

/// Tells, with the commit, that a connection's state has changed.
pub(crate) fn state_changed(
    tx: &mut Tx<'_>,
    now: Timestamp,
    old: &Connection,
    new: &Standing,
) -> Result<(), Error> {
    let diagnosis = new.diagnosis.as_ref();
    let data = json!({
        "connection": { "id": old.id, "name": old.name },
        "from": old.standing.state,
        "to": new.state,
        "code": diagnosis.map(|diagnosis| &diagnosis.code),
        "what": diagnosis.map(|diagnosis| &diagnosis.what),
        "who": diagnosis.map(|diagnosis| diagnosis.who),
    });
    raise(tx, now, EventType::ConnectionState, old.name.as_str(), data)
}

/// Writes an event, with a delivery to each webhook that wants it.
fn raise(
    tx: &mut Tx<'_>,
    now: Timestamp,
    r#type: EventType,
    subject: &str,
    data: Json,
) -> Result<(), Error> {
    let event = Event {
        id: EventId::random(),
        at: now,
        r#type,
        subject: subject.to_owned(),
        data,
    };
    insert(tx, &event, Some(now))?;
    deliveries::fan_out(tx, &event)
}

/// Writes an event that flows are told of at a time, or not at all.
pub(crate) fn insert(
    tx: &mut Tx<'_>,
    event: &Event,
    due_at: Option<Timestamp>,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO events (id, at, type, subject, data, due_at) VALUES ($1, $2, $3, $4, $5, $6)",
        [
            event.id.as_str().into(),
            event.at.into(),
            event.r#type.as_str().into(),
            event.subject.as_str().into(),
            event.data.to_string().into(),
            due_at.into(),
        ],
    )?;
    Ok(())
}

pub(crate) fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.saturating_add(wait).unwrap_or(Timestamp::MAX)
}

/// Reads the columns id, at, type, subject, data.
pub(crate) fn event(row: &Row) -> Result<Event, Error> {
    Ok(Event {
        id: EventId::parse(row.text(0)?)?,
        at: row.time(1)?,
        r#type: EventType::parse(row.text(2)?)?,
        subject: row.text(3)?.to_owned(),
        data: from_json("event", row.text(4)?)?,
    })
}
