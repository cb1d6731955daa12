//! The audit log: a keyed chain of rows, written in the transaction of the change that they record.
//!
//! Each row's code covers the row and the code before it; the head, signed too, says how many there are. Without the key
//! nobody can edit, insert, delete, reorder, restamp or truncate unseen. Going back to an older state of the whole table
//! shows against a [`Checkpoint`] that was kept elsewhere. Rows are never changed or deleted here.

use aws_lc_rs::hmac;
use jiff::Timestamp;

use crate::{
    Actor, AuditId, Entry, Error, Role, Row, Shared, Store, Tx, Value, Vault, pool::Session,
    schema::hex, settings::from_json, vault::KeyId,
};

const PAGE: i64 = 1000;
const NO_ROW_YET: [u8; 32] = [0; 32];

/// A row of the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    /// Its place in the chain, from 1.
    pub seq: i64,
    /// Names it for ever.
    pub id: AuditId,
    /// When.
    pub at: Timestamp,
    /// Who: `usr_…`, `key_…`, `local`, `system`, `setup` or `anonymous`.
    pub actor_id: String,
    /// What the actor was called.
    pub actor_name: String,
    /// What was done, such as `connection.added`.
    pub action: String,
    /// To what: an id or a name.
    pub subject: String,
    /// Further facts; never secrets.
    pub detail: serde_json::Value,
}

/// Which rows of the audit log; everything that is `None` is not looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Not earlier than.
    pub since: Option<Timestamp>,
    /// Earlier than.
    pub until: Option<Timestamp>,
    /// By this actor's id.
    pub actor: Option<String>,
    /// Exactly this action.
    pub action: Option<String>,
    /// Exactly this subject.
    pub subject: Option<String>,
    /// Only rows before this place in the chain.
    pub before: Option<i64>,
    /// At most so many (0 = 100, never more than 1,000).
    pub limit: u32,
}

/// The signed end of the chain at one moment; kept elsewhere it shows a later truncation.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Checkpoint {
    /// How many rows there are.
    pub count: i64,
    /// The last row's code, hexadecimal.
    pub head: String,
    /// The signature over both, hexadecimal.
    pub signature: String,
}

/// What a check of the chain found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verified {
    /// Every row is as it was written, and none is missing.
    Intact(Checkpoint),
    /// Somebody changed the log.
    Broken {
        /// The first place that is wrong.
        seq: i64,
        /// What is wrong there.
        why: String,
    },
}

/// The audit log.
pub struct Audit<'a>(pub(crate) &'a Store);

impl Audit<'_> {
    /// The rows that a filter lets through, newest first.
    pub async fn list(&self, actor: &Actor, filter: &AuditFilter) -> Result<Vec<AuditRow>, Error> {
        actor.require(Role::Admin)?;
        let rows = self
            .0
            .read(
                "SELECT seq, id, at, actor_id, actor_name, action, subject, detail FROM audit
                 WHERE (CAST($1 AS BIGINT) IS NULL OR at >= $1)
                   AND (CAST($2 AS BIGINT) IS NULL OR at < $2)
                   AND (CAST($3 AS TEXT) IS NULL OR actor_id = $3)
                   AND (CAST($4 AS TEXT) IS NULL OR action = $4)
                   AND (CAST($5 AS TEXT) IS NULL OR subject = $5)
                   AND (CAST($6 AS BIGINT) IS NULL OR seq < $6)
                 ORDER BY seq DESC LIMIT $7",
                [
                    filter.since.into(),
                    filter.until.into(),
                    filter.actor.clone().into(),
                    filter.action.clone().into(),
                    filter.subject.clone().into(),
                    filter.before.into(),
                    page_size(filter.limit).into(),
                ],
            )
            .await?;
        rows.iter().map(audit_row).collect()
    }

    /// The signed end of the chain.
    pub async fn checkpoint(&self, actor: &Actor) -> Result<Checkpoint, Error> {
        actor.require(Role::Admin)?;
        let rows = self.0.read(HEAD, []).await?;
        let head = Head::check(&self.0.inner.shared.vault, rows.first())?;
        Ok(head.checkpoint())
    }

    /// Checks the whole chain, and that it still contains an earlier checkpoint.
    pub async fn verify(
        &self,
        actor: &Actor,
        earlier: Option<&Checkpoint>,
    ) -> Result<Verified, Error> {
        actor.require(Role::Admin)?;
        match self.walk(earlier).await {
            Ok(head) => Ok(Verified::Intact(head.checkpoint())),
            Err(Flaw::Broken { seq, why }) => Ok(Verified::Broken { seq, why }),
            Err(Flaw::Error(error)) => Err(error),
        }
    }

    async fn walk(&self, earlier: Option<&Checkpoint>) -> Result<Head, Flaw> {
        let vault = &self.0.inner.shared.vault;
        let head = self.head().await?;
        let mut marks = vec![(head.count, hex(&head.code))];
        if let Some(checkpoint) = earlier {
            if !checkpoint.is_signed(vault) {
                return Err(Flaw::at(
                    0,
                    "the checkpoint was not signed by this installation",
                ));
            }
            marks.push((checkpoint.count, checkpoint.head.clone()));
        }
        let mut chain = Chain {
            vault,
            seq: 0,
            code: NO_ROW_YET.to_vec(),
        };
        loop {
            chain.compare(&marks)?;
            let rows = self.0.read(CHAIN, [chain.seq.into(), PAGE.into()]).await?;
            if rows.is_empty() {
                break;
            }
            for row in &rows {
                chain.follow(row)?;
                chain.compare(&marks)?;
            }
        }
        if let Some((count, _)) = marks.iter().find(|(count, _)| *count > chain.seq) {
            let why = format!("there were {count} rows, and there are {}", chain.seq);
            return Err(Flaw::at(chain.seq + 1, why));
        }
        // Rows that were added meanwhile came with a newer head.
        let newest = self.head().await?;
        if newest.count < chain.seq {
            return Err(Flaw::at(
                newest.count + 1,
                "the row lies behind the signed end",
            ));
        }
        Ok(head)
    }

    async fn head(&self) -> Result<Head, Flaw> {
        let rows = self.0.read(HEAD, []).await?;
        Ok(Head::check(&self.0.inner.shared.vault, rows.first())?)
    }
}

