//! Scopes (RFC 6749 §3.3): parsing, comparing what was asked with what was granted.
//!
//! Advice about a scope that somebody typed is in `lint`; this file only says what a scope is.

mod lint;
mod name;

use std::fmt;

use serde::{Deserialize, Serialize};

use name::{Name, OFFLINE_ACCESS};

pub use lint::{Lint, Severity, corrected_scope, lint};

/// An ordered set of scope names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Scope(Vec<String>);

/// A character that no scope name may have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "the scope has the character {character:?} at position {position}; names are separated by single spaces and have visible ASCII characters other than \" and \\"
)]
pub struct ScopeError {
    /// The character.
    pub character: char,
    /// Where it is, counted in characters from 1.
    pub position: usize,
}

impl Scope {
    /// Reads names separated by spaces; a repeated one counts once.
    pub fn parse(text: &str) -> Result<Self, ScopeError> {
        let strange = text.chars().zip(1..).find(|(character, _)| {
            !matches!(character, ' ' | '\u{21}' | '\u{23}'..='\u{5b}' | '\u{5d}'..='\u{7e}')
        });
        if let Some((character, position)) = strange {
            return Err(ScopeError {
                character,
                position,
            });
        }
        let mut names: Vec<String> = Vec::new();
        for name in text.split(' ').filter(|name| !name.is_empty()) {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        }
        Ok(Self(names))
    }

    /// The names, in order.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }

    /// Tells whether a name is in it, to the letter.
    pub fn contains(&self, name: &str) -> bool {
        self.iter().any(|known| known == name)
    }

    /// Tells whether there is no name.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join(" "))
    }
}

impl TryFrom<String> for Scope {
    type Error = ScopeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<Scope> for String {
    fn from(scope: Scope) -> Self {
        scope.to_string()
    }
}

/// Whose rule says when two scope names are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeRule {
    /// The standard's: to the letter.
    #[default]
    Exact,
    /// Entra's: case and the resource's prefix do not matter.
    Entra,
}

/// Whose access a scope is meant for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// A person's: somebody signs in.
    Delegated,
    /// The app's own.
    AppOnly,
}

/// What was asked, granted and left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScopeComparison {
    /// As it was asked.
    pub requested: Vec<String>,
    /// As it was granted, without the prefix of the resource that was asked for.
    pub granted: Vec<String>,
    /// Asked and not granted.
    pub missing: Vec<String>,
}

/// Compares what was asked with what the token answer says was granted.
///
/// An answer without `scope` grants what was asked (RFC 6749 §5.1). `offline_access` is granted by a refresh token.
pub fn compare(
    rule: ScopeRule,
    requested: &Scope,
    granted: Option<&Scope>,
    refresh_token: bool,
) -> ScopeComparison {
    let mut given: Vec<&str> = match granted {
        Some(scope) => scope.iter().collect(),
        None => requested
            .iter()
            .filter(|name| !name::is(name, OFFLINE_ACCESS))
            .filter(|name| rule == ScopeRule::Exact || !Name::of(name).is_default())
            .collect(),
    };
    let asked_offline = requested.iter().find(|name| name::is(name, OFFLINE_ACCESS));
    if let Some(name) = asked_offline
        && refresh_token
        && !given.iter().any(|given| name::is(given, OFFLINE_ACCESS))
    {
        given.push(name);
    }
    let missing = requested
        .iter()
        .filter(|asked| !given.iter().any(|given| rule.same(asked, given)))
        .filter(|asked| !rule.is_never_listed(asked))
        .map(str::to_owned)
        .collect();
    let granted = given
        .iter()
        .map(|given| rule.shown(given, requested).to_owned())
        .collect();
    ScopeComparison {
        requested: requested.iter().map(str::to_owned).collect(),
        granted,
        missing,
    }
}

impl ScopeRule {
    /// Tells whether two names mean the same.
    fn same(self, left: &str, right: &str) -> bool {
        match self {
            Self::Exact => left == right,
            Self::Entra => Name::of(left).same(&Name::of(right)),
        }
    }

    /// Names that a provider need not list although it granted them.
    fn is_never_listed(self, asked: &str) -> bool {
        let name = Name::of(asked);
        self == Self::Entra
            && (name.is_default() || (name.is_openid() && !name::is(asked, OFFLINE_ACCESS)))
    }

    /// A granted name as a person wants to read it: without the prefix of the one resource that was asked for.
    fn shown<'a>(self, given: &'a str, requested: &Scope) -> &'a str {
        let name = Name::of(given);
        let Some(resource) = name.resource.filter(|_| self == Self::Entra) else {
            return given;
        };
        let mut asked = requested
            .iter()
            .map(Name::of)
            .filter(|name| !name.is_openid());
        let asked_for = name::is_graph(resource)
            || asked.all(|name| {
                name.resource.is_none_or(|asked| {
                    name::is_graph(asked) || name::same_resource(asked, resource)
                })
            });
        if asked_for { name.short } else { given }
    }
}

#[cfg(test)]
mod tests;
