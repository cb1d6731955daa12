//! Expressions and inputs that want to hurt: 300 and 1,000 of them. Each expression does not compile, or is heavy, or ends under its limits;
//! nothing panics, aborts or takes half a second of processor time.

use std::fmt::Write;

use expression::{Class, EvalError, Limits, Program, compile};
use serde_json::{Map, Value, json};

use crate::depth::on_stack;

/// Written by hand, one idea each.
const EXPRESSIONS: &str = include_str!("hostile.jq");

/// Nothing may take more processor time.
const LONGEST: std::time::Duration = std::time::Duration::from_millis(500);

/// A small generator of numbers: the same on every machine and in every year.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).expect("31 bits") % sides
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.roll(from.len())]
    }
}

/// Values that grow with each step.
fn growing(dice: &mut Dice) -> String {
    let grow = [
        "[.,.]",
        "{a:.,b:.}",
        ".+.",
        "[.[]?,.[]?]",
        "tojson",
        "\"\\(.)\\(.)\"",
        "(..|=[.])",
        "[..]",
        "map(.)?",
        "[paths]",
        "explode?",
        "@base64",
        "@uri",
        "[.]|transpose?",
        ". as $x|[$x,$x]",
        "to_entries?",
        "[tostream]",
    ];
    let steps = 3 + dice.roll(30);
    (0..steps)
        .map(|_| *dice.pick(&grow))
        .collect::<Vec<_>>()
        .join("|")
}

/// Words of the language in any order.
fn noise(dice: &mut Dice) -> String {
    let tokens = [
        ".",
        "..",
        "[",
        "]",
        "{",
        "}",
        "(",
        ")",
        "|",
        ",",
        "as",
        "$x",
        "def",
        "f",
        ":",
        ";",
        "reduce",
        "foreach",
        "if",
        "then",
        "else",
        "end",
        "try",
        "catch",
        "?",
        "//",
        "|=",
        "+=",
        "1",
        "\"",
        "\\(",
        "label",
        "break",
        "@json",
        "env",
        "input",
        "-",
        "*",
        "==",
        "and",
        ".a",
        "'",
        "#",
        "\u{1f600}",
        "\0",
        "\\",
    ];
    let mut source = String::new();
    for _ in 0..=dice.roll(60) {
        let token: &str = dice.pick::<&str>(&tokens);
        source.push_str(token);
        if dice.roll(3) > 0 {
            source.push(' ');
        }
    }
    source
}

