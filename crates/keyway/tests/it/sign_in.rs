//! Connections to the sandbox: app-only, and as a person with a browser.

use std::process::Child;

use serde_json::Value;

use crate::browser::{Consent, walk};
use crate::sandbox::Sandbox;
use crate::support::{Answer, Home, finish, free_port, lines, until};

const DELEGATED: &str = "offline_access openid profile User.Read User.Read.All";
pub(crate) const DEFAULT: &str = "https://graph.microsoft.com/.default";

/// The words of `connection create` for the sandbox's app.
pub(crate) fn create<'a>(
    sandbox: &'a Sandbox,
    name: &'a str,
    grant: &'a str,
    scope: &'a str,
    secret: &'a str,
) -> Vec<&'a str> {
    vec![
        "connection",
        "create",
        name,
        "--preset",
        "microsoft-graph",
        "--cloud",
        "sandbox",
        "--tenant",
        sandbox.text("/domain"),
        "--grant",
        grant,
        "--client-id",
        sandbox.text("/app/client_id"),
        "--client-secret-file",
        secret,
        "--scope",
        scope,
    ]
}

/// An installation that declares the sandbox as a cloud.
pub(crate) fn installation() -> (Home, Sandbox, String) {
    let home = Home::new();
    let sandbox = Sandbox::start(&home);
    home.configure(&sandbox.configuration(free_port()));
    let secret = home.secret("client-secret", sandbox.text("/app/client_secret"));
    (home, sandbox, secret)
}

/// Lets a person follow the address that a waiting command prints, and waits for the command.
fn accompany(sandbox: &Sandbox, mut child: Child, consent: Consent) -> (Answer, u16) {
    let stderr = lines(child.stderr.take().unwrap());
    let mut said = String::new();
    let address = loop {
        let Ok(line) = stderr.recv() else {
            panic!("no address: {said} {}", finish(child))
        };
        if line.starts_with("http") {
            break line;
        }
        said.push_str(&line);
    };
    let environment = std::fs::read(format!("/proc/{}/environ", child.id())).unwrap_or_default();
    let arguments = std::fs::read(format!("/proc/{}/cmdline", child.id())).unwrap();
    let secret = sandbox.text("/app/client_secret").as_bytes();
    for shown in [&environment, &arguments] {
        assert!(
            !shown.windows(secret.len()).any(|window| window == secret),
            "others can see a secret"
        );
    }
    let (status, page) = walk(
        sandbox.text("/ca_file"),
        &address,
        sandbox.text("/users/0/upn"),
        sandbox.text("/users/0/password"),
        consent,
    );
    let mut answer = finish(child);
    answer.stderr = said
        + &stderr.iter().collect::<Vec<_>>().join("\n")
        + &page.chars().take(400).collect::<String>();
    (answer, status)
}

#[test]
fn the_app_itself_lists_users() {
    let (home, sandbox, secret) = installation();
    let card = home.ok(&create(
        &sandbox,
        "robot",
        "client-credentials",
        DEFAULT,
        &secret,
    ));
    assert_eq!(
        (card["state"].as_str(), card["identity"]["kind"].as_str()),
        (Some("ok"), Some("app")),
        "{card}"
    );
    assert!(card["token"]["expires_in"].as_i64().unwrap() > 0);
    let users = home.ok(&[
        "call",
        "robot",
        "/v1.0/users",
        "-q",
        "$top=3",
        "-q",
        "$select=id,displayName",
    ]);
    assert_eq!(users["body"]["value"].as_array().unwrap().len(), 3);
    assert_eq!(users["token_generation"], 1);
    let table = home
        .run(&["call", "robot", "/users", "--output", "table"])
        .ends_with(0);
    assert!(
        table.stdout.lines().all(|line| line.chars().count() <= 80)
            && table.stdout.contains(sandbox.text("/users/0/upn")),
        "{table}"
    );
    let shown = home
        .on_terminal(&["connection", "show", "robot"])
        .ends_with(0);
    assert!(
        shown.stdout.contains("User.Read.All")
            && shown.stdout.lines().all(|line| line.chars().count() <= 80),
        "{shown}"
    );
}

