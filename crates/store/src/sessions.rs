//! sessions
use crate::{Actor, Error, SessionId, Store, User, UserId};
use jiff::Timestamp;
use oauth::Secret;

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
    /// Begins a session; the token is shown once.
    pub async fn create(&self, user: &User) -> Result<(Session, Secret), Error> {
        todo!("{user:?}")
    }
    /// The session of a token, if it still lives and its user is not disabled.
    pub async fn find(&self, token: &Secret) -> Result<Option<Session>, Error> {
        todo!("{token:?}")
    }
    /// Ends a session.
    pub async fn remove(&self, actor: &Actor, id: &SessionId) -> Result<(), Error> {
        todo!("{actor:?} {id}")
    }
    /// Ends all sessions of a user.
    pub async fn remove_for_user(&self, actor: &Actor, user: &UserId) -> Result<u64, Error> {
        todo!("{actor:?} {user}")
    }
    /// Deletes the sessions that have ended.
    pub async fn sweep(&self) -> Result<u64, Error> {
        todo!()
    }
}
