//! `keyway run watch` over HTTP: each step as it happens, also when the server is killed and started again meanwhile.

use std::sync::mpsc::Receiver;

use crate::support::{Home, finish, lines};

const WAITS: &str = "document: {dsl: '1.0.3', namespace: test, name: waits, version: '1.0.0'}\n\
                     do:\n- first: {set: {a: 1}}\n\
                     - hears: {listen: {to: {one: {with: {type: contoso.go}}}}}\n\
                     - last: {set: {b: 2}}\n";

/// Reads on until a line has this text.
fn until(lines: &Receiver<String>, text: &str) {
    loop {
        let line = lines
            .recv()
            .unwrap_or_else(|_| panic!("it ends without {text}"));
        if line.contains(text) {
            return;
        }
    }
}

#[test]
fn a_watch_goes_on_when_the_server_is_started_again() {
    let home = Home::closed();
    let path = home.path("waits.yaml");
    std::fs::write(&path, WAITS).unwrap();
    let server = home.serve(&[]);
    home.ok(&["flow", "deploy", path.to_str().unwrap()]);
    let started = home.ok(&["flow", "start", "waits"]);
    let run = started["run"].as_str().unwrap();
    let mut watch = home.command(&["run", "watch", run]).spawn().unwrap();
    let told = lines(watch.stdout.take().unwrap());
    until(&told, "waits for");
    until(&told, "hears");
    server.signal(rustix::process::Signal::KILL);
    server.finish();
    let again = home.serve(&[]);
    let sent = home.ok(&["event", "send", "--type", "contoso.go", "--data", "{}"]);
    assert_eq!(sent["recipients"], 1);
    until(&told, "last");
    finish(watch).ends_with(0);
    again.stop();
}
