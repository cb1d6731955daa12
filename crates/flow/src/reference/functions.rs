//! `docs/reference/functions.md`: the functions of Keyway's catalog, from the schemas that calls are checked with.

use std::fmt::Write as _;

use serde_json::Value;

use crate::definition::catalog;

/// `docs/reference/functions.md`.
pub fn functions() -> String {
    let mut page = "# Functions of Keyway's catalog\n\n\
        A flow calls them by name: `call: page`, `call: respond`, …; `call: page@default` is the same. \
        `with` is checked when the flow is saved, as far as it has no expressions, and before each call. This page is generated (`make gen`).\n"
        .to_owned();
    for function in catalog::FUNCTIONS {
        let _ = write!(
            page,
            "\n## `{}`\n\n{}\n",
            function.name, function.description
        );
        members(&mut page, "`with`", &(function.input)());
        let output = (function.output)();
        match output["oneOf"].as_array() {
            Some(forms) => forms
                .iter()
                .for_each(|form| members(&mut page, "Output", form)),
            None => members(&mut page, "Output", &output),
        }
    }
    page
}

/// What a schema allows, as a table.
fn members(page: &mut String, title: &str, schema: &Value) {
    let remark = schema["description"]
        .as_str()
        .map(|text| format!(" {text}"))
        .unwrap_or_default();
    let Some(properties) = schema["properties"]
        .as_object()
        .filter(|map| !map.is_empty())
    else {
        let _ = write!(page, "\n{title}: {}.{remark}\n", kind(schema));
        return;
    };
    let _ = write!(
        page,
        "\n{title}:{remark}\n\n| Member | Type | |\n| --- | --- | --- |\n"
    );
    let required = schema["required"].as_array().cloned().unwrap_or_default();
    for (name, member) in properties {
        let needed = if required.iter().any(|known| known == name) {
            ""
        } else {
            " (optional)"
        };
        let default = member
            .get("default")
            .map(|value| format!(" Default: `{}`.", plain(value)))
            .unwrap_or_default();
        let text = member["description"].as_str().unwrap_or_default();
        let _ = writeln!(
            page,
            "| `{name}`{needed} | {} | {text}{default} |",
            kind(member)
        );
    }
}

fn plain(value: &Value) -> String {
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_owned)
}

/// A schema's type in words.
fn kind(schema: &Value) -> String {
    if let Some(words) = schema["enum"].as_array() {
        return words
            .iter()
            .map(|word| format!("`{}`", plain(word)))
            .collect::<Vec<_>>()
            .join(", ");
    }
    let mut kind = match &schema["type"] {
        Value::String(name) => name.clone(),
        Value::Array(names) => names.iter().map(plain).collect::<Vec<_>>().join(" or "),
        _ => "anything".to_owned(),
    };
    for (keyword, words) in [
        ("minimum", "at least"),
        ("maximum", "at most"),
        ("maxItems", "at most"),
        ("maxLength", "at most"),
    ] {
        if let Some(limit) = schema.get(keyword) {
            let _ = write!(kind, ", {words} {limit}");
        }
    }
    kind
}
