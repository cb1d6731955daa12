//! Advice about a scope that somebody typed, before it is sent anywhere.
//!
//! Each piece of advice carries the whole corrected scope, with the corrections of those before it.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::name::{self, GRAPH, Name, OFFLINE_ACCESS};
use super::{Access, ScopeRule};
use crate::provider_error::is_invisible;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// It works, but perhaps not as meant.
    Warning,
    /// The provider would refuse it.
    Error,
}

/// One piece of advice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lint {
    /// Stable code, such as `scope.separator`.
    pub code: &'static str,
    /// Plain sentences: what is wrong and why.
    pub message: String,
    /// The corrected scope, whole.
    pub fix: Option<String>,
    /// How bad it is.
    pub severity: Severity,
}

/// Looks at a scope as it was typed.
pub fn lint(raw: &str, rule: ScopeRule, access: Access) -> Vec<Lint> {
    let mut linter = Linter {
        text: raw.to_owned(),
        lints: Vec::new(),
    };
    linter.separators(rule);
    if linter.characters().is_err() {
        return linter.lints;
    }
    if linter.names().is_empty() {
        linter.empty(rule, access);
        return linter.lints;
    }
    linter.duplicates(rule);
    match (rule, access) {
        (ScopeRule::Entra, Access::AppOnly) => linter.app_only(),
        (ScopeRule::Entra, Access::Delegated) => {
            linter.default_mixed();
            linter.several_resources();
            linter.unknown();
            linter.no_refresh();
        }
        (ScopeRule::Exact, Access::Delegated) => {
            // offline_access is a word of OpenID Connect; elsewhere it means nothing
            if linter.names().iter().any(|name| name == "openid") {
                linter.no_refresh();
            }
        }
        (ScopeRule::Exact, Access::AppOnly) => {}
    }
    linter.lints
}

/// The scope with every correction that can be made, if any is needed.
pub fn corrected_scope(raw: &str, rule: ScopeRule, access: Access) -> Option<String> {
    lint(raw, rule, access)
        .into_iter()
        .rev()
        .find_map(|lint| lint.fix)
}

/// The scope, corrected so far, and what was found so far.
struct Linter {
    text: String,
    lints: Vec<Lint>,
}

/// Nothing that follows would make sense.
struct Unreadable;

impl Linter {
    fn names(&self) -> Vec<String> {
        self.text
            .split(' ')
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    }

    fn fixed(&mut self, code: &'static str, severity: Severity, text: String, message: String) {
        self.text.clone_from(&text);
        self.lints.push(Lint {
            code,
            message,
            fix: Some(text),
            severity,
        });
    }

    fn unfixed(&mut self, code: &'static str, severity: Severity, message: String) {
        self.lints.push(Lint {
            code,
            message,
            fix: None,
            severity,
        });
    }

    fn separators(&mut self, rule: ScopeRule) {
        let mut found = BTreeSet::new();
        let mut text = String::with_capacity(self.text.len());
        let unescaped = match rule {
            ScopeRule::Entra => self.text.replace("%20", "\u{1}"),
            ScopeRule::Exact => self.text.clone(),
        };
        for character in unescaped.chars() {
            let kind = match character {
                ',' => Some("commas"),
                ';' if rule == ScopeRule::Entra => Some("semicolons"),
                '\u{1}' if rule == ScopeRule::Entra => Some("%20"),
                '\n' | '\r' => Some("line breaks"),
                ' ' => None,
                _ if character.is_whitespace() => Some("tabs or other white space"),
                _ => None,
            };
            found.extend(kind);
            text.push(if kind.is_some() { ' ' } else { character });
        }
        if found.is_empty() {
            return;
        }
        // a comma may stand in a name (RFC 6749 §3.3); Slack and others even mean it so
        let only_commas = found.iter().all(|kind| *kind == "commas");
        let severity = match rule {
            ScopeRule::Exact if only_commas => Severity::Warning,
            _ => Severity::Error,
        };
        let kinds = found.into_iter().collect::<Vec<_>>().join(" and ");
        let text = joined(text.split(' '));
        let message = format!(
            "The scope has {kinds} in it. Scope names are separated by single spaces; anything else becomes part of a name."
        );
        self.fixed("scope.separator", severity, text, message);
    }

