//! What does not compile: code, place, hint.

use expression::{Class, Code, EvalError, Exceeded, Limits, compile};
use serde_json::{Value, json};

#[track_caller]
fn refused(source: &str, code: Code, part: &str, hint: &str) {
    let error = compile(source, &["context", "input"]).expect_err(source);
    assert_eq!(error.code, code, "{source}: {error:?}");
    assert_eq!(
        &source[error.offset..error.offset + error.length],
        part,
        "{source}: {error:?}"
    );
    assert!(
        error.hint.as_deref().unwrap_or_default().contains(hint),
        "{source}: {error:?}"
    );
}

#[test]
fn what_is_closed() {
    for name in [
        "env",
        "halt",
        "halt_error",
        "input",
        "inputs",
        "input_filename",
        "input_line_number",
        "debug",
        "stderr",
        "now",
        "localtime",
    ] {
        refused(&format!(". | {name}"), Code::Forbidden, name, "");
    }
    refused("$ENV.HOME", Code::Forbidden, "$ENV", "environment");
    refused("$__loc__", Code::Forbidden, "$__loc__", "");
    refused("import \"a\" as a; .", Code::Forbidden, "import", "");
    refused("include \"a\"; .", Code::Forbidden, "include", "");
}

#[test]
fn what_is_unknown() {
    refused("$contxt.a", Code::UnknownVariable, "$contxt", "$context");
    refused(".[] | lenght", Code::UnknownFunction, "lenght", "length");
    refused("map(.; .)", Code::UnknownFunction, "map", ";");
    refused("_match(1; 2)", Code::UnknownFunction, "_match", "");
    refused("break $out", Code::UnknownVariable, "$out", "label");
}

#[test]
fn what_is_no_jq() {
    refused(".a == 'x'", Code::Syntax, "'", "double quotes");
    refused("{a: 1", Code::Syntax, "{", "");
    refused("1 +", Code::Syntax, "", "");
    refused("", Code::Syntax, "", "`.`");
    refused(".a && .b", Code::Syntax, "&", "and");
    refused(". )", Code::Syntax, ")", "");
    refused("if . then 1", Code::Syntax, "", "");
    let long = format!("\"{}\"", "x".repeat(16 * 1024));
    refused(&long, Code::TooLong, &long, "");
    refused(&"[".repeat(300), Code::Syntax, "[", "");
}

#[test]
fn classes() {
    for light in [
        ".",
        ".a.b",
        "map(select(.x))",
        "group_by(.a)",
        ".a |= 1",
        "[.[] | {a, b: .c}]",
        "def f: .a; f",
        "walk(.)",
        "$context.x",
    ] {
        assert_eq!(
            compile(light, &["context"]).unwrap().class(),
            Class::Light,
            "{light}"
        );
    }
    for heavy in [
        "def f: f; f",
        "reduce .[] as $x (0; .)",
        "foreach .[] as $x (0; .)",
        "until(true; .)",
        "while(.; .)",
        "repeat(.)",
        "recurse(.a)",
        "range(3)",
        "\"x\" * 3",
        "limit(3; .[])",
        "combinations",
    ] {
        assert_eq!(
            compile(heavy, &[]).unwrap().class(),
            Class::Heavy,
            "{heavy}"
        );
    }
}

#[test]
fn only_used_variables_are_asked_for() {
    let program = compile("$c + $a | . as $b | $b", &["a", "b", "c"]).unwrap();
    assert_eq!(program.variables(), ["a", "c"]);
    let answer = program.evaluate(&json!(null), &[&json!(1), &json!(2)], &Limits::default());
    assert_eq!(answer.unwrap(), json!(3));
}

fn fails(source: &str, input: &Value) -> EvalError {
    let program = compile(source, &[]).expect(source);
    program
        .evaluate(input, &[], &Limits::default())
        .expect_err(source)
}

#[test]
fn what_fails() {
    assert_eq!(fails("1 / 0", &json!(1)).code(), "expr.raised");
    assert_eq!(fails("infinite", &json!(1)).code(), "expr.unrepresentable");
    assert_eq!(
        fails("error({a: 1})", &json!(1)),
        EvalError::Raised {
            message: "{\"a\":1}".into(),
            value: json!({"a": 1})
        }
    );
    assert_eq!(
        fails("def f: f; f", &json!(1)),
        EvalError::Limit {
            what: Exceeded::Cpu
        }
    );
    assert_eq!(
        fails("def f: 1 + f; f", &json!(1)),
        EvalError::Limit {
            what: Exceeded::Depth
        }
    );
    assert_eq!(
        fails("[range(1000000000000)]", &json!(1)),
        EvalError::Limit {
            what: Exceeded::Cpu
        }
    );
    assert_eq!(
        fails("range(20000)", &json!(1)),
        EvalError::Limit {
            what: Exceeded::Output
        }
    );
    assert_eq!(
        fails("\"x\" * 3000000000", &json!(1)),
        EvalError::Limit {
            what: Exceeded::Memory
        }
    );
    assert_eq!(
        fails("reduce range(1000) as $i (null; [.])", &json!(1)),
        EvalError::Limit {
            what: Exceeded::Depth
        }
    );
    assert_eq!(
        fails(
            "reduce range(60) as $i (1; [., .]) | tojson | length",
            &json!(1)
        ),
        EvalError::Limit {
            what: Exceeded::Cpu
        }
    );
    assert_eq!(
        fails(".[1000000000] = 1", &json!([])),
        EvalError::Limit {
            what: Exceeded::Memory
        }
    );
}
