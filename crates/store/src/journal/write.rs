//! One commit of one run, in the writer's thread.

use std::sync::Arc;

use super::{Committed, LONGEST_LINE, Line, Next, Progress, Rescheduled, Unread, place, row_of};
use crate::failpoint::{self, Fault};
use crate::{
    Begun, Error, NewRun, RunId, RunStatus, Shared, TableAnswer, Tx, Value, Vault, approvals,
    letters, listeners,
    runs::{self, record},
    schedules,
    settings::to_json,
    tables,
};

/// Seals what is to be written, outside the writer's thread.
pub(crate) struct Sealer<'a>(pub(crate) &'a Vault);

/// A step with everything sealed that can be sealed beforehand.
pub(crate) struct Prepared {
    progress: Arc<Progress>,
    lines: Vec<Sealed>,
    letters: Vec<Vec<u8>>,
    listeners: Vec<listeners::Prepared>,
    approvals: Vec<Vec<u8>>,
    gathered: Vec<Vec<u8>>,
    children: Vec<PreparedRun>,
    output: Option<Vec<u8>>,
    error: Option<Vec<u8>>,
}

/// A new run with everything sealed.
pub(crate) struct PreparedRun {
    run: NewRun,
    first: Prepared,
}

impl PreparedRun {
    pub(crate) fn run(&self) -> &NewRun {
        &self.run
    }
}

enum Sealed {
    Row(Vec<u8>),
    Blob(Vec<u8>),
    /// Known in the transaction only.
    Later,
}

impl Sealer<'_> {
    pub(crate) fn prepare_run(&self, mut run: NewRun) -> PreparedRun {
        let first = std::mem::replace(&mut run.first, Progress::new(run.id.clone(), 1, 0));
        PreparedRun {
            first: self.prepare(Arc::new(first)),
            run,
        }
    }

    pub(crate) fn prepare(&self, progress: Arc<Progress>) -> Prepared {
        let run = progress.run.as_str().to_owned();
        let lines = (progress.position..)
            .zip(&progress.lines)
            .map(|(position, line)| match line {
                Line::Recorded(line) => self.line(&run, position, &line.to_string()),
                Line::Table { .. } => Sealed::Later,
            })
            .collect();
        let letters = progress
            .letters
            .iter()
            .map(|letter| letters::seal(self.0, &letter.to, &letter.body))
            .collect();
        let listeners = progress
            .listeners
            .iter()
            .map(|listener| listeners::prepare(self.0, &run, listener))
            .collect();
        let approvals = progress
            .approvals
            .iter()
            .map(|approval| approvals::seal(self.0, approval))
            .collect();
        let gathered = progress
            .gathered
            .iter()
            .map(|gathering| gathering.seal(self.0))
            .collect();
        let (output, error) = match &progress.next {
            Next::End { output, error, .. } => (
                output
                    .as_ref()
                    .map(|value| record::seal(self.0, "output", &run, value)),
                error
                    .as_ref()
                    .map(|value| record::seal(self.0, "error", &run, value)),
            ),
            Next::Go { .. } | Next::Wait { .. } => (None, None),
        };
        let children = progress
            .children
            .iter()
            .map(|child| self.prepare_run(child.clone()))
            .collect();
        Prepared {
            progress,
            lines,
            letters,
            listeners,
            approvals,
            gathered,
            children,
            output,
            error,
        }
    }

    fn line(&self, run: &str, position: i64, line: &str) -> Sealed {
        let row = row_of(run, position);
        let sealed = self.0.seal(place(&row), line.as_bytes());
        if line.len() > LONGEST_LINE {
            Sealed::Blob(sealed)
        } else {
            Sealed::Row(sealed)
        }
    }
}

/// Stores a new run, unless its key says that it is not the first.
pub(crate) fn begin(
    tx: &mut Tx<'_>,
    shared: &Shared,
    prepared: &mut PreparedRun,
) -> Result<Begun, Error> {
    let now = shared.clock.now();
    let new = &prepared.run;
    if let Some(key) = &new.key
        && !runs::note_start(tx, now, &new.flow, key, &new.id)?
    {
        let first = tx.query_one(
            "SELECT run FROM starts WHERE flow = $1 AND start_key = $2",
            [new.flow.as_str().into(), key.as_str().into()],
        )?;
        let first = first.ok_or_else(|| Error::not_found("start", key))?;
        return Ok(Begun::Before(RunId::parse(first.text(0)?)?));
    }
    if let Some(firing) = &new.firing {
        schedules::fire(tx, now, &new.flow, firing, &new.id)?;
    }
    insert(tx, new, now)?;
    step(tx, shared, &mut prepared.first).map(Begun::Now)
}

