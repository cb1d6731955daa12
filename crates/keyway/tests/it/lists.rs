//! `keyway call --all`: lists of several pages as lines, one array, a table and one document.

use serde_json::{Value, json};

use crate::support::Home;
use crate::upstream::Upstream;

fn connected() -> (Home, Upstream) {
    let home = Home::new();
    let upstream = Upstream::start();
    home.ok(&[
        "connection",
        "create",
        "api",
        "--type",
        "none",
        "--base-url",
        &upstream.url,
    ]);
    (home, upstream)
}

/// What a command that succeeds prints.
fn fine(home: &Home, arguments: &[&str]) -> String {
    home.run(arguments).ends_with(0).stdout
}

#[test]
fn a_list_as_lines_array_table_and_document() {
    let (home, upstream) = connected();
    let before = upstream.seen().len();
    let text = fine(&home, &["call", "api", "/list", "--all"]);
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert_eq!(lines[4]["displayName"], "Person 4\u{9b}31m");
    assert!(!text.contains('\u{9b}'), "nothing that steers a terminal");
    assert_eq!(
        upstream.seen().len(),
        before + 3,
        "three pages, the second one empty"
    );
    let text = fine(
        &home,
        &["call", "api", "/list", "--all", "--output", "json"],
    );
    assert_eq!(serde_json::from_str::<Vec<Value>>(&text).unwrap(), lines);
    let text = fine(
        &home,
        &["call", "api", "/list", "--all", "--output", "table"],
    );
    assert!(
        text.contains("DISPLAYNAME") && text.lines().count() == 6,
        "{text}"
    );
    let text = fine(&home, &["call", "api", "/list", "--all", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["items"], json!(lines));
    assert_eq!(
        (
            &document["pages"],
            &document["cursor"],
            &document["problem"]
        ),
        (&json!(3), &Value::Null, &Value::Null)
    );
    let text = fine(&home, &["call", "api", "/list?none=1", "--all", "--json"]);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["items"], json!([]));
    let text = fine(
        &home,
        &["call", "api", "/list?none=1", "--all", "--output", "json"],
    );
    assert_eq!(text, "[]\n");
}

#[test]
fn a_list_goes_on_where_it_stopped() {
    let (home, _upstream) = connected();
    let first = home
        .run(&["call", "api", "/list", "--all", "--max-items", "1"])
        .ends_with(0);
    assert_eq!(first.stdout.lines().count(), 1);
    let cursor = first
        .stderr
        .split("--resume ")
        .nth(1)
        .expect("it says where to go on")
        .trim()
        .to_owned();
    let rest = fine(
        &home,
        &["call", "api", "/list", "--all", "--resume", &cursor],
    );
    assert_eq!(rest.lines().count(), 4, "{rest}");
    assert!(rest.starts_with("{\"displayName\":\"Person 1"), "{rest}");
}

#[test]
fn trouble_in_the_middle_keeps_what_was_read() {
    let (home, _upstream) = connected();
    let failed = home.run(&["call", "api", "/list?foreign=1", "--all"]);
    assert_eq!(failed.code, 7, "{}", failed.stderr);
    assert_eq!(failed.stdout.lines().count(), 2);
    assert!(
        failed.stderr.contains("pagination.origin") && failed.stderr.contains("--resume"),
        "{}",
        failed.stderr
    );
    let failed = home.run(&["call", "api", "/list?foreign=1", "--all", "--json"]);
    assert_eq!(failed.code, 7);
    let document: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(document["items"].as_array().unwrap().len(), 2);
    assert_eq!(document["problem"]["code"], "pagination.origin");
    let failed = home.run(&["call", "api", "/missing", "--all", "--json"]);
    assert_eq!(failed.code, 7);
    let document: Value = serde_json::from_str(&failed.stdout).unwrap();
    assert_eq!(document["code"], "pagination.refused");
}

#[test]
fn what_can_not_be_meant_is_refused() {
    let (home, upstream) = connected();
    let before = upstream.seen().len();
    for arguments in [
        &["call", "api", "/list", "--max-items", "3"][..],
        &["call", "api", "/list", "--all", "--max-items", "0"],
        &["call", "api", "/list", "--all", "--output", "raw"],
        &["call", "api", "/list", "--output", "jsonl"],
        &["call", "api", "POST", "/list", "--all"],
        &["call", "api", "/list", "--all", "-d", "{}"],
        &["call", "api", "/list", "--all", "--follow"],
        &["call", "api", "/list", "--all", "--next", "/a"],
    ] {
        let refused = home.run(arguments);
        assert_eq!(refused.code, 2, "{arguments:?}: {}", refused.stderr);
    }
    assert_eq!(upstream.seen().len(), before, "nothing was sent");
}
