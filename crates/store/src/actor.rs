//! Who asks, and what that person may do.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Error;

/// What an actor may do; each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Sees connections and their states, never secrets.
    Viewer,
    /// Uses connections too: calls, tests, authorizes.
    Operator,
    /// Makes, changes and deletes connections, manages users and API keys, and reads the audit log.
    Admin,
}

impl Role {
    /// The role's word, as it is stored and shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Operator => "operator",
            Self::Admin => "admin",
        }
    }

    /// Reads a role's word.
    pub fn parse(text: &str) -> Result<Self, Error> {
        match text {
            "viewer" => Ok(Self::Viewer),
            "operator" => Ok(Self::Operator),
            "admin" => Ok(Self::Admin),
            _ => Err(Error::Invalid {
                what: "role",
                why: "a role is viewer, operator or admin".to_owned(),
            }),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who asks: a user, an API key, or one of the built-in actors.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// `usr_…`, `key_…`, or the built-in `local`, `system` and `setup`.
    pub id: String,
    /// The name shown in the audit log.
    pub name: String,
    /// What the actor may do.
    pub role: Role,
}

impl Actor {
    /// The person at this machine's command line, who owns the data directory anyway.
    pub fn local() -> Self {
        Self::built_in("local")
    }

    /// Keyway itself: renewals, changes of state.
    pub fn system() -> Self {
        Self::built_in("system")
    }

    /// The holder of the one-time setup token.
    pub fn setup() -> Self {
        Self::built_in("setup")
    }

    fn built_in(id: &str) -> Self {
        Self {
            id: id.to_owned(),
            name: id.to_owned(),
            role: Role::Admin,
        }
    }

    /// Refuses an actor with less than the role that is needed.
    pub fn require(&self, needs: Role) -> Result<(), Error> {
        if self.role >= needs {
            Ok(())
        } else {
            Err(Error::Forbidden { needs })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_ordered() {
        let mut actor = Actor::local();
        for (role, allowed) in [(Role::Viewer, 1), (Role::Operator, 2), (Role::Admin, 3)] {
            actor.role = role;
            let may = [Role::Viewer, Role::Operator, Role::Admin]
                .into_iter()
                .filter(|needs| actor.require(*needs).is_ok())
                .count();
            assert_eq!(may, allowed, "{role}");
        }
    }

    #[test]
    fn a_role_is_one_word_everywhere() {
        for role in [Role::Viewer, Role::Operator, Role::Admin] {
            assert_eq!(Role::parse(role.as_str()), Ok(role));
            assert_eq!(serde_json::to_string(&role).unwrap(), format!("\"{role}\""));
        }
        assert!(Role::parse("Admin").is_err());
    }
}
