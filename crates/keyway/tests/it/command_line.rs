//! What the command line itself promises: exit codes, one JSON document, nothing that steers a terminal.

use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::{Home, free_port};

#[test]
fn wrong_usage_is_2_with_a_problem_on_stdout_if_json_is_asked() {
    let home = Home::new();
    for arguments in [
        &["nonsense"][..],
        &[],
        &["connection"],
        &["connection", "create"],
        &["connection", "create", "x", "--grant", "password"],
        &["connection", "redirect-uri"],
        &["connection", "redirect-uri", "a", "--new", "b"],
        &["call", "graph"],
        &["call", "graph", "B@D", "/x"],
        &["call", "graph", "/x", "-q", "novalue"],
        &["call", "graph", "/x", "-H", "novalue"],
        &["call", "graph", "/x", "-d", "{not json"],
        &["call", "graph", "/x", "-H", "a:1", "-H", "A:2"],
        &["key", "create", "k", "--role", "root"],
        &["connection", "change", "x"],
        &["sandbox", "serve", "--listen", "0.0.0.0:0"],
    ] {
        let problem = home.refused(arguments, 2, "cli.usage");
        assert!(
            !problem["detail"].as_str().unwrap().is_empty(),
            "{arguments:?}"
        );
        let plain = home.run(arguments).ends_with(2);
        assert!(
            plain.stdout.is_empty() && plain.stderr.starts_with("error: "),
            "{arguments:?}: {plain}"
        );
    }
    assert!(
        !home.data().exists(),
        "a mistake in the command line makes nothing"
    );
}

#[test]
fn help_and_version_are_no_errors() {
    let home = Home::closed();
    for arguments in [
        &["--help"][..],
        &["connection", "create", "--help"],
        &["--version"],
        &["version"],
    ] {
        let answer = home.run(arguments).ends_with(0);
        assert!(
            answer.stderr.is_empty() && answer.stdout.contains("eyway"),
            "{answer}"
        );
        assert!(
            answer.stdout.lines().all(|line| line.chars().count() <= 80),
            "{answer}"
        );
        home.run(&[arguments, &["--json"]].concat())
            .ends_with(0)
            .json();
    }
    let version = home.ok(&["version"]);
    assert_eq!(
        (version["version"].as_str(), &version["server"]),
        (Some(env!("CARGO_PKG_VERSION")), &serde_json::Value::Null)
    );
    assert!(
        !home.data().exists(),
        "asking for the version makes nothing"
    );
}

