//! authorizations
use crate::{Actor, ConnectionId, Error, Store};
use jiff::Timestamp;
use oauth::{Authorization, Secret};
use url::Url;

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
pub struct BrowserHash([u8; 32]);

impl BrowserHash {
    /// Tells, in constant time, whether this nonce is the one.
    pub fn matches(&self, nonce: &Secret) -> bool {
        todo!("{nonce:?} {:?}", self.0)
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
    /// Stores a trip and its authorization URL; answers the one-time ticket.
    pub async fn begin(
        &self,
        actor: &Actor,
        pending: PendingAuthorization,
        url: Url,
    ) -> Result<Secret, Error> {
        let _ = (actor, pending, url);
        todo!()
    }
    /// Spends the ticket, binds the browser, and answers the authorization URL.
    pub async fn start(
        &self,
        ticket: &Secret,
        browser_nonce: &Secret,
    ) -> Result<Option<Url>, Error> {
        let _ = (ticket, browser_nonce);
        todo!()
    }
    /// Takes the trip with this state; it works once.
    pub async fn take(&self, state: &str) -> Result<Option<PendingAuthorization>, Error> {
        let _ = state;
        todo!()
    }
    /// The newest trip of a connection that may still come back.
    pub async fn pending_for(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
    ) -> Result<Option<Waiting>, Error> {
        let _ = (actor, connection);
        todo!()
    }
    /// Deletes the trips that have expired.
    pub async fn sweep(&self) -> Result<u64, Error> {
        todo!()
    }
}
