//! Flows that are deployed, their runs, tables, secrets and events, by commands on a data directory that nobody serves.

use serde_json::{Value, json};

use crate::support::Home;

const HELLO: &str = "document: {dsl: '1.0.3', namespace: test, name: hello, version: '1.0.0'}\n\
                     use: {secrets: [key, graph]}\n\
                     do:\n- greet:\n    set: {hello: '${ .name }'}\n";
const FAULTY: &str = "document: {dsl: '1.0.3', namespace: test, name: faulty, version: '1.0.0'}\n\
                      do:\n- fail:\n    raise: {error: {type: https://contoso.example/errors/no, status: 418, title: No}}\n";

fn file(home: &Home, name: &str, text: &str) -> String {
    let path = home.path(name);
    std::fs::write(&path, text).expect("the folder is there");
    path.to_str().expect("its name is text").to_owned()
}

fn done(home: &Home, arguments: &[&str]) -> Value {
    let json = [&["--json"], arguments].concat();
    home.run(&json).ends_with(0).json()
}

#[test]
fn a_flow_is_deployed_once_changed_and_rolled_back() {
    let home = Home::closed();
    let path = file(&home, "hello.yaml", HELLO);
    let looked = home
        .run(&["flow", "deploy", "--dry-run", &path])
        .ends_with(0);
    assert!(
        looked
            .stdout
            .starts_with("would create: test.hello 1.0.0, from "),
        "{looked}"
    );
    home.run(&["flow", "show", "hello"]).ends_with(3);
    let made = home.run(&["flow", "deploy", &path]).ends_with(0);
    assert!(
        made.stdout.contains("graph: missing") && made.stdout.contains("before it can run: "),
        "{made}"
    );
    let same = home.run(&["flow", "deploy", &path]).ends_with(0);
    assert!(same.stdout.starts_with("unchanged: test.hello"), "{same}");
    file(&home, "hello.yaml", &HELLO.replace("hello:", "greeting:"));
    let changed = home.run(&["flow", "deploy", &path]).ends_with(0);
    for line in ["  -    set: {hello: ", "  +    set: {greeting: "] {
        assert!(changed.stdout.contains(line), "{changed}");
    }
    // By its name alone, with its namespace, and as the API writes it.
    for (name, greeting) in [
        ("hello", "greeting"),
        ("test/hello", "hello"),
        ("test.hello", "hello"),
    ] {
        if name == "test/hello" {
            done(&home, &["flow", "rollback", "hello", "1"]);
        }
        let input = r#"{"name": "you"}"#;
        let ended = done(
            &home,
            &["flow", "start", name, "--input", input, "--wait", "30"],
        );
        assert_eq!(
            (&ended["status"], &ended["output"]),
            (&json!("completed"), &json!({ greeting: "you" })),
            "{name}: {ended}"
        );
    }
    let exported = home.run(&["flow", "export", "hello", "--number", "1"]);
    assert_eq!(exported.ends_with(0).stdout, HELLO);
    done(&home, &["flow", "disable", "hello"]);
    home.run(&["flow", "start", "hello"]).ends_with(6);
    done(&home, &["flow", "enable", "hello"]);
    home.run(&["flow", "delete", "hello"]).ends_with(2);
    home.run(&["flow", "delete", "hello", "--yes"]).ends_with(0);
    home.run(&["flow", "start", "hello"]).ends_with(3);
}

#[test]
fn nothing_of_a_directory_is_deployed_when_one_text_is_wrong() {
    let home = Home::closed();
    std::fs::create_dir(home.path("flows")).unwrap();
    file(&home, "flows/a.yaml", HELLO);
    file(&home, "flows/b.yml", &FAULTY.replace("raise:", "rais:"));
    file(&home, "flows/notes.txt", "no flow");
    let folder = home.path("flows");
    let folder = folder.to_str().unwrap();
    let refused = home.run(&["flow", "deploy", folder]).ends_with(5);
    assert!(
        refused.stdout.contains("b.yml:3:3") && refused.stdout.contains("^^^^"),
        "{refused}"
    );
    assert_eq!(done(&home, &["flow", "list"])["items"], json!([]));
    let document = home.run(&["--json", "flow", "deploy", folder]).ends_with(5);
    assert_eq!(document.json()["code"], "flow.schema");
    file(&home, "flows/b.yml", FAULTY);
    let deployed = done(&home, &["flow", "deploy", folder]);
    assert_eq!(deployed["deployments"].as_array().unwrap().len(), 2);
    std::fs::create_dir(home.path("empty")).unwrap();
    let empty = home.path("empty");
    home.run(&["flow", "deploy", empty.to_str().unwrap()])
        .ends_with(2);
}

