//! Secrets come from stdin, a private file or a prompt, and are never seen again.

use crate::support::Home;
use crate::upstream::Upstream;

/// Visibly fake, and easy to find where it must not be.
const CANARY: &str = "visibly-fake-canary-secret-0451";

#[test]
fn a_secret_on_the_command_line_is_refused_unrepeated() {
    let home = Home::new();
    for arguments in [
        &[
            "connection",
            "create",
            "x",
            "--preset",
            "microsoft-graph",
            "--client-secret",
            CANARY,
        ][..],
        &[
            "connection",
            "create",
            "x",
            "--type",
            "basic",
            "--username",
            "u",
            "--password",
            CANARY,
        ],
        &[
            "connection",
            "create",
            "x",
            "--type",
            "bearer",
            "--token",
            CANARY,
        ],
        &[
            "connection",
            "create",
            "x",
            "--type",
            "header",
            "--header",
            "X-Api-Key: visibly-fake-canary-secret-0451",
        ],
        &[
            "connection",
            "create",
            "x",
            "--type",
            "header",
            "--header-file",
            "X-Api-Key=visibly-fake-canary-secret-0451",
        ],
        &[
            "connection",
            "create",
            "x",
            "--type",
            "query-key",
            "--query-key-file",
            "key=visibly-fake-canary-secret-0451",
        ],
        &["connection", "change", "x", "--client-secret", CANARY],
        &["user", "create", "ada", "--password", CANARY],
    ] {
        let problem = home.refused(arguments, 2, "cli.usage");
        assert!(!problem.to_string().contains(CANARY), "{problem}");
        let hint = problem["hint"].as_str().unwrap();
        assert!(
            hint.contains("-file") && hint.contains("stdin"),
            "{problem}"
        );
    }
    assert!(!home.data().exists());
}

#[test]
fn a_file_others_may_read_is_refused() {
    let home = Home::new();
    for (mode, code) in [(0o640, 5), (0o604, 5), (0o660, 5), (0o600, 0), (0o400, 0)] {
        let file = home.write("secret", CANARY, mode).display().to_string();
        let name = format!("m{mode:o}");
        let answer = home.run(&[
            "connection",
            "create",
            &name,
            "--type",
            "bearer",
            "--base-url",
            "http://127.0.0.1:9",
            "--token-file",
            &file,
            "--json",
        ]);
        let answer = answer.ends_with(code);
        if code == 5 {
            assert_eq!(answer.json()["code"], "secret.file_permissions");
            assert!(
                answer.json()["hint"]
                    .as_str()
                    .unwrap()
                    .starts_with("chmod 600"),
                "{answer}"
            );
        }
        assert!(!answer.to_string().contains(CANARY));
        std::fs::remove_file(&file).unwrap();
    }
    let missing = home.path("missing").display().to_string();
    home.refused(
        &[
            "connection",
            "create",
            "x",
            "--type",
            "bearer",
            "--token-file",
            &missing,
        ],
        5,
        "secret.unreadable",
    );
    let folder = home.path("").display().to_string();
    home.refused(
        &[
            "connection",
            "create",
            "x",
            "--type",
            "bearer",
            "--token-file",
            &folder,
        ],
        5,
        "secret.unreadable",
    );
}

#[test]
fn exactly_one_final_line_end_is_not_part_of_the_secret() {
    let home = Home::new();
    let upstream = Upstream::start();
    for (name, typed) in [("lf", "\n"), ("crlf", "\r\n"), ("none", "")] {
        let create = [
            "connection",
            "create",
            name,
            "--type",
            "bearer",
            "--base-url",
            &upstream.url,
            "--token-file",
            "-",
        ];
        home.run_with(&create, &format!("{CANARY}{typed}"))
            .ends_with(0);
        home.ok(&["call", name, "/x"]);
        assert_eq!(
            upstream.last().headers["authorization"],
            format!("Bearer {CANARY}"),
            "{name}"
        );
    }
    let create = [
        "connection",
        "create",
        "odd",
        "--type",
        "bearer",
        "--base-url",
        &upstream.url,
        "--token-file",
        "-",
        "--json",
    ];
    for odd in ["secret \n", " secret", "secret\n\n", "se\u{200b}cret"] {
        let answer = home.run_with(&create, odd).ends_with(5);
        assert_eq!(
            answer.json()["code"],
            "secret.whitespace",
            "{odd:?}: {answer}"
        );
    }
    for empty in ["", "\n"] {
        assert_eq!(
            home.run_with(&create, empty).ends_with(5).json()["code"],
            "secret.invalid"
        );
    }
    home.refused(&["connection", "show", "odd"], 3, "connection.not_found");
}

