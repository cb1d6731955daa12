//! Webhooks: where events of the installation are sent, and the secrets that sign them (Standard Webhooks).
//!
//! A secret is answered once, when it is made. After a rotation the one before signs too, for a day.

use jiff::{SignedDuration, Timestamp};
use oauth::Secret;
use serde::{Deserialize, Serialize};
use serde_json::json;
use url::Url;
use zeroize::Zeroizing;

use crate::{
    Actor, ConnectionName, Entry, Error, EventType, Outcome, Role, Row, Shared, Store, Tx, Vault,
    WebhookId, deliveries,
    events::after,
    id::random_bytes,
    settings::{from_json, to_json},
    vault::Place,
};

/// How long the secret before signs beside the new one.
const OVERLAP: SignedDuration = SignedDuration::from_hours(24);

/// Where events are sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Webhook {
    /// Names it for ever.
    pub id: WebhookId,
    /// What people call it; written as a connection's name is.
    pub name: ConnectionName,
    /// Where events are posted.
    pub url: Url,
    /// Which events; empty for all.
    pub types: Vec<EventType>,
    /// Grows with each change.
    pub version: i64,
    /// Since when nothing is sent.
    pub disabled_at: Option<Timestamp>,
    /// Why: a person's doing, or the receiver's answer.
    pub disabled_why: Option<String>,
    /// What signs; `None` if it can't be unsealed.
    pub secrets: Option<SigningSecrets>,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// What signs the messages of a webhook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningSecrets {
    /// `whsec_…`.
    pub current: Secret,
    /// The one before, and until when it signs too.
    pub previous: Option<(Secret, Timestamp)>,
}

impl SigningSecrets {
    fn new() -> Self {
        use base64::Engine as _;
        let random = base64::engine::general_purpose::STANDARD.encode(random_bytes::<32>());
        Self {
            current: Secret::new(format!("whsec_{random}")),
            previous: None,
        }
    }

    /// The secrets that sign at a time, the newest first.
    pub fn at(&self, now: Timestamp) -> impl Iterator<Item = &Secret> {
        let previous = self.previous.iter().filter(move |(_, until)| now < *until);
        std::iter::once(&self.current).chain(previous.map(|(secret, _)| secret))
    }

    fn sealed(&self, vault: &Vault, id: &WebhookId) -> Vec<u8> {
        let previous = self.previous.as_ref();
        let text = to_json(&Stored {
            current: self.current.expose(),
            previous: previous.map(|(secret, until)| (secret.expose(), *until)),
        });
        vault.seal(place(id), Zeroizing::new(text).as_bytes())
    }

    fn opened(vault: &Vault, id: &WebhookId, envelope: &[u8]) -> Option<Self> {
        let text = vault.open_text(place(id), envelope).ok()?;
        let stored: Stored<'_> = serde_json::from_str(&text).ok()?;
        Some(Self {
            current: Secret::new(stored.current),
            previous: stored
                .previous
                .map(|(secret, until)| (Secret::new(secret), until)),
        })
    }
}

/// The secrets as they are sealed.
#[derive(Serialize, Deserialize)]
struct Stored<'a> {
    current: &'a str,
    previous: Option<(&'a str, Timestamp)>,
}

/// Where events are to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookSettings {
    /// What people will call it.
    pub name: ConnectionName,
    /// Where events are posted.
    pub url: Url,
    /// Which events; empty for all.
    pub types: Vec<EventType>,
    /// Why nothing is sent, if that is so.
    pub disabled_why: Option<String>,
}

/// The webhooks.
pub struct Webhooks<'a>(pub(crate) &'a Store);

