//! Texts that are no flows, such as connections in version control: read as strictly as a flow's, and written.
//!
//! What the values mean is the caller's business; it asks here for the place of what it does not accept.

use std::fmt::Write as _;

use granit_parser::ScalarStyle;
use serde_json::Value;

use super::fields::{below, shown};
use super::findings::{DUPLICATE, Findings};
use super::nearest::nearest;
use super::position::{Source, Span};
use super::tree::{self, Data, Node};
use super::{refused, scalar};
use crate::diagnostics::{Diagnostic, Diagnostics, Severity};

/// The text is no YAML or JSON, or too much of it.
const PARSE: &str = "document.parse";
/// A key stands there twice.
const TWICE: &str = "document.duplicate";
/// It is not what belongs there.
const SCHEMA: &str = "document.schema";
/// So many known words are listed where none is near.
const LISTED: usize = 12;

/// A text in YAML 1.2 or JSON that was read, with the places of its values.
pub struct Text<'s> {
    source: Source<'s>,
    root: Node,
}

impl<'s> Text<'s> {
    /// Reads a text: tags, merge keys, keys written twice, several documents and whatever is too deep or too much are refused,
    /// each at its place (`document.parse`, `document.duplicate`).
    pub fn read(source: &'s str) -> Result<Text<'s>, Diagnostics> {
        let mut findings = Findings::new(Source::new(source));
        let root = tree::read(source, &mut findings);
        if let (Some(root), 0) = (root, findings.count()) {
            return Ok(Text {
                source: Source::new(source),
                root,
            });
        }
        let mut diagnostics = refused(findings);
        for found in &mut diagnostics.0 {
            found.code = if found.code == DUPLICATE {
                TWICE
            } else {
                PARSE
            };
        }
        Err(diagnostics)
    }

    /// The values without their places.
    pub fn value(&self) -> Value {
        self.root.data.to_json()
    }

    /// Says that something is wrong at a JSON pointer (RFC 6901), or at the nearest place above it that is written.
    pub fn refuse(
        &self,
        code: &'static str,
        pointer: &str,
        message: impl Into<String>,
    ) -> Diagnostic {
        let (found, span) = self.place(pointer);
        let position = self.source.position(span);
        Diagnostic {
            code,
            pointer: found,
            line: position.line,
            column: position.column,
            length: position.length,
            message: message.into(),
            hint: None,
            severity: Severity::Error,
        }
    }

    /// Says that what stands at a JSON pointer is not of the shape that belongs there (`document.schema`).
    pub fn misshapen(&self, pointer: &str, message: impl Into<String>) -> Diagnostic {
        self.refuse(SCHEMA, pointer, message)
    }

    /// Says that nobody knows the last key of a JSON pointer, and which of the known ones was probably meant.
    pub fn unknown_key<'w>(
        &self,
        pointer: &str,
        known: impl IntoIterator<Item = &'w str> + Clone,
    ) -> Diagnostic {
        let (above, key) = pointer.rsplit_once('/').unwrap_or(("", pointer));
        let key = key.replace("~1", "/").replace("~0", "~");
        let message = format!("unknown key `{}`", shown(&key));
        let mut diagnostic = self.misshapen(pointer, message);
        let beside = match &self.walk(above).2.data {
            Data::Map(entries) => entries.as_slice(),
            _ => &[],
        };
        if let Some(entry) = beside.iter().find(|entry| entry.key == key) {
            let position = self.source.position(&entry.key_span);
            (diagnostic.line, diagnostic.column) = (position.line, position.column);
            diagnostic.length = position.length;
        }
        let free = known
            .into_iter()
            .filter(|word| !beside.iter().any(|entry| entry.key == *word));
        let free: Vec<&str> = free.collect();
        diagnostic.hint = match nearest(&key, free.iter().copied()) {
            Some(near) => Some(format!("did you mean `{near}`?")),
            None if free.len() <= LISTED => Some(format!("possible here: {}", free.join(", "))),
            None => None,
        };
        diagnostic
    }

    fn place(&self, pointer: &str) -> (String, &Span) {
        let (found, span, _) = self.walk(pointer);
        (found, span)
    }

    /// As far down as there is something: its pointer, what is underlined, and the node.
    fn walk(&self, pointer: &str) -> (String, &Span, &Node) {
        let mut at = (String::new(), &self.root.span, &self.root);
        for token in pointer.split('/').skip(1) {
            let token = token.replace("~1", "/").replace("~0", "~");
            let next = match &at.2.data {
                Data::Map(entries) => {
                    entries
                        .iter()
                        .find(|entry| entry.key == token)
                        .map(|entry| {
                            let large = matches!(
                                entry.value.data,
                                Data::List(_) | Data::Map(_) | Data::Null
                            );
                            let span = if large {
                                &entry.key_span
                            } else {
                                &entry.value.span
                            };
                            (span, &entry.value)
                        })
                }
                Data::List(items) => token
                    .parse::<usize>()
                    .ok()
                    .and_then(|position| items.get(position))
                    .map(|item| (&item.span, item)),
                _ => None,
            };
            let Some((span, node)) = next else { break };
            at = (below(&at.0, &token), span, node);
        }
        at
    }
}

/// Writes a value as YAML that [`Text::read`] reads as the same value: two blanks of indentation, keys in their order, quotes
/// only where they are needed, texts of several lines as blocks. Ends with a line feed.
pub fn write(value: &Value) -> String {
    let mut out = String::new();
    match value {
        Value::Object(members) if !members.is_empty() => below_key(value, 0, &mut out),
        Value::Array(items) if !items.is_empty() => below_key(value, 0, &mut out),
        _ => {
            written(value, 0, &mut out);
        }
    }
    out
}

