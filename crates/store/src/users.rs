//! users
use crate::{Actor, Error, Role, Store, UserId};
use jiff::Timestamp;
use oauth::Secret;

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

/// The people.
pub struct Users<'a>(pub(crate) &'a Store);

impl Users<'_> {
    /// Tells whether there is any.
    pub async fn any(&self) -> Result<bool, Error> {
        todo!()
    }
    /// All accounts, by name.
    pub async fn list(&self, actor: &Actor) -> Result<Vec<User>, Error> {
        todo!("{actor:?}")
    }
    /// One account.
    pub async fn find(&self, actor: &Actor, id: &UserId) -> Result<Option<User>, Error> {
        todo!("{actor:?} {id}")
    }
    /// One account by the name it signs in with.
    pub async fn find_by_name(&self, actor: &Actor, name: &str) -> Result<Option<User>, Error> {
        todo!("{actor:?} {name}")
    }
    /// Makes an account.
    pub async fn add(
        &self,
        actor: &Actor,
        name: &str,
        password: &Secret,
        role: Role,
    ) -> Result<User, Error> {
        todo!("{actor:?} {name} {password:?} {role}")
    }
    /// Checks a password; `None` if name or password is wrong.
    pub async fn verify(&self, name: &str, password: &Secret) -> Result<Option<User>, Error> {
        todo!("{name} {password:?}")
    }
    /// Disables an account and ends its sessions.
    pub async fn disable(&self, actor: &Actor, id: &UserId) -> Result<User, Error> {
        todo!("{actor:?} {id}")
    }
}
