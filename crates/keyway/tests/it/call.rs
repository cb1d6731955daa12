//! `keyway call`: what is sent, how the answer is shown, how it ends.

use serde_json::{Value, json};

use crate::support::{Home, until};
use crate::upstream::Upstream;

/// An installation with a connection `api` to an upstream.
fn connected() -> (Home, Upstream) {
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
    (home, upstream)
}

#[test]
fn method_query_headers_and_body_arrive() {
    let (home, upstream) = connected();
    let echoed = |arguments: &[&str]| {
        home.ok(&[&["call", "api"], arguments].concat());
        upstream.last()
    };
    let seen = echoed(&[
        "/x?a=1&b=%20",
        "-q",
        "$top=5",
        "-q",
        "c=d e",
        "-H",
        "X-One: 1",
    ]);
    assert_eq!(seen.method, "GET");
    assert!(
        seen.target.starts_with("/x?a=1&b=%20&"),
        "a query inside the path is kept: {}",
        seen.target
    );
    assert!(
        seen.target.contains("top=5")
            && (seen.target.contains("c=d+e") || seen.target.contains("c=d%20e")),
        "{}",
        seen.target
    );
    assert_eq!(seen.headers["x-one"], "1");
    let seen = echoed(&["/x", "-d", "[1, {\"a\": null}]"]);
    assert_eq!(
        (seen.method.as_str(), seen.headers["content-type"].as_str()),
        ("POST", "application/json")
    );
    assert_eq!(
        serde_json::from_str::<Value>(&seen.body).unwrap(),
        json!([1, { "a": null }])
    );
    let file = home
        .write("body.json", "{\"from\":\"file\"}", 0o644)
        .display()
        .to_string();
    let seen = echoed(&["patch", "/x", "-d", &format!("@{file}")]);
    assert_eq!(
        (seen.method.as_str(), seen.body.as_str()),
        ("PATCH", "{\"from\":\"file\"}")
    );
    home.run_with(
        &[
            "call",
            "api",
            "PUT",
            "/x",
            "-d",
            "@-",
            "-H",
            "Content-Type: text/plain",
        ],
        "some text",
    )
    .ends_with(0);
    assert_eq!(
        (
            upstream.last().method.as_str(),
            upstream.last().body.as_str()
        ),
        ("PUT", "some text")
    );
    assert!(upstream.last().headers["content-type"].starts_with("text/plain"));
    let seen = echoed(&[&format!("{}/whole", upstream.url)]);
    assert_eq!(seen.target, "/whole");
}

#[test]
fn json_is_the_whole_answer_and_output_json_the_body_alone() {
    let (home, _upstream) = connected();
    let whole = home.ok(&["call", "api", "/people"]);
    let names: Vec<&String> = whole.as_object().unwrap().keys().collect();
    assert_eq!(
        names,
        [
            "status",
            "headers",
            "body",
            "request_id",
            "attempts",
            "token_generation",
            "trail"
        ]
    );
    assert_eq!(
        (&whole["status"], &whole["request_id"], &whole["attempts"]),
        (&json!(200), &json!("fake-request-1"), &json!(1))
    );
    assert_eq!(whole["token_generation"], Value::Null);
    let body = home
        .run(&["call", "api", "/people", "--output", "json"])
        .ends_with(0);
    assert_eq!(body.json(), whole["body"]);
    assert_eq!(
        home.run(&["call", "api", "/people"]).ends_with(0).json(),
        whole["body"],
        "JSON is the default for JSON"
    );
}

#[test]
fn a_table_fits_and_steers_nothing() {
    let (home, _upstream) = connected();
    let table = home
        .run(&["call", "api", "/people", "--output", "table"])
        .ends_with(0);
    assert!(
        table.stdout.lines().all(|line| line.chars().count() <= 80),
        "{table}"
    );
    assert!(
        table.stdout.starts_with("DISPLAYNAME") && table.stdout.contains("person2@contoso.example"),
        "{table}"
    );
    assert!(
        !table.stdout.contains('\u{1b}') && table.stdout.contains("\\u{1b}[31m"),
        "{table}"
    );
    let fields = home
        .run(&["call", "api", "/x", "--output", "table"])
        .ends_with(0);
    assert!(
        fields.stdout.contains("method") && fields.stdout.contains("GET"),
        "{fields}"
    );
}

#[test]
fn what_is_no_json_is_shown_as_it_came() {
    let (home, _upstream) = connected();
    assert_eq!(
        home.run(&["call", "api", "/text"]).ends_with(0).stdout,
        "plain \u{1b}[31mtext"
    );
    assert_eq!(
        home.run(&["call", "api", "/text", "--output", "json"])
            .ends_with(0)
            .json(),
        json!("plain \u{1b}[31mtext")
    );
    assert!(
        home.run(&["call", "api", "/empty"])
            .ends_with(0)
            .stdout
            .is_empty()
    );
    let whole = home.ok(&["call", "api", "/empty"]);
    assert_eq!(
        (&whole["status"], &whole["body"]),
        (&json!(204), &Value::Null)
    );
    let output = home
        .command(&["call", "api", "/bytes", "--output", "raw"])
        .output()
        .unwrap();
    assert_eq!(output.stdout, [0, 255, 1]);
}

