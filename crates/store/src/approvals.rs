//! Questions that runs ask people. Each has a link with a token of 256 bits that is stored hashed and answers once.

use jiff::Timestamp;
use oauth::Secret;
use serde::Deserialize;
use serde_json::{Value as Json, json};

use crate::{
    Actor, ApprovalId, Entry, Error, Outcome, Role, Row, RunId, Shared, Store, Tx, Vault,
    authorizations::hash, id::random_token, letters, pool::Session, settings::from_json,
    vault::Place,
};

/// What every token begins with, so that a leaked one is recognised.
const PREFIX: &str = "kwa_";

/// A question that is to be asked.
#[derive(Debug, Clone)]
pub struct NewApproval {
    /// Names it; not its token.
    pub id: ApprovalId,
    /// The command that waits for the answer.
    pub command: String,
    /// What its link holds.
    pub token: Secret,
    /// What is asked, in one line.
    pub title: String,
    /// What whoever decides must know.
    pub detail: Json,
    /// Until when it can be answered.
    pub expires_at: Option<Timestamp>,
}

/// A question.
#[derive(Debug, Clone, PartialEq)]
pub struct Approval {
    /// Names it; not its token.
    pub id: ApprovalId,
    /// The run that asks.
    pub run: RunId,
    /// The command that waits for the answer.
    pub command: String,
    /// What is asked, in one line.
    pub title: String,
    /// What whoever decides must know.
    pub detail: Json,
    /// Since when.
    pub created_at: Timestamp,
    /// Until when it can be answered.
    pub expires_at: Option<Timestamp>,
    /// When it was answered.
    pub decided_at: Option<Timestamp>,
}

/// The questions.
pub struct Approvals<'a>(pub(crate) &'a Store);

impl Approvals<'_> {
    /// A new token for a link.
    pub fn new_token() -> Secret {
        random_token(PREFIX)
    }

    /// The question of a link, answered or not.
    pub async fn find_by_token(&self, token: &str) -> Result<Option<Approval>, Error> {
        if !token.starts_with(PREFIX) {
            return Ok(None);
        }
        let rows = self.0.read(BY_TOKEN, [hash(token).into()]).await?;
        self.first(&rows)
    }

    /// One question.
    pub async fn find(&self, actor: &Actor, id: &ApprovalId) -> Result<Option<Approval>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(BY_ID, [id.as_str().into()]).await?;
        self.first(&rows)
    }

    /// The questions that wait for an answer, oldest first.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<Approval>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(
            "SELECT id, run, command, title, sealed, created_at, expires_at, decided_at FROM approvals
             WHERE decided_at IS NULL ORDER BY created_at, id LIMIT 1000",
            [],
        );
        let vault = &self.0.inner.shared.vault;
        rows.await?.iter().map(|row| approval(vault, row)).collect()
    }

    /// The questions of a run.
    pub async fn of_run(&self, run: &RunId) -> Result<Vec<Approval>, Error> {
        let rows = self.0.read(
            "SELECT id, run, command, title, sealed, created_at, expires_at, decided_at FROM approvals
             WHERE run = $1 ORDER BY created_at, id",
            [run.as_str().into()],
        );
        let vault = &self.0.inner.shared.vault;
        rows.await?.iter().map(|row| approval(vault, row)).collect()
    }

    /// Answers a question, once; the run is told `body`.
    pub async fn decide(
        &self,
        actor: &Actor,
        approval: &Approval,
        outcome: &'static str,
        body: &Json,
    ) -> Result<(), Error> {
        let sealed = letters::seal(&self.0.inner.shared.vault, &approval.run, body);
        let (actor, approval) = (actor.clone(), approval.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now();
            let decided = tx.execute(
                "UPDATE approvals SET decided_at = $1 WHERE id = $2 AND decided_at IS NULL
                 AND (expires_at IS NULL OR expires_at > $1)",
                [now.into(), approval.id.as_str().into()],
            )?;
            if decided == 0 {
                return Err(Error::Busy {
                    what: format!("approval {:?}", approval.title),
                    done: "answered",
                    why: "it was answered before, or its time is over".to_owned(),
                });
            }
            letters::insert(tx, approval.run.as_str(), &sealed, now)?;
            let detail =
                json!({ "run": approval.run, "title": approval.title, "outcome": outcome });
            let entry = Entry::new(&actor, "approval.decided", &approval.id, detail);
            Ok(Outcome::audited((), entry))
        };
        self.0.change(work).await
    }

    fn first(&self, rows: &[Row]) -> Result<Option<Approval>, Error> {
        let vault = &self.0.inner.shared.vault;
        rows.first().map(|row| approval(vault, row)).transpose()
    }
}

