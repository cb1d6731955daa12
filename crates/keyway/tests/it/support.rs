//! One installation in a folder of its own, and commands run on it.

use std::ffi::OsString;
use std::fs::File;
use std::hash::{BuildHasher as _, RandomState};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::Value;

/// The program under test.
pub(crate) const KEYWAY: &str = env!("CARGO_BIN_EXE_keyway");

/// A folder with a data directory in it, and the environment commands are run with.
pub(crate) struct Home {
    folder: tempfile::TempDir,
    /// What is run.
    pub(crate) program: PathBuf,
    environment: Vec<(String, OsString)>,
}

/// How a command ended.
pub(crate) struct Answer {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Answer {
    /// The one document on stdout.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("not one JSON document ({error}): {self}"))
    }

    /// Checks the exit code.
    pub(crate) fn ends_with(self, code: i32) -> Answer {
        assert_eq!(self.code, code, "{self}");
        self
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "exit code {}\nstdout: {}\nstderr: {}",
            self.code, self.stdout, self.stderr
        )
    }
}

impl Home {
    /// An installation that may call every port of this machine.
    pub(crate) fn new() -> Home {
        let mut home = Home::closed();
        home.set("KEYWAY_EGRESS_ALLOW", "loopback");
        home
    }

    /// An installation with nothing opened.
    pub(crate) fn closed() -> Home {
        let folder = tempfile::tempdir().unwrap();
        let mut home = Home {
            folder,
            program: PathBuf::from(KEYWAY),
            environment: Vec::new(),
        };
        home.set("KEYWAY_DATA_DIR", home.data());
        home.set("HOME", home.path("home"));
        home
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The data directory.
    pub(crate) fn data(&self) -> PathBuf {
        self.path("data")
    }

    pub(crate) fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.unset(name);
        self.environment.push((name.to_owned(), value.into()));
    }

    pub(crate) fn unset(&mut self, name: &str) {
        self.environment.retain(|(known, _)| known != name);
    }

    /// Writes a file with a mode.
    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    /// A 0600 file with a secret and a final line end.
    pub(crate) fn secret(&self, name: &str, secret: &str) -> String {
        self.write(name, &format!("{secret}\n"), 0o600)
            .display()
            .to_string()
    }

    /// Writes the configuration of the data directory.
    pub(crate) fn configure(&self, text: &str) {
        std::fs::create_dir_all(self.data()).unwrap();
        std::fs::write(self.data().join("keyway.toml"), text).unwrap();
    }

    /// A command that inherits nothing of ours but the search path.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .current_dir(self.folder.path());
        if let Some(path) = option_env!("PATH") {
            command.env("PATH", path);
        }
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Answer {
        finish(self.command(arguments).spawn().unwrap())
    }

    /// Runs a command whose stdout is a terminal.
    pub(crate) fn on_terminal(&self, arguments: &[&str]) -> Answer {
        let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap().into_string().unwrap();
        let terminal = File::options().read(true).write(true).open(name).unwrap();
        let child = self.command(arguments).stdout(terminal).spawn().unwrap();
        let reader = std::thread::spawn(move || {
            let (mut master, mut bytes) = (File::from(master), Vec::new());
            // Once nobody holds the other side, reading ends with an error.
            drop(master.read_to_end(&mut bytes));
            String::from_utf8(bytes).unwrap().replace("\r\n", "\n")
        });
        let mut answer = finish(child);
        answer.stdout = reader.join().unwrap();
        answer
    }

    /// Runs a command with text on its stdin.
    pub(crate) fn run_with(&self, arguments: &[&str], input: &str) -> Answer {
        let mut child = self
            .command(arguments)
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        finish(child)
    }

    /// Runs a command with `--json` that must end well.
    pub(crate) fn ok(&self, arguments: &[&str]) -> Value {
        self.run(&[arguments, &["--json"]].concat())
            .ends_with(0)
            .json()
    }