impl Webhooks<'_> {
    /// All webhooks, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Webhook>, Error> {
        actor.require(Role::Admin)?;
        let rows = self.0.read(
            "SELECT id, name, url, types, version, disabled_at, disabled_why, sealed, created_by, created_at, updated_at
             FROM webhooks ORDER BY name_key",
            [],
        );
        let vault = &self.0.inner.shared.vault;
        rows.await?.iter().map(|row| webhook(vault, row)).collect()
    }

    /// One webhook by its name, ignoring case.
    pub async fn find(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Option<Webhook>, Error> {
        actor.require(Role::Admin)?;
        let rows = self.0.read(
            "SELECT id, name, url, types, version, disabled_at, disabled_why, sealed, created_by, created_at, updated_at
             FROM webhooks WHERE name_key = $1",
            [name.key().into()],
        );
        let vault = &self.0.inner.shared.vault;
        rows.await?
            .first()
            .map(|row| webhook(vault, row))
            .transpose()
    }

    /// Makes a webhook, with a signing secret of its own.
    pub async fn add(&self, actor: &Actor, new: WebhookSettings) -> Result<Webhook, Error> {
        actor.require(Role::Admin)?;
        let actor = actor.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            free(tx, &new.name, None)?;
            let now = shared.clock.now();
            let id = WebhookId::random();
            let secrets = SigningSecrets::new();
            tx.execute(
                "INSERT INTO webhooks
                 (id, name, name_key, url, types, sealed, version, created_by, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, 1, $7, $8, $8)",
                [
                    id.as_str().into(),
                    new.name.as_str().into(),
                    new.name.key().into(),
                    new.url.as_str().into(),
                    to_json(&new.types).into(),
                    secrets.sealed(&shared.vault, &id).into(),
                    actor.id.as_str().into(),
                    now.into(),
                ],
            )?;
            let detail = json!({ "name": new.name, "host": new.url.host_str() });
            let entry = Entry::new(&actor, "webhook.added", &id, detail);
            Ok(Outcome::audited(found(tx, shared, &id)?, entry))
        };
        self.0.change(work).await
    }

    /// Changes a webhook, if it still is at the expected version; `None` stands for any.
    pub async fn save(
        &self,
        actor: &Actor,
        id: &WebhookId,
        expected_version: Option<i64>,
        new: WebhookSettings,
    ) -> Result<Webhook, Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let old = found(tx, shared, &id)?;
            if expected_version.is_some_and(|expected| expected != old.version) {
                return Err(Error::Version {
                    current: old.version,
                });
            }
            free(tx, &new.name, Some(&id))?;
            let now = shared.clock.now();
            let disabled_at = new
                .disabled_why
                .as_ref()
                .map(|_| old.disabled_at.unwrap_or(now));
            tx.execute(
                "UPDATE webhooks SET name = $1, name_key = $2, url = $3, types = $4, disabled_at = $5, disabled_why = $6,
                 version = version + 1, updated_at = $7 WHERE id = $8",
                [
                    new.name.as_str().into(),
                    new.name.key().into(),
                    new.url.as_str().into(),
                    to_json(&new.types).into(),
                    disabled_at.into(),
                    new.disabled_why.clone().into(),
                    now.into(),
                    id.as_str().into(),
                ],
            )?;
            if new.disabled_why.is_some() {
                deliveries::give_up(tx, &id)?;
            }
            let detail = json!({
                "name": new.name,
                "host": new.url.host_str(),
                "disabled": new.disabled_why,
            });
            let entry = Entry::new(&actor, "webhook.changed", &id, detail);
            Ok(Outcome::audited(found(tx, shared, &id)?, entry))
        };
        self.0.change(work).await
    }

    /// Makes a new signing secret; the one before signs too for a day.
    pub async fn rotate(&self, actor: &Actor, id: &WebhookId) -> Result<Webhook, Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let old = found(tx, shared, &id)?;
            let now = shared.clock.now();
            let secrets = SigningSecrets {
                previous: old
                    .secrets
                    .map(|before| (before.current, after(now, OVERLAP))),
                ..SigningSecrets::new()
            };
            tx.execute(
                "UPDATE webhooks SET sealed = $1, version = version + 1, updated_at = $2 WHERE id = $3",
                [
                    secrets.sealed(&shared.vault, &id).into(),
                    now.into(),
                    id.as_str().into(),
                ],
            )?;
            let entry = Entry::new(
                &actor,
                "webhook.secret_rotated",
                &id,
                json!({ "name": old.name }),
            );
            Ok(Outcome::audited(found(tx, shared, &id)?, entry))
        };
        self.0.change(work).await
    }

    /// Deletes a webhook with its deliveries.
    pub async fn remove(&self, actor: &Actor, id: &WebhookId) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let removed = tx.query_one(
                "DELETE FROM webhooks WHERE id = $1 RETURNING name",
                [id.as_str().into()],
            )?;
            let removed = removed.ok_or_else(|| Error::not_found("webhook", &id))?;
            let detail = json!({ "name": removed.text(0)? });
            let entry = Entry::new(&actor, "webhook.removed", &id, detail);
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }
}

fn place(id: &WebhookId) -> Place<'_> {
    Place {
        table: "webhooks",
        column: "sealed",
        row: id.as_str(),
    }
}

/// Refuses a name that another webhook has.
fn free(tx: &mut Tx<'_>, name: &ConnectionName, own: Option<&WebhookId>) -> Result<(), Error> {
    let taken = tx.query_one(
        "SELECT id FROM webhooks WHERE name_key = $1",
        [name.key().into()],
    )?;
    match taken {
        Some(row) if own.map(WebhookId::as_str) != Some(row.text(0)?) => {
            Err(Error::conflict("webhook", name))
        }
        _ => Ok(()),
    }
}

pub(crate) fn found(tx: &mut Tx<'_>, shared: &Shared, id: &WebhookId) -> Result<Webhook, Error> {
    let row = tx.query_one(
        "SELECT id, name, url, types, version, disabled_at, disabled_why, sealed, created_by, created_at, updated_at
         FROM webhooks WHERE id = $1",
        [id.as_str().into()],
    )?;
    let row = row.ok_or_else(|| Error::not_found("webhook", id))?;
    webhook(&shared.vault, &row)
}

fn webhook(vault: &Vault, row: &Row) -> Result<Webhook, Error> {
    let id = WebhookId::parse(row.text(0)?)?;
    Ok(Webhook {
        name: ConnectionName::parse(row.text(1)?)?,
        url: Url::parse(row.text(2)?).map_err(|error| Error::stored("webhook", error))?,
        types: from_json("webhook", row.text(3)?)?,
        version: row.int(4)?,
        disabled_at: row.opt_time(5)?,
        disabled_why: row.opt_text(6)?.map(str::to_owned),
        secrets: SigningSecrets::opened(vault, &id, row.bytes(7)?),
        created_by: row.text(8)?.to_owned(),
        created_at: row.time(9)?,
        updated_at: row.time(10)?,
        id,
    })
}
