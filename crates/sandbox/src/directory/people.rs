//! The users of the tenant: the computed ones, seen through what was changed since.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

use crate::guid::Guid;
use crate::seal;
use crate::users::{Generator, User};

/// Created users come after all seeded ones, however many those are.
const FIRST_CREATED: u64 = 1 << 32;

/// The place of a user in the tenant's own order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Position(pub(crate) u64);

/// The user principal name belongs to somebody else.
#[derive(Debug)]
pub(crate) struct NameTaken;

/// All users.
#[derive(Serialize, Deserialize)]
pub(crate) struct People {
    generator: Generator,
    /// Seeded users that were changed; `None` stands for a deleted one.
    changed: HashMap<u32, Option<User>>,
    created: BTreeMap<u64, User>,
    next: u64,
    /// Digests of passwords that are not the seeded ones.
    passwords: HashMap<Guid, String>,
    #[serde(skip)]
    ids: HashMap<Guid, Position>,
    /// User principal names of `changed` and `created`, lower case.
    #[serde(skip)]
    names: HashMap<String, Position>,
}

impl People {
    /// The seeded users.
    pub(crate) fn new(generator: Generator) -> People {
        People {
            generator,
            changed: HashMap::new(),
            created: BTreeMap::new(),
            next: FIRST_CREATED,
            passwords: HashMap::new(),
            ids: HashMap::new(),
            names: HashMap::new(),
        }
    }

    /// Makes the users usable again after they were read from a file.
    pub(crate) fn restore(&mut self, generator: Generator) {
        self.generator = generator;
        self.changed.retain(|index, _| *index < generator.count());
        for (position, user) in &self.created {
            self.ids.insert(user.id, Position(*position));
            let name = user.principal_name.to_lowercase();
            self.names.insert(name, Position(*position));
        }
        for (index, user) in &self.changed {
            if let Some(user) = user {
                let name = user.principal_name.to_lowercase();
                self.names.insert(name, Position(u64::from(*index)));
            }
        }
    }

    /// The computed users underneath.
    pub(crate) fn generator(&self) -> &Generator {
        &self.generator
    }

    /// How many users there are.
    pub(crate) fn count(&self) -> usize {
        let removed = self.changed.values().filter(|user| user.is_none()).count();
        self.generator.count() as usize - removed + self.created.len()
    }

    /// Whether any user differs from the computed one.
    pub(crate) fn is_computed(&self, position: Position) -> Option<u32> {
        let index = u32::try_from(position.0).ok()?;
        (index < self.generator.count() && !self.changed.contains_key(&index)).then_some(index)
    }

    /// The user at a position, if there is one.
    pub(crate) fn at(&self, position: Position) -> Option<User> {
        let Ok(index) = u32::try_from(position.0) else {
            return self.created.get(&position.0).cloned();
        };
        match self.changed.get(&index) {
            Some(changed) => changed.clone(),
            None => (index < self.generator.count()).then(|| self.generator.user(index)),
        }
    }