#[test]
fn a_run_that_faulted_is_told_and_done_again() {
    let home = Home::closed();
    done(
        &home,
        &["flow", "deploy", &file(&home, "faulty.yaml", FAULTY)],
    );
    let failed = home
        .run(&["flow", "start", "faulty", "--key", "k", "--wait", "30"])
        .ends_with(1);
    assert!(failed.stderr.contains("No (no), status 418"), "{failed}");
    let again = done(&home, &["flow", "start", "faulty", "--key", "k"]);
    assert_eq!(again["duplicate"], true);
    let run = again["run"].as_str().unwrap();
    let shown = home.run(&["run", "show", run]).ends_with(0);
    for part in [
        "test.faulty 1.0.0 (number 1)",
        "fail",
        "faulted",
        "status 418",
    ] {
        assert!(shown.stdout.contains(part), "{part}: {shown}");
    }
    home.run(&["run", "watch", run]).ends_with(1);
    let retried = done(&home, &["run", "retry", run]);
    assert_ne!(retried["run"], *run);
    let listed = done(&home, &["run", "list", "--flow", "faulty", "--text", "No"]);
    assert!(!listed["items"].as_array().unwrap().is_empty(), "{listed}");
    let nothing = home
        .run(&["run", "resolve", run, "--outcome", "failed"])
        .ends_with(6);
    assert!(nothing.stderr.contains("not known"), "{nothing}");
    home.run(&["run", "cancel", "run_nonsense"]).ends_with(3);
    done(&home, &["run", "delete", run, "--yes"]);
    home.run(&["run", "show", run]).ends_with(3);
}

#[test]
fn rows_are_compared_before_they_are_set() {
    let home = Home::closed();
    done(
        &home,
        &[
            "table",
            "put",
            "notes",
            "a/b",
            r#"{"n": 1}"#,
            "--if-version",
            "0",
        ],
    );
    home.run(&["table", "put", "notes", "a/b", "2", "--if-version", "0"])
        .ends_with(6);
    done(
        &home,
        &["table", "put", "notes", "a/b", "2", "--if-version", "1"],
    );
    let row = home.run(&["table", "get", "notes", "a/b"]).ends_with(0);
    assert_eq!(row.stdout, "2\n");
    let text = home
        .run(&["table", "put", "notes", "c", "plain"])
        .ends_with(2);
    assert!(text.stderr.contains("quotes"), "{text}");
    assert_eq!(done(&home, &["table", "list"])["items"][0]["rows"], 1);
    done(&home, &["table", "delete", "notes", "a/b", "--yes"]);
    assert_eq!(done(&home, &["table", "rows", "notes"])["items"], json!([]));
}

#[test]
fn secrets_go_in_and_never_come_out() {
    let home = Home::closed();
    let value = file(&home, "value", "fake-secret-of-a-test\n");
    let open = home
        .run(&["secret", "set", "key", "--value-file", &value])
        .ends_with(5);
    assert!(open.stderr.contains("can be read by others"), "{open}");
    home.run(&["secret", "set", "key"]).ends_with(2);
    home.run(&["secret", "set", "key", "--value-file", "-", "--object"])
        .ends_with(5);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&value, std::fs::Permissions::from_mode(0o600)).unwrap();
    }
    done(&home, &["secret", "set", "key", "--value-file", &value]);
    let listed = home.run(&["--json", "secret", "list"]).ends_with(0);
    assert_eq!(listed.json()["items"][0]["name"], "key");
    assert!(!listed.stdout.contains("fake-secret"), "{listed}");
    done(&home, &["secret", "delete", "key", "--yes"]);
    home.run(&["secret", "delete", "key", "--yes"]).ends_with(3);
}

#[test]
fn an_event_that_nobody_wants_is_gone_and_said_to_be() {
    let home = Home::closed();
    let sent = done(
        &home,
        &[
            "event",
            "send",
            "--type",
            "com.contoso.example.x",
            "--data",
            "[1]",
        ],
    );
    assert_eq!(sent, json!({ "events": 1, "recipients": 0, "gathered": 0 }));
    home.run(&["event", "send", "--type", "x", "--data", "nonsense"])
        .ends_with(2);
    let asked = done(&home, &["approval", "list"]);
    assert_eq!(asked["items"], json!([]));
    home.run(&["approval", "decide", "apr_nonsense"])
        .ends_with(2);
}

#[test]
fn an_event_that_a_flow_keeps_is_not_said_to_be_gone() {
    let home = Home::closed();
    let pair = "document: {dsl: '1.0.3', namespace: test, name: pair, version: '1.0.0'}\n\
                schedule: {on: {all: [{with: {type: com.contoso.a}}, {with: {type: com.contoso.b}}]}}\n\
                do:\n- a: {set: {x: 1}}\n";
    let path = file(&home, "pair.yaml", pair);
    home.run(&["flow", "deploy", &path]).ends_with(0);
    let send = |kind: &str| {
        let sent = home.run(&["event", "send", "--type", kind]).ends_with(0);
        sent.stdout
    };
    assert!(send("com.contoso.a").starts_with("one flow keeps it"));
    let shown = home.run(&["flow", "show", "pair"]).ends_with(0);
    assert!(shown.stdout.contains("gathered    1 event\n"), "{shown}");
    assert!(send("com.contoso.b").starts_with("it reached one run or flow"));
}

#[test]
fn another_text_under_the_same_version_is_warned_of() {
    let home = Home::closed();
    let path = file(&home, "faulty.yaml", FAULTY);
    home.run(&["flow", "deploy", &path]).ends_with(0);
    let path = file(&home, "faulty.yaml", &FAULTY.replace("418", "400"));
    let changed = home.run(&["flow", "deploy", &path]).ends_with(0);
    assert!(
        changed.stdout.contains("warning[flow.version_reused]")
            && changed.stdout.contains("faulty.yaml:1:"),
        "{changed}"
    );
}