fn expressions() -> Vec<String> {
    let mut all: Vec<String> = EXPRESSIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with("#!"))
        .map(ToOwned::to_owned)
        .collect();
    let mut dice = Dice(18);
    all.extend((0..100).map(|_| growing(&mut dice)));
    all.extend((0..120).map(|_| noise(&mut dice)));
    all.push("(".repeat(16_000));
    all.push("[".repeat(8_000) + &"]".repeat(8_000));
    all.push("-".repeat(16_000) + "1");
    all.push("# \\\n\"\n".to_owned() + &"[".repeat(16_000));
    all.push("\"\\(".repeat(5_000));
    all.push(".|".repeat(8_000) + ".");
    all.push("1+".repeat(8_000) + "1");
    all.push("[".to_owned() + &"1,".repeat(8_000) + "1]");
    all.push(".a".repeat(8_000));
    all.push("def f:".repeat(2_700));
    all.push("if ".repeat(5_000));
    all.push("try ".repeat(4_000) + ".");
    all.push(". as $x|".repeat(2_000) + ".");
    all.push(
        (0..1_000).fold(String::new(), |mut source, i| {
            let _ = write!(source, "def f{i}: .;");
            source
        }) + ".",
    );
    all.push(format!(r#"test("{}")"#, "(a{1,99}){1,99}".repeat(60)));
    all.push(format!(r#"test("{}")"#, "a".repeat(2_000)));
    all
}

fn nested(depth: usize, leaf: Value, object: usize) -> Value {
    (0..depth).fold(leaf, |value, level| {
        if object > 0 && level % object == 0 {
            json!({ "a": value })
        } else {
            json!([value])
        }
    })
}

const WORDS: &[&str] = &[
    "",
    "a",
    "__proto__",
    "constructor",
    "${ .secrets }",
    "${ env }",
    "$context",
    "\\(env)",
    "\0",
    "\u{202e}abc",
    "\u{1f468}\u{200d}\u{1f469}",
    "e\u{301}",
    "'; drop table runs; --",
    "<script>",
    "../../etc/passwd",
    "%00%ff",
    "1e999",
    "NaN",
    "-0",
    "null",
    "true",
    "[[[[",
    "{\"a\":",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaab",
    "2015-03-05T23:51:47Z",
    "9999-99-99T99:99:99Z",
    "(a+)+$",
    "[",
    "\u{feff}",
    "\r\nSet-Cookie: x",
    "=1+1",
    "////",
    "AAAA====",
    "\u{7f}\u{80}",
];

fn leaf(dice: &mut Dice) -> Value {
    match dice.roll(12) {
        0 => json!(null),
        1 => json!(dice.roll(2) == 0),
        2 => json!(i64::MIN),
        3 => json!(u64::MAX),
        4 => json!(-0.0),
        5 => json!(1e308),
        6 => json!(5e-324),
        7 => json!(9_007_199_254_740_993_i64),
        8 => json!(dice.pick(WORDS).repeat(1 + dice.roll(200))),
        9 => json!(dice.roll(1_000_000)),
        _ => json!(*dice.pick(WORDS)),
    }
}

fn tree(dice: &mut Dice, room: &mut usize, level: usize) -> Value {
    *room = room.saturating_sub(1);
    if *room == 0 || level > 100 || dice.roll(4) == 0 {
        return leaf(dice);
    }
    let size = dice.roll(6);
    if dice.roll(2) == 0 {
        return (0..size).map(|_| tree(dice, room, level + 1)).collect();
    }
    let mut object = Map::new();
    for _ in 0..size {
        object.insert((*dice.pick(WORDS)).to_owned(), tree(dice, room, level + 1));
    }
    Value::Object(object)
}

fn inputs() -> Vec<Value> {
    let mut all = vec![
        nested(126, json!(1), 0),
        nested(127, json!(1), 2),
        nested(128, json!(1), 0),
        nested(1_000, json!("x"), 3),
        nested(10_000, json!("x"), 0),
        json!("a".repeat(600_000)),
        json!("\u{1f600}".repeat(100_000)),
        json!("\"\\".repeat(100_000)),
        (0..30_000).map(|i| json!(i)).collect(),
        (0..20_000).map(|_| json!([])).collect(),
        (0..300)
            .map(|_| (0..300).map(|i| json!(i)).collect::<Value>())
            .collect(),
        Value::Object(
            (0..20_000)
                .map(|i| (format!("key {i}"), json!(i)))
                .collect(),
        ),
        Value::Object(
            WORDS
                .iter()
                .map(|word| ((*word).to_owned(), json!(*word)))
                .collect(),
        ),
        json!([1e308, -1e308, 1e-308, u64::MAX, i64::MIN, i64::MAX, -0.0]),
    ];
    let mut dice = Dice(4_018);
    while all.len() < 1_000 {
        let mut room = 1 + dice.roll(300);
        let value = tree(&mut dice, &mut room, 0);
        all.push(match dice.roll(10) {
            0 => nested(dice.roll(140), value, 3),
            1 => (0..dice.roll(50)).map(|_| value.clone()).collect(),
            _ => value,
        });
    }
    all
}

/// The processor time that this thread has had, where the system tells.
fn processor_time() -> std::time::Duration {
    #[expect(
        clippy::disallowed_methods,
        reason = "the promise is about time, and wall time depends on the neighbours"
    )]
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanoseconds = text
        .split(' ')
        .next()
        .and_then(|field| field.parse().ok())
        .unwrap_or_default();
    std::time::Duration::from_nanos(nanoseconds)
}

/// Evaluates, and holds the answer against what every answer must be.
fn evaluate(program: &Program, input: &Value, limits: &Limits) -> Result<Value, EvalError> {
    let before = processor_time();
    let answer = program.evaluate(input, &[], limits);
    let took = processor_time().saturating_sub(before);
    assert!(took < LONGEST, "{program:?} took {took:?}");
    match &answer {
        Ok(value) => {
            let text = value.to_string();
            assert!(
                text.len() <= 2 * limits.output_bytes,
                "{program:?} answers {} bytes",
                text.len()
            );
            let small = text.len() < 100_000;
            assert!(
                !small || serde_json::from_str::<Value>(&text).is_ok(),
                "{program:?} answers what can't be read back"
            );
        }
        Err(EvalError::Raised { message, .. }) => {
            assert!(
                !message.contains("could not be evaluated"),
                "{program:?} breaks the engine: {message}"
            );
        }
        Err(_) => {}
    }
    answer
}

#[test]
fn three_hundred_hostile_expressions() {
    let expressions = expressions();
    assert!(expressions.len() >= 300, "{}", expressions.len());
    let (mut refused, mut heavy, mut light) = (0, 0, 0);
    for source in expressions {
        let class = on_stack(2048, move || {
            let before = processor_time();
            let Ok(program) = compile(&source, &[]) else {
                return None;
            };
            let took = processor_time().saturating_sub(before);
            assert!(took < LONGEST, "compiling {source} took {took:?}");
            if program.class() == Class::Light {
                for input in [
                    json!(null),
                    json!([[1, 2], [3]]),
                    json!({"a": {"b": "x"}}),
                    json!("text"),
                    json!(7),
                    nested(100, json!(1), 2),
                ] {
                    let _ = evaluate(&program, &input, &Limits::default());
                }
            }
            Some(program.class())
        });
        match class {
            None => refused += 1,
            Some(Class::Heavy) => heavy += 1,
            Some(Class::Light) => light += 1,
        }
    }
    assert!(
        refused > 50 && heavy > 30 && light > 50,
        "refused {refused}, heavy {heavy}, light {light}"
    );
}

/// Loops and recursion that the meter stops in process as well; the worker needs its deadline for what is not listed here: closures that grow
/// with each call (`def f(x): f(x | x)`), whose dropping nests as deep as they grew.
#[test]
fn the_meter_stops_endless_programs() {
    for source in EXPRESSIONS
        .lines()
        .skip_while(|line| *line != "#! endless")
        .skip(1)
        .take_while(|line| !line.starts_with("#!"))
    {
        let answer = on_stack(16 * 1024, move || {
            let program = compile(source, &[]).expect(source);
            assert_eq!(program.class(), Class::Heavy, "{source}");
            evaluate(&program, &json!([1, 2]), &Limits::default())
        });
        assert!(
            matches!(answer, Err(EvalError::Limit { .. })),
            "{source}: {answer:?}"
        );
    }
}

#[test]
fn a_thousand_hostile_inputs() {
    let ordinary = [
        ".",
        ".a.b",
        ".[0]?",
        "[.[]?]",
        "[..]|length",
        "tojson",
        "tostring|length",
        "[paths]|length",
        "sort?",
        "unique?",
        "group_by(.)?",
        "add?",
        "map(tostring)?",
        "to_entries?",
        "walk(.)",
        "..|numbers",
        "[.[]?|strings|ascii_upcase]",
        "(.. |= .)",
        "del(.[0]?)",
        "flatten?",
        "[leaf_paths]|length",
        "@csv?",
        "@base64|@base64d",
        "[..|strings|test(\"(a+)+$\")]",
        "keys?",
        "length?",
        "(.a? // .b?)",
        "with_entries(.key |= \"x\" + .)?",
        "[tostream]|length",
        "any(..; . == \"${ env }\")",
        "min?, max?",
        "[..|strings|fromjson?]|length",
        "[..|strings|fromdate?]",
        ". as $x | [$x] | contains([$x])",
    ];
    // serde_json drops its values by recursion: deep ones must not be dropped on a small stack
    on_stack(64 * 1024, move || {
        let inputs = inputs();
        assert_eq!(inputs.len(), 1_000);
        let programs: Vec<Program> = ordinary
            .iter()
            .map(|source| compile(source, &[]).expect(source))
            .collect();
        let (mut answered, mut failed) = (0, 0);
        for (index, input) in inputs.iter().enumerate() {
            match evaluate(&programs[index % programs.len()], input, &Limits::default()) {
                Ok(_) => answered += 1,
                Err(_) => failed += 1,
            }
        }
        assert!(
            answered > 700 && failed > 10,
            "{answered} answered, {failed} failed"
        );
    });
}

/// What looks like code in data stays data.
#[test]
fn data_is_never_evaluated() {
    for word in WORDS {
        let program = compile("{a: ., b: \"\\(.)\", c: [.] | join(\"\")}", &[]).expect("compiles");
        let answer = program.evaluate(&json!(word), &[], &Limits::default());
        assert_eq!(answer, Ok(json!({"a": word, "b": word, "c": word})));
    }
}
