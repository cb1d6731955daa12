//! Tokens: generation, lease and intent, so that one renewal happens per expiry and none is lost unnoticed.
//!
//! A lease is a row, never a lock held across a request: lease → commit → request → save, where saving asks for the same
//! generation and owner. The loser of a race reads again; nothing here clears what a winner stored. When to renew, and
//! how, is the caller's business. No role is asked for here: whoever may use the connection may keep its token fresh,
//! and a refresh token that the provider has rotated must be stored whoever asked.

use jiff::{SignedDuration, Timestamp};
use oauth::{Hints, Scope, Secret, TokenSet};
use serde::{Deserialize, Serialize};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    Actor, ConnectionId, Entry, Error, Outcome, Role, Row, Shared, Store, Tx, Vault, vault::Place,
};

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
#[expect(
    clippy::large_enum_variant,
    reason = "it is taken apart where it is answered"
)]
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
    /// Reads a connection's token; a connection without one answers generation 0.
    pub async fn read(&self, connection: &ConnectionId) -> Result<TokenRow, Error> {
        let rows = self
            .0
            .read(BY_CONNECTION, [connection.as_str().into()])
            .await?;
        token_row(&self.0.inner.shared.vault, connection, rows.first())
    }

    /// Takes the right to renew, and writes the intent in the same commit.
    ///
    /// A lease that has lapsed is taken over. One that still runs is not, not even by its own owner: two tasks of one
    /// process are two callers.
    pub async fn lease(
        &self,
        connection: &ConnectionId,
        owner: &str,
        for_: SignedDuration,
    ) -> Result<Leased, Error> {
        let (connection, owner) = (connection.clone(), owner.to_owned());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            lease(tx, shared, &connection, &owner, for_).map(Outcome::unaudited)
        };
        self.0.change(work).await
    }

    /// Stores a renewed token, if generation and owner still match; ends lease and intent.
    ///
    /// Without a new refresh token in the answer the old one stays. With one, the old one is kept until it has worked.
    pub async fn save(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        owner: &str,
        generation: i64,
        token: &TokenSet,
        hints: Option<Hints>,
    ) -> Result<Saved, Error> {
        let renewal = Renewal {
            actor: actor.clone(),
            connection: connection.clone(),
            owner: owner.to_owned(),
            generation,
            token: token.clone(),
            hints,
        };
        self.0
            .change(move |tx, shared| renewal.save(tx, shared))
            .await
    }

    /// Stores the token after somebody signed in: a new generation, whatever was there; answers its number.
    pub async fn store_first(
        &self,
        actor: &Actor,
        connection: &ConnectionId,
        token: &TokenSet,
        hints: Option<Hints>,
    ) -> Result<i64, Error> {
        actor.require(Role::Operator)?;
        let (actor, connection, token) = (actor.clone(), connection.clone(), token.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let exists = tx.query_one(
                "SELECT id FROM connections WHERE id = $1",
                [connection.as_str().into()],
            )?;
            exists.ok_or_else(|| Error::not_found("connection", &connection))?;
            let old = current(tx, &shared.vault, &connection)?;
            let stored = stored(&token, old.generation + 1, hints.clone());
            tx.execute(
                "INSERT INTO tokens (connection, generation, sealed) VALUES ($1, $2, $3)
                 ON CONFLICT (connection) DO UPDATE SET generation = excluded.generation, sealed = excluded.sealed,
                 lease_owner = NULL, lease_until = NULL, intent_owner = NULL, intent_since = NULL",
                [
                    connection.as_str().into(),
                    stored.generation.into(),
                    seal(&shared.vault, &connection, &stored).into(),
                ],
            )?;
            let entry = Entry::new(&actor, "token.issued", &connection, facts(&stored));
            Ok(Outcome::audited(stored.generation, entry).touching(&connection))
        };
        self.0.change(work).await
    }

    /// Gives the lease back after a failure whose outcome is known; the token stays as it is.
    pub async fn release(&self, connection: &ConnectionId, owner: &str) -> Result<(), Error> {
        self.give_back(
            "UPDATE tokens SET lease_owner = NULL, lease_until = NULL, intent_owner = NULL, intent_since = NULL
             WHERE connection = $1 AND lease_owner = $2",
            connection,
            owner,
        )
        .await
    }

    /// Gives the lease back, but leaves the intent open: the request was sent, and nobody knows what became of it.
    pub async fn abandon(&self, connection: &ConnectionId, owner: &str) -> Result<(), Error> {
        self.give_back(
            "UPDATE tokens SET lease_owner = NULL, lease_until = NULL WHERE connection = $1 AND lease_owner = $2",
            connection,
            owner,
        )
        .await
    }

    async fn give_back(
        &self,
        sql: &'static str,
        connection: &ConnectionId,
        owner: &str,
    ) -> Result<(), Error> {
        let (connection, owner) = (connection.clone(), owner.to_owned());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            tx.execute(sql, [connection.as_str().into(), owner.as_str().into()])?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Renewals whose outcome nobody knows: their connections, and until when somebody may still be at it.
    pub async fn open(&self) -> Result<Vec<(ConnectionId, Option<Timestamp>)>, Error> {
        let rows = self.0.read(
            "SELECT connection, lease_until FROM tokens WHERE intent_owner IS NOT NULL ORDER BY connection",
            [],
        );
        let open = |row: &Row| Ok((ConnectionId::parse(row.text(0)?)?, row.opt_time(1)?));
        rows.await?.iter().map(open).collect()
    }

    /// Ends all leases but the intents stay: for a process that knows that no other one is alive.
    pub(crate) async fn bury(&self) -> Result<(), Error> {
        let work = |tx: &mut Tx<'_>, _: &Shared| {
            tx.execute(
                "UPDATE tokens SET lease_owner = NULL, lease_until = NULL WHERE lease_owner IS NOT NULL",
                [],
            )?;
            Ok(Outcome::unaudited(()))
        };
        self.0.change(work).await
    }

    /// Forgets the token; a renewal that is under way can't bring it back.
    pub async fn wipe(&self, actor: &Actor, connection: &ConnectionId) -> Result<(), Error> {
        actor.require(Role::Operator)?;
        let (actor, connection) = (actor.clone(), connection.clone());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            if !wipe(tx, &connection)? {
                return Ok(Outcome::unaudited(()));
            }
            let entry = Entry::new(&actor, "token.wiped", &connection, json!({}));
            Ok(Outcome::audited((), entry).touching(&connection))
        };
        self.0.change(work).await
    }
}

