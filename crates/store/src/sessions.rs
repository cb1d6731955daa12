//! Sessions of signed-in browsers: opaque random tokens, stored hashed, ended after half an hour of silence or twelve hours.

use jiff::{SignedDuration, Timestamp};
use oauth::Secret;
use serde_json::json;

use crate::{
    Actor, Entry, Error, Outcome, Role, SessionId, Shared, Store, Tx, User, UserId,
    authorizations::hash, id::random_token, users::user,
};

/// How long a session may be silent.
const IDLE: SignedDuration = SignedDuration::from_mins(30);
/// How long a session lasts at most.
const ABSOLUTE: SignedDuration = SignedDuration::from_hours(12);
/// How exactly it is known when a session was last seen; not each request is written down.
const SEEN: SignedDuration = SignedDuration::from_secs(60);

/// A signed-in browser.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Names it; not its token.
    pub id: SessionId,
    /// Who is signed in.
    pub user: User,
    /// Since when.
    pub created_at: Timestamp,
    /// When it ends, however busy.
    pub expires_at: Timestamp,
}

/// The people who are signed in.
pub struct Sessions<'a>(pub(crate) &'a Store);

impl Sessions<'_> {
    /// Begins a session; the token is shown this once.
    pub async fn create(&self, user: &User) -> Result<(Session, Secret), Error> {
        let user = user.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let expires_at = now.saturating_add(ABSOLUTE).unwrap_or(now);
            let (id, token) = (SessionId::random(), random_token("kws_"));
            let created = tx.execute(
                "INSERT INTO sessions (id, token_hash, user_id, created_at, seen_at, expires_at)
                 SELECT CAST($1 AS TEXT), $2, id, CAST($4 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT)
                 FROM users WHERE id = $3 AND disabled_at IS NULL",
                [
                    id.as_str().into(),
                    hash(token.expose()).into(),
                    user.id.as_str().into(),
                    now.into(),
                    expires_at.into(),
                ],
            )?;
            if created == 0 {
                return Err(Error::not_found("user", &user.name));
            }
            let entry = Entry::new(&user.actor(), "session.created", &id, json!({}));
            let session = Session {
                id,
                user: user.clone(),
                created_at: now,
                expires_at,
            };
            Ok(Outcome::audited((session, token), entry))
        };
        self.0.change(work).await
    }

    /// The session of a token, if it has not ended and its user is not disabled.
    pub async fn find(&self, token: &Secret) -> Result<Option<Session>, Error> {
        let rows = self.0.read(
            "SELECT s.id, s.created_at, s.seen_at, s.expires_at, u.id, u.name, u.role, u.created_at, u.disabled_at
             FROM sessions s JOIN users u ON u.id = s.user_id WHERE s.token_hash = $1",
            [hash(token.expose()).into()],
        );
        let Some(row) = rows.await?.into_iter().next() else {
            return Ok(None);
        };
        let session = Session {
            id: SessionId::parse(row.text(0)?)?,
            user: user(&row, 4)?,
            created_at: row.time(1)?,
            expires_at: row.time(3)?,
        };
        let now = self.0.clock().now();
        let silent = now.duration_since(row.time(2)?);
        if now >= session.expires_at || silent >= IDLE || session.user.disabled_at.is_some() {
            return Ok(None);
        }
        if silent >= SEEN {
            let id = session.id.clone();
            self.0.inner.db.write_later(move |tx| {
                let sql = "UPDATE sessions SET seen_at = $1 WHERE id = $2 AND seen_at < $1";
                tx.execute(sql, [now.into(), id.as_str().into()]).map(drop)
            });
        }
        Ok(Some(session))
    }

    /// Ends a session; one's own in any role, others' as an administrator.
    pub async fn remove(&self, actor: &Actor, id: &SessionId) -> Result<(), Error> {
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let sql = "DELETE FROM sessions WHERE id = $1 RETURNING user_id";
            let removed = tx.query_one(sql, [id.as_str().into()])?;
            let Some(row) = removed else {
                return Ok(Outcome::unaudited(()));
            };
            if row.text(0)? != actor.id {
                actor.require(Role::Admin)?;
            }
            let entry = Entry::new(&actor, "session.removed", &id, json!({}));
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }

    /// Ends all sessions of a user; answers how many. One's own in any role, others' as an administrator.
    pub async fn remove_for_user(&self, actor: &Actor, user: &UserId) -> Result<u64, Error> {
        if actor.id != user.as_str() {
            actor.require(Role::Admin)?;
        }
        let (actor, user) = (actor.clone(), user.clone());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let sql = "DELETE FROM sessions WHERE user_id = $1";
            let removed = tx.execute(sql, [user.as_str().into()])?;
            let detail = json!({ "sessions_ended": removed });
            let entry = Entry::new(&actor, "session.all_removed", &user, detail);
            Ok(Outcome::audited(removed, entry))
        };
        self.0.change(work).await
    }

    /// Deletes the sessions that have ended; answers how many.
    pub async fn sweep(&self) -> Result<u64, Error> {
        let work = |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let silent_since = now.saturating_sub(IDLE).unwrap_or(now);
            let swept = tx.execute(
                "DELETE FROM sessions WHERE expires_at <= $1 OR seen_at <= $2",
                [now.into(), silent_since.into()],
            )?;
            Ok(Outcome::unaudited(swept))
        };
        self.0.change(work).await
    }
}
