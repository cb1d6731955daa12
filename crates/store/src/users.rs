//! People: names, roles, passwords (Argon2id), and how often a password may be tried.
//!
//! An unknown name and a locked one cost as much time as a known one. Attempts are counted in a transaction of their own, before the
//! password is looked at, so that nothing rolls the count back. How often one address may ask is the server's business.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use jiff::Timestamp;
use oauth::Secret;
use serde_json::json;
use tokio::sync::Semaphore;

use crate::{Actor, Entry, Error, Outcome, Role, Row, Shared, Store, Tx, UserId, id::random_bytes};

/// Longer passwords are refused: hashing them would be work for an attacker to give us.
const LONGEST_PASSWORD: usize = 1024;
const SHORTEST_PASSWORD: usize = 8;
/// How often the password of one account is looked at in one day (UTC).
const ATTEMPTS_A_DAY: i64 = 100;
const DAY: i64 = 24 * 60 * 60 * 1_000_000;

/// What a password costs to check (Argon2id).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PasswordCost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub iterations: u32,
    /// Lanes.
    pub parallelism: u32,
}

impl Default for PasswordCost {
    fn default() -> Self {
        Self {
            memory_kib: 19 * 1024,
            iterations: 2,
            parallelism: 1,
        }
    }
}

impl PasswordCost {
    /// The least that the algorithm takes; for tests.
    pub fn weak() -> Self {
        Self {
            memory_kib: 8,
            iterations: 1,
            parallelism: 1,
        }
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Names it for ever.
    pub id: UserId,
    /// What the person signs in with.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// When it was made.
    pub created_at: Timestamp,
    /// Since when it can't sign in.
    pub disabled_at: Option<Timestamp>,
}

impl User {
    /// The user as an actor.
    pub fn actor(&self) -> Actor {
        Actor {
            id: self.id.to_string(),
            name: self.name.clone(),
            role: self.role,
        }
    }
}

/// Hashes passwords, only so many at a time: each needs its own memory.
pub(crate) struct Hasher {
    argon2: Argon2<'static>,
    cost: PasswordCost,
    permits: Arc<Semaphore>,
    /// How often a password was hashed; the test's own count, since time alone would prove nothing.
    #[cfg(test)]
    pub(crate) hashed: std::sync::atomic::AtomicUsize,
}

impl Hasher {
    pub(crate) fn new(cost: PasswordCost) -> Result<Self, Error> {
        let params = Params::new(cost.memory_kib, cost.iterations, cost.parallelism, None);
        let params = params.map_err(|error| Error::Config {
            detail: format!("the cost of passwords: {error}"),
        })?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Ok(Self {
            argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params),
            cost,
            permits: Arc::new(Semaphore::new(cores)),
            #[cfg(test)]
            hashed: std::sync::atomic::AtomicUsize::new(0),
        })
    }

    /// A hash of a password that nobody has, as costly to check as any other.
    fn nobody(&self) -> String {
        let PasswordCost {
            memory_kib,
            iterations,
            parallelism,
        } = self.cost;
        let salt = STANDARD_NO_PAD.encode(random_bytes::<16>());
        let hash = STANDARD_NO_PAD.encode(random_bytes::<32>());
        format!("$argon2id$v=19$m={memory_kib},t={iterations},p={parallelism}${salt}${hash}")
    }

    async fn hash(&self, password: &Secret) -> Result<String, Error> {
        let (argon2, password) = (self.argon2.clone(), password.clone());
        let work = move || {
            let hash = argon2.hash_password(password.expose().as_bytes());
            hash.map(|hash| hash.to_string()).map_err(|error| {
                Error::Unavailable(format!("the password can't be hashed: {error}"))
            })
        };
        self.limited(work).await?
    }

    async fn matches(&self, password: &Secret, hash: String) -> Result<bool, Error> {
        let (argon2, password) = (self.argon2.clone(), password.clone());
        let work = move || {
            let hash =
                PasswordHash::new(&hash).map_err(|error| Error::stored("password hash", error))?;
            Ok(argon2
                .verify_password(password.expose().as_bytes(), &hash)
                .is_ok())
        };
        self.limited(work).await?
    }

