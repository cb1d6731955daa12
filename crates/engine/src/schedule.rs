//! When a trigger means its flow to start. Pure: time comes in, times come out; who fires when is `local/fire.rs`.
//!
//! A nominal time names a start for ever, so that it is made once. A time in the hour that a zone skips fires at the end of the
//! gap, unless it is one of those that come all the time (`*` or a step in minutes or hours), which just go on; in the hour that
//! a zone repeats, a time fires the first time only.

use croner::Cron;
use croner::parser::CronParser;
use flow::definition::schedule::CatchUp;
use flow::definition::{Schedule, Trigger};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use store::Rescheduled;

/// How late a start may be and still count as in time.
const GRACE: SignedDuration = SignedDuration::from_secs(60);
/// What the pause of a flow that starts after its end grows to, as long as its runs fault.
const LONGEST_PAUSE: SignedDuration = SignedDuration::from_hours(1);
/// How many missed times are reported in one go.
const AT_ONCE: usize = 1_000;
/// How many times of a repeated hour are passed over: one for each of its minutes.
const TWICE: usize = 200;

/// What is to be done about a trigger that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The time for which a run is started.
    pub serve: Option<Timestamp>,
    /// Times for which none is.
    pub missed: Vec<Timestamp>,
    /// The trigger's next time.
    pub next: Option<Timestamp>,
}

/// Names a trigger among those of its flow; another time or zone is another trigger.
pub fn key(trigger: &Trigger, zone: &str) -> String {
    match trigger {
        Trigger::Cron(pattern) => format!("cron {pattern} {zone}"),
        Trigger::Every(length) => format!("every {}", length.as_millis()),
        Trigger::After(length) => format!("after {}", length.as_millis()),
        Trigger::On { .. } => "on".to_owned(),
    }
}

/// The triggers of a schedule with their first times, as of now.
pub fn first(schedule: &Schedule, now: Timestamp) -> Vec<(String, Option<Timestamp>)> {
    let zone = &schedule.time_zone;
    let first = |trigger: &Trigger| match trigger {
        // Counted from the deployment: no run has ended yet.
        Trigger::After(length) => now.checked_add(*length).ok(),
        Trigger::On { .. } => None,
        timed => following(timed, zone, now),
    };
    let triggers = schedule.triggers.iter();
    triggers
        .map(|trigger| (key(trigger, zone), first(trigger)))
        .collect()
}

/// A trigger of a schedule and its coming times.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coming {
    /// Which of the flow's triggers.
    pub trigger: String,
    /// When it fires next, soonest first; of one that counts from the end of a run the first time alone.
    pub times: Vec<Timestamp>,
}

/// The triggers of a schedule with their next times, as of now.
pub fn coming(schedule: &Schedule, now: Timestamp, count: usize) -> Vec<Coming> {
    let triggers = first(schedule, now).into_iter().zip(&schedule.triggers);
    triggers
        .map(|((name, first), trigger)| {
            let all = Times::of(trigger, &schedule.time_zone);
            let times = std::iter::successors(first, |at| all.following(*at));
            Coming {
                trigger: name,
                times: times.take(count).collect(),
            }
        })
        .collect()
}

/// The triggers that count from the end of a run, for one that ends now. After a fault the pause is twice as long as
/// before, up to [`LONGEST_PAUSE`]: what fails at once must not fail all day.
pub fn after_end(schedule: &Schedule, now: Timestamp) -> Vec<Rescheduled> {
    let triggers = schedule.triggers.iter();
    triggers
        .filter_map(|trigger| match trigger {
            Trigger::After(length) => Some(Rescheduled {
                trigger: key(trigger, &schedule.time_zone),
                times: pauses(*length)
                    .map_while(|pause| now.checked_add(pause).ok())
                    .collect(),
            }),
            _ => None,
        })
        .collect()
}

/// The pauses after no, one, two, … faults in a row.
fn pauses(length: SignedDuration) -> impl Iterator<Item = SignedDuration> {
    std::iter::successors(Some(length), |pause| {
        (*pause < LONGEST_PAUSE).then(|| pause.saturating_mul(2).min(LONGEST_PAUSE))
    })
}

/// The times of a trigger, ready to be asked for.
enum Times {
    Every(SignedDuration),
    Cron(Box<Cron>, TimeZone, Skipped),
    /// It has none of its own.
    None,
}

