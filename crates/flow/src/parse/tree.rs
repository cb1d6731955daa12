//! The text as a tree whose nodes know where they stand: YAML 1.2 and JSON, which is a part of it.
//!
//! Refused, each at its place: tags, merge keys, several documents, a byte order mark, keys that are not text, keys written twice,
//! and whatever is too deep or too much. Anchors are followed within limits. What the nodes mean is the other files' matter.

use std::collections::{BTreeMap, BTreeSet};

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError};
use serde_json::{Map, Number, Value};

use super::findings::{DUPLICATE, Findings, PARSE};
use super::position::Span;
use super::scalar;
use crate::limits;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) data: Data,
}

/// A value.
#[derive(Debug, Clone)]
pub(super) enum Data {
    Null,
    Bool(bool),
    Number(Number),
    Text(Text),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// Text and how it was written.
#[derive(Debug, Clone)]
pub(super) struct Text {
    pub(super) value: String,
    pub(super) style: ScalarStyle,
}

/// One member of a map.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Span,
    pub(super) value: Node,
}

impl Text {
    pub(super) fn plain(value: &str) -> Text {
        Text {
            value: value.to_owned(),
            style: ScalarStyle::Plain,
        }
    }
}

impl Data {
    /// The value without its places. No deeper than [`limits::DEPTH`].
    pub(super) fn to_json(&self) -> Value {
        match self {
            Data::Null => Value::Null,
            Data::Bool(value) => Value::Bool(*value),
            Data::Number(value) => Value::Number(value.clone()),
            Data::Text(text) => Value::String(text.value.clone()),
            Data::List(items) => items.iter().map(|item| item.data.to_json()).collect(),
            Data::Map(entries) => Value::Object(
                entries
                    .iter()
                    .map(|entry| (entry.key.clone(), entry.value.data.to_json()))
                    .collect::<Map<_, _>>(),
            ),
        }
    }

    /// What it is, for people.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Data::Null => "nothing",
            Data::Bool(_) => "a boolean",
            Data::Number(_) => "a number",
            Data::Text(_) => "text",
            Data::List(_) => "a list",
            Data::Map(_) => "an object",
        }
    }
}

/// Reads the text. `None` when there is nothing to go on with; what is wrong is in the findings.
pub(super) fn read(text: &str, findings: &mut Findings<'_>) -> Option<Node> {
    if text.len() > limits::SOURCE {
        findings.at(
            PARSE,
            "",
            &(0..1),
            format!(
                "the text has {} bytes; at most {} are read",
                text.len(),
                limits::SOURCE
            ),
        );
        return None;
    }
    if text.starts_with('\u{feff}') {
        findings
            .at(PARSE, "", &(0..3), "the text begins with a byte order mark")
            .hint("save the file as UTF-8 without it");
        return None;
    }
    let mut options = Options::default();
    options.set_emit_comments(false);
    let mut tree = Tree::default();
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, span)) => {
                let tag = span.tag_span().and_then(|span| span.byte_range());
                match (tag, has_tag(&event)) {
                    (Some(tag), true) => Err(refused_tag(text, &tag)),
                    _ => tree.take(event, &span.byte_range().unwrap_or(0..0), findings),
                }
            }
            Err(error) => Err(scan_error(text, &error)),
        };
        if let Err((span, message, hint)) = step {
            let found = findings.at(PARSE, &tree.pointer(), &span, message);
            if let Some(hint) = hint {
                found.hint(hint);
            }
            return None;
        }
    }
    if tree.root.is_none() {
        findings.at(PARSE, "", &(0..1), "the text is empty");
    }
    tree.root
}

fn scan_error(text: &str, error: &ScanError) -> Stop {
    let at = error.marker().byte_offset().unwrap_or(text.len());
    let message = error.info();
    let hint = message.contains("tab").then_some("indent with spaces");
    (at..at + 1, message, hint)
}

