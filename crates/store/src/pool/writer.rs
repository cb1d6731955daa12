//! The thread that writes: it takes what is queued, commits it as one group, and answers after the COMMIT.
//!
//! Each job has a savepoint of its own, so that one that fails takes nothing with it.

use tokio::sync::{mpsc, oneshot};

use super::{Preparation, Read, Row, Session, Value};
use crate::Error;

/// How many jobs wait in the queue before callers wait to queue.
const QUEUE: usize = 1024;
/// How many jobs are committed together at most.
const GROUP: usize = 256;

/// What the writer's thread is asked to do.
pub(super) enum Message {
    Write(Box<dyn Job>),
    Read(Read),
}

/// One piece of work inside a transaction.
pub(super) trait Job: Send {
    /// Does the work; may be asked again if the connection was lost before the commit.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Error>;
    /// Answers the caller, once the group is committed or has failed.
    fn finish(self: Box<Self>, committed: Result<(), Error>);
}

/// The transaction that a piece of work is in.
pub(crate) struct Tx<'a> {
    session: &'a mut dyn Session,
    /// The first statement that failed. PostgreSQL then commits nothing, whatever the work makes of it.
    failed: Option<Error>,
}

impl Tx<'_> {
    /// Runs a statement that answers rows.
    pub(crate) fn query(
        &mut self,
        sql: &'static str,
        values: impl Into<Vec<Value>>,
    ) -> Result<Vec<Row>, Error> {
        let rows = self.session.query(sql, &values.into());
        self.noted(rows)
    }

    /// Runs a statement that answers one row or none.
    pub(crate) fn query_one(
        &mut self,
        sql: &'static str,
        values: impl Into<Vec<Value>>,
    ) -> Result<Option<Row>, Error> {
        Ok(self.query(sql, values)?.into_iter().next())
    }

    /// Runs a statement and counts the rows it changed.
    pub(crate) fn execute(
        &mut self,
        sql: &'static str,
        values: impl Into<Vec<Value>>,
    ) -> Result<u64, Error> {
        let count = self.session.execute(sql, &values.into());
        self.noted(count)
    }

    fn noted<T>(&mut self, result: Result<T, Error>) -> Result<T, Error> {
        if let Err(error) = &result {
            self.failed.get_or_insert_with(|| error.clone());
        }
        result
    }
}

/// A piece of work, its result, and who waits for it.
pub(super) struct Write<T, F, A> {
    work: F,
    after: A,
    result: Option<Result<T, Error>>,
    answer: oneshot::Sender<Result<T, Error>>,
}

impl<T, F, A> Write<T, F, A> {
    pub(super) fn new(work: F, after: A, answer: oneshot::Sender<Result<T, Error>>) -> Self {
        Self {
            work,
            after,
            result: None,
            answer,
        }
    }
}

impl<T, F, A> Job for Write<T, F, A>
where
    T: Send,
    F: FnMut(&mut Tx<'_>) -> Result<T, Error> + Send,
    A: FnOnce(&T) + Send,
{
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), Error> {
        let result = (self.work)(tx).and_then(|value| match tx.failed.take() {
            Some(error) => Err(error),
            None => Ok(value),
        });
        let outcome = result.as_ref().map(|_| ()).map_err(Clone::clone);
        self.result = Some(result);
        outcome
    }

    fn finish(self: Box<Self>, committed: Result<(), Error>) {
        let Self {
            after,
            result,
            answer,
            ..
        } = *self;
        let result = match (committed, result) {
            (Ok(()), Some(result)) => result,
            (Err(error), _) => Err(error),
            (Ok(()), None) => Err(Error::Unavailable("the work was not done".to_owned())),
        };
        if let Ok(value) = &result {
            after(value);
        }
        // The caller may have gone away; the work is done all the same.
        drop(answer.send(result));
    }
}

/// A writer that runs, and the preparation it was given.
pub(super) struct Opened<P> {
    pub(super) sender: mpsc::Sender<Message>,
    pub(super) preparation: P,
}