/// What becomes of times that a zone's clock never shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Skipped {
    AtEndOfGap,
    PassedOver,
}

impl Skipped {
    fn of(pattern: &str) -> Skipped {
        let mut clock = pattern.split_whitespace().take(2);
        if clock.any(|field| field.contains(['*', '/'])) {
            Skipped::PassedOver
        } else {
            Skipped::AtEndOfGap
        }
    }
}

impl Times {
    fn of(trigger: &Trigger, zone: &str) -> Times {
        match trigger {
            Trigger::Every(length) => Times::Every(*length),
            Trigger::After(_) | Trigger::On { .. } => Times::None,
            // Both were checked when the flow was read.
            Trigger::Cron(pattern) => match (CronParser::new().parse(pattern), TimeZone::get(zone))
            {
                (Ok(cron), Ok(zone)) => Times::Cron(Box::new(cron), zone, Skipped::of(pattern)),
                _ => Times::None,
            },
        }
    }

    /// The first time after another time.
    fn following(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Times::Every(length) => after.checked_add(*length).ok(),
            Times::None => None,
            Times::Cron(cron, zone, skipped) => {
                let next = shown(cron, zone, after)?;
                let made_up = match skipped {
                    Skipped::AtEndOfGap => end_of_gap(cron, zone, (after, next)),
                    Skipped::PassedOver => None,
                };
                Some(made_up.unwrap_or(next))
            }
        }
    }
}

/// The first time after another that the zone's clock shows.
fn shown(cron: &Cron, zone: &TimeZone, after: Timestamp) -> Option<Timestamp> {
    let mut from = after.to_zoned(zone.clone());
    // In the hour that is repeated the clock shows a time twice; the second does not count.
    for _ in 0..TWICE {
        let next = cron.find_next_occurrence(&from, false).ok()?;
        let at = next.timestamp();
        if at > after && is_first(&next) {
            return Some(at);
        }
        from = next;
    }
    None
}

/// The end of the first gap between two moments that holds a time of the pattern.
fn end_of_gap(
    cron: &Cron,
    zone: &TimeZone,
    (after, next): (Timestamp, Timestamp),
) -> Option<Timestamp> {
    let changes = zone.following(after).map(|change| change.timestamp());
    changes.take_while(|change| *change < next).find(|change| {
        let shows = |moment: Timestamp| zone.to_offset(moment).to_datetime(*change);
        let Ok(before) = change.checked_sub(SignedDuration::from_nanos(1)) else {
            return false;
        };
        // The clock jumps from one to the other; what lies between them is no time of the zone, but one of UTC's.
        let (from, to) = (shows(before), shows(*change));
        from < to
            && from.to_zoned(TimeZone::UTC).is_ok_and(|from| {
                let first = cron.find_next_occurrence(&from, true);
                first.is_ok_and(|first| first.datetime() < to)
            })
    })
}

/// The first time of a trigger after another time.
pub fn following(trigger: &Trigger, zone: &str, after: Timestamp) -> Option<Timestamp> {
    Times::of(trigger, zone).following(after)
}

/// Whether a clock shows this time for the first time.
fn is_first(at: &jiff::Zoned) -> bool {
    let civil = at.datetime();
    at.time_zone()
        .to_ambiguous_timestamp(civil)
        .earlier()
        .is_ok_and(|earlier| earlier >= at.timestamp())
}

/// What is to be done about a trigger that was due at `due`, now.
pub fn due(schedule: &Schedule, trigger: &Trigger, due: Timestamp, now: Timestamp) -> Due {
    let zone = &schedule.time_zone;
    let mut times = vec![due];
    let all = Times::of(trigger, zone);
    let mut next = all.following(due);
    while let Some(at) = next.filter(|at| *at <= now) {
        if times.len() >= AT_ONCE {
            // The rest is dealt with next.
            return Due {
                serve: None,
                missed: times,
                next,
            };
        }
        times.push(at);
        next = all.following(at);
    }
    let last = times.last().copied().unwrap_or(due);
    let in_time = now.duration_since(last) <= GRACE;
    let serve =
        in_time || schedule.catch_up == CatchUp::One || matches!(trigger, Trigger::After(_));
    if serve {
        times.pop();
    }
    Due {
        serve: serve.then_some(last),
        missed: times,
        next,
    }
}

#[cfg(test)]
mod tests;