    async fn limited<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        #[cfg(test)]
        self.hashed
            .fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let stopped = |_| Error::Unavailable("password hashing has stopped".to_owned());
        let permit = Arc::clone(&self.permits)
            .acquire_owned()
            .await
            .map_err(stopped)?;
        // The permit goes with the work: a caller that goes away does not make room for one more.
        let done = tokio::task::spawn_blocking(move || {
            let result = work();
            drop(permit);
            result
        });
        done.await
            .map_err(|error| Error::Unavailable(format!("password hashing failed: {error}")))
    }
}

/// The people.
pub struct Users<'a>(pub(crate) &'a Store);

impl Users<'_> {
    /// Tells whether there is any account.
    pub async fn any(&self) -> Result<bool, Error> {
        let rows = self.0.read(ANY, []).await?;
        Ok(!rows.is_empty())
    }

    /// All accounts, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<User>, Error> {
        actor.require(Role::Admin)?;
        let sql = "SELECT id, name, role, created_at, disabled_at FROM users ORDER BY name_key";
        let rows = self.0.read(sql, []).await?;
        rows.iter().map(|row| user(row, 0)).collect()
    }

    /// One account.
    pub async fn find(&self, actor: &Actor, id: &UserId) -> Result<Option<User>, Error> {
        actor.require(Role::Viewer)?;
        let rows = self.0.read(BY_ID, [id.as_str().into()]).await?;
        rows.first().map(|row| user(row, 0)).transpose()
    }

    /// One account by the name it signs in with, in any spelling.
    pub async fn find_by_name(&self, actor: &Actor, name: &str) -> Result<Option<User>, Error> {
        actor.require(Role::Admin)?;
        let rows = self.0.read(BY_NAME, [normalised(name).into()]).await?;
        rows.first().map(|row| user(row, 0)).transpose()
    }

    /// Makes an account.
    pub async fn add(
        &self,
        actor: &Actor,
        name: &str,
        password: &Secret,
        role: Role,
    ) -> Result<User, Error> {
        actor.require(Role::Admin)?;
        let new = self.prepare(name, password, role).await?;
        let actor = actor.clone();
        self.0
            .change(move |tx, shared| new.add(tx, shared, &actor))
            .await
    }

    /// Checks name and password of a new account and hashes the password, outside any transaction.
    pub(crate) async fn prepare(
        &self,
        name: &str,
        password: &Secret,
        role: Role,
    ) -> Result<NewUser, Error> {
        let key = account_key(name).ok_or_else(|| Error::Invalid {
            what: "user name",
            why: "a user name has 1 to 64 letters a-z, digits and . _ @ + -, and begins with a letter or digit".to_owned(),
        })?;
        let length = password.expose().chars().count();
        if !(SHORTEST_PASSWORD..=LONGEST_PASSWORD).contains(&length) {
            return Err(Error::Invalid {
                what: "password",
                why: format!("a password has {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters"),
            });
        }
        let password = self.0.inner.shared.hasher.hash(password).await?;
        Ok(NewUser {
            name: name.trim().to_owned(),
            key,
            password,
            role,
        })
    }

    /// Checks a password; `None` if name or password is wrong, or the account is disabled.
    ///
    /// Refuses with [`Error::TooManyAttempts`] once the account's attempts of the day are used up, known name or not.
    pub async fn verify(&self, name: &str, password: &Secret) -> Result<Option<User>, Error> {
        if password.expose().chars().count() > LONGEST_PASSWORD {
            return Ok(None);
        }
        let hasher = &self.0.inner.shared.hasher;
        let key = account_key(name);
        let mut found = None;
        if let Some(key) = &key {
            let counted = self.count_attempt(key).await;
            if matches!(counted, Err(Error::TooManyAttempts { .. })) {
                // A locked account costs as much time as an open one, too.
                hasher.matches(password, hasher.nobody()).await?;
            }
            counted?;
            found = self
                .0
                .read(WITH_PASSWORD, [key.as_str().into()])
                .await?
                .into_iter()
                .next();
        }
        let hash = match &found {
            Some(row) => row.text(5)?.to_owned(),
            None => hasher.nobody(),
        };
        let matches = hasher.matches(password, hash).await?;
        let known = found.as_ref().map(|row| user(row, 0)).transpose()?;
        let signed_in = known
            .clone()
            .filter(|user| matches && user.disabled_at.is_none());
        self.record_attempt(known, signed_in.is_some()).await?;
        Ok(signed_in)
    }

    /// Counts durably, in a transaction that nothing else can roll back.
    async fn count_attempt(&self, key: &str) -> Result<(), Error> {
        let account = self.0.inner.shared.vault.fingerprint(key);
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let now = shared.clock.now().as_microsecond();
            let day = now.div_euclid(DAY);
            let counted = tx.query_one(
                "INSERT INTO attempts (account, day, count) VALUES ($1, $2, 1)
                 ON CONFLICT (account, day) DO UPDATE SET count = attempts.count + 1
                 WHERE attempts.count < $3 RETURNING count",
                [account.as_slice().into(), day.into(), ATTEMPTS_A_DAY.into()],
            )?;
            match counted {
                Some(row) if row.int(0)? == 1 => {
                    tx.execute("DELETE FROM attempts WHERE day < $1", [day.into()])?;
                    Ok(Outcome::unaudited(true))
                }
                counted => Ok(Outcome::unaudited(counted.is_some())),
            }
        };
        if self.0.change(work).await? {
            return Ok(());
        }
        let next_day = (self.0.clock().now().as_microsecond().div_euclid(DAY) + 1) * DAY;
        let until = Timestamp::from_microsecond(next_day);
        Err(Error::TooManyAttempts {
            until: until.map_err(|error| Error::stored("day", error))?,
        })
    }

    /// A name that nobody has is not written down: it may be a password typed into the wrong field.
    async fn record_attempt(&self, known: Option<User>, signed_in: bool) -> Result<(), Error> {
        let action = if signed_in {
            "user.signed_in"
        } else {
            "user.sign_in_failed"
        };
        let work = move |_: &mut Tx<'_>, _: &Shared| {
            let anonymous = Actor {
                id: "anonymous".to_owned(),
                name: "anonymous".to_owned(),
                role: Role::Viewer,
            };
            let actor = known
                .as_ref()
                .filter(|_| signed_in)
                .map_or(anonymous, User::actor);
            let subject = known.as_ref().map_or("unknown", |user| user.id.as_str());
            Ok(Outcome::audited(
                (),
                Entry::new(&actor, action, subject, json!({})),
            ))
        };
        self.0.change(work).await
    }

    /// Disables an account and ends its sessions.
    pub async fn disable(&self, actor: &Actor, id: &UserId) -> Result<User, Error> {
        actor.require(Role::Admin)?;
        let (actor, id) = (actor.clone(), id.clone());
        let work = move |tx: &mut Tx<'_>, shared: &Shared| {
            let row = tx.query_one(
                "UPDATE users SET disabled_at = COALESCE(disabled_at, $1) WHERE id = $2
                 RETURNING id, name, role, created_at, disabled_at",
                [shared.clock.now().into(), id.as_str().into()],
            )?;
            let row = row.ok_or_else(|| Error::not_found("user", &id))?;
            let ended = tx.execute(
                "DELETE FROM sessions WHERE user_id = $1",
                [id.as_str().into()],
            )?;
            let detail = json!({ "name": row.text(1)?, "sessions_ended": ended });
            let entry = Entry::new(&actor, "user.disabled", &id, detail);
            Ok(Outcome::audited(user(&row, 0)?, entry))
        };
        self.0.change(work).await
    }
}

