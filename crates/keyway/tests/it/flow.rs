//! `keyway flow`: what is said of flows in files, to people and to scripts.

use serde_json::{Value, json};

use crate::support::{Home, finish};
use crate::upstream::Upstream;

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
        json!({ "valid": true, "errors": [], "warnings": [] })
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
            json!({
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

/// A run in the foreground: its document.
fn ran(home: &Home, code: i32, flow: &str, more: &[&str]) -> Value {
    let file = home.path("flow.yaml");
    let head = "document: {dsl: '1.0.3', namespace: test, name: main, version: '1.0.0'}\n";
    std::fs::write(&file, format!("{head}{flow}")).unwrap();
    let arguments = [
        &["flow", "run", "--output", "json"],
        more,
        &[file.to_str().unwrap()],
    ]
    .concat();
    home.run(&arguments).ends_with(code).json()
}

/// A file of an installation, by its path.
fn written(home: &Home, name: &str, text: &str) -> String {
    let file = home.path(name);
    std::fs::create_dir_all(file.parent().unwrap()).unwrap();
    std::fs::write(&file, text).unwrap();
    file.to_str().unwrap().to_owned()
}

#[test]
fn a_run_prints_what_it_did() {
    let home = Home::new();
    let input = written(&home, "in.json", r#"{"name": "Ada", "list": [1, 2]}"#);
    let flow = "do:\n- greet: {set: {hello: '${ .name }', list: '${ .list }'}}\n\
                - each:\n    for: {in: .list}\n    do: [{inner: {emit: {event: {with: {source: 'https://contoso.example', type: seen}}}}}]\n\
                - skipped: {if: 'false', set: {x: 1}}\n- last: {set: {sum: '${ reduce range(4) as $n (0; . + $n) }'}}\n";
    let document = ran(&home, 0, flow, &["--input-file", &input]);
    assert_eq!(
        (&document["status"], &document["error"]),
        (&json!("completed"), &Value::Null)
    );
    assert_eq!(
        document["output"],
        json!({ "sum": 6 }),
        "a heavy expression is evaluated in the worker"
    );
    let tasks = document["tasks"].as_array().unwrap();
    let told: Vec<_> = tasks
        .iter()
        .map(|task| {
            (
                task["name"].as_str().unwrap(),
                task["reference"].as_str().unwrap(),
                task["status"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("greet", "/do/0/greet", "completed"),
            ("each", "/do/1/each", "completed"),
            ("inner", "/do/1/each/do/0/inner", "completed"),
            ("inner", "/do/1/each/do/0/inner", "completed"),
            ("skipped", "/do/2/skipped", "skipped"),
            ("last", "/do/3/last", "completed"),
        ]
    );
    assert!(
        tasks.iter().all(|task| task["startedAt"].is_string()),
        "{document}"
    );
    assert_eq!(document["events"].as_array().unwrap().len(), 2);
    assert_eq!(document["events"][0]["type"], "seen");
    assert!(
        !home.data().exists(),
        "a run in the foreground leaves nothing behind"
    );
}

#[test]
fn a_fault_is_1_and_an_invalid_flow_5_with_the_same_document() {
    let home = Home::new();
    let raised = ran(
        &home,
        1,
        "do:\n- stop: {raise: {error: {type: 'https://contoso.example/no', status: 418, title: No}}}\n",
        &[],
    );
    assert_eq!(
        (&raised["status"], &raised["output"]),
        (&json!("faulted"), &Value::Null)
    );
    assert_eq!(
        raised["error"],
        json!({ "type": "https://contoso.example/no", "status": 418, "title": "No", "instance": "/do/0/stop" })
    );
    let unknown = ran(&home, 5, "do:\n- a: {set: {x: '${ $nobody }'}}\n", &[]);
    assert_eq!(
        unknown["error"]["type"],
        "https://serverlessworkflow.io/spec/1.0.0/errors/expression"
    );
    assert_eq!(
        (&unknown["error"]["instance"], &unknown["error"]["status"]),
        (&json!("/do/0/a/set/x"), &json!(400))
    );
    let wrong = ran(&home, 5, "do:\n- a: {call: htpp}\n", &[]);
    assert_eq!(
        wrong["error"]["type"],
        "https://serverlessworkflow.io/spec/1.0.0/errors/configuration"
    );
    assert_eq!(
        (&wrong["tasks"], &wrong["status"]),
        (&json!([]), &json!("faulted"))
    );
    written(&home, "good.yaml", GOOD);
    home.run(&[
        "flow",
        "run",
        "--input-file",
        "nowhere.json",
        home.path("good.yaml").to_str().unwrap(),
    ])
    .ends_with(2);
}

#[test]
fn secrets_flows_and_events_come_from_files() {
    let home = Home::new();
    let secrets = written(&home, "secrets.json", r#"{"key": "not-a-real-secret"}"#);
    let child = "document: {dsl: '1.0.3', namespace: test, name: child, version: '1.0.0'}\n\
                 schedule: {every: PT10S}\ndo:\n- twice: {set: {n: '${ .n * 2 }'}}\n";
    written(&home, "flows/child.yaml", child);
    let folder = home.path("flows");
    let events = written(
        &home,
        "events.json",
        r#"[{"id": "1", "source": "https://contoso.example", "type": "order", "data": {"n": 21}}]"#,
    );
    let flow = "use: {secrets: [key]}\ndo:\n\
                - hear: {listen: {to: {one: {with: {type: order}}}}, output: {as: '.[0]'}}\n\
                - child: {run: {workflow: {namespace: test, name: child, version: latest}}}\n\
                - secret: {input: {from: '{n, length: ($secrets.key | length)}'}, set: '${ . }'}\n";
    let more = [
        "--secrets-file",
        &secrets,
        "--workflows-dir",
        folder.to_str().unwrap(),
        "--events-file",
        &events,
    ];
    let document = ran(&home, 0, flow, &more);
    assert_eq!(document["output"], json!({ "n": 42, "length": 17 }));
    let plain = home.run(&[
        "flow",
        "run",
        "--secrets-file",
        &secrets,
        home.path("flow.yaml").to_str().unwrap(),
        "--events-file",
        &events,
    ]);
    assert!(plain.stderr.contains("chmod 600"), "{plain}");
}

#[test]
fn an_interrupted_run_is_cancelled_and_says_so() {
    let home = Home::new();
    let upstream = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = upstream.local_addr().unwrap();
    let text = format!(
        "document: {{dsl: '1.0.3', namespace: test, name: long, version: '1.0.0'}}\n\
         do:\n- ask: {{call: http, with: {{method: get, endpoint: 'http://{address}/'}}}}\n"
    );
    let file = written(&home, "long.yaml", &text);
    let child = home.command(&["flow", "run", &file]).spawn().unwrap();
    // the call is under way, and is never answered
    let (_open, _) = upstream.accept().unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let document = finish(child).ends_with(1).json();
    assert_eq!(
        (&document["status"], &document["tasks"][0]["status"]),
        (&json!("cancelled"), &json!("cancelled"))
    );
}

/// An installation with a connection `open` to an API of our own, and a plain secret `key`.
fn installation() -> (Home, Upstream) {
    let home = Home::new();
    let upstream = Upstream::start();
    home.ok(&[
        "connection",
        "create",
        "open",
        "--type",
        "none",
        "--base-url",
        &upstream.url,
    ]);
    let set = ["secret", "set", "key", "--value-file", "-"];
    home.run_with(&set, "fake-secret-of-a-test").ends_with(0);
    (home, upstream)
}

/// Calls through `open` and looks at the secret.
const CALLS: &str = "use: {secrets: [open, key]}\ndo:\n\
    - ask: {call: http, with: {method: get, endpoint: {uri: '/echo/{id}', authentication: {bearer: {use: open}}}}, output: {as: '{}'}}\n\
    - length: {input: {from: '{length: ($secrets.key | length)}'}, set: '${ . }'}\n";

#[test]
fn with_a_data_directory_its_connections_and_secrets_are_used() {
    let (home, upstream) = installation();
    let input = written(&home, "in.json", r#"{"id": "a b"}"#);
    let data = home.data();
    let given = ["--data-dir", data.to_str().unwrap(), "--input-file", &input];
    let run_here = |home: &Home| {
        let document = ran(home, 0, CALLS, &given);
        assert_eq!(document["status"], "completed", "{document}");
        assert_eq!(document["output"], json!({ "length": 21 }));
        assert_eq!(document["tasks"][0]["name"], "ask");
        assert!(document["tasks"][1]["startedAt"].is_string(), "{document}");
        assert_eq!(upstream.last().target, "/echo/a%20b");
        document
    };
    let alone = run_here(&home);
    let server = home.serve(&[]);
    let there = run_here(&home);
    let keys = |document: &Value| {
        let members = document.as_object().unwrap();
        members.keys().cloned().collect::<Vec<_>>()
    };
    assert_eq!(keys(&alone), keys(&there));
    let runs = home.ok(&["run", "list"]);
    let runs = runs["items"].as_array().unwrap();
    assert_eq!(runs.len(), 2, "{runs:?}");
    assert!(
        runs.iter()
            .all(|run| run["flow"] == "test.main" && run["once"] == true),
        "{runs:?}"
    );
    assert_eq!(
        home.ok(&["flow", "list"])["items"],
        json!([]),
        "nothing is deployed"
    );
    let shown = runs[0]["id"].as_str().unwrap();
    let shown = home.run(&["run", "show", shown]).ends_with(0);
    assert!(
        shown
            .stdout
            .contains("test.main 1.0.0 (run once, not deployed)"),
        "{shown}"
    );
    server.stop();
    let elsewhere = ran(&home, 1, CALLS, &["--input-file", &input]);
    assert_eq!(
        elsewhere["status"], "faulted",
        "without it there is no such connection: {elsewhere}"
    );
}

#[test]
fn with_a_server_an_operator_runs_what_needs_no_secret() {
    let (home, _upstream) = installation();
    let server = home.serve(&[]);
    let key = home.ok(&["key", "create", "script", "--role", "operator"]);
    let key = home.secret("api.key", key["token"].as_str().unwrap());
    let given = ["--server", &server.url, "--api-key-file", &key];
    let input = written(&home, "in.json", r#"{"id": "1"}"#);
    let with_input = [&given[..], &["--input-file", &input]].concat();
    let call = CALLS.replace(", key]", "]");
    let call = call.split("- length").next().unwrap();
    let document = ran(&home, 0, call, &with_input);
    assert_eq!(document["status"], "completed", "{document}");
    ran(
        &home,
        1,
        "do:\n- stop: {raise: {error: {type: 'https://contoso.example/no', status: 418, title: No}}}\n",
        &given,
    );
    ran(&home, 5, "do:\n- a: {set: {x: '${ $nobody }'}}\n", &given);
    let file = home.path("flow.yaml");
    let head = "document: {dsl: '1.0.3', namespace: test, name: main, version: '1.0.0'}\n";
    std::fs::write(&file, format!("{head}{CALLS}")).unwrap();
    let file = file.to_str().unwrap();
    let run = [&["--json", "flow", "run", file][..], &given].concat();
    let refused = home.run(&run).ends_with(4).json();
    assert_eq!(refused["code"], "flow.secret_forbidden", "{refused}");
    for (option, hint) in [
        ("--secrets-file", "keyway secret set"),
        ("--workflows-dir", "keyway flow deploy"),
        ("--events-file", "keyway event send"),
    ] {
        let refused = home.run(&[&run[..], &[option, "x"]].concat()).ends_with(2);
        let problem = refused.json();
        assert!(
            problem["hint"].as_str().unwrap().contains(hint),
            "{problem}"
        );
    }
}

#[test]
fn a_run_that_needs_somebody_ends_and_says_whom() {
    let home = Home::new();
    home.run_with(
        &[
            "connection",
            "create",
            "person",
            "--type",
            "oauth",
            "--grant",
            "authorization_code",
            "--authorize-url",
            "https://login.contoso.example/authorize",
            "--token-url",
            "https://login.contoso.example/token",
            "--client-id",
            "app",
            "--client-secret-file",
            "-",
            "--scope",
            "read",
            "--base-url",
            "https://api.contoso.example",
            "--no-authorize",
        ],
        "fake-client-secret",
    )
    .ends_with(0);
    let data = home.data();
    let flow = "use: {secrets: [person]}\ndo:\n\
        - ask: {call: http, with: {method: get, endpoint: {uri: '/users', authentication: {oauth2: {use: person}}}}}\n";
    let document = ran(&home, 1, flow, &["--data-dir", data.to_str().unwrap()]);
    assert_eq!(document["status"], "faulted");
    let detail = document["error"]["detail"].as_str().unwrap();
    assert!(
        detail.contains("keyway connection explain person"),
        "{document}"
    );
    let runs = home.ok(&["run", "list"]);
    assert_eq!(
        runs["items"][0]["status"], "cancelled",
        "nothing goes on behind the back of whoever was told that it failed"
    );
}

#[test]
fn a_text_that_is_no_utf_8_is_told_with_its_place() {
    let home = Home::closed();
    let path = home.path("bad.yaml");
    std::fs::write(&path, b"document:\n  title: \xff\xfe\n").unwrap();
    let answer = home.run(&["flow", "validate", "--json", &path.display().to_string()]);
    let answer = answer.ends_with(5).json();
    let text = answer.to_string();
    assert!(text.contains("flow.parse"), "{text}");
    assert!(
        text.contains(r#""line":2"#) && text.contains(r#""column":10"#),
        "{text}"
    );
}
