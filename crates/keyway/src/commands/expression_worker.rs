//! `keyway expression-worker`: the child process in which heavy expressions are evaluated. Hidden: only Keyway starts it.

use crate::Exit;
use crate::failure::Failure;

/// The hidden subcommand, as the engine starts it.
const NAME: &str = "expression-worker";

/// Answers expressions on stdin until it is closed. Runs without an async runtime, whose threads would count against its memory.
pub(crate) fn run() -> Result<Exit, Failure> {
    engine::worker::child().map_err(|error| Failure::io("the expression worker ended", &error))?;
    Ok(Exit::Ok)
}

/// How the engine starts it: several for each processor, so that what ends soon need not wait for what does not.
pub(crate) fn config() -> engine::WorkerConfig {
    engine::WorkerConfig {
        subcommand: NAME.to_owned(),
        children: std::thread::available_parallelism()
            .map_or(4, |cores| (cores.get() * 2).clamp(4, 8)),
    }
}
