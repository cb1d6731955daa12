//! Trips to authorization endpoints: begun here, followed once by a browser, taken once by the callback.
//!
//! State, ticket and browser nonce are stored hashed, verifier and URL sealed; whoever reads the database can finish no
//! sign-in. What the answer means is `oauth`'s business.

use aws_lc_rs::{constant_time::verify_slices_are_equal, digest};
use jiff::Timestamp;
use oauth::{Authorization, Secret};
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    Actor, AuthorizationId, ConnectionId, Entry, Error, Outcome, Role, Shared, Store, Tx,
    id::random_token, vault::Place,
};

/// A trip to the authorization endpoint that has not come back yet.
#[derive(Clone)]
pub struct PendingAuthorization {
    /// For which connection.
    pub connection: ConnectionId,
    /// At which version of it.
    pub connection_version: i64,
    /// Who began it.
    pub actor: Actor,
    /// The protocol's part: state, verifier, nonce.
    pub authorization: Authorization,
    /// The last part of the callback's path: a preset or a connection id.
    pub path: String,
    /// The browser that began it, once it has.
    pub browser: Option<BrowserHash>,
}

/// The hash of the nonce in a browser's cookie.
#[derive(Debug, Clone)]
pub struct BrowserHash(Vec<u8>);

impl BrowserHash {
    /// Tells, in constant time, whether this nonce is the one.
    pub fn matches(&self, nonce: &Secret) -> bool {
        verify_slices_are_equal(&self.0, &hash(nonce.expose())).is_ok()
    }
}

/// What is known of a trip without taking it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Waiting {
    /// When it was asked for.
    pub begun_at: Timestamp,
    /// When a browser followed the link.
    pub started_at: Option<Timestamp>,
    /// When it can't come back any more.
    pub expires_at: Timestamp,
    /// The last part of the callback's path.
    pub path: String,
}

/// The trips to authorization endpoints that have not come back yet.
pub struct Authorizations<'a>(pub(crate) &'a Store);

impl Authorizations<'_> {
    /// Stores a trip and its authorization URL; answers the one-time ticket that a browser follows it with.
    pub async fn begin(
        &self,
        actor: &Actor,
        pending: PendingAuthorization,
        url: Url,
    ) -> Result<Secret, Error> {
        actor.require(Role::Operator)?;
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let ticket = begin(tx, shared, &pending, &url)?;
            let detail = json!({ "path": pending.path });
            let entry = Entry::new(
                &pending.actor,
                "authorization.begun",
                &pending.connection,
                detail,
            );
            Ok(Outcome::audited(ticket, entry))
        };
        self.0.change(work).await
    }

    /// Who asked for the link with this ticket, as long as it can be followed; the ticket is not spent.
    pub async fn begun_by(&self, ticket: &Secret) -> Result<Option<Actor>, Error> {
        let ticket = hash(ticket.expose());
        let rows = self.0.read(
            "SELECT actor_id, actor_name, actor_role FROM authorizations
             WHERE ticket_hash = $1 AND expires_at > $2",
            [ticket.as_slice().into(), self.0.clock().now().into()],
        );
        let row = rows.await?.into_iter().next();
        row.map(|row| actor(row.text(0)?, row.text(1)?, row.text(2)?))
            .transpose()
    }

    /// Spends the ticket, binds the browser that holds the nonce, and answers the authorization URL.
    pub async fn start(
        &self,
        ticket: &Secret,
        browser_nonce: &Secret,
    ) -> Result<Option<Url>, Error> {
        let (ticket, browser) = (hash(ticket.expose()), hash(browser_nonce.expose()));
        let work =
            move |tx: &mut Tx<'_>, shared: &Shared| {
                let row = tx.query_one(
                "UPDATE authorizations SET ticket_hash = NULL, browser_hash = $2, started_at = $3
                 WHERE ticket_hash = $1 AND expires_at > $3
                 RETURNING id, sealed, connection, actor_id, actor_name, actor_role",
                [ticket.as_slice().into(), browser.as_slice().into(), shared.clock.now().into()],
            )?;
                let Some(row) = row else {
                    return Ok(Outcome::unaudited(None));
                };
                let unsealed = unseal(shared, row.text(0)?, row.bytes(1)?)?;
                let actor = actor(row.text(3)?, row.text(4)?, row.text(5)?)?;
                let entry = Entry::new(&actor, "authorization.started", row.text(2)?, json!({}));
                Ok(Outcome::audited(Some(unsealed.url), entry))
            };
        self.0.change(work).await
    }

    /// Takes the trip with this state: it works once, for one of all who come with it at the same time.
    ///
    /// A trip that has expired is taken too; judging that is the protocol's part.
    pub async fn take(&self, state: &str) -> Result<Option<PendingAuthorization>, Error> {
        let state = hash(state);
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let row = tx.query_one(
                "DELETE FROM authorizations WHERE state_hash = $1
                 RETURNING id, sealed, connection, actor_id, actor_name, actor_role, connection_version, path, browser_hash",
                [state.as_slice().into()],
            )?;
            let Some(row) = row else {
                return Ok(Outcome::unaudited(None));
            };
            let connection = ConnectionId::parse(row.text(2)?)?;
            let actor = actor(row.text(3)?, row.text(4)?, row.text(5)?)?;
            let entry = Entry::new(&actor, "authorization.returned", &connection, json!({}));
            // An envelope that can't be opened is spent all the same: the person begins again.
            let authorization =
                unseal(shared, row.text(0)?, row.bytes(1)?)
                    .ok()
                    .and_then(|unsealed| {
                        Authorization::from_sealed(unsealed.authorization.expose()).ok()
                    });
            let Some(authorization) = authorization else {
                return Ok(Outcome::audited(None, entry));
            };
            let pending = PendingAuthorization {
                connection,
                connection_version: row.int(6)?,
                actor,
                authorization,
                path: row.text(7)?.to_owned(),
                browser: row.opt_bytes(8)?.map(|hash| BrowserHash(hash.to_vec())),
            };
            Ok(Outcome::audited(Some(pending), entry))
        };
        self.0.change(work).await
    }

    /// The newest trip of a connection that may still come back.
    pub async fn pending_for(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
    ) -> Result<Option<Waiting>, Error> {
        actor.require(Role::Viewer)?;
        let now = self.0.clock().now();
        let rows = self.0.read(
            "SELECT begun_at, started_at, expires_at, path FROM authorizations
             WHERE connection = $1 AND expires_at > $2 ORDER BY begun_at DESC LIMIT 1",
            [connection.as_str().into(), now.into()],
        );
        let Some(row) = rows.await?.into_iter().next() else {
            return Ok(None);
        };
        Ok(Some(Waiting {
            begun_at: row.time(0)?,
            started_at: row.opt_time(1)?,
            expires_at: row.time(2)?,
            path: row.text(3)?.to_owned(),
        }))
    }

    /// Deletes the trips that have expired; answers how many.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let work = |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let swept = tx.execute(
                "DELETE FROM authorizations WHERE expires_at <= $1",
                [now.into()],
            )?;
            Ok(Outcome::unaudited(swept))
        };
        self.0.change(work).await
    }
}