fn insert(tx: &mut Tx<'_>, new: &NewRun, now: jiff::Timestamp) -> Result<(), Error> {
    let status = if new.owner.is_some() {
        RunStatus::Running
    } else {
        RunStatus::Pending
    };
    let inserted = tx.execute(
        "INSERT INTO runs (id, flow, version, digest, semantics, status, actor, cause, parent, parent_command, depth,
         retry_of, created_at, wake_at, owner, epoch)
         SELECT CAST($1 AS TEXT), id, CAST($3 AS BIGINT), CAST($4 AS TEXT), CAST($5 AS BIGINT), CAST($6 AS TEXT),
         CAST($7 AS TEXT), CAST($8 AS TEXT), CAST($9 AS TEXT), CAST($10 AS TEXT), CAST($11 AS BIGINT),
         CAST($12 AS TEXT), CAST($13 AS BIGINT), CAST($14 AS BIGINT), CAST($15 AS TEXT), 1
         FROM flows WHERE id = $2",
        [
            new.id.as_str().into(),
            new.flow.as_str().into(),
            new.version.into(),
            new.digest.as_str().into(),
            new.semantics.into(),
            status.as_str().into(),
            new.actor.as_str().into(),
            to_json(&new.trigger).into(),
            new.parent.as_ref().map(|parent| parent.run.as_str()).into(),
            new.parent.as_ref().map(|parent| parent.command.as_str()).into(),
            new.depth.into(),
            new.retry_of.as_ref().map(RunId::as_str).into(),
            now.into(),
            new.owner.is_none().then_some(now).into(),
            new.owner.clone().into(),
        ],
    )?;
    if inserted == 0 {
        return Err(Error::not_found("flow", &new.flow));
    }
    Ok(())
}

/// Stores a step, if whoever made it still owns the run.
pub(crate) fn commit(
    tx: &mut Tx<'_>,
    shared: &Shared,
    prepared: &mut Prepared,
) -> Result<Committed, Error> {
    let progress = &prepared.progress;
    // All writers of the installation take turns, so what is read here holds until the commit. By the key alone: with
    // more in the condition a plan that was made for an empty table takes another index, and reads it all later.
    let row = tx.query_one(
        "SELECT epoch, owner, ended_at FROM runs WHERE id = $1",
        [progress.run.as_str().into()],
    )?;
    let ours = match row {
        Some(row) => {
            row.int(0)? == progress.epoch && row.opt_text(1)?.is_some() && row.opt_int(2)?.is_none()
        }
        None => false,
    };
    if !ours && !failpoint::is_planted(Fault::LeaseWithoutFence) {
        return Err(fenced(&progress.run));
    }
    step(tx, shared, prepared)
}

fn fenced(run: &RunId) -> Error {
    Error::Fenced {
        run: run.to_string(),
    }
}

fn step(tx: &mut Tx<'_>, shared: &Shared, prepared: &mut Prepared) -> Result<Committed, Error> {
    let now = shared.clock.now();
    let mut committed = Committed::default();
    append(tx, shared, prepared, &mut committed.tables)?;
    let progress = Arc::clone(&prepared.progress);
    let run = progress.run.as_str();
    if let Some(until) = progress.read_until {
        tx.execute(
            "DELETE FROM letters WHERE run = $1 AND seq <= $2",
            [run.into(), until.into()],
        )?;
    }
    for command in &progress.forgotten {
        listeners::forget(tx, run, command)?;
        approvals::forget(tx, run, command)?;
    }
    for listener in &prepared.listeners {
        listeners::insert(tx, run, listener)?;
    }
    for (approval, sealed) in progress.approvals.iter().zip(&prepared.approvals) {
        approvals::insert(tx, run, approval, sealed, now)?;
    }
    for child in &mut prepared.children {
        adopt(tx, shared, child, &mut committed)?;
    }
    let told = letters::deliver(tx, &progress.letters, &prepared.letters, now)?;
    committed.told.extend(told);
    for (gathering, sealed) in progress.gathered.iter().zip(&prepared.gathered) {
        if !gathering.keep(tx, sealed)? {
            return Err(Error::conflict(
                "what a trigger gathers of flow",
                &gathering.flow,
            ));
        }
    }
    committed.unread = leave(tx, prepared, now)?;
    reschedule(tx, run, &progress.rescheduled)?;
    Ok(committed)
}

/// Sets the triggers of a run's flow that count from its end, which is in the table already.
fn reschedule(tx: &mut Tx<'_>, run: &str, rescheduled: &[Rescheduled]) -> Result<(), Error> {
    let Some(most) = rescheduled.iter().map(|trigger| trigger.times.len()).max() else {
        return Ok(());
    };
    let sql = "SELECT flow FROM runs WHERE id = $1";
    let Some(row) = tx.query_one(sql, [run.into()])? else {
        return Ok(());
    };
    let flow = row.text(0)?;
    let faults = runs::faults_in_a_row(tx, flow, most)?;
    for Rescheduled { trigger, times } in rescheduled {
        if let Some(at) = times.get(faults).or(times.last()) {
            schedules::set(tx, flow, trigger, *at)?;
        }
    }
    Ok(())
}