const BY_ID: &str = "SELECT id, name, role, created_at, disabled_at FROM users WHERE id = $1";
const BY_NAME: &str =
    "SELECT id, name, role, created_at, disabled_at FROM users WHERE name_key = $1";
const WITH_PASSWORD: &str =
    "SELECT id, name, role, created_at, disabled_at, password FROM users WHERE name_key = $1";
/// Answers a row if there is any account.
pub(crate) const ANY: &str = "SELECT id FROM users LIMIT 1";

/// An account whose password is hashed already.
pub(crate) struct NewUser {
    name: String,
    key: String,
    password: String,
    role: Role,
}

impl NewUser {
    pub(crate) fn add(
        &self,
        tx: &mut Tx<'_>,
        shared: &Shared,
        actor: &Actor,
    ) -> Result<Outcome<User>, Error> {
        if tx.query_one(BY_NAME, [self.key.as_str().into()])?.is_some() {
            return Err(Error::conflict("user", &self.name));
        }
        let added = User {
            id: UserId::random(),
            name: self.name.clone(),
            role: self.role,
            created_at: shared.clock.now(),
            disabled_at: None,
        };
        tx.execute(
            "INSERT INTO users (id, name, name_key, password, role, created_at) VALUES ($1, $2, $3, $4, $5, $6)",
            [
                added.id.as_str().into(),
                added.name.as_str().into(),
                self.key.as_str().into(),
                self.password.as_str().into(),
                added.role.as_str().into(),
                added.created_at.into(),
            ],
        )?;
        let detail = json!({ "name": added.name, "role": added.role });
        let entry = Entry::new(actor, "user.added", &added.id, detail);
        Ok(Outcome::audited(added, entry))
    }
}

