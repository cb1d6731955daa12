//! Small facts about the installation, by name.
//!
//! Not for secrets, nor for anything that belongs to a record.

use serde_json::json;

use crate::{Actor, Entry, Error, Outcome, Role, Shared, Store, Tx};

pub(crate) const BY_NAME: &str = "SELECT value FROM meta WHERE name = $1";

/// Small facts about the installation, kept apart from the store's own.
pub struct Meta<'a>(pub(crate) &'a Store);

impl Meta<'_> {
    /// One fact.
    pub async fn find(&self, actor: &Actor, name: &str) -> Result<Option<String>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(BY_NAME, [key(name).into()]).await?;
        let value = rows
            .first()
            .map(|row| row.opt_text(0))
            .transpose()?
            .flatten();
        Ok(value.map(str::to_owned))
    }

    /// Stores a fact.
    pub async fn save(&self, actor: &Actor, name: &str, value: &str) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let (actor, name, value) = (actor.clone(), name.to_owned(), value.to_owned());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            put(tx, &key(&name), &value)?;
            let entry = Entry::new(&actor, "meta.saved", &name, json!({}));
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }
}

/// Keeps the names of others apart from the key check and the setup token.
fn key(name: &str) -> String {
    format!("fact.{name}")
}

/// Stores a value under a name of the store's own.
pub(crate) fn put(tx: &mut Tx<'_>, name: &str, value: &str) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO meta (name, value) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [name.into(), value.into()],
    )?;
    Ok(())
}