#[test]
fn an_answer_that_is_an_error_is_shown_the_same_and_is_7() {
    let (home, _upstream) = connected();
    let body = home
        .run(&["call", "api", "/missing", "--output", "json"])
        .ends_with(7);
    assert_eq!(body.json(), json!({ "error": { "code": "NotThere" } }));
    assert!(
        body.stderr.contains("404") && body.stderr.contains("fake-request-1"),
        "{body}"
    );
    let whole = home
        .run(&["call", "api", "/missing", "--json"])
        .ends_with(7)
        .json();
    assert_eq!(whole["status"], 404);
    assert_eq!(
        home.run(&["call", "api", "/broken", "--json"])
            .ends_with(7)
            .json()["status"],
        500
    );
}

#[test]
fn what_must_not_be_sent_is_5() {
    let (home, upstream) = connected();
    for header in [
        "Authorization: x",
        "Host: x",
        "Cookie: x",
        "Content-Length: 1",
        "Transfer-Encoding: x",
        "Proxy-Authorization: x",
    ] {
        home.refused(&["call", "api", "/x", "-H", header], 5, "header.forbidden");
    }
    for elsewhere in [
        "https://graph.microsoft.com/v1.0/users",
        "http://127.0.0.1:1/x",
        "http://169.254.169.254/latest",
        "file:///etc/passwd",
    ] {
        home.refused(
            &["call", "api", elsewhere],
            5,
            "connection.origin_forbidden",
        );
    }
    assert!(upstream.seen().is_empty());
}

#[test]
fn an_address_that_is_not_opened_is_refused_with_the_line_to_add() {
    let mut home = Home::new();
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
    home.unset("KEYWAY_EGRESS_ALLOW");
    let problem = home.refused(&["call", "api", "/x"], 5, "egress.address_forbidden");
    let address = upstream.url.strip_prefix("http://").unwrap();
    assert!(
        problem.to_string().contains(address),
        "the line to add is printed: {problem}"
    );
    let said = problem.to_string();
    assert_eq!(said.matches("KEYWAY_EGRESS_ALLOW").count(), 1, "{problem}");
    assert!(upstream.seen().is_empty());
    home.set("KEYWAY_EGRESS_ALLOW", "loopback");
    home.ok(&["call", "api", "/x"]);
}

#[test]
fn an_api_that_is_not_there_is_7() {
    let home = Home::new();
    let nobody = format!("http://127.0.0.1:{}", crate::support::free_port());
    home.ok(&[
        "connection",
        "create",
        "api",
        "--type",
        "none",
        "--base-url",
        &nobody,
    ]);
    home.refused(&["call", "api", "/x"], 7, "upstream.unreachable");
}

#[test]
fn how_a_call_went_is_told_beside_the_answer_and_afterwards() {
    let (home, upstream) = connected();
    let told = home
        .run(&["call", "api", "/people?secret=1", "--explain"])
        .ends_with(0);
    let host = upstream.url.trim_start_matches("http://");
    assert!(
        told.stderr.contains(&format!("GET {host}/people\n"))
            && told.stderr.contains("1. after")
            && told.stderr.contains("answered 200")
            && told.stderr.contains("request id fake-request-1"),
        "{}",
        told.stderr
    );
    assert!(!told.stderr.contains("secret"), "{}", told.stderr);
    let list = home.ok(&["calls", "--connection", "api"]);
    let row = &list["items"][0];
    assert_eq!(
        (row["path"].as_str(), row["attempts"].as_u64()),
        (Some("/people"), Some(1))
    );
    assert!(!list.to_string().contains("secret"));
    let table = home.run(&["calls"]).ends_with(0).stdout;
    assert!(
        table.contains("/people") && table.contains("200"),
        "{table}"
    );
    let told = home.run(&["calls", "--explain"]).ends_with(0).stdout;
    assert!(
        told.contains(&format!("GET {host}/people\n"))
            && told.contains("1. after 0 ms: called; answered 200")
            && told.contains("request id fake-request-1"),
        "{told}"
    );
    home.run(&["calls", "--connection", "absent"]).ends_with(3);
    home.run(&["call", "api", "/x", "--attempts", "11"])
        .ends_with(2);
    home.run(&["call", "api", "/x", "--attempt-all"])
        .ends_with(2);
}

#[test]
fn how_long_a_call_may_take_is_set_for_all_and_for_one() {
    let (mut home, upstream) = connected();
    home.set("KEYWAY_TIMEOUTS_FIRST_BYTE", "300ms");
    let refused = home.run(&["call", "api", "/gate"]).ends_with(7);
    assert!(
        refused.stderr.contains("upstream.timeout") && refused.stderr.contains("--timeout"),
        "{refused}"
    );
    let child = home
        .command(&["call", "api", "/gate", "--timeout", "60"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    until("the call is under way", || {
        (upstream
            .seen()
            .iter()
            .filter(|seen| seen.target == "/gate")
            .count()
            > 1)
        .then_some(())
    });
    std::thread::sleep(std::time::Duration::from_secs(1));
    upstream.open_gate();
    crate::support::finish(child).ends_with(0);
    home.run(&["call", "api", "/x", "--timeout", "3601"])
        .ends_with(2);
    home.run(&["call", "api", "/x", "--all", "--timeout", "5"])
        .ends_with(2);
}
