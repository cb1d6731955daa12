//! The page for users says what is so: functions, closed names, limits, differences.

use std::collections::BTreeSet;

use expression::{Code, DEEPEST_NESTING, LONGEST_SOURCE, Limits, compile, functions};
use serde_json::Value;

const PAGE: &str = include_str!("../../../../docs/reference/expressions.md");

fn section(title: &str) -> &'static str {
    let start = PAGE
        .find(&format!("\n## {title}\n"))
        .expect("the section is there");
    let rest = &PAGE[start + 4..];
    rest.find("\n## ").map_or(rest, |end| &rest[..end])
}

/// What stands in backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// The cells of the table rows, without the head.
fn rows(text: &str) -> Vec<Vec<String>> {
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(2);
    rows.map(|row| {
        row.replace("\\|", "\u{1}")
            .trim_matches('|')
            .split('|')
            .map(|cell| cell.trim().replace('\u{1}', "|"))
            .collect()
    })
    .collect()
}

#[test]
fn every_function_is_listed_and_no_other() {
    let listed: BTreeSet<String> = quoted(section("Functions"))
        .filter(|name| name.contains('/') && !name.contains("//"))
        .map(ToOwned::to_owned)
        .collect();
    let offered: BTreeSet<String> = functions().into_iter().collect();
    let missing: Vec<_> = offered.difference(&listed).cloned().collect();
    let surplus: Vec<_> = listed.difference(&offered).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "missing: `{}`\nsurplus: {surplus:?}",
        missing.join("` `")
    );
}

#[test]
fn every_function_compiles() {
    for function in functions() {
        let (name, arguments) = function.split_once('/').expect("name/arguments");
        let arguments = arguments.parse::<usize>().expect("a number");
        let source = if arguments == 0 {
            name.to_owned()
        } else {
            format!("{name}({})", vec!["."; arguments].join("; "))
        };
        if let Err(error) = compile(&source, &[]) {
            panic!("{source}: {error}");
        }
    }
}

#[test]
fn closed_names_are_refused() {
    let mut names = 0;
    for row in rows(section("Closed")) {
        for name in quoted(&row[0]) {
            names += 1;
            let error = compile(name, &[]).expect_err(name);
            assert_eq!(error.code, Code::Forbidden, "{name}");
            assert!(error.hint.is_some(), "{name}");
        }
    }
    assert!(names > 15);
}

#[test]
fn limits_are_those_of_the_code() {
    let (light, heavy) = (Limits::default(), Limits::heavy());
    let both = |value: usize| [value as u64, value as u64];
    let expected = [
        both(LONGEST_SOURCE),
        both(DEEPEST_NESTING),
        [light.fuel, heavy.fuel],
        [light.memory, heavy.memory],
        [light.outputs as u64, heavy.outputs as u64],
        [light.output_bytes as u64, heavy.output_bytes as u64],
        [light.depth as u64, heavy.depth as u64],
        both(1024),
    ];
    let number = |cell: &str| {
        cell.split(' ')
            .next()
            .and_then(|number| number.parse::<u64>().ok())
            .expect("a number")
    };
    let page: Vec<[u64; 2]> = rows(section("Limits"))
        .iter()
        .map(|row| [number(&row[1]), number(&row[2])])
        .collect();
    assert_eq!(page, expected);
    let pattern = |length: usize| {
        let program =
            compile(&format!("\"a\" | test(\"{}\")", "a".repeat(length)), &[]).expect("compiles");
        program
            .evaluate(&Value::Null, &[], &light)
            .map_err(|error| error.code())
    };
    assert_eq!(pattern(1024), Ok(Value::Bool(false)));
    assert_eq!(pattern(1025), Err("expr.raised"));
}

#[test]
fn differences_are_as_told() {
    for row in rows(section("Differences from jq")) {
        let [program, input, _, here] = row.as_slice() else {
            panic!("four cells: {row:?}")
        };
        let inside = |cell: &str| cell.trim_matches('`').to_owned();
        let input: Value = serde_json::from_str(&inside(input)).expect("JSON");
        let answer = compile(&inside(program), &[]).expect(program).evaluate(
            &input,
            &[],
            &Limits::default(),
        );
        match here.as_str() {
            "error" => assert!(answer.is_err(), "{program}: {answer:?}"),
            value => assert_eq!(
                answer.ok(),
                serde_json::from_str(&inside(value)).ok(),
                "{program}"
            ),
        }
    }
}