#[test]
fn a_refusal_of_the_provider_is_9_for_every_command_and_stored() {
    let (home, sandbox, _secret) = installation();
    let wrong = home.secret("wrong", "visibly-fake-wrong-secret");
    let answer = home
        .run(
            &[
                create(&sandbox, "robot", "client-credentials", DEFAULT, &wrong),
                vec!["--json"],
            ]
            .concat(),
        )
        .ends_with(9);
    assert_eq!(answer.json()["state"], "needs_secret", "{answer}");
    let explanation = home.ok(&["connection", "explain", "robot"]);
    for member in ["what", "why", "who", "next"] {
        assert!(
            !explanation[member].as_str().unwrap().is_empty(),
            "{member}: {explanation}"
        );
    }
    let explained = home.run(&["connection", "explain", "robot"]).ends_with(0);
    for heading in [
        "What happened",
        "Why",
        "Who can cure it",
        "Do this",
        "Raw details",
        "7000215",
    ] {
        assert!(explained.stdout.contains(heading), "{heading}: {explained}");
    }
    // Every command that meets it ends the same way.
    home.run(&["connection", "test", "robot", "--json"])
        .ends_with(9);
    let again = home.secret("wrong-again", "fake-wrong-secret-again");
    home.run(&[
        "connection",
        "change",
        "robot",
        "--client-secret-file",
        &again,
        "--json",
    ])
    .ends_with(9);
    home.run(&["call", "robot", "/v1.0/users", "--json"])
        .ends_with(9);
    let right = home.secret("right", sandbox.text("/app/client_secret"));
    home.ok(&[
        "connection",
        "change",
        "robot",
        "--client-secret-file",
        &right,
    ]);
    home.ok(&["connection", "test", "robot"]);
    home.ok(&["call", "robot", "/v1.0/users"]);
}

#[test]
fn create_can_stop_after_saving() {
    let (home, sandbox, secret) = installation();
    let card = home.ok(&[
        create(&sandbox, "robot", "client-credentials", DEFAULT, &secret),
        vec!["--no-authorize"],
    ]
    .concat());
    assert_eq!(
        (card["state"].as_str(), &card["token"]),
        (Some("never_authorized"), &Value::Null),
        "{card}"
    );
    home.ok(&["connection", "test", "robot"]);
}

#[test]
fn a_person_signs_in_without_a_server() {
    let (home, sandbox, secret) = installation();
    let waiting = home
        .command(
            &[
                create(&sandbox, "me", "authorization-code", DELEGATED, &secret),
                vec!["--json"],
            ]
            .concat(),
        )
        .spawn()
        .unwrap();
    let (answer, status) = accompany(&sandbox, waiting, Consent::Accept);
    assert_eq!(status, 200);
    let card = answer.ends_with(0).json();
    assert_eq!(
        (card["state"].as_str(), card["identity"]["kind"].as_str()),
        (Some("ok"), Some("user")),
        "{card}"
    );
    assert_eq!(
        (
            &card["token"]["refresh_token"],
            card["token"]["missing"].as_array().map(Vec::len)
        ),
        (&Value::Bool(true), Some(0)),
        "{card}"
    );
    let me = home.ok(&["call", "me", "/v1.0/me"]);
    assert_eq!(
        me["body"]["userPrincipalName"],
        sandbox.text("/users/0/upn")
    );
    home.ok(&["call", "me", "/v1.0/users"]);
}

