//! Connections: settings, sealed secrets, how each stands; and the drafts that reserve an id for a redirect URI.
//!
//! Deliberately without rules: which edit wipes what, and what a state means, is decided by the caller.

use jiff::Timestamp;
use oauth::State;
use serde_json::json;

use crate::{
    Actor, Authentication, ConnectionId, ConnectionName, Entry, Error, Outcome, Role, Row, Secrets,
    Settings, Shared, Standing, Store, Tx, Vault, events,
    settings::{from_json, to_json},
    tokens,
    vault::Place,
};

/// A stored connection.
#[derive(Debug, Clone, PartialEq)]
pub struct Connection {
    /// Names it for ever.
    pub id: ConnectionId,
    /// What people call it.
    pub name: ConnectionName,
    /// Grows with each edit.
    pub version: i64,
    /// What a person typed.
    pub settings: Settings,
    /// Its secrets; `None` if they can't be unsealed.
    pub secrets: Option<Secrets>,
    /// How it stands.
    pub standing: Standing,
    /// Who made it.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last edited.
    pub updated_at: Timestamp,
}

/// What is needed to make a connection.
#[derive(Debug, Clone)]
pub struct NewConnection {
    /// What people will call it.
    pub name: ConnectionName,
    /// What a person typed.
    pub settings: Settings,
    /// Its secrets.
    pub secrets: Secrets,
}

/// An edit of a connection.
#[derive(Debug, Clone)]
pub struct Edit {
    /// Another name.
    pub name: Option<ConnectionName>,
    /// All settings, as they shall be.
    pub settings: Settings,
    /// All secrets, as they shall be; `None` keeps them.
    pub secrets: Option<Secrets>,
    /// How it stands after the edit; `None` keeps it.
    pub standing: Option<Standing>,
    /// What happens to the token.
    pub tokens: WipeTokens,
}

/// One of several connections that are made or edited together.
#[derive(Debug, Clone)]
pub enum Step {
    /// A new one.
    Add(Box<NewConnection>),
    /// One that is there.
    Save {
        /// Which.
        id: ConnectionId,
        /// At which version it has to be still.
        expected_version: i64,
        /// What becomes of it.
        edit: Box<Edit>,
    },
}

/// What an edit does to the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WipeTokens {
    /// It stays.
    Keep,
    /// It goes, and a renewal that is under way can't bring it back.
    Wipe,
}

/// Two numbers that tell whether what was read before still holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// Grows with each change of the connection, its standing included.
    pub revision: i64,
    /// The token's generation.
    pub generation: i64,
}

/// A connection that is to be tried again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// Which.
    pub id: ConnectionId,
    /// Its name.
    pub name: ConnectionName,
    /// Since when its provider is in trouble.
    pub since: Timestamp,
    /// Not before.
    pub retry_at: Timestamp,
}

/// The connections.
pub struct Connections<'a>(pub(crate) &'a Store);

