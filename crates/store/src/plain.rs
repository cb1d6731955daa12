//! Plain secrets: values that flows read as `$secrets.NAME`. Write-only for people; sealed like all secrets.
//!
//! A connection's secrets are not among them: those never leave `connect`.

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use crate::{
    Actor, ConnectionName, Entry, Error, Outcome, Redactor, Role, Row, Shared, Store, Tx,
    settings::from_json, vault::Place,
};

/// A plain secret, without its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlainSecret {
    /// Its name; written as a connection's is, since flows name both in one list.
    pub name: ConnectionName,
    /// Grows with each new value.
    pub version: i64,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created_at: Timestamp,
    /// When its value was last set.
    pub updated_at: Timestamp,
}

/// The plain secrets.
pub struct PlainSecrets<'a>(pub(crate) &'a Store);

impl PlainSecrets<'_> {
    /// Stores a value, a text or an object, under a name; an older value is gone.
    pub async fn save(
        &self,
        actor: &Actor,
        name: &ConnectionName,
        value: &Json,
    ) -> Result<PlainSecret, Error> {
        actor.require(Role::Admin)?;
        if !(value.is_string() || value.is_object()) {
            return Err(Error::Invalid {
                what: "secret",
                why: "its value is a text or an object".to_owned(),
            });
        }
        let sealed = self
            .0
            .inner
            .shared
            .vault
            .seal(place(&name.key()), value.to_string().as_bytes());
        let (actor, name) = (actor.clone(), name.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let row = tx.query_one(
                "INSERT INTO secrets (name_key, name, sealed, version, created_by, created_at, updated_at)
                 VALUES ($1, $2, $3, 1, $4, $5, $5)
                 ON CONFLICT (name_key) DO UPDATE SET sealed = excluded.sealed, version = secrets.version + 1,
                 updated_at = excluded.updated_at
                 RETURNING name, version, created_by, created_at, updated_at",
                [
                    name.key().into(),
                    name.as_str().into(),
                    sealed.clone().into(),
                    actor.id.as_str().into(),
                    shared.clock.now().into(),
                ],
            )?;
            let saved = secret(&row.ok_or_else(|| Error::not_found("secret", &name))?)?;
            let detail = json!({ "version": saved.version });
            let entry = Entry::new(&actor, "secret.saved", &saved.name, detail);
            Ok(Outcome::audited(saved, entry))
        };
        self.0.change(work).await
    }

    /// All plain secrets by name, without their values.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<PlainSecret>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT name, version, created_by, created_at, updated_at FROM secrets ORDER BY name_key",
            [],
        );
        rows.await?.iter().map(secret).collect()
    }

    /// The value of one secret, for a run that declares it.
    pub async fn read(&self, name: &ConnectionName) -> Result<Option<Json>, Error> {
        let key = name.key();
        let rows = self.0.read(
            "SELECT sealed FROM secrets WHERE name_key = $1",
            [key.as_str().into()],
        );
        let Some(row) = rows.await?.into_iter().next() else {
            return Ok(None);
        };
        let opened = self
            .0
            .inner
            .shared
            .vault
            .open_text(place(&key), row.bytes(0)?);
        let text = opened.map_err(|_| Error::Unreadable {
            what: format!("secret {name}"),
        })?;
        from_json("secret", &text).map(Some)
    }

    /// Takes the value of every secret out of what is shown, whoever reads it and wherever it came from. One that can't be unsealed
    /// nobody can have read.
    pub async fn redactor(&self) -> Result<Redactor, Error> {
        let rows = self
            .0
            .read("SELECT name_key, sealed FROM secrets", [])
            .await?;
        let vault = &self.0.inner.shared.vault;
        let mut values = Vec::with_capacity(rows.len());
        for row in &rows {
            if let Ok(text) = vault.open_text(place(row.text(0)?), row.bytes(1)?) {
                values.push(from_json::<Json>("secret", &text)?);
            }
        }
        Ok(Redactor::of_others(&values))
    }

    /// Deletes a secret.
    pub async fn remove(&self, actor: &Actor, name: &ConnectionName) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let (actor, name) = (actor.clone(), name.clone());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let removed = tx.execute(
                "DELETE FROM secrets WHERE name_key = $1",
                [name.key().into()],
            )?;
            if removed == 0 {
                return Err(Error::not_found("secret", &name));
            }
            let entry = Entry::new(&actor, "secret.removed", &name, json!({}));
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }
}

fn place(key: &str) -> Place<'_> {
    Place {
        table: "secrets",
        column: "sealed",
        row: key,
    }
}

fn secret(row: &Row) -> Result<PlainSecret, Error> {
    Ok(PlainSecret {
        name: ConnectionName::parse(row.text(0)?)?,
        version: row.int(1)?,
        created_by: row.text(2)?.to_owned(),
        created_at: row.time(3)?,
        updated_at: row.time(4)?,
    })
}