/// SHA-256: what is hashed here has 256 random bits, so that nothing slower is needed.
pub(crate) fn hash(text: &str) -> Vec<u8> {
    digest::digest(&digest::SHA256, text.as_bytes())
        .as_ref()
        .to_vec()
}

fn begin(
    tx: &mut Tx<'_>,
    shared: &Shared,
    pending: &PendingAuthorization,
    url: &Url,
) -> Result<Secret, Error> {
    let connection = pending.connection.as_str();
    let exists = tx.query_one(
        "SELECT id FROM connections WHERE id = $1",
        [connection.into()],
    )?;
    exists.ok_or_else(|| Error::not_found("connection", connection))?;
    let id = AuthorizationId::random();
    let ticket = random_token("");
    let text = pending.authorization.to_sealable();
    let sealable = Sealable {
        authorization: &text,
        url,
    };
    let sealable = Zeroizing::new(serde_json::to_string(&sealable).expect("texts are JSON"));
    tx.execute(
        "INSERT INTO authorizations (id, connection, connection_version, actor_id, actor_name, actor_role, path,
         state_hash, ticket_hash, sealed, begun_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)",
        [
            id.as_str().into(),
            connection.into(),
            pending.connection_version.into(),
            pending.actor.id.as_str().into(),
            pending.actor.name.as_str().into(),
            pending.actor.role.as_str().into(),
            pending.path.as_str().into(),
            hash(pending.authorization.state().expose()).into(),
            hash(ticket.expose()).into(),
            shared.vault.seal(place(id.as_str()), sealable.as_bytes()).into(),
            pending.authorization.begun_at().into(),
            pending.authorization.expires_at().into(),
        ],
    )?;
    Ok(ticket)
}

#[derive(Serialize)]
struct Sealable<'a> {
    authorization: &'a str,
    url: &'a Url,
}

#[derive(Deserialize)]
struct Unsealed {
    authorization: Secret,
    url: Url,
}

fn place(id: &str) -> Place<'_> {
    Place {
        table: "authorizations",
        column: "sealed",
        row: id,
    }
}

fn unseal(shared: &Shared, id: &str, envelope: &[u8]) -> Result<Unsealed, Error> {
    let text = shared.vault.open_text(place(id), envelope).ok();
    let unsealed = text.and_then(|text| serde_json::from_str(&text).ok());
    unsealed.ok_or_else(|| Error::Unreadable {
        what: "this sign-in".to_owned(),
    })
}

fn actor(id: &str, name: &str, role: &str) -> Result<Actor, Error> {
    Ok(Actor {
        id: id.to_owned(),
        name: name.to_owned(),
        role: Role::parse(role)?,
    })
}