impl Connections<'_> {
    /// All connections, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Connection>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT id, name, version, settings, sealed, standing, created_by, created_at, updated_at
             FROM connections ORDER BY name_key",
            [],
        );
        rows.await?.iter().map(|row| self.record(row)).collect()
    }

    /// The connections whose provider is in trouble or asked to wait, and that know when to ask again.
    pub async fn troubled(&self) -> Result<Vec<Trouble>, Error> {
        // Standings are JSON of ours, always written the same way; what else has such words in it is sorted out below.
        let rows = self.0.read(
            "SELECT id, name, standing FROM connections
             WHERE standing LIKE '%\"waiting\"%' OR standing LIKE '%\"degraded\"%' ORDER BY id",
            [],
        );
        let mut troubled = Vec::new();
        for row in &rows.await? {
            let standing: Standing = from_json("standing", row.text(2)?)?;
            let Some(retry_at) = standing.retry_at else {
                continue;
            };
            if matches!(standing.state, State::Waiting | State::Degraded) {
                troubled.push(Trouble {
                    id: ConnectionId::parse(row.text(0)?)?,
                    name: ConnectionName::parse(row.text(1)?)?,
                    since: standing.since,
                    retry_at,
                });
            }
        }
        Ok(troubled)
    }

    /// One connection by its name, ignoring case.
    pub async fn find(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Option<Connection>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT id, name, version, settings, sealed, standing, created_by, created_at, updated_at
             FROM connections WHERE name_key = $1",
            [name.key().into()],
        );
        rows.await?.first().map(|row| self.record(row)).transpose()
    }

    /// One connection by its id.
    pub async fn find_by_id(
        &self,
        actor: &Actor,
        id: &ConnectionId,
    ) -> Result<Option<Connection>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(BY_ID, [id.as_str().into()]).await?;
        rows.first().map(|row| self.record(row)).transpose()
    }

    fn record(&self, row: &Row) -> Result<Connection, Error> {
        connection(&self.0.inner.shared.vault, row)
    }

    /// Tells cheaply whether what was read before still holds, also when another process changed it.
    pub async fn stamp(&self, actor: &Actor, id: &ConnectionId) -> Result<Option<Stamp>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT c.revision, COALESCE(t.generation, 0) FROM connections c
             LEFT JOIN tokens t ON t.connection = c.id WHERE c.id = $1",
            [id.as_str().into()],
        );
        let stamp = |row: &Row| {
            Ok(Stamp {
                revision: row.int(0)?,
                generation: row.int(1)?,
            })
        };
        rows.await?.first().map(stamp).transpose()
    }

    /// Reserves an id for a name, so that a redirect URI can be registered before the rest is known.
    ///
    /// The same name gets the same id again; [`Connections::add`] takes it over.
    pub async fn reserve(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<ConnectionId, Error> {
        actor.require(Role::Admin)?;
        let (actor, name) = (actor.clone(), name.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let taken = tx.query_one(TAKEN, [name.key().into()])?;
            if taken.is_some() {
                return Err(Error::conflict("connection", &name));
            }
            if let Some(row) = tx.query_one(DRAFT, [name.key().into()])? {
                return Ok(Outcome::unaudited(ConnectionId::parse(row.text(0)?)?));
            }
            let id = ConnectionId::random();
            tx.execute(
                "INSERT INTO drafts (id, name, name_key, created_by, created_at) VALUES ($1, $2, $3, $4, $5)",
                [
                    id.as_str().into(),
                    name.as_str().into(),
                    name.key().into(),
                    actor.id.as_str().into(),
                    shared.clock.now().into(),
                ],
            )?;
            let detail = json!({ "name": name });
            let entry = Entry::new(&actor, "connection.reserved", &id, detail);
            Ok(Outcome::audited(id, entry))
        };
        self.0.change(work).await
    }

    /// Records that connections were exported as text, without their secrets; nothing changes.
    pub async fn exported(&self, actor: &Actor, exported: &[Connection]) -> Result<(), Error> {
        actor.require(Role::Viewer)?;
        let subject = match exported {
            [one] => one.id.to_string(),
            _ => "connections".to_owned(),
        };
        let names = exported.iter().map(|each| each.name.as_str());
        let detail = json!({
            "count": exported.len(),
            "names": names.take(NAMES_TOLD).collect::<Vec<_>>(),
        });
        let entry = Entry::new(actor, "connection.exported", subject, detail);
        let work = move |_: &mut Tx<'_>, _: &Shared| Ok(Outcome::audited((), entry.clone()));
        self.0.change(work).await
    }

    /// The id that is reserved for a name.
    pub async fn draft(
        &self,
        actor: &Actor,
        name: &ConnectionName,
    ) -> Result<Option<ConnectionId>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(DRAFT, [name.key().into()]).await?;
        rows.first()
            .map(|row| ConnectionId::parse(row.text(0)?))
            .transpose()
    }

    /// Makes a connection; a draft of the same name gives it its id.
    pub async fn add(&self, actor: &Actor, new: NewConnection) -> Result<Connection, Error> {
        actor.require(Role::Admin)?;
        let actor = actor.clone();
        self.0
            .change(move |tx, shared| add(tx, shared, &actor, &new))
            .await
    }

    /// Edits a connection, if it still is at the expected version.
    pub async fn save(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        expected_version: i64,
        edit: Edit,
    ) -> Result<Connection, Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let old = expected(tx, shared, &id, expected_version)?;
            save(tx, shared, &actor, old, &edit)
        };
        self.0.change(work).await
    }

    /// Makes and edits several connections, all or none of them; answers them in the same order.
    pub async fn apply(&self, actor: &Actor, steps: Vec<Step>) -> Result<Vec<Connection>, Error> {
        actor.require(Role::Admin)?;
        let actor = actor.clone();
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let mut all = Outcome::unaudited(Vec::with_capacity(steps.len()));
            for step in &steps {
                let one = match step {
                    Step::Add(new) => add(tx, shared, &actor, new)?,
                    Step::Save {
                        id,
                        expected_version,
                        edit,
                    } => {
                        let old = expected(tx, shared, id, *expected_version)?;
                        save(tx, shared, &actor, old, edit)?
                    }
                };
                all.value.push(one.value);
                all.audit.extend(one.audit);
                all.touched.extend(one.touched);
            }
            Ok(all)
        };
        self.0.change(work).await
    }

    /// Stores how a connection stands; a change of state is audited.
    pub async fn standing(
        &self,
        actor: &Actor,
        id: &ConnectionId,
        standing: Standing,
    ) -> Result<(), Error> {
        actor.require(Role::Operator)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let old = found(tx, &shared.vault, &id)?;
            tx.execute(
                "UPDATE connections SET standing = $1, revision = revision + 1 WHERE id = $2",
                [to_json(&standing).into(), id.as_str().into()],
            )?;
            let outcome = if old.standing.state == standing.state {
                Outcome::unaudited(())
            } else {
                events::state_changed(tx, shared.clock.now(), &old, &standing)?;
                Outcome::audited((), state_changed(&actor, &old, &standing))
            };
            Ok(outcome.touching(&id))
        };
        self.0.change(work).await
    }

    /// Deletes a connection with its token and whatever sign-in is under way.
    pub async fn remove(&self, actor: &Actor, id: &ConnectionId) -> Result<(), Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, _: &Shared| {
            let removed = tx.query_one(
                "DELETE FROM connections WHERE id = $1 RETURNING name",
                [id.as_str().into()],
            )?;
            let removed = removed.ok_or_else(|| Error::not_found("connection", &id))?;
            let detail = json!({ "name": removed.text(0)? });
            let entry = Entry::new(&actor, "connection.removed", &id, detail);
            Ok(Outcome::audited((), entry).touching(&id))
        };
        self.0.change(work).await
    }
}