    /// The positions in use or once in use, from one on.
    pub(crate) fn positions(&self, from: Position) -> impl Iterator<Item = Position> + '_ {
        (from.0..u64::from(self.generator.count()))
            .chain(self.created.range(from.0..).map(|(position, _)| *position))
            .map(Position)
    }

    /// The user with this id.
    pub(crate) fn find(&self, id: Guid) -> Option<User> {
        self.at(self.position(id)?)
    }

    /// The user with this user principal name, whatever its case.
    pub(crate) fn find_by_name(&self, name: &str) -> Option<User> {
        let lower = name.to_lowercase();
        if let Some(position) = self.names.get(&lower) {
            return self.at(*position);
        }
        let index = self.generator.index_of_name(&lower)?;
        // A changed user is in `names`, perhaps under another name.
        (!self.changed.contains_key(&index)).then(|| self.generator.user(index))
    }

    /// The user with this id or user principal name.
    pub(crate) fn find_by_key(&self, key: &str) -> Option<User> {
        match key.parse() {
            Ok(id) => self.find(id),
            Err(_) => self.find_by_name(key),
        }
    }

    /// Adds a user.
    pub(crate) fn add(&mut self, user: User, password: &str) -> Result<(), NameTaken> {
        if self.find_by_name(&user.principal_name).is_some() {
            return Err(NameTaken);
        }
        self.passwords.insert(user.id, digest(user.id, password));
        let position = self.next;
        self.next += 1;
        self.ids.insert(user.id, Position(position));
        let name = user.principal_name.to_lowercase();
        self.names.insert(name, Position(position));
        self.created.insert(position, user);
        Ok(())
    }

    /// Replaces a user that exists by its changed self.
    pub(crate) fn save(&mut self, user: User) -> Result<(), NameTaken> {
        let Some(position) = self.position(user.id) else {
            return Ok(());
        };
        let holder = self.find_by_name(&user.principal_name);
        if holder.is_some_and(|holder| holder.id != user.id) {
            return Err(NameTaken);
        }
        self.names.retain(|_, place| *place != position);
        let name = user.principal_name.to_lowercase();
        self.names.insert(name, position);
        match u32::try_from(position.0) {
            Ok(index) => {
                self.changed.insert(index, Some(user));
            }
            Err(_) => {
                self.created.insert(position.0, user);
            }
        }
        Ok(())
    }

    /// Removes a user.
    pub(crate) fn remove(&mut self, id: Guid) {
        let Some(position) = self.position(id) else {
            return;
        };
        self.names.retain(|_, place| *place != position);
        self.passwords.remove(&id);
        self.ids.remove(&id);
        match u32::try_from(position.0) {
            Ok(index) => {
                self.changed.insert(index, None);
            }
            Err(_) => {
                self.created.remove(&position.0);
            }
        }
    }

    /// Whether this is the user's password.
    pub(crate) fn password_matches(&self, id: Guid, password: &str) -> bool {
        if let Some(known) = self.passwords.get(&id) {
            return seal::equal(known, &digest(id, password));
        }
        self.generator
            .index_of_id(id)
            .is_some_and(|index| seal::equal(&self.generator.password(index), password))
    }

    fn position(&self, id: Guid) -> Option<Position> {
        self.ids.get(&id).copied().or_else(|| {
            let index = self.generator.index_of_id(id)?;
            Some(Position(u64::from(index)))
        })
    }
}

fn digest(id: Guid, password: &str) -> String {
    seal::sha256_text(format!("{id}/{password}").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> People {
        People::new(Generator::new(3, 10))
    }

    #[test]
    fn changes_are_seen_through_every_look_up() {
        let mut people = people();
        let mut user = people.at(Position(4)).unwrap();
        let old_name = user.principal_name.clone();
        user.principal_name = "renamed@contoso.example".to_owned();
        people.save(user.clone()).unwrap();
        assert_eq!(
            people.find_by_name("Renamed@contoso.example"),
            Some(user.clone())
        );
        assert_eq!(people.find_by_name(&old_name), None);
        assert_eq!(people.find(user.id), Some(user.clone()));
        people.remove(user.id);
        assert_eq!(people.find(user.id), None);
        assert_eq!(people.count(), 9);
    }

    #[test]
    fn names_stay_unique_and_restored_users_are_found() {
        let mut people = people();
        let mut user = people.at(Position(1)).unwrap();
        user.id = Guid::random();
        assert!(people.add(user.clone(), "x").is_err());
        user.principal_name = "new@contoso.example".to_owned();
        people.add(user.clone(), "Fake-1").unwrap();
        let text = serde_json::to_string(&people).unwrap();
        let mut restored: People = serde_json::from_str(&text).unwrap();
        restored.restore(Generator::new(3, 10));
        assert_eq!(
            restored.find_by_name("NEW@contoso.example"),
            Some(user.clone())
        );
        assert!(restored.password_matches(user.id, "Fake-1"));
        assert!(!restored.password_matches(user.id, "Fake-2"));
        assert_eq!(restored.positions(Position(9)).count(), 2);
        assert_eq!(restored.count(), 11);
    }
}
