//! What went on lately, by the hour: runs and calls, counted over all of them.
//!
//! A run counts in the hour in which it was stored, with the status that it has by now.

use jiff::{SignedDuration, Timestamp};

use crate::{Actor, Error, Role, RunStatus, Store};

/// An hour in microseconds, the unit of stored times.
const HOUR: i64 = 3_600_000_000;

/// What went on in one hour.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hour {
    /// When it began.
    pub at: Timestamp,
    /// The runs that were stored in it.
    pub runs: RunCounts,
    /// The calls that were begun in it.
    pub calls: CallCounts,
}

/// Runs, by what has become of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunCounts {
    /// All of them.
    pub started: i64,
    /// Those with an output.
    pub completed: i64,
    /// Those with an error.
    pub faulted: i64,
    /// Those that a person ended.
    pub cancelled: i64,
}

/// Calls, by what came back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CallCounts {
    /// All of them.
    pub made: i64,
    /// Those that the API asked to wait with: a 429, or no place within the time that it named.
    pub throttled: i64,
    /// The others without an answer, and those with a status from 400.
    pub failed: i64,
}

/// What went on lately.
pub struct Overview<'a>(pub(crate) &'a Store);

impl Overview<'_> {
    /// The last so many hours, oldest first; the last one is the hour that goes on.
    pub async fn hours(&self, actor: &Actor, count: u32) -> Result<Vec<Hour>, Error> {
        actor.require(Role::Viewer)?;
        let last = self.0.clock().now().as_microsecond().div_euclid(HOUR);
        let first = last + 1 - i64::from(count);
        let mut hours = Vec::new();
        for number in first..=last {
            let at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(number);
            hours.push(Hour {
                at,
                runs: RunCounts::default(),
                calls: CallCounts::default(),
            });
        }
        let place = |number: i64| usize::try_from(number - first).unwrap_or(usize::MAX);
        let rows = self.0.read(
            "SELECT created_at / 3600000000, status, COUNT(*) FROM runs WHERE created_at >= $1
             GROUP BY created_at / 3600000000, status",
            [(first * HOUR).into()],
        );
        for row in rows.await? {
            if let Some(hour) = hours.get_mut(place(row.int(0)?)) {
                hour.runs.add(RunStatus::parse(row.text(1)?)?, row.int(2)?);
            }
        }
        let rows = self.0.read(
            "SELECT at / 3600000000, COUNT(*),
             COUNT(CASE WHEN status = 429 OR code = 'upstream.throttled' THEN 1 END),
             COUNT(CASE WHEN status IS NULL OR status >= 400 THEN 1 END)
             FROM calls WHERE at >= $1 GROUP BY at / 3600000000",
            [(first * HOUR).into()],
        );
        for row in rows.await? {
            if let Some(hour) = hours.get_mut(place(row.int(0)?)) {
                let throttled = row.int(2)?;
                hour.calls = CallCounts {
                    made: row.int(1)?,
                    throttled,
                    failed: row.int(3)? - throttled,
                };
            }
        }
        Ok(hours)
    }
}

impl RunCounts {
    fn add(&mut self, status: RunStatus, count: i64) {
        self.started += count;
        match status {
            RunStatus::Completed => self.completed += count,
            RunStatus::Faulted => self.faulted += count,
            RunStatus::Cancelled => self.cancelled += count,
            RunStatus::Pending
            | RunStatus::Running
            | RunStatus::Waiting
            | RunStatus::Suspended
            | RunStatus::Parked => {}
        }
    }
}