/// Why reading can't go on.
type Stop = (Span, String, Option<&'static str>);

/// A list or map that is not closed yet.
struct Open {
    span: Span,
    anchor: usize,
    holds: Holds,
}

enum Holds {
    List(Vec<Node>),
    Map {
        entries: Vec<Entry>,
        keys: BTreeSet<String>,
        key: Key,
    },
}

/// The key whose value comes next.
enum Key {
    None,
    New(String, Span),
    /// It stands here a second time: its value is read and left out.
    Again,
}

#[derive(Default)]
struct Tree {
    open: Vec<Open>,
    anchors: BTreeMap<usize, (Node, usize)>,
    nodes: usize,
    aliases: usize,
    root: Option<Node>,
}

impl Tree {
    fn take(
        &mut self,
        event: Event<'_>,
        span: &Span,
        findings: &mut Findings<'_>,
    ) -> Result<(), Stop> {
        match event {
            Event::DocumentStart(..) if self.root.is_some() => Err((
                span.clone(),
                "a second document begins here".to_owned(),
                Some("one file holds one document"),
            )),
            Event::Scalar(value, style, anchor, _) => {
                self.scalar(&value, style, anchor, span, findings)
            }
            Event::SequenceStart(_, anchor, _) => self.begin(span, anchor, Holds::List(Vec::new())),
            Event::MappingStart(_, anchor, _) => {
                let (entries, keys, key) = (Vec::new(), BTreeSet::new(), Key::None);
                self.begin(span, anchor, Holds::Map { entries, keys, key })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            _ => Ok(()),
        }
    }

    fn scalar(
        &mut self,
        value: &str,
        style: ScalarStyle,
        anchor: usize,
        span: &Span,
        findings: &mut Findings<'_>,
    ) -> Result<(), Stop> {
        if self.wants_key() {
            return self.key(value, style, span, findings);
        }
        let data = if style == ScalarStyle::Plain {
            match scalar::resolve(value) {
                Ok(data) => data,
                Err(scalar::Meaningless::NotFinite) => {
                    findings
                        .at(
                            PARSE,
                            &self.pointer(),
                            span,
                            format!("{value} is no number that JSON has"),
                        )
                        .hint("quote it if it is text");
                    Data::Null
                }
            }
        } else {
            let value = value.to_owned();
            Data::Text(Text { value, style })
        };
        let span = span.clone();
        self.add(Node { span, data }, 1, anchor)
    }

    fn wants_key(&self) -> bool {
        matches!(
            self.open.last(),
            Some(Open {
                holds: Holds::Map { key: Key::None, .. },
                ..
            })
        )
    }

    fn key(
        &mut self,
        value: &str,
        style: ScalarStyle,
        span: &Span,
        findings: &mut Findings<'_>,
    ) -> Result<(), Stop> {
        if style == ScalarStyle::Plain && value == "<<" {
            return Err((
                span.clone(),
                "merge keys (`<<`) are not part of YAML 1.2".to_owned(),
                Some("write the members out"),
            ));
        }
        if style == ScalarStyle::Plain && matches!(value, "" | "~") {
            return Err((
                span.clone(),
                "a key is missing before the colon".to_owned(),
                None,
            ));
        }
        let pointer = self.pointer();
        if let Some(Open {
            holds: Holds::Map { keys, key, .. },
            ..
        }) = self.open.last_mut()
        {
            *key = if keys.insert(value.to_owned()) {
                Key::New(value.to_owned(), span.clone())
            } else {
                Key::Again
            };
            if matches!(key, Key::Again) {
                let shown = super::fields::shown(value);
                findings
                    .at(
                        DUPLICATE,
                        &super::fields::below(&pointer, value),
                        span,
                        format!("the key `{shown}` stands here twice"),
                    )
                    .hint("remove one of them");
            }
        }
        Ok(())
    }

    fn begin(&mut self, span: &Span, anchor: usize, holds: Holds) -> Result<(), Stop> {
        if self.wants_key() {
            return Err((span.clone(), "a key has to be text".to_owned(), None));
        }
        if self.open.len() >= limits::DEPTH {
            return Err((
                span.clone(),
                format!("nested deeper than {} levels", limits::DEPTH),
                None,
            ));
        }
        let span = span.clone();
        self.open.push(Open {
            span,
            anchor,
            holds,
        });
        Ok(())
    }

    fn end(&mut self, end: &Span) -> Result<(), Stop> {
        let Some(Open {
            span,
            anchor,
            holds,
        }) = self.open.pop()
        else {
            return Ok(());
        };
        let data = match holds {
            Holds::List(items) => Data::List(items),
            Holds::Map { entries, .. } => Data::Map(entries),
        };
        let span = span.start..end.end.max(span.end);
        self.add(Node { span, data }, 1, anchor)
    }

    fn alias(&mut self, anchor: usize, span: &Span) -> Result<(), Stop> {
        if self.wants_key() {
            return Err((
                span.clone(),
                "a key has to be text, not an alias".to_owned(),
                None,
            ));
        }
        self.aliases += 1;
        if self.aliases > limits::ALIASES {
            return Err((
                span.clone(),
                format!("more than {} aliases", limits::ALIASES),
                None,
            ));
        }
        let Some((node, size)) = self.anchors.get(&anchor) else {
            return Err((
                span.clone(),
                "an alias stands inside what it names".to_owned(),
                None,
            ));
        };
        if self.nodes + size > limits::NODES {
            return Err((
                span.clone(),
                format!("more than {} values, aliases followed", limits::NODES),
                None,
            ));
        }
        let (node, size) = (node.clone(), *size);
        if self.open.len() + depth(&node) > limits::DEPTH {
            return Err((
                span.clone(),
                format!(
                    "nested deeper than {} levels, aliases followed",
                    limits::DEPTH
                ),
                None,
            ));
        }
        self.add(node, size, 0)
    }

    fn add(&mut self, node: Node, size: usize, anchor: usize) -> Result<(), Stop> {
        self.nodes += size;
        if anchor != 0 {
            // what an anchor keeps counts like what is written
            self.nodes += count(&node);
        }
        if self.nodes > limits::NODES {
            return Err((
                node.span,
                format!("more than {} values", limits::NODES),
                None,
            ));
        }
        if anchor != 0 {
            self.anchors.insert(anchor, (node.clone(), count(&node)));
        }
        match self.open.last_mut() {
            Some(Open {
                holds: Holds::List(items),
                ..
            }) => items.push(node),
            Some(Open {
                holds: Holds::Map { entries, key, .. },
                ..
            }) => {
                if let Key::New(key, key_span) = std::mem::replace(key, Key::None) {
                    entries.push(Entry {
                        key,
                        key_span,
                        value: node,
                    });
                }
            }
            None => self.root = Some(node),
        }
        Ok(())
    }

    /// Where the next node will stand.
    fn pointer(&self) -> String {
        self.open
            .iter()
            .fold(String::new(), |pointer, open| match &open.holds {
                Holds::List(items) => format!("{pointer}/{}", items.len()),
                Holds::Map {
                    key: Key::New(key, _),
                    ..
                } => super::fields::below(&pointer, key),
                Holds::Map { .. } => pointer,
            })
    }
}

fn has_tag(event: &Event<'_>) -> bool {
    event.tag().is_some()
}

fn refused_tag(text: &str, span: &Span) -> Stop {
    let tag = text.get(span.clone()).unwrap_or_default();
    (
        span.clone(),
        format!("the tag `{}` is not taken here", super::fields::shown(tag)),
        Some("quote the value if it is text"),
    )
}

fn count(node: &Node) -> usize {
    1 + match &node.data {
        Data::List(items) => items.iter().map(count).sum(),
        Data::Map(entries) => entries
            .iter()
            .map(|entry| count(&entry.value))
            .sum::<usize>(),
        _ => 0,
    }
}

fn depth(node: &Node) -> usize {
    match &node.data {
        Data::List(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Data::Map(entries) => {
            1 + entries
                .iter()
                .map(|entry| depth(&entry.value))
                .max()
                .unwrap_or(0)
        }
        _ => 0,
    }
}
