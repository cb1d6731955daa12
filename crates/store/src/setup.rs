//! The one-time setup: a token that makes the first administrator, as long as there is no user.

use oauth::Secret;
use serde_json::json;

use crate::{
    Actor, Entry, Error, Outcome, Role, Shared, Store, Tx, User, authorizations::hash,
    id::random_token, meta, schema::hex, users::ANY,
};

const TOKEN: &str = "setup_token";

/// The one-time setup.
pub struct Setup<'a>(pub(crate) &'a Store);

impl Setup<'_> {
    /// Makes a new setup token (the one before no longer works); `None` once there is a user.
    pub async fn issue(&self) -> Result<Option<Secret>, Error> {
        let work = |tx: &mut Tx<'_>, _: &Shared| {
            if tx.query_one(ANY, [])?.is_some() {
                return Ok(Outcome::unaudited(None));
            }
            let token = random_token("kwsetup_");
            meta::put(tx, TOKEN, &stored(&token))?;
            let entry = Entry::new(&Actor::system(), "setup.issued", "setup", json!({}));
            Ok(Outcome::audited(Some(token), entry))
        };
        self.0.change(work).await
    }

    /// Spends the setup token and makes the first administrator; `None` if the token is wrong or there is a user.
    pub async fn redeem(
        &self,
        token: &Secret,
        name: &str,
        password: &Secret,
    ) -> Result<Option<User>, Error> {
        let token = stored(token);
        // A wrong token is not worth the hashing of a password.
        let rows = self.0.read(meta::BY_NAME, [TOKEN.into()]).await?;
        let issued = rows
            .first()
            .map(|row| row.opt_text(0))
            .transpose()?
            .flatten();
        if issued != Some(token.as_str()) {
            return Ok(None);
        }
        let new = self.0.users().prepare(name, password, Role::Admin).await?;
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let spent = tx.execute(
                "DELETE FROM meta WHERE name = $1 AND value = $2",
                [TOKEN.into(), token.as_str().into()],
            )?;
            if spent == 0 || tx.query_one(ANY, [])?.is_some() {
                return Ok(Outcome::unaudited(None));
            }
            let added = new.add(tx, shared, &Actor::setup())?;
            Ok(Outcome {
                value: Some(added.value),
                audit: added.audit,
                touched: added.touched,
            })
        };
        self.0.change(work).await
    }
}

fn stored(token: &Secret) -> String {
    hex(&hash(token.expose()))
}
