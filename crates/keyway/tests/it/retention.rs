//! `keyway retention`: what is kept for how long, told and changed from a terminal.

use serde_json::json;

use crate::support::Home;

#[test]
fn it_is_shown_and_changed_and_what_is_not_named_stays() {
    let home = Home::closed();
    assert_eq!(
        home.ok(&["retention", "show"]),
        json!({ "run_days": 14, "call_days": 30 })
    );
    let changed = home.ok(&["retention", "change", "--run-days", "90"]);
    assert_eq!(changed, json!({ "run_days": 90, "call_days": 30 }));
    home.ok(&["retention", "change", "--call-days", "3650"]);
    let shown = home.run(&["retention", "show"]).ends_with(0);
    assert_eq!(
        shown.stdout,
        "finished runs  90 days\ncall log       3650 days\n"
    );
    let audit = home.ok(&["audit", "list"]);
    let rows = audit["items"].as_array().unwrap().iter();
    let rows = rows.filter(|entry| entry["action"] == "retention.changed");
    assert_eq!(rows.count(), 2, "{audit}");
}

#[test]
fn keeping_for_fewer_days_deletes_and_is_confirmed() {
    let home = Home::closed();
    let shorter = ["retention", "change", "--run-days", "7", "--call-days", "7"];
    let problem = home.refused(&shorter, 2, "cli.usage");
    let detail = problem["detail"].as_str().unwrap();
    assert!(
        detail.contains("finished runs that are older than 7 days and rows of the call log"),
        "{problem}"
    );
    assert_eq!(problem["hint"], "add --yes");
    assert_eq!(
        home.ok(&["retention", "show"]),
        json!({ "run_days": 14, "call_days": 30 })
    );
    let confirmed = home.ok(&[&shorter[..], &["--yes"]].concat());
    assert_eq!(confirmed, json!({ "run_days": 7, "call_days": 7 }));
    // as long as before is not shorter
    home.ok(&shorter);
}

#[test]
fn what_cannot_be_kept_is_refused_by_its_field() {
    let home = Home::closed();
    home.refused(&["retention", "change"], 2, "cli.usage");
    home.refused(
        &["retention", "change", "--run-days", "two"],
        2,
        "cli.usage",
    );
    for (option, days, field) in [
        ("--run-days", "0", "/run_days"),
        ("--run-days", "3651", "/run_days"),
        ("--call-days", "0", "/call_days"),
        ("--call-days", "3651", "/call_days"),
    ] {
        let problem = home.refused(&["retention", "change", option, days], 5, "body.invalid");
        assert_eq!(problem["field"], field, "{option} {days}: {problem}");
    }
}

#[test]
fn a_server_is_asked_and_its_roles_hold() {
    let home = Home::new();
    let server = home.serve(&[]);
    let key = |role: &str| {
        let made = home.ok(&["key", "create", role, "--role", role]);
        home.secret(role, made["token"].as_str().unwrap())
    };
    let (viewer, admin) = (key("viewer"), key("admin"));
    let ask = |key: &str, rest: &[&str]| {
        let mut words = vec!["retention"];
        words.extend(rest);
        words.extend(["--server", &server.url, "--api-key-file", key, "--json"]);
        home.run(&words)
    };
    let change = ["change", "--run-days", "20"];
    let refused = ask(&viewer, &change).ends_with(4).json();
    assert_eq!(refused["code"], "forbidden", "{refused}");
    assert_eq!(ask(&admin, &change).ends_with(0).json()["run_days"], 20);
    assert_eq!(ask(&viewer, &["show"]).ends_with(0).json()["run_days"], 20);
}
