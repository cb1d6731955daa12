//! The parser beside the specification's own schema and examples: where they differ is in `docs/reference/profile.md`, and nowhere else.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use crate::Flow;
use crate::diagnostics::{Diagnostic, Severity};
use crate::parse::findings::Findings;
use crate::parse::position::Source;
use crate::parse::tree;
use crate::reference::{EXAMPLES, LOOSER, REFUSED, STRICTER};

/// Every how many-th mutation is tried. All of them take half a minute and say the same.
const STRIDE: usize = 11;

/// `schema/workflow.yaml` of the specification's version 1.0.3 (Apache License 2.0), as JSON.
const SCHEMA: &str = include_str!("workflow.schema.json");

fn validator() -> jsonschema::Validator {
    let schema: Value = serde_json::from_str(SCHEMA).expect("it is vendored");
    jsonschema::validator_for(&schema).expect("it is a schema")
}

fn value_of(text: &str) -> Value {
    let mut findings = Findings::new(Source::new(text));
    tree::read(text, &mut findings)
        .expect("the text is YAML")
        .data
        .to_json()
}

fn flow(members: &str) -> String {
    if members.starts_with("document:") {
        return members.to_owned();
    }
    format!("document: {{dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}}\n{members}")
}

fn errors(text: &str) -> Vec<Diagnostic> {
    let found = Flow::parse(text)
        .err()
        .map(|diagnostics| diagnostics.0)
        .unwrap_or_default();
    found
        .into_iter()
        .filter(|finding| finding.severity == Severity::Error)
        .collect()
}

#[test]
fn what_is_refused_is_named() {
    for refused in REFUSED {
        let found = errors(&flow(refused.example));
        assert!(
            found
                .iter()
                .all(|finding| finding.code == "flow.feature_disabled")
                && found
                    .iter()
                    .any(|finding| finding.message.contains(refused.feature)),
            "{}: {found:?}",
            refused.feature
        );
    }
}

#[test]
fn stricter_and_looser_is_as_the_page_says() {
    let schema = validator();
    for rule in STRICTER.iter().filter(|rule| !rule.example.is_empty()) {
        let text = flow(rule.example);
        assert!(
            schema.is_valid(&value_of(&text)),
            "the schema refuses it too: {}",
            rule.text
        );
        assert_ne!(errors(&text), [], "it is accepted: {}", rule.text);
    }
    for rule in LOOSER {
        let text = flow(rule.example);
        assert!(
            !schema.is_valid(&value_of(&text)),
            "the schema accepts it too: {}",
            rule.text
        );
        assert_eq!(errors(&text), [], "it is refused: {}", rule.text);
    }
}

/// The words of the findings that the schema would not have; each belongs to a line of the page.
const BEYOND_THE_SCHEMA: &[&str] = &[
    "unknown key",
    "a list of tasks has at least one",
    "must not be empty",
    "is a word of `then`",
    "none of them leads to another",
    "the name of a variable",
    "is a variable of the language",
    "have the same name",
    "`set` is an object or one expression",
    "of the language is not known here",
    "no fixed length",
    "longer than nothing",
    "known before a run begins",
    "`limit` is missing",
    "a limit has `attempt.count` or `duration`",
    "is longer than `to`",
    "a filter of errors compares",
    "is no status",
    "no number of retries",
    "a schedule has at least one",
    "a cron expression",
    "this is no cron expression",
    "never fires",
    "can't start more often",
    "`all` of nothing",
    "an expression in a filter",
    "an attribute is",
    "the name of an attribute",
    "this has to be text, or an expression",
    "`with` is missing",
    "addresses can't be called",
    "the host of an address",
    "holds a user name",
    "is more than a name",
    "an address",
    "an expression in an address",
    "is no HTTP method",
    "can't be used in a flow",
    "`authority` is missing",
    "`grant` is missing",
    "no JSON Schema that can be used",
    "`return` is stdout",
    "is no semantic version",
    "is no name of a flow",
    "is a function of the language",
    "have no",
];

/// Parts of the rich flow that the schema leaves free and Keyway does not.
const KEYWAYS_OWN: &[&str] = &[
    "/metadata/keyway",
    "/evaluate",
    "/pages/with",
    "/row/with",
    "/ask/with",
    "/answer/with",
];

/// Whether a document that the schema refuses is one of the exceptions.
fn is_looser(document: &Value) -> bool {
    let mut plain = document.clone();
    straighten(&mut plain, "");
    validator_of_thread(&plain)
}

fn validator_of_thread(document: &Value) -> bool {
    thread_local!(static VALIDATOR: jsonschema::Validator = validator());
    VALIDATOR.with(|validator| validator.is_valid(document))
}

/// The document with what [`LOOSER`] allows written as the schema wants it.
fn straighten(value: &mut Value, key: &str) {
    let is_expression = value.as_str().is_some_and(|text| text.contains("${"));
    match (key, &mut *value) {
        ("parameters" | "input", Value::String(_)) if is_expression => *value = json!({}),
        ("uri", Value::String(text)) if text.starts_with('/') => {
            *value = json!("https://contoso.example");
        }
        ("authority", Value::String(_)) if is_expression => {
            *value = json!("https://contoso.example");
        }
        ("headers" | "query", Value::Object(map)) => map.values_mut().for_each(|member| {
            if !member.is_string() && !member.is_object() {
                *member = json!("x");
            }
        }),
        (_, Value::Object(map)) => map
            .iter_mut()
            .for_each(|(key, member)| straighten(member, key)),
        (_, Value::Array(items)) => items.iter_mut().for_each(|item| straighten(item, "")),
        _ => {}
    }
}

