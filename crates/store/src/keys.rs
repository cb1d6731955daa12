//! API keys: `kw_…`, shown once, stored hashed, with a role and an end.

use jiff::{SignedDuration, Timestamp};
use oauth::Secret;
use serde_json::json;

use crate::{
    Actor, ApiKeyId, Entry, Error, Outcome, Role, Row, Shared, Store, Tx, authorizations::hash,
    id::random_token,
};

/// What every key begins with, so that a leaked one is recognised.
const PREFIX: &str = "kw_";
/// How long a key lasts unless told otherwise.
const LIFE: SignedDuration = SignedDuration::from_hours(90 * 24);
/// How exactly it is known when a key was last used.
const USED: SignedDuration = SignedDuration::from_mins(5);
const LONGEST_NAME: usize = 64;

/// An API key, without the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiKey {
    /// Names it; not the key.
    pub id: ApiKeyId,
    /// What people call it.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When it ends.
    pub expires_at: Timestamp,
    /// When it was last used, to about five minutes.
    pub last_used_at: Option<Timestamp>,
    /// Since when it is revoked.
    pub revoked_at: Option<Timestamp>,
}

impl ApiKey {
    /// The key as an actor.
    pub fn actor(&self) -> Actor {
        Actor {
            id: self.id.to_string(),
            name: self.name.clone(),
            role: self.role,
        }
    }
}

/// The API keys.
pub struct ApiKeys<'a>(pub(crate) &'a Store);

impl ApiKeys<'_> {
    /// Makes a key, for 90 days unless told otherwise; the token is shown this once.
    pub async fn create(
        &self,
        actor: &Actor,
        name: &str,
        role: Role,
        expires_at: Option<Timestamp>,
    ) -> Result<(ApiKey, Secret), Error> {
        actor.require(Role::Admin)?;
        check_name(name)?;
        let (actor, name) = (actor.clone(), name.to_owned());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let expires_at = expires_at.or(now.saturating_add(LIFE).ok()).unwrap_or(now);
            if expires_at <= now {
                return Err(Error::Invalid {
                    what: "expiry",
                    why: "it is in the past".to_owned(),
                });
            }
            let key = ApiKey {
                id: ApiKeyId::random(),
                name: name.clone(),
                role,
                created_by: actor.id.clone(),
                created_at: now,
                expires_at,
                last_used_at: None,
                revoked_at: None,
            };
            let token = random_token(PREFIX);
            add(tx, &key, &token)?;
            let detail = json!({ "name": name, "role": role, "expires_at": expires_at });
            let entry = Entry::new(&actor, "key.created", &key.id, detail);
            Ok(Outcome::audited((key, token), entry))
        };
        self.0.change(work).await
    }

    /// The key of a token, if it is neither expired nor revoked.
    pub async fn find_by_token(&self, token: &str) -> Result<Option<ApiKey>, Error> {
        if !token.starts_with(PREFIX) {
            return Ok(None);
        }
        let rows = self.0.read(
            "SELECT id, name, role, created_by, created_at, expires_at, last_used_at, revoked_at
             FROM api_keys WHERE token_hash = $1",
            [hash(token).into()],
        );
        let Some(found) = rows.await?.first().map(api_key).transpose()? else {
            return Ok(None);
        };
        let now = self.0.clock().now();
        if found.revoked_at.is_some() || now >= found.expires_at {
            return Ok(None);
        }
        let unused = |since: Timestamp| now.duration_since(since) >= USED;
        if found.last_used_at.is_none_or(unused) {
            let id = found.id.clone();
            self.0.inner.db.write_later(move |tx| {
                let sql = "UPDATE api_keys SET last_used_at = $1 WHERE id = $2";
                tx.execute(sql, [now.into(), id.as_str().into()]).map(drop)
            });
        }
        Ok(Some(found))
    }

    /// One key, whatever became of it.
    pub async fn find(&self, actor: &Actor, id: &ApiKeyId) -> Result<Option<ApiKey>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT id, name, role, created_by, created_at, expires_at, last_used_at, revoked_at
             FROM api_keys WHERE id = $1",
            [id.as_str().into()],
        );
        rows.await?.first().map(api_key).transpose()
    }

    /// All keys, newest first.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<ApiKey>, Error> {
        actor.require(Role::Admin)?;
        let rows = self.0.read(
            "SELECT id, name, role, created_by, created_at, expires_at, last_used_at, revoked_at
             FROM api_keys ORDER BY created_at DESC, id",
            [],
        );
        rows.await?.iter().map(api_key).collect()
    }

    /// Revokes a key; it is refused from the next request on.
    pub async fn revoke(&self, actor: &Actor, id: &ApiKeyId) -> Result<ApiKey, Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let row = tx.query_one(
                "UPDATE api_keys SET revoked_at = COALESCE(revoked_at, $1) WHERE id = $2
                 RETURNING id, name, role, created_by, created_at, expires_at, last_used_at, revoked_at",
                [shared.clock.now().into(), id.as_str().into()],
            )?;
            let row = row.ok_or_else(|| Error::not_found("API key", &id))?;
            let revoked = api_key(&row)?;
            let entry = Entry::new(&actor, "key.revoked", &id, json!({ "name": revoked.name }));
            Ok(Outcome::audited(revoked, entry))
        };
        self.0.change(work).await
    }
}

fn check_name(name: &str) -> Result<(), Error> {
    // Also what would turn the text around on a screen.
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
    };
    let length = name.chars().count();
    if length == 0 || length > LONGEST_NAME || name.trim() != name || name.contains(hidden) {
        return Err(Error::Invalid {
            what: "name",
            why: format!(
                "a key's name has 1 to {LONGEST_NAME} visible characters and no white space around it"
            ),
        });
    }
    Ok(())
}

fn add(tx: &mut Tx<'_>, key: &ApiKey, token: &Secret) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO api_keys (id, name, token_hash, role, created_by, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
        [
            key.id.as_str().into(),
            key.name.as_str().into(),
            hash(token.expose()).into(),
            key.role.as_str().into(),
            key.created_by.as_str().into(),
            key.created_at.into(),
            key.expires_at.into(),
        ],
    )?;
    Ok(())
}

fn api_key(row: &Row) -> Result<ApiKey, Error> {
    Ok(ApiKey {
        id: ApiKeyId::parse(row.text(0)?)?,
        name: row.text(1)?.to_owned(),
        role: Role::parse(row.text(2)?)?,
        created_by: row.text(3)?.to_owned(),
        created_at: row.time(4)?,
        expires_at: row.time(5)?,
        last_used_at: row.opt_time(6)?,
        revoked_at: row.opt_time(7)?,
    })
}
