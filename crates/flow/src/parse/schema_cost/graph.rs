//! The schemas of a document: which of them look at the same value, and which at parts of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::Refusal;

/// Keywords whose schema, or each of whose schemas, looks at the same value.
const SAME_VALUE: [&str; 9] = [
    "allOf",
    "anyOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentSchemas",
    "dependencies",
];
/// Those among them that have an object of schemas.
const BY_NAME: [&str; 2] = ["dependentSchemas", "dependencies"];
/// Keywords that name a schema elsewhere.
const REFERENCES: [&str; 3] = ["$ref", "$dynamicRef", "$recursiveRef"];
/// With these the schemas beside them are gone through twice.
const LOOK_AGAIN: [&str; 2] = ["unevaluatedProperties", "unevaluatedItems"];

/// Which parts of a value a schema below another one looks at.
pub(super) enum Part {
    Member(String),
    /// Members whose names are not among these.
    OtherMember(BTreeSet<String>),
    Item(usize),
    /// Items from this one on.
    ItemFrom(usize),
    /// The names of members.
    Name,
}

#[derive(Default)]
pub(super) struct Schema {
    /// Schemas that look at the same value.
    pub(super) same: Vec<usize>,
    /// Schemas that look at parts of it.
    pub(super) parts: Vec<(Part, usize)>,
}

#[derive(Default)]
pub(super) struct Graph {
    pub(super) schemas: Vec<Schema>,
}

/// A schema that is to be read, by its place in the document.
struct Reading<'s> {
    root: &'s Value,
    anchors: BTreeMap<&'s str, &'s Value>,
    /// By their addresses.
    known: BTreeMap<usize, usize>,
    left: Vec<(&'s Value, usize)>,
}

impl Reading<'_> {
    /// Takes in what references may call schemas by.
    fn look_around(&mut self) -> Result<(), Refusal> {
        let old = self.root.get("$schema").and_then(Value::as_str);
        let id = match old {
            Some(draft) if draft.contains("draft-04") => "id",
            _ => "$id",
        };
        let (mut named, mut refers) = (false, false);
        let mut values = vec![self.root];
        while let Some(value) = values.pop() {
            if let Some(members) = value.as_object() {
                let text = |name: &str| members.get(name).and_then(Value::as_str);
                for anchor in ["$anchor", "$dynamicAnchor"].into_iter().filter_map(text) {
                    self.anchors.insert(anchor, value);
                }
                named |= text(id).is_some() && !std::ptr::eq(value, self.root);
                refers |= REFERENCES.iter().any(|name| members.contains_key(*name));
            }
            match value {
                Value::Array(items) => values.extend(items),
                Value::Object(members) => values.extend(members.values()),
                _ => {}
            }
        }
        if named && refers {
            let why = format!(
                "it has both an `{id}` below its root and a `$ref`: write it without `{id}`"
            );
            return Err(Refusal::Elsewhere(why));
        }
        Ok(())
    }
}

impl Graph {
    pub(super) fn read(&mut self, root: &Value) -> Result<usize, Refusal> {
        let mut reading = Reading {
            root,
            anchors: BTreeMap::new(),
            known: BTreeMap::new(),
            left: Vec::new(),
        };
        reading.look_around()?;
        let first = self.at(&mut reading, root);
        while let Some((value, at)) = reading.left.pop() {
            self.schema(&mut reading, value, at)?;
        }
        Ok(first)
    }

    /// The number of a schema, which is read later.
    fn at<'s>(&mut self, reading: &mut Reading<'s>, value: &'s Value) -> usize {
        let address = std::ptr::from_ref(value).addr();
        *reading.known.entry(address).or_insert_with(|| {
            self.schemas.push(Schema::default());
            reading.left.push((value, self.schemas.len() - 1));
            self.schemas.len() - 1
        })
    }

    fn schema<'s>(
        &mut self,
        reading: &mut Reading<'s>,
        value: &'s Value,
        at: usize,
    ) -> Result<(), Refusal> {
        let Some(members) = value.as_object() else {
            return Ok(());
        };
        let mut found = Schema::default();
        for (keyword, below) in members {
            let keyword = keyword.as_str();
            if REFERENCES.contains(&keyword) {
                if let Some(target) = referred(reading, below)? {
                    found.same.push(self.at(reading, target));
                }
            } else if SAME_VALUE.contains(&keyword) {
                for each in each(keyword, below) {
                    found.same.push(self.at(reading, each));
                }
            } else {
                for (part, each) in parts(members, keyword, below) {
                    found.parts.push((part, self.at(reading, each)));
                }
            }
        }
        if LOOK_AGAIN
            .iter()
            .any(|keyword| members.contains_key(*keyword))
        {
            found.same.extend(found.same.clone());
        }
        self.schemas[at] = found;
        Ok(())
    }
}

