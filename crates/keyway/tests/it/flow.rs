//! `keyway flow`: what is said of flows in files, to people and to scripts.

use crate::support::Home;

const GOOD: &str = "document: {dsl: '1.0.3', namespace: test, name: good, version: '1.0.0'}\n\
                    do:\n- greet:\n    set: {hello: '${ .name }'}\n";
const BAD: &str = "document: {dsl: '1.0.3', namespace: test, name: bad, version: '1.0.0'}\n\
                   do:\n- first:\n    try: [{a: {set: {x: 1}}}]\n    catchh: {}\n- second:\n    run: {shell: {command: ls}}\n";

/// An installation with a file in it, and the file's name.
fn home_with(name: &str, text: impl AsRef<[u8]>) -> (Home, String) {
    let home = Home::closed();
    let file = home.path(name);
    std::fs::write(&file, text).unwrap();
    (home, file.to_str().unwrap().to_owned())
}

#[test]
fn a_valid_flow_is_said_to_be_one() {
    let (home, file) = home_with("good.yaml", GOOD);
    let answer = home.run(&["flow", "validate", &file]).ends_with(0);
    assert_eq!(answer.stdout, format!("{file}: valid\n"));
    let answer = home
        .run(&["flow", "validate", "--output", "json", &file])
        .ends_with(0);
    assert_eq!(
        answer.json(),
        serde_json::json!({ "valid": true, "errors": [], "warnings": [] })
    );
    assert!(!home.data().exists(), "nothing is made");
}

#[test]
fn what_is_wrong_is_underlined() {
    let (home, file) = home_with("bad.yaml", BAD);
    let answer = home.run(&["flow", "validate", &file]).ends_with(5);
    let expected = format!(
        "error[flow.schema]: `catch` is missing\n --> {file}:3:3\n  |\n3 | - first:\n  |   ^^^^^\n\n\
         error[flow.schema]: unknown key `catchh`\n --> {file}:5:5\n  |\n5 |     catchh: {{}}\n  |     ^^^^^^\n  = hint: did you mean `catch`?\n\n\
         error[flow.feature_disabled]: run.shell is not part of Keyway's profile of the language\n --> {file}:7:11\n  |\n\
         7 |     run: {{shell: {{command: ls}}}}\n  |           ^^^^^\n  = hint: call a service that does it, or run another flow: run: {{workflow: …}}\n\n\
         {file}: 3 errors\n"
    );
    assert_eq!(answer.stdout, expected);
    assert_eq!(answer.stderr, "");
}

#[test]
fn scripts_get_one_document_with_places_and_hints() {
    let (home, file) = home_with("bad.yaml", BAD);
    for arguments in [
        &["flow", "validate", "--output", "json", &file][..],
        &["--json", "flow", "validate", &file],
    ] {
        let document = home.run(arguments).ends_with(5).json();
        assert_eq!(document["valid"], false);
        assert_eq!(
            document["errors"][1],
            serde_json::json!({
                "code": "flow.schema", "pointer": "/do/0/first/catchh", "line": 5, "column": 5, "length": 6,
                "message": "unknown key `catchh`", "hint": "did you mean `catch`?"
            })
        );
    }
    let good = home.path("good.yaml");
    std::fs::write(&good, GOOD).unwrap();
    let document = home
        .run(&[
            "flow",
            "validate",
            "--output",
            "json",
            good.to_str().unwrap(),
            &file,
        ])
        .ends_with(5)
        .json();
    assert!(
        document["errors"]
            .as_array()
            .unwrap()
            .iter()
            .all(|error| error["file"] == *file),
        "{document}"
    );
}

#[test]
fn files_that_are_no_text_are_findings_too() {
    let (home, file) = home_with("latin.yaml", b"document:\n  title: Z\xfcrich\n");
    let document = home
        .run(&["flow", "validate", "--output", "json", &file])
        .ends_with(5)
        .json();
    assert_eq!(document["errors"][0]["code"], "flow.parse");
    assert_eq!(
        (
            &document["errors"][0]["line"],
            &document["errors"][0]["column"]
        ),
        (&2.into(), &11.into())
    );
    let document = home
        .run(&["flow", "validate", "--output", "json", "nowhere.yaml"])
        .ends_with(5)
        .json();
    assert_eq!(document["errors"][0]["code"], "flow.unreadable");
    home.run(&["flow", "validate"]).ends_with(2);
}

#[test]
fn a_flow_is_drawn() {
    let (home, file) = home_with("good.yaml", GOOD);
    let answer = home.run(&["flow", "graph", &file]).ends_with(0);
    assert_eq!(
        answer.stdout,
        "flowchart TD\n  n1([\"start\"])\n  n2[\"greet · set\"]\n  n1 --> n2\n  finish([\"end\"])\n  n2 --> finish\n"
    );
    let (home, file) = home_with("bad.yaml", BAD);
    let problem = home.refused(&["flow", "graph", &file], 5, "flow.schema");
    assert_eq!(problem["errors"].as_array().unwrap().len(), 3);
}