    /// Runs a command with `--json` that must be refused, and returns the problem.
    pub(crate) fn refused(&self, arguments: &[&str], code: i32, problem: &str) -> Value {
        let answer = self.run(&[arguments, &["--json"]].concat()).ends_with(code);
        let document = answer.json();
        assert_eq!(document["code"], problem, "{answer}");
        for member in ["type", "title", "status", "detail"] {
            assert!(!document[member].is_null(), "{member} is missing: {answer}");
        }
        document
    }

    /// Starts a server and waits until it is ready.
    pub(crate) fn serve(&self, arguments: &[&str]) -> Server {
        let listen: &[&str] = if arguments.contains(&"--listen") {
            &["serve"]
        } else {
            &["serve", "--listen", "127.0.0.1:0"]
        };
        let all = [listen, arguments].concat();
        let mut child = self.command(&all).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let Some(rest) = line.strip_prefix("keyway is ready at ") else {
            panic!("not ready: {line} {}", finish(child));
        };
        Server {
            url: rest.split(' ').next().unwrap().to_owned(),
            child: Some(child),
            _stdout: stdout,
        }
    }
}

/// Waits for a command's end and collects what it said.
pub(crate) fn finish(mut child: Child) -> Answer {
    drop(child.stdin.take());
    let stderr = child.stderr.take().map(|mut stream| {
        std::thread::spawn(move || {
            let mut bytes = Vec::new();
            stream.read_to_end(&mut bytes).unwrap();
            bytes
        })
    });
    let mut stdout = Vec::new();
    if let Some(mut stream) = child.stdout.take() {
        stream.read_to_end(&mut stdout).unwrap();
    }
    let status = child.wait().unwrap();
    let stderr = stderr
        .map(|thread| thread.join().unwrap())
        .unwrap_or_default();
    Answer {
        code: status.code().unwrap_or(-1),
        stdout: String::from_utf8(stdout).unwrap(),
        stderr: String::from_utf8(stderr).unwrap(),
    }
}

/// A server that is ended with the test.
pub(crate) struct Server {
    pub(crate) url: String,
    child: Option<Child>,
    _stdout: BufReader<ChildStdout>,
}

impl Server {
    pub(crate) fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Sends a signal.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Asks it to end and waits.
    pub(crate) fn stop(mut self) -> Answer {
        self.signal(rustix::process::Signal::TERM);
        finish(self.child.take().unwrap())
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Answer {
        finish(self.child.take().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }
}

/// Waits until a condition holds; a test must not take for ever.
pub(crate) fn until<T>(what: &str, mut condition: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    loop {
        if let Some(value) = condition() {
            return value;
        }
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "{what} did not happen"
        );
        std::thread::park_timeout(Duration::from_millis(10));
    }
}

/// The permission bits of a file.
pub(crate) fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

/// A port nobody listens on, nor comes by meanwhile: it lies below those that clients are given.
pub(crate) fn free_port() -> u16 {
    let range = std::fs::read_to_string("/proc/sys/net/ipv4/ip_local_port_range");
    let first = range.ok().and_then(|range| {
        let first = range.split_whitespace().next()?;
        first.parse::<u16>().ok()
    });
    let first = first.unwrap_or(32_768);
    let low = (first / 2).max(1024);
    loop {
        let chance = RandomState::new().hash_one(0_u8).to_le_bytes();
        let chance = u16::from_le_bytes([chance[0], chance[1]]);
        // Where clients are given nearly everything, any port has to do.
        let wanted = match first.saturating_sub(low) {
            ..1000 => 0,
            many => low + chance % many,
        };
        if let Ok(listener) = std::net::TcpListener::bind(("127.0.0.1", wanted)) {
            return listener.local_addr().unwrap().port();
        }
    }
}

/// Reads a child's stderr in the background, line by line.
pub(crate) fn lines(
    stream: impl std::io::Read + Send + 'static,
) -> std::sync::mpsc::Receiver<String> {
    let (sender, receiver) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}