const BY_CONNECTION: &str =
    "SELECT generation, sealed, lease_owner, lease_until, intent_owner, intent_since
    FROM tokens WHERE connection = $1";

/// Forgets a token inside another change; tells whether there was one.
pub(crate) fn wipe(tx: &mut Tx<'_>, connection: &ConnectionId) -> Result<bool, Error> {
    // The row stays, so that the generation of a later token is not one that was seen before.
    let wiped = tx.execute(
        "UPDATE tokens SET generation = generation + 1, sealed = NULL,
         lease_owner = NULL, lease_until = NULL, intent_owner = NULL, intent_since = NULL WHERE connection = $1",
        [connection.as_str().into()],
    )?;
    Ok(wiped > 0)
}

fn lease(
    tx: &mut Tx<'_>,
    shared: &Shared,
    connection: &ConnectionId,
    owner: &str,
    for_: SignedDuration,
) -> Result<Leased, Error> {
    let now = shared.clock.now();
    let until = now.saturating_add(for_).map_err(|error| Error::Invalid {
        what: "lease",
        why: error.to_string(),
    })?;
    let mut row = current(tx, &shared.vault, connection)?;
    let leased = tx.execute(
        "INSERT INTO tokens (connection, generation, lease_owner, lease_until, intent_owner, intent_since)
         SELECT id, 0, CAST($2 AS TEXT), CAST($3 AS BIGINT), CAST($2 AS TEXT), CAST($4 AS BIGINT)
         FROM connections WHERE id = $1
         ON CONFLICT (connection) DO UPDATE SET lease_owner = excluded.lease_owner, lease_until = excluded.lease_until,
         intent_owner = excluded.intent_owner, intent_since = excluded.intent_since
         WHERE tokens.lease_owner IS NULL OR tokens.lease_until <= $4",
        [connection.as_str().into(), owner.into(), until.into(), now.into()],
    )?;
    if leased == 0 {
        return match row.lease {
            Some(lease) => Ok(Leased::Held(lease)),
            None => Err(Error::not_found("connection", connection)),
        };
    }
    row.lease = Some(Lease {
        owner: owner.to_owned(),
        until,
    });
    Ok(Leased::Acquired(row))
}

/// A renewed token on its way into the store.
struct Renewal {
    actor: Actor,
    connection: ConnectionId,
    owner: String,
    generation: i64,
    token: TokenSet,
    hints: Option<Hints>,
}

impl Renewal {
    fn save(&self, tx: &mut Tx<'_>, shared: &Shared) -> Result<Outcome<Saved>, Error> {
        let old = current(tx, &shared.vault, &self.connection)?;
        let mut renewed = stored(&self.token, self.generation + 1, self.hints.clone());
        let old_refresh_token = old.token.and_then(|token| token.refresh_token);
        match (&renewed.refresh_token, old_refresh_token) {
            // The answer to the old one: it worked, and stays the only one.
            (None, kept) => renewed.refresh_token = kept,
            (Some(new), Some(old)) if *new != old => renewed.previous_refresh_token = Some(old),
            (Some(_), _) => {}
        }
        let saved = tx.execute(
            "UPDATE tokens SET generation = generation + 1, sealed = $4,
             lease_owner = NULL, lease_until = NULL, intent_owner = NULL, intent_since = NULL
             WHERE connection = $1 AND lease_owner = $2 AND generation = $3",
            [
                self.connection.as_str().into(),
                self.owner.as_str().into(),
                self.generation.into(),
                seal(&shared.vault, &self.connection, &renewed).into(),
            ],
        )?;
        if saved == 0 {
            return Ok(Outcome::unaudited(Saved::Superseded));
        }
        let detail = facts(&renewed);
        let entry = Entry::new(&self.actor, "token.renewed", &self.connection, detail);
        Ok(Outcome::audited(Saved::Saved(renewed.generation), entry).touching(&self.connection))
    }
}

