//! `keyway demo`: the whole way, walked as a person would, against the sandbox on this machine.
//!
//! It uses nothing that a user cannot use: every step is a command of this program or an HTTP request, and is printed.

mod browser;
mod page;
mod registration;
mod stage;
mod walk;

use clap::Args;
use serde_json::json;

use crate::Exit;
use crate::cli::Global;
use crate::failure::Failure;
use crate::serve::Signals;
use crate::ui::Ui;

use self::stage::Stage;
use self::walk::Facts;

/// Options of `demo`.
#[derive(Args, Debug)]
pub(crate) struct Arguments {
    /// End after the walk instead of staying up
    #[arg(long)]
    exit: bool,
}

/// Tells what is done: on stdout for people, on stderr when stdout belongs to one JSON document.
#[derive(Clone, Copy)]
struct Narrator(Ui);

impl Narrator {
    fn say(self, text: &str) {
        if self.0.json() {
            self.0.note(text);
        } else {
            self.0.text(text);
        }
    }

    fn heading(self, text: &str) {
        self.say(&format!("\n## {text}"));
    }
}

pub(crate) async fn run(ui: Ui, _global: &Global, arguments: Arguments) -> Result<Exit, Failure> {
    let narrator = Narrator(ui);
    let mut signals = Signals::listen()?;
    let mut stage = Stage::set(narrator)?;
    let mut facts = Facts::default();
    let walked = tokio::select! {
        walked = walk::walk(narrator, &mut stage, &mut facts) => walked,
        () = signals.next() => Err(Failure::new(Exit::Bug, "demo.interrupted", "the demo was interrupted")),
    };
    let outcome = match walked {
        Ok(()) => Ok(if facts.passed() { Exit::Ok } else { Exit::Bug }),
        Err(failure) => {
            stage.tell_logs();
            Err(failure)
        }
    };
    if ui.json() {
        let mut document = facts.document();
        if let Err(failure) = &outcome {
            document["error"] = failure.document();
        }
        ui.document(&document);
    } else if let Err(failure) = &outcome {
        ui.failure(failure);
    }
    let exit = match outcome {
        Ok(exit) => exit,
        Err(failure) => failure.exit(),
    };
    if !arguments.exit && exit == Exit::Ok {
        stay_up(narrator, &facts, &stage, &mut signals).await;
    }
    stage.strike().await;
    Ok(exit)
}

async fn stay_up(narrator: Narrator, facts: &Facts, stage: &Stage, signals: &mut Signals) {
    let document = facts.document();
    narrator.heading("Staying up: Ctrl-C ends it and removes everything");
    narrator.say(&format!(
        "sandbox  {}",
        document["sandbox"]["origin"].as_str().unwrap_or_default()
    ));
    narrator.say(&format!(
        "server   {}",
        document["server"]["url"].as_str().unwrap_or_default()
    ));
    let data_dir = stage.data_dir();
    for words in [
        &["call", walk::DELEGATED, "/v1.0/me"][..],
        &["flow", "run", "examples/flows/list-users.yaml"],
    ] {
        narrator.say(&format!(
            "try      keyway --data-dir {} {}",
            data_dir.display(),
            words.join(" ")
        ));
    }
    signals.next().await;
}

/// The problem of a demo step: what was expected of whom.
fn unexpected(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Upstream, "demo.unexpected", what).with(
        "hint",
        json!("the logs of sandbox and server are printed above"),
    )
}
