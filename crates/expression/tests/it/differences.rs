//! The dialect held against real jq: `oracle.json` is what `jq` 1.13 of the Python package index answers (written by `oracle.py`). Where the two differ on purpose,
//! the table below says why; a line of it that is no longer true fails the test, as an unlisted difference does.

use std::collections::BTreeSet;

use expression::{Limits, compile};
use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
struct Case {
    program: String,
    input: Value,
    outputs: Option<Vec<Value>>,
    error: Option<String>,
    #[serde(default)]
    refused: bool,
}

/// Programs whose answers differ, and why.
const DIFFERENT: &[(&str, &str)] = &[
    (
        "[.[]|tostring]",
        "numbers are written as JSON usually is, not as decimals without end",
    ),
    ("from_entries", "numbers and true become keys, as in jq 1.6"),
    ("toarray", "of jq 1.8"),
    ("toarray?", "of jq 1.8"),
    ("[.[0] | toarray?]", "of jq 1.8"),
    ("ascii", "of jq 1.6"),
    ("[leaf_paths] | length", "of jq 1.6"),
    ("pow10", "of jq 1.6"),
    (r#"dateadd("seconds";1)"#, "of jq 1.6"),
    ("date", "of jq 1.6"),
    (
        r#"[match("(a)|b";"g")|.captures]"#,
        "the keys of a group have one order, matched or not",
    ),
    ("tojson", "exponents are written 1e+100"),
    ("[.[]|tojson]", "exponents are written 1e-7"),
    ("reverse", "strings are reversed too"),
    (r#"map(try reverse catch "no")"#, "strings are reversed too"),
    ("have_decnum", "numbers are not decimals here"),
    ("have_literal_numbers", "numbers are not decimals here"),
    ("fromjson", "NaN is not JSON"),
    ("[nan]|sort", "nan is no answer"),
    ("fromdate", "fractions of a second are read"),
    ("@base32d", "of jq 1.7"),
    (
        "[.[0].id | limit(3; repeat(. * 2))]",
        "as the manual defines it",
    ),
    (
        r#"map(try todate catch "no")"#,
        "an array of one number is no date",
    ),
];

/// Programs that fail in both, with different words.
const WORDS: &[(&str, &str)] = &[
    ("fromjson", "the words of our JSON reader"),
    ("error({a:1})", "compact JSON"),
    ("error", "compact JSON"),
    ("ascii_upcase", "names the function"),
];

/// Equal, but for the spelling of numbers: `1.0` is `1`.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right || left.as_f64() == right.as_f64()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .zip(right)
                    .all(|((key, left), (other, right))| key == other && same(left, right))
        }
        _ => left == right,
    }
}

/// What makes our answer another one.
fn difference(case: &Case) -> Option<String> {
    let program = match compile(&case.program, &[]) {
        Ok(program) if case.refused => {
            return Some(format!("jq refuses it, we compile {program:?}"));
        }
        Ok(program) => program,
        Err(_) if case.refused => return None,
        Err(error) => return Some(format!("we refuse it: {}", error.message)),
    };
    let answer = program.evaluate(&case.input, &[], &Limits::default());
    match (&case.outputs, answer) {
        (Some(outputs), Ok(answer)) => {
            let expected = match outputs.as_slice() {
                [] => &Value::Null,
                [one] => one,
                several => &Value::from(several.to_vec()),
            };
            (!same(expected, &answer)).then(|| format!("jq: {expected}, we: {answer}"))
        }
        (Some(outputs), Err(error)) => Some(format!("jq: {outputs:?}, we: {error}")),
        (None, Ok(answer)) => Some(format!("jq fails: {:?}, we: {answer}", case.error)),
        (None, Err(_)) => None,
    }
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("oracle.json")).expect("the script writes JSON")
}

#[test]
fn answers_are_those_of_jq() {
    let cases = cases();
    assert!(cases.len() >= 500, "{}", cases.len());
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for case in &cases {
        let Some(difference) = difference(case) else {
            continue;
        };
        match DIFFERENT
            .iter()
            .find(|(program, _)| *program == case.program)
        {
            Some((program, _)) => _ = seen.insert(*program),
            None => wrong.push(format!("{} on {}: {difference}", case.program, case.input)),
        }
    }
    let stale = DIFFERENT
        .iter()
        .filter(|(program, _)| !seen.contains(program));
    wrong.extend(stale.map(|(program, _)| format!("{program}: listed, but it does not differ")));
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn errors_have_the_words_of_jq() {
    let (mut wrong, mut seen) = (Vec::new(), BTreeSet::new());
    for case in cases() {
        let (Some(expected), Ok(program)) = (&case.error, compile(&case.program, &[])) else {
            continue;
        };
        let Err(error) = program.evaluate(&case.input, &[], &Limits::default()) else {
            continue;
        };
        if error.to_string() == *expected {
            continue;
        }
        match WORDS.iter().find(|(program, _)| *program == case.program) {
            Some((program, _)) => _ = seen.insert(*program),
            None => wrong.push(format!(
                "{} on {}:\n  jq: {expected}\n  we: {error}",
                case.program, case.input
            )),
        }
    }
    let stale = WORDS.iter().filter(|(program, _)| !seen.contains(program));
    wrong.extend(stale.map(|(program, _)| format!("{program}: listed, but it does not differ")));
    assert!(
        wrong.is_empty(),
        "{} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
