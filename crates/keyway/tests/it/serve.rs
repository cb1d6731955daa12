//! `keyway serve`, and commands that find it.

use rustix::process::Signal;
use serde_json::Value;

use crate::support::{Home, KEYWAY, finish, mode, until};
use crate::upstream::Upstream;

#[test]
fn a_server_announces_itself_and_cleans_up() {
    let home = Home::closed();
    let server = home.serve(&[]);
    let note: Value =
        serde_json::from_str(&std::fs::read_to_string(home.data().join("server.json")).unwrap())
            .unwrap();
    assert_eq!(note["url"], server.url.as_str());
    assert_eq!(note["pid"], server.pid());
    assert!(
        server.url.starts_with("http://localhost:") && !server.url.ends_with(":0"),
        "{}",
        server.url
    );
    assert_eq!(mode(&home.data().join("server.token")), 0o600);
    assert_eq!(
        home.ok(&["version"])["server"],
        format!("http://{}/", note["address"].as_str().unwrap())
    );
    let ended = server.stop().ends_with(0);
    assert!(
        ended.stderr.contains("one-time token"),
        "the first start prints it: {ended}"
    );
    assert!(
        !home.data().join("server.json").exists() && !home.data().join("server.token").exists()
    );
}

#[test]
fn the_setup_token_is_printed_until_somebody_can_sign_in() {
    let home = Home::closed();
    let password = home.secret("password", "visibly fake password 1");
    home.ok(&[
        "user",
        "create",
        "ada",
        "--role",
        "admin",
        "--password-file",
        &password,
    ]);
    let ended = home.serve(&[]).stop().ends_with(0);
    assert!(!ended.stderr.contains("one-time token"), "{ended}");
}

#[test]
fn a_ready_server_can_say_so_in_json() {
    let home = Home::closed();
    let mut child = home
        .command(&["serve", "--listen", "127.0.0.1:0", "--json"])
        .spawn()
        .unwrap();
    until("the announcement", || {
        home.data().join("server.json").exists().then_some(())
    });
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    let mut stdout = child.stdout.take().unwrap();
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    let mut text = String::new();
    std::io::Read::read_to_string(&mut stdout, &mut text).unwrap();
    finish(child).ends_with(0);
    let document: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(document["ready"], true);
}

/// What a command answers, without what must differ.
fn steady(home: &Home, arguments: &[&str]) -> (i32, Value) {
    let answer = home.run(&[arguments, &["--json"]].concat());
    let mut document = answer.json();
    if let Some(object) = document.as_object_mut() {
        object.remove("trace_id");
    }
    // how long an attempt took is never the same twice
    for attempt in document
        .get_mut("trail")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
    {
        attempt.remove("begun_ms");
        attempt.remove("took_ms");
    }
    (answer.code, document)
}

#[test]
fn in_process_and_through_a_server_commands_answer_the_same() {
    let home = Home::new();
    let upstream = Upstream::start();
    let secret = home.secret("secret", "visibly-fake");
    home.ok(&[
        "connection",
        "create",
        "api",
        "--type",
        "bearer",
        "--token-file",
        &secret,
        "--base-url",
        &upstream.url,
    ]);
    let commands: [&[&str]; 12] = [
        &["connection", "list"],
        &["connection", "show", "api"],
        &["connection", "explain", "api"],
        &["connection", "show", "nobody"],
        &[
            "connection",
            "create",
            "api",
            "--type",
            "none",
            "--base-url",
            &upstream.url,
        ],
        &[
            "connection",
            "change",
            "api",
            "--if-version",
            "77",
            "--scope",
            "x",
        ],
        &["connection", "redirect-uri", "nobody"],
        &["call", "api", "/people"],
        &["call", "api", "/missing"],
        &["call", "api", "https://elsewhere.example/x"],
        &["key", "list"],
        &["user", "list"],
    ];
    let local: Vec<(i32, Value)> = commands
        .iter()
        .map(|arguments| steady(&home, arguments))
        .collect();
    let server = home.serve(&[]);
    for (arguments, expected) in commands.iter().zip(local) {
        assert_eq!(steady(&home, arguments), expected, "{arguments:?}");
    }
    home.ok(&["connection", "delete", "api", "--yes"]);
    let audit = home.ok(&["audit", "list"]);
    assert_eq!(
        audit["items"][0]["actor"], "local",
        "through the data directory one is `local` too"
    );
    server.stop().ends_with(0);
}