/// The schemas of a keyword that has one, a list of them, or, where it goes by the names of members, an object.
fn each<'s>(keyword: &str, value: &'s Value) -> Vec<&'s Value> {
    match value {
        Value::Array(items) => items.iter().collect(),
        Value::Object(members) if BY_NAME.contains(&keyword) => members.values().collect(),
        other => vec![other],
    }
}

/// What a keyword looks at below the value.
fn parts<'s>(
    schema: &'s serde_json::Map<String, Value>,
    keyword: &str,
    below: &'s Value,
) -> Vec<(Part, &'s Value)> {
    let names = || {
        let properties = schema.get("properties").and_then(Value::as_object);
        properties
            .map(|all| all.keys().cloned().collect())
            .unwrap_or_default()
    };
    let members = || below.as_object().into_iter().flatten();
    let first = schema
        .get("prefixItems")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    match keyword {
        "properties" => members()
            .map(|(name, each)| (Part::Member(name.clone()), each))
            .collect(),
        "patternProperties" => members()
            .map(|(_, each)| (Part::OtherMember(BTreeSet::new()), each))
            .collect(),
        "additionalProperties" => vec![(Part::OtherMember(names()), below)],
        "unevaluatedProperties" => vec![(Part::OtherMember(BTreeSet::new()), below)],
        "propertyNames" => vec![(Part::Name, below)],
        "prefixItems" => numbered(below),
        "items" if below.is_array() => numbered(below),
        "items" => vec![(Part::ItemFrom(first), below)],
        "additionalItems" => {
            let from = schema
                .get("items")
                .and_then(Value::as_array)
                .map_or(0, Vec::len);
            vec![(Part::ItemFrom(from), below)]
        }
        "contains" | "unevaluatedItems" => vec![(Part::ItemFrom(0), below)],
        _ => Vec::new(),
    }
}

fn numbered(list: &Value) -> Vec<(Part, &Value)> {
    let items = list.as_array().into_iter().flatten().enumerate();
    items
        .map(|(number, each)| (Part::Item(number), each))
        .collect()
}

/// The schema that a reference leads to; none where it is one that is known everywhere.
fn referred<'s>(reading: &Reading<'s>, reference: &Value) -> Result<Option<&'s Value>, Refusal> {
    let Some(text) = reference.as_str() else {
        return Ok(None);
    };
    let own = reading
        .root
        .get("$id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let own = own.trim_end_matches('#');
    let text = match text.strip_prefix(own) {
        Some(rest) if !own.is_empty() && (rest.is_empty() || rest.starts_with('#')) => rest,
        _ => text,
    };
    if text.starts_with("https://json-schema.org/") || text.starts_with("http://json-schema.org/") {
        return Ok(None);
    }
    let unknown = || Refusal::Elsewhere(format!("nothing in it is called {text:?}"));
    let fragment = match text.strip_prefix('#') {
        Some(fragment) => percent_decoded(fragment),
        None if text.is_empty() => String::new(),
        None => return Err(unknown()),
    };
    let found = if fragment.is_empty() {
        Some(reading.root)
    } else if fragment.starts_with('/') {
        reading.root.pointer(&fragment)
    } else {
        reading.anchors.get(fragment.as_str()).copied()
    };
    found.map(Some).ok_or_else(unknown)
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).filter(|_| *first == b'%');
        let pair = pair.and_then(|pair| std::str::from_utf8(pair).ok());
        if let Some(byte) = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()) {
            bytes.push(byte);
            rest = &after[2..];
        } else {
            bytes.push(*first);
            rest = after;
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
