//! Sign-ins that wait for a person to type a code elsewhere (RFC 8628): begun here, polled by one process at a time, ended once.
//!
//! They outlive a restart. Device code and user code are sealed. What an answer to a poll means is `oauth`'s business.

use jiff::{SignedDuration, Timestamp};
use oauth::DeviceAuthorization;
use serde_json::json;

use crate::{
    Actor, AuthorizationId, ConnectionId, Entry, Error, Outcome, Role, Row, Shared, Store, Tx,
    vault::Place,
};

/// A sign-in that waits for its code to be typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingDevice {
    /// Names it; a later one of the same connection has another id.
    pub id: AuthorizationId,
    /// For which connection.
    pub connection: ConnectionId,
    /// At which version of it.
    pub connection_version: i64,
    /// Who began it.
    pub actor: Actor,
    /// The protocol's part: codes, page, times.
    pub device: DeviceAuthorization,
}

/// The sign-ins that wait for a code to be typed.
pub struct Devices<'a>(pub(crate) &'a Store);

impl Devices<'_> {
    /// Stores a sign-in that has just begun; an earlier one of the same connection is over.
    pub async fn begin(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        connection_version: i64,
        device: DeviceAuthorization,
    ) -> Result<(), Error> {
        actor.require(Role::Operator)?;
        let pending = PendingDevice {
            id: AuthorizationId::random(),
            connection: connection.clone(),
            connection_version,
            actor: actor.clone(),
            device,
        };
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            insert(tx, shared, &pending)?;
            let detail = json!({ "page": pending.device.verification_uri });
            let action = "authorization.begun";
            let entry = Entry::new(&pending.actor, action, &pending.connection, detail);
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }

    /// Takes the sign-ins that are due to be polled, for a while in which nobody else takes them.
    ///
    /// One that can't be unsealed is deleted: the person begins again.
    pub async fn due(&self, lease: SignedDuration) -> Result<Vec<PendingDevice>, Error> {
        let now = self.0.clock().now();
        let due = self.0.read(
            "SELECT connection FROM device_authorizations WHERE poll_at <= $1 LIMIT 1",
            [now.into()],
        );
        // Most of the time there is none, and nothing is written.
        if due.await?.is_empty() {
            return Ok(Vec::new());
        }
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let rows = tx.query(
                "UPDATE device_authorizations SET poll_at = $2 WHERE poll_at <= $1
                 RETURNING id, connection, connection_version, actor_id, actor_name, actor_role, sealed",
                [now.into(), later(now, lease).into()],
            )?;
            let mut taken = Vec::with_capacity(rows.len());
            for row in &rows {
                match pending(shared, row) {
                    Ok(pending) => taken.push(pending),
                    Err(Error::Unreadable { .. }) => {
                        delete(tx, row.text(0)?)?;
                    }
                    Err(error) => return Err(error),
                }
            }
            Ok(Outcome::unaudited(taken))
        };
        self.0.change(work).await
    }

    /// Puts a sign-in that still waits back, to be polled again at its time.
    pub async fn wait(&self, pending: &PendingDevice, poll_at: Timestamp) -> Result<(), Error> {
        let pending = pending.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            tx.execute(
                "UPDATE device_authorizations SET poll_at = $2, sealed = $3 WHERE id = $1",
                [
                    pending.id.as_str().into(),
                    poll_at.into(),
                    seal(shared, &pending).into(),
                ],
            )?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Ends a sign-in; tells whether it was still the connection's.
    pub async fn end(&self, pending: &PendingDevice) -> Result<bool, Error> {
        let pending = pending.clone();
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            if !delete(tx, pending.id.as_str())? {
                return Ok(Outcome::unaudited(false));
            }
            let action = "authorization.returned";
            let entry = Entry::new(&pending.actor, action, &pending.connection, json!({}));
            Ok(Outcome::audited(true, entry))
        };
        self.0.change(work).await
    }

    /// The sign-in of a connection that may still come to its end.
    pub async fn pending_for(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
    ) -> Result<Option<PendingDevice>, Error> {
        actor.require(Role::Viewer)?;
        let now = self.0.clock().now();
        let rows = self.0.read(
            "SELECT id, connection, connection_version, actor_id, actor_name, actor_role, sealed
             FROM device_authorizations WHERE connection = $1 AND expires_at > $2",
            [connection.as_str().into(), now.into()],
        );
        let shared = &self.0.inner.shared;
        let row = rows.await?.into_iter().next();
        Ok(row.and_then(|row| pending(shared, &row).ok()))
    }
}

fn insert(tx: &mut Tx<'_>, shared: &Shared, pending: &PendingDevice) -> Result<(), Error> {
    let connection = pending.connection.as_str();
    let exists = tx.query_one(
        "SELECT id FROM connections WHERE id = $1",
        [connection.into()],
    )?;
    exists.ok_or_else(|| Error::not_found("connection", connection))?;
    let device = &pending.device;
    tx.execute(
        "INSERT INTO device_authorizations (connection, id, connection_version, actor_id, actor_name, actor_role,
         sealed, begun_at, expires_at, poll_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
         ON CONFLICT (connection) DO UPDATE SET id = excluded.id, connection_version = excluded.connection_version,
         actor_id = excluded.actor_id, actor_name = excluded.actor_name, actor_role = excluded.actor_role,
         sealed = excluded.sealed, begun_at = excluded.begun_at, expires_at = excluded.expires_at, poll_at = excluded.poll_at",
        [
            connection.into(),
            pending.id.as_str().into(),
            pending.connection_version.into(),
            pending.actor.id.as_str().into(),
            pending.actor.name.as_str().into(),
            pending.actor.role.as_str().into(),
            seal(shared, pending).into(),
            device.begun_at.into(),
            device.expires_at.into(),
            device.next_poll(device.begun_at).into(),
        ],
    )?;
    Ok(())
}

fn delete(tx: &mut Tx<'_>, id: &str) -> Result<bool, Error> {
    let deleted = tx.execute(
        "DELETE FROM device_authorizations WHERE id = $1",
        [id.into()],
    )?;
    Ok(deleted > 0)
}

fn pending(shared: &Shared, row: &Row) -> Result<PendingDevice, Error> {
    let id = AuthorizationId::parse(row.text(0)?)?;
    let text = shared.vault.open_text(place(&id), row.bytes(6)?).ok();
    let device = text.and_then(|text| DeviceAuthorization::from_sealed(&text).ok());
    Ok(PendingDevice {
        connection: ConnectionId::parse(row.text(1)?)?,
        connection_version: row.int(2)?,
        actor: Actor {
            id: row.text(3)?.to_owned(),
            name: row.text(4)?.to_owned(),
            role: Role::parse(row.text(5)?)?,
        },
        device: device.ok_or_else(|| Error::Unreadable {
            what: "this sign-in".to_owned(),
        })?,
        id,
    })
}

fn seal(shared: &Shared, pending: &PendingDevice) -> Vec<u8> {
    let text = pending.device.to_sealable();
    shared.vault.seal(place(&pending.id), text.as_bytes())
}

fn place(id: &AuthorizationId) -> Place<'_> {
    Place {
        table: "device_authorizations",
        column: "sealed",
        row: id.as_str(),
    }
}

fn later(now: Timestamp, by: SignedDuration) -> Timestamp {
    now.saturating_add(by).unwrap_or(Timestamp::MAX)
}
