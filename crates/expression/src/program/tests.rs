//! The short ways answer as the long one does: simple programs without jaq, and values converted only as far as they are needed.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;

fn leaf() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e9..1e9_f64).prop_map(Value::from),
        "[a-c]{0,3}|\\PC{0,6}".prop_map(Value::from),
    ]
}

fn value() -> impl Strategy<Value = Value> {
    leaf().prop_recursive(4, 40, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec(("[a-c]", inner), 0..4)
                .prop_map(|entries| Value::Object(entries.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

fn head() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("$x".to_owned()),
        Just("$y".to_owned())
    ]
}

/// A program of the simple kind.
fn fetching() -> impl Strategy<Value = String> {
    let step = prop_oneof![3 => "\\.[a-c]", 1 => "\\[-?[0-2]\\]", 1 => "\\[\"[a-c]\"\\]"];
    let path = (head(), prop::collection::vec(step, 0..4)).prop_map(|(head, steps)| {
        let path = steps.concat();
        match (head.is_empty(), path.starts_with('.')) {
            (true, false) => format!(".{path}"),
            _ => head + &path,
        }
    });
    let leaf = prop_oneof![6 => path, 1 => "[0-9]{1,4}", 1 => "\"[a-z]{0,3}\"", 1 => Just("null".to_owned())];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(("[a-c]", inner.clone()), 0..3).prop_map(|entries| format!(
                "{{{}}}",
                entries
                    .iter()
                    .map(|(key, value)| format!("{key}: {value}"))
                    .collect::<Vec<_>>()
                    .join(", ")
            )),
            prop::collection::vec(inner, 0..3).prop_map(|items| format!("[{}]", items.join(", "))),
        ]
    })
}

/// Any light program, or none.
fn program() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        4 => fetching(),
        1 => Just("..".to_owned()),
        1 => Just(".[]?".to_owned()),
        1 => Just("{a, $x}".to_owned()),
        1 => prop::sample::select(vec!["length?", "keys?", "tojson", "type", "add?", "not", "sort?", "flatten?", "to_entries?", "empty", "error", "[paths]", "[tostream]", "unique?", "@csv?", "@base64", "infinite", "tostring", "explode?", "tonumber?", "-.?"]).prop_map(ToOwned::to_owned),
    ];
    leaf.prop_recursive(4, 24, 3, |inner| {
        let two = (inner.clone(), inner.clone());
        prop_oneof![
            3 => (two.clone(), prop::sample::select(vec!["|", ",", "//", "+", "-", "/", "%", "==", "<", "and", "or", "|=", "=", "+=", "//="])).prop_map(|((left, right), operator)| format!("({left} {operator} {right})")),
            1 => (inner.clone(), prop::sample::select(vec!["map", "select", "walk", "sort_by", "group_by", "path", "paths", "del", "first", "isempty", "with_entries", "min_by", "any", "map_values", "pick"])).prop_map(|(argument, name)| format!("{name}({argument})")),
            1 => inner.clone().prop_map(|body| format!("[{body}]")),
            1 => inner.clone().prop_map(|body| format!("{{k: {body}}}")),
            1 => inner.clone().prop_map(|body| format!("\"<\\({body})>\"")),
            1 => inner.clone().prop_map(|body| format!("(try {body} catch .)")),
            1 => (inner.clone(), two.clone()).prop_map(|(condition, (yes, no))| format!("(if {condition} then {yes} else {no} end)")),
            1 => two.clone().prop_map(|(condition, yes)| format!("(if {condition} then {yes} end)")),
            1 => two.clone().prop_map(|(bound, body)| format!("({bound} as $z | {body} | [., $z])")),
            1 => two.clone().prop_map(|(bound, body)| format!("({bound} as [$x, {{a: $y}}] | {body})")),
            1 => two.prop_map(|(body, rest)| format!("(def f(g): {body} | g; f({rest}))")),
        ]
    })
}

fn compiled(source: &str) -> Option<Program> {
    compile(source, &["x", "y"])
        .ok()
        .filter(|program| program.class() == Class::Light)
}

fn given<'v>(program: &Program, x: &'v Value, y: &'v Value) -> Vec<&'v Value> {
    program
        .variables()
        .iter()
        .map(|name| if name == "x" { x } else { y })
        .collect()
}