#[test]
fn a_guid_is_stored_with_a_warning() {
    let home = Home::new();
    let secret = home.secret("secret", "11111111-2222-4333-8444-555555555555");
    let card = home.ok(&[
        "connection",
        "create",
        "graph",
        "--preset",
        "microsoft-graph",
        "--tenant",
        "contoso.example",
        "--grant",
        "client-credentials",
        "--client-id",
        "00000000-0000-4000-8000-000000000001",
        "--client-secret-file",
        &secret,
        "--scope",
        "https://graph.microsoft.com/.default",
        "--no-authorize",
    ]);
    assert!(
        card["warnings"]
            .as_array()
            .unwrap()
            .iter()
            .any(|warning| warning["code"] == "secret.looks_like_id"),
        "{card}"
    );
    let shown = home.run(&["connection", "show", "graph"]).ends_with(0);
    assert!(shown.stdout.contains("secret.looks_like_id"), "{shown}");
}

#[test]
fn stdin_holds_one_secret() {
    let home = Home::new();
    home.refused(
        &[
            "connection",
            "create",
            "x",
            "--type",
            "header",
            "--header-file",
            "A=-",
            "--header-file",
            "B=-",
        ],
        2,
        "cli.usage",
    );
}

#[test]
fn without_a_terminal_a_missing_secret_is_not_waited_for() {
    let home = Home::new();
    for (arguments, option) in [
        (
            &[
                "connection",
                "create",
                "x",
                "--type",
                "basic",
                "--username",
                "u",
            ][..],
            "--password-file",
        ),
        (
            &["connection", "create", "x", "--type", "bearer"],
            "--token-file",
        ),
        (
            &[
                "connection",
                "create",
                "x",
                "--type",
                "header",
                "--header",
                "X-Api-Key",
            ],
            "--header-file",
        ),
        (&["user", "create", "ada"], "--password-file"),
    ] {
        let problem = home.refused(arguments, 2, "cli.usage");
        assert!(
            problem["hint"].as_str().unwrap().contains(option),
            "{problem}"
        );
    }
}

#[test]
fn no_answer_and_no_file_holds_a_secret() {
    let home = Home::new();
    let upstream = Upstream::start();
    let secret = home.secret("secret", CANARY);
    home.ok(&[
        "connection",
        "create",
        "b",
        "--type",
        "basic",
        "--username",
        "u",
        "--password-file",
        &secret,
        "--base-url",
        &upstream.url,
    ]);
    home.ok(&[
        "connection",
        "create",
        "h",
        "--type",
        "header",
        "--header-file",
        &format!("X-Api-Key={secret}"),
        "--base-url",
        &upstream.url,
    ]);
    home.ok(&["call", "b", "/x"]);
    home.ok(&["call", "h", "/x"]);
    assert_eq!(
        upstream.last().headers["x-api-key"],
        CANARY,
        "the canary is found where it belongs"
    );
    let key = home.ok(&["key", "create", "ci"])["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(key.starts_with("kw_"));
    for arguments in [
        &["connection", "list"][..],
        &["connection", "show", "b"],
        &["connection", "explain", "h"],
        &["audit", "list"],
        &["key", "list"],
        &["user", "list"],
    ] {
        for answer in [
            home.run(arguments),
            home.run(&[arguments, &["--json"]].concat()),
        ] {
            let text = answer.ends_with(0).to_string();
            assert!(
                !text.contains(CANARY) && !text.contains(&key),
                "{arguments:?}: {text}"
            );
        }
    }
    std::fs::remove_file(secret).unwrap();
    for file in std::fs::read_dir(home.data()).unwrap() {
        let bytes = std::fs::read(file.as_ref().unwrap().path()).unwrap();
        for secret in [CANARY.as_bytes(), key.as_bytes()] {
            assert!(
                !bytes.windows(secret.len()).any(|window| window == secret),
                "{:?}",
                file.unwrap().path()
            );
        }
    }
}