/// Starts the writer's thread, which opens and prepares its session; answers once it is ready.
pub(super) async fn spawn<P, S, O>(
    alive: mpsc::Sender<()>,
    mut preparation: P,
    open: O,
) -> Result<Opened<P>, Error>
where
    P: Preparation + 'static,
    S: Session,
    O: FnOnce(&mut P) -> Result<S, Error> + Send + 'static,
{
    let (sender, messages) = mpsc::channel(QUEUE);
    let (ready, is_ready) = oneshot::channel();
    let thread = move || {
        let session = open(&mut preparation).and_then(|mut session| {
            preparation.prepare(&mut session)?;
            Ok(session)
        });
        match session {
            Ok(mut session) => {
                if ready.send(Ok(preparation)).is_ok() {
                    run(&mut session, messages);
                }
            }
            Err(error) => drop(ready.send(Err(error))),
        }
        // The session is closed before this: whoever waits for `alive` may open the database again.
        drop(alive);
    };
    std::thread::Builder::new()
        .name("store-writer".to_owned())
        .spawn(thread)
        .map_err(|error| Error::Unavailable(format!("no thread for the writer: {error}")))?;
    let ended = |_| Error::Unavailable("the writer ended while it was starting".to_owned());
    let preparation = is_ready.await.map_err(ended)??;
    Ok(Opened {
        sender,
        preparation,
    })
}

fn run(session: &mut dyn Session, mut messages: mpsc::Receiver<Message>) {
    let mut jobs: Vec<Box<dyn Job>> = Vec::new();
    while let Some(first) = messages.blocking_recv() {
        let mut next = Some(first);
        while let Some(message) = next {
            match message {
                Message::Write(job) => jobs.push(job),
                // Outside the group's transaction, so it sees only what is committed.
                Message::Read(read) => {
                    let rows = session.query(read.sql, &read.values);
                    read.answer_with(rows);
                }
            }
            next = (jobs.len() < GROUP)
                .then(|| messages.try_recv().ok())
                .flatten();
        }
        if jobs.is_empty() {
            continue;
        }
        let committed = commit_group(session, &mut jobs);
        for job in jobs.drain(..) {
            job.finish(committed.clone());
        }
    }
}

/// Commits the jobs as one group, with a second attempt if the connection was lost before the COMMIT was sent.
fn commit_group(session: &mut dyn Session, jobs: &mut [Box<dyn Job>]) -> Result<(), Error> {
    let mut worked = work_through(session, jobs);
    if worked.is_err() {
        session.rollback();
        if session.recover() {
            worked = work_through(session, jobs);
        }
    }
    match worked {
        Ok(Done::Commit) => session.commit().inspect_err(|_| session.rollback()),
        Ok(Done::Nothing) => {
            session.rollback();
            Ok(())
        }
        Err(error) => {
            session.rollback();
            Err(error)
        }
    }
}

enum Done {
    /// There is something to commit.
    Commit,
    /// The only job failed; its caller gets its own error.
    Nothing,
}

fn work_through(session: &mut dyn Session, jobs: &mut [Box<dyn Job>]) -> Result<Done, Error> {
    session.begin()?;
    // A job that is alone has the whole transaction as its savepoint.
    if let [job] = jobs {
        return match run_job(session, job.as_mut())? {
            Ok(()) => Ok(Done::Commit),
            Err(_) => Ok(Done::Nothing),
        };
    }
    for job in jobs {
        session.script("SAVEPOINT job")?;
        match run_job(session, job.as_mut())? {
            Ok(()) => session.script("RELEASE SAVEPOINT job")?,
            Err(_) => session.script("ROLLBACK TO SAVEPOINT job; RELEASE SAVEPOINT job")?,
        }
    }
    Ok(Done::Commit)
}

/// The outer error is the group's: the transaction or the connection is gone. The inner one is the job's own.
fn run_job(session: &mut dyn Session, job: &mut dyn Job) -> Result<Result<(), Error>, Error> {
    let outcome = job.run(&mut Tx {
        session,
        failed: None,
    });
    match outcome {
        Err(error) if !session.intact() => Err(error),
        outcome => Ok(outcome),
    }
}
