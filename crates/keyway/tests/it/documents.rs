//! Connections as text: exported, applied, looked at first, and refused with the place of what is wrong.

use serde_json::{Value, json};

use crate::support::Home;

const TEXT: &str = "keyway: connections/1\nconnections:\n  api:\n    type: basic\n    base_url: https://api.contoso.example\n    username: reader\n";

fn file(home: &Home, name: &str, text: &str) -> String {
    home.write(name, text, 0o644).display().to_string()
}

fn names(home: &Home) -> Vec<String> {
    let list = home.ok(&["connection", "list"]);
    let items = list["items"].as_array().unwrap().iter();
    items
        .map(|card| card["name"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn a_text_is_applied_once_changed_and_exported() {
    let home = Home::new();
    let path = file(&home, "api.yaml", TEXT);
    let looked = home
        .run(&["connection", "apply", "--dry-run", &path])
        .ends_with(0);
    assert!(
        looked.stdout.starts_with("would create: api, from "),
        "{looked}"
    );
    assert!(looked.stdout.contains("  +  username: reader"), "{looked}");
    assert!(names(&home).is_empty(), "only looked at");
    let made = home.run(&["connection", "apply", &path]).ends_with(0);
    assert!(
        made.stdout
            .starts_with("created: api (needs secret), from "),
        "{made}"
    );
    assert!(
        made.stdout
            .contains("keyway connection change api --password-file FILE"),
        "{made}"
    );
    let password = home.secret("password", "visibly-fake-password");
    home.ok(&["connection", "change", "api", "--password-file", &password]);
    let same = home.run(&["connection", "apply", &path]).ends_with(0);
    assert!(same.stdout.starts_with("unchanged: api (ok)"), "{same}");
    assert_eq!(same.stdout.lines().count(), 1, "{same}");
    // What calls may do changes, not where the password goes.
    file(&home, "api.yaml", &format!("{TEXT}    concurrency: 4\n"));
    let changed = home.run(&["connection", "apply", &path]).ends_with(0);
    assert!(changed.stdout.contains("  +  concurrency: 4"), "{changed}");
    assert!(
        changed.stdout.starts_with("changed: api (ok)") && !changed.stderr.contains("wiped"),
        "{changed}"
    );
    // Another server: the password goes nowhere any more, and that is said beforehand.
    file(
        &home,
        "api.yaml",
        &TEXT.replace("api.contoso", "files.contoso"),
    );
    let looked = home
        .run(&["connection", "apply", "--dry-run", &path])
        .ends_with(0);
    assert!(
        looked.stderr.contains("would be wiped") && looked.stderr.contains("password"),
        "{looked}"
    );
    assert_eq!(home.ok(&["connection", "show", "api"])["state"], "ok");
    let wiped = home.ok(&["connection", "apply", &path]);
    assert_eq!(
        wiped["connections"][0]["wiped"],
        json!(["password"]),
        "{wiped}"
    );
    assert_eq!(
        wiped["connections"][0]["connection"]["state"],
        "needs_secret"
    );
    // What is exported is the same text again, from a pipe too.
    let exported = home.run(&["connection", "export"]).ends_with(0).stdout;
    assert_eq!(
        exported,
        TEXT.replace(
            "https://api.contoso.example",
            "https://files.contoso.example/"
        )
    );
    let again = home
        .run_with(&["connection", "apply", "-"], &exported)
        .ends_with(0);
    assert!(again.stdout.starts_with("unchanged: api"), "{again}");
    home.refused(
        &["connection", "export", "absent"],
        3,
        "connection.not_found",
    );
}

#[test]
fn nothing_is_changed_when_one_of_many_texts_is_wrong() {
    let home = Home::new();
    std::fs::create_dir_all(home.path("texts/more")).unwrap();
    file(&home, "texts/good.yaml", TEXT);
    file(&home, "texts/.hidden.yaml", "[");
    file(&home, "texts/notes.md", "[");
    let bad = "keyway: connections/1\nconnections:\n  other:\n    preset: microsoft-graph\n    tennant: contoso.example\n  API:\n    type: none\n";
    file(&home, "texts/more/bad.yaml", bad);
    let refused = home.run(&["connection", "apply", "texts"]).ends_with(5);
    let expected = "error[document.schema]: unknown key `tennant`\n --> texts/more/bad.yaml:5:5\n  |\n5 |     tennant: contoso.example\n  |     ^^^^^^^\n  = hint: did you mean `tenant`?\n";
    assert!(refused.stdout.contains(expected), "{refused}");
    assert!(refused.stderr.contains("nothing was changed"), "{refused}");
    let problem = home.refused(&["connection", "apply", "texts"], 5, "document.invalid");
    let found = problem["findings"].as_array().unwrap();
    let first = json!({"code": "document.schema", "pointer": "/connections/other/tennant", "line": 5, "column": 5, "length": 7,
        "message": "unknown key `tennant`", "hint": "did you mean `tenant`?", "document": "texts/more/bad.yaml"});
    assert_eq!(found[0], first, "{problem}");
    assert!(names(&home).is_empty());
    // The same connection in two texts.
    file(
        &home,
        "texts/more/bad.yaml",
        &bad.replace("    tennant", "    tenant")
            .replace("preset: microsoft-graph", "type: none"),
    );
    let twice = home.refused(&["connection", "apply", "texts"], 5, "document.invalid");
    let codes: Vec<&Value> = twice["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|found| &found["code"])
        .collect();
    assert!(codes.contains(&&json!("document.duplicate")), "{twice}");
    assert!(names(&home).is_empty());
}

/// Applies a text, which is refused: the code, the place (line and column, from 1) and a word of what is said.
fn told(home: &Home, body: &str, code: &str, (line, column): (u64, u64), said: &str) {
    let answer = home
        .run_with(&["connection", "apply", "-", "--json"], body)
        .ends_with(5);
    let problem = answer.json();
    assert_eq!(problem["code"], "document.invalid", "{answer}");
    let found = &problem["findings"][0];
    assert_eq!(
        (&found["code"], &found["line"], &found["column"]),
        (&json!(code), &json!(line), &json!(column)),
        "{body}: {answer}"
    );
    let text = format!("{} {}", found["message"], found["hint"]);
    assert!(text.contains(said), "{said}: {text}");
    assert!(!answer.stdout.contains("hunter2"), "{answer}");
}

#[test]
fn what_is_wrong_with_a_text_is_said_at_its_place() {
    let home = Home::new();
    let head = "keyway: connections/1";
    for (body, code, place, said) in [
        ("", "document.parse", (1, 1), "empty"),
        ("keyway: [", "document.parse", (1, 9), "bracket"),
        ("[]", "document.schema", (1, 1), "object"),
        (
            "connections: {}",
            "document.schema",
            (1, 1),
            "connections/1",
        ),
        (
            "keyway: connections/2\nconnections: {}",
            "document.schema",
            (1, 9),
            "connections/1",
        ),
        (head, "document.schema", (1, 1), "`connections` is missing"),
    ] {
        told(&home, body, code, place, said);
    }
    for (rest, code, place, said) in [
        ("connections: []", "document.schema", (2, 1), "object"),
        (
            "connection: {}",
            "document.schema",
            (2, 1),
            "did you mean `connections`?",
        ),
        (
            "connections:\n  a: {}\n  a: {}\n",
            "document.duplicate",
            (4, 3),
            "twice",
        ),
        (
            "connections:\n  api: hunter2\n",
            "document.schema",
            (3, 8),
            "has to be an object",
        ),
        (
            "connections:\n  new:\n    type: none\n",
            "connection.name_reserved",
            (3, 3),
            "reserved",
        ),
    ] {
        told(&home, &format!("{head}\n{rest}"), code, place, said);
    }
    assert!(names(&home).is_empty());
    let absent = ["connection", "apply", "absent.yaml"];
    home.refused(&absent, 5, "body.unreadable");
    std::fs::create_dir_all(home.path("empty")).unwrap();
    home.refused(&["connection", "apply", "empty"], 2, "cli.usage");
}

#[test]
fn what_is_wrong_with_a_field_is_said_at_its_place() {
    let home = Home::new();
    for (field, code, place, said) in [
        (
            "usernam: reader",
            "document.schema",
            (5, 5),
            "did you mean `username`?",
        ),
        (
            "username: 5",
            "document.schema",
            (5, 15),
            "expected a string",
        ),
        (
            "password: hunter2",
            "document.schema",
            (5, 15),
            "is a secret",
        ),
        (
            "username: 'a:b'",
            "connection.username_invalid",
            (5, 15),
            "colon",
        ),
        (
            "base_url: 'ftp://api.contoso.example'",
            "connection.url_invalid",
            (5, 15),
            "api",
        ),
        (
            "username: reader\n    concurrency: 0",
            "connection.concurrency_invalid",
            (6, 18),
            "1 to 1000",
        ),
    ] {
        let body =
            format!("keyway: connections/1\nconnections:\n  api:\n    type: basic\n    {field}\n");
        told(&home, &body, code, place, said);
    }
    assert!(names(&home).is_empty());
}
