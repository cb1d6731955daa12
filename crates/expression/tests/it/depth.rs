//! Nesting: nothing that compiles, and no light program, can overflow the stack of an ordinary thread.

use expression::{Class, DEEPEST_NESTING, Limits, compile};
use serde_json::{Value, json};

/// Runs `work` on a thread with so many KiB of stack. An overflow would abort the whole test run.
pub(crate) fn on_stack<T: Send + 'static>(
    kib: usize,
    work: impl FnOnce() -> T + Send + 'static,
) -> T {
    let thread = std::thread::Builder::new().stack_size(kib * 1024);
    thread
        .spawn(work)
        .expect("a thread")
        .join()
        .expect("no panic")
}

/// The same definition `n` times, each in terms of the one before.
fn chain(n: usize, definition: &str) -> String {
    let numbered = |i: usize| {
        definition
            .replace("NEXT", &(i + 1).to_string())
            .replace("THIS", &i.to_string())
    };
    (0..n).map(numbered).collect()
}

/// Programs that nest `n` times in one way.
fn nested(n: usize) -> Vec<String> {
    let wrap = |open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(n), close.repeat(n))
    };
    vec![
        wrap("(", ".", ")"),
        wrap("[", ".", "]"),
        wrap("{a:", ".", "}"),
        wrap("-", "1", ""),
        wrap(".|", ".", ""),
        wrap(".,", ".", ""),
        wrap("1+", "1", ""),
        wrap(".a", "", ""),
        wrap(".[0]", "", ""),
        wrap(".[]?", "", ""),
        wrap(".[", "0", "]"),
        wrap("try ", ".", ""),
        wrap("try . catch ", ".", ""),
        wrap("if . then ", ".", " else . end"),
        wrap("if ", ".", " then . else . end"),
        format!("if . then . {} else . end", "elif . then .".repeat(n)),
        wrap(". as $x|", "$x", ""),
        wrap(". as [$x]|", "$x", ""),
        format!(". as {}$x{}|$x", "[".repeat(n), "]".repeat(n)),
        wrap("\"\\(", ".", ")\""),
        wrap("map(", ".", ")"),
        wrap("select(", ".", ")"),
        wrap("walk(", ".", ")"),
        wrap("path(", ".", ")"),
        wrap("first(", ".", ")"),
        wrap("[paths(", ".", ")]"),
        wrap("any(", ".", ")"),
        wrap("with_entries(", ".", ")"),
        wrap("sort_by(", ".", ")"),
        wrap("label $x|", ".", ""),
        wrap("def f: ", ".", "; f"),
        format!("def f0: .; {} f{n}", chain(n, "def fNEXT: fTHIS|fTHIS;")),
        format!("def f0: .; {} f{n}", chain(n, "def fNEXT: [fTHIS];")),
        format!(
            "def f0(g): g; {} f{n}(.)",
            chain(n, "def fNEXT(g): fTHIS(g|g);")
        ),
        format!(
            "def f0(g): g; {} f{n}(.)|=1",
            chain(n, "def fNEXT(g): fTHIS(g|g);")
        ),
        wrap("1 as $x | ", ".", ""),
        wrap(".a//", ".", ""),
        wrap("true and ", "true", ""),
        wrap("1<", "1", ""),
        wrap(".|=", "1", ""),
        wrap(".=(", "1", ")"),
        wrap("(.|", ".", ")"),
        wrap("(.[]?|", ".", ")|=."),
        wrap("..|", ".", ""),
        format!("({}) |= .", wrap("..|", ".", "")),
        wrap("reduce . as $x (0;", ".", ")"),
        wrap("foreach . as $x (0;", ".", ")"),
        wrap("# ", ".", ""),
    ]
}

fn deep_input() -> Value {
    let text = format!("{}1{}", "[".repeat(120), "]".repeat(120));
    serde_json::from_str(&text).expect("JSON of 120 levels")
}

#[test]
fn compiling_stays_on_half_the_stack() {
    for n in [
        1,
        20,
        DEEPEST_NESTING / 2 - 1,
        DEEPEST_NESTING - 1,
        10 * DEEPEST_NESTING,
    ] {
        for source in nested(n) {
            on_stack(1024, move || drop(compile(&source, &[])));
        }
    }
}

#[test]
fn light_programs_answer_as_they_do_with_any_stack() {
    let mut light = 0;
    for n in [1, 10, 40, DEEPEST_NESTING / 2 - 1, DEEPEST_NESTING - 1] {
        for source in nested(n) {
            let Ok(program) = compile(&source, &[]) else {
                continue;
            };
            if program.class() == Class::Heavy {
                continue;
            }
            light += 1;
            for input in [
                json!(null),
                json!({"a": [1]}),
                json!([[1, 2], 3]),
                deep_input(),
            ] {
                let (here, there) = (program.clone(), program.clone());
                let (near, far) = (input.clone(), input);
                let small = on_stack(2048, move || here.evaluate(&near, &[], &Limits::default()));
                let roomy = Limits {
                    stack: 48 * 1024 * 1024,
                    ..Limits::default()
                };
                let large = on_stack(64 * 1024, move || there.evaluate(&far, &[], &roomy));
                assert_eq!(small, large, "{source}");
            }
        }
    }
    assert!(light > 100, "{light} programs are light");
}
