//! Reading nodes: a node with its pointer, objects with a closed set of keys, and the plain types.

use super::findings::{Found, REFERENCE, SCHEMA};
use super::nearest::nearest;
use super::position::Span;
use super::tree::{Data, Entry, Node, Text};
use super::{Origin, Reader};
use crate::limits;

/// A node, where it is in the document, and what is underlined when something is wrong with it.
#[derive(Debug, Clone)]
pub(super) struct At<'t> {
    pub(super) node: &'t Node,
    pub(super) pointer: String,
    label: &'t Span,
}

/// An object with known keys only.
#[derive(Debug, Clone)]
pub(super) struct Fields<'t> {
    pub(super) at: At<'t>,
    entries: &'t [Entry],
}

/// A pointer with one token more (RFC 6901).
pub(super) fn below(pointer: &str, token: &str) -> String {
    format!("{pointer}/{}", token.replace('~', "~0").replace('/', "~1"))
}

impl<'t> At<'t> {
    pub(super) fn root(node: &'t Node) -> At<'t> {
        At {
            node,
            pointer: String::new(),
            label: &node.span,
        }
    }

    fn entry(&self, entry: &'t Entry) -> At<'t> {
        let scalar = !matches!(entry.value.data, Data::List(_) | Data::Map(_) | Data::Null);
        At {
            node: &entry.value,
            pointer: below(&self.pointer, &entry.key),
            label: if scalar {
                &entry.value.span
            } else {
                &entry.key_span
            },
        }
    }

    /// Its members, when it is an object: each with the key as it is written.
    pub(super) fn members(&self) -> impl Iterator<Item = (&'t str, &'t Span, At<'t>)> + use<'t> {
        let entries: &'t [Entry] = match &self.node.data {
            Data::Map(entries) => entries,
            _ => &[],
        };
        let at = self.clone();
        entries
            .iter()
            .map(move |entry| (entry.key.as_str(), &entry.key_span, at.entry(entry)))
    }

    /// Its items, when it is a list.
    pub(super) fn items(&self) -> impl Iterator<Item = At<'t>> + use<'t> {
        let items: &'t [Node] = match &self.node.data {
            Data::List(items) => items,
            _ => &[],
        };
        let pointer = self.pointer.clone();
        items.iter().enumerate().map(move |(position, node)| At {
            node,
            pointer: format!("{pointer}/{position}"),
            label: &node.span,
        })
    }

    /// What a pointer of keys leads to from here.
    pub(super) fn find(self, pointer: &str) -> Option<At<'t>> {
        pointer.split('/').skip(1).try_fold(self, |at, token| {
            let mut members = at.members();
            members
                .find(|(key, ..)| *key == token)
                .map(|(.., member)| member)
        })
    }

    pub(super) fn as_text(&self) -> Option<&'t Text> {
        match &self.node.data {
            Data::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn is_map(&self) -> bool {
        matches!(self.node.data, Data::Map(_))
    }
}

impl<'t> Fields<'t> {
    /// A member, when it is written.
    pub(super) fn get(&self, key: &str) -> Option<At<'t>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        Some(self.at.entry(entry))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entries.iter().any(|entry| entry.key == key)
    }
}

