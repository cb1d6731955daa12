//! Texts that want to harm: none may panic, none may take long, whatever is said of it.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use expression::Class;
use proptest::prelude::*;

use crate::definition::Trigger;
use crate::definition::listen::{Consume, Until};
use crate::{Diagnostics, Flow};

/// A flow with every construct, as the stuff that mutations are made of.
const RICH: &str = include_str!("rich.yaml");

#[expect(
    clippy::disallowed_methods,
    reason = "that reading takes no longer than it should is what is tested"
)]
fn clocked<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let begin = Instant::now();
    let done = work();
    (done, begin.elapsed())
}

fn timed(text: &str) -> (Result<Flow, Diagnostics>, Duration) {
    clocked(|| Flow::parse(text))
}

/// Refused with this code, and not slowly: each of these would take minutes or all memory without its limit.
fn check(name: &str, text: &str, code: &str) {
    let (read, took) = timed(text);
    let findings = read.expect_err(name).0;
    assert!(
        findings.iter().any(|finding| finding.code == code),
        "{name}: {findings:?}"
    );
    assert!(
        findings.len() <= crate::limits::FINDINGS,
        "{name}: {} findings",
        findings.len()
    );
    assert!(took < Duration::from_secs(20), "{name}: {took:?}");
}

/// Lines with numbers in them.
fn many(count: usize, line: impl Fn(usize) -> String) -> String {
    (0..count).fold(String::new(), |text, n| text + &line(n))
}

fn flow(tasks: &str) -> String {
    format!("document: {{dsl: '1.0.3', namespace: a, name: b, version: '1.0.0'}}\ndo:\n{tasks}")
}

#[test]
fn bombs_are_refused() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let aliases = vec![format!("*a{}", level - 1); 9].join(",");
        let _ = writeln!(bomb, "a{level}: &a{level} [{aliases}]");
    }
    check("alias bomb", &bomb, "flow.parse");
    check(
        "many aliases",
        &format!("a: &a 1\nb: [{}]\n", vec!["*a"; 200].join(",")),
        "flow.parse",
    );
    check("deep flow lists", &"[".repeat(100_000), "flow.parse");
    check("deep flow maps", &"{a: ".repeat(100_000), "flow.parse");
    let stairs = (0..200).fold(String::new(), |text, depth| {
        format!("{text}{}a:\n", " ".repeat(depth))
    });
    check("deep block maps", &stairs, "flow.parse");
    check("nested dashes", &"- ".repeat(100_000), "flow.parse");
    check(
        "many values",
        &format!("a: [{}]", vec!["1"; 60_000].join(",")),
        "flow.parse",
    );
    check("much text", &"a".repeat(1024 * 1024 + 1), "flow.parse");
    check(
        "long key",
        &format!("{}: 1\n", "k".repeat(500_000)),
        "flow.parse",
    );
    check(
        "anchors in anchors",
        &format!("a: {}1", "&a [".repeat(60)),
        "flow.parse",
    );
}

