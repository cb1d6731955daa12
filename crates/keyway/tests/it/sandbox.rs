//! `keyway sandbox serve`, as a process of its own.

use std::path::PathBuf;
use std::process::Child;

use serde_json::Value;

use crate::support::{Home, finish, mode, until};

/// A running sandbox; ended with the test.
pub(crate) struct Sandbox {
    pub(crate) facts: Value,
    file: PathBuf,
    child: Option<Child>,
}

impl Sandbox {
    /// Starts one in a folder of the home, on a free port.
    pub(crate) fn start(home: &Home) -> Sandbox {
        let folder = home.path("sandbox");
        let child = home
            .command(&[
                "sandbox",
                "serve",
                "--data-dir",
                folder.to_str().unwrap(),
                "--listen",
                "127.0.0.1:0",
            ])
            .spawn()
            .unwrap();
        let file = folder.join("sandbox.json");
        let facts = until("the sandbox", || {
            serde_json::from_str(&std::fs::read_to_string(&file).ok()?).ok()
        });
        Sandbox {
            facts,
            file,
            child: Some(child),
        }
    }

    /// A text of its facts.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.facts
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no {pointer} in {}", self.facts))
    }

    /// The configuration that declares it as a cloud, on a public URL of ours.
    pub(crate) fn configuration(&self, port: u16) -> String {
        format!(
            "public_url = \"http://localhost:{port}\"\n[[cloud]]\nname = \"sandbox\"\norigin = \"{}\"\nca_file = \"{}\"\n",
            self.text("/origin"),
            self.text("/ca_file")
        )
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

#[test]
fn it_writes_its_facts_and_ends_at_a_signal() {
    let home = Home::closed();
    let mut sandbox = Sandbox::start(&home);
    assert_eq!(mode(&sandbox.file), 0o600);
    for pointer in [
        "/tenant_id",
        "/domain",
        "/control_token",
        "/admin/upn",
        "/admin/password",
        "/admin/client_id",
        "/users/0/upn",
        "/app/client_id",
        "/app/client_secret",
    ] {
        assert!(!sandbox.text(pointer).is_empty());
    }
    assert_eq!(sandbox.facts["users"].as_array().unwrap().len(), 25);
    assert!(sandbox.text("/ca_file").starts_with('/'));
    assert!(sandbox.text("/origin").starts_with("https://127.0.0.1:"));
    let child = sandbox.child.take().unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let answer = finish(child).ends_with(0);
    assert_eq!(
        answer.stdout.lines().count(),
        1,
        "one line when ready: {answer}"
    );
    assert!(!home.data().exists(), "the sandbox has a folder of its own");
}