const HEAD: &str = "SELECT count, code, key_id, signature FROM audit_head WHERE one = 1";
const CHAIN: &str =
    "SELECT seq, id, at, actor_id, actor_name, action, subject, detail, key_id, code FROM audit
    WHERE seq > $1 ORDER BY seq LIMIT $2";

/// What ends a walk along the chain.
enum Flaw {
    Broken { seq: i64, why: String },
    Error(Error),
}

impl Flaw {
    fn at(seq: i64, why: impl Into<String>) -> Self {
        Self::Broken {
            seq,
            why: why.into(),
        }
    }
}

impl From<Error> for Flaw {
    fn from(error: Error) -> Self {
        match error {
            Error::AuditBroken { detail } => Self::Broken {
                seq: 0,
                why: detail,
            },
            error => Self::Error(error),
        }
    }
}

/// A walk along the chain, from its first row.
struct Chain<'a> {
    vault: &'a Vault,
    seq: i64,
    code: Vec<u8>,
}

impl Chain<'_> {
    fn follow(&mut self, row: &Row) -> Result<(), Flaw> {
        let seq = self.seq + 1;
        let found = row.int(0)?;
        if found != seq {
            return Err(Flaw::at(seq, format!("the next row is {found}")));
        }
        let key = key_id(row.bytes(8)?).and_then(|id| self.vault.chain_key_of(id));
        let key = key.ok_or_else(|| Flaw::at(seq, "it names a key that is not ours"))?;
        let message = message(&self.code, row)?;
        let code = row.bytes(9)?;
        hmac::verify(&key, &message, code).map_err(|_| Flaw::at(seq, "it was changed"))?;
        self.seq = seq;
        self.code = code.to_vec();
        Ok(())
    }

    /// Compares the row that the walk is at with the rows that must be there.
    fn compare(&self, marks: &[(i64, String)]) -> Result<(), Flaw> {
        let other = marks
            .iter()
            .any(|(count, code)| *count == self.seq && *code != hex(&self.code));
        if other {
            return Err(Flaw::at(
                self.seq,
                "it is another row than the one that was signed",
            ));
        }
        Ok(())
    }
}

/// What a row's code covers. Each part has its length before it, so that none can flow into the next.
fn message(previous: &[u8], row: &Row) -> Result<Vec<u8>, Error> {
    let mut message = b"row".to_vec();
    message.extend(previous);
    message.extend(row.int(0)?.to_be_bytes());
    message.extend(row.int(2)?.to_be_bytes());
    for column in [1, 3, 4, 5, 6, 7] {
        let text = row.text(column)?;
        message.extend((text.len() as u64).to_be_bytes());
        message.extend(text.as_bytes());
    }
    Ok(message)
}

fn head_message(count: i64, code: &[u8]) -> Vec<u8> {
    let mut message = b"head".to_vec();
    message.extend(count.to_be_bytes());
    message.extend(code);
    message
}

fn key_id(bytes: &[u8]) -> Option<KeyId> {
    bytes.try_into().ok().map(KeyId)
}

