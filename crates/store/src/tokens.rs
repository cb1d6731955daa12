//! tokens
use crate::{Actor, ConnectionId, Error, Store};
use jiff::{SignedDuration, Timestamp};
use oauth::{Hints, Scope, Secret, TokenSet};

/// A token as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    /// Which renewal it comes from; grows.
    pub generation: i64,
    /// What is sent to the API.
    pub access_token: Secret,
    /// What the next renewal sends.
    pub refresh_token: Option<Secret>,
    /// What the last renewal sent, until its successor has worked.
    pub previous_refresh_token: Option<Secret>,
    /// What was granted, if the answer said so.
    pub scope: Option<Scope>,
    /// When the answer came.
    pub received_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// Whether the answer did not say when it ends.
    pub expires_in_assumed: bool,
    /// What the token says about itself, for display.
    pub hints: Option<Hints>,
}

/// A connection's token and who is renewing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRow {
    /// Whose token.
    pub connection: ConnectionId,
    /// Which renewal; 0 = never had one.
    pub generation: i64,
    /// The token; `None` if there is none or it can't be unsealed.
    pub token: Option<StoredToken>,
    /// Whether there is one that can't be unsealed.
    pub unreadable: bool,
    /// Who is renewing it.
    pub lease: Option<Lease>,
    /// The renewal whose outcome is not known yet.
    pub intent: Option<Intent>,
}

/// The right to renew, for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Which process.
    pub owner: String,
    /// Until when.
    pub until: Timestamp,
}

/// A token request that was about to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// Since when.
    pub since: Timestamp,
    /// By which process.
    pub owner: String,
}

/// The answer to a request for a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Leased {
    /// The caller has it. The row's intent is the one that a predecessor left open, if any.
    Acquired(TokenRow),
    /// Somebody else has it.
    Held(Lease),
}

/// The answer to saving a renewed token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Saved {
    /// Stored as this generation.
    Saved(i64),
    /// Somebody else was faster: read again, clear nothing.
    Superseded,
}

/// The connections' tokens.
pub struct Tokens<'a>(pub(crate) &'a Store);

impl Tokens<'_> {
    /// Reads a connection's token.
    pub async fn read(&self, connection: &ConnectionId) -> Result<TokenRow, Error> {
        todo!("{connection}")
    }
    /// Takes the right to renew, and writes the intent in the same commit.
    pub async fn lease(
        &self,
        connection: &ConnectionId,
        owner: &str,
        for_: SignedDuration,
    ) -> Result<Leased, Error> {
        todo!("{connection} {owner} {for_}")
    }
    /// Stores a renewed token, if generation and owner still match.
    pub async fn save(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        owner: &str,
        generation: i64,
        token: &TokenSet,
        hints: Option<Hints>,
    ) -> Result<Saved, Error> {
        todo!("{actor:?} {connection} {owner} {generation} {token:?} {hints:?}")
    }
    /// Stores the first token after somebody signed in.
    pub async fn store_first(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        token: &TokenSet,
        hints: Option<Hints>,
    ) -> Result<i64, Error> {
        todo!("{actor:?} {connection} {token:?} {hints:?}")
    }
    /// Gives the lease back after a failure whose outcome is known.
    pub async fn release(&self, connection: &ConnectionId, owner: &str) -> Result<(), Error> {
        todo!("{connection} {owner}")
    }
    /// Gives the lease back, but leaves the intent open: the request was sent and nobody knows what became of it.
    pub async fn abandon(&self, connection: &ConnectionId, owner: &str) -> Result<(), Error> {
        todo!("{connection} {owner}")
    }
    /// Forgets the token.
    pub async fn wipe(&self, actor: &Actor, connection: &ConnectionId) -> Result<(), Error> {
        todo!("{actor:?} {connection}")
    }
}