/// What would take the square of its size, were it compared each with each.
#[test]
fn much_of_the_same_is_read_in_bounded_time() {
    let keys = many(45_000, |n| format!("k{n}: 1\n"));
    check("many unknown keys", &keys, "flow.schema");
    let same = many(20_000, |_| "a: 1\n".to_owned());
    check("one key many times", &same, "flow.duplicate");
    let members = many(40_000, |n| format!("      k{n}: text\n"));
    let (read, took) = timed(&flow(&format!("  - a:\n     set:\n{members}")));
    assert!(read.is_ok() && took < Duration::from_secs(20), "{took:?}");
    let ways = many(1_000, |n| {
        format!("  - a{n}: {{set: {{x: 1}}, then: b{n}}}\n")
    });
    check("many ways to nowhere", &flow(&ways), "flow.reference");
    let secrets = many(45_000, |n| format!("s{n},"));
    let (read, took) = timed(&format!(
        "use: {{secrets: [{secrets}]}}\n{}",
        flow("  - a: {set: {x: 1}}\n")
    ));
    assert!(read.is_ok() && took < Duration::from_secs(20), "{took:?}");
    let cases = many(20_000, |n| format!("{{c{n}: {{when: .x, then: end}}}},"));
    let (read, took) = timed(&flow(&format!("  - a: {{switch: [{cases}]}}\n")));
    assert!(read.is_err(), "so many cases are too many values");
    assert!(took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn much_of_the_language_is_refused() {
    let tasks = many(1_001, |n| format!("  - t{n}: {{set: {{x: 1}}}}\n"));
    check("many tasks", &flow(&tasks), "flow.limit");
    let expressions = many(5_001, |n| format!("      e{n}: ${{ .a{n} }}\n"));
    check(
        "many expressions",
        &flow(&format!("  - a:\n     set:\n{expressions}")),
        "flow.limit",
    );
    let wrong = many(1_000, |n| format!("  - t{n}: {{st: {{x: 1}}}}\n"));
    check("many mistakes", &flow(&wrong), "flow.schema");
    check(
        "a long expression",
        &flow(&format!(
            "  - a: {{set: {{x: '${{ .{} }}'}}}}\n",
            "a".repeat(20_000)
        )),
        "expr.too_long",
    );
    let nested = format!("{}.a{}", "(".repeat(2_000), ")".repeat(2_000));
    assert!(
        Flow::parse(&flow(&format!(
            "  - a: {{if: '{nested}', set: {{x: 1}}}}\n"
        )))
        .is_err()
    );
    let regex = flow(
        "  - a:\n      input: {schema: {document: {type: string, pattern: '^(?=a)(.+)+$'}}}\n      set: {x: 1}\n",
    );
    check("a pattern that looks ahead", &regex, "flow.schema");
}

/// A schema that names the one before it twice, again and again, would take years to check, where nothing could stop it.
#[test]
fn a_schema_that_doubles_is_refused() {
    let lines = many(40, |n| {
        format!(
            "              a{}: {{allOf: [{{$ref: '#/$defs/a{n}'}}, {{$ref: '#/$defs/a{n}'}}]}}\n",
            n + 1
        )
    });
    let schema = |top: usize| {
        flow(&format!(
            "  - a:\n      input:\n        schema:\n          document:\n            $ref: '#/$defs/a{top}'\n            $defs:\n              a0: {{type: string}}\n{lines}      set: {{x: 1}}\n"
        ))
    };
    check("a schema that doubles", &schema(40), "flow.limit");
    assert!(Flow::parse(&schema(8)).is_ok());
}

/// The deepest of what is accepted, with the deepest of values, on the stack that the engine's threads have.
#[test]
fn the_deepest_schema_fits_on_the_stack() {
    let nested = (0..crate::limits::SCHEMA_DEPTH - 2).fold(
        serde_json::json!({ "items": { "$ref": "#" } }),
        |below, _| serde_json::json!({ "allOf": [below] }),
    );
    assert_eq!(super::super::schema_cost::bound(&nested), Ok(()));
    let validator = jsonschema::validator_for(&nested).unwrap();
    let mut value = serde_json::json!(1);
    for _ in 0..128 {
        value = serde_json::json!([value]);
    }
    let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let checked = thread.spawn(move || validator.validate(&value).is_ok());
    assert!(checked.unwrap().join().unwrap());
}

/// What is read recursively by the validator's maker, and what goes through the same schemas again at each level.
#[test]
fn long_chains_and_nests_of_schemas_take_no_long_time() {
    let chain = many(4_000, |n| {
        format!(
            "              a{}: {{properties: {{x: {{$ref: '#/$defs/a{n}'}}}}}}\n",
            n + 1
        )
    });
    let chain = flow(&format!(
        "  - a:\n      input:\n        schema:\n          document:\n            $ref: '#/$defs/a4000'\n            $defs:\n              a0: {{type: string}}\n{chain}      set: {{x: 1}}\n"
    ));
    let read = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
    let read = read.spawn(move || drop(Flow::parse(&chain)));
    read.unwrap().join().unwrap();
    for nest in [
        |below| serde_json::json!({ "anyOf": [below, { "type": "string" }] }),
        |below| serde_json::json!({ "oneOf": [{ "not": below }, { "type": "string" }] }),
        |below| serde_json::json!({ "if": below, "then": false, "else": false }),
        |below| serde_json::json!({ "allOf": [below], "unevaluatedProperties": false }),
    ] {
        let mut schema = serde_json::json!({ "properties": { "x": { "type": "string" } } });
        for _ in 0..24 {
            let deeper: serde_json::Value = nest(schema.clone());
            if super::super::schema_cost::bound(&deeper).is_err() {
                break;
            }
            schema = deeper;
        }
        let validator = jsonschema::validator_for(&schema).unwrap();
        let value = &serde_json::json!({ "x": "a", "y": 1 });
        let (_, took) = clocked(|| validator.validate(value).is_ok());
        assert!(took < Duration::from_secs(2), "{took:?}: {schema}");
    }
}

#[test]
fn the_rich_flow_is_one() {
    let flow = Flow::parse(RICH).unwrap_or_else(|findings| panic!("{findings:#?}"));
    assert_eq!(flow.warnings, []);
}

/// The text with pieces of itself and of YAML's own signs put where they do not belong.
fn mutated() -> impl Strategy<Value = String> {
    let signs = [
        "",
        " ",
        "\n",
        "\t",
        "  ",
        ":",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        "#",
        "&a ",
        "*a",
        "!!x ",
        "|\n",
        ">\n",
        "? ",
        "---\n",
        "${",
        "}",
        "$",
        "\u{feff}",
        "\0",
        "ü",
        "<<: ",
        "%YAML 9\n",
        "\r\n",
        "~",
        ".inf",
        "0x",
    ];
    let edit = (
        any::<prop::sample::Index>(),
        0..40_usize,
        prop::sample::select(signs.to_vec()),
        any::<bool>(),
    );
    prop::collection::vec(edit, 1..8).prop_map(|edits| {
        let mut text: Vec<char> = RICH.chars().collect();
        for (at, length, sign, copies) in edits {
            let start = at.index(text.len().max(1)).min(text.len());
            let end = (start + length).min(text.len());
            let piece: Vec<char> = if copies {
                text[start..end].iter().rev().copied().collect()
            } else {
                sign.chars().collect()
            };
            text.splice(start..end, piece);
        }
        text.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn no_mutation_panics(text in mutated()) {
        if let Err(Diagnostics(findings)) = Flow::parse(&text) {
            prop_assert!(!findings.is_empty());
            for finding in findings {
                let line = text.split('\n').nth(finding.line - 1).unwrap_or_default();
                prop_assert!(finding.column <= line.chars().count() + 1, "{finding:?}");
                prop_assert!(finding.length >= 1);
            }
        }
    }

    #[test]
    fn no_noise_panics(text in "(\\PC|[\n\t :{}\\[\\]'\"#&*!|>?-]){0,200}") {
        let _ = Flow::parse(&text);
    }
}

/// Expressions that want to hurt, one a line.
const EXPRESSIONS: &str = include_str!("../../../../expression/tests/it/hostile.jq");

#[test]
fn what_is_evaluated_for_every_event_is_light() {
    let (mut light, mut heavy) = (0, 0);
    let lines = EXPRESSIONS.lines().filter(|line| !line.starts_with("#!"));
    for source in lines {
        let quoted = serde_json::Value::from(source).to_string();
        let tasks = "  - a: {set: {x: 1}}\n";
        let on = format!("schedule: {{on: {{any: [{{with: {{type: x}}}}], until: {quoted}}}}}\n");
        let text = flow(tasks) + &on;
        match Flow::parse(&text) {
            Ok(read) => {
                let Some(Trigger::On { to, .. }) = read
                    .schedule
                    .and_then(|schedule| schedule.triggers.into_iter().next())
                else {
                    panic!("{source}: no trigger")
                };
                let Consume::Any {
                    until: Some(Until::Condition(condition)),
                    ..
                } = to
                else {
                    panic!("{source}: no condition")
                };
                assert_eq!(condition.program.class(), Class::Light, "{source}");
                light += 1;
            }
            Err(found)
                if found
                    .0
                    .iter()
                    .all(|found| found.code == "expr.heavy_filter") =>
            {
                let line = text.lines().position(|line| line.starts_with("schedule"));
                assert_eq!(found.0[0].line, line.unwrap() + 1, "{source}");
                // It was accepted once, and what was stored then can be read.
                let stored = Flow::parse_stored(&text).expect(source);
                assert_eq!(stored.warnings[0].code, "expr.heavy_filter", "{source}");
                heavy += 1;
            }
            // It is no expression at all.
            Err(_) => {}
        }
    }
    assert!(light > 50 && heavy > 50, "{light} light, {heavy} heavy");
}