/// So many names of exported connections are audited; their number always is.
const NAMES_TOLD: usize = 100;
const BY_ID: &str =
    "SELECT id, name, version, settings, sealed, standing, created_by, created_at, updated_at
    FROM connections WHERE id = $1";
const TAKEN: &str = "SELECT id FROM connections WHERE name_key = $1";
const DRAFT: &str = "SELECT id FROM drafts WHERE name_key = $1";

fn place(id: &ConnectionId) -> Place<'_> {
    Place {
        table: "connections",
        column: "sealed",
        row: id.as_str(),
    }
}

/// Reads a row; secrets that can't be unsealed make this one connection unreadable, and no other.
fn connection(vault: &Vault, row: &Row) -> Result<Connection, Error> {
    let mut found = as_stored(vault, row)?;
    if found.secrets.is_none() {
        found.standing.state = State::Unreadable;
    }
    Ok(found)
}

fn as_stored(vault: &Vault, row: &Row) -> Result<Connection, Error> {
    let id = ConnectionId::parse(row.text(0)?)?;
    let unsealed = vault.open_text(place(&id), row.bytes(4)?).ok();
    let secrets = unsealed.and_then(|text| Secrets::from_sealed(&text).ok());
    Ok(Connection {
        id,
        name: ConnectionName::parse(row.text(1)?)?,
        version: row.int(2)?,
        settings: from_json("settings", row.text(3)?)?,
        secrets,
        standing: from_json("standing", row.text(5)?)?,
        created_by: row.text(6)?.to_owned(),
        created_at: row.time(7)?,
        updated_at: row.time(8)?,
    })
}

fn found(tx: &mut Tx<'_>, vault: &Vault, id: &ConnectionId) -> Result<Connection, Error> {
    let row = tx.query_one(BY_ID, [id.as_str().into()])?;
    let row = row.ok_or_else(|| Error::not_found("connection", id))?;
    as_stored(vault, &row)
}

/// A connection that has to be at a version still.
fn expected(
    tx: &mut Tx<'_>,
    shared: &Shared,
    id: &ConnectionId,
    version: i64,
) -> Result<Connection, Error> {
    let old = found(tx, &shared.vault, id)?;
    if old.version == version {
        Ok(old)
    } else {
        Err(Error::Version {
            current: old.version,
        })
    }
}

