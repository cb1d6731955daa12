//! `keyway demo`: the whole way, on the real processes.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Home, finish, lines};

#[test]
fn the_walk_ends_with_one_document() {
    let mut home = Home::closed();
    home.set("TMPDIR", home.path("."));
    // What is configured for this user does not matter.
    home.set("KEYWAY_SERVER", "http://127.0.0.1:1");
    home.set("KEYWAY_EGRESS_ALLOW", "10.0.0.1:443");
    let begun = Instant::now();
    let answer = home.run(&["demo", "--exit", "--json"]).ends_with(0);
    assert!(
        begun.elapsed() < Duration::from_mins(2),
        "{:?}",
        begun.elapsed()
    );
    let facts = answer.json();
    assert_eq!(facts["passed"], true, "{answer}");
    assert!(
        facts["sandbox"]["origin"]
            .as_str()
            .unwrap()
            .starts_with("https://127.0.0.1:")
    );
    assert!(
        facts["server"]["url"]
            .as_str()
            .unwrap()
            .starts_with("http://localhost:")
    );
    let connections = facts["connections"].as_array().unwrap();
    let grants: Vec<&str> = connections
        .iter()
        .map(|connection| connection["grant"].as_str().unwrap())
        .collect();
    assert_eq!(grants, ["authorization_code", "client_credentials"]);
    for connection in connections {
        let names: Vec<&String> = connection.as_object().unwrap().keys().collect();
        assert_eq!(
            names,
            [
                "name",
                "grant",
                "identity",
                "requested",
                "granted",
                "missing",
                "expires_in",
                "users",
                "token_requests"
            ]
        );
        assert_eq!(
            (
                &connection["missing"],
                &connection["token_requests"],
                &connection["users"]
            ),
            (&json!([]), &json!(2), &json!(50)),
            "{connection}"
        );
        assert!(
            connection["expires_in"].as_i64().unwrap() > 0
                && !connection["identity"].as_str().unwrap().is_empty()
        );
    }
    for step in [
        "$ keyway connection create graph-delegated",
        "POST https://127.0.0.1:",
        "/addPassword",
        "$ keyway call graph /v1.0/users",
        "DISPLAYNAME",
    ] {
        assert!(answer.stderr.contains(step), "{step} is not told: {answer}");
    }
    let left: Vec<_> = std::fs::read_dir(home.path("."))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert!(left.is_empty(), "everything is removed: {left:?}");
}

#[test]
fn it_stays_up_until_a_signal() {
    let mut home = Home::closed();
    home.set("TMPDIR", home.path("."));
    let mut child = home.command(&["demo"]).spawn().unwrap();
    let stdout = lines(child.stdout.take().unwrap());
    let server = loop {
        let line = stdout.recv().expect("the demo says where its server is");
        if let Some(url) = line.strip_prefix("server   ") {
            break url.to_owned();
        }
    };
    assert!(std::net::TcpStream::connect(server.strip_prefix("http://").unwrap()).is_ok());
    // What it suggests works as it stands, typed in the folder of this repository.
    let repository = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let suggested = |last: &str| {
        let line = stdout.recv().expect("the demo says what to try");
        let words = line.strip_prefix("try      keyway ").expect(&line);
        assert!(words.ends_with(last), "{line}");
        let words: Vec<&str> = words.split(' ').collect();
        let command = home.command(&words).current_dir(repository).spawn();
        finish(command.unwrap()).ends_with(0).json()
    };
    suggested("/v1.0/me");
    let ran = suggested("flow run examples/flows/list-users.yaml");
    assert_eq!(ran["status"], "completed", "{ran}");
    assert_eq!(ran["output"]["users"], 50, "{ran}");
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    finish(child).ends_with(0);
    assert!(
        std::net::TcpStream::connect(server.strip_prefix("http://").unwrap()).is_err(),
        "nothing is left running"
    );
    assert_eq!(std::fs::read_dir(home.path(".")).unwrap().count(), 0);
}
