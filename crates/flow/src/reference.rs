//! The pages of `docs/reference` that this room knows: the profile of the language, and the functions of Keyway's catalog.
//!
//! Tests hold each line against the parser, so that the pages can't say what is not so.

mod functions;
mod profile;

use std::fmt::Write as _;

pub use functions::functions;
use profile::{DECISIONS, INCLUDED, Rule, SETTINGS};
pub(crate) use profile::{EXAMPLES, LOOSER, REFUSED, STRICTER};

/// `docs/reference/profile.md`.
pub fn profile() -> String {
    let mut page = "# The flow language: Keyway's profile 1\n\n\
        Flows are written in the [Serverless Workflow DSL 1.0.3](https://github.com/serverlessworkflow/specification/blob/v1.0.3/dsl-reference.md), in YAML 1.2 or JSON, with jq expressions. \
        This page says which part of the language Keyway runs, where it is stricter or more generous than the specification's schema, and what it does where the specification is silent. \
        It is generated (`make gen`); tests hold it against the parser.\n\n\
        `keyway flow validate FILE` checks a flow without running it.\n\n## What is in\n\n| | |\n| --- | --- |\n".to_owned();
    for (area, what) in INCLUDED {
        let _ = writeln!(page, "| {area} | {what} |");
    }
    page.push_str("\n## What is refused\n\nEach is recognised and refused when a flow is saved, with `flow.feature_disabled` and its name.\n\n| Feature | Instead | Example |\n| --- | --- | --- |\n");
    for refused in REFUSED {
        let example = refused.example.lines().next().unwrap_or_default();
        let _ = writeln!(
            page,
            "| {} | {} | `{example}` |",
            code(refused.feature),
            refused.instead
        );
    }
    page.push_str("\n## Where the parser is stricter than the schema\n\n");
    rules(&mut page, STRICTER);
    page.push_str("\n## Where it is more generous\n\n");
    rules(&mut page, LOOSER);
    page.push_str("\n## Where the specification is silent\n\n| | |\n| --- | --- |\n");
    for (what, decision) in DECISIONS {
        let _ = writeln!(page, "| {what} | {decision} |");
    }
    page.push_str("\n## Keyway's own settings\n\nThe language leaves `metadata` to the runtime; what is Keyway's stands in its member `keyway`.\n\n| | |\n| --- | --- |\n");
    for (name, meaning) in SETTINGS {
        let _ = writeln!(page, "| `{name}` | {meaning} |");
    }
    let accepted = EXAMPLES
        .iter()
        .filter(|(_, feature)| feature.is_none())
        .count();
    let _ = write!(
        page,
        "\n## The specification's examples\n\n{accepted} of {} are in the profile; the others are refused with a finding that names the feature.\n\n| Example | |\n| --- | --- |\n",
        EXAMPLES.len()
    );
    for (name, feature) in EXAMPLES {
        let verdict = feature.map_or_else(
            || "accepted".to_owned(),
            |feature| format!("refused: {}", code(feature)),
        );
        let _ = writeln!(page, "| {name} | {verdict} |");
    }
    page
}

/// Rules, each with its example.
fn rules(page: &mut String, rules: &[Rule]) {
    for rule in rules {
        let _ = writeln!(page, "* {}", rule.text);
        for line in rule.example.lines() {
            let _ = writeln!(page, "  `{line}`");
        }
    }
}

fn code(feature: &str) -> String {
    if feature.contains('`') || feature.starts_with("a ") || feature.starts_with("the ") {
        feature.to_owned()
    } else {
        format!("`{feature}`")
    }
}
