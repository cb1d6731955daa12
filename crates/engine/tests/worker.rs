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
        a_run_that_wants_much_leaves_others_alone().await;
        a_child_has_its_limits().await;
        without_a_program_there_is_a_fault().await;
    });
    println!("test result: ok. 5 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
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
        .evaluate("run", &task("[range($n)] | add", json!(null)))
        .await;
    assert_eq!(sum, Ok(json!(3)));
    let big = json!("x".repeat(1 << 17));
    let length = workers
        .evaluate("run", &task("[range(1)] | length", big))
        .await;
    assert_eq!(length, Ok(json!(1)));
    let error = workers
        .evaluate("run", &task("error(\"no\")", json!(null)))
        .await;
    assert!(error.is_err_and(|fault| fault.r#type.ends_with("/expression")));
    let after = workers.evaluate("run", &task("$n + 1", json!(null))).await;
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
        let (refused, other) = tokio::join!(
            workers.evaluate("run", &hostile),
            workers.evaluate("other", &fine)
        );
        let fault = refused.expect_err(source);
        let code = fault.code.unwrap_or_default();
        assert!(code.starts_with("expr."), "{source}: {code}");
        assert_eq!(other, Ok(json!(3)), "{source}");
        // The deadline, and room for a child to be born on a busy machine.
        assert!(begun.elapsed() < Duration::from_secs(10), "{source}");
    }
}

/// Four hostile branches of one run: another run does not wait for any of them.
async fn a_run_that_wants_much_leaves_others_alone() {
    let workers = workers(2);
    let hostile = task("[range(infinite) | select(. < 0)] | length", json!(null));
    let fine = task("reduce range(1000) as $i (0; . + $i)", json!(null));
    workers.evaluate("other", &fine).await.expect("it is fine");
    let branches = async {
        let one = || workers.evaluate("hostile", &hostile);
        tokio::join!(one(), one(), one(), one())
    };
    let other = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut longest = Duration::ZERO;
        for _ in 0..20 {
            let begun = Instant::now();
            let sum = workers.evaluate("other", &fine).await;
            assert_eq!(sum, Ok(json!(499_500)));
            longest = longest.max(begun.elapsed());
        }
        longest
    };
    let (ended, longest) = tokio::join!(branches, other);
    for fault in [ended.0, ended.1, ended.2, ended.3] {
        assert!(fault.is_err());
    }
    // A quarter of what one of the branches takes before it is killed, with room for a busy machine.
    assert!(longest < Duration::from_millis(400), "{longest:?}");
}

/// One that wants all memory there is ends before it has 128 MiB.
async fn a_child_has_its_limits() {
    let workers = workers(1);
    let hostile = task("[range(1000000000) | tostring] | length", json!(null));
    let hostile = workers.evaluate("run", &hostile);
    let watch = async {
        let mut most = 0;
        for _ in 0..200 {
            most = most.max(memory_of_children());
            tokio::time::sleep(Duration::from_millis(3)).await;
        }
        most
    };
    let (ended, most) = tokio::join!(hostile, watch);
    assert!(ended.is_err());
    assert!((1..128 * 1024).contains(&most), "{most} KiB");
}

/// The most memory in KiB that a child of this process has had.
fn memory_of_children() -> u64 {
    let read = |path: String| std::fs::read_to_string(path).unwrap_or_default();
    let tasks = std::fs::read_dir("/proc/self/task").expect("there is /proc");
    let of = |task: std::io::Result<std::fs::DirEntry>| {
        read(format!(
            "{}/children",
            task.expect("it is read").path().display()
        ))
    };
    let children: Vec<String> = tasks.map(of).collect();
    let peak = |child: &str| {
        let status = read(format!("/proc/{child}/status"));
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        number.unwrap_or(0)
    };
    children
        .iter()
        .flat_map(|line| line.split_whitespace())
        .map(peak)
        .max()
        .unwrap_or(0)
}

async fn without_a_program_there_is_a_fault() {
    let fault = Workers::new(None)
        .evaluate("run", &task("1", json!(null)))
        .await;
    assert!(fault.is_err_and(|fault| fault.code.as_deref() == Some("expr.no_worker")));
}