/// Starts a child, unless an earlier owner of its parent did so already.
fn adopt(
    tx: &mut Tx<'_>,
    shared: &Shared,
    child: &mut PreparedRun,
    committed: &mut Committed,
) -> Result<(), Error> {
    if let Some(parent) = &child.run.parent {
        let there = tx.query_one(
            "SELECT id FROM runs WHERE parent = $1 AND parent_command = $2",
            [parent.run.as_str().into(), parent.command.as_str().into()],
        )?;
        if there.is_some() {
            return Ok(());
        }
    }
    if let Begun::Now(of_child) = begin(tx, shared, child)? {
        committed.told.extend(of_child.told);
        committed.told.push(child.run.id.clone());
    }
    Ok(())
}

fn append(
    tx: &mut Tx<'_>,
    shared: &Shared,
    prepared: &Prepared,
    answers: &mut Vec<TableAnswer>,
) -> Result<(), Error> {
    let progress = &prepared.progress;
    let run = progress.run.as_str();
    let all = (progress.position..)
        .zip(&progress.lines)
        .zip(&prepared.lines);
    for ((position, line), sealed) in all {
        let made;
        let sealed = match (line, sealed) {
            (Line::Table { operation, line }, _) => {
                let answer = tables::operate(tx, shared, run, operation)?;
                made = Sealer(&shared.vault).line(run, position, &line(&answer).to_string());
                answers.push(answer);
                &made
            }
            (Line::Recorded(_), sealed) => sealed,
        };
        append_line(tx, progress, position, sealed)?;
    }
    Ok(())
}

fn append_line(
    tx: &mut Tx<'_>,
    progress: &Progress,
    position: i64,
    sealed: &Sealed,
) -> Result<(), Error> {
    let run = progress.run.as_str();
    let (in_row, blob): (Value, Option<(String, &[u8])>) = match sealed {
        Sealed::Row(sealed) => (sealed.clone().into(), None),
        Sealed::Blob(sealed) => (Value::Null, Some((row_of(run, position), sealed))),
        Sealed::Later => unreachable!("a table's line was sealed above"),
    };
    if let Some((id, sealed)) = &blob {
        tx.execute(
            "INSERT INTO blobs (id, run, sealed) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
            [id.as_str().into(), run.into(), (*sealed).into()],
        )?;
    }
    let appended = tx.execute(
        "INSERT INTO journal (run, position, epoch, sealed, blob) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
        [
            run.into(),
            position.into(),
            progress.epoch.into(),
            in_row,
            blob.map(|(id, _)| id).into(),
        ],
    )?;
    if appended == 0 {
        return Err(fenced(&progress.run));
    }
    Ok(())
}

fn leave(tx: &mut Tx<'_>, prepared: &Prepared, now: jiff::Timestamp) -> Result<Unread, Error> {
    let run = prepared.progress.run.as_str();
    match &prepared.progress.next {
        Next::Go { status: None } => {}
        Next::Go {
            status: Some(status),
        } => {
            tx.execute(
                "UPDATE runs SET status = $1, parked = NULL, parked_on = NULL WHERE id = $2",
                [status.as_str().into(), run.into()],
            )?;
        }
        Next::Wait {
            status,
            wake_at,
            parked,
        } => {
            let unread = tx.query_one(
                "SELECT seq FROM letters WHERE run = $1 LIMIT 1",
                [run.into()],
            )?;
            if unread.is_some() {
                return Ok(Unread::Yes);
            }
            let on = parked.iter().find_map(|parked| match &parked.reason {
                crate::ParkedFor::Connection { id, .. } => Some(id.as_str()),
                crate::ParkedFor::OutcomeUnknown { .. } => None,
            });
            tx.execute(
                "UPDATE runs SET status = $1, wake_at = $2, parked = $3, parked_on = $4, owner = NULL WHERE id = $5",
                [
                    status.as_str().into(),
                    (*wake_at).into(),
                    (!parked.is_empty()).then(|| to_json(parked)).into(),
                    on.into(),
                    run.into(),
                ],
            )?;
        }
        Next::End { status, .. } => {
            tx.execute(
                "UPDATE runs SET status = $1, ended_at = $2, wake_at = NULL, parked = NULL, parked_on = NULL,
                 owner = NULL, output = $3, error = $4 WHERE id = $5",
                [
                    status.as_str().into(),
                    now.into(),
                    prepared.output.clone().into(),
                    prepared.error.clone().into(),
                    run.into(),
                ],
            )?;
            for sql in [
                "DELETE FROM letters WHERE run = $1",
                "DELETE FROM heard WHERE run = $1",
                "DELETE FROM listeners WHERE run = $1",
                "DELETE FROM approvals WHERE run = $1 AND decided_at IS NULL",
            ] {
                tx.execute(sql, [run.into()])?;
            }
        }
    }
    Ok(Unread::No)
}
