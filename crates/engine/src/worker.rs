//! Heavy expressions, in child processes that can do no harm: no environment, a limit of memory, a deadline.
//!
//! The child is the same program with a hidden subcommand; it answers one line per line. One that is late, or that answers
//! what it should not, is killed, and its task is a fault that the flow can catch. Whose turn it is: `turns.rs`.

mod turns;

use std::io::{BufRead as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use expression::worker::{Answer, Evaluator, Task};
use flow::{Fault, FaultType};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

use turns::Turns;

/// How long one evaluation may take, its way to the child and back included.
const DEADLINE: Duration = Duration::from_millis(500);
/// How long a child may take to be there.
const BIRTH: Duration = Duration::from_secs(10);
/// How much memory of its own a child may have: with the program itself that is less than 128 MiB.
const MEMORY: u64 = 104 << 20;
/// How much address space it may have, whatever that is.
const SPACE: u64 = 1 << 30;
/// How many seconds of a processor it may have in its life, should nobody be left to kill it.
const PROCESSOR: u64 = 600;
/// After how many evaluations it is replaced: before its time is up.
const EVALUATIONS: u32 = 1_000;
/// The largest answer, in bytes.
const LARGEST: u64 = 4 << 20;

/// How the child is started: this program with a hidden subcommand.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// The subcommand, which calls [`child`].
    pub subcommand: String,
    /// How many children there are at most.
    pub children: usize,
}

/// The children.
pub struct Workers {
    config: Option<WorkerConfig>,
    idle: Mutex<Vec<Worker>>,
    turns: Turns,
}

struct Worker {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    /// How many evaluations it may still do.
    left: u32,
}

impl Workers {
    /// Sets the pool up; a child is started when it is needed. Without a program heavy expressions are faults.
    pub fn new(config: Option<WorkerConfig>) -> Workers {
        let children = config.as_ref().map_or(1, |config| config.children.max(1));
        Workers {
            config,
            idle: Mutex::default(),
            turns: Turns::new(children),
        }
    }

    /// Evaluates an expression of a run when it is that run's turn. Dropped on its way, it leaves no child behind that is still
    /// at it.
    pub async fn evaluate(&self, run: &str, task: &Task) -> Result<Value, Fault> {
        let Some(config) = &self.config else {
            return Err(fault(
                "expr.no_worker",
                "this process evaluates no heavy expressions",
            ));
        };
        let _turn = self.turns.take(run).await;
        let line =
            serde_json::to_string(task).map_err(|error| fault("expr.task", &error.to_string()))?;
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut worker = match idle {
            Some(worker) => worker,
            None => Worker::start(config).await?,
        };
        let answered = tokio::time::timeout(DEADLINE, worker.answer(&line)).await;
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            // The child is dropped, and with that killed.
            Ok(Err(_)) => {
                return Err(fault(
                    "expr.limit_memory",
                    "the expression took more memory than it may",
                ));
            }
            Err(_) => {
                return Err(fault(
                    "expr.limit_cpu",
                    "the expression took longer than 500 ms",
                ));
            }
        };
        worker.left -= 1;
        if worker.left > 0 {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(worker);
        }
        match answer {
            Answer::Value(value) => Ok(value),
            Answer::Error { code, message } => Err(fault(&code, &message)),
        }
    }
}

impl Worker {
    async fn start(config: &WorkerConfig) -> Result<Worker, Fault> {
        let failed = |error: std::io::Error| {
            tracing::error!(%error, "no child process for heavy expressions");
            Fault::new(
                FaultType::Runtime,
                "heavy expressions can't be evaluated at present",
            )
            .code("expr.no_worker")
        };
        let mut child = this_program()
            .map(Command::from)
            .map_err(failed)?
            .arg(&config.subcommand)
            .env_clear()
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(failed)?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (Some(input), Some(output)) = (input, output) else {
            return Err(failed(std::io::Error::other("the child has no pipes")));
        };
        let mut worker = Worker {
            child,
            input,
            output: BufReader::new(output),
            left: EVALUATIONS,
        };
        // Its start does not count: it compiles its library of functions now.
        let first =
            serde_json::json!({ "source": ".", "input": null, "variables": [] }).to_string();
        match tokio::time::timeout(BIRTH, worker.answer(&first)).await {
            Ok(Ok(_)) => Ok(worker),
            Ok(Err(error)) => Err(failed(error)),
            Err(_) => Err(failed(std::io::Error::other("it does not answer"))),
        }
    }

    async fn answer(&mut self, line: &str) -> std::io::Result<Answer> {
        self.input.write_all(line.as_bytes()).await?;
        self.input.write_all(b"\n").await?;
        self.input.flush().await?;
        let mut text = String::new();
        let read = (&mut self.output)
            .take(LARGEST)
            .read_line(&mut text)
            .await?;
        if read == 0 || !text.ends_with('\n') {
            let status = self.child.try_wait()?;
            return Err(std::io::Error::other(format!(
                "the child ended: {status:?}"
            )));
        }
        serde_json::from_str(&text).map_err(std::io::Error::other)
    }
}

fn fault(code: &str, message: &str) -> Fault {
    Fault::new(FaultType::Expression, message).code(code)
}

/// The running program itself, under the name it was called by. Its path may by now be gone or be a newer version's, which
/// would evaluate by other rules: where there is `/proc`, it leads to what runs.
fn this_program() -> std::io::Result<std::process::Command> {
    let running = Path::new("/proc/self/exe");
    let program = if running.exists() {
        running.to_owned()
    } else {
        std::env::current_exe()?
    };
    let mut command = std::process::Command::new(program);
    if let Some(name) = std::env::args_os().next() {
        command.arg0(name);
    }
    Ok(command)
}

/// What the hidden subcommand does: sets its own limits, then answers lines until its input ends.
pub fn child() -> std::io::Result<()> {
    if most(Resource::Data, MEMORY).is_some() {
        return limit_and_begin_again();
    }
    // All files that it needs are open, and it starts nothing.
    limit(Resource::Nofile, 3)?;
    limit(Resource::Nproc, 0)?;
    let mut evaluator = Evaluator::new();
    let (input, mut output) = (std::io::stdin().lock(), std::io::stdout().lock());
    for line in input.lines() {
        let mut answer = evaluator.answer(&line?);
        answer.push('\n');
        output.write_all(answer.as_bytes())?;
        output.flush()?;
    }
    Ok(())
}

/// The limit to set; none where as little or less is allowed already.
fn most(resource: Resource, wanted: u64) -> Option<u64> {
    let allowed = getrlimit(resource).maximum;
    allowed.is_none_or(|most| most > wanted).then_some(wanted)
}

fn limit(resource: Resource, wanted: u64) -> std::io::Result<()> {
    let Some(most) = most(resource, wanted) else {
        return Ok(());
    };
    let both = Rlimit {
        current: Some(most),
        maximum: Some(most),
    };
    setrlimit(resource, both).map_err(std::io::Error::from)
}

/// A limit holds from a program's first allocation only if it is there before the program is: an allocator may have reserved
/// as much as the limit allows by now, and nothing else could be had after it, the next page of the stack included.
fn limit_and_begin_again() -> std::io::Result<()> {
    limit(Resource::Data, MEMORY)?;
    limit(Resource::As, SPACE)?;
    limit(Resource::Cpu, PROCESSOR)?;
    limit(Resource::Core, 0)?;
    let arguments = std::env::args_os().skip(1);
    Err(this_program()?.args(arguments).exec())
}