/// A value that has members or items, each on lines of its own.
fn below_key(value: &Value, depth: usize, out: &mut String) {
    let margin = "  ".repeat(depth);
    match value {
        Value::Object(members) => {
            for (key, value) in members {
                let _ = write!(out, "{margin}{}:", quoted(key));
                member(value, depth, out);
            }
        }
        Value::Array(items) => {
            for item in items {
                let _ = write!(out, "{margin}-");
                member(item, depth, out);
            }
        }
        _ => {}
    }
}

/// What follows a colon or a dash, to the end of its last line.
fn member(value: &Value, depth: usize, out: &mut String) {
    let nested = match value {
        Value::Object(members) => !members.is_empty(),
        Value::Array(items) => !items.is_empty(),
        _ => false,
    };
    if nested {
        out.push('\n');
        below_key(value, depth + 1, out);
    } else {
        out.push(' ');
        written(value, depth + 1, out);
    }
}

fn written(value: &Value, depth: usize, out: &mut String) {
    match value {
        Value::String(text) if is_block(text) => {
            out.push_str("|\n");
            for line in text.lines() {
                let _ = writeln!(out, "{}{line}", "  ".repeat(depth));
            }
        }
        Value::String(text) => {
            let _ = writeln!(out, "{}", quoted(text));
        }
        other => {
            let _ = writeln!(out, "{other}");
        }
    }
}

/// Whether a text of several lines can be a literal block (YAML 1.2 §8.1.2): it ends with one line feed, and no line begins with
/// a blank, is empty or holds what only an escape can say.
fn is_block(text: &str) -> bool {
    let lines = || {
        text.strip_suffix('\n')
            .into_iter()
            .flat_map(|text| text.split('\n'))
    };
    lines().count() > 1
        && lines().all(|line| {
            !line.is_empty() && !line.starts_with(' ') && !line.chars().any(char::is_control)
        })
}

/// A text on one line, in quotes where it would otherwise be something else.
fn quoted(text: &str) -> String {
    let tame = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, ' ' | '.' | '_' | '-' | '/' | ':' | '+' | '=' | '(' | ')')
    };
    let plain = text.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '/')
        && text.chars().all(tame)
        && !text.ends_with([' ', ':'])
        && !text.contains(": ")
        && matches!(scalar::resolve(text), Ok(Data::Text(resolved)) if resolved.style == ScalarStyle::Plain);
    if plain {
        text.to_owned()
    } else {
        // JSON's strings are YAML's in double quotes
        Value::from(text).to_string()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_written_as_people_write_it() {
        let value = json!({
            "version": 1,
            "connections": {
                "graph": { "url": "https://api.contoso.example/v1.0", "scope": "User.Read offline_access", "yes": "true", "empty": "" },
                "other": { "list": ["a", "b: c"], "none": [], "pem": "-----BEGIN X-----\nMIIB\n-----END X-----\n" },
            },
        });
        let text = write(&value);
        insta::assert_snapshot!(text, @r#"
        version: 1
        connections:
          graph:
            url: https://api.contoso.example/v1.0
            scope: User.Read offline_access
            yes: "true"
            empty: ""
          other:
            list:
              - a
              - "b: c"
            none: []
            pem: |
              -----BEGIN X-----
              MIIB
              -----END X-----
        "#);
        assert_eq!(Text::read(&text).map(|text| text.value()).ok(), Some(value));
    }

    #[test]
    fn what_is_wrong_is_said_at_its_place() {
        let text = Text::read("a:\n  scop: x\n  list: [1, 2]\n").ok().unwrap();
        let check =
            |found: Diagnostic, place: (usize, usize, usize), pointer: &str, hint: Option<&str>| {
                assert_eq!((found.line, found.column, found.length), place, "{found:?}");
                assert_eq!(
                    (found.pointer.as_str(), found.hint.as_deref()),
                    (pointer, hint)
                );
            };
        check(text.misshapen("/a/scop", "x"), (2, 9, 1), "/a/scop", None);
        check(
            text.misshapen("/a/list/1", "x"),
            (3, 13, 1),
            "/a/list/1",
            None,
        );
        check(text.misshapen("/a/absent/b", "x"), (1, 1, 1), "/a", None);
        let known = ["scope", "list", "tenant"];
        check(
            text.unknown_key("/a/scop", known),
            (2, 3, 4),
            "/a/scop",
            Some("did you mean `scope`?"),
        );
        check(
            text.unknown_key("/a/list", ["wibble"]),
            (3, 3, 4),
            "/a/list",
            Some("possible here: wibble"),
        );
    }

    #[test]
    fn what_is_no_text_of_this_kind_is_refused_under_its_own_codes() {
        let codes = |source: &str| match Text::read(source) {
            Ok(_) => Vec::new(),
            Err(found) => found
                .0
                .iter()
                .map(|found| (found.code, found.line))
                .collect(),
        };
        assert_eq!(codes("a: 1\na: 2\n"), [(TWICE, 2)]);
        assert_eq!(codes("a: [1\n"), [(PARSE, 1)]);
        assert_eq!(codes("a: 1\n---\nb: 1\n"), [(PARSE, 2)]);
        assert_eq!(codes(""), [(PARSE, 1)]);
    }

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,12}".prop_map(Value::from),
            "[ -~\n\t]{0,16}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ -~]{1,8}", inner, 0..4)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_read_as_the_same(value in value()) {
            let text = write(&value);
            let read = Text::read(&text).map(|text| text.value());
            prop_assert_eq!(read.as_ref().ok(), Some(&value), "{}", text);
        }
    }
}