#[test]
fn references_are_printed_for_make_gen() {
    let home = Home::closed();
    let openapi = home.run(&["reference", "openapi"]).ends_with(0);
    assert!(openapi.stdout.ends_with("}\n"));
    assert!(
        openapi.json()["paths"]
            .as_object()
            .unwrap()
            .contains_key("/api/v1/connections")
    );
    assert_eq!(openapi.json()["openapi"], "3.1.0");
    let cli = home.run(&["reference", "cli"]).ends_with(0).stdout;
    for section in [
        "## keyway connection create",
        "## keyway call",
        "## keyway sandbox serve",
        "--client-secret-file <FILE|->",
    ] {
        assert!(cli.contains(section), "{section}");
    }
    assert!(!cli.contains("reference") || !cli.contains("## keyway reference"));
    let config = home.run(&["reference", "config"]).ends_with(0).stdout;
    assert!(config.contains("# listen = \"127.0.0.1:8800\"") && config.contains("[egress]"));
    home.write("reference.toml", &config, 0o600);
    let file = home.path("reference.toml").display().to_string();
    home.ok(&["connection", "list", "--config", &file]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let home = Home::closed();
    let mut child = home
        .command(&["reference", "cli"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    crate::support::finish(child).ends_with(0);
}

#[test]
fn what_is_not_there_is_3() {
    let home = Home::new();
    for arguments in [
        &["connection", "show", "nobody"][..],
        &["connection", "test", "nobody"],
        &["connection", "explain", "nobody"],
        &["connection", "authorize", "nobody"],
        &["connection", "redirect-uri", "nobody"],
        &["connection", "delete", "nobody", "--yes"],
        &["call", "nobody", "/x"],
    ] {
        let problem = home.refused(arguments, 3, "connection.not_found");
        assert!(
            problem["detail"].as_str().unwrap().contains("nobody"),
            "{arguments:?}: {problem}"
        );
    }
    for name in ["..", ".", "../x"] {
        home.refused(&["connection", "show", name], 3, "not_found");
    }
    home.refused(&["key", "revoke", "nothing"], 3, "not_found");
    home.refused(&["user", "disable", "nobody"], 3, "not_found");
}

#[test]
fn a_server_that_is_not_there_is_7_within_ten_seconds() {
    let mut home = Home::closed();
    let begun = Instant::now();
    let server = format!("http://127.0.0.1:{}", free_port());
    let problem = home.refused(
        &["connection", "list", "--server", &server],
        7,
        "client.unreachable",
    );
    assert!(
        problem["detail"].as_str().unwrap().contains(&server),
        "{problem}"
    );
    home.set("KEYWAY_SERVER", server.as_str());
    home.refused(&["call", "graph", "/me"], 7, "client.unreachable");
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[test]
fn a_key_is_not_sent_in_the_clear_nor_taken_from_two_places() {
    let mut home = Home::closed();
    home.refused(
        &[
            "connection",
            "list",
            "--server",
            "http://keyway.contoso.example",
        ],
        5,
        "config.invalid",
    );
    home.refused(
        &["connection", "list", "--server", "keyway.contoso.example"],
        2,
        "cli.usage",
    );
    home.set("KEYWAY_API_KEY", "kw_visibly_fake");
    home.set("KEYWAY_API_KEY_FILE", "key");
    let problem = home.refused(
        &["connection", "list", "--server", "https://127.0.0.1:1"],
        5,
        "config.invalid",
    );
    assert!(!problem.to_string().contains("kw_visibly_fake"));
}

#[test]
fn a_key_file_that_others_may_read_is_refused() {
    let mut home = Home::closed();
    home.write("key", "kw_visibly_fake\n", 0o644);
    home.set("KEYWAY_API_KEY_FILE", "key");
    let list = ["connection", "list", "--server", "https://127.0.0.1:1"];
    let problem = home.refused(&list, 5, "secret.file_permissions");
    assert!(!problem.to_string().contains("kw_visibly_fake"));
    home.write("key", "kw_visibly_fake\n", 0o600);
    home.refused(&list, 7, "client.unreachable");
}

#[test]
fn nothing_colours_what_is_not_a_terminal() {
    let home = Home::closed();
    let answer = home.run(&["connection", "show", "\u{1b}[31mred"]);
    assert!(
        !answer.stderr.contains('\u{1b}') && !answer.stdout.contains('\u{1b}'),
        "{answer}"
    );
}

/// A server that answers everything with the same text.
fn fixed_server(answer: &'static str) -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        use std::io::{Read as _, Write as _};
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut request = [0; 4096];
            assert!(stream.read(&mut request).unwrap() > 0);
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    url
}

#[test]
fn a_server_of_another_release_is_told() {
    let home = Home::closed();
    for (answer, expected) in [
        (
            "HTTP/1.1 200 OK\r\nkeyway-version: 99.0.0\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"items\":[]}",
            "newer (99.0.0)",
        ),
        (
            "HTTP/1.1 200 OK\r\nkeyway-version: 0.0.9\r\nContent-Length: 12\r\nConnection: close\r\n\r\n{\"items\":[]}",
            "older (0.0.9)",
        ),
    ] {
        let server = fixed_server(answer);
        let answer = home
            .run(&["connection", "list", "--server", &server, "--json"])
            .ends_with(0);
        assert_eq!(answer.json(), serde_json::json!({ "items": [] }));
        assert!(answer.stderr.contains(expected), "{answer}");
    }
}

#[test]
fn what_is_no_keyway_server_is_7() {
    let home = Home::closed();
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
        "HTTP/1.1 502 Bad\r\nContent-Length: 6\r\nConnection: close\r\n\r\n<html>",
        "HTTP/1.1 200 OK\r\nContent-Length: 600\r\nConnection: close\r\n\r\n<html>",
        "nonsense\r\n\r\n",
    ] {
        let server = fixed_server(answer);
        let problem = home
            .run(&["connection", "list", "--server", &server, "--json"])
            .ends_with(7)
            .json();
        assert!(
            problem["code"].as_str().unwrap().starts_with("client."),
            "{answer}: {problem}"
        );
    }
}