impl<'t> Reader<'_, 't> {
    /// An error at a node.
    pub(super) fn error(
        &mut self,
        at: &At<'_>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Found<'_> {
        self.findings.at(code, &at.pointer, at.label, message)
    }

    /// A warning at a node.
    pub(super) fn warn(
        &mut self,
        at: &At<'_>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Found<'_> {
        self.findings.warn(code, &at.pointer, at.label, message)
    }

    /// What was accepted once: an error in a text that is written now, a warning in one that was stored before.
    pub(super) fn refuse(
        &mut self,
        at: &At<'_>,
        code: &'static str,
        message: impl Into<String>,
    ) -> Found<'_> {
        match self.origin {
            Origin::Written => self.error(at, code, message),
            Origin::Stored => self.warn(at, code, message),
        }
    }

    fn mistyped(&mut self, at: &At<'_>, wanted: &str) {
        let found = match &at.node.data {
            Data::Number(number) => number.to_string(),
            data => data.kind().to_owned(),
        };
        let number =
            matches!(at.node.data, Data::Number(_) | Data::Bool(_)) && wanted.starts_with("text");
        let error = self.error(at, SCHEMA, format!("this has to be {wanted}, not {found}"));
        if number {
            error.hint("put it in quotes");
        }
    }

    /// An object whose keys are all known.
    pub(super) fn fields(&mut self, at: &At<'t>, known: &[&str]) -> Option<Fields<'t>> {
        let fields = self.open_fields(at)?;
        self.refuse_unknown(&fields, known);
        Some(fields)
    }

    /// An object whose keys are judged elsewhere.
    pub(super) fn open_fields(&mut self, at: &At<'t>) -> Option<Fields<'t>> {
        let Data::Map(entries) = &at.node.data else {
            self.mistyped(at, "an object");
            return None;
        };
        Some(Fields {
            at: at.clone(),
            entries,
        })
    }

    pub(super) fn refuse_unknown(&mut self, fields: &Fields<'t>, known: &[&str]) {
        let free: Vec<&str> = known
            .iter()
            .copied()
            .filter(|key| !fields.has(key))
            .collect();
        let unknown = fields
            .entries
            .iter()
            .filter(|entry| !known.contains(&entry.key.as_str()));
        for entry in unknown.take(limits::FINDINGS) {
            let pointer = below(&fields.at.pointer, &entry.key);
            let near = nearest(&entry.key, free.iter().copied());
            let message = format!("unknown key `{}`", shown(&entry.key));
            let error = self.findings.at(SCHEMA, &pointer, &entry.key_span, message);
            match near {
                Some(near) => error.hint(format!("did you mean `{near}`?")),
                None if known.len() <= 12 => {
                    error.hint(format!("possible here: {}", known.join(", ")));
                }
                None => {}
            }
        }
    }

    /// A member that has to be there.
    pub(super) fn required(&mut self, fields: &Fields<'t>, key: &str) -> Option<At<'t>> {
        let found = fields.get(key);
        if found.is_none() {
            self.error(&fields.at, SCHEMA, format!("`{key}` is missing"));
        }
        found
    }

    pub(super) fn text(&mut self, at: &At<'t>) -> Option<&'t str> {
        if at.as_text().is_none() {
            self.mistyped(at, "text");
        }
        at.as_text().map(|text| text.value.as_str())
    }

    /// Text that says something.
    pub(super) fn name(&mut self, at: &At<'t>) -> Option<&'t str> {
        let text = self.text(at)?;
        if text.trim().is_empty() {
            self.error(at, SCHEMA, "this must not be empty");
            return None;
        }
        Some(text)
    }

    pub(super) fn boolean(&mut self, at: &At<'t>) -> Option<bool> {
        if let Data::Bool(value) = at.node.data {
            return Some(value);
        }
        self.mistyped(at, "true or false");
        None
    }

    /// A whole number; `1.0` is one, as in JSON Schema.
    pub(super) fn integer(&mut self, at: &At<'t>) -> Option<i64> {
        if let Data::Number(number) = &at.node.data {
            let whole = number.as_i64().or_else(|| {
                let float = number
                    .as_f64()
                    .filter(|float| float.fract() == 0.0 && float.abs() < 9e15)?;
                format!("{float:.0}").parse().ok()
            });
            if whole.is_some() {
                return whole;
            }
        }
        self.mistyped(at, "a whole number");
        None
    }

    pub(super) fn list(&mut self, at: &At<'t>) -> Option<Vec<At<'t>>> {
        if !matches!(at.node.data, Data::List(_)) {
            self.mistyped(at, "a list");
            return None;
        }
        Some(at.items().collect())
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&mut self, at: &At<'t>, words: &[(&str, T)]) -> Option<T> {
        let text = self.text(at)?;
        let found = words.iter().find(|(word, _)| *word == text);
        if found.is_none() {
            let all: Vec<_> = words.iter().map(|(word, _)| *word).collect();
            self.error(
                at,
                SCHEMA,
                format!("`{}` is none of {}", shown(text), all.join(", ")),
            );
        }
        found.map(|(_, value)| *value)
    }

    /// An error about a name that stands for nothing.
    pub(super) fn unresolved<'w>(
        &mut self,
        at: &At<'t>,
        message: String,
        name: &str,
        known: impl IntoIterator<Item = &'w str>,
    ) {
        // the first findings are the ones that are read
        let near = (self.findings.count() < limits::FINDINGS)
            .then(|| nearest(name, known).map(str::to_owned))
            .flatten();
        let error = self.error(at, REFERENCE, message);
        if let Some(near) = near {
            error.hint(format!("did you mean `{near}`?"));
        }
    }
}

/// A word of the author's within a message: short, on one line.
pub(super) fn shown(text: &str) -> String {
    let mut short: String = text
        .chars()
        .take(80)
        .map(|c| if c.is_control() { '\u{fffd}' } else { c })
        .collect();
    if text.chars().count() > 80 {
        short.push('…');
    }
    short
}
