//! Bad configuration (`security.md` §3.11): refused before anything is touched, with what to do.

use std::net::TcpListener;
use std::time::{Duration, Instant};

use crate::support::{Home, free_port, mode};

#[test]
fn every_complaint_is_listed_at_once() {
    let home = Home::closed();
    home.configure(
        "lisen = \"x\"\npublic_url = \"http://keyway.contoso.example\"\n[log]\nformat = 1\n",
    );
    let problem = home.refused(&["connection", "list"], 5, "config.invalid");
    let complaints: Vec<&str> = problem["complaints"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap())
        .collect();
    assert_eq!(complaints.len(), 3, "{complaints:?}");
    assert!(
        complaints[0].contains("did you mean \"listen\"?"),
        "{complaints:?}"
    );
    let answer = home.run(&["serve"]).ends_with(5);
    assert!(
        answer.stderr.contains("did you mean")
            && answer.stderr.contains("http is for loopback only"),
        "{answer}"
    );
    assert!(
        !home.data().join("kek").exists(),
        "nothing is made from a configuration that is refused"
    );
}

#[test]
fn file_and_environment_may_not_both_decide() {
    let mut home = Home::closed();
    home.configure("[egress]\nallow = [\"loopback\"]\n");
    home.set("KEYWAY_EGRESS_ALLOW", "loopback");
    let problem = home.refused(&["connection", "list"], 5, "config.invalid");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("KEYWAY_EGRESS_ALLOW"),
        "{problem}"
    );
    home.unset("KEYWAY_EGRESS_ALLOW");
    home.ok(&["connection", "list"]);
}

#[test]
fn an_egress_entry_that_is_none_is_refused() {
    let mut home = Home::closed();
    home.set("KEYWAY_EGRESS_ALLOW", "10.0.0.0/33:443");
    home.refused(&["connection", "list"], 5, "config.invalid");
}

#[test]
fn an_address_others_can_reach_is_refused_without_tls() {
    let home = Home::closed();
    let problem = home.refused(&["serve", "--listen", "0.0.0.0:0"], 5, "config.invalid");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("reached from outside"),
        "{problem}"
    );
}

#[test]
fn a_missing_file_that_was_named_is_refused() {
    let home = Home::closed();
    home.refused(
        &["connection", "list", "--config", "nowhere.toml"],
        5,
        "config.unreadable",
    );
}

#[test]
fn the_key_file_must_be_private_whole_and_the_right_one() {
    let home = Home::closed();
    home.ok(&["connection", "list"]);
    let kek = home.data().join("kek");
    assert_eq!(mode(&kek), 0o600);
    let text = std::fs::read_to_string(&kek).unwrap();

    home.write("data/kek", &text, 0o644);
    let problem = home.refused(&["connection", "list"], 8, "key.permissions");
    assert!(
        problem["detail"].as_str().unwrap().contains("chmod 600"),
        "{problem}"
    );

    for damaged in ["c2hvcnQ=", "not base64!", ""] {
        home.write("data/kek", damaged, 0o600);
        home.refused(&["connection", "list"], 8, "key.format");
    }

    std::fs::remove_file(&kek).unwrap();
    home.refused(&["connection", "list"], 8, "key.missing");
    assert!(!kek.exists(), "a key that is gone is not made anew");

    let other = Home::closed();
    other.ok(&["connection", "list"]);
    home.write(
        "data/kek",
        &std::fs::read_to_string(other.data().join("kek")).unwrap(),
        0o600,
    );
    home.refused(&["connection", "list"], 8, "key.wrong");

    home.write("data/kek", &text, 0o600);
    home.ok(&["connection", "list"]);
}

#[test]
fn a_busy_port_is_named() {
    let home = Home::closed();
    let busy = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = busy.local_addr().unwrap().to_string();
    let problem = home.refused(&["serve", "--listen", &address], 6, "listen.busy");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains(&busy.local_addr().unwrap().port().to_string()),
        "{problem}"
    );
}

#[test]
fn a_data_directory_that_cannot_be_is_8() {
    let home = Home::closed();
    home.write("file", "", 0o600);
    let inside = home.path("file").join("data").display().to_string();
    let problem = home.refused(
        &["connection", "list", "--data-dir", &inside],
        8,
        "storage_error",
    );
    assert!(
        problem["detail"].as_str().unwrap().contains(&inside),
        "{problem}"
    );
}

#[test]
fn a_data_directory_that_is_missing_is_made_for_its_owner_alone() {
    let home = Home::closed();
    let deep = home.path("var").join("lib").join("keyway");
    let named = deep.display().to_string();
    home.ok(&["connection", "list", "--data-dir", &named]);
    assert_eq!(mode(&deep), 0o700);
}

#[test]
fn one_server_serves_one_data_directory() {
    let home = Home::closed();
    let server = home.serve(&[]);
    let problem = home.refused(&["serve", "--listen", "127.0.0.1:0"], 9, "store.locked");
    assert!(
        problem["hint"].as_str().unwrap().contains("--data-dir"),
        "{problem}"
    );
    home.ok(&["connection", "list"]);
    server.stop().ends_with(0);
}

#[test]
fn a_database_server_that_stays_away_is_8_after_thirty_seconds() {
    let mut home = Home::closed();
    home.set(
        "KEYWAY_DATABASE",
        format!(
            "postgres://keyway:visibly-fake-password@127.0.0.1:{}/keyway",
            free_port()
        ),
    );
    let begun = Instant::now();
    let answer = home.run(&["connection", "list", "--json"]).ends_with(8);
    assert!(
        (25..50).contains(&begun.elapsed().as_secs()),
        "{:?}: {answer}",
        begun.elapsed()
    );
    assert!(
        !answer.to_string().contains("visibly-fake-password"),
        "{answer}"
    );
    assert!(begun.elapsed() > Duration::from_secs(25));
}

#[test]
fn a_damaged_database_is_left_alone() {
    let home = Home::closed();
    home.ok(&["connection", "list"]);
    let file = home.data().join("keyway.db");
    for beside in ["keyway.db-wal", "keyway.db-shm"] {
        drop(std::fs::remove_file(home.data().join(beside)));
    }
    let garbage = vec![0x5a; 8192];
    std::fs::write(&file, &garbage).unwrap();
    let answer = home.run(&["connection", "list", "--json"]).ends_with(8);
    assert!(
        answer.json()["code"]
            .as_str()
            .unwrap()
            .starts_with("store."),
        "{answer}"
    );
    assert_eq!(
        std::fs::read(&file).unwrap(),
        garbage,
        "a damaged file is evidence, never overwritten"
    );
}