fn add(
    tx: &mut Tx<'_>,
    shared: &Shared,
    actor: &Actor,
    new: &NewConnection,
) -> Result<Outcome<Connection>, Error> {
    let key = new.name.key();
    if tx.query_one(TAKEN, [key.as_str().into()])?.is_some() {
        return Err(Error::conflict("connection", &new.name));
    }
    let draft = tx.query_one(
        "DELETE FROM drafts WHERE name_key = $1 RETURNING id",
        [key.as_str().into()],
    )?;
    let id = match draft {
        Some(row) => ConnectionId::parse(row.text(0)?)?,
        None => ConnectionId::random(),
    };
    let now = shared.clock.now();
    let state = match new.settings.authentication {
        Authentication::OAuth(_) => State::NeverAuthorized,
        _ => State::Ok,
    };
    let added = Connection {
        id,
        name: new.name.clone(),
        version: 1,
        settings: new.settings.clone(),
        secrets: Some(new.secrets.clone()),
        standing: Standing::new(state, now),
        created_by: actor.id.clone(),
        created_at: now,
        updated_at: now,
    };
    let sealed = shared
        .vault
        .seal(place(&added.id), new.secrets.to_sealable().as_bytes());
    tx.execute(
        "INSERT INTO connections
         (id, name, name_key, version, revision, settings, sealed, standing, created_by, created_at, updated_at)
         VALUES ($1, $2, $3, 1, 1, $4, $5, $6, $7, $8, $8)",
        [
            added.id.as_str().into(),
            added.name.as_str().into(),
            key.into(),
            to_json(&added.settings).into(),
            sealed.into(),
            to_json(&added.standing).into(),
            actor.id.as_str().into(),
            now.into(),
        ],
    )?;
    let detail = json!({ "name": added.name, "preset": added.settings.preset });
    let entry = Entry::new(actor, "connection.added", &added.id, detail);
    let id = added.id.clone();
    Ok(Outcome::audited(added, entry).touching(&id))
}

fn save(
    tx: &mut Tx<'_>,
    shared: &Shared,
    actor: &Actor,
    old: Connection,
    edit: &Edit,
) -> Result<Outcome<Connection>, Error> {
    let name = edit.name.as_ref().unwrap_or(&old.name);
    let other = tx.query_one(TAKEN, [name.key().into()])?;
    if other.is_some_and(|row| row.text(0) != Ok(old.id.as_str())) {
        return Err(Error::conflict("connection", name));
    }
    let now = shared.clock.now();
    let standing = edit.standing.as_ref().unwrap_or(&old.standing);
    tx.execute(
        "UPDATE connections SET name = $1, name_key = $2, version = version + 1, revision = revision + 1,
         settings = $3, standing = $4, updated_at = $5 WHERE id = $6",
        [
            name.as_str().into(),
            name.key().into(),
            to_json(&edit.settings).into(),
            to_json(standing).into(),
            now.into(),
            old.id.as_str().into(),
        ],
    )?;
    if let Some(secrets) = &edit.secrets {
        let sealed = shared
            .vault
            .seal(place(&old.id), secrets.to_sealable().as_bytes());
        tx.execute(
            "UPDATE connections SET sealed = $1 WHERE id = $2",
            [sealed.into(), old.id.as_str().into()],
        )?;
    }
    let wiped = match edit.tokens {
        WipeTokens::Keep => false,
        WipeTokens::Wipe => tokens::wipe(tx, &old.id)?,
    };
    let detail = json!({
        "name": name,
        "version": old.version + 1,
        "settings_changed": old.settings != edit.settings,
        "secrets": edit.secrets.as_ref().map(|secrets| secrets.slots().collect::<Vec<_>>()),
        "token_wiped": wiped,
    });
    let mut audit = vec![Entry::new(actor, "connection.changed", &old.id, detail)];
    if old.standing.state != standing.state {
        events::state_changed(tx, now, &old, standing)?;
        audit.push(state_changed(actor, &old, standing));
    }
    let saved = found(tx, &shared.vault, &old.id)?;
    let touched = vec![old.id];
    Ok(Outcome {
        value: saved,
        audit,
        touched,
    })
}

fn state_changed(actor: &Actor, old: &Connection, new: &Standing) -> Entry {
    let detail = json!({
        "name": old.name,
        "from": old.standing.state,
        "to": new.state,
        "code": new.diagnosis.as_ref().map(|diagnosis| &diagnosis.code),
    });
    Entry::new(actor, "connection.state_changed", &old.id, detail)
}
