//! The limited child process for heavy expressions. This program is its own child, hence no test harness: with the hidden
//! subcommand as its argument it is the worker.

use std::process::ExitCode;
use std::time::{Duration, Instant};

use engine::{WorkerConfig, Workers};
use expression::worker::Task;
use serde_json::{Value, json};

const SUBCOMMAND: &str = "expression-worker";

#[expect(
    clippy::print_stdout,
    reason = "a program without a test harness tells its result itself"
)]
fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some(SUBCOMMAND) {
        return match engine::worker::child() {
            Ok(()) => ExitCode::SUCCESS,
            Err(_) => ExitCode::FAILURE,
        };
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    runtime.block_on(async {
        values_come_back().await;
        runaways_are_killed_in_time_and_others_go_on().await;
        without_a_program_there_is_a_fault().await;
    });
    println!("test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
    ExitCode::SUCCESS
}

fn workers(children: usize) -> Workers {
    Workers::new(Some(WorkerConfig {
        subcommand: SUBCOMMAND.to_owned(),
        children,
    }))
}

fn task(source: &str, input: Value) -> Task {
    Task {
        source: source.to_owned(),
        input,
        variables: vec![("n".to_owned(), json!(3))],
    }
}

async fn values_come_back() {
    let workers = workers(1);
    let sum = workers
        .evaluate(&task("[range($n)] | add", json!(null)))
        .await;
    assert_eq!(sum, Ok(json!(3)));
    let big = json!("x".repeat(1 << 17));
    let length = workers.evaluate(&task("[range(1)] | length", big)).await;
    assert_eq!(length, Ok(json!(1)));
    let error = workers.evaluate(&task("error(\"no\")", json!(null))).await;
    assert!(error.is_err_and(|fault| fault.r#type.ends_with("/expression")));
    let after = workers.evaluate(&task("$n + 1", json!(null))).await;
    assert_eq!(after, Ok(json!(4)));
}

async fn runaways_are_killed_in_time_and_others_go_on() {
    let workers = workers(2);
    for source in [
        "def f: f; f",
        "def f: 1 + f; f",
        "[range(1e9)] | length",
        "[limit(1e9; repeat(1))] | length",
        "\"x\" * 1e9 | length",
        "reduce range(1e9) as $i (0; . + $i)",
    ] {
        let begun = Instant::now();
        let hostile = task(source, json!(null));
        let fine = task("[range($n)] | add", json!(null));
        let (refused, other) = tokio::join!(workers.evaluate(&hostile), workers.evaluate(&fine));
        let fault = refused.expect_err(source);
        let code = fault.code.unwrap_or_default();
        assert!(code.starts_with("expr."), "{source}: {code}");
        assert_eq!(other, Ok(json!(3)), "{source}");
        // The deadline, and room for a child to be born on a busy machine.
        assert!(begun.elapsed() < Duration::from_secs(10), "{source}");
    }
}

async fn without_a_program_there_is_a_fault() {
    let fault = Workers::new(None).evaluate(&task("1", json!(null))).await;
    assert!(fault.is_err_and(|fault| fault.code.as_deref() == Some("expr.no_worker")));
}