/// Every document that differs from this one in one place.
fn mutations(value: &Value, rebuild: &dyn Fn(Value) -> Value, out: &mut Vec<Value>) {
    let others = [
        json!(null),
        json!(true),
        json!(7),
        json!("text"),
        json!(""),
        json!([]),
        json!({}),
        json!("${ .a }"),
    ];
    out.extend(
        others
            .into_iter()
            .filter(|other| other != value)
            .map(rebuild),
    );
    match value {
        Value::Object(map) => {
            for (key, member) in map {
                let without = map
                    .iter()
                    .filter(|(name, _)| *name != key)
                    .map(|(name, value)| (name.clone(), value.clone()));
                out.push(rebuild(Value::Object(without.collect())));
                let renamed = map.iter().map(|(name, value)| {
                    (
                        if name == key {
                            format!("{name}x")
                        } else {
                            name.clone()
                        },
                        value.clone(),
                    )
                });
                out.push(rebuild(Value::Object(renamed.collect::<Map<_, _>>())));
                let put = |new: Value| {
                    let mut map = map.clone();
                    map[key] = new;
                    rebuild(Value::Object(map))
                };
                mutations(member, &put, out);
            }
            let mut more = map.clone();
            more.insert("extra".into(), json!(1));
            out.push(rebuild(Value::Object(more)));
        }
        Value::Array(items) => {
            for (position, item) in items.iter().enumerate() {
                let mut fewer = items.clone();
                fewer.remove(position);
                out.push(rebuild(Value::Array(fewer)));
                let mut twice = items.clone();
                twice.insert(position, item.clone());
                out.push(rebuild(Value::Array(twice)));
                let put = |new: Value| {
                    let mut items = items.clone();
                    items[position] = new;
                    rebuild(Value::Array(items))
                };
                mutations(item, &put, out);
            }
        }
        _ => {}
    }
}

/// Accepted ⇔ the schema accepts ∧ our list has nothing against it; but for the exceptions of the page.
fn agrees(document: &Value) {
    let by_schema = validator_of_thread(document);
    let found = errors(&document.to_string());
    if found.is_empty() {
        assert!(
            by_schema || is_looser(document),
            "accepted, though the schema refuses it: {document}"
        );
    } else if by_schema {
        for finding in found {
            let listed = finding.code != "flow.schema"
                || KEYWAYS_OWN
                    .iter()
                    .any(|part| finding.pointer.contains(part))
                || BEYOND_THE_SCHEMA
                    .iter()
                    .any(|words| finding.message.contains(words));
            assert!(
                listed,
                "refused for a reason that is not on the list: {finding:?}: {document}"
            );
        }
    }
}

#[test]
fn mutations_of_the_rich_flow_agree_with_the_schema() {
    let mut all = Vec::new();
    let mut rich = value_of(include_str!("rich.yaml"));
    straighten(&mut rich, "");
    mutations(&rich, &|document| document, &mut all);
    assert!(all.len() > 3_000);
    // the rich flow's tasks are read anew for each of its mutations: few are enough
    all.iter().step_by(STRIDE * 5).for_each(agrees);
}

/// The conformance kit lies beside the repository where it is developed.
fn examples() -> Option<PathBuf> {
    let folder =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/ctk/spec/examples");
    let folder = [
        folder,
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/ctk/spec/examples"),
    ];
    let found = folder.into_iter().find(|folder| folder.is_dir());
    if found.is_none() {
        eprintln!("skipped: ../shared/ctk, the specification's examples, is not there");
    }
    found
}

#[test]
fn the_specifications_examples_are_as_the_page_says() {
    let Some(folder) = examples() else { return };
    let mut names: Vec<String> = folder
        .read_dir()
        .expect("it is a folder")
        .map(|entry| {
            entry
                .expect("it can be read")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .filter(|name| name != "README.md")
        .collect();
    names.sort();
    assert_eq!(
        names,
        EXAMPLES
            .iter()
            .map(|(name, _)| (*name).to_owned())
            .collect::<Vec<_>>()
    );
    for (name, feature) in EXAMPLES {
        let found = errors(&example(&folder, name));
        match feature {
            None => assert_eq!(found, [], "{name}"),
            Some(feature) => assert!(
                !found.is_empty()
                    && found
                        .iter()
                        .all(|finding| finding.code == "flow.feature_disabled"
                            && finding.message.contains(feature)),
                "{name}: {found:?}"
            ),
        }
    }
}

#[test]
fn mutations_of_the_examples_agree_with_the_schema() {
    let Some(folder) = examples() else { return };
    let mut all = Vec::new();
    for (name, _) in EXAMPLES {
        mutations(
            &value_of(&example(&folder, name)),
            &|document| document,
            &mut all,
        );
    }
    assert!(all.len() > 10_000);
    all.iter().step_by(STRIDE).for_each(agrees);
}

#[expect(clippy::disallowed_methods, reason = "the conformance kit is in files")]
fn example(folder: &std::path::Path, name: &str) -> String {
    std::fs::read_to_string(folder.join(name)).expect("it can be read")
}

#[test]
fn the_pages_are_up_to_date() {
    let profile = include_str!("../../../../../docs/reference/profile.md");
    assert!(
        profile == crate::reference::profile(),
        "docs/reference/profile.md: run `make gen`"
    );
    let functions = include_str!("../../../../../docs/reference/functions.md");
    assert!(
        functions == crate::reference::functions(),
        "docs/reference/functions.md: run `make gen`"
    );
}