/// The signed end of the chain.
struct Head {
    count: i64,
    code: Vec<u8>,
    signature: Vec<u8>,
}

impl Head {
    fn sign(key: &hmac::Key, count: i64, code: Vec<u8>) -> Self {
        let signature = hmac::sign(key, &head_message(count, &code))
            .as_ref()
            .to_vec();
        Self {
            count,
            code,
            signature,
        }
    }

    fn check(vault: &Vault, row: Option<&Row>) -> Result<Self, Error> {
        let flaw = |detail: &str| Error::AuditBroken {
            detail: detail.to_owned(),
        };
        let row = row.ok_or_else(|| flaw("its signed end is gone"))?;
        let (count, code, signature) = (row.int(0)?, row.bytes(1)?, row.bytes(3)?);
        let key = key_id(row.bytes(2)?).and_then(|id| vault.chain_key_of(id));
        let key = key.ok_or_else(|| flaw("its end names a key that is not ours"))?;
        hmac::verify(&key, &head_message(count, code), signature)
            .map_err(|_| flaw("its end was changed"))?;
        Ok(Self {
            count,
            code: code.to_vec(),
            signature: signature.to_vec(),
        })
    }

    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            count: self.count,
            head: hex(&self.code),
            signature: hex(&self.signature),
        }
    }
}

impl Checkpoint {
    fn is_signed(&self, vault: &Vault) -> bool {
        let (Some(code), Some(signature)) = (unhex(&self.head), unhex(&self.signature)) else {
            return false;
        };
        // By whichever key the installation had when it was made.
        let message = head_message(self.count, &code);
        let mut keys = vault.chain_keys().into_iter();
        keys.any(|key| hmac::verify(&key, &message, &signature).is_ok())
    }
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

/// Signs the end of an empty chain; part of the transaction that makes the database.
pub(crate) fn begin(session: &mut dyn Session, vault: &Vault) -> Result<(), Error> {
    let (id, key) = vault.chain_key();
    let head = Head::sign(&key, 0, NO_ROW_YET.to_vec());
    session.execute(
        "INSERT INTO audit_head (one, count, code, key_id, signature) VALUES (1, 0, $1, $2, $3)",
        &[
            head.code.into(),
            id.0.as_slice().into(),
            head.signature.into(),
        ],
    )?;
    Ok(())
}

/// Adds rows to the chain, in the transaction of the change that they record.
pub(crate) fn append(tx: &mut Tx<'_>, shared: &Shared, entries: &[Entry]) -> Result<(), Error> {
    if entries.is_empty() {
        return Ok(());
    }
    // A head that does not hold must not be signed anew: that would hide what was done to the log.
    let head = tx.query_one(HEAD, [])?;
    let Head {
        mut count,
        mut code,
        ..
    } = Head::check(&shared.vault, head.as_ref())?;
    let (key_id, key) = shared.vault.chain_key();
    for entry in entries {
        count += 1;
        let mut values = vec![
            Value::from(count),
            AuditId::random().to_string().into(),
            shared.clock.now().into(),
            entry.actor_id.as_str().into(),
            entry.actor_name.as_str().into(),
            entry.action.into(),
            entry.subject.as_str().into(),
            entry.detail.to_string().into(),
        ];
        let row = Row(values.clone());
        code = hmac::sign(&key, &message(&code, &row)?).as_ref().to_vec();
        values.push(key_id.0.as_slice().into());
        values.push(code.as_slice().into());
        tx.execute(
            "INSERT INTO audit (seq, id, at, actor_id, actor_name, action, subject, detail, key_id, code)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            values,
        )?;
    }
    let head = Head::sign(&key, count, code);
    tx.execute(
        "UPDATE audit_head SET count = $1, code = $2, key_id = $3, signature = $4 WHERE one = 1",
        [
            count.into(),
            head.code.into(),
            key_id.0.as_slice().into(),
            head.signature.into(),
        ],
    )?;
    Ok(())
}

fn audit_row(row: &Row) -> Result<AuditRow, Error> {
    Ok(AuditRow {
        seq: row.int(0)?,
        id: AuditId::parse(row.text(1)?)?,
        at: row.time(2)?,
        actor_id: row.text(3)?.to_owned(),
        actor_name: row.text(4)?.to_owned(),
        action: row.text(5)?.to_owned(),
        subject: row.text(6)?.to_owned(),
        detail: from_json("audit detail", row.text(7)?)?,
    })
}

/// How many rows a list answers: 100 unless told otherwise, never more than 1,000.
pub(crate) fn page_size(limit: u32) -> i64 {
    match limit {
        0 => 100,
        limit => limit.min(1000).into(),
    }
}