/// What is sealed of a question.
#[derive(Deserialize)]
#[serde(untagged)]
enum Sealed {
    /// Title and detail.
    Whole(String, Json),
    /// The detail, of one that an older program asked: its title is in the row until the next start.
    Detail(serde_json::Map<String, Json>),
}

const BY_ID: &str = "SELECT id, run, command, title, sealed, created_at, expires_at, decided_at
    FROM approvals WHERE id = $1";
const BY_TOKEN: &str = "SELECT id, run, command, title, sealed, created_at, expires_at, decided_at
    FROM approvals WHERE token_hash = $1";

fn place(id: &str) -> Place<'_> {
    Place {
        table: "approvals",
        column: "sealed",
        row: id,
    }
}

fn approval(vault: &Vault, row: &Row) -> Result<Approval, Error> {
    let id = ApprovalId::parse(row.text(0)?)?;
    let opened = vault.open_text(place(id.as_str()), row.bytes(4)?);
    let text = opened.map_err(|_| Error::Unreadable {
        what: format!("approval {id}"),
    })?;
    let (title, detail) = match from_json("approval", &text)? {
        Sealed::Whole(title, detail) => (title, detail),
        Sealed::Detail(detail) => (row.text(3)?.to_owned(), detail.into()),
    };
    Ok(Approval {
        run: RunId::parse(row.text(1)?)?,
        command: row.text(2)?.to_owned(),
        title,
        detail,
        created_at: row.time(5)?,
        expires_at: row.opt_time(6)?,
        decided_at: row.opt_time(7)?,
        id,
    })
}

pub(crate) fn seal(vault: &Vault, approval: &NewApproval) -> Vec<u8> {
    let whole = json!([approval.title, approval.detail]);
    vault.seal(place(approval.id.as_str()), whole.to_string().as_bytes())
}

/// Seals the titles that an older program left readable in their rows.
pub(crate) fn seal_titles(session: &mut dyn Session, vault: &Vault) -> Result<(), Error> {
    let rows = session.query(
        "SELECT id, title, sealed FROM approvals WHERE title <> ''",
        &[],
    )?;
    for row in &rows {
        let id = row.text(0)?;
        // One that can't be unsealed is told of when it is looked at.
        let Ok(text) = vault.open_text(place(id), row.bytes(2)?) else {
            continue;
        };
        let detail: Json = from_json("approval", &text)?;
        let whole = json!([row.text(1)?, detail]).to_string();
        let sealed = vault.seal(place(id), whole.as_bytes());
        session.execute(
            "UPDATE approvals SET title = '', sealed = $1 WHERE id = $2",
            &[sealed.into(), id.into()],
        )?;
    }
    Ok(())
}

pub(crate) fn insert(
    tx: &mut Tx<'_>,
    run: &str,
    approval: &NewApproval,
    sealed: &[u8],
    now: Timestamp,
) -> Result<(), Error> {
    tx.execute(
        "INSERT INTO approvals (id, run, command, token_hash, title, sealed, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT DO NOTHING",
        [
            approval.id.as_str().into(),
            run.into(),
            approval.command.as_str().into(),
            hash(approval.token.expose()).into(),
            // sealed with the rest; the column is from before
            "".into(),
            sealed.into(),
            now.into(),
            approval.expires_at.into(),
        ],
    )?;
    Ok(())
}

/// Takes an unanswered question back.
pub(crate) fn forget(tx: &mut Tx<'_>, run: &str, command: &str) -> Result<(), Error> {
    tx.execute(
        "DELETE FROM approvals WHERE run = $1 AND command = $2 AND decided_at IS NULL",
        [run.into(), command.into()],
    )?;
    Ok(())
}
