//! Plain secrets in the journal of a run, sealed as every line is: a secret that is changed must not change what a run did.
//!
//! A run reads the values that were recorded last. They are recorded when it begins and, if they have changed, each time it is
//! taken up again: whoever waited for days goes on with what holds then, and a replay still sees what was read before.

use flow::machine::Secrets;
use flow::{Event, Recorded};
use jiff::Timestamp;
use store::Redactor;

/// The secrets that a journal names, in order; none in one whose flow reads no secrets, or that nobody has worked on.
pub(crate) fn recorded<'j>(
    journal: impl IntoIterator<Item = &'j Recorded>,
) -> impl Iterator<Item = &'j Secrets> {
    let lines = journal.into_iter();
    lines.filter_map(|line| match &line.event {
        Event::Secrets { values } => Some(values),
        _ => None,
    })
}

/// Takes out all that a run has read of secrets, which may be in its results though it holds no more, and what it would read now.
pub(crate) fn redactor<'s>(
    read: impl IntoIterator<Item = &'s Secrets>,
    now: &'s Secrets,
) -> Redactor {
    let all = read.into_iter().chain([now]);
    Redactor::new(all.flat_map(|secrets| secrets.0.values()))
}

/// What a replay begins with: what the journal names first, else what holds now.
pub(crate) fn first(journal: &[Recorded], now: &Secrets) -> Secrets {
    recorded(journal).next().unwrap_or(now).clone()
}

/// The line that is to be appended where what holds now is not what was recorded last.
pub(crate) fn change(last: Option<&Secrets>, now: &Secrets, at: Timestamp) -> Option<Recorded> {
    let same = match last {
        Some(last) => last == now,
        None => now.0.is_empty(),
    };
    (!same).then(|| Recorded {
        at,
        event: Event::Secrets {
            values: now.clone(),
        },
    })
}

/// Reads the lines of a journal.
pub(crate) fn read(lines: Vec<serde_json::Value>) -> Result<Vec<Recorded>, crate::Error> {
    let read = lines.into_iter().map(serde_json::from_value);
    read.collect::<Result<_, _>>()
        .map_err(|error| crate::Error::Invalid {
            what: "the journal of the run",
            why: error.to_string(),
        })
}