    fn characters(&mut self) -> Result<(), Unreadable> {
        let strays = |character: char| {
            is_invisible(character) || matches!(character, '“' | '”' | '‘' | '’' | '„')
        };
        if self.text.chars().any(strays) {
            let text = joined(self.text.replace(strays, "").split(' '));
            let message = "The scope has invisible characters or typographic quotes in it, probably from copying.";
            self.fixed("scope.non_ascii", Severity::Error, text, message.to_owned());
        }
        if let Some(character) = self.text.chars().find(|character| !character.is_ascii()) {
            let message = format!(
                "The scope has the character {character:?} in it. Scope names are ASCII only (RFC 6749 section 3.3): look for a letter that only looks right."
            );
            self.unfixed("scope.non_ascii", Severity::Error, message);
            return Err(Unreadable);
        }
        let forbidden =
            |character: char| character.is_ascii_control() || matches!(character, '"' | '\\');
        if self.text.chars().any(forbidden) {
            let text = joined(self.text.replace(forbidden, "").split(' '));
            let message = "The scope has quotes, backslashes or control characters in it, which no scope name may have (RFC 6749 section 3.3).";
            self.fixed("scope.character", Severity::Error, text, message.to_owned());
        }
        Ok(())
    }

    fn empty(&mut self, rule: ScopeRule, access: Access) {
        let (code, severity) = ("scope.empty", Severity::Error);
        match (rule, access) {
            (ScopeRule::Entra, Access::AppOnly) => self.fixed(
                code,
                severity,
                format!("{GRAPH}/.default"),
                "There is no scope. An app-only connection asks for everything that its app registration was given on one resource.".to_owned(),
            ),
            (ScopeRule::Entra, Access::Delegated) => self.fixed(
                code,
                severity,
                format!("{OFFLINE_ACCESS} User.Read"),
                "There is no scope. Name the delegated permissions that the connection needs.".to_owned(),
            ),
            (ScopeRule::Exact, _) => self.unfixed(
                code,
                Severity::Warning,
                "There is no scope: the provider decides what the token may do (RFC 6749 section 3.3).".to_owned(),
            ),
        }
    }

    fn duplicates(&mut self, rule: ScopeRule) {
        let names = self.names();
        let mut kept: Vec<&String> = Vec::new();
        let mut repeated = Vec::new();
        for name in &names {
            let repeats = |known: &&String| match rule {
                ScopeRule::Exact => *known == name,
                ScopeRule::Entra => Name::of(known).repeats(&Name::of(name)),
            };
            if kept.iter().any(repeats) {
                repeated.push(name.as_str());
            } else {
                kept.push(name);
            }
        }
        if repeated.is_empty() {
            return;
        }
        let text = joined(kept.into_iter().map(String::as_str));
        let message = format!("The scope names {} more than once.", repeated.join(", "));
        self.fixed("scope.duplicate", Severity::Warning, text, message);
    }

    /// Client credentials take one `<resource>/.default` and nothing else (AADSTS1002012, AADSTS70011).
    fn app_only(&mut self) {
        let names = self.names();
        let parsed: Vec<Name<'_>> = names.iter().map(|name| Name::of(name)).collect();
        let default = names.iter().find(|name| Name::of(name).is_default());
        match default {
            Some(default) if names.len() > 1 => self.fixed(
                "scope.default_mixed",
                Severity::Error,
                qualified(default),
                "An app-only connection (client credentials) asks for one \"<resource>/.default\" alone; the other names must go. The permissions themselves are listed in the app registration.".to_owned(),
            ),
            Some(default) if Name::of(default).resource.is_none() => self.fixed(
                "scope.not_default",
                Severity::Warning,
                qualified(default),
                "\".default\" stands without its resource; written out it can't be misread.".to_owned(),
            ),
            Some(_) => {}
            None => {
                let resource = parsed
                    .iter()
                    .find_map(|name| name.resource)
                    .unwrap_or(GRAPH);
                let text = format!("{resource}/.default");
                self.fixed(
                    "scope.not_default",
                    Severity::Error,
                    text,
                    "An app-only connection (client credentials) can't name permissions, and gets no refresh token: it asks for \"<resource>/.default\", which means all application permissions of its app registration that an administrator consented to.".to_owned(),
                );
            }
        }
    }

    fn default_mixed(&mut self) {
        let names = self.names();
        let (defaults, others): (Vec<&String>, Vec<&String>) =
            names.iter().partition(|name| Name::of(name).is_default());
        let has_permissions = others.iter().any(|name| !Name::of(name).is_openid());
        if defaults.is_empty() || (defaults.len() == 1 && !has_permissions) {
            return;
        }
        // the named ones ask for less, so they are what is kept
        let kept = others
            .into_iter()
            .chain(defaults.into_iter().take(usize::from(!has_permissions)));
        let text = joined(kept.map(String::as_str));
        let message = "\".default\" means everything in the app registration and can't stand beside named permissions or another \".default\" (AADSTS70011).";
        self.fixed(
            "scope.default_mixed",
            Severity::Error,
            text,
            message.to_owned(),
        );
    }