/// What may be known of a token by everybody who reads the audit log.
fn facts(token: &StoredToken) -> serde_json::Value {
    json!({
        "generation": token.generation,
        "expires_at": token.expires_at,
        "scope": token.scope,
        "refresh_token": token.refresh_token.is_some(),
    })
}

fn stored(token: &TokenSet, generation: i64, hints: Option<Hints>) -> StoredToken {
    StoredToken {
        generation,
        access_token: token.access_token.clone(),
        refresh_token: token.refresh_token.clone(),
        previous_refresh_token: None,
        scope: token.scope.clone(),
        received_at: token.received_at,
        expires_at: token.expires_at,
        expires_in_assumed: token.expires_in_assumed,
        hints,
    }
}

fn current(tx: &mut Tx<'_>, vault: &Vault, connection: &ConnectionId) -> Result<TokenRow, Error> {
    let row = tx.query_one(BY_CONNECTION, [connection.as_str().into()])?;
    token_row(vault, connection, row.as_ref())
}

fn token_row(
    vault: &Vault,
    connection: &ConnectionId,
    row: Option<&Row>,
) -> Result<TokenRow, Error> {
    let mut found = TokenRow {
        connection: connection.clone(),
        generation: 0,
        token: None,
        unreadable: false,
        lease: None,
        intent: None,
    };
    let Some(row) = row else {
        return Ok(found);
    };
    found.generation = row.int(0)?;
    if let Some(envelope) = row.opt_bytes(1)? {
        found.token = unseal(vault, connection, found.generation, envelope);
        found.unreadable = found.token.is_none();
    }
    found.lease = match (row.opt_text(2)?, row.opt_time(3)?) {
        (Some(owner), Some(until)) => Some(Lease {
            owner: owner.to_owned(),
            until,
        }),
        _ => None,
    };
    found.intent = match (row.opt_text(4)?, row.opt_time(5)?) {
        (Some(owner), Some(since)) => Some(Intent {
            since,
            owner: owner.to_owned(),
        }),
        _ => None,
    };
    Ok(found)
}

fn place(connection: &ConnectionId) -> Place<'_> {
    Place {
        table: "tokens",
        column: "sealed",
        row: connection.as_str(),
    }
}

/// A token as it is sealed. The generation is inside, so that an older envelope of the same row is noticed.
#[derive(Serialize)]
struct Sealable<'a> {
    generation: i64,
    access_token: &'a str,
    refresh_token: Option<&'a str>,
    previous_refresh_token: Option<&'a str>,
    scope: Option<&'a Scope>,
    received_at: Timestamp,
    expires_at: Timestamp,
    expires_in_assumed: bool,
    hints: Option<&'a Hints>,
}

#[derive(Deserialize)]
struct Unsealed {
    generation: i64,
    access_token: Secret,
    refresh_token: Option<Secret>,
    previous_refresh_token: Option<Secret>,
    scope: Option<Scope>,
    received_at: Timestamp,
    expires_at: Timestamp,
    expires_in_assumed: bool,
    hints: Option<Hints>,
}

fn seal(vault: &Vault, connection: &ConnectionId, token: &StoredToken) -> Vec<u8> {
    let sealable = Sealable {
        generation: token.generation,
        access_token: token.access_token.expose(),
        refresh_token: token.refresh_token.as_ref().map(Secret::expose),
        previous_refresh_token: token.previous_refresh_token.as_ref().map(Secret::expose),
        scope: token.scope.as_ref(),
        received_at: token.received_at,
        expires_at: token.expires_at,
        expires_in_assumed: token.expires_in_assumed,
        hints: token.hints.as_ref(),
    };
    let text = Zeroizing::new(serde_json::to_string(&sealable).expect("a token is JSON"));
    vault.seal(place(connection), text.as_bytes())
}

fn unseal(
    vault: &Vault,
    connection: &ConnectionId,
    generation: i64,
    envelope: &[u8],
) -> Option<StoredToken> {
    let text = vault.open_text(place(connection), envelope).ok()?;
    let unsealed: Unsealed = serde_json::from_str(&text).ok()?;
    if unsealed.generation != generation {
        return None;
    }
    Some(StoredToken {
        generation,
        access_token: unsealed.access_token,
        refresh_token: unsealed.refresh_token,
        previous_refresh_token: unsealed.previous_refresh_token,
        scope: unsealed.scope,
        received_at: unsealed.received_at,
        expires_at: unsealed.expires_at,
        expires_in_assumed: unsealed.expires_in_assumed,
        hints: unsealed.hints,
    })
}
