//! `keyway call` with files: streamed up, streamed down.

use crate::support::Home;
use crate::upstream::Upstream;

fn connected() -> (Home, Upstream) {
    let home = Home::new();
    let upstream = Upstream::start();
    let create = [
        "connection",
        "create",
        "api",
        "--type",
        "none",
        "--base-url",
    ];
    home.ok(&[&create[..], &[&upstream.url]].concat());
    (home, upstream)
}

#[test]
fn a_file_goes_up_as_it_is_however_large() {
    let (home, upstream) = connected();
    let text = "0123456789abcdef".repeat(200_000);
    home.write("large", &text, 0o644);
    let answer = home.ok(&["call", "api", "/x y?a=1", "-q", "b=2", "--upload", "large"]);
    let seen = upstream.last();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("PUT", "/x%20y?a=1&b=2")
    );
    assert_eq!(seen.headers["content-type"], "application/octet-stream");
    assert!(seen.body == text, "{} bytes", seen.body.len());
    assert_eq!(answer["status"], 200);
    assert_eq!(answer["request_id"], "fake-request-1");
    let arguments = [
        "call",
        "api",
        "POST",
        "/x",
        "--upload",
        "large",
        "-H",
        "Content-Type: text/csv",
    ];
    home.run(&arguments).ends_with(0);
    let seen = upstream.last();
    assert_eq!(
        (seen.method.as_str(), seen.headers["content-type"].as_str()),
        ("POST", "text/csv")
    );
    let server = home.serve(&[]);
    home.ok(&["call", "api", "/through-the-server", "--upload", "large"]);
    assert!(upstream.last().body == text);
    server.stop().ends_with(0);
}

#[test]
fn a_form_has_fields_and_files() {
    let (home, upstream) = connected();
    home.write("a.csv", "1,2", 0o644);
    home.ok(&[
        "call",
        "api",
        "/forms",
        "-F",
        "title=a=b",
        "-F",
        "file=@a.csv;type=text/csv",
    ]);
    let seen = upstream.last();
    assert_eq!(seen.method, "POST");
    let boundary = seen.headers["content-type"]
        .strip_prefix("multipart/form-data; boundary=")
        .unwrap();
    let expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\na=b\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\
         Content-Type: text/csv\r\n\r\n1,2\r\n--{boundary}--\r\n"
    );
    assert_eq!(seen.body, expected);
}

#[test]
fn an_answer_goes_to_a_file_and_is_whole_or_not_there() {
    let (home, _upstream) = connected();
    let answer = home.ok(&["call", "api", "/large", "-o", "out"]);
    assert_eq!(
        answer["bytes"],
        17 << 20,
        "more than a call takes into memory"
    );
    assert_eq!(answer["file"], "out");
    assert_eq!(std::fs::metadata(home.path("out")).unwrap().len(), 17 << 20);
    home.run(&["call", "api", "/bytes", "-o", "out"])
        .ends_with(0);
    assert_eq!(std::fs::read(home.path("out")).unwrap(), [0, 255, 1]);
    let shown = home.run(&["call", "api", "/text", "-o", "-"]).ends_with(0);
    assert_eq!(shown.stdout, "plain \x1b[31mtext", "as it came");
    for (path, code) in [("/missing", 7), ("/short", 7)] {
        home.run(&["call", "api", path, "-o", "none"])
            .ends_with(code);
    }
    home.refused(
        &["call", "nobody", "/x", "-o", "none"],
        3,
        "connection.not_found",
    );
    home.refused(
        &["call", "api", "/x", "-o", "missing/none"],
        8,
        "storage_error",
    );
    let left: Vec<_> = std::fs::read_dir(home.path(""))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("none") || name.contains("part"))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn what_does_not_go_together_is_refused_at_once() {
    let (home, upstream) = connected();
    for arguments in [
        &["/x", "--upload", "a", "-d", "1"][..],
        &["/x", "--upload", "a", "-F", "a=1"],
        &["/x", "-F", "a=1", "-d", "1"],
        &["/x", "-F", "nothing"],
        &["/x", "-o", "a", "--output", "json"],
        &["/x", "-o", "a", "--all"],
        &["/x", "-o", "a", "--follow"],
        &["/x", "-o", "a", "--attempts", "2"],
        &["https://api.contoso.example/x", "-o", "a"],
    ] {
        home.run(&[&["call", "api"], arguments].concat())
            .ends_with(2);
    }
    for (arguments, problem) in [
        (&["--upload", "nothing"][..], "body.unreadable"),
        (
            &["-o", "a", "-H", "Authorization: Bearer x"],
            "header.forbidden",
        ),
    ] {
        home.refused(&[&["call", "api", "/x"], arguments].concat(), 5, problem);
    }
    assert!(upstream.seen().is_empty());
}
