//! The stage of the demo: a throw-away folder, a sandbox and a server, each its own process of this very program.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};

use super::{Narrator, unexpected};
use crate::config;
use crate::failure::Failure;
use crate::serve::random;
use crate::ui::plain;

/// How long a process may take to be ready.
const PATIENCE: Duration = Duration::from_secs(20);

/// Folder and processes of one demo.
pub(super) struct Stage {
    narrator: Narrator,
    program: PathBuf,
    folder: PathBuf,
    children: Vec<Child>,
}

/// What a command ended with.
pub(super) struct Ended {
    pub(super) code: i32,
    pub(super) stdout: String,
}

impl Stage {
    /// Makes the folder.
    pub(super) fn set(narrator: Narrator) -> Result<Stage, Failure> {
        let program = std::env::current_exe()
            .map_err(|error| Failure::io("this program cannot find itself", &error))?;
        let name = u64::from_ne_bytes(random()?);
        let folder = std::env::temp_dir().join(format!("keyway-demo-{name:016x}"));
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt as _;
            builder.mode(0o700);
        }
        builder
            .create(&folder)
            .map_err(|error| Failure::io(&format!("cannot make {}", folder.display()), &error))?;
        Ok(Stage {
            narrator,
            program,
            folder,
            children: Vec::new(),
        })
    }

    /// Where the server keeps its data.
    pub(super) fn data_dir(&self) -> PathBuf {
        self.folder.join("data")
    }

    /// Writes a file into the server's data directory.
    pub(super) fn write(&self, name: &str, text: &str) -> Result<PathBuf, Failure> {
        let directory = self.data_dir();
        fs::create_dir_all(&directory).map_err(|error| {
            Failure::io(&format!("cannot make {}", directory.display()), &error)
        })?;
        let path = directory.join(name);
        crate::client::find::write_private(&path, text)?;
        Ok(path)
    }

    /// Starts the sandbox and returns its description.
    pub(super) async fn start_sandbox(&mut self) -> Result<Value, Failure> {
        let folder = self.folder.join("sandbox");
        self.start(
            "sandbox",
            &[
                "sandbox",
                "serve",
                "--data-dir",
                &folder.to_string_lossy(),
                "--listen",
                "127.0.0.1:0",
            ],
        )?;
        self.ready(&folder.join("sandbox.json")).await
    }

    /// Starts the server and returns its announcement.
    pub(super) async fn start_server(&mut self) -> Result<Value, Failure> {
        let folder = self.data_dir();
        self.start("server", &["serve", "--listen", "127.0.0.1:0"])?;
        self.ready(&folder.join("server.json")).await
    }

    fn start(&mut self, name: &str, arguments: &[&str]) -> Result<(), Failure> {
        self.say_command(arguments, "&");
        let log = fs::File::create(self.log_file(name))
            .map_err(|error| Failure::io("cannot write a log", &error))?;
        let child = self
            .command(arguments)
            .env("KEYWAY_DATA_DIR", self.data_dir())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn();
        self.children
            .push(child.map_err(|error| Failure::io("cannot start a process", &error))?);
        Ok(())
    }

    /// Waits for the file by which a process says that it is ready.
    async fn ready(&mut self, file: &Path) -> Result<Value, Failure> {
        let wait = async {
            loop {
                if let Ok(text) = fs::read_to_string(file)
                    && let Ok(document) = serde_json::from_str(&text)
                {
                    return Ok(document);
                }
                if let Some(child) = self.children.last_mut()
                    && let Ok(Some(status)) = child.try_wait()
                {
                    return Err(unexpected(format!(
                        "a process ended before it was ready ({status})"
                    )));
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(PATIENCE, wait)
            .await
            .unwrap_or_else(|_| {
                Err(unexpected(format!(
                    "nothing was ready after {} s",
                    PATIENCE.as_secs()
                )))
            })
    }

    /// Runs a command of this program to its end; `input` goes to its stdin.
    pub(super) async fn run(
        &self,
        arguments: &[&str],
        input: Option<&str>,
    ) -> Result<Ended, Failure> {
        let pending = self.begin(arguments, input).await?;
        pending.finish().await
    }

    /// Starts a command whose stderr somebody wants to read while it runs.
    pub(super) async fn begin(
        &self,
        arguments: &[&str],
        input: Option<&str>,
    ) -> Result<Pending, Failure> {
        self.say_command(
            arguments,
            if input.is_some() {
                "<<< (the secret's value)"
            } else {
                ""
            },
        );
        let mut child = self
            .command(arguments)
            .env("KEYWAY_DATA_DIR", self.data_dir())
            .stdin(if input.is_some() {
                Stdio::piped()
            } else {
                Stdio::null()
            })
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Failure::io("cannot start a command", &error))?;
        if let (Some(input), Some(mut stdin)) = (input, child.stdin.take()) {
            stdin
                .write_all(input.as_bytes())
                .await
                .map_err(|error| Failure::io("cannot write to a command", &error))?;
        }
        Ok(Pending {
            child,
            narrator: self.narrator,
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments).kill_on_drop(true);
        // The demo is the same whatever is configured for this user.
        for name in config::keyway_variable_names() {
            command.env_remove(name);
        }
        command
            .env_remove("BROWSER")
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Prints a command the way a person would type it.
    fn say_command(&self, arguments: &[&str], end: &str) {
        let words: Vec<String> = arguments.iter().map(|word| quoted(word)).collect();
        self.narrator
            .say(format!("$ keyway {} {end}", words.join(" ")).trim_end());
    }

    fn log_file(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// Prints what sandbox and server logged, after something went wrong.
    pub(super) fn tell_logs(&self) {
        for name in ["sandbox", "server"] {
            let Ok(text) = fs::read_to_string(self.log_file(name)) else {
                continue;
            };
            let last: Vec<&str> = text.lines().collect();
            for line in last.iter().skip(last.len().saturating_sub(20)) {
                self.narrator.0.note(&format!("{name}: {}", plain(line)));
            }
        }
    }

    /// Ends the processes and removes the folder.
    pub(super) async fn strike(mut self) {
        for child in self.children.iter_mut().rev() {
            #[cfg(unix)]
            if let Some(process) = child
                .id()
                .and_then(|id| i32::try_from(id).ok())
                .and_then(rustix::process::Pid::from_raw)
            {
                // It may have ended by itself.
                let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
            }
            if tokio::time::timeout(Duration::from_secs(5), child.wait())
                .await
                .is_err()
            {
                drop(child.kill().await);
            }
        }
        drop(fs::remove_dir_all(&self.folder));
    }
}

/// A word as a shell needs it.
fn quoted(word: &str) -> String {
    let is_plain = !word.is_empty()
        && word
            .chars()
            .all(|character| character.is_ascii_alphanumeric() || "-_./:=@,%+".contains(character));
    if is_plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

/// A command that runs.
pub(super) struct Pending {
    child: Child,
    narrator: Narrator,
}

impl Pending {
    /// Reads stderr until a line that begins as wanted.
    pub(super) async fn line(&mut self, wanted: &str) -> Result<String, Failure> {
        let stderr = self
            .child
            .stderr
            .take()
            .ok_or_else(|| Failure::bug("a command's stderr was read twice"))?;
        let mut lines = BufReader::new(stderr).lines();
        let mut seen = String::new();
        while let Ok(Some(line)) = lines.next_line().await {
            if line.starts_with(wanted) {
                self.child.stderr = Some(lines.into_inner().into_inner());
                return Ok(line);
            }
            seen.push_str(&line);
            seen.push('\n');
        }
        Err(unexpected(format!(
            "the command ended without the line that was waited for; it said: {}",
            plain(&seen)
        )))
    }

    /// Waits for the end; what the command says on stderr is passed on.
    pub(super) async fn finish(self) -> Result<Ended, Failure> {
        let narrator = self.narrator;
        let output = tokio::time::timeout(Duration::from_mins(1), self.child.wait_with_output())
            .await
            .map_err(|_| unexpected("a command did not end"))?
            .map_err(|error| Failure::io("a command cannot be waited for", &error))?;
        for line in String::from_utf8_lossy(&output.stderr).lines() {
            narrator.0.note(&format!("  {}", plain(line)));
        }
        Ok(Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        })
    }
}

impl Ended {
    /// The JSON document a command printed, if it ended well.
    pub(super) fn document(&self, what: &str) -> Result<Value, Failure> {
        let document: Value = serde_json::from_str(&self.stdout)
            .map_err(|error| unexpected(format!("{what} printed no JSON: {error}")))?;
        if self.code == 0 {
            Ok(document)
        } else {
            let reason = document["detail"]
                .as_str()
                .or_else(|| document["diagnosis"]["what"].as_str())
                .unwrap_or("no reason given");
            Err(unexpected(format!(
                "{what} ended with {}: {}",
                self.code,
                plain(reason)
            )))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn words_are_quoted_for_a_shell() {
        assert_eq!(quoted("--top=5"), "--top=5");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted("$top=5"), "'$top=5'");
    }
}
