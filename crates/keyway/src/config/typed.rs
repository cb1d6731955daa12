//! What was typed: texts and lists by key, each with where it came from.
//!
//! It knows names and shapes, not meanings.

use std::collections::BTreeMap;
use std::path::Path;

use toml::{Table, Value};

use super::Named;
use super::keys::{CLIENT_VARIABLES, CLOUD_KEYS, KEYS, Key, Shape, distance, nearest};
use crate::Exit;
use crate::failure::Failure;

/// Everything typed, before anything is judged.
#[derive(Debug, Default)]
pub(super) struct Typed {
    entries: BTreeMap<&'static str, Entry>,
    pub(super) clouds: Vec<TypedCloud>,
    readable_by_others: bool,
}

/// One value and its origin.
#[derive(Debug)]
struct Entry {
    values: Vec<String>,
    /// As named in a complaint.
    source: String,
    from_file: bool,
}

/// One `[[cloud]]` table.
#[derive(Debug, Default)]
pub(super) struct TypedCloud(BTreeMap<&'static str, String>);

impl TypedCloud {
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }
}

impl Typed {
    /// Reads a TOML file; a missing file is an error only if it was named.
    pub(super) fn read(
        path: &Path,
        named: Named,
        complaints: &mut Vec<String>,
    ) -> Result<Typed, Failure> {
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && named == Named::No => {
                return Ok(Typed::default());
            }
            Err(error) => {
                return Err(Failure::new(
                    Exit::Invalid,
                    "config.unreadable",
                    format!(
                        "the configuration file {} cannot be read: {error}",
                        path.display()
                    ),
                )
                .hint("check the path given by --config or KEYWAY_CONFIG"));
            }
        };
        let mut typed = Typed {
            readable_by_others: readable_by_others(path),
            ..Typed::default()
        };
        match text.parse::<Table>() {
            Ok(table) => typed.take_table("", table, complaints),
            Err(error) => {
                // Only place and reason: the line itself may hold a password.
                let line = error.span().map_or(1, |span| {
                    text[..span.start.min(text.len())].matches('\n').count() + 1
                });
                complaints.push(format!("line {line}: {}", error.message()));
            }
        }
        Ok(typed)
    }

    fn take_table(&mut self, prefix: &str, table: Table, complaints: &mut Vec<String>) {
        for (name, value) in table {
            let path = if prefix.is_empty() {
                name.clone()
            } else {
                format!("{prefix}.{name}")
            };
            if path == "cloud" {
                self.take_clouds(value, complaints);
            } else if let Some(key) = KEYS.iter().find(|key| key.path == path) {
                self.take_value(key, value, complaints);
            } else if let Value::Table(inner) = value
                && prefix.is_empty()
                && KEYS
                    .iter()
                    .any(|key| key.path.starts_with(&format!("{path}.")))
            {
                self.take_table(&path, inner, complaints);
            } else {
                complaints.push(unknown(
                    &path,
                    KEYS.iter().map(|key| key.path).chain(SECTIONS),
                ));
            }
        }
    }

    fn take_value(&mut self, key: &Key, value: Value, complaints: &mut Vec<String>) {
        let values = match (key.shape, value) {
            (Shape::Text, Value::String(text)) => Some(vec![text]),
            (Shape::List, Value::Array(items)) => items
                .into_iter()
                .map(|item| item.as_str().map(str::to_owned))
                .collect(),
            _ => None,
        };
        match values {
            // An empty text is how the reference shows "not set".
            Some(values) if key.shape == Shape::Text && values[0].is_empty() => {}
            Some(values) => {
                self.entries.insert(
                    key.path,
                    Entry {
                        values,
                        source: key.path.to_owned(),
                        from_file: true,
                    },
                );
            }
            None => complaints.push(format!("{}: must be {}", key.path, wanted(key.shape))),
        }
    }

    fn take_clouds(&mut self, value: Value, complaints: &mut Vec<String>) {
        let Value::Array(items) = value else {
            complaints.push("cloud: must be written as [[cloud]]".to_owned());
            return;
        };
        for item in items {
            let Value::Table(table) = item else {
                complaints.push("cloud: must be written as [[cloud]]".to_owned());
                return;
            };
            let mut cloud = TypedCloud::default();
            for (name, value) in table {
                match (CLOUD_KEYS.iter().find(|(key, _)| *key == name), value) {
                    (Some((key, _)), Value::String(text)) if !text.is_empty() => {
                        cloud.0.insert(*key, text);
                    }
                    (Some(_), Value::String(_)) => {}
                    (Some((key, _)), _) => {
                        complaints.push(format!("cloud.{key}: must be {}", wanted(Shape::Text)));
                    }
                    (None, _) => complaints.push(
                        unknown(&name, CLOUD_KEYS.iter().map(|(key, _)| *key))
                            .replace("unknown key \"", "unknown key \"cloud."),
                    ),
                }
            }
            self.clouds.push(cloud);
        }
    }

    /// Adds what the environment says; the same thing said twice is refused.
    pub(super) fn merge_variables(
        &mut self,
        variables: &BTreeMap<String, String>,
        complaints: &mut Vec<String>,
    ) {
        for (name, value) in variables {
            let Some(key) = KEYS.iter().find(|key| key.variable == name) else {
                // Other people's variables may share the prefix; only what looks like a slip of the pen is refused.
                let known = || {
                    KEYS.iter()
                        .map(|key| key.variable)
                        .chain(CLIENT_VARIABLES.iter().map(|(name, _)| *name))
                };
                if !known().any(|known| known == name)
                    && let Some(meant) = known().find(|known| distance(known, name) <= 2)
                {
                    complaints.push(format!("unknown variable {name}: did you mean {meant}?"));
                }
                continue;
            };
            if self.entries.contains_key(key.path) {
                complaints.push(format!(
                    "{}: set in the file and by {name}: keep one of them",
                    key.path
                ));
                continue;
            }
            let values = match key.shape {
                Shape::Text => vec![value.clone()],
                Shape::List => value
                    .split(',')
                    .map(|item| item.trim().to_owned())
                    .filter(|item| !item.is_empty())
                    .collect(),
            };
            self.entries.insert(
                key.path,
                Entry {
                    values,
                    source: name.clone(),
                    from_file: false,
                },
            );
        }
    }

    /// Sets a value that decides over file and environment.
    pub(super) fn set(&mut self, key: &'static str, value: String, source: &str) {
        self.entries.insert(
            key,
            Entry {
                values: vec![value],
                source: source.to_owned(),
                from_file: false,
            },
        );
    }

    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.entries.get(key)?.values.first().map(String::as_str)
    }

    pub(super) fn list(&self, key: &str) -> &[String] {
        self.entries
            .get(key)
            .map(|entry| entry.values.as_slice())
            .unwrap_or_default()
    }

    pub(super) fn source(&self, key: &str) -> Option<&str> {
        self.entries.get(key).map(|entry| entry.source.as_str())
    }

    pub(super) fn is_from_file(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.from_file)
    }

    pub(super) fn is_readable_by_others(&self) -> bool {
        self.readable_by_others
    }
}

/// Tables of the file, for the nearest name of a mistyped one.
const SECTIONS: [&str; 6] = ["store", "egress", "timeouts", "tls", "log", "cloud"];

fn wanted(shape: Shape) -> &'static str {
    match shape {
        Shape::Text => "a text in quotes",
        Shape::List => "a list of texts, such as [\"127.0.0.1:8443\"]",
    }
}

fn unknown<'a>(path: &str, known: impl Iterator<Item = &'a str>) -> String {
    match nearest(path, known) {
        Some(meant) => format!("unknown key \"{path}\": did you mean \"{meant}\"?"),
        None => format!("unknown key \"{path}\""),
    }
}

/// Whether group or world may read a file.
fn readable_by_others(path: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        std::fs::metadata(path).is_ok_and(|metadata| metadata.mode() & 0o077 != 0)
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        false
    }
}
