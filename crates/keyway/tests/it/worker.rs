//! The child process for heavy expressions, as the real binary is one: with its allocator, its size and its file.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};

use crate::support::{Home, KEYWAY};

const TASK: &str = r#"{"source":"[range(3)]","input":null,"variables":[]}"#;
/// The limit of a child's address space, in kibibytes.
const LIMIT: u64 = 1 << 20;

/// A child whose allocator had reserved as much as the limit allows before the limit was set ended one start in a hundred.
#[test]
fn every_child_starts_and_has_most_of_its_memory_before_it() {
    let home = Home::closed();
    for number in 0..100 {
        let mut command = home.command(&["expression-worker"]);
        let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
        let input = child.stdin.as_mut().unwrap();
        writeln!(input, "{TASK}").unwrap();
        let mut answer = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        output.read_line(&mut answer).unwrap();
        assert_eq!(answer.trim(), r#"{"value":[0,1,2]}"#, "child {number}");
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let size = status.lines().find_map(|line| line.strip_prefix("VmSize:"));
        let size = size.unwrap().trim().trim_end_matches(" kB");
        let size: u64 = size.parse().unwrap();
        assert!(size < LIMIT / 2, "child {number} was born with {size} KiB");
        drop(child.stdin.take());
        assert!(child.wait().unwrap().success());
    }
}

const FLOW: &str = "document: {dsl: '1.0.3', namespace: contoso, name: heavy, version: '1.0.0'}
do:
  - sum: {set: {sum: '${ reduce range(4) as $n (0; . + $n) }'}}
";

#[test]
fn a_server_whose_file_is_gone_still_evaluates() {
    let mut home = Home::new();
    let flow = home.write("heavy.yaml", FLOW, 0o600);
    let copy = home.path("keyway");
    // By another process: a file that this one had open for writing can't be run while a child of another test, born
    // meanwhile, still has it open.
    let copied = Command::new("cp").arg(KEYWAY).arg(&copy).status();
    assert!(copied.unwrap().success());
    home.program.clone_from(&copy);
    let _server = home.serve(&[]);
    home.program = KEYWAY.into();
    std::fs::remove_file(copy).unwrap();
    home.ok(&["flow", "deploy", &flow.display().to_string()]);
    let run = home.ok(&["flow", "start", "heavy", "--wait", "20"]);
    assert_eq!(run["output"]["sum"], 6, "{run}");
}