/// The same program that converts everything.
fn unhurried(program: &Program) -> Program {
    let Compiled {
        source,
        variables,
        class,
        ..
    } = &*program.compiled;
    let again = compile(source, &["x", "y"]).expect("compiled once");
    let Ok(compiled) = Arc::try_unwrap(again.compiled) else {
        panic!("nobody else has it")
    };
    let needs = variables.iter().map(|_| Need::Whole).collect();
    let (source, variables) = (source.clone(), variables.clone());
    Program {
        compiled: Arc::new(Compiled {
            source,
            variables,
            class: *class,
            simple: None,
            input: Need::Whole,
            needs,
            ..compiled
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn simple_programs_answer_as_jaq_does(source in fetching(), input in value(), x in value(), y in value()) {
        let program = compile(&source, &["x", "y"]).expect("a simple program");
        prop_assert!(program.compiled.simple.is_some(), "{}", source);
        let given = given(&program, &x, &y);
        let quick = program.evaluate(&input, &given, &Limits::default());
        prop_assert_eq!(quick, program.evaluate_with_jaq(&input, &given, &Limits::default()), "{}", source);
        for output_bytes in [1, 10, 40, 100] {
            let limits = Limits { output_bytes, ..Limits::default() };
            prop_assert_eq!(program.evaluate(&input, &given, &limits), program.evaluate_with_jaq(&input, &given, &limits), "{}", source);
        }
    }

    #[test]
    fn what_is_not_needed_changes_no_answer(source in program(), input in value(), x in value(), y in value()) {
        if let Some(program) = compiled(&source) {
            let given = given(&program, &x, &y);
            let lean = program.evaluate(&input, &given, &Limits::default());
            let full = unhurried(&program).evaluate(&input, &given, &Limits::default());
            prop_assert_eq!(lean, full, "{}", source);
        }
    }

    #[test]
    fn light_programs_end_on_a_small_stack(source in program(), input in value(), x in value(), y in value()) {
        let Some(program) = compiled(&source) else { return Ok(()) };
        let thread = std::thread::Builder::new().stack_size(2 * 1024 * 1024);
        let shown = source.clone();
        let answer = thread.spawn(move || {
            let given = given(&program, &x, &y);
            let first = program.evaluate(&input, &given, &Limits::default());
            (first, program.evaluate(&input, &given, &Limits::default()))
        });
        let (first, second) = answer.expect("a thread").join().expect("no panic");
        prop_assert_eq!(&first, &second, "the same answer twice: {}", shown);
        match first {
            Ok(value) => prop_assert!(value.to_string().len() <= 2 * Limits::default().output_bytes),
            Err(EvalError::Raised { message, .. }) => prop_assert!(!message.contains("could not be evaluated"), "{}: {}", shown, message),
            Err(_) => {}
        }
    }
}

#[test]
fn only_what_is_read_is_converted() {
    let needs = |source: &str| {
        compile(source, &["x"])
            .expect(source)
            .compiled
            .input
            .clone()
    };
    let fields = |names: &[&str]| {
        Need::Fields(
            names
                .iter()
                .map(|name| ((*name).to_owned(), Need::Whole))
                .collect(),
        )
    };
    assert_eq!(needs(".a + .b"), fields(&["a", "b"]));
    assert_eq!(
        needs("{a, c: .b.c | length}"),
        Need::Fields(
            [
                ("a".to_owned(), Need::Whole),
                ("b".to_owned(), fields(&["c"]))
            ]
            .into_iter()
            .collect()
        )
    );
    assert_eq!(needs("$x | length"), fields(&[]));
    assert_eq!(needs("if .a then .b else .c end"), fields(&["a", "b", "c"]));
    for whole in [
        ".",
        "..",
        "length",
        "if .a then .b end",
        ".a = 1",
        ".[0]",
        "[.[]]",
        ". as $y | $y",
        "select(.a)",
        "def f: .; f",
        "reduce .a as $y (.; .)",
    ] {
        assert_eq!(needs(whole), Need::Whole, "{whole}");
    }
}

#[test]
fn a_wrong_number_of_variables_is_an_error() {
    let program = compile("$x", &["x"]).expect("compiles");
    assert_eq!(
        program
            .evaluate(&json!(1), &[], &Limits::default())
            .map_err(|error| error.code()),
        Err("expr.unrepresentable")
    );
}
