//! `keyway connection` on APIs without OAuth: making, changing, showing, deleting.

use base64::Engine as _;

use crate::support::{Answer, Home};
use crate::upstream::Upstream;

#[test]
fn each_type_sends_its_credential() {
    let home = Home::new();
    let upstream = Upstream::start();
    let secret = home.secret("secret", "visibly-fake");
    let create = |name: &str, arguments: &[&str]| {
        home.ok(&[
            &["connection", "create", name, "--base-url", &upstream.url],
            arguments,
        ]
        .concat());
        home.ok(&["call", name, "/x"]);
        upstream.last()
    };
    assert!(
        !create("none", &["--type", "none"])
            .headers
            .contains_key("authorization")
    );
    let basic = create(
        "basic",
        &[
            "--type",
            "basic",
            "--username",
            "ada",
            "--password-file",
            &secret,
        ],
    );
    let expected = base64::engine::general_purpose::STANDARD.encode("ada:visibly-fake");
    assert_eq!(basic.headers["authorization"], format!("Basic {expected}"));
    let bearer = create("bearer", &["--type", "bearer", "--token-file", &secret]);
    assert_eq!(bearer.headers["authorization"], "Bearer visibly-fake");
    let pair = format!("X-Api-Key={secret}");
    let header = create(
        "header",
        &[
            "--type",
            "header",
            "--header-file",
            &pair,
            "--header-file",
            &format!("X-Other={secret}"),
        ],
    );
    assert_eq!(
        (
            header.headers["x-api-key"].as_str(),
            header.headers["x-other"].as_str()
        ),
        ("visibly-fake", "visibly-fake")
    );
    let key = create(
        "key",
        &[
            "--type",
            "query-key",
            "--query-key-file",
            &format!("api_key={secret}"),
        ],
    );
    assert_eq!(key.target, "/x?api_key=visibly-fake");
    let names: Vec<String> = home.ok(&["connection", "list"])["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|card| card["name"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names.len(), 5, "{names:?}");
    let table = home.run(&["connection", "list"]).ends_with(0);
    assert!(
        table.stdout.lines().all(|line| line.chars().count() <= 80)
            && table.stdout.lines().count() >= 6,
        "{table}"
    );
}

#[test]
fn a_name_is_taken_once_and_bad_values_are_5() {
    let home = Home::new();
    let create = |name: &str, base_url: &str| {
        home.run(&[
            "connection",
            "create",
            name,
            "--type",
            "none",
            "--base-url",
            base_url,
            "--json",
        ])
    };
    create("api", "http://127.0.0.1:9").ends_with(0);
    assert_eq!(
        create("API", "http://127.0.0.1:9").ends_with(6).json()["code"],
        "connection.name_taken"
    );
    for url in [
        "javascript:alert(1)",
        "http://api.contoso.example",
        "file:///etc/passwd",
        "https://u:p@api.contoso.example",
        "",
    ] {
        let answer = create("bad", url).ends_with(5);
        assert_eq!(
            answer.json()["code"],
            "connection.url_invalid",
            "{url}: {answer}"
        );
    }
    for name in [
        "",
        "a b",
        "<img src=x onerror=alert(1)>",
        "../x",
        "na\u{202e}me",
        &"n".repeat(300),
    ] {
        create(name, "http://127.0.0.1:9").ends_with(5);
    }
    assert_eq!(
        home.ok(&["connection", "list"])["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_change_is_made_to_the_version_that_was_read() {
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
    let changed = home.ok(&["connection", "change", "api", "--rename", "renamed"]);
    assert_eq!(
        (
            changed["connection"]["name"].as_str(),
            changed["wiped"].as_array().unwrap().len()
        ),
        (Some("renamed"), 0)
    );
    home.ok(&["call", "renamed", "/x"]);
    let version = changed["connection"]["version"].as_i64().unwrap();
    home.refused(
        &[
            "connection",
            "change",
            "renamed",
            "--rename",
            "x",
            "--if-version",
            &(version - 1).to_string(),
        ],
        6,
        "conflict.version",
    );
    let other = Upstream::start();
    let changed = home.ok(&[
        "connection",
        "change",
        "renamed",
        "--base-url",
        &other.url,
        "--origin",
        &other.url,
    ]);
    assert!(
        !changed["wiped"].as_array().unwrap().is_empty(),
        "a secret does not follow to another origin: {changed}"
    );
    home.run(&["call", "renamed", "/x", "--json"]).ends_with(9);
    assert!(other.seen().is_empty());
    home.ok(&["connection", "change", "renamed", "--token-file", &secret]);
    home.ok(&["call", "renamed", "/x"]);
    assert_eq!(other.last().headers["authorization"], "Bearer visibly-fake");
}

#[test]
fn deleting_is_confirmed() {
    let home = Home::new();
    home.ok(&[
        "connection",
        "create",
        "api",
        "--type",
        "none",
        "--base-url",
        "http://127.0.0.1:9",
    ]);
    let problem = home.refused(&["connection", "delete", "api"], 2, "cli.usage");
    assert!(
        problem["hint"].as_str().unwrap().contains("--yes"),
        "{problem}"
    );
    home.run(&["connection", "delete", "api"]).ends_with(2);
    assert_eq!(
        home.ok(&["connection", "delete", "api", "--yes"])["deleted"],
        "api"
    );
    home.refused(&["connection", "show", "api"], 3, "connection.not_found");
    assert_eq!(
        home.ok(&["audit", "list", "--limit", "1"])["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_redirect_uri_is_known_before_the_rest() {
    let home = Home::new();
    let reserved = home.ok(&["connection", "redirect-uri", "--new", "crm"]);
    let uri = reserved["redirect_uri"].as_str().unwrap();
    let id = reserved["id"].as_str().unwrap();
    assert_eq!(uri, format!("http://localhost:8800/oauth/callback/{id}"));
    assert_eq!(
        home.run(&["connection", "redirect-uri", "--new", "crm"])
            .ends_with(0)
            .stdout,
        format!("{uri}\n"),
        "a draft stays the same"
    );
    assert_eq!(
        home.ok(&["connection", "redirect-uri", "crm"])["redirect_uri"],
        uri
    );
    let secret = home.secret("secret", "visibly-fake");
    let card = home.ok(&[
        "connection",
        "create",
        "crm",
        "--authorize-url",
        "https://login.contoso.example/authorize",
        "--token-url",
        "https://login.contoso.example/token",
        "--authorize-parameter",
        "audience=crm",
        "--base-url",
        "https://api.contoso.example/v1/",
        "--origin",
        "https://api.contoso.example",
        "--origin",
        "https://files.contoso.example",
        "--client-id",
        "crm-client",
        "--client-secret-file",
        &secret,
        "--client-authentication",
        "post",
        "--scope",
        "read write",
        "--grant",
        "authorization-code",
        "--no-authorize",
    ]);
    assert_eq!(
        (card["id"].as_str(), card["redirect_uri"].as_str()),
        (Some(id), Some(uri))
    );
    assert_eq!(
        (
            card["client_authentication"].as_str(),
            card["state"].as_str()
        ),
        (Some("client_secret_post"), Some("never_authorized"))
    );
    assert_eq!(card["origins"].as_array().unwrap().len(), 2);
}

#[test]
fn what_a_person_reads_fits_eighty_columns() {
    let home = Home::new();
    let secret = home.secret("secret", "visibly-fake");
    home.ok(&[
        "connection",
        "create",
        "graph",
        "--preset",
        "microsoft-graph",
        "--tenant",
        "contoso.example",
        "--grant",
        "authorization-code",
        "--client-id",
        "00000000-0000-4000-8000-000000000001",
        "--client-secret-file",
        &secret,
        "--scope",
        "offline_access User.Read User.Read.All",
        "--no-authorize",
    ]);
    for command in ["show", "explain", "list"] {
        let arguments: &[&str] = if command == "list" {
            &["connection", "list"]
        } else {
            &["connection", command, "graph"]
        };
        let answer = home.on_terminal(arguments).ends_with(0);
        assert!(
            answer.stdout.lines().all(|line| line.chars().count() <= 80),
            "{answer}"
        );
        assert!(answer.stdout.contains("graph"), "{answer}");
        // Elsewhere a paragraph is one line, so that programs find what it says.
        let piped = home.run(arguments).ends_with(0);
        let lines = |answer: &Answer| answer.stdout.lines().count();
        assert!(lines(&piped) <= lines(&answer), "{piped}");
    }
    let explained = home.run(&["connection", "explain", "graph"]).ends_with(0);
    assert!(
        explained.stdout.contains("Do this")
            && explained
                .stdout
                .contains("keyway connection authorize graph"),
        "{explained}"
    );
}

/// The commands that a text prints in backticks; each stands on one line as a whole.
fn commands(text: &str) -> Vec<Vec<String>> {
    let spans = text
        .lines()
        .flat_map(|line| line.split('`').skip(1).step_by(2));
    let commands = spans.filter_map(|span| span.strip_prefix("keyway "));
    commands
        .map(|command| command.split(' ').map(str::to_owned).collect())
        .collect()
}

#[test]
fn the_printed_next_action_can_be_pasted_and_cures() {
    let (home, sandbox, secret) = crate::sign_in::installation();
    let wrong = home.secret("wrong", "visibly-fake-and-wrong");
    let name = "a-robot-with-a-name-that-is-as-long-as-names-may-be";
    let words = crate::sign_in::create(
        &sandbox,
        name,
        "client-credentials",
        crate::sign_in::DEFAULT,
        &wrong,
    );
    home.run(&words);
    let explain = ["connection", "explain", name];
    let explained = home.on_terminal(&explain).ends_with(0);
    assert!(explained.stdout.contains("needs secret"), "{explained}");
    let printed = commands(&explained.stdout);
    assert!(
        printed
            .iter()
            .any(|words| words.contains(&"--client-secret-file".to_owned())),
        "{explained}"
    );
    assert_eq!(printed, commands(&home.run(&explain).stdout));
    for words in printed {
        let filled: Vec<&str> = words
            .iter()
            .map(|word| {
                if word == "FILE" {
                    secret.as_str()
                } else {
                    word.as_str()
                }
            })
            .collect();
        home.run(&filled).ends_with(0);
    }
    let card = home.ok(&["connection", "show", name]);
    assert_eq!(card["state"], "ok", "{card}");
}

#[test]
fn ids_in_tables_are_whole() {
    let home = Home::new();
    home.ok(&[
        "key",
        "create",
        "a name of several words that is long",
        "--role",
        "operator",
    ]);
    let key = home.ok(&["key", "list"])["items"][0]["id"]
        .as_str()
        .unwrap()
        .to_owned();
    for answer in [
        home.on_terminal(&["key", "list"]),
        home.run(&["key", "list"]),
    ] {
        let answer = answer.ends_with(0);
        assert!(answer.stdout.contains(&key), "{answer}");
    }
    let piped = home.run(&["key", "list"]);
    assert_eq!(piped.stdout.lines().count(), 2, "{piped}");
}

#[test]
fn fields_that_belong_elsewhere_are_refused() {
    let home = Home::new();
    let secret = home.secret("secret", "visibly-fake");
    let create = [
        "connection",
        "create",
        "api",
        "--base-url",
        "https://api.contoso.example",
    ];
    for (more, field) in [
        (&["--type", "none", "--token-file", &secret][..], "/token"),
        (
            &[
                "--type",
                "bearer",
                "--token-file",
                &secret,
                "--tenant",
                "contoso.example",
            ],
            "/tenant",
        ),
        (
            &[
                "--preset",
                "microsoft-graph",
                "--grant",
                "client-credentials",
                "--tenant",
                "contoso.example",
                "--client-id",
                "a",
                "--client-secret-file",
                &secret,
                "--token-url",
                "https://elsewhere.example/token",
            ],
            "/token_endpoint",
        ),
    ] {
        let problem = home.refused(&[&create[..], more].concat(), 5, "body.invalid");
        assert_eq!(problem["field"], field, "{problem}");
    }
    home.ok(&[&create[..], &["--type", "bearer", "--token-file", &secret]].concat());
    let change = ["connection", "change", "api", "--scope", "User.Read"];
    let problem = home.refused(&change, 5, "body.invalid");
    let said = problem["detail"].as_str().unwrap();
    assert!(
        said.contains("`scope` does not belong to type bearer"),
        "{said}"
    );
}