#[test]
fn a_person_signs_in_through_a_server_and_again() {
    let (home, sandbox, secret) = installation();
    let port = home.data().join("keyway.toml");
    let text = std::fs::read_to_string(&port).unwrap();
    let port = text
        .lines()
        .next()
        .unwrap()
        .rsplit(':')
        .next()
        .unwrap()
        .trim_end_matches('"')
        .to_owned();
    let server = home.serve(&["--listen", &format!("127.0.0.1:{port}")]);
    home.ok(&[
        create(&sandbox, "me", "authorization-code", DELEGATED, &secret),
        vec!["--no-authorize"],
    ]
    .concat());
    for generation in 1..=2 {
        let waiting = home
            .command(&["connection", "authorize", "me", "--json"])
            .spawn()
            .unwrap();
        let (answer, status) = accompany(&sandbox, waiting, Consent::Accept);
        assert_eq!(status, 200);
        assert_eq!(
            answer.ends_with(0).json()["token"]["generation"],
            generation
        );
    }
    home.ok(&["call", "me", "/v1.0/users"]);
    server.stop().ends_with(0);
}

#[test]
fn a_person_who_declines_is_9_and_leaves_the_connection_as_it_was() {
    let (home, sandbox, secret) = installation();
    let waiting = home
        .command(
            &[
                create(&sandbox, "me", "authorization-code", DELEGATED, &secret),
                vec!["--authorize-parameter", "prompt=consent", "--json"],
            ]
            .concat(),
        )
        .spawn()
        .unwrap();
    let (answer, _) = accompany(&sandbox, waiting, Consent::Cancel);
    let answer = answer.ends_with(9);
    assert_ne!(answer.json()["state"], "ok", "{answer}");
    assert!(answer.stderr.contains("failed"), "{answer}");
}

#[test]
fn with_nobody_to_come_back_to_authorize_is_6() {
    let (home, sandbox, secret) = installation();
    home.ok(&[
        create(&sandbox, "me", "authorization-code", DELEGATED, &secret),
        vec!["--no-authorize"],
    ]
    .concat());
    let card = home.ok(&["connection", "show", "me"]);
    let redirect: url::Url = card["redirect_uri"].as_str().unwrap().parse().unwrap();
    assert_eq!(redirect.path(), "/oauth/callback/microsoft-graph");
    let busy = std::net::TcpListener::bind(("127.0.0.1", redirect.port().unwrap())).unwrap();
    let problem = home.refused(
        &["connection", "authorize", "me"],
        6,
        "authorize.no_listener",
    );
    assert!(
        problem["hint"].as_str().unwrap().contains("keyway serve"),
        "{problem}"
    );
    // what was named has to be named again
    let file = home.data().join("keyway.toml").display().to_string();
    let problem = home.refused(
        &["--config", &file, "connection", "authorize", "me"],
        6,
        "authorize.no_listener",
    );
    let again = format!("keyway serve --config {file} --data-dir ");
    assert!(
        problem["hint"].as_str().unwrap().contains(&again),
        "{problem}"
    );
    drop(busy);
    home.configure(&sandbox.configuration(1).replace(
        "\"http://localhost:1\"",
        "\"https://keyway.contoso.example\"\ntrusted_proxies = [\"127.0.0.1\"]",
    ));
    home.refused(
        &["connection", "authorize", "me"],
        6,
        "authorize.no_listener",
    );
}

#[test]
fn a_browser_that_is_named_is_opened() {
    let (mut home, sandbox, secret) = installation();
    let script = home.write(
        "browser",
        &format!(
            "#!/bin/sh\necho \"$#\" \"$1\" > {}\n",
            home.path("opened").display()
        ),
        0o700,
    );
    home.set("BROWSER", script);
    let waiting = home
        .command(
            &[
                create(&sandbox, "me", "authorization-code", DELEGATED, &secret),
                vec!["--json"],
            ]
            .concat(),
        )
        .spawn()
        .unwrap();
    let (answer, _) = accompany(&sandbox, waiting, Consent::Accept);
    answer.ends_with(0);
    // The browser is not waited for: its file is whole once its line has ended.
    let opened = until("the browser is opened", || {
        let text = std::fs::read_to_string(home.path("opened")).ok()?;
        text.ends_with('\n').then_some(text)
    });
    assert!(
        opened.starts_with("1 http://localhost:") && opened.contains("/oauth/start/"),
        "{opened}"
    );
}