#[test]
fn a_named_server_wants_a_key_and_its_role_decides() {
    let mut home = Home::new();
    let server = home.serve(&[]);
    let key = |role: &str| {
        home.ok(&["key", "create", role, "--role", role])["token"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (viewer, operator, admin) = (key("viewer"), key("operator"), key("admin"));
    let create = [
        "connection",
        "create",
        "api",
        "--type",
        "none",
        "--base-url",
        "http://127.0.0.1:9",
    ];
    let url = server.url.replace("localhost", "127.0.0.1");
    home.set("KEYWAY_SERVER", url.as_str());
    home.set("KEYWAY_DATA_DIR", home.path("elsewhere"));
    let refused = home.run(&["connection", "list", "--json"]).ends_with(4);
    assert_eq!(refused.json()["status"], 401);
    home.set("KEYWAY_API_KEY", "kw_visiblyfake");
    home.run(&["connection", "list", "--json"]).ends_with(4);
    home.set("KEYWAY_API_KEY", viewer.as_str());
    home.ok(&["connection", "list"]);
    let refused = home.run(&[&create[..], &["--json"]].concat()).ends_with(4);
    assert_eq!(refused.json()["status"], 403);
    home.unset("KEYWAY_API_KEY");
    let file = home.secret("operator", &operator);
    home.ok(&["connection", "list", "--api-key-file", &file]);
    let file = home.secret("admin", &admin);
    home.set("KEYWAY_API_KEY_FILE", file.as_str());
    home.ok(&create);
    home.ok(&["key", "revoke", "viewer"]);
    home.unset("KEYWAY_API_KEY_FILE");
    home.set("KEYWAY_API_KEY", viewer);
    home.run(&["connection", "list", "--json"]).ends_with(4);
    assert!(
        !home.path("elsewhere").exists(),
        "a named server leaves nothing on this machine"
    );
    server.stop().ends_with(0);
}

#[test]
fn a_note_left_by_a_killed_server_is_not_believed() {
    let home = Home::closed();
    let server = home.serve(&[]);
    server.signal(Signal::KILL);
    server.finish();
    assert!(home.data().join("server.json").exists());
    home.ok(&["connection", "list"]);
    home.serve(&[]).stop().ends_with(0);
}

#[test]
fn the_first_signal_lets_a_running_call_end() {
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
    let server = home.serve(&[]);
    let call = home
        .command(&["call", "api", "/gate", "--json"])
        .spawn()
        .unwrap();
    until("the call", || (!upstream.seen().is_empty()).then_some(()));
    server.signal(Signal::TERM);
    upstream.open_gate();
    let answer = finish(call).ends_with(0);
    assert_eq!(answer.json()["status"], 200);
    server.finish().ends_with(0);
}

#[test]
fn the_second_signal_ends_at_once() {
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
    let server = home.serve(&[]);
    let call = home
        .command(&["call", "api", "/gate", "--json"])
        .spawn()
        .unwrap();
    until("the call", || (!upstream.seen().is_empty()).then_some(()));
    server.signal(Signal::TERM);
    // Not earlier than the first one is taken: two of a kind at once are one.
    until("the drain", || {
        std::net::TcpStream::connect(server.url.strip_prefix("http://").unwrap())
            .is_err()
            .then_some(())
    });
    server.signal(Signal::TERM);
    server.finish().ends_with(0);
    finish(call).ends_with(7);
    upstream.open_gate();
}

#[test]
fn commands_share_a_data_directory() {
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
    let waiting = home
        .command(&["call", "api", "/gate", "--json"])
        .spawn()
        .unwrap();
    until("the call", || (!upstream.seen().is_empty()).then_some(()));
    home.ok(&[
        "connection",
        "create",
        "other",
        "--type",
        "none",
        "--base-url",
        &upstream.url,
    ]);
    home.ok(&["call", "other", "/x"]);
    home.refused(&["serve", "--listen", "127.0.0.1:0"], 9, "store.locked");
    upstream.open_gate();
    finish(waiting).ends_with(0);
}

#[test]
fn limits_are_settled_by_the_process_itself() {
    let home = Home::closed();
    let server = home.serve(&[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"))
        .unwrap();
    let words: Vec<&str> = core.split_whitespace().collect();
    assert_eq!(words[4..6], ["0", "0"], "{core}");
    let files = limits
        .lines()
        .find(|line| line.starts_with("Max open files"))
        .unwrap();
    let words: Vec<&str> = files.split_whitespace().collect();
    assert_eq!(
        words[3], words[4],
        "as many files as the system allows: {files}"
    );
    server.stop().ends_with(0);
}

/// As many open files as the oldest systems gave, letters of the locale C, and no folder for temporary files.
#[test]
fn a_server_starts_where_there_is_little() {
    let mut home = Home::new();
    let upstream = Upstream::start();
    let script = format!("#!/bin/sh\nulimit -n 64 && exec {KEYWAY} \"$@\"\n");
    home.program = home.write("keyway", &script, 0o700);
    home.set("LC_ALL", "C");
    home.set("TMPDIR", home.path("nowhere"));
    let server = home.serve(&[]);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    assert!(
        limits
            .lines()
            .any(|line| line.starts_with("Max open files            64 ")),
        "{limits}"
    );
    let create = [
        "connection",
        "create",
        "api",
        "--type",
        "none",
        "--base-url",
        &upstream.url,
    ];
    home.ok(&create);
    assert_eq!(home.ok(&["call", "api", "/x"])["status"], 200);
    server.stop().ends_with(0);
}

#[test]
fn a_server_with_a_certificate_is_found_by_commands() {
    let home = Home::new();
    let sandbox = crate::sandbox::Sandbox::start(&home);
    // Any certificate for localhost will do: the sandbox has one, with its authority.
    let read = |name: &str| std::fs::read_to_string(home.path("sandbox").join(name)).unwrap();
    home.write("chain.pem", &(read("server.pem") + &read("ca.pem")), 0o644);
    home.write("key.pem", &read("server-key.pem"), 0o644);
    drop(sandbox);
    home.configure(&format!(
        "[tls]\ncertificate_file = {:?}\nkey_file = {:?}\n",
        home.path("chain.pem"),
        home.path("key.pem")
    ));
    home.refused(&["serve"], 5, "secret.file_permissions");
    home.write(
        "key.pem",
        &std::fs::read_to_string(home.path("key.pem")).unwrap(),
        0o600,
    );
    let server = home.serve(&[]);
    assert!(
        server.url.starts_with("https://localhost:"),
        "{}",
        server.url
    );
    home.ok(&[
        "connection",
        "create",
        "api",
        "--type",
        "none",
        "--base-url",
        "http://127.0.0.1:9",
    ]);
    assert_eq!(home.ok(&["audit", "list"])["items"][0]["actor"], "local");
    server.stop().ends_with(0);
}
