//! The protocol of the worker: one line in, one line out, nothing kept but compiled programs.

use expression::worker::{Answer, Evaluator, Task};
use serde_json::{Value, json};

use crate::depth::on_stack;

fn ask(
    evaluator: &mut Evaluator,
    source: &str,
    input: Value,
    variables: &[(&str, Value)],
) -> Answer {
    let variables = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.clone()))
        .collect();
    let task = Task {
        source: source.to_owned(),
        input,
        variables,
    };
    let line = serde_json::to_string(&task).expect("a task is JSON");
    let answer = evaluator.answer(&line);
    assert!(!answer.contains('\n'), "{answer}");
    serde_json::from_str(&answer).expect("an answer is JSON")
}

fn code(answer: &Answer) -> &str {
    match answer {
        Answer::Error { code, .. } => code,
        Answer::Value(value) => panic!("an error was expected: {value}"),
    }
}

#[test]
fn heavy_programs_are_answered() {
    on_stack(8 * 1024, || {
        let mut evaluator = Evaluator::new();
        let sum = "reduce range($n) as $i (0; . + $i * $by)";
        for (by, expected) in [(1, 4950), (2, 9900), (1, 4950)] {
            let answer = ask(
                &mut evaluator,
                sum,
                json!(null),
                &[("by", json!(by)), ("unused", json!("x")), ("n", json!(100))],
            );
            assert_eq!(answer, Answer::Value(json!(expected)));
        }
        assert_eq!(
            ask(
                &mut evaluator,
                "[.[] | until(. > 100; . * 2)]",
                json!([1, 3]),
                &[]
            ),
            Answer::Value(json!([128, 192]))
        );
        assert_eq!(
            ask(&mut evaluator, "empty", json!(1), &[]),
            Answer::Value(json!(null))
        );
    });
}

#[test]
fn failures_have_codes() {
    on_stack(8 * 1024, || {
        let mut evaluator = Evaluator::new();
        assert_eq!(
            code(&ask(&mut evaluator, "env", json!(1), &[])),
            "expr.forbidden"
        );
        assert_eq!(
            code(&ask(&mut evaluator, "$x", json!(1), &[])),
            "expr.variable"
        );
        assert_eq!(
            code(&ask(&mut evaluator, "error(\"no\")", json!(1), &[])),
            "expr.raised"
        );
        assert_eq!(
            code(&ask(&mut evaluator, "\"x\" * 3000000000", json!(1), &[])),
            "expr.limit_memory"
        );
        assert_eq!(
            code(&ask(
                &mut evaluator,
                "[limit(20000; repeat(1))] | .[]",
                json!(1),
                &[]
            )),
            "expr.limit_output"
        );
        assert_eq!(
            code(&ask(
                &mut evaluator,
                "reduce range(200) as $i (1; [.])",
                json!(1),
                &[]
            )),
            "expr.limit_depth"
        );
        let odd: Answer =
            serde_json::from_str(&evaluator.answer("{\"source\": 1}")).expect("an answer");
        assert_eq!(code(&odd), "expr.task");
        // and goes on
        assert_eq!(
            ask(&mut evaluator, ".", json!(1), &[]),
            Answer::Value(json!(1))
        );
    });
}

#[test]
fn nothing_is_kept_from_one_task_to_the_next() {
    let mut evaluator = Evaluator::new();
    let secret = ask(
        &mut evaluator,
        "$secret",
        json!(null),
        &[("secret", json!("s3cret"))],
    );
    assert_eq!(secret, Answer::Value(json!("s3cret")));
    let without = ask(&mut evaluator, "$secret", json!(null), &[]);
    assert_eq!(code(&without), "expr.variable");
    let other = ask(
        &mut evaluator,
        "$secret",
        json!(null),
        &[("secret", json!("other"))],
    );
    assert_eq!(other, Answer::Value(json!("other")));
}