/// Reads an account from five columns, beginning at one of them.
pub(crate) fn user(row: &Row, first: usize) -> Result<User, Error> {
    Ok(User {
        id: UserId::parse(row.text(first)?)?,
        name: row.text(first + 1)?.to_owned(),
        role: Role::parse(row.text(first + 2)?)?,
        created_at: row.time(first + 3)?,
        disabled_at: row.opt_time(first + 4)?,
    })
}

/// The one spelling of a name that is counted and looked up: trimmed, lower case, full-width letters narrowed,
/// invisible characters left out.
fn normalised(name: &str) -> String {
    let visible = |c: &char| {
        !matches!(
            c,
            '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}'
        )
    };
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        '\u{3000}' => ' ',
        other => other,
    };
    let narrowed: String = name.chars().filter(visible).map(narrow).collect();
    narrowed.trim().to_lowercase()
}

/// The key of a name that an account can have. Plain letters only, so that no two accounts look alike.
fn account_key(name: &str) -> Option<String> {
    let key = normalised(name);
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let first = key.bytes().next().is_some_and(plain);
    let rest = key
        .bytes()
        .all(|byte| plain(byte) || b"._@+-".contains(&byte));
    (first && rest && key.len() <= 64).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_that_nobody_has_costs_as_much_as_any() {
        let hasher = Hasher::new(PasswordCost::default()).unwrap();
        let hash = PasswordHash::new(&hasher.nobody()).unwrap();
        assert_eq!(hash.params.to_string(), "m=19456,t=2,p=1");
        assert_eq!(hash.hash.unwrap().as_bytes().len(), 32);
    }

    #[test]
    fn what_looks_alike_is_one_account_or_none() {
        for same in [
            "adele",
            "ADELE",
            " adele\t",
            "ａｄｅｌｅ",
            "a\u{ad}dele\u{feff}",
        ] {
            assert_eq!(account_key(same).as_deref(), Some("adele"), "{same}");
        }
        // A Kelvin sign is a k in lower case; a Cyrillic a is not an a.
        assert_eq!(account_key("\u{212a}im").as_deref(), Some("kim"));
        assert_eq!(account_key("\u{430}dele"), None);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn only_so_many_hash_at_a_time() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        let hasher = Arc::new(Hasher::new(PasswordCost::weak()).unwrap());
        let limit = hasher.permits.available_permits();
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let mut jobs = tokio::task::JoinSet::new();
        for _ in 0..50 {
            let (hasher, now, most) = (hasher.clone(), now.clone(), most.clone());
            jobs.spawn(async move {
                let work = move || {
                    most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    std::thread::yield_now();
                    now.fetch_sub(1, Ordering::SeqCst);
                };
                hasher.limited(work).await.unwrap();
            });
        }
        jobs.join_all().await;
        assert!(most.load(Ordering::SeqCst) <= limit);
    }
}
