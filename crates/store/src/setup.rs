//! setup
use crate::{Error, Store, User};
use oauth::Secret;

/// The one-time setup.
pub struct Setup<'a>(pub(crate) &'a Store);

impl Setup<'_> {
    /// Makes a new setup token (the one before no longer works); `None` once there is a user.
    pub async fn issue(&self) -> Result<Option<Secret>, Error> {
        todo!()
    }
    /// Spends the setup token and makes the first administrator; `None` if the token is wrong or there is a user already.
    pub async fn redeem(
        &self,
        token: &Secret,
        name: &str,
        password: &Secret,
    ) -> Result<Option<User>, Error> {
        todo!("{token:?} {name} {password:?}")
    }
}
