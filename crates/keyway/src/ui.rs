//! The terminal: answers go to stdout, everything else to stderr; with `--json` stdout holds exactly one document.
//!
//! Text from outside is made harmless before it is printed, and a reader that went away is no error.

mod card;
mod escape;
pub(crate) mod secret;
mod table;
mod text;

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use serde_json::Value;

use crate::config;
use crate::failure::Failure;

pub(crate) use card::{card, explanation, grants};
pub(crate) use escape::{json_line, json_text, plain};
pub(crate) use table::{Table, items_table};
pub(crate) use text::{WIDTH, duration, moment, width as shown_width, wrap};

/// How this process talks to who started it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ui {
    format: Format,
    colour: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Human,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Colour {
    On,
    Off,
}

/// Whether somebody still reads what is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reader {
    Reads,
    Gone,
}

impl Ui {
    /// Looks at the streams once.
    pub(crate) fn new(json: bool) -> Ui {
        let colour = io::stderr().is_terminal()
            && config::variable("NO_COLOR").is_none()
            && config::variable("TERM").as_deref() != Some("dumb");
        Ui {
            format: if json { Format::Json } else { Format::Human },
            colour: if colour { Colour::On } else { Colour::Off },
        }
    }

    /// Whether exactly one JSON document is wanted on stdout.
    pub(crate) fn json(self) -> bool {
        self.format == Format::Json
    }

    /// Prints a text on stdout as it is; it must be harmless already.
    pub(crate) fn text(self, text: &str) {
        self.bytes(text.as_bytes());
        if !text.ends_with('\n') {
            self.bytes(b"\n");
        }
    }

    /// Prints bytes on stdout. A closed pipe is quiet: the reader has what it wanted.
    #[expect(
        clippy::unused_self,
        reason = "the handle stands for the right to print"
    )]
    pub(crate) fn bytes(self, bytes: &[u8]) {
        let mut stdout = io::stdout().lock();
        drop(stdout.write_all(bytes).and_then(|()| stdout.flush()));
    }

    /// Prints bytes on stdout and says whether anybody reads: a stream ends when its reader has what it wanted.
    #[expect(
        clippy::unused_self,
        reason = "the handle stands for the right to print"
    )]
    pub(crate) fn piece(self, bytes: &[u8]) -> Reader {
        let mut stdout = io::stdout().lock();
        match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
            Ok(()) => Reader::Reads,
            Err(_) => Reader::Gone,
        }
    }

    /// Prints a line on stderr.
    #[expect(
        clippy::unused_self,
        reason = "the handle stands for the right to print"
    )]
    pub(crate) fn note(self, line: &str) {
        drop(writeln!(io::stderr().lock(), "{line}"));
    }

    /// Prints a warning on stderr.
    pub(crate) fn warning(self, text: &str) {
        let label = self.label("warning:", "33");
        self.note(&format!("{label} {}", plain(text)));
    }

    /// Prints the one JSON document.
    pub(crate) fn document(self, document: &Value) {
        self.text(&json_text(document));
    }

    /// Says why a command could not be done.
    pub(crate) fn failure(self, failure: &Failure) {
        if self.json() {
            self.document(&failure.document());
            return;
        }
        let what = failure
            .member("detail")
            .or_else(|| failure.member("title"))
            .unwrap_or("the command failed");
        self.note(&format!(
            "{} {}",
            self.label("error:", "1;31"),
            escape::lines(what)
        ));
        if let Some(field) = failure.member("field") {
            self.note(&format!("  at: {}", plain(field)));
        }
        if let Some(next) = failure
            .diagnosis()
            .and_then(|diagnosis| diagnosis["next"].as_str())
        {
            self.note(&format!(
                "{} {}",
                self.label("do this:", "1"),
                escape::lines(next)
            ));
        }
        if let Some(hint) = failure.member("hint") {
            self.note(&format!(
                "{} {}",
                self.label("hint:", "1"),
                escape::lines(hint)
            ));
        }
        let mut marks = vec![format!("code {}", plain(failure.code()))];
        marks.extend(
            failure
                .member("trace_id")
                .map(|trace| format!("trace {}", plain(trace))),
        );
        if !failure.code().is_empty() && failure.code() != "cli.usage" {
            self.note(&format!("  ({})", marks.join(", ")));
        }
    }

    fn label(self, word: &str, style: &str) -> String {
        match self.colour {
            Colour::On => format!("\u{1b}[{style}m{word}\u{1b}[0m"),
            Colour::Off => word.to_owned(),
        }
    }

    /// Waits for something; a spinner appears after a second, on a terminal only.
    pub(crate) async fn wait<F: Future>(self, label: &str, work: F) -> F::Output {
        if self.json() || !io::stderr().is_terminal() {
            return work.await;
        }
        tokio::pin!(work);
        if let Ok(output) = tokio::time::timeout(Duration::from_secs(1), &mut work).await {
            return output;
        }
        let spinner = ProgressBar::new_spinner().with_message(plain(label));
        spinner.set_style(ProgressStyle::default_spinner());
        spinner.enable_steady_tick(Duration::from_millis(120));
        let output = work.await;
        spinner.finish_and_clear();
        output
    }

    /// Whether a question can be asked: somebody sits at both ends.
    #[expect(clippy::unused_self, reason = "the handle stands for the right to ask")]
    pub(crate) fn can_ask(self) -> bool {
        io::stdin().is_terminal() && io::stderr().is_terminal()
    }

    /// Asks a yes-or-no question on the terminal.
    #[expect(clippy::unused_self, reason = "the handle stands for the right to ask")]
    pub(crate) fn confirm(self, question: &str) -> Result<bool, Failure> {
        drop(write!(io::stderr().lock(), "{} [y/N] ", plain(question)));
        let mut answer = String::new();
        io::stdin()
            .read_line(&mut answer)
            .map_err(|error| Failure::io("cannot read the answer", &error))?;
        Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
    }
}
