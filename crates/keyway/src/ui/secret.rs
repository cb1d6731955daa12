//! Reading secrets: from stdin, from a file that only its owner may read, or typed without echo. Never from arguments.

use std::io::Read as _;
use std::path::Path;

use crate::Exit;
use crate::failure::Failure;
use crate::ui::Ui;

/// Longer than any secret, shorter than a mistake such as a core file.
const LIMIT: u64 = 64 * 1024;

/// A secret on its way into a request. It cannot be printed.
pub(crate) struct Typed(String);

impl Typed {
    /// Wraps a secret that came by another way.
    pub(crate) fn new(text: String) -> Typed {
        Typed(text)
    }

    /// The text, for the one place it is sent to.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

/// Where a secret is asked for and how it is called there.
pub(crate) struct Question<'a> {
    /// As a person would say it: `client secret`.
    pub(crate) what: &'a str,
    /// The option that names a file, for advice: `--client-secret-file`.
    pub(crate) option: &'a str,
}

impl Question<'_> {
    /// Reads from `-` (stdin) or a file.
    pub(crate) fn read(&self, place: &str) -> Result<Typed, Failure> {
        self.parse(self.read_bytes(place)?)
    }

    /// Reads from `-` (stdin) or a file what need not be text. One byte more than the limit tells that it was too long.
    pub(crate) fn read_bytes(&self, place: &str) -> Result<Vec<u8>, Failure> {
        if place == "-" {
            self.read_stdin()
        } else {
            self.read_file(Path::new(place))
        }
    }

    /// Reads from the place given, else asks on the terminal, else says how to give it.
    pub(crate) fn read_or_ask(&self, ui: Ui, place: Option<&str>) -> Result<Typed, Failure> {
        match place {
            Some(place) => self.read(place),
            None if ui.can_ask() => {
                let typed = rpassword::prompt_password(format!("{}: ", self.what))
                    .map_err(|error| Failure::io("cannot read from the terminal", &error))?;
                self.parse(typed.into_bytes())
            }
            None => Err(Failure::usage(
                format!("the {} is missing", self.what),
                self.advice(),
            )),
        }
    }

    /// Asks on the terminal, if there is one, for what may also be nothing.
    pub(crate) fn ask_for_any(&self, ui: Ui) -> Result<Option<Typed>, Failure> {
        if !ui.can_ask() {
            return Ok(None);
        }
        let typed = rpassword::prompt_password(format!("{} (none: just Enter): ", self.what))
            .map_err(|error| Failure::io("cannot read from the terminal", &error))?;
        Ok((!typed.is_empty()).then(|| Typed::new(typed)))
    }

    /// Refuses a secret that stands on the command line, without repeating it.
    pub(crate) fn refuse_argument(&self) -> Failure {
        Failure::usage(
            format!(
                "the {} does not belong on the command line: other users of this machine and the shell's history see it",
                self.what
            ),
            self.advice(),
        )
    }

    fn advice(&self) -> String {
        format!(
            "give it as `{} FILE` (mode 0600) or `{} -` to read it from stdin",
            self.option, self.option
        )
    }

    fn read_stdin(&self) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        std::io::stdin()
            .lock()
            .take(LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(|error| {
                Failure::io(&format!("cannot read the {} from stdin", self.what), &error)
            })?;
        Ok(bytes)
    }

    fn read_file(&self, path: &Path) -> Result<Vec<u8>, Failure> {
        let unreadable = |error: std::io::Error| {
            Failure::new(
                Exit::Invalid,
                "secret.unreadable",
                format!(
                    "the file {} with the {} cannot be read: {error}",
                    path.display(),
                    self.what
                ),
            )
            .hint(self.advice())
        };
        let file = std::fs::File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        // Judged on the opened file, so that it cannot be exchanged in between. A pipe of the shell has no mode worth judging.
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt as _;
            let mode = metadata.mode() & 0o777;
            if metadata.is_file() && mode & 0o077 != 0 {
                return Err(Failure::new(
                    Exit::Invalid,
                    "secret.file_permissions",
                    format!(
                        "the file {} with the {} can be read by others (mode {mode:04o})",
                        path.display(),
                        self.what
                    ),
                )
                .hint(format!(
                    "chmod 600 {}; if others have read it, replace the secret",
                    path.display()
                )));
            }
        }
        if metadata.is_dir() {
            return Err(unreadable(std::io::Error::from(
                std::io::ErrorKind::IsADirectory,
            )));
        }
        let mut bytes = Vec::new();
        file.take(LIMIT + 1)
            .read_to_end(&mut bytes)
            .map_err(unreadable)?;
        Ok(bytes)
    }

    /// Removes exactly one final line end; what other white space means is for the server to judge.
    pub(crate) fn parse(&self, bytes: Vec<u8>) -> Result<Typed, Failure> {
        let invalid = |why: &str| {
            Failure::new(
                Exit::Invalid,
                "secret.invalid",
                format!("the {} {why}", self.what),
            )
            .hint(self.advice())
        };
        if bytes.len() as u64 > LIMIT {
            return Err(invalid("is longer than 64 KiB"));
        }
        let mut text = String::from_utf8(bytes).map_err(|_| invalid("is not UTF-8 text"))?;
        if text.ends_with('\n') {
            text.pop();
            if text.ends_with('\r') {
                text.pop();
            }
        }
        if text.is_empty() {
            return Err(invalid("is empty"));
        }
        Ok(Typed(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exactly_one_final_line_end_is_removed() {
        let question = Question {
            what: "client secret",
            option: "--client-secret-file",
        };
        for (typed, expected) in [
            ("s\n", "s"),
            ("s\r\n", "s"),
            ("s", "s"),
            ("s\n\n", "s\n"),
            (" s \n", " s "),
            ("s\r", "s\r"),
        ] {
            assert_eq!(
                question.parse(typed.into()).ok().unwrap().expose(),
                expected
            );
        }
        for refused in [&b""[..], b"\n", b"\r\n", b"\xff\xfe"] {
            assert_eq!(
                question.parse(refused.to_vec()).err().unwrap().exit(),
                Exit::Invalid
            );
        }
    }
}