    fn several_resources(&mut self) {
        let names = self.names();
        let resources: Vec<&str> = names
            .iter()
            .map(|name| Name::of(name))
            .filter(|name| !name.is_openid())
            .map(|name| match name.resource {
                Some(resource) if !name::is_graph(resource) => resource,
                _ => GRAPH,
            })
            .collect();
        let Some(first) = resources.first() else {
            return;
        };
        if resources
            .iter()
            .all(|resource| name::same_resource(resource, first))
        {
            return;
        }
        let of_first = |text: &str| {
            let name = Name::of(text);
            name.is_openid()
                || match name.resource {
                    Some(resource) if !name::is_graph(resource) => {
                        name::same_resource(resource, first)
                    }
                    _ => name::is_graph(first),
                }
        };
        let text = joined(
            names
                .iter()
                .map(String::as_str)
                .filter(|name| of_first(name)),
        );
        let message = "The scope names permissions of several resources. A token is for one resource (AADSTS28000): make one connection for each.";
        self.fixed(
            "scope.several_resources",
            Severity::Error,
            text,
            message.to_owned(),
        );
    }

    fn unknown(&mut self) {
        for text in self.names() {
            let name = Name::of(&text);
            if !name.is_of_graph() || name.is_default() {
                continue;
            }
            let Some(suggestion) = suggestion(name.short) else {
                continue;
            };
            let short = name.short;
            let whole = match name.resource {
                Some(resource) => format!("{resource}/{suggestion}"),
                None => suggestion.to_owned(),
            };
            let corrected = joined(self.names().iter().map(|known| {
                if *known == text {
                    whole.as_str()
                } else {
                    known
                }
            }));
            let message = format!(
                "Microsoft Graph has no permission {short} that Keyway knows of. Did you mean {suggestion}?"
            );
            self.fixed("scope.unknown", Severity::Warning, corrected, message);
        }
    }

    fn no_refresh(&mut self) {
        if self
            .names()
            .iter()
            .any(|name| name::is(name, OFFLINE_ACCESS))
        {
            return;
        }
        let text = format!(
            "{OFFLINE_ACCESS} {}",
            joined(self.names().iter().map(String::as_str))
        );
        let message = "offline_access is missing: no refresh token will be issued, so somebody must sign in again whenever the access token ends (after about an hour).";
        self.fixed(
            "scope.no_refresh",
            Severity::Warning,
            text,
            message.to_owned(),
        );
    }
}

fn qualified(default: &str) -> String {
    match Name::of(default).resource {
        Some(_) => default.to_owned(),
        None => format!("{GRAPH}/.default"),
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names
        .filter(|name| !name.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The permission that an unknown name was probably meant to be; none for a known name or a far-off one.
fn suggestion(short: &str) -> Option<&'static str> {
    let typed: Vec<char> = short.to_ascii_lowercase().chars().collect();
    let tolerance = (typed.len() / 4).min(2);
    let nearest = crate::graph::names()
        .filter(|known| known.len().abs_diff(typed.len()) <= tolerance)
        .map(|known| {
            let letters: Vec<char> = known.to_ascii_lowercase().chars().collect();
            (distance(&typed, &letters), known)
        })
        .min_by_key(|(distance, _)| *distance)?;
    match nearest {
        (0, _) => None,
        (distance, known) if distance <= tolerance => Some(known),
        _ => None,
    }
}

/// Edits between two texts, two swapped letters being one (optimal string alignment).
fn distance(left: &[char], right: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut above: Vec<usize> = (0..=right.len()).collect();
    for (row, from) in left.iter().enumerate() {
        let mut current = vec![row + 1];
        for (column, to) in right.iter().enumerate() {
            let changed = above[column] + usize::from(from != to);
            let mut cost = changed.min(above[column + 1] + 1).min(current[column] + 1);
            if row > 0 && column > 0 && *from == right[column - 1] && left[row - 1] == *to {
                cost = cost.min(before[column - 1] + 1);
            }
            current.push(cost);
        }
        before = std::mem::replace(&mut above, current);
    }
    above[right.len()]
}

#[cfg(test)]
mod tests;
